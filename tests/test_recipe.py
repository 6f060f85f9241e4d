"""The recipe that all heads share: equal compute, batches that are kept, a trunk that stays or learns."""

import copy
import math
from dataclasses import replace

import pytest
import torch

from gk_utils.boxes import paired_iou
from gk_utils.countertop.dataset import read_split
from gk_utils.heads.lookups import lookups_of, sample_lookups
from gk_utils.heads.recipe import (
    HEADS,
    Step,
    TunedHead,
    answer_in_pieces,
    build,
    build_head,
    draw,
    evaluate,
    flops_per_expression,
    loss,
    module_parts,
)
from gk_utils.models import trunk_recipe
from gk_utils.models.trunk_grounder import frozen_trunk
from gk_utils.training import RECIPES

SETTINGS = {"trunk": "trunk_small", "scenes": 2, "expressions": 3, "bins": 32}
KEPT = {**SETTINGS, "head": "query", "pool": 2}


@pytest.fixture(scope="module")
def val():
    return sample_lookups(frozen_trunk(), read_split("val")[:24])


class TestBuildHead:
    @pytest.mark.parametrize("name", HEADS)
    def test_each_answers_in_pixels(self, name: str, val):
        answered = build_head({**SETTINGS, "head": name}, 128).answer(val[:5], (64, 32))
        assert (answered.boxes >= 0).all()
        assert (answered.boxes <= torch.tensor([32.0, 64, 32, 64])).all()

    def test_unknown(self):
        with pytest.raises(ValueError, match="head: expected .*'tokens'.* got 'slots'"):
            build_head({"head": "slots"}, 128)


class TestDraw:
    def test_equals_the_trunks_batches_and_comes_round(self):
        settings = {**SETTINGS, "pool": 3}
        first, again = draw(settings, 7, 2), draw(settings, 7, 5)
        assert first.drawn.texts == trunk_recipe.draw(settings, 7, 2).texts
        assert (again.number, again.seed, again.drawn) == (2, 7, None)
        assert draw(SETTINGS, 7, 5).drawn.texts == trunk_recipe.draw(SETTINGS, 7, 5).texts


class TestLoss:
    def test_a_batch_that_is_kept_and_one_that_is_drawn_again_are_alike(self):
        """Up to the rounding of the features to half precision, which both have."""
        torch.manual_seed(0)
        head = build(KEPT)
        step = draw(KEPT, 11, 0)
        first, kept = (loss(head, Step(0, 11, drawn), KEPT)["loss"] for drawn in (step.drawn, None))
        resumed = loss(head, Step(0, 12, None), KEPT)["loss"]
        other_seed = loss(head, draw(KEPT, 12, 0), KEPT)["loss"]
        assert first == kept
        assert resumed == other_seed != first
        exact = head.loss(lookups_of(frozen_trunk(), step.drawn))["loss"]
        assert first.item() == pytest.approx(exact.item(), rel=1e-2)

    def test_a_frozen_trunk_stays_as_it_is(self):
        head = build(KEPT)
        loss(head, draw(KEPT, 0, 0), KEPT)["loss"].backward()
        assert all(parameter.grad is None for parameter in frozen_trunk().parameters())
        assert any(parameter.grad.abs().sum() > 0 for parameter in head.parameters())

    def test_a_tuned_trunk_learns_and_the_shipped_one_does_not(self):
        settings = {**SETTINGS, "head": "tokens", "tune": True}
        before = copy.deepcopy(frozen_trunk().state_dict())
        module = build(settings)
        optimizer = torch.optim.SGD(module.parameters(), 0.1)
        loss(module, draw(settings, 0, 0), settings)["loss"].backward()
        optimizer.step()
        changed = [name for name, value in module.trunk.state_dict().items() if not value.equal(before[name])]
        assert any(name.startswith("stem") for name in changed)
        assert all(value.equal(before[name]) for name, value in frozen_trunk().state_dict().items())


class TestTunedHead:
    def test_all_that_it_trains_gets_a_gradient(self):
        settings = {**SETTINGS, "head": "query", "tune": True}
        module = build(settings)
        loss(module, draw(settings, 0, 0), settings)["loss"].backward()
        silent = [name for name, value in module.named_parameters() if value.requires_grad and value.grad is None]
        assert silent == []

    def test_absent_things_teach_the_trunk_to_say_none(self, val):
        module = build({**SETTINGS, "head": "query", "tune": True})
        shares = torch.where(val.present, 0.25, 0.5)
        lost = module.loss(replace(val, none=shares))
        assert lost["none"].item() == pytest.approx(
            -(math.log(0.75) * val.present.float().mean() + math.log(0.5) * (~val.present).float().mean())
        )
        alone = module.head.loss(val)["loss"]
        assert lost["loss"].item() == pytest.approx((alone + lost["none"]).item())

    def test_a_trunk_that_is_certain_and_wrong_costs_much_but_no_infinity(self, val):
        module = build({**SETTINGS, "head": "query", "tune": True})
        lost = module.loss(replace(val, none=val.present.float()))["none"]
        assert 10 < lost.item() < 20


class TestModuleParts:
    def test_frozen_and_tuned(self):
        settings = {**SETTINGS, "head": "pooled"}
        head, tuned = build(settings), build({**settings, "tune": True})
        assert module_parts(head, settings) == (frozen_trunk("trunk_small", "cpu"), head)
        assert isinstance(tuned, TunedHead)
        assert module_parts(tuned, settings) == (tuned.trunk, tuned.head)


class TestAnswerInPieces:
    @pytest.mark.parametrize("name", ["tokens", "text", "query"])
    def test_equals_at_once(self, name: str, val):
        head = build_head({**SETTINGS, "head": name}, 128)
        whole, pieces = head.answer(val, (128, 128)), answer_in_pieces(head, val, (128, 128), size=7)
        torch.testing.assert_close(pieces.boxes, whole.boxes, rtol=1e-4, atol=1e-3)
        assert pieces.tokens.equal(whole.tokens)
        assert pieces.texts == whole.texts


class TestEvaluate:
    def test_equals_the_slow_loop(self, val):
        """Expression by expression; the answers of random weights, moved onto the truth for every second one."""
        settings = {**SETTINGS, "head": "query"}
        module = build(settings)

        def answer(lookups, image_hw):
            answered = type(module).answer(module, lookups, image_hw)
            answered.boxes[::2] = lookups.boxes_unit[::2]
            return answered

        module.answer = answer
        found = evaluate(module, settings, 24)
        samples, boxes = read_split("val")[:24], module.answer(val, (1, 1)).boxes
        right: dict[str, list[bool]] = {}
        for row, sample in enumerate(samples):
            none = bool(val.none[row] > 0.5)
            iou = paired_iou(boxes[row, None], val.boxes_unit[row, None]).item()
            right.setdefault(sample.type, []).append(none if sample.referent is None else iou >= 0.5 and not none)
        hits = [hit for each in right.values() for hit in each]
        assert found["acc@0.5"] == pytest.approx(sum(hits) / 24, abs=1e-4)
        assert 0.2 < found["acc@0.5"] < 0.9
        assert found["by_type"] == {
            type: pytest.approx(sum(each) / len(each), abs=1e-4) for type, each in right.items()
        }
        assert found["n"] == 24


class TestFlops:
    def test_of_the_pooled_head_by_hand(self, val):
        """Three matrix products an expression (128 to 128 to 128 to 4), once forward and twice backward, 2 each.

        Nothing asks for the gradient of the features, so the first product goes back once only.
        """
        head = build_head({**SETTINGS, "head": "pooled"}, 128)
        there = val[val.present]
        first, second, last = 128 * 128, 128 * 128, 128 * 4
        assert flops_per_expression(head, there) == 2 * (2 * first + 3 * second + 3 * last)
        assert all(parameter.grad is None for parameter in head.parameters())

    @pytest.mark.parametrize("variant", ["", "_large"])
    def test_the_three_heads_are_trained_with_equal_compute(self, variant: str):
        settings = RECIPES[f"box_tokens{variant}"].settings
        few = {**settings, "scenes": 4}
        lookups = lookups_of(frozen_trunk(settings["trunk"]), trunk_recipe.draw(few, 0, 0))
        spent = {}
        for name in ("box_tokens", "box_regression", "text_coordinates"):
            recipe = RECIPES[name + variant]
            spent[name] = recipe.steps * flops_per_expression(build(recipe.settings), lookups)
            assert {key: recipe.settings[key] for key in ("trunk", "scenes", "expressions", "pool")} == {
                key: settings[key] for key in ("trunk", "scenes", "expressions", "pool")
            }
        assert max(spent.values()) < 1.05 * min(spent.values())
