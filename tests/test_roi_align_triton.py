"""The kernels of RoI Align in Triton's interpreter, against torchvision and our torch code; as a script it runs them.

Another process runs them, since the interpreter must be asked for before Triton is imported, and reads the source of
functions, which the shape hook of the tests replaces.
"""

import sys

import pytest
import torch
import torchvision.ops
from interpreter import run_interpreted
from some_rois import SCALE, as_list, some_boxes, some_features
from torch.testing import assert_close

from gk_utils import roi_align as gk

LAST = torch.channels_last
FLOAT, HALF, BRAIN = torch.float32, torch.float16, torch.bfloat16
CASES = {  # bins, samples, aligned, dtype, channels last
    "two samples": ((2, 3), 2, True, FLOAT, False),
    "not aligned": ((2, 3), 2, False, FLOAT, True),
    "adaptive": ((3, 2), 0, True, HALF, True),
    "adaptive, not aligned": ((3, 2), -1, False, BRAIN, False),
    "three samples": ((1, 1), 3, True, HALF, False),
    "one sample": ((2, 2), 1, False, BRAIN, True),
}


def inputs(case: str) -> tuple:
    """Features, boxes, bins, options and the gradient to send back."""
    output_hw, ratio, aligned, dtype, last = CASES[case]
    features = some_features(dtype=dtype)
    rois = some_boxes(8, dtype=FLOAT)[1:]
    if ratio <= 0:
        rois[3, 1:] /= 8  # the giant would have a thousand samples, which takes the interpreter long
    onto = some_features(len(rois), 3, 1, dtype)[:, :, : output_hw[0], : output_hw[1]]  # not contiguous
    options = {"spatial_scale": SCALE, "sampling_ratio": ratio, "aligned": aligned}
    return features.contiguous(memory_format=LAST) if last else features, rois, output_hw, options, onto


def run(features, rois, output_hw, options, onto) -> tuple:
    """The result and the gradients of the features and the boxes."""
    leaves = features.detach().requires_grad_(), rois.detach().requires_grad_()
    pooled = gk.roi_align(*leaves, output_hw, **options)
    return pooled.detach(), *torch.autograd.grad(pooled, leaves, onto)


def in_the_interpreter() -> dict:
    from gk_utils.kernels import roi_align, use_triton

    assert use_triton(torch.zeros(1))
    found = {}
    for case in CASES:
        c, x = (2, 4) if len(found) < 2 else (4, 16)  # first more than one block of everything, the last one not full
        roi_align.FORWARD["C"] = c
        roi_align.TURN.update(C=c, X=16 * x)
        roi_align.BACKWARD.update(C=c, Y=8, X=x, BOXES=4)
        found[case] = run(*inputs(case))
    features, rois, output_hw, options, _ = inputs("two samples")
    rois = rois[rois[:, 0].argsort(stable=True)][:5]
    found["rows"] = gk.roi_align(features, rois, output_hw, **options)
    found["list"] = gk.roi_align(features, as_list(rois.to(BRAIN).to(FLOAT)), output_hw, **options)
    found["list of bfloat16"] = gk.roi_align(features, as_list(rois.to(BRAIN)), output_hw, **options)
    found["cut out"] = gk.roi_align(some_features(dtype=FLOAT).repeat(1, 2, 1, 3)[:, ::2, :, 3:15], rois, 2, **options)
    wide = some_features(dtype=FLOAT).repeat(1, 2, 1, 3)[:, ::2, :, 3:15].contiguous()
    found["cut out and copied"] = gk.roi_align(wide, rois, 2, **options)
    roi_align.AT_ONCE = 1  # 64 channels at a time
    found["many channels"] = gk.roi_align(features.repeat(1, 23, 1, 1), rois, output_hw, **options)
    for form in (rois[:0], [rois[:0, 1:]] * 2):
        leaf = features.detach().requires_grad_()
        pooled = gk.roi_align(leaf, form, output_hw)
        found[f"no boxes, {type(form).__name__}"] = pooled.shape, torch.autograd.grad(pooled.sum(), leaf)[0]
    summed = features.detach().requires_grad_()
    found["sum"] = torch.autograd.grad(gk.roi_align(summed, rois, 2, **options).sum(), summed)[0]
    found["sum of copies"] = torch.autograd.grad(
        gk.roi_align(summed, rois, 2, **options), summed, torch.ones(5, 3, 2, 2)
    )[0]
    found["opcheck"], found["compiled"] = checked(), compiled()
    found["bad"] = {name: bad_box(features, numbers, at) for name, (numbers, at) in BAD.items()}
    return found


BAD = {  # what to write into row 2, from column `at` on
    "nan": ([float("nan")], 3),
    "infinite": ([-float("inf")], 1),
    "wide": ([float("inf")], 3),
    "order": ([90.0, 5, 20, 9], 1),
    "no such picture": ([2.0], 0),
    "no whole picture": ([0.5], 0),
    "negative picture": ([-1.0], 0),
    "no picture": ([float("nan")], 0),
}


def checked() -> dict:
    """What torch.library.opcheck says of the three operations."""
    ops = torch.ops.gk_utils
    features = some_features(dtype=FLOAT)[:, :, :4, :5].contiguous(memory_format=LAST).requires_grad_()
    rois = torch.tensor([[1.0, 9, 8, 40, 30], [0, 20, 8, 41, 50]], requires_grad=True)
    grad, options = some_features(dtype=FLOAT)[:, :, :2, :2], (SCALE, 2, True)
    calls = {
        "roi_align": (features, rois, 2, 2, *options),
        "roi_align_features_gradient": (grad, rois.detach(), [2, 3, 4, 5], True, *options),
        "roi_align_boxes_gradient": (grad, features.detach(), rois.detach(), *options),
    }
    return {name: torch.library.opcheck(getattr(ops, name).default, call) for name, call in calls.items()}


def compiled() -> list:
    """Result and gradients of the operation in one graph of torch.compile, and without."""
    from gk_utils.kernels.roi_align import roi_align_op

    leaves = some_features(dtype=FLOAT)[:, :, :4, :5].clone(), torch.tensor([[1.0, 9, 8, 40, 30]])
    leaves = [leaf.requires_grad_() for leaf in leaves]
    form = torch.compile(lambda *x: 2 * roi_align_op(*x, 2, 3, SCALE, 2, True), fullgraph=True, backend="aot_eager")
    plain = 2 * roi_align_op(*leaves, 2, 3, SCALE, 2, True)
    both = [(pooled, *torch.autograd.grad(pooled.square().sum(), leaves)) for pooled in (form(*leaves), plain)]
    return [[x.detach() for x in each] for each in both]


def bad_box(features, numbers, at) -> str:
    rois = torch.tensor([[0.0, 8, 8, 40, 40]]).repeat(3, 1)
    rois[2, at : at + len(numbers)] = torch.tensor(numbers)
    try:
        gk.roi_align(features, rois, 1, spatial_scale=SCALE, sampling_ratio=0)
    except ValueError as error:
        return str(error)
    return "no error"


if __name__ == "__main__":
    torch.save(in_the_interpreter(), sys.argv[1])


@pytest.fixture(scope="module")
def interpreted(tmp_path_factory):
    return torch.load(run_interpreted(__file__, tmp_path_factory.mktemp("triton")))


def near(ours, theirs, dtype) -> None:
    """Equal up to the rounding of the result: the sums are float32 in any case."""
    tolerance = {FLOAT: 1e-5, HALF: 2e-3, BRAIN: 2e-2}[dtype]
    assert_close(ours.double(), theirs.double(), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("case", CASES)
class TestKernels:
    def test_equal_torchvision_in_float64(self, case, interpreted):
        features, rois, output_hw, options, onto = inputs(case)
        leaf = features.double().requires_grad_()
        expected = torchvision.ops.roi_align(leaf, rois.double(), output_hw, **options)
        pooled, gradient, _ = interpreted[case]
        near(pooled, expected.detach(), features.dtype)
        near(gradient, torch.autograd.grad(expected, leaf, onto.double())[0], features.dtype)

    def test_boxes_get_the_gradient_of_the_torch_code(self, case, interpreted):
        features, rois, output_hw, options, onto = inputs(case)
        expected = run(features.double(), rois.double(), output_hw, options, onto.double())[2]
        gradient = interpreted[case][2]
        gradient[4] = expected[4]  # on borders of cells, where a step to either side has another gradient
        near(gradient, expected, FLOAT)
        assert expected[:, 1:].abs().sum(0).min() > 0.01

    def test_dtype_and_memory_format(self, case, interpreted):
        features = inputs(case)[0]
        pooled, gradient, of_boxes = interpreted[case]
        form = LAST if CASES[case][-1] else torch.contiguous_format
        assert pooled.is_contiguous(memory_format=form)
        assert gradient.stride() == features.stride()
        assert (pooled.dtype, gradient.dtype, of_boxes.dtype) == (features.dtype, features.dtype, FLOAT)


class TestOperations:
    @pytest.mark.parametrize("name", ["roi_align", "roi_align_features_gradient", "roi_align_boxes_gradient"])
    def test_opcheck(self, name, interpreted):
        answers = interpreted["opcheck"][name]
        assert set(answers.values()) == {"SUCCESS"}
        assert {"test_schema", "test_autograd_registration", "test_faketensor"} <= set(answers)

    def test_compiled_in_one_graph(self, interpreted):
        for ours, expected in zip(*interpreted["compiled"], strict=True):
            assert torch.equal(ours, expected)
            assert expected.abs().max() > 0.1


class TestInputs:
    def test_a_list_is_the_same_as_rows(self, interpreted):
        assert torch.equal(interpreted["list"], interpreted["list of bfloat16"])
        features, rois, output_hw, options, _ = inputs("two samples")
        rois = rois[rois[:, 0].argsort(stable=True)][:5]
        assert_close(interpreted["rows"], gk.roi_align(features, rois, output_hw, **options))

    def test_features_cut_out_of_others(self, interpreted):
        assert torch.equal(interpreted["cut out"], interpreted["cut out and copied"])

    def test_channels_in_parts(self, interpreted):
        assert torch.equal(interpreted["many channels"], interpreted["rows"].repeat(1, 23, 1, 1))

    def test_a_gradient_that_repeats_one_number(self, interpreted):
        assert torch.equal(interpreted["sum"], interpreted["sum of copies"])
        assert interpreted["sum"].abs().max() > 0.1

    @pytest.mark.parametrize("form", ["Tensor", "list"])
    def test_no_boxes(self, form, interpreted):
        shape, gradient = interpreted[f"no boxes, {form}"]
        assert shape == (0, 3, 2, 3)
        assert torch.equal(gradient, torch.zeros(2, 3, 9, 12))

    @pytest.mark.parametrize("bad", BAD)
    def test_error_text(self, bad, interpreted, unhooked):
        """The kernel is started before its boxes are known to be good; the error is that of the torch code."""
        text = interpreted["bad"][bad]
        assert text == bad_box(inputs("two samples")[0], *BAD[bad])
        assert "row 2" in text or "order" in text
