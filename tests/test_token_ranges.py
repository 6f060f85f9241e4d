import pytest
import torch
from torch import tensor

from gk_utils.box_tokens.token_ranges import TOKEN_RANGES, decode_ids, encode_ids


class TestTokenRanges:
    @pytest.mark.parametrize("model", TOKEN_RANGES)
    def test_lies_in_its_vocabulary(self, model):
        row = TOKEN_RANGES[model]
        assert row.first_id + row.count <= row.vocabulary_size

    def test_what_follows_the_range(self):
        """Kosmos-2 and OFA end with it; PaliGemma has 128 mask tokens behind it, Florence-2 twenty tags."""
        after = {name: row.vocabulary_size - row.first_id - row.count for name, row in TOKEN_RANGES.items()}
        assert after == {"pix2seq": 1000, "ofa": 0, "kosmos2": 0, "paligemma": 128, "florence2": 20}

    def test_tokens_a_box(self):
        assert {name: row.per_box for name, row in TOKEN_RANGES.items()} == {
            **{"pix2seq": 4, "ofa": 4, "kosmos2": 2, "paligemma": 4, "florence2": 4}
        }

    def test_spelling(self):
        spelt = {name: row.spell(7) for name, row in TOKEN_RANGES.items()}
        assert spelt == {
            **{"pix2seq": "7", "ofa": "<bin_7>", "kosmos2": "<patch_index_0007>"},
            **{"paligemma": "<loc0007>", "florence2": "<loc_7>"},
        }


class TestEncodeIds:
    def test_a_generation_of_the_published_model(self):
        """What Kosmos-2 wrote for a snowman and a fire in transformers' own test of the published weights."""
        assert encode_ids(tensor([44, 863, 5, 911]), "kosmos2").tolist() == [64057, 64876, 64018, 64924]

    @pytest.mark.parametrize("model", TOKEN_RANGES)
    def test_round_trip(self, model):
        every = torch.arange(TOKEN_RANGES[model].count)
        assert torch.equal(decode_ids(encode_ids(every, model), model), every)

    def test_errors(self, unhooked):
        with pytest.raises(ValueError, match="tokens: expected 0 to 999, got 1000. ofa has 1000"):
            encode_ids(tensor([0, 1000]), "ofa")
        with pytest.raises(ValueError, match="model: expected one of 'pix2seq'"):
            encode_ids(tensor([0]), "shikra")


class TestDecodeIds:
    @pytest.mark.parametrize("number", [58456, 59457])
    def test_errors(self, unhooked, number):
        with pytest.raises(ValueError, match=f"ids: expected 58457 to 59456, got {number}. Other ids of ofa"):
            decode_ids(tensor([number]), "ofa")
