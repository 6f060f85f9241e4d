from itertools import permutations

import pytest
import torch
import torchvision.ops
from exercise_tests import exercise_tests
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn, tensor
from torch.nn import functional
from torch.testing import assert_close

from gk_utils import box_regression as gk
from gk_utils.boxes import paired_iou, xyxy_to_cxcywh
from gk_utils.classroom.exercises.box_regression import EXERCISES
from gk_utils.classroom.exercises.box_regression.pulls import LOSSES as NAMED_LOSSES
from gk_utils.models.trunk import PADDING, Trunk, TrunkSettings

TRUTH = tensor([0.0, 0, 10, 10], dtype=torch.float64)
OVERLAP_LOSSES = {
    gk.giou_loss: torchvision.ops.generalized_box_iou_loss,
    gk.diou_loss: torchvision.ops.distance_box_iou_loss,
}
LOSSES = [gk.l1_loss, gk.smooth_l1_loss, gk.iou_loss, *OVERLAP_LOSSES]
HEADS = [lambda: gk.PooledHead(24), lambda: gk.QueryHead(24, 2), lambda: gk.ReferenceHead(24, 2, layers=3)]


def random_pair(n=300, seed=0, dtype=torch.float64):
    """Boxes and truths in 640 x 480: some apart, some overlapping, some nested, none without area."""
    generator = torch.Generator().manual_seed(seed)
    centre = torch.rand(n, 2, generator=generator, dtype=dtype) * tensor([600.0, 440.0], dtype=dtype)
    shift = torch.randn(n, 2, generator=generator, dtype=dtype) * 40
    half = torch.rand(2, n, 2, generator=generator, dtype=dtype) * 60 + 1
    return tuple(torch.cat([c - h, c + h], 1) for c, h in zip((centre, centre + shift), half, strict=True))


def value_and_gradients(loss, boxes, truth, **options):
    leaves = [x.clone().requires_grad_() for x in (boxes, truth)]
    value = loss(*leaves, **options)
    return value, *torch.autograd.grad(value.sum(), leaves)


def assert_same(ours, theirs):
    for a, b in zip(ours, theirs, strict=True):
        assert_close(a, b, rtol=1e-10, atol=1e-10)


def features_and_words(b=3, p=16, t=5, seed=0, dtype=torch.float32):
    generator = torch.Generator().manual_seed(seed)
    features = torch.randn(b, p + t, 24, generator=generator, dtype=dtype)
    return features, torch.arange(t) < torch.arange(t - b + 1, t + 1)[:, None]  # the first row has most padding


class TestL1Loss:
    def test_by_hand(self):
        boxes = tensor([[10.0, 0, 20, 10], [1, 2, 10, 10]], dtype=torch.float64)
        truth = TRUTH.expand(2, 4)
        assert gk.l1_loss(boxes, truth, "none").tolist() == [20, 3]
        assert gk.l1_loss(boxes, truth).item() == 11.5
        assert gk.l1_loss(boxes, truth, "sum").item() == 23

    def test_equals_torch(self):
        pair = random_pair()
        ours = value_and_gradients(gk.l1_loss, *pair)
        assert_same(ours, value_and_gradients(lambda a, b: 4 * functional.l1_loss(a, b), *pair))

    def test_takes_any_spelling(self):
        centres = tensor([[0.9, 0.9, 0.1, 0.1]])
        assert_close(gk.l1_loss(centres, centres + 0.1), tensor(0.4))


class TestSmoothL1Loss:
    def test_by_hand(self):
        boxes = tensor([[0.5, 0, 20, 10]], dtype=torch.float64)
        assert gk.smooth_l1_loss(boxes, TRUTH[None]).item() == 0.125 + 9.5
        assert gk.smooth_l1_loss(boxes, TRUTH[None], beta=20.0).item() == 0.25 / 40 + 100 / 40

    @pytest.mark.parametrize("beta", [1.0, 0.1, 30.0])
    def test_equals_torch(self, beta):
        pair = random_pair()
        ours = value_and_gradients(gk.smooth_l1_loss, *pair, beta=beta)
        theirs = value_and_gradients(lambda a, b: 4 * functional.smooth_l1_loss(a, b, beta=beta), *pair)
        assert_same(ours, theirs)

    @pytest.mark.parametrize("beta", [0.0, -1.0, float("nan")])
    def test_error_text(self, beta):
        with pytest.raises(ValueError, match="beta: expected a number above 0, got .* l1_loss"):
            gk.smooth_l1_loss(TRUTH[None], TRUTH[None], beta=beta)


class TestOverlapLosses:
    def test_by_hand(self):
        boxes, truth = tensor([[5.0, 5, 15, 15], [20, 0, 30, 10], [0, 0, 10, 10]]), tensor([[0.0, 0, 10, 10]] * 3)
        assert_close(gk.iou_loss(boxes, truth, "none"), tensor([6 / 7, 1, 0]))
        assert_close(gk.giou_loss(boxes, truth, "none"), tensor([6 / 7 + 50 / 225, 4 / 3, 0]))
        assert_close(gk.diou_loss(boxes, truth, "none"), tensor([6 / 7 + 50 / 450, 1.4, 0]))

    @pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
    @pytest.mark.parametrize("loss", OVERLAP_LOSSES)
    def test_equals_torchvision(self, loss, reduction):
        pair = random_pair()
        iou = paired_iou(*pair)
        assert 50 < (iou > 0).sum() < 250  # both kinds are there
        ours = value_and_gradients(loss, *pair, reduction=reduction)
        assert_same(ours, value_and_gradients(OVERLAP_LOSSES[loss], *pair, reduction=reduction, eps=0))

    def test_iou_loss_equals_torchvision(self):
        pair = random_pair()
        theirs = value_and_gradients(lambda a, b: 1 - torchvision.ops.box_iou(a, b).diagonal(), *pair)
        assert_same(value_and_gradients(gk.iou_loss, *pair, reduction="none"), theirs)


class TestEveryLoss:
    @pytest.mark.parametrize("loss", LOSSES)
    def test_degenerate_boxes_have_finite_values_and_gradients(self, loss):
        point, line, same = [5.0, 5, 5, 5], [0.0, 3, 10, 3], [0.0, 0, 10, 10]
        boxes = tensor([point, point, line, line, same, point, [7.0, 7, 7, 7], same])
        truth = tensor([point, same, line, same, line, [9.0, 9, 9, 9], line, same])
        for found in value_and_gradients(loss, boxes, truth, reduction="none"):
            assert found.isfinite().all()
        expected = {gk.l1_loss: 0, gk.smooth_l1_loss: 0, gk.iou_loss: 1, gk.giou_loss: 1, gk.diou_loss: 1}
        assert loss(boxes[:1], truth[:1]).item() == expected[loss]  # two equal points

    @pytest.mark.parametrize("loss", [*LOSSES, gk.box_loss])
    def test_no_boxes(self, loss):
        none = torch.zeros(0, 4, requires_grad=True)
        assert loss(none, none, "none").shape == (0,)
        value = loss(none, none)
        value.backward()
        assert value.item() == 0
        assert none.grad.shape == (0, 4)

    @pytest.mark.parametrize("loss", LOSSES)
    def test_gradcheck(self, loss):
        boxes, truth = random_pair(8, seed=3)
        assert torch.autograd.gradcheck(lambda a, b: loss(a, b, "none"), (boxes.requires_grad_(), truth))

    @pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
    @pytest.mark.parametrize("loss", LOSSES)
    def test_half_precision_against_float32(self, loss, dtype):
        boxes, truth = (x.to(dtype) for x in random_pair(100, seed=4))
        assert_close(loss(boxes, truth, "none"), loss(boxes.float(), truth.float(), "none"), rtol=0, atol=1e-6)

    @pytest.mark.parametrize("loss", LOSSES)
    def test_error_texts(self, loss, unhooked):
        with pytest.raises(ValueError, match=r"expected as many rows as boxes1? \(2\), got 1"):
            loss(torch.zeros(2, 4), torch.zeros(1, 4))
        with pytest.raises(ValueError, match="reduction: expected one of 'mean', 'sum', 'none', got 'max'"):
            loss(torch.zeros(2, 4), torch.zeros(2, 4), "max")

    def test_overlap_of_no_box_names_the_row(self):
        with pytest.raises(ValueError, match=r"row 1 = \[10, 0, 0, 10\]"):
            gk.giou_loss(tensor([[0.0, 0, 1, 1], [10, 0, 0, 10]]), torch.zeros(2, 4))


class TestBoxLoss:
    def test_by_hand(self):
        boxes, truth = tensor([[0.5, 0.5, 0.2, 0.2]]), tensor([[0.5, 0.5, 0.4, 0.4]])
        assert_close(gk.box_loss(boxes, truth), tensor(5 * 0.4 + 2 * (1 - 0.25)))

    def test_equals_transformers(self):
        from transformers.loss.loss_for_object_detection import ImageLoss

        generator = torch.Generator().manual_seed(0)
        boxes, truth = torch.rand(2, 50, 4, generator=generator, dtype=torch.float64)
        criterion, every = ImageLoss(None, 1, 0.1, ["boxes"]), torch.arange(50)
        theirs = criterion.loss_boxes({"pred_boxes": boxes[None]}, [{"boxes": truth}], [(every, every)], 50)
        expected = 5 * theirs["loss_bbox"] + 2 * theirs["loss_giou"]
        assert_close(gk.box_loss(boxes, truth), expected, rtol=1e-10, atol=1e-10)


class TestLossGradients:
    """Where IoU has no gradient and GIoU has one."""

    def test_boxes_apart(self):
        gaps = tensor([1.0, 10, 40, 90], dtype=torch.float64)
        boxes = TRUTH + (10 + gaps)[:, None] * tensor([1.0, 0, 1, 0], dtype=torch.float64)
        truth = TRUTH.expand(4, 4)
        assert_close(1 - gk.giou_loss(boxes, truth, "none"), -gaps / (20 + gaps))  # -.048, -.333, -.667, -.818
        assert not gk.loss_gradients(gk.iou_loss, boxes, truth).any()
        for loss in (gk.giou_loss, gk.diou_loss):
            slope = gk.loss_gradients(loss, boxes, truth)
            assert (slope[:, 0] > 0).all()  # a step against it moves the near side towards the truth

    def test_nested_boxes_give_giou_nothing_more(self):
        boxes = tensor([[1.0, 2, 4, 5], [-5, -3, 15, 30]], dtype=torch.float64)
        truth = TRUTH.expand(2, 4)
        slopes = [gk.loss_gradients(loss, boxes, truth) for loss in (gk.iou_loss, gk.giou_loss, gk.diou_loss)]
        assert_close(slopes[0], slopes[1])
        assert (slopes[2] - slopes[0]).abs().max() > 1e-3

    def test_a_point_inside_the_truth_is_held_by_l1_alone(self):
        point = tensor([[4.0, 5, 4, 5]], dtype=torch.float64)
        for loss in (gk.iou_loss, gk.giou_loss):
            assert not gk.loss_gradients(loss, point, TRUTH[None]).any()
        assert gk.loss_gradients(gk.l1_loss, point, TRUTH[None]).tolist() == [[1, 1, -1, -1]]

    def test_each_row_is_its_own_and_nothing_is_changed(self):
        boxes, truth = random_pair(20, seed=5)
        before = boxes.clone()
        with torch.no_grad():
            found = gk.loss_gradients(gk.giou_loss, boxes, truth)
        alone = [gk.loss_gradients(gk.giou_loss, boxes[i : i + 1], truth[i : i + 1]) for i in range(20)]
        assert_close(found, torch.cat(alone))
        assert torch.equal(boxes, before)
        assert not boxes.requires_grad


class TestBoxesAtL1:
    def test_same_distance_different_overlap(self):
        directions = tensor([[1.0, 0, 1, 0], [1, 1, 1, 1], [-1, -1, 1, 1], [0, 0, 0, 1]], dtype=torch.float64)
        boxes = gk.boxes_at_l1(TRUTH, 20.0, directions)
        assert boxes.tolist() == [[10, 0, 20, 10], [5, 5, 15, 15], [-5, -5, 15, 15], [0, 0, 10, 30]]
        truth = TRUTH.expand(4, 4)
        assert gk.l1_loss(boxes, truth, "none").tolist() == [20] * 4
        assert_close(1 - gk.iou_loss(boxes, truth, "none"), tensor([0, 1 / 7, 1 / 4, 1 / 3], dtype=torch.float64))
        giou = tensor([0, 1 / 7 - 50 / 225, 1 / 4, 1 / 3], dtype=torch.float64)
        assert_close(1 - gk.giou_loss(boxes, truth, "none"), giou)

    @settings(deadline=None, max_examples=40)
    @given(st.lists(st.integers(-9, 9), min_size=4, max_size=4).filter(any), st.floats(0, 5))
    def test_the_distance_is_what_was_asked_for(self, direction, distance):
        boxes = gk.boxes_at_l1(TRUTH, distance, tensor([direction], dtype=torch.float64))
        assert gk.l1_loss(boxes, TRUTH[None]).item() == pytest.approx(distance)

    def test_error_texts(self):
        with pytest.raises(ValueError, match="the boxes at this distance: expected x1 <= x2 .* row 0"):
            gk.boxes_at_l1(TRUTH, 50.0, tensor([[1.0, 1, -1, -1]], dtype=torch.float64))
        with pytest.raises(ValueError, match="the boxes at this distance: expected finite numbers, got row 1"):
            gk.boxes_at_l1(TRUTH, 5.0, tensor([[1.0, 0, 0, 0], [0, 0, 0, 0]], dtype=torch.float64))


def random_match(q, n, seed, classes=5):
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(q, classes, generator=generator, dtype=torch.float64) * 2
    boxes, truth = (torch.rand(k, 4, generator=generator, dtype=torch.float64) for k in (q, n))
    return logits, boxes, torch.randint(classes, (n,), generator=generator), truth


class TestMatchingCost:
    def test_by_hand(self):
        logits, boxes = tensor([[0.0, 0.0], [3.0, 1.0]]), tensor([[0.5, 0.5, 0.2, 0.2], [0.5, 0.5, 0.4, 0.4]])
        share = 1 / (1 + torch.e**2)
        cost = gk.matching_cost(logits, boxes, tensor([1]), boxes[:1])
        assert_close(cost, tensor([[-0.5 - 2], [5 * 0.4 - share - 2 * 0.25]]))

    def test_bounds_and_no_truths(self):
        assert gk.matching_cost(*random_match(4, 0, 0)).shape == (4, 0)
        cost = gk.matching_cost(*random_match(20, 20, 1))
        assert -3 <= cost.min() <= cost.max() <= 22

    def test_error_texts(self, unhooked):
        logits, boxes, classes, truth = random_match(3, 2, 0)
        with pytest.raises(ValueError, match=r"boxes_cxcywh: expected as many rows as logits \(3\), got 2"):
            gk.matching_cost(logits, boxes[:2], classes, truth)
        with pytest.raises(ValueError, match=r"truth_cxcywh: expected as many rows as classes \(2\), got 1"):
            gk.matching_cost(logits, boxes, classes, truth[:1])
        with pytest.raises(ValueError, match="row 0"):
            gk.matching_cost(logits, -boxes, classes, truth)


class TestHungarianMatch:
    @pytest.mark.parametrize(("q", "n"), [(5, 3), (3, 5), (4, 4), (1, 1)])
    def test_equals_trying_all(self, q, n):
        for seed in range(10):
            cost = torch.randn(q, n, generator=torch.Generator().manual_seed(seed))
            queries, truths = gk.hungarian_match(cost)
            assert queries.tolist() == sorted(set(queries.tolist()))
            assert len(set(truths.tolist())) == len(truths) == min(q, n)
            table = cost if q >= n else cost.T
            best = min(
                sum(table[row, k] for k, row in enumerate(rows)) for rows in permutations(range(max(q, n)), min(q, n))
            )
            assert_close(cost[queries, truths].sum(), best)

    @pytest.mark.parametrize("q", [3, 20, 60])
    def test_equals_transformers(self, q):
        from transformers.loss.loss_for_object_detection import HungarianMatcher

        matcher = HungarianMatcher(class_cost=1, bbox_cost=5, giou_cost=2)  # the defaults of DetrConfig
        pictures = [random_match(q, n, 100 * q + n) for n in (0, 1, 3, 7, 12)]
        outputs = {
            "logits": torch.stack([picture[0] for picture in pictures]),
            "pred_boxes": torch.stack([picture[1] for picture in pictures]),
        }
        theirs = matcher(outputs, [{"class_labels": classes, "boxes": truth} for *_, classes, truth in pictures])
        for picture, (queries, truths) in zip(pictures, theirs, strict=True):
            ours = gk.hungarian_match(gk.matching_cost(*picture))
            assert [ours[0].tolist(), ours[1].tolist()] == [queries.tolist(), truths.tolist()]

    def test_weights_are_those_of_detr(self):
        from transformers import DetrConfig

        config = DetrConfig()
        costs = (config.class_cost, config.bbox_cost, config.giou_cost)
        assert costs == (gk.CLASS_WEIGHT, gk.L1_WEIGHT, gk.GIOU_WEIGHT)
        assert (config.bbox_loss_coefficient, config.giou_loss_coefficient) == costs[1:]

    def test_no_truths(self):
        queries, truths = gk.hungarian_match(torch.zeros(4, 0))
        assert (queries.shape, truths.shape) == ((0,), (0,))

    @pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
    def test_error_text(self, bad):
        with pytest.raises(ValueError, match="cost: expected finite numbers, got row 1"):
            gk.hungarian_match(tensor([[0.0, 1.0], [2.0, bad]], requires_grad=True))


class TestInverseSigmoid:
    def test_inverts(self):
        x = torch.linspace(-9, 9, 37, dtype=torch.float64)
        assert_close(gk.inverse_sigmoid(x.sigmoid()), x)

    def test_equals_transformers(self):
        from transformers.models.rt_detr_v2.modeling_rt_detr_v2 import inverse_sigmoid

        x = torch.linspace(0, 1, 1001, dtype=torch.float64)
        assert_close(gk.inverse_sigmoid(x), inverse_sigmoid(x), rtol=0, atol=1e-10)

    def test_the_ends_are_finite(self):
        x = tensor([0.0, 1.0], requires_grad=True)
        gk.inverse_sigmoid(x).sum().backward()
        assert x.grad.isfinite().all()


class TestCrossLayer:
    def twins(self):
        """A layer, and torch's attention with its weights."""
        torch.manual_seed(0)
        layer = gk.CrossLayer(24, 3).double()
        theirs = nn.MultiheadAttention(24, 3, batch_first=True, dtype=torch.float64)
        with torch.no_grad():
            parts = (layer.query, layer.key, layer.value)
            theirs.in_proj_weight.copy_(torch.cat([part.weight for part in parts]))
            theirs.in_proj_bias.copy_(torch.cat([part.bias for part in parts]))
            theirs.out_proj.load_state_dict(layer.project.state_dict())
        return layer, theirs

    def test_attention_equals_torch(self):
        layer, theirs = self.twins()
        features, words_seen = features_and_words(dtype=torch.float64)
        seen = torch.cat([torch.ones(3, 16, dtype=torch.bool), words_seen], 1)
        asking = torch.randn(3, 2, 24, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
        leaves = [x.requires_grad_() for x in (asking, features)]
        ours, shares = layer.attend(*leaves, seen)
        expected, their_shares = theirs(
            asking, features, features, key_padding_mask=~seen, need_weights=True, average_attn_weights=False
        )
        assert_same([ours, shares], [expected, their_shares])
        slopes = [torch.autograd.grad((x**2).sum(), leaves) for x in (ours, expected)]
        assert_same(*slopes)

    def test_nothing_seen_is_finite(self):
        layer, _ = self.twins()
        features, _ = features_and_words(dtype=torch.float64)
        read, shares = layer.attend(features[:, :1], features, torch.zeros(3, 21, dtype=torch.bool))
        assert read.isfinite().all()
        assert_close(shares, torch.full_like(shares, 1 / 21))

    def test_both_parts_are_residuals(self):
        layer, _ = self.twins()
        for linear in (layer.project, layer.inner[-1]):
            nn.init.zeros_(linear.weight)
            nn.init.zeros_(linear.bias)
        features, _ = features_and_words(dtype=torch.float64)
        assert torch.equal(layer(features, features, torch.ones(3, 21, dtype=torch.bool))[0], features)


class TestRegressed:
    def test_boxes_by_hand(self):
        layers = tensor([[[0.5, 0.5, 0.5, 0.5]], [[0.25, 0.5, 0.2, 0.5]]])
        assert_close(gk.Regressed(layers, torch.ones(1, 1)).boxes((100, 200)), tensor([[30.0, 25, 70, 75]]))

    def test_boxes_are_cut_at_the_border(self):
        found = gk.Regressed(tensor([[[0.1, 0.9, 0.4, 0.4]]]), torch.ones(1, 1)).boxes((100, 200))
        assert_close(found, tensor([[0.0, 70, 60, 100]]))


@pytest.mark.parametrize("make", HEADS, ids=["pooled", "query", "reference"])
class TestEveryHead:
    def test_shapes_ranges_and_shares(self, make):
        torch.manual_seed(0)
        features, words_seen = features_and_words()
        found = make()(features, words_seen)
        assert found.layers_cxcywh.shape[1:] == (3, 4)
        assert 0 < found.layers_cxcywh.min() <= found.layers_cxcywh.max() < 1
        assert_close(found.shares.sum(1), torch.ones(3))
        assert not found.shares[:, 16:][~words_seen].any()

    def test_takes_what_the_trunk_gives(self, make):
        torch.manual_seed(0)
        trunk = Trunk(TrunkSettings(("the", "red", "mug"), image_side=64, patch=16, width=24, heads=2))
        numbers = trunk.number(["the red mug", "mug"])
        with torch.no_grad():
            features = trunk.join(trunk.see(torch.rand(2, 3, 64, 64)).features, numbers)[0]
        boxes = make()(features, numbers != PADDING).boxes((64, 64))
        assert boxes.shape == (2, 4)
        assert (boxes[:, 2:] > boxes[:, :2]).all()

    def test_padding_and_the_other_rows_do_not_matter(self, make):
        torch.manual_seed(0)
        features, words_seen = features_and_words()
        head, other = make(), features.clone()
        other[:, 16:][~words_seen] = 100
        other[2] += 1
        assert_close(head(features, words_seen).boxes((9, 9))[:2], head(other, words_seen).boxes((9, 9))[:2])

    def test_gradients_are_finite_and_reach_everything_and_a_few_steps_help(self, make):
        torch.manual_seed(0)
        head, (features, words_seen) = make(), features_and_words()
        truth = tensor([[0.2, 0.3, 0.1, 0.2], [0.7, 0.3, 0.4, 0.2], [0.5, 0.8, 0.3, 0.3]])
        optimizer, values, silent = torch.optim.Adam(head.parameters(), 1e-2), [], []
        for _ in range(40):
            layers = head(features, words_seen).layers_cxcywh
            loss = sum(gk.box_loss(boxes, truth) for boxes in layers) / len(layers)
            optimizer.zero_grad()
            loss.backward()
            assert all(parameter.grad.isfinite().all() for parameter in head.parameters())
            silent.append([name for name, parameter in head.named_parameters() if not parameter.grad.any()])
            optimizer.step()
            values.append(loss.item())
        assert not silent[1]  # the deltas of a reference head begin at 0: in the first step nothing passes them
        assert values[-1] < 0.3 * values[0]

    def test_under_autocast_the_boxes_are_float32(self, make):
        torch.manual_seed(0)
        head, (features, words_seen) = make(), features_and_words()
        exact = head(features, words_seen)
        with torch.autocast("cpu", torch.bfloat16):
            found = head(features, words_seen)
        assert found.layers_cxcywh.dtype == found.shares.dtype == torch.float32
        assert_close(found.layers_cxcywh, exact.layers_cxcywh, rtol=0, atol=2e-2)

    def test_error_text(self, make, unhooked):
        with pytest.raises(ValueError, match="words_seen: expected fewer than 5 words, got 5"):
            make()(torch.zeros(1, 5, 24), torch.ones(1, 5, dtype=torch.bool))


class TestPooledHead:
    def test_only_the_mean_of_the_patches_counts(self):
        torch.manual_seed(0)
        head, (features, words_seen) = gk.PooledHead(24), features_and_words()
        flat = torch.cat([features[:, :16].mean(1, keepdim=True).expand(-1, 16, -1), features[:, 16:] + 5], 1)
        assert_close(head(flat, words_seen).layers_cxcywh, head(features, words_seen).layers_cxcywh)


class TestQueryHead:
    def test_answers_after_every_layer(self):
        torch.manual_seed(0)
        head, (features, words_seen) = gk.QueryHead(24, 2, layers=3), features_and_words()
        found = head(features, words_seen).layers_cxcywh
        assert len(found) == 3
        del head.layers[2]
        assert_close(head(features, words_seen).layers_cxcywh, found[:2])

    def test_shares_are_the_mean_over_the_heads(self):
        torch.manual_seed(0)
        head, (features, words_seen) = gk.QueryHead(24, 2, layers=1), features_and_words()
        seen = torch.cat([torch.ones(3, 16, dtype=torch.bool), words_seen], 1)
        _, shares = head.layers[0](head.query.expand(3, 1, -1), features, seen)
        assert_close(head(features, words_seen).shares, (shares[:, 0, 0] + shares[:, 1, 0]) / 2)


class TestReferenceHead:
    def test_begins_as_a_small_box_in_the_middle(self):
        found = gk.ReferenceHead(24, 2)(*features_and_words()).layers_cxcywh
        small = torch.tensor(-2.0).sigmoid().item()
        assert_close(found, tensor([0.5, 0.5, small, small]).expand(2, 3, 4))

    def test_a_delta_moves_the_box_before(self):
        head = gk.ReferenceHead(24, 2)
        nn.init.constant_(head.mlp[-1].bias, 0.25)
        found = head(*features_and_words()).layers_cxcywh
        start = tensor([0.0, 0.0, -2.0, -2.0])
        assert_close(found, torch.stack([start + 0.25, start + 0.5]).sigmoid()[:, None].expand(2, 3, 4))

    def test_no_gradient_goes_back_through_a_box(self):
        torch.manual_seed(0)
        head = gk.ReferenceHead(24, 2)
        nn.init.normal_(head.mlp[-1].weight)
        for linear in (*(layer.project for layer in head.layers), *(layer.inner[-1] for layer in head.layers)):
            nn.init.zeros_(linear.weight)  # the layers pass nothing on ...
        nn.init.zeros_(head.place[-1].weight)  # ... and nobody is told where the box is
        head(*features_and_words()).layers_cxcywh[1].sum().backward()
        assert not head.start.grad.any()
        head(*features_and_words()).layers_cxcywh[0].sum().backward()
        assert head.start.grad.any()


def pulls_by_moving(box, truth):
    box, truth = box.double(), truth.double()
    steps = 0.01 * tensor([[1.0, 0, 1, 0], [-1, 0, -1, 0], [0, 1, 0, 1], [0, -1, 0, -1]], dtype=torch.float64)
    names = []
    for name, loss in NAMED_LOSSES.items():
        ahead, back = (loss(box + sign * steps[::2], truth.expand(2, 4), reduction="none") for sign in (1, -1))
        if ((ahead - back).abs() / 0.02 > 1e-6).any():
            names.append(name)
    return names


def pulls_of_all_at_once(box, truth):
    slope = {
        name: gk.loss_gradients(loss, box[None], truth[None]).view(2, 2).sum(0) for name, loss in NAMED_LOSSES.items()
    }
    return tuple(name for name in NAMED_LOSSES if slope[name].norm() > 1e-6)


def regret_by_sorting(cost):
    pairs = sorted((value, i, j) for i, row in enumerate(cost.tolist()) for j, value in enumerate(row))
    rows, columns, greedy = set(), set(), 0.0
    for value, i, j in pairs:
        if i not in rows and j not in columns:
            greedy += value
            rows.add(i)
            columns.add(j)
    queries, truths = gk.hungarian_match(cost)
    return greedy - cost[queries, truths].sum()


def regret_by_trying_all(cost):
    if len(cost) < cost.shape[1]:
        cost = cost.T
    n = cost.shape[1]
    best = cost[torch.tensor(list(permutations(range(len(cost)), n))), torch.arange(n)].sum(1).min()
    left, greedy = cost, 0
    while left.numel():
        row, column = (left == left.min()).nonzero()[0].tolist()
        greedy = greedy + left[row, column]
        left = left[torch.arange(len(left)) != row][:, torch.arange(left.shape[1]) != column]
    return float(greedy - best)


def hedge_by_trying_all(boxes, shares):
    expected = (boxes[:, None] - boxes).abs() * shares[None, :, None]
    sums = expected.sum(1)
    best = [min(range(len(boxes)), key=lambda i: (round(sums[i, k].item(), 3), boxes[i, k].item())) for k in range(4)]
    return tensor([boxes[i, k] for k, i in enumerate(best)])


def hedge_by_repeating(boxes, shares):
    often = (shares * 10_000).round().long()
    return boxes.repeat_interleave(often, 0).median(0).values


def delta_by_odds(reference, truth, image_hw):
    height, width = image_hw
    unit = xyxy_to_cxcywh(truth / tensor([width, height, width, height]))
    return (unit / (1 - unit)).log() - (reference / (1 - reference)).log()


def delta_by_library(reference, truth, image_hw):
    x1, y1, x2, y2 = truth
    height, width = image_hw
    unit = torch.stack([(x1 + x2) / 2 / width, (y1 + y2) / 2 / height, (x2 - x1) / width, (y2 - y1) / height])
    return gk.inverse_sigmoid(unit) - gk.inverse_sigmoid(reference)


RIGHT_ANSWERS = {
    "04.pulls": (pulls_by_moving, pulls_of_all_at_once),
    "04.regret": (regret_by_sorting, regret_by_trying_all),
    "04.hedge": (hedge_by_trying_all, hedge_by_repeating),
    "04.delta": (delta_by_odds, delta_by_library),
}


TestExercises = exercise_tests(EXERCISES, RIGHT_ANSWERS)
