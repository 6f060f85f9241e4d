"""What holds for every codec, and agreement with transformers' own processors, whose code needs no checkpoint here."""

import math
from types import SimpleNamespace

import pytest
import torch
from exercise_tests import exercise_tests
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import tensor
from torch.testing import assert_close

from gk_utils import box_tokens
from gk_utils.box_tokens import (
    FLORENCE2,
    OFA,
    PALIGEMMA,
    Bins,
    Pix2SeqVocabulary,
    decode_bins,
    decode_cells,
    decode_locations,
    decode_pix2seq,
    encode_bins,
    encode_cells,
    encode_locations,
    encode_pix2seq,
    parse_cells,
    parse_locations,
    render_cells,
    render_locations,
)
from gk_utils.classroom.exercises.box_tokens import EXERCISES

PUBLISHED = Pix2SeqVocabulary()


def one_label(boxes):
    return torch.zeros(len(boxes), dtype=torch.long)


CODECS = {
    "bins": (encode_bins, decode_bins, Bins().worst_error),
    "cells": (encode_cells, decode_cells, lambda side: side / 32),
    "pix2seq": (
        lambda boxes, hw: encode_pix2seq(boxes, one_label(boxes), hw, PUBLISHED),
        lambda tokens, hw: decode_pix2seq(tokens, hw, PUBLISHED).boxes,
        Bins().worst_error,
    ),
    **{
        codec.model: (
            lambda boxes, hw, codec=codec: encode_locations(boxes, hw, codec),
            lambda tokens, hw, codec=codec: decode_locations(tokens, hw, codec),
            codec.bins.worst_error,
        )
        for codec in (OFA, PALIGEMMA, FLORENCE2)
    },
}
every_codec = pytest.mark.parametrize("name", CODECS)
unit = st.floats(0, 1)
side = st.integers(1, 4000)
unit_box = st.tuples(unit, unit, unit, unit)


def boxes_of(corners, image_hw):
    """Pairs of corners in any order, as float64 boxes in pixels."""
    height, width = image_hw
    rows = [[min(a, c), min(b, d), max(a, c), max(b, d)] for a, b, c, d in corners]
    return tensor(rows, dtype=torch.float64).reshape(-1, 4) * tensor(
        [width, height, width, height], dtype=torch.float64
    )


def random_boxes(count, image_hw=(1, 1), seed=0):
    generator = torch.Generator().manual_seed(seed)
    return boxes_of(torch.rand(count, 4, generator=generator, dtype=torch.float64).tolist(), image_hw)


class TestEveryCodec:
    @every_codec
    @settings(max_examples=30)
    @given(corners=st.lists(unit_box, max_size=8), image_hw=st.tuples(side, side))
    def test_round_trip_stays_in_its_bound(self, name, corners, image_hw):
        encode, decode, bound = CODECS[name]
        boxes = boxes_of(corners, image_hw)
        error = (decode(encode(boxes, image_hw), image_hw) - boxes).abs()
        assert error.shape == (len(boxes), 4)
        assert (error[:, 0::2] <= bound(image_hw[1]) + 2e-7 * image_hw[1]).all()
        assert (error[:, 1::2] <= bound(image_hw[0]) + 2e-7 * image_hw[0]).all()

    @every_codec
    @settings(max_examples=30)
    @given(corners=st.lists(unit_box, min_size=1, max_size=8), image_hw=st.tuples(side, side))
    def test_what_comes_back_encodes_to_the_same(self, name, corners, image_hw):
        encode, decode, _ = CODECS[name]
        tokens = encode(boxes_of(corners, image_hw), image_hw)
        assert torch.equal(encode(decode(tokens, image_hw), image_hw), tokens)

    @every_codec
    @pytest.mark.parametrize(
        ("box", "words"),
        [
            ([-2.0, 0, 10, 10], "inside the picture"),
            ([0.0, 0, 10, 480.1], "inside the picture"),
            ([math.nan, 0, 10, 10], "finite"),
            ([0.0, 0, math.inf, 10], "finite"),
            ([10.0, 0, 5, 10], "x1 <= x2"),
        ],
    )
    def test_no_wrong_token_in_silence(self, unhooked, name, box, words):
        with pytest.raises(ValueError, match=words):
            CODECS[name][0](tensor([box]), (480, 640))

    @every_codec
    def test_picture_without_size(self, unhooked, name):
        with pytest.raises(ValueError, match="image_hw"):
            CODECS[name][0](tensor([[0.0, 0, 0, 0]]), (0, 640))

    @every_codec
    def test_a_zero_box_has_tokens(self, name):
        encode, decode, bound = CODECS[name]
        back = decode(encode(tensor([[320.0, 240.0, 320.0, 240.0]]), (480, 640)), (480, 640))
        assert (back - tensor([320.0, 240.0, 320.0, 240.0])).abs().max() <= bound(640) + 1e-4

    def test_all_names_are_there(self):
        assert all(hasattr(box_tokens, name) for name in box_tokens.__all__)


@pytest.fixture(scope="module")
def processing():
    from transformers.models.kosmos2 import processing_kosmos2

    return processing_kosmos2


@pytest.fixture(scope="module")
def post_processor():
    from transformers.models.florence2.processing_florence2 import Florence2PostProcessor

    return Florence2PostProcessor({"description_with_bboxes": {}}, SimpleNamespace(all_special_tokens=[]))


class TestKosmos2Processor:
    def test_encodes_the_same(self, processing):
        boxes = random_boxes(2000)
        processor = SimpleNamespace(num_patch_index_tokens=1024)
        convert = processing.Kosmos2Processor._convert_bbox_to_patch_index_tokens
        theirs = ["".join(convert(processor, tuple(box))) for box in boxes.tolist()]
        cells = encode_cells(boxes, (1, 1))
        assert [render_cells(row[None]) for row in cells] == [f"<object>{pair}</object>" for pair in theirs]

    def test_decodes_the_same(self, processing):
        cells = encode_cells(random_boxes(2000, seed=1), (1, 1))
        cells = torch.cat([cells, tensor([[0, 0], [3, 9], [3, 3 + 32 * 5], [1023, 1023]])])
        theirs = [processing.patch_index_to_coordinate(first, last, 32) for first, last in cells.tolist()]
        assert_close(decode_cells(cells, (1, 1)), tensor(theirs), rtol=0, atol=1e-7)

    def test_reads_the_same_text(self, processing):
        """Objects with and without a phrase, several boxes, flaws that both drop."""
        boxes = encode_cells(random_boxes(3, seed=2), (1, 1))
        text = (
            f"<grounding> An image of{render_cells(boxes[:1], ' a snowman')} by{render_cells(boxes, ' three fires')}"
            f" and{render_cells(boxes[1:2])}<phrase> a dog</phrase><object><patch_index_0001></object>."
        )
        processor = SimpleNamespace(eoi_token="</image>")
        _, theirs = processing.Kosmos2Processor.post_process_generation(processor, "<image></image>" + text)
        ours, problems = parse_cells(text)
        assert len(problems) == 1
        assert [name for name, *_ in theirs][:2] == [found.phrase.strip() for found in ours[:2]]
        assert ours[2].phrase is None
        for found, (_, _, their_boxes) in zip(ours, theirs, strict=True):
            assert_close(decode_cells(found.cells, (1, 1)), tensor(their_boxes), rtol=0, atol=1e-7)

    def test_what_it_gets_wrong_is_an_error_here(self, processing, unhooked):
        """Past the border its cells are in another row, or do not exist."""
        assert processing.coordinate_to_patch_index((0.5, 0.5, 1.2, 0.9), 32) == (528, 934)
        assert processing.coordinate_to_patch_index((0.5, 0.5, 1.2, 1.0), 32)[1] == 1030
        with pytest.raises(ValueError, match="inside"):
            encode_cells(tensor([0.5, 0.5, 1.2, 0.9]), (1, 1))
        x1, _, x2, _ = processing.patch_index_to_coordinate(34, 1 + 32 * 5, 32)
        assert x1 > x2
        assert parse_cells("<object><patch_index_0034><patch_index_0161></object>")[1]


class TestFlorence2Processor:
    def test_encodes_the_same(self, post_processor):
        """Off the borders between cells, where float32 may fall on either side."""
        boxes = random_boxes(2000, (480, 640))
        cells = boxes / tensor([640.0, 480.0, 640.0, 480.0]) * 1000
        boxes = boxes[((cells - cells.round()).abs() > 1e-3).all(1)]
        assert len(boxes) > 1900
        theirs = post_processor.quantize(boxes.float(), (640, 480))
        assert torch.equal(encode_locations(boxes, (480, 640), FLORENCE2), theirs.long())

    def test_decodes_the_same(self, post_processor):
        """It cuts the pixels to whole numbers; up to that the boxes are equal."""
        tokens = encode_locations(random_boxes(2000, (480, 640), seed=1), (480, 640), FLORENCE2)
        ours = decode_locations(tokens, (480, 640), FLORENCE2)
        cut = ours - post_processor.dequantize(tokens, (640, 480))
        assert cut.min() >= -1e-4
        assert cut.max() < 1 + 1e-4

    def test_reads_the_same_text(self, post_processor):
        tokens = encode_locations(random_boxes(3, (480, 640), seed=2), (480, 640), FLORENCE2)
        text = f"mug{render_locations(tokens[:2], FLORENCE2)}cat{render_locations(tokens[2:], FLORENCE2)}"
        theirs = post_processor(text=text, image_size=(640, 480), parse_tasks="description_with_bboxes")
        boxes = [row["bbox"] for row in theirs["description_with_bboxes"]]
        read = parse_locations(text, FLORENCE2)
        assert torch.equal(read.tokens, tokens)
        assert decode_locations(read.tokens, (480, 640), FLORENCE2).int().tolist() == boxes


def wrote_by_loop(boxes, tokens, image_hw):
    height, width = image_hw
    names = []
    for name in ("florence2", "int", "ofa", "paligemma"):
        fits = True
        for (x1, y1, x2, y2), row in zip(boxes.tolist(), tokens.tolist(), strict=True):
            unit = [x1 / width, y1 / height, x2 / width, y2 / height]
            if name == "florence2":
                made = [min(int(u * 1000), 999) for u in unit]
            elif name == "int":
                made = [int(u * 999) for u in unit]
            elif name == "ofa":
                made = [round(u * 999) for u in unit]
            else:
                made = [round(unit[i] * 1023) for i in (1, 0, 3, 2)]
            fits = fits and made == row
        names += [name] * fits
    return names


def wrote_by_elimination(boxes, tokens, image_hw):
    left = {"florence2", "int", "ofa", "paligemma"}
    scale = torch.tensor([image_hw[1], image_hw[0]] * 2)
    for box, row in zip(boxes, tokens, strict=True):
        for name, codec in (("florence2", FLORENCE2), ("ofa", OFA), ("paligemma", PALIGEMMA)):
            if encode_locations(box, image_hw, codec).tolist() != row.tolist():
                left.discard(name)
        if not torch.equal((box / scale * 999).floor().long(), row):
            left.discard("int")
    return sorted(left)


def legal_by_asking_each(written, vocabulary):
    ids, part = written.tolist(), len(written) % 5

    def may_follow(candidate):
        if vocabulary.end in ids:
            return candidate == vocabulary.end
        if part == 4:
            return candidate == vocabulary.noise or 0 <= candidate - vocabulary.first_class < vocabulary.classes
        if candidate == vocabulary.end:
            return part == 0
        is_bin = 0 <= candidate - vocabulary.first_coordinate < vocabulary.bins
        return is_bin and (part < 2 or candidate >= ids[-2])

    return torch.tensor([may_follow(candidate) for candidate in range(vocabulary.size)])


def legal_by_ranges(written, vocabulary):
    ids = torch.arange(vocabulary.size)
    coordinates = (ids >= vocabulary.first_coordinate) & (ids < vocabulary.first_coordinate + vocabulary.bins)
    classes = (ids >= vocabulary.first_class) & (ids < vocabulary.first_class + vocabulary.classes)
    if (written == vocabulary.end).sum():
        return ids == vocabulary.end
    last = written[len(written) // 5 * 5 :]  # of the object that is being written
    if len(last) == 0:
        return coordinates | (ids == vocabulary.end)
    if len(last) == 1:
        return coordinates
    if len(last) == 4:
        return classes | (ids == vocabulary.noise)
    return coordinates & (ids >= last[len(last) - 2])


def near_mean_by_slice(shares, reach):
    means = []
    for row in shares.double():
        best = int(row.argmax())
        first = max(0, best - reach)
        window = row[first : best + reach + 1]
        means.append((window @ torch.arange(first, first + len(window)).double()) / window.sum())
    return torch.stack(means)


def near_mean_by_steps(shares, reach):
    """The best bin, and how far the mean lies from it."""
    best = shares.argmax(1)
    columns = best[:, None] + torch.arange(-reach, reach + 1)
    inside = (columns >= 0) & (columns < shares.shape[1])
    weights = shares.gather(1, columns.clamp(0, shares.shape[1] - 1)) * inside
    return best + (weights * torch.arange(-reach, reach + 1)).sum(1) / weights.sum(1)


RIGHT_ANSWERS = {
    "03.wrote": (wrote_by_loop, wrote_by_elimination),
    "03.legal": (legal_by_asking_each, legal_by_ranges),
    "03.near_mean": (near_mean_by_slice, near_mean_by_steps),
}


TestExercises = exercise_tests(EXERCISES, RIGHT_ANSWERS)
