import math

import numpy as np
import pytest
import scipy.stats
import torch
from exercise_tests import exercise_tests
from hypothesis import given
from hypothesis import strategies as st

from gk_utils import average_precision as average_precision_module
from gk_utils import metrics
from gk_utils.boxes import paired_giou, paired_iou, pairwise_iou
from gk_utils.classroom.exercises.metrics import EXERCISES
from gk_utils.metrics import (
    Interval,
    accuracy_at_iou,
    average_precision,
    bootstrap_interval,
    bootstrap_intervals,
    first_hit_ranks,
    mean_absolute_error,
    mean_iou,
    pointing_accuracy,
    recall_at_k,
    root_mean_squared_error,
)

SQUARE = torch.tensor([[0.0, 0.0, 10.0, 10.0]])
FAR = torch.tensor([[50.0, 50.0, 60.0, 60.0]])
NO_BOXES = torch.zeros(0, 4)

unit_floats = st.lists(st.floats(0, 1, width=32), min_size=1, max_size=30)


class TestModule:
    def test_average_precision_can_be_imported_from_here(self):
        assert average_precision is average_precision_module.average_precision
        assert all(hasattr(metrics, name) for name in metrics.__all__)


class TestAccuracyAtIou:
    def test_the_two_rules_differ_at_exactly_one_half(self):
        ious = paired_iou(torch.tensor([[0.0, 0, 10, 20]]), SQUARE)
        assert accuracy_at_iou(ious) == 1
        assert accuracy_at_iou(ious, inclusive=False) == 0

    def test_giou_is_stricter(self):
        boxes = torch.tensor([[1.8, 1.8, 11.8, 11.8]])
        assert accuracy_at_iou(paired_iou(boxes, SQUARE)) == 1
        assert accuracy_at_iou(paired_giou(boxes, SQUARE)) == 0

    @given(unit_floats, st.sampled_from([0.25, 0.5, 0.6, 0.75]))
    def test_equals_the_loop(self, ious, threshold):
        ious = torch.tensor(ious, dtype=torch.float64)
        expected = sum(iou >= threshold for iou in ious.tolist()) / len(ious)
        assert accuracy_at_iou(ious, threshold) == pytest.approx(expected)

    def test_a_threshold_that_float32_cannot_hold_is_met_by_its_neighbour(self):
        assert accuracy_at_iou(torch.tensor([0.6]), 0.6) == 1

    @pytest.mark.parametrize(
        ("ious", "message"),
        [
            ([], "ious: expected at least one value, got none"),
            ([0.5, math.nan], "ious: expected finite numbers, got nan in row 1"),
        ],
    )
    def test_errors(self, ious, message):
        for metric in (accuracy_at_iou, mean_iou):
            with pytest.raises(ValueError, match=message):
                metric(torch.tensor(ious))


class TestMeanIou:
    def test_by_hand(self):
        assert mean_iou(torch.tensor([1.0, 0.5, 0.0, 0.5])) == 0.5

    @given(unit_floats)
    def test_lies_between_the_extremes(self, ious):
        assert min(ious) - 1e-9 <= mean_iou(torch.tensor(ious)) <= max(ious) + 1e-9

    def test_half_precision_is_added_up_in_full(self):
        assert mean_iou(torch.full((100_000,), 0.5, dtype=torch.float16)) == 0.5


class TestPointingAccuracy:
    @pytest.mark.parametrize(
        ("point", "right"), [((0, 0), 1), ((10, 10), 1), ((5, 10.01), 0), ((-0.01, 5), 0), ((9.99, 0.01), 1)]
    )
    def test_the_border_belongs_to_the_box(self, point, right):
        assert pointing_accuracy(torch.tensor([point]).float(), SQUARE) == right

    def test_x_and_y_are_not_exchanged(self):
        wide = torch.tensor([[0.0, 0.0, 100.0, 10.0]])
        assert pointing_accuracy(torch.tensor([[90.0, 5.0]]), wide) == 1
        assert pointing_accuracy(torch.tensor([[5.0, 90.0]]), wide) == 0

    def test_a_box_without_area_holds_its_own_corner(self):
        assert pointing_accuracy(torch.tensor([[3.0, 4.0]]), torch.tensor([[3.0, 4.0, 3.0, 4.0]])) == 1

    @pytest.mark.usefixtures("unhooked")
    @pytest.mark.parametrize(
        ("points", "boxes", "message"),
        [
            (torch.zeros(2, 2), SQUARE, r"points: expected as many rows as boxes \(1\), got 2"),
            (torch.zeros(0, 2), NO_BOXES, "points: expected at least one value, got none"),
            (torch.tensor([[1.0, math.inf]]), SQUARE, r"points: expected finite numbers, got \[1.0, inf\] in row 0"),
        ],
    )
    def test_errors(self, points, boxes, message):
        with pytest.raises(ValueError, match=message):
            pointing_accuracy(points, boxes)


class TestCountingErrors:
    def test_by_hand(self):
        predicted, true = torch.tensor([1, 2, 13]), torch.tensor([4, 2, 9])
        assert mean_absolute_error(predicted, true) == pytest.approx(7 / 3)
        assert root_mean_squared_error(predicted, true) == pytest.approx(math.sqrt(25 / 3))

    @given(st.lists(st.tuples(st.integers(0, 500), st.integers(0, 500)), min_size=1, max_size=20))
    def test_mae_never_exceeds_rmse_and_both_are_symmetric(self, counts):
        predicted, true = torch.tensor(counts).T
        mae, rmse = mean_absolute_error(predicted, true), root_mean_squared_error(predicted, true)
        assert 0 <= mae <= rmse + 1e-9
        assert (mae, rmse) == (mean_absolute_error(true, predicted), root_mean_squared_error(true, predicted))
        if len(set((predicted - true).abs().tolist())) == 1:
            assert mae == pytest.approx(rmse)

    def test_unsigned_counts_do_not_wrap_around(self):
        few, many = torch.tensor([1], dtype=torch.uint8), torch.tensor([3], dtype=torch.uint8)
        assert mean_absolute_error(few, many) == root_mean_squared_error(few, many) == 2

    @pytest.mark.usefixtures("unhooked")
    @pytest.mark.parametrize("metric", [mean_absolute_error, root_mean_squared_error])
    @pytest.mark.parametrize(
        ("predicted", "true", "message"),
        [
            ([1.0], [1.0, 2.0], r"true: expected as many rows as predicted \(1\), got 2"),
            ([], [], "predicted - true: expected at least one value, got none"),
            ([1.0, math.nan], [1.0, 2.0], "predicted - true: expected finite numbers, got nan in row 1"),
        ],
    )
    def test_errors(self, metric, predicted, true, message):
        with pytest.raises(ValueError, match=message):
            metric(torch.tensor(predicted), torch.tensor(true))


class TestFirstHitRanks:
    def test_any_true_box_will_do(self):
        truths = torch.cat([SQUARE, FAR])
        ranks = first_hit_ranks([FAR, torch.cat([SQUARE + 200, SQUARE]), SQUARE + 200], [truths] * 3)
        assert ranks.tolist() == [1, 2, math.inf]

    def test_merged_asks_for_the_box_around_all(self):
        truths, around = torch.cat([SQUARE, FAR]), torch.tensor([[0.0, 0.0, 60.0, 60.0]])
        assert first_hit_ranks([torch.cat([SQUARE, around])], [truths], rule="merged").tolist() == [2]
        assert first_hit_ranks([around], [truths]).tolist() == [math.inf]

    def test_the_rules_agree_on_one_true_box(self):
        ranked = torch.rand(20, 2, generator=torch.manual_seed(0)) * 10
        ranked = [torch.cat([ranked, ranked + 8], dim=1)] * 3
        truths = [SQUARE, SQUARE + 3, SQUARE + 7]
        assert first_hit_ranks(ranked, truths).equal(first_hit_ranks(ranked, truths, rule="merged"))

    def test_the_threshold_itself_is_right(self):
        half = torch.tensor([[0.0, 0.0, 10.0, 20.0]])
        assert first_hit_ranks([half], [SQUARE]).tolist() == [1]
        assert first_hit_ranks([half], [SQUARE], threshold=0.51).tolist() == [math.inf]

    def test_no_boxes_for_a_phrase_is_a_miss(self):
        assert first_hit_ranks([NO_BOXES, SQUARE], [SQUARE, SQUARE]).tolist() == [math.inf, 1]

    def test_no_phrases(self):
        assert first_hit_ranks([], []).shape == (0,)

    @pytest.mark.usefixtures("unhooked")
    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (
                {"true_boxes": [SQUARE, NO_BOXES]},
                "true_boxes: expected at least one box per phrase, got none for phrase 1",
            ),
            ({"true_boxes": [SQUARE]}, r"true_boxes: expected as many rows as ranked_boxes \(2\), got 1"),
            ({"rule": "all"}, "rule: expected one of 'any', 'merged', got 'all'"),
        ],
    )
    def test_errors(self, arguments, message):
        with pytest.raises(ValueError, match=message):
            first_hit_ranks(**({"ranked_boxes": [SQUARE, FAR], "true_boxes": [SQUARE, FAR]} | arguments))


class TestRecallAtK:
    def test_by_hand(self):
        ranks = torch.tensor([1.0, 2.0, 6.0, math.inf])
        assert [recall_at_k(ranks, k) for k in (1, 2, 5, 10, 1000)] == [0.25, 0.5, 0.5, 0.75, 0.75]

    @given(st.lists(st.sampled_from([1.0, 2.0, 5.0, 11.0, math.inf]), min_size=1))
    def test_never_falls_with_k(self, ranks):
        recalls = [recall_at_k(torch.tensor(ranks), k) for k in (1, 5, 10)]
        assert recalls == sorted(recalls)

    @pytest.mark.parametrize(
        ("ranks", "k", "message"),
        [([1.0], 0, "k: expected at least 1, got 0"), ([], 1, "ranks: expected at least one value, got none")],
    )
    def test_errors(self, ranks, k, message):
        with pytest.raises(ValueError, match=message):
            recall_at_k(torch.tensor(ranks), k)

    def test_a_rank_that_is_no_number(self):
        with pytest.raises(ValueError, match="ranks: expected finite numbers, got nan in row 1"):
            recall_at_k(torch.tensor([math.inf, math.nan]))


class TestBootstrapInterval:
    def test_a_statistic_without_a_value_is_named(self):
        hits = torch.tensor([1.0] + [0.0] * 9)  # many resamples have no hit at all
        with pytest.raises(ValueError, match="statistic: expected finite numbers, got nan"):
            bootstrap_interval(hits, lambda drawn: drawn[drawn > 0].mean())

    def test_one_resample_is_enough(self):
        interval = bootstrap_interval(torch.tensor([1.0, 0, 0, 1, 1]), resamples=1)
        assert interval.low == interval.high

    def test_equals_scipy(self):
        values = torch.rand(57, dtype=torch.float64, generator=torch.manual_seed(0))
        ours = bootstrap_interval(values, resamples=500, seed=3, level=0.9)
        draws = {"n_resamples": 500, "random_state": np.random.default_rng(3)}  # by the name that old versions know too
        peer = scipy.stats.bootstrap(
            (values.numpy(),), np.mean, confidence_level=0.9, method="percentile", **draws
        ).confidence_interval
        assert (ours.low, ours.high) == pytest.approx((peer.low, peer.high), abs=1e-12)
        assert ours.value == pytest.approx(values.mean().item())

    def test_a_statistic_gives_what_the_fast_mean_gives(self):
        values = torch.rand(40, dtype=torch.float64, generator=torch.manual_seed(0))
        fast, slow = bootstrap_interval(values, resamples=200), bootstrap_interval(values, torch.mean, resamples=200)
        assert (slow.value, slow.low, slow.high) == pytest.approx((fast.value, fast.low, fast.high))

    def test_blocks_do_not_change_the_draws(self):
        values = (torch.arange(30_000) % 2).double()  # 66 resamples a block
        generator = np.random.default_rng(0)
        means = [values[generator.integers(0, 30_000, 30_000)].mean().item() for _ in range(150)]
        ours = bootstrap_interval(values, resamples=150)
        assert (ours.low, ours.high) == pytest.approx(tuple(np.quantile(means, [0.025, 0.975])))

    def test_width_follows_the_binomial(self):
        hits = torch.arange(400) < 320
        interval = bootstrap_interval(hits)
        standard_error = math.sqrt(0.8 * 0.2 / 400)
        assert interval.value == 0.8
        assert interval.low == pytest.approx(0.8 - 1.96 * standard_error, abs=0.005)
        assert interval.high == pytest.approx(0.8 + 1.96 * standard_error, abs=0.005)

    def test_holds_the_truth_about_as_often_as_it_says(self):
        generator = torch.manual_seed(0)
        samples = torch.rand(300, 80, generator=generator) < 0.7
        intervals = [bootstrap_interval(hits, resamples=300, seed=seed) for seed, hits in enumerate(samples)]
        held = sum(interval.low <= 0.7 <= interval.high for interval in intervals) / 300
        assert 0.9 < held < 0.98

    def test_paired_differences_see_what_two_intervals_hide(self):
        generator = torch.manual_seed(0)
        difficulty = torch.randn(100, generator=generator)
        first = difficulty + 0.2 + 0.05 * torch.randn(100, generator=generator)
        second = difficulty + 0.05 * torch.randn(100, generator=generator)
        assert bootstrap_interval(first).low < bootstrap_interval(second).high  # overlap: no verdict
        assert bootstrap_interval(first - second).low > 0.15

    def test_same_seed_same_interval(self):
        values = torch.rand(30, generator=torch.manual_seed(0))
        assert bootstrap_interval(values, seed=1) == bootstrap_interval(values, seed=1)
        assert bootstrap_interval(values, seed=1) != bootstrap_interval(values, seed=2)

    def test_a_wider_level_holds_the_narrower(self):
        values = torch.rand(30, generator=torch.manual_seed(0))
        wide, narrow = bootstrap_interval(values, level=0.99), bootstrap_interval(values, level=0.5)
        assert wide.low < narrow.low < narrow.high < wide.high

    def test_metrics_serve_as_statistics(self):
        ious = torch.rand(50, generator=torch.manual_seed(0))
        by_metric = bootstrap_interval(ious, accuracy_at_iou, resamples=100)
        assert by_metric == bootstrap_interval(ious >= 0.5, resamples=100)

    def test_row_numbers_resample_whole_images(self):
        boxes, scores, truths = [SQUARE] * 12, [torch.ones(1)] * 12, [SQUARE] * 6 + [FAR] * 6

        def ap50(images):
            rows = images.tolist()
            return average_precision(
                [boxes[i] for i in rows], [scores[i] for i in rows], [truths[i] for i in rows]
            ).ap50

        interval = bootstrap_interval(torch.arange(12), ap50, resamples=40)
        assert interval.low < interval.value < interval.high

    @pytest.mark.parametrize("values", [[0.25], [0.25] * 9])
    def test_equal_values_have_an_interval_without_width(self, values):
        assert bootstrap_interval(torch.tensor(values)) == Interval(0.25, 0.25, 0.25)

    @pytest.mark.parametrize(
        ("values", "options", "message"),
        [
            ([], {}, "values: expected at least one value, got none"),
            ([1.0, math.inf], {}, "values: expected finite numbers, got inf in row 1"),
            ([1.0], {"resamples": 0}, "resamples: expected at least 1, got 0"),
            ([1.0], {"level": 95.0}, "level: expected a share between 0 and 1, got 95.0"),
        ],
    )
    def test_errors(self, values, options, message):
        with pytest.raises(ValueError, match=message):
            bootstrap_interval(torch.tensor(values), **options)


class TestBootstrapIntervals:
    def test_each_gets_the_interval_that_it_gets_alone(self):
        values = torch.rand(70, 3, generator=torch.manual_seed(0))
        options = {"resamples": 150, "seed": 4, "level": 0.8}
        together = bootstrap_intervals(values, **options)
        assert together == [bootstrap_interval(column, **options) for column in values.T]

    def test_equals_the_loop_in_one_block_and_in_many(self):
        for n in (5, 40_000):  # all resamples at a time, and one
            values = torch.rand(n, 2, dtype=torch.float64, generator=torch.manual_seed(n))
            generator = np.random.default_rng(0)
            means = [values[generator.integers(0, n, n)].mean(0).numpy() for _ in range(40)]
            for column, interval in enumerate(bootstrap_intervals(values, resamples=40)):
                low, high = np.quantile(np.array(means)[:, column], [0.025, 0.975])
                assert (interval.low, interval.high) == pytest.approx((low, high), abs=1e-12)
                assert interval.value == pytest.approx(values[:, column].mean().item())

    def test_hits_and_gradients(self):
        hits = torch.tensor([[True, False]] * 5)
        assert bootstrap_intervals(hits) == [Interval(1.0, 1.0, 1.0), Interval(0.0, 0.0, 0.0)]
        assert bootstrap_intervals(torch.ones(4, 1, requires_grad=True)) == [Interval(1.0, 1.0, 1.0)]

    @pytest.mark.parametrize(
        ("values", "options", "message"),
        [
            (torch.zeros(0, 2), {}, "values: expected at least one value, got none"),
            (
                torch.tensor([[1.0, 2.0], [0.0, math.nan]]),
                {},
                r"values: expected finite numbers, got \[0.0, nan\] in row 1",
            ),
            (torch.zeros(3, 2), {"resamples": 0}, "resamples: expected at least 1, got 0"),
            (torch.zeros(3, 2), {"level": 1}, "level: expected a share between 0 and 1, got 1"),
        ],
    )
    def test_errors(self, values, options, message):
        with pytest.raises(ValueError, match=message):
            bootstrap_intervals(values, **options)


def tied_by_loop(boxes, scores, truths):
    chosen = [box for box, score in zip(boxes, scores.tolist(), strict=True) if score == max(scores.tolist())]
    right = sum(any(paired_iou(box[None], truth[None]).item() >= 0.5 for truth in truths) for box in chosen)
    return right / len(chosen)


def tied_with_a_table(boxes, scores, truths):
    met = pairwise_iou(boxes, truths).amax(1) >= 0.5
    return met[scores >= scores.amax()].double().mean().item()


def resampled_by_loop(hits, picture, drawn):
    pairs = list(zip(hits.tolist(), picture.tolist(), strict=True))
    answers = [hit for one in drawn.tolist() for hit, home in pairs if home == one]
    return sum(answers) / len(answers)


def resampled_with_weights(hits, picture, drawn):
    weights = (picture[:, None] == drawn).sum(1).double()
    return (hits * weights).sum().item() / weights.sum().item()


def verdict_by_numpy(hits_a, hits_b, picture):
    sums = dict.fromkeys(picture.tolist(), 0.0)
    for a, b, one in zip(hits_a.tolist(), hits_b.tolist(), picture.tolist(), strict=True):
        sums[one] += a - b
    rows = np.random.default_rng(7).choice(np.array(list(sums.values())), (3000, len(sums)))
    low, high = np.percentile(rows.mean(1), [2.5, 97.5])
    return "undecided" if low <= 0 <= high else "a" if low > 0 else "b"


def verdict_by_ratio(hits_a, hits_b, picture):
    difference = hits_a.double() - hits_b.double()
    rows = [(picture == one).nonzero()[:, 0] for one in picture.unique()]

    def mean(drawn):
        return difference[torch.cat([rows[one] for one in drawn.tolist()])].mean()

    interval = bootstrap_interval(torch.arange(len(rows)), mean, resamples=500, seed=1)
    return "a" if interval.low > 0 else "b" if interval.high < 0 else "undecided"


def true_accuracy_by_two_points(seen, share, still, luck):
    at_0, at_1 = share * luck, 1 - share + share * still  # what the worst and the best model would score
    return sorted([0.0, (seen - at_0) / (at_1 - at_0), 1.0])[1]


def true_accuracy_by_halving(seen, share, still, luck):
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        score = (1 - share) * middle + share * (middle * still + (1 - middle) * luck)
        low, high = (middle, high) if score < seen else (low, middle)
    return (low + high) / 2


RIGHT_ANSWERS = {
    "02.tied": (tied_by_loop, tied_with_a_table),
    "02.resampled": (resampled_by_loop, resampled_with_weights),
    "02.verdict": (verdict_by_numpy, verdict_by_ratio),
    "02.true_accuracy": (true_accuracy_by_two_points, true_accuracy_by_halving),
}


TestExercises = exercise_tests(EXERCISES, RIGHT_ANSWERS)
