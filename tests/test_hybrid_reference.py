import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gk_utils.ferret.hybrid_reference import (
    HybridReference,
    ReferenceTokens,
    read_references,
    reference_of,
    reference_to,
)
from gk_utils.ferret.region_forms import BoxRegion, PointRegion, ScribbleRegion

whole = st.integers(0, 999)


class TestHybridReference:
    @given(st.one_of(st.tuples(whole, whole), st.tuples(whole, whole, whole, whole)), st.booleans())
    def test_what_is_written_is_read(self, numbers, feature):
        reference = HybridReference(numbers, feature)
        assert read_references(f"What is {reference}? It is near [1, 2].") == [
            reference,
            HybridReference((1, 2), False),
        ]

    def test_pixels_are_half_a_thousandth_off_at_most(self):
        box = (13.2, 40.0, 99.9, 61.6)
        back = reference_of(BoxRegion(*box), (100, 200)).pixels((100, 200))
        tight = (13.0, 40.0, 100.0, 62.0)  # of the pixels whose centres are in the box
        assert all(abs(a - b) <= 0.1 + 1e-6 for a, b in zip(back, tight, strict=True))

    def test_errors(self):
        with pytest.raises(ValueError, match="expected two or four from 0 to 999, got"):
            HybridReference((1, 2, 1000, 4))
        with pytest.raises(ValueError, match="expected two or four"):
            HybridReference((1, 2, 3))


class TestReferenceOf:
    def test_by_hand(self):
        assert str(reference_of(PointRegion(64, 32), (128, 128))) == "[500, 250] <region_fea>"
        assert reference_of(BoxRegion(0, 0, 128, 128), (128, 128)).numbers == (0, 0, 999, 999)
        assert reference_of(ScribbleRegion(()), (10, 10)).numbers == (0, 0, 0, 0)


class TestReferenceTo:
    def test_the_sides_are_not_swapped(self):
        assert reference_to((50, 50), (100, 200)).numbers == (250, 500)

    def test_outside_is_moved_to_the_border(self):
        assert reference_to((-5, 2, 900, 900), (10, 10)).numbers == (0, 200, 999, 999)


class TestReadReferences:
    def test_what_is_malformed_is_left_alone(self):
        assert read_references("[1, 2, 3] [1 2] [1000, 2] [1, 2, 3, 4, 5] <region_fea> [") == []


class TestReferenceTokens:
    tokens = ReferenceTokens(("what", "is"))

    def test_by_hand(self):
        assert self.tokens.encode("What is [0, 999] <region_fea>?") == [3, 4, 5, 1004, 1, 2]
        assert len(self.tokens) == 1005

    def test_padding_comes_behind(self):
        wanted = torch.tensor([[3, 4, 1, 2], [3, 2, 0, 0]])
        assert self.tokens.encode_all(["What is <region_fea>?", "what?"]).equal(wanted)
        assert self.tokens.encode_all([]).shape == (0, 1)

    def test_errors(self):
        with pytest.raises(ValueError, match="question: expected the words what, is and numbers to 999, got 'mug'"):
            self.tokens.encode("What is mug?")
