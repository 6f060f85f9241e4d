"""Which token may come next."""

import pytest
import torch

from gk_utils.kosmos2.grounded_text import parse_grounded
from gk_utils.kosmos2.hyperlink_grammar import HyperlinkGrammar
from gk_utils.kosmos2.kosmos_samples import first_place, kosmos_tokens, question_prompt

TOKENS = kosmos_tokens()
GROUNDED = torch.tensor([[TOKENS.start, TOKENS.ids["<grounding>"]]])
PLACES = {f"<patch_index_{number:04d}>" for number in range(1024)}


def may_follow(text: str, prompt: torch.Tensor = GROUNDED) -> set[str]:
    written = torch.tensor([TOKENS.encode(text)], dtype=torch.long).view(1, -1)
    return {TOKENS.spellings[number] for number in HyperlinkGrammar(prompt)(written)[0].nonzero().flatten().tolist()}


class TestHyperlinkGrammar:
    def test_between_phrases(self):
        found = may_follow("a mug is on")
        assert {"<phrase>", "<end>", "mug", "."} <= found
        assert not found & (PLACES | {"<object>", "</object>", "</phrase>", "<pad>", "<start>", "<grounding>"})

    def test_in_a_phrase(self):
        assert "</phrase>" not in may_follow("<phrase>")
        found = may_follow("<phrase>a mug")
        assert "</phrase>" in found
        assert not found & {"<phrase>", "<end>"}

    def test_boxes(self):
        assert may_follow("<phrase>mug</phrase>") == {"<object>"}
        assert may_follow("<phrase>mug</phrase><object>") == PLACES
        pair = "<phrase>mug</phrase><object><patch_index_0991><patch_index_1023>"
        assert may_follow(pair) == {"</object>", "</delimiter_of_multi_objects/>"}
        assert may_follow(pair + "</delimiter_of_multi_objects/>") == PLACES

    def test_the_second_corner_is_behind_the_first(self):
        found = may_follow("<phrase>mug</phrase><object><patch_index_0990>")
        assert found == {"<patch_index_0990>", "<patch_index_0991>", "<patch_index_1022>", "<patch_index_1023>"}

    def test_words_alone_without_grounding(self):
        prompt = torch.tensor([question_prompt("Is there a mug?")])
        found = may_follow("", prompt)
        assert "yes" in found
        assert not any(word.startswith("<") and word != "<end>" for word in found)

    def test_after_one_token_and_after_the_token_behind_the_places(self):
        first = torch.tensor([[TOKENS.ids["<grounding>"]]])
        assert may_follow("", first) == may_follow("")
        behind = torch.tensor([[first_place() + len(PLACES)]])
        assert torch.equal(HyperlinkGrammar(GROUNDED)(behind), HyperlinkGrammar(GROUNDED)(behind + 1))

    @pytest.mark.parametrize("seed", range(8))
    def test_whatever_it_lets_through_can_be_read(self, seed):
        """Random walks, which end when they may."""
        generator = torch.Generator().manual_seed(seed)
        grammar, written = HyperlinkGrammar(GROUNDED), torch.zeros(1, 0, dtype=torch.long)
        for _ in range(40):
            allowed = grammar(written)[0].float()
            tags = torch.ones(len(allowed))
            tags[: first_place()] = 60.0  # tags are rare among 1,300 tokens
            token = torch.multinomial(allowed * tags, 1, generator=generator)
            written = torch.cat([written, token[None]], 1)
            if int(token) == TOKENS.end:
                break
        if int(written[0, -1]) == TOKENS.end:
            assert parse_grounded(TOKENS.decode([*GROUNDED[0].tolist(), *written[0].tolist()])).problems == ()
