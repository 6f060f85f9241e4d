import pytest
import torch

from gk_utils.boxes import paired_iou
from gk_utils.countertop.dataset import read_split
from gk_utils.countertop.render import Rendered, render
from gk_utils.countertop.scene import draw_scene
from gk_utils.countertop.wording import vocabulary
from gk_utils.models.trunk_recipe import LEAST_VISIBLE, build, draw, evaluate, loss, owners, targets_of
from gk_utils.training import RECIPES

SETTINGS = {
    **{"words": vocabulary(), "image_side": 64, "patch": 8, "width": 32, "heads": 4, "growth": 2},
    **{"vision_layers": 1, "text_layers": 1, "joint_layers": 2, "scenes": 2, "expressions": 4},
}


@pytest.fixture
def trunk():
    torch.manual_seed(0)
    return build(SETTINGS)


class TestBuild:
    @pytest.mark.parametrize("name", ["trunk", "trunk_small"])
    def test_the_recipes_build(self, name):
        trunk = build(RECIPES[name].settings)
        assert 1e6 < sum(value.numel() for value in trunk.parameters()) < 4e6
        assert trunk.settings.words == vocabulary()


class TestDraw:
    def test_same_step_same_batch(self):
        first, second, other = draw(SETTINGS, 3, 4), draw(SETTINGS, 3, 4), draw(SETTINGS, 3, 5)
        assert first.scenes == second.scenes
        assert first.texts == second.texts
        assert not set(first.scenes) & set(other.scenes)

    def test_training_sees_no_scene_of_a_split(self):
        drawn = [scene.seed for step in range(20) for scene in draw(SETTINGS, 0, step).scenes]
        assert max(drawn) < min(sample.seed for sample in read_split("val"))

    def test_what_is_asked(self):
        """Row by row: the answer is among the things of the first step, unless there is none."""
        drawn = draw({**SETTINGS, "scenes": 20}, 0, 0)
        assert len(drawn.texts) == len(drawn.answer) == 80
        assert set(drawn.answer.sum(1).tolist()) == {0, 1}
        assert not (drawn.answer & ~drawn.steps[..., 0]).any()
        number = max(drawn.scene.tolist())
        assert not drawn.answer[:, max(map(len, drawn.scenes)) :].any()
        assert number == 19

    def test_words_are_numbered_as_the_trunk_numbers_them(self, trunk):
        drawn = draw(SETTINGS, 0, 0)
        assert drawn.numbers.equal(trunk.number(drawn.texts))
        assert draw({"scenes": 2, "expressions": 4}, 0, 0).numbers.equal(drawn.numbers)


class TestTargetsOf:
    def test_patch_by_patch(self):
        drawn = draw({**SETTINGS, "scenes": 6}, 0, 1)
        rendered = render(drawn.scenes, (64, 64))
        owner, target, steps = targets_of(rendered, drawn, (8, 8))
        assert owner.equal(owners(rendered, (8, 8)))
        for row, scene in enumerate(drawn.scene.tolist()):
            for patch, thing in enumerate(owner[scene].tolist()):
                assert target[row, patch] == (thing >= 0 and bool(drawn.answer[row, thing]))
                for step in range(2):
                    assert steps[row, patch, step] == float(thing >= 0 and bool(drawn.steps[row, thing, step]))
        assert target[:, -1].equal(~drawn.answer.any(1))
        assert 0 < target[:, -1].sum() < len(target)


def slow_owners(rendered: Rendered, patch: int) -> torch.Tensor:
    masks = rendered.masks.float()
    s, n, h, w = masks.shape
    owner = torch.full((s, h // patch, w // patch), -1)
    for scene in range(s):
        seen = [
            thing
            for thing in range(n)
            if rendered.masks[scene, thing].sum() > LEAST_VISIBLE * rendered.masks_full[scene, thing].sum()
        ]
        filled = {
            (row, column): {
                thing: masks[scene, thing, row * patch : (row + 1) * patch, column * patch : (column + 1) * patch]
                .mean()
                .item()
                for thing in seen
            }
            for row in range(h // patch)
            for column in range(w // patch)
        }
        for (row, column), shares in filled.items():
            thing = max(shares, key=lambda thing: (shares[thing], -thing), default=-1)
            if thing >= 0 and shares[thing] > 0.15:
                owner[scene, row, column] = thing
        for thing in sorted(seen, key=lambda thing: -rendered.masks[scene, thing].sum()):
            row, column = max(filled, key=lambda cell: (filled[cell][thing], -cell[0], -cell[1]))
            owner[scene, row, column] = thing
    return owner.flatten(1)


class TestOwners:
    def test_equals_the_slow_loop(self):
        rendered = render([draw_scene(seed, n=7) for seed in range(6)], (64, 64))
        assert torch.equal(owners(rendered, (8, 8)), slow_owners(rendered, 8))

    def test_every_thing_that_can_be_seen_owns_a_patch(self):
        rendered = render([draw_scene(seed) for seed in range(40)])
        visible = rendered.masks.flatten(2).sum(-1) > LEAST_VISIBLE * rendered.masks_full.flatten(2).sum(-1)
        owner = owners(rendered, (16, 16))
        owns = torch.stack([(owner == thing).any(1) for thing in range(visible.shape[1])], 1)
        assert torch.equal(owns, visible)

    def test_an_empty_counter(self):
        assert owners(render([draw_scene(0, n=0)]), (8, 8)).unique().tolist() == [-1]


class TestLoss:
    def test_the_answer_by_hand(self, trunk):
        """Minus the logarithm of the share on the patches of the referent, or on "none"; `hit` counts the surest."""
        drawn = draw(SETTINGS, 0, 1)
        rendered = render(drawn.scenes, (64, 64))
        owner = owners(rendered, trunk.grid_hw)
        asked = trunk(rendered.images, trunk.number(drawn.texts), drawn.scene)[1].answer.softmax(1)
        lost, hits = [], []
        for row, scene in enumerate(drawn.scene.tolist()):
            things = drawn.answer[row].nonzero().flatten().tolist()
            slots = [patch for patch in range(64) if int(owner[scene, patch]) in things] if things else [64]
            if slots:
                lost.append(-asked[row, slots].sum().log())
                hits.append(int(asked[row].argmax()) in slots)
        parts = loss(trunk, drawn, SETTINGS)
        assert torch.isclose(parts["answer"], torch.stack(lost).mean(), atol=1e-5)
        assert parts["hit"].item() == pytest.approx(sum(hits) / len(hits))
        assert torch.isclose(parts["loss"], sum(parts[name] for name in ("answer", "steps", "labels", "box")))

    def test_learns_one_batch_by_heart(self, trunk):
        """A few dozen steps on one batch: every part falls, and the answers come right."""
        drawn = draw({**SETTINGS, "scenes": 1}, 0, 0)
        optimizer = torch.optim.AdamW(trunk.parameters(), 4e-3)
        first = {name: value.item() for name, value in loss(trunk, drawn, SETTINGS).items()}
        for _ in range(40):
            parts = loss(trunk, drawn, SETTINGS)
            optimizer.zero_grad()
            parts["loss"].backward()
            optimizer.step()
        assert all(parts[name].item() < 0.5 * first[name] for name in ("answer", "steps", "labels", "box"))
        assert parts["hit"].item() > max(0.6, first["hit"])

    def test_a_hidden_referent_is_left_out(self, trunk, monkeypatch):
        """Where no patch belongs to any thing, only the absent ones are asked."""
        drawn = draw({**SETTINGS, "scenes": 12}, 0, 2)
        monkeypatch.setattr("gk_utils.models.trunk_recipe.owners", lambda rendered, grid_hw: torch.full((12, 64), -1))
        with torch.no_grad():
            parts = loss(trunk, drawn, SETTINGS)
            images = render(drawn.scenes, (64, 64)).images
            asked = trunk(images, trunk.number(drawn.texts), drawn.scene)[1].answer.log_softmax(1)
        absent = ~drawn.answer.any(1)
        assert absent.any()
        assert torch.isclose(parts["answer"], -asked[absent, -1].mean(), atol=1e-5)
        assert parts["box"].item() == 0


def oracle(says_none: bool):
    """A trunk that answers what the split's file says, or always "none"."""
    trunk = build({**SETTINGS, "image_side": 128, "patch": 16})
    samples = list(read_split("val"))

    def answers(images, texts, scene):
        some = [samples.pop(0) for _ in texts]
        boxes = torch.tensor([sample.box or (0, 0, 1, 1) for sample in some], dtype=torch.float32)
        return boxes, torch.tensor([1.0 if says_none or sample.box is None else 0.0 for sample in some])

    trunk.answers = answers
    return trunk


class TestEvaluate:
    def test_the_truth_is_right(self):
        result = evaluate(oracle(says_none=False), {}, 80)
        assert result["acc@0.5"] == 1.0
        assert set(result["by_type"].values()) == {1.0}
        assert len(result["by_type"]) == 8

    def test_none_is_right_for_the_absent_alone(self):
        result = evaluate(oracle(says_none=True), {}, 160)
        absent = sum(sample.type == "absent" for sample in read_split("val")[:160])
        assert result["acc@0.5"] == pytest.approx(absent / 160, abs=1e-4)
        assert result["by_type"]["absent"] == 1.0
        assert result["by_type"]["ordinal"] == 0.0

    def test_the_boxes_of_the_split_are_those_rendered(self):
        """What an evaluation holds answers against is what the split's file says."""
        samples = [sample for sample in read_split("val")[:20] if sample.box]
        rendered = render([sample.scene for sample in samples])
        boxes = rendered.boxes[torch.arange(len(samples)), [sample.referent for sample in samples]]
        assert paired_iou(boxes, torch.tensor([sample.box for sample in samples])).min() > 0.95
