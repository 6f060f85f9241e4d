"""The forms in torch and the operation's checks. The kernels are tested in test_deformable_attention_triton.py."""

import importlib

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from some_attention import PYRAMID, some_attention, theirs, with_gradients
from torch import tensor
from torch.testing import assert_close

from gk_utils.grounding_dino import (
    deformable_attention,
    deformable_attention_grid_sample,
    deformable_attention_loop,
)
from gk_utils.kernels.deformable_attention import check_attention, deformable_attention_op

FORMS = [deformable_attention, deformable_attention_grid_sample, deformable_attention_loop]
EVERY = pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
SQUARE = tensor([0.0, 10, 20, 30]).view(1, 4, 1, 1)  # one level, 2 x 2


def at(*places: tuple[float, float]) -> torch.Tensor:
    """One query and head that reads these x, y on one level."""
    return tensor(places).view(1, 1, 1, 1, len(places), 2)


def counted(*weights: float) -> torch.Tensor:
    return tensor(weights).view(1, 1, 1, 1, len(weights))


@EVERY
class TestEveryForm:
    @pytest.mark.parametrize(
        ("place", "expected"),
        [
            ((0.25, 0.25), 0.0),  # the centre of the first cell
            ((0.75, 0.25), 10.0),
            ((0.25, 0.75), 20.0),
            ((0.5, 0.5), 15.0),
            ((0.5, 0.75), 25.0),
            ((1.0, 0.75), 15.0),  # half of it is outside
            ((1.0, 1.0), 7.5),
            ((1.25, 0.75), 0.0),  # a cell further on nothing is left
            ((-3.0, 0.5), 0.0),
            ((1e20, -1e20), 0.0),
        ],
    )
    def test_one_place(self, form, place, expected):
        assert_close(form(SQUARE, [(2, 2)], at(place), counted(1.0)).item(), expected)

    def test_places_add_up_by_weight(self, form):
        read = form(SQUARE, [(2, 2)], at((0.75, 0.25), (0.25, 0.75), (0.75, 0.75)), counted(0.5, 0.25, -1.0))
        assert_close(read, tensor([[[5.0 + 5.0 - 30.0]]]))

    def test_heads_and_channels_lie_side_by_side(self, form):
        """Two heads of three channels, each with its own place; the level is one row of two cells."""
        values = tensor([[1.0, 2, 3], [4, 5, 6], [7, 8, 9], [10, 11, 12]]).view(1, 2, 2, 3)
        places = tensor([[0.25, 0.5], [0.75, 0.5]]).view(1, 1, 2, 1, 1, 2)
        assert form(values, [(1, 2)], places, torch.ones(1, 1, 2, 1, 1)).tolist() == [[[1, 2, 3, 10, 11, 12]]]

    def test_levels_follow_each_other(self, form):
        """The same place on a level of 2 x 2 and on one of a single cell."""
        values = torch.cat([SQUARE, tensor(100.0).view(1, 1, 1, 1)], 1)
        places = at((0.75, 0.5), (0.75, 0.5)).view(1, 1, 1, 2, 1, 2)
        read = form(values, [(2, 2), (1, 1)], places, counted(1.0, 1.0).view(1, 1, 1, 2, 1))
        assert_close(read.item(), 20.0 + 75.0)

    @pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-10), (torch.float32, 1e-5)])
    def test_equals_transformers(self, form, dtype, tolerance):
        leaves = some_attention(dtype=dtype)
        found, expected = (with_gradients(each, leaves, PYRAMID) for each in (form, theirs()))
        for ours, other in zip(found, expected, strict=True):
            assert_close(ours, other, rtol=tolerance, atol=tolerance)

    @pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
    def test_half_precision_is_computed_in_single(self, form, dtype):
        leaves = some_attention(dtype=dtype)
        found = with_gradients(form, leaves, PYRAMID)
        exact = with_gradients(theirs(), tuple(each.double() for each in leaves), PYRAMID)
        for ours, other in zip(found, exact, strict=True):
            assert ours.dtype == dtype
            assert_close(ours.double(), other, rtol=torch.finfo(dtype).eps, atol=torch.finfo(dtype).eps)

    def test_dtypes_may_differ(self, form):
        values, locations, weights = some_attention()
        read = form(values.float(), PYRAMID, locations, weights.half())
        assert read.dtype == torch.float32
        assert_close(read, form(values, PYRAMID, locations, weights).float(), rtol=1e-3, atol=1e-3)

    @pytest.mark.parametrize("sizes", [{"q": 0}, {"b": 0}, {"points": 0}], ids=str)
    def test_nothing_to_read(self, form, sizes):
        leaves = some_attention(**sizes)
        read, *gradients = with_gradients(form, leaves, PYRAMID)
        assert read.shape == (sizes.get("b", 2), sizes.get("q", 3), 8)
        assert not read.any()
        assert [each.shape for each in gradients] == [each.shape for each in leaves]
        assert not any(each.any() for each in gradients)

    def test_far_outside_are_zeros(self, form):
        values, locations, weights = some_attention()
        read = form(values, PYRAMID, (locations * 0 + 3).detach(), weights)
        assert read.shape == (2, 3, 8)
        assert not read.any()

    def test_any_memory_layout(self, form):
        leaves = some_attention()
        turned = [each.detach().transpose(1, 2).contiguous().transpose(1, 2) for each in leaves]
        assert_close(form(turned[0], PYRAMID, *turned[1:]), form(leaves[0], PYRAMID, *leaves[1:]))

    def test_gradient(self, form):
        """Away from the centres of cells, where a bilinear reading has a kink."""
        hw = [(2, 3), (1, 2)]
        leaves = some_attention(hw, b=1, q=2, heads=1, d=2)
        assert torch.autograd.gradcheck(lambda v, p, w: form(v, hw, p, w), leaves)

    def test_error_text(self, form, unhooked):
        with pytest.raises(ValueError, match=r"level_hw: expected levels of 4 cells in all, as values has, got 6"):
            form(SQUARE, [(2, 3)], at((0.5, 0.5)), counted(1.0))


class TestDeformableAttention:
    @given(st.lists(st.tuples(st.integers(1, 4), st.integers(1, 4)), min_size=1, max_size=3), st.integers(0, 99))
    @settings(max_examples=15, deadline=None)
    def test_equals_the_loop(self, level_hw, seed):
        generator = torch.Generator().manual_seed(seed)
        values = torch.randn(1, sum(h * w for h, w in level_hw), 2, 2, dtype=torch.float64, generator=generator)
        locations = torch.randint(-2, 7, (1, 2, 2, len(level_hw), 2, 2), generator=generator).double() / 4
        weights = torch.randn(1, 2, 2, len(level_hw), 2, dtype=torch.float64, generator=generator)
        found, expected = (form(values, level_hw, locations, weights) for form in (FORMS[0], FORMS[2]))
        assert_close(found, expected, rtol=1e-12, atol=1e-12)

    def test_a_constant_stays_what_it_is(self):
        """Weights that sum to 1, places between the outermost centres of every level (3 x 4 is the coarsest)."""
        level_hw = PYRAMID[:2]
        values, locations, weights = some_attention(level_hw)
        inside = locations.clamp(1 / 6, 5 / 6)
        read = deformable_attention(torch.full_like(values, 7.0), level_hw, inside, weights)
        assert_close(read, torch.full_like(read, 7.0))

    def test_a_location_that_is_not_a_number_shows(self):
        values, locations, weights = (each.detach() for each in some_attention())
        locations[0, 1, 1, 0, 0, 1] = float("nan")
        read = deformable_attention(values, PYRAMID, locations, weights).unflatten(-1, (2, 4))
        assert read[0, 1, 1].isnan().all()
        assert read.isnan().sum() == 4

    def test_takes_the_kernel_where_it_may(self, monkeypatch):
        module, asked = importlib.import_module("gk_utils.grounding_dino.deformable_attention"), []
        answer = torch.zeros(2, 3, 8)
        monkeypatch.setattr(module, "use_triton", lambda values: asked.append(values) or True)
        monkeypatch.setattr(module, "deformable_attention_op", lambda *arguments: asked.extend(arguments) or answer)
        values, locations, weights = some_attention()
        assert deformable_attention(values, PYRAMID, locations, weights) is answer
        assert all(a is b for a, b in zip(asked, (values, values, PYRAMID, locations, weights), strict=True))


class TestDeformableAttentionOp:
    def test_shape_and_dtype_without_numbers(self):
        values, locations, weights = (each.to("meta") for each in some_attention(dtype=torch.bfloat16))
        read = deformable_attention_op(values, PYRAMID, locations, weights)
        assert (read.shape, read.dtype, read.device.type) == ((2, 3, 8), torch.bfloat16, "meta")

    def test_error_text(self, unhooked):
        with pytest.raises(ValueError, match="level_hw: expected levels of 4 cells"):
            deformable_attention_op(SQUARE, [(2, 3)], at((0.5, 0.5)), counted(1.0))


class TestCheckAttention:
    GOOD = (SQUARE, [(2, 2)], at((0.5, 0.5)), counted(1.0))

    def test_good(self):
        check_attention(*self.GOOD)

    @pytest.mark.parametrize(
        ("which", "bad", "text"),
        [
            (0, SQUARE[0], r"values: expected floats \(b s heads d\), got torch.float32 \(4, 1, 1\)"),
            (0, SQUARE.long(), r"values: expected floats .* got torch.int64"),
            (0, SQUARE[..., :0], r"values: expected floats .* got torch.float32 \(1, 4, 1, 0\)"),
            (1, [], r"level_hw: expected \(h, w\) of each level, both above 0, got \[\]"),
            (1, [(2, 2), (0, 3)], r"level_hw: expected .* got \[\(2, 2\), \(0, 3\)\]"),
            (1, [(2, 2, 1)], r"level_hw: expected .* got \[\(2, 2, 1\)\]"),
            (1, [(5, 1)], r"level_hw: expected levels of 4 cells in all, as values has, got 5 in \[\(5, 1\)\]"),
            (3, counted(1.0)[0], r"weights: expected \(1 q 1 1 points\), got \(1, 1, 1, 1\)"),
            (3, counted(1.0).expand(2, 1, 1, 1, 1), r"weights: expected \(1 q 1 1 points\), got \(2, 1, 1, 1, 1\)"),
            (2, at((0.5, 0.5), (0.5, 0.5)), r"locations: expected \(1, 1, 1, 1, 1, 2\), the shape of weights and 2"),
            (2, at((0.5, 0.5)).long(), r"locations: expected floats on cpu, as values are, got torch.int64 on cpu"),
            (3, counted(1.0).to("meta"), r"weights: expected floats on cpu, .* got torch.float32 on meta"),
        ],
    )
    def test_error_text(self, which, bad, text, unhooked):
        arguments = list(self.GOOD)
        arguments[which] = bad
        with pytest.raises(ValueError, match=text):
            check_attention(*arguments)
