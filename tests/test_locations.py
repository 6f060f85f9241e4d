from dataclasses import replace

import pytest
import torch
from torch import tensor

from gk_utils.box_tokens.locations import (
    FLORENCE2,
    OFA,
    PALIGEMMA,
    decode_locations,
    encode_locations,
    parse_locations,
    render_locations,
)

HW = (480, 640)
BOX = tensor([[150.0, 100.0, 400.0, 350.0]])
EVERY = [OFA, PALIGEMMA, FLORENCE2]
names = pytest.mark.parametrize("codec", EVERY, ids=lambda codec: codec.model)


class TestEncodeLocations:
    def test_one_box_by_hand(self):
        """640 x 480: .234375, .208333, .625, .729167 of the sides, times 999 or 1023 rounded, times 1000 cut off."""
        assert encode_locations(BOX, HW, OFA).tolist() == [[234, 208, 624, 728]]
        assert encode_locations(BOX, HW, PALIGEMMA).tolist() == [[213, 240, 746, 639]]
        assert encode_locations(BOX, HW, FLORENCE2).tolist() == [[234, 208, 625, 729]]

    def test_ofa_pretraining_uses_three_quarters_of_its_bins(self):
        """The picture is 384 of the 512 pixels: the far corner is bin round(0.75 * 999)."""
        corner = tensor([[0.0, 0.0, 640.0, 480.0]])
        codec = replace(OFA, fill=384 / 512)
        assert encode_locations(corner, HW, codec).tolist() == [[0, 0, 749, 749]]
        assert (decode_locations(tensor([[0, 0, 749, 749]]), HW, codec) - corner).abs().max() < 0.5

    @names
    def test_outside_is_an_error(self, unhooked, codec):
        with pytest.raises(ValueError, match="inside the picture"):
            encode_locations(BOX + 300, HW, codec)
        with pytest.raises(ValueError, match="inside the picture"):
            encode_locations(BOX + 300, HW, replace(codec, fill=0.5))


class TestDecodeLocations:
    def test_order_is_undone(self):
        tokens = tensor([[0, 512, 1023, 1023]])  # y1 x1 y2 x2
        assert decode_locations(tokens, (1023, 2046), PALIGEMMA).tolist() == [[1024, 0, 2046, 1023]]

    @names
    def test_round_trip_stays_in_the_bound(self, codec):
        generator = torch.Generator().manual_seed(0)
        corners = torch.rand(500, 2, 2, generator=generator).sort(1).values.reshape(500, 4)
        boxes = corners * tensor([640.0, 480.0, 640.0, 480.0])
        error = (decode_locations(encode_locations(boxes, HW, codec), HW, codec) - boxes).abs()
        assert error[:, 0::2].max() <= codec.bins.worst_error(640) + 1e-4
        assert error[:, 1::2].max() <= codec.bins.worst_error(480) + 1e-4

    @names
    def test_no_such_token(self, unhooked, codec):
        with pytest.raises(ValueError, match=f"got {codec.bins.count}"):
            decode_locations(tensor([[0, 0, codec.bins.count, codec.bins.count]]), HW, codec)

    @names
    def test_inverted_is_an_error(self, unhooked, codec):
        with pytest.raises(ValueError, match="x1 <= x2"):
            decode_locations(tensor([[9, 9, 1, 1]]), HW, codec)


class TestRenderLocations:
    def test_as_the_models_write(self):
        tokens = tensor([[1, 2, 3, 45]])
        assert render_locations(tokens, OFA) == "<bin_1> <bin_2> <bin_3> <bin_45>"
        assert render_locations(tokens, PALIGEMMA) == "<loc0001><loc0002><loc0003><loc0045>"
        assert render_locations(tokens, FLORENCE2) == "<loc_1><loc_2><loc_3><loc_45>"

    def test_no_boxes(self):
        assert render_locations(torch.zeros(0, 4, dtype=torch.long), OFA) == ""

    def test_no_such_token(self, unhooked):
        with pytest.raises(ValueError, match="got 1024"):
            render_locations(tensor([[0, 0, 0, 1024]]), PALIGEMMA)


class TestParseLocations:
    @names
    def test_undoes_render(self, codec):
        tokens = tensor([[1, 2, 3, 4], [10, 20, 999, 998]])
        parsed = parse_locations(render_locations(tokens, codec), codec)
        assert torch.equal(parsed.tokens, tokens)
        assert parsed.problems == ()

    def test_words_between(self):
        text = "<loc0001><loc0002><loc0003><loc0004> red mug ; <loc0005><loc0006><loc0007><loc0008> cat"
        assert parse_locations(text, PALIGEMMA).tokens.tolist() == [[1, 2, 3, 4], [5, 6, 7, 8]]

    def test_three_tokens(self):
        parsed = parse_locations("mug<loc_1><loc_2><loc_3>", FLORENCE2)
        assert parsed.tokens.shape == (0, 4)
        assert parsed.problems == ("[1, 2, 3]: 3 tokens, a box has 4",)

    def test_seven_tokens_are_dropped_whole(self):
        """Which of the two boxes lost a token cannot be known."""
        parsed = parse_locations("mug" + "".join(f"<loc_{k}>" for k in range(7)), FLORENCE2)
        assert (len(parsed.tokens), len(parsed.problems)) == (0, 1)

    def test_no_such_token_and_inverted(self):
        parsed = parse_locations("<bin_1> <bin_2> <bin_3> <bin_1000> a <bin_9> <bin_0> <bin_1> <bin_2>", OFA)
        assert parsed.tokens.shape == (0, 4)
        assert parsed.problems == (
            "[1, 2, 3, 1000]: the last token is <bin_999>",
            "[9, 0, 1, 2]: corners in the wrong order",
        )

    def test_inverted_in_the_models_order(self):
        """y1 x1 y2 x2: 2 5 3 4 has x from 5 to 4."""
        assert parse_locations("<loc0002><loc0005><loc0003><loc0004>", PALIGEMMA).problems
        assert not parse_locations("<loc0002><loc0004><loc0003><loc0005>", PALIGEMMA).problems

    @names
    def test_no_tokens_no_problems(self, codec):
        parsed = parse_locations("there is no such thing, <loc> or <bin_x>", codec)
        assert (len(parsed.tokens), parsed.problems) == (0, ())

    def test_tokens_of_another_model_are_text(self):
        assert len(parse_locations("<loc_1><loc_2><loc_3><loc_4>", PALIGEMMA).tokens) == 0
