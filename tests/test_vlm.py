"""The tiny vision-language model: equal to transformers' Llama, with and without a cache; greedy, beams, rules."""

import itertools

import pytest
import torch
from torch.nn import functional

from gk_utils.models.vlm import Cache, VisionLanguageModel, VLMSettings, rotate, rotations

SETTINGS = VLMSettings(tokens=11, feature_width=6, width=16, heads=2, layers=3, inner=24)
END = 0


def draw(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def model() -> VisionLanguageModel:
    """Random weights, larger than fresh ones: next tokens then really depend on what was seen."""
    model = VisionLanguageModel(SETTINGS).eval()
    for index, parameter in enumerate(model.parameters()):
        parameter.data = 0.5 * draw(*parameter.shape, seed=index) + (parameter.ndim == 1)
    return model


@pytest.fixture(scope="module")
def llama(model: VisionLanguageModel):
    """transformers' Llama with the decoder's weights."""
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=SETTINGS.tokens,
        hidden_size=SETTINGS.width,
        intermediate_size=SETTINGS.inner,
        num_hidden_layers=SETTINGS.layers,
        num_attention_heads=SETTINGS.heads,
        max_position_embeddings=64,
        rms_norm_eps=1e-6,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=None,
        pad_token_id=None,
    )
    theirs = LlamaForCausalLM(config).eval()
    weights = {"model.embed_tokens.weight": model.embedding.weight, "model.norm.weight": model.norm.weight}
    names = {
        **{"norm_attention": "input_layernorm", "norm_inner": "post_attention_layernorm"},
        **{"query": "self_attn.q_proj", "key": "self_attn.k_proj", "value": "self_attn.v_proj"},
        **{"project": "self_attn.o_proj", "gate": "mlp.gate_proj", "up": "mlp.up_proj", "down": "mlp.down_proj"},
    }
    for (index, layer), (mine, other) in itertools.product(enumerate(model.layers), names.items()):
        weights[f"model.layers.{index}.{other}.weight"] = getattr(layer, mine).weight
    missing, unknown = theirs.load_state_dict(weights, strict=False)
    assert (missing, unknown) == (["lm_head.weight"], [])  # tied to the embedding
    return theirs


def inputs(model: VisionLanguageModel, features: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
    return torch.cat([model.projector(features), model.embedding(tokens)], 1)


class TestForward:
    def test_equals_transformers(self, model: VisionLanguageModel, llama):
        features, tokens = draw(3, 5, 6), torch.arange(12).view(3, 4) % 11
        mine = model(features, tokens)
        theirs = llama(inputs_embeds=inputs(model, features, tokens)).logits[:, 5:]
        torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-4)
        assert mine.std() > 1  # the weights are not so small that all logits agree

    def test_equals_transformers_with_padding_and_in_gradient(self, model: VisionLanguageModel, llama):
        features, tokens = draw(2, 5, 6).requires_grad_(), torch.tensor([[1, 2, 3], [4, 5, 6]])
        seen = torch.tensor([[True] * 5, [True, True, True, False, False]])
        whole = torch.cat([seen, torch.ones(2, 3, dtype=torch.bool)], 1)
        mine = model(features, tokens, seen)
        embedded = inputs(model, features, tokens)
        places = (whole.cumsum(1) - 1).clamp(min=0)
        theirs = llama(inputs_embeds=embedded, attention_mask=whole.long(), position_ids=places).logits[:, 5:]
        torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-4)
        gradients = [
            torch.autograd.grad(logits.square().mean(), features, retain_graph=True)[0] for logits in (mine, theirs)
        ]
        torch.testing.assert_close(*gradients, rtol=1e-4, atol=1e-5)
        assert (gradients[0][1, 3:] == 0).all()
        assert (gradients[0][1, :3] != 0).any()

    def test_padding_changes_nothing_however_long(self, model: VisionLanguageModel):
        features, tokens = draw(1, 3, 6), torch.tensor([[1, 2]])
        padded = torch.cat([features, draw(1, 4, 6, seed=1)], 1)
        seen = torch.tensor([[True] * 3 + [False] * 4])
        torch.testing.assert_close(model(padded, tokens, seen), model(features, tokens))

    def test_a_token_cannot_see_those_after_it(self, model: VisionLanguageModel):
        features = draw(1, 3, 6)
        first, second = (model(features, torch.tensor([[1, 2, last]])) for last in (3, 4))
        torch.testing.assert_close(first[:, :2], second[:, :2])
        assert not torch.allclose(first[:, 2], second[:, 2])

    def test_sizes_that_do_not_go_together(self):
        with pytest.raises(ValueError, match="settings: expected .* got 5 tokens, width 12 and 4 heads"):
            VisionLanguageModel(VLMSettings(tokens=5, feature_width=3, width=12, heads=4))


class TestCache:
    def test_piece_by_piece_equals_at_once(self, model: VisionLanguageModel):
        x = draw(2, 7, 16)
        seen = torch.tensor([[True] * 7, [False, True, True, False, True, True, True]])
        cache, pieces = Cache(), []
        for start, end in ((0, 3), (3, 4), (4, 7)):
            pieces.append(model.decode(x[:, start:end], seen[:, start:end], cache))
        torch.testing.assert_close(torch.cat(pieces, 1), model.decode(x, seen), rtol=1e-5, atol=1e-5)

    def test_rows_are_taken_in_order(self, model: VisionLanguageModel):
        x, seen = draw(3, 4, 16), torch.ones(3, 4, dtype=torch.bool)
        cache = Cache()
        model.decode(x[:, :3], seen[:, :3], cache)
        rows = torch.tensor([2, 0, 2])
        cache.take(rows)
        went_on = model.decode(x[rows, 3:], seen[rows, 3:], cache)
        torch.testing.assert_close(went_on, model.decode(x, seen)[rows, 3:], rtol=1e-5, atol=1e-5)


def likeliest(
    model: VisionLanguageModel, features: torch.Tensor, steps: int, end: int | None
) -> tuple[list[int], float]:
    """Try every text of this length, all in one batch."""
    texts = [
        text
        for text in itertools.product(range(SETTINGS.tokens), repeat=steps)
        if end not in text or set(text[text.index(end) :]) == {end}
    ]
    tokens = torch.tensor([(1, *text) for text in texts])
    with torch.no_grad():
        scores = model(features.expand(len(texts), -1, -1), tokens[:, :-1]).log_softmax(-1)
    scores = scores.gather(2, tokens[:, 1:, None]).squeeze(2)
    if end is not None:
        after = (tokens[:, 1:] == end).cumsum(1) > 1
        scores = scores.masked_fill(after, 0.0)
    best = int(scores.sum(1).argmax())
    return list(texts[best]), float(scores[best].sum())


class TestWrite:
    prompt = torch.tensor([[1], [2], [3]])

    def test_greedy_equals_the_slow_loop(self, model: VisionLanguageModel):
        features, seen = draw(3, 5, 6), torch.tensor([[True] * 5, [True] * 4 + [False], [True] * 2 + [False] * 3])
        written = model.write(features, self.prompt, 6, seen)
        tokens = self.prompt
        for step in range(6):
            logits = model(features, tokens, seen)[:, -1]
            torch.testing.assert_close(written.logits[:, step], logits, rtol=1e-4, atol=1e-4)
            tokens = torch.cat([tokens, logits.argmax(1, keepdim=True)], 1)
        assert written.tokens.tolist() == tokens[:, 1:].tolist()
        assert len(set(map(tuple, written.tokens.tolist()))) == 3
        chosen = written.logits.log_softmax(-1).gather(2, written.tokens[..., None]).sum((1, 2))
        torch.testing.assert_close(written.log_probability, chosen)

    @pytest.mark.parametrize("beams", [1, 3])
    def test_equals_transformers(self, model: VisionLanguageModel, llama, beams: int):
        features = draw(3, 5, 6)
        theirs = llama.generate(
            inputs_embeds=inputs(model, features, self.prompt),
            attention_mask=torch.ones(3, 6, dtype=torch.long),
            num_beams=beams,
            do_sample=False,
            max_new_tokens=5,
            min_new_tokens=5,
            pad_token_id=0,
        )
        assert model.write(features, self.prompt, 5, beams=beams).tokens.tolist() == theirs.tolist()

    @pytest.mark.parametrize("end", [None, END])
    def test_enough_beams_find_the_likeliest_text(self, model: VisionLanguageModel, end: int | None):
        for seed in range(4):
            features = draw(1, 3, 6, seed=seed)
            text, score = likeliest(model, features, 3, end)
            written = model.write(features, torch.tensor([[1]]), 3, beams=121, end=end)
            assert written.tokens[0].tolist() == text[: written.tokens.shape[1]]
            assert float(written.log_probability[0]) == pytest.approx(score, abs=1e-4)

    def test_more_beams_are_never_worse_here_and_once_better(self, model: VisionLanguageModel):
        features, prompt = draw(40, 5, 6), torch.ones(40, 1, dtype=torch.long)
        one, many = (model.write(features, prompt, 4, beams=beams).log_probability for beams in (1, 121))
        assert (many >= one - 1e-4).all()
        assert (many > one + 0.1).any()

    def test_an_end_token_ends(self, model: VisionLanguageModel):
        features, prompt = draw(40, 5, 6), torch.ones(40, 1, dtype=torch.long)
        written = model.write(features, prompt, 8, end=END)
        free = model.write(features, prompt, 8)
        assert (written.tokens == END).any()
        assert (free.tokens != written.tokens).any()
        for mine, other in zip(written.tokens.tolist(), free.tokens.tolist(), strict=True):
            length = mine.index(END) + 1 if END in mine else 8
            assert mine[:length] == other[:length]
            assert set(mine[length:]) <= {END}

    def test_a_batch_that_has_ended_stops_early(self, model: VisionLanguageModel):
        def only_the_end(written: torch.Tensor) -> torch.Tensor:
            return torch.arange(SETTINGS.tokens).expand(len(written), -1) == END

        written = model.write(draw(2, 5, 6), self.prompt[:2], 8, allowed=only_the_end, end=END)
        assert written.tokens.tolist() == [[END], [END]]
        assert written.logits.shape == (2, 1, 11)

    @pytest.mark.parametrize("beams", [1, 4])
    def test_what_is_not_allowed_is_never_written(self, model: VisionLanguageModel, beams: int):
        def rising(written: torch.Tensor) -> torch.Tensor:
            least = written[:, -1] + 1 if written.shape[1] else torch.zeros(len(written), dtype=torch.long)
            return torch.arange(SETTINGS.tokens) >= least[:, None]

        def room_left(written: torch.Tensor) -> torch.Tensor:
            most = SETTINGS.tokens - 4 + written.shape[1]
            return rising(written) & (torch.arange(SETTINGS.tokens) <= most)

        features, prompt = draw(20, 5, 6), torch.ones(20, 1, dtype=torch.long)
        tokens = model.write(features, prompt, 4, allowed=room_left, beams=beams).tokens
        assert (tokens.diff(dim=1) > 0).all()
        assert not (model.write(features, prompt, 4, beams=beams).tokens.diff(dim=1) > 0).all()

    def test_nothing_allowed(self, model: VisionLanguageModel):
        def nothing_third(written: torch.Tensor) -> torch.Tensor:
            return torch.full((len(written), SETTINGS.tokens), written.shape[1] < 2)

        with pytest.raises(ValueError, match="allowed: expected at least one token at step 2, got none"):
            model.write(draw(2, 5, 6), self.prompt[:2], 4, allowed=nothing_third)

    @pytest.mark.parametrize(("prompt", "steps", "beams"), [(0, 1, 1), (1, 0, 1), (1, 1, 0)])
    def test_nothing_to_do(self, model: VisionLanguageModel, prompt: int, steps: int, beams: int):
        with pytest.raises(ValueError, match="prompt, steps, beams: expected at least 1 of each"):
            model.write(draw(2, 5, 6), self.prompt[:2, :prompt], steps, beams=beams)


class TestRotations:
    def test_a_product_knows_only_the_distance(self):
        settings = VLMSettings(tokens=1, feature_width=1, width=16, heads=2)
        query, key = draw(1, 2, 1, 8), draw(1, 2, 1, 8, seed=1)

        def product(at: int, other: int) -> torch.Tensor:
            turned = (rotate(x, rotations(torch.tensor([[n]]), settings)) for x, n in ((query, at), (key, other)))
            return (next(turned) * next(turned)).sum(-1)

        torch.testing.assert_close(product(7, 3), product(24, 20), rtol=1e-4, atol=1e-4)
        assert not torch.allclose(product(7, 3), product(8, 3))


def test_it_learns_to_copy_what_it_sees():
    """Which of four features is there, as a token: solved after a few steps, by the gradient through every part."""
    torch.manual_seed(0)
    model = VisionLanguageModel(VLMSettings(tokens=6, feature_width=4, width=16, heads=2, layers=1, inner=16))
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    target = torch.arange(4)
    for _ in range(60):
        loss = functional.cross_entropy(model(torch.eye(4)[:, None], torch.full((4, 1), 5))[:, 0], target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert all(parameter.grad.abs().sum() > 0 for parameter in model.parameters())
    assert model.write(torch.eye(4)[:, None], torch.full((4, 1), 5), 1).tokens[:, 0].tolist() == [0, 1, 2, 3]
