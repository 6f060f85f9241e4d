import pytest
import tiny_models
import torch

from gk_utils import hub
from gk_utils.hub.half_precision import to_picture
from gk_utils.hub.hub_errors import HubError
from gk_utils.hub.written_answers import write_tokens


def asked(**options):
    kosmos = hub.load("kosmos-2", "cpu", folder=tiny_models.folder("kosmos2"), **options).loaded
    return kosmos, kosmos.processor(
        images=to_picture(tiny_models.image()), text="<grounding>a cat", return_tensors="pt"
    )


class TestWriteTokens:
    def test_the_prompt_and_so_many_more(self):
        kosmos, batch = asked()
        tokens = write_tokens(kosmos, batch, 5)
        start = batch["input_ids"].shape[1]
        assert torch.equal(tokens[:start], batch["input_ids"][0])
        assert 1 <= len(tokens) - start <= 5

    def test_greedy_as_transformers_writes(self):
        kosmos, batch = asked()
        with torch.no_grad():
            wanted = kosmos.model.generate(**batch, max_new_tokens=5, do_sample=False)[0]
        assert torch.equal(write_tokens(kosmos, batch, 5), wanted)

    def test_words_from_numbers_that_are_not_finite_are_not_believed(self, capsys):
        """Greedy decoding of infinite logits writes something all the same."""
        kosmos, batch = asked(dtype=torch.float16)
        with torch.no_grad():
            kosmos.model.text_model.lm_head.weight.fill_(6e4)
            kosmos.model.text_model.model.layer_norm.weight.fill_(6e4)
        tokens = write_tokens(kosmos, batch, 2)
        assert "Going on in float32" in capsys.readouterr().out
        assert torch.equal(tokens, write_tokens(asked()[0], batch, 2))
        with torch.no_grad():
            kosmos.model.text_model.lm_head.weight.fill_(torch.nan)
        with pytest.raises(HubError, match="not finite, even in float32"):
            write_tokens(kosmos, batch, 2)
