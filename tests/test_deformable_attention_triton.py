"""The kernels of deformable attention in Triton's interpreter, against transformers in float64; as a script: runs them.

Another process runs them, since the interpreter must be asked for before Triton is imported, and reads the source of
functions, which the shape hook of the tests replaces.
"""

import os
import sys

import pytest
import torch
from interpreter import run_interpreted
from some_attention import PYRAMID, some_attention, theirs, with_gradients
from torch.testing import assert_close

FLOAT, HALF, BRAIN = torch.float32, torch.float16, torch.bfloat16
CASES = {  # levels, other sizes, dtype; the last block of queries is not full, nor are most of places and channels
    "two pictures": (PYRAMID, {}, FLOAT),
    "on centres and borders": ([(2, 4), (1, 1)], {"b": 1, "heads": 1, "points": 4}, FLOAT),
    "odd sizes": ([(2, 3), (1, 1)], {"q": 3, "heads": 1, "d": 5, "points": 3}, FLOAT),
    "float16": (PYRAMID, {"b": 1}, HALF),
    "bfloat16": (PYRAMID, {"b": 1}, BRAIN),
}
FLAT = tuple(side for hw in PYRAMID for side in hw)
TILES = [(2, 16, 1), (1, 2, 2)]  # all places at a time; more programs, each of more warps


def inputs(case: str) -> tuple:
    level_hw, sizes, dtype = CASES[case]
    leaves = some_attention(level_hw, **sizes, dtype=dtype)
    if case == "on centres and borders":  # where the gradient jumps; eighths are exact
        leaves[1].detach().mul_(8).round_().div_(8)
    return leaves, level_hw


def detached(tensors) -> list[torch.Tensor]:
    return [each.detach() for each in tensors]


def in_the_interpreter() -> dict:
    from gk_utils.grounding_dino import deformable_attention
    from gk_utils.kernels import deformable_attention_triton as kernels
    from gk_utils.kernels import use_triton

    assert use_triton(torch.zeros(1))
    found = {case: detached(with_gradients(deformable_attention, *inputs(case))) for case in CASES}
    leaves = some_attention(dtype=FLOAT)
    values, locations, weights = detached(leaves)
    for tile in TILES:
        read = kernels.forward(values, FLAT, locations, weights, tile)
        onto = (torch.arange(read.numel()) % 5 - 1.5).view(read.shape)
        found[tile] = read, *kernels.backward(onto, values, FLAT, locations, weights, tile)

    out = locations.clone()
    out[:, 0], out[0, 1, ..., 0], out[1, 1, ..., 1] = 1e30, -7, 1.9
    far = [each.requires_grad_() for each in (values.clone(), out, weights.clone())]
    found["far outside"] = detached(with_gradients(deformable_attention, far, PYRAMID))
    out = out.detach().clone()
    out[:, 0, 1, 0, 0, 1] = float("nan")
    found["not a number"] = deformable_attention(values, PYRAMID, out, weights)
    turned = [each.transpose(1, 2).contiguous().transpose(1, 2) for each in (values, locations, weights)]
    found["turned"] = deformable_attention(turned[0], PYRAMID, *turned[1:])
    mixed = [values.to(HALF), locations, weights.to(BRAIN)]
    found["mixed"] = detached(with_gradients(deformable_attention, [each.requires_grad_() for each in mixed], PYRAMID))
    for empty in ({"q": 0}, {"b": 0}, {"points": 0}):
        nothing = some_attention(**empty, dtype=FLOAT)
        found[str(empty)] = detached(with_gradients(deformable_attention, nothing, PYRAMID))
    summed = deformable_attention(leaves[0], PYRAMID, *leaves[1:]).sum()  # a gradient that repeats one number
    found["sum"] = torch.autograd.grad(summed, leaves)

    small = some_attention([(2, 2)], b=1, q=2, heads=1, d=2, points=1, dtype=FLOAT)
    found["opcheck"] = torch.library.opcheck(
        torch.ops.gk_utils.deformable_attention.default, (small[0], [2, 2], *small[1:])
    )

    def squared(values, locations, weights):
        return deformable_attention(2 * values, [(2, 2)], locations, weights).square()

    for switch in "10":  # the kernel, the torch code
        os.environ["GK_TRITON"] = switch
        torch.compiler.reset()
        compiled = torch.compile(squared, fullgraph=True, backend="aot_eager")
        for name, form in (("compiled", compiled), ("not compiled", squared)):
            result = form(*small)
            found[name, switch] = [result.detach(), *torch.autograd.grad(result.sum(), small)]
    os.environ["GK_TRITON"] = "1"
    try:
        gradient = torch.autograd.grad(squared(*small).sum(), small, create_graph=True)
        torch.autograd.grad(gradient[1].sum(), small)
        found["twice"] = "no error"
    except Exception as error:
        found["twice"] = f"{type(error).__name__}: {error}"
    return found


if __name__ == "__main__":
    torch.save(in_the_interpreter(), sys.argv[1])


@pytest.fixture(scope="module")
def interpreted(tmp_path_factory):
    return torch.load(run_interpreted(__file__, tmp_path_factory.mktemp("triton")))


def near(found, expected) -> None:
    """Equal up to the rounding of the results: the sums are float32 in any case."""
    for ours, other in zip(found, expected, strict=True):
        tolerance = {FLOAT: 1e-5, HALF: 2e-3, BRAIN: 2e-2}[ours.dtype]
        assert_close(ours.double(), other.double(), rtol=tolerance, atol=tolerance)


def exactly(leaves, level_hw) -> list[torch.Tensor]:
    return with_gradients(theirs(), [each.detach().double().requires_grad_() for each in leaves], level_hw)


@pytest.mark.parametrize("case", CASES)
class TestKernels:
    def test_equal_transformers_in_float64(self, case, interpreted):
        near(interpreted[case], exactly(*inputs(case)))

    def test_dtypes_are_those_of_what_they_belong_to(self, case, interpreted):
        assert {each.dtype for each in interpreted[case]} == {CASES[case][2]}


class TestForward:
    @pytest.mark.parametrize("tile", TILES, ids=str)
    def test_the_tile_changes_nothing(self, tile, interpreted):
        near(interpreted[tile][:1], interpreted["two pictures"][:1])

    def test_far_outside_are_zeros(self, interpreted):
        read = interpreted["far outside"][0]
        assert not read[:, :2].any()
        assert read[:, 2:].abs().min() > 0

    def test_a_location_that_is_not_a_number_shows(self, interpreted):
        read = interpreted["not a number"].unflatten(-1, (2, 4))
        assert read[:, 0, 1].isnan().all()
        assert read.isnan().sum() == 8

    def test_any_memory_layout(self, interpreted):
        near([interpreted["turned"]], interpreted["two pictures"][:1])

    @pytest.mark.parametrize("empty", [{"q": 0}, {"b": 0}, {"points": 0}], ids=str)
    def test_nothing_to_read(self, empty, interpreted):
        read, *gradients = interpreted[str(empty)]
        assert read.shape == (empty.get("b", 2), empty.get("q", 3), 8)
        assert [each.shape for each in gradients] == [each.shape for each in some_attention(**empty)]
        assert not any(each.any() for each in (read, *gradients))


class TestBackward:
    @pytest.mark.parametrize("tile", TILES, ids=str)
    def test_the_tile_changes_nothing(self, tile, interpreted):
        near(interpreted[tile][1:], interpreted["two pictures"][1:])

    def test_far_outside_have_no_gradient(self, interpreted):
        _, _, of_locations, of_weights = interpreted["far outside"]
        assert not of_locations[:, :2].any()
        assert not of_weights[:, :2].any()

    def test_dtypes_may_differ(self, interpreted):
        found = interpreted["mixed"]
        assert [each.dtype for each in found] == [HALF, HALF, FLOAT, BRAIN]
        values, locations, weights = some_attention(dtype=FLOAT)
        expected = exactly([values.to(HALF), locations, weights.to(BRAIN)], PYRAMID)
        near([found[0], found[1], found[3]], [expected[0], expected[1], expected[3]])
        assert_close(found[2].double(), expected[2], rtol=1e-5, atol=1e-5)

    def test_a_gradient_that_repeats_one_number(self, interpreted):
        leaves = [each.detach().double().requires_grad_() for each in some_attention(dtype=FLOAT)]
        expected = torch.autograd.grad(theirs()(leaves[0], PYRAMID, *leaves[1:]).sum(), leaves)
        near(interpreted["sum"], expected)


class TestOperation:
    def test_opcheck(self, interpreted):
        assert set(interpreted["opcheck"].values()) == {"SUCCESS"}
        assert len(interpreted["opcheck"]) >= 4

    @pytest.mark.parametrize("switch", ["1", "0"], ids=["kernel", "torch"])
    def test_compiles(self, switch, interpreted):
        """In the other process too: what the shape hook makes of a function does not compile."""
        near(interpreted["compiled", switch], interpreted["not compiled", switch])
        near(interpreted["compiled", switch], interpreted["compiled", "1"])

    def test_a_second_gradient_is_refused(self, interpreted):
        assert "deformable_attention_backward" in interpreted["twice"]
