import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gk_utils.formats.rle import check_segmentation, decode_mask, encode_mask

OLD_NUMPY_CALL = "ignore:__array__ implementation:DeprecationWarning"  # inside pycocotools


@st.composite
def masks(draw):
    height, width = draw(st.integers(1, 40)), draw(st.integers(1, 40))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**31)))
    return torch.rand(height, width, generator=generator) < draw(st.sampled_from([0.0, 0.03, 0.5, 0.97, 1.0]))


class TestDecodeMask:
    def test_by_hand(self):
        # Down the columns of a 3 x 2 image: off, on, on | on, off, off.
        mask = decode_mask({"size": [3, 2], "counts": [1, 3, 2]}, (3, 2))
        assert mask.dtype == torch.bool
        assert mask.int().tolist() == [[0, 1], [1, 0], [1, 0]]

    def test_a_square_polygon_covers_its_pixels(self):
        mask = decode_mask([[1, 1, 4, 1, 4, 3, 1, 3]], (5, 6))
        assert mask.sum() == 6
        assert mask[1:3, 1:4].all()

    def test_polygons_are_united(self):
        left, right = [0, 0, 2, 0, 2, 4, 0, 4], [1, 0, 5, 0, 5, 4, 1, 4]
        union = decode_mask([left], (4, 6)) | decode_mask([right], (4, 6))
        assert torch.equal(decode_mask([left, right], (4, 6)), union)

    @pytest.mark.filterwarnings(OLD_NUMPY_CALL)
    @given(mask=masks())
    @settings(max_examples=60, deadline=None)
    def test_equals_pycocotools(self, mask):
        from pycocotools import mask as rle

        packed = encode_mask(mask)
        theirs = torch.from_numpy(rle.decode(packed).astype(bool))
        assert torch.equal(decode_mask(packed, tuple(mask.shape)), theirs)

    def test_error_text(self):
        with pytest.raises(ValueError, match=r"segmentation: expected polygons, or run lengths of .* \[3, 2\]"):
            decode_mask({"size": [2, 3], "counts": [6]}, (3, 2))


class TestEncodeMask:
    def test_by_hand(self):
        assert encode_mask(torch.zeros(2, 2, dtype=torch.bool)) == {"size": [2, 2], "counts": "4"}

    @given(mask=masks())
    @settings(max_examples=60, deadline=None)
    def test_round_trip(self, mask):
        assert torch.equal(decode_mask(encode_mask(mask), tuple(mask.shape)), mask)


class TestCheckSegmentation:
    @pytest.mark.parametrize(
        "segmentation",
        [
            {"size": [2, 3], "counts": [6]},
            {"size": [2, 3], "counts": [0, 6]},
            {"size": [2, 3], "counts": "6"},
            [[0, 0, 1, 0, 1, 1]],
            [[0, 0, 1.5, 0, 1, 1], [0, 0, 1, 0, 1, 1, 0, 1]],
        ],
    )
    def test_sound(self, segmentation):
        check_segmentation(segmentation, (2, 3))

    @pytest.mark.parametrize(
        ("segmentation", "complaint"),
        [
            ("6", "expected polygons, or run lengths"),
            ([], "expected polygons"),
            ([[0, 0, 1, 1]], "expected polygons"),
            ([[0, 0, 1, 0, 1]], "expected polygons"),
            ([[0, 0, 1, 0, 1, float("nan")]], "expected polygons"),
            ([[0, 0, 1, 0, 1, True]], "expected polygons"),
            ([[0, 0, 1, 0, 1, "1"]], "expected polygons"),
            ({"counts": [6]}, "run lengths of the image's size"),
            ({"size": [3, 2], "counts": [6]}, "run lengths of the image's size"),
            ({"size": [2, 3]}, "expected counts"),
            ({"size": [2, 3], "counts": [5]}, "add up to 6 pixels"),
            ({"size": [2, 3], "counts": [7, -1]}, "expected counts"),
            ({"size": [2, 3], "counts": [6.0]}, "expected counts"),
            ({"size": [2, 3], "counts": "5"}, "add up to 6 pixels"),
            ({"size": [2, 3], "counts": "6!"}, "expected counts"),  # no such character
            ({"size": [2, 3], "counts": "6P"}, "expected counts"),  # says that more follow, and nothing does
            ({"size": [2, 3], "counts": "6é"}, "expected counts"),
            ({"size": [2, 3], "counts": ""}, "expected counts"),
        ],
    )
    def test_refused(self, segmentation, complaint):
        with pytest.raises(ValueError, match=complaint):
            check_segmentation(segmentation, (2, 3))

    @given(counts=st.text(st.characters(min_codepoint=40, max_codepoint=120), max_size=12))
    @settings(max_examples=200, deadline=None)
    def test_any_string_is_refused_or_decoded(self, counts):
        segmentation = {"size": [5, 7], "counts": counts}
        try:
            mask = decode_mask(segmentation, (5, 7))
        except ValueError as problem:
            assert str(problem).startswith("segmentation: ")  # noqa: PT017, both outcomes are looked at
        else:
            assert mask.shape == (5, 7)
