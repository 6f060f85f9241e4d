import pytest
import torch
from torch.testing import assert_close

from gk_utils.contrastive.mini_clip import build_clip
from gk_utils.contrastive.probe_items import ClipScorer, Probe, ProbeItem, measure_probe
from gk_utils.countertop.render import render
from gk_utils.countertop.scene import draw_scene

SCENES = [draw_scene(seed, n=2) for seed in range(3)]
PROBE = Probe(
    "letters", tuple(ProbeItem(scene, ("a", "bb", "c"), "x" if i else "y", 0) for i, scene in enumerate(SCENES))
)


class TestProbe:
    def test_chance(self):
        assert PROBE.chance == pytest.approx(1 / 3)

    def test_refuses_a_mix(self, unhooked):
        mixed = (ProbeItem(SCENES[0], ("a",), "x", 0), ProbeItem(SCENES[0], ("a", "b"), "x", 0))
        with pytest.raises(ValueError, match=r"items: expected one number of captions, got \[1, 2\]"):
            Probe("mixed", mixed)


class TestMeasureProbe:
    def test_ties_are_shared(self):
        scores = torch.tensor([[1.0, 0, 0], [1.0, 1, 0], [0, 0, 1.0]])
        probed = measure_probe(PROBE, lambda scenes, texts: scores)
        assert probed.right.tolist() == [1.0, 0.5, 0.0]
        assert probed.by_kind == {"y": 1.0, "x": 0.25}


class TestClipScorer:
    def test_equals_one_by_one(self):
        torch.manual_seed(0)
        clip = build_clip({"words": ["mug", "cat"], "image_side": 32, "width": 32, "heads": 2, "space": 16})
        texts = [["mug", "cat"], ["cat", "a mug"], ["mug", "mug cat"]]
        found = ClipScorer(clip)(SCENES, texts)
        for row, (scene, some) in enumerate(zip(SCENES, texts, strict=True)):
            assert_close(found[row], clip.similarities(render([scene], (32, 32)).images, some)[0])

    def test_scorers_share_the_patches_of_a_frozen_trunk(self):
        sizes = {"words": ["mug"], "image_side": 128, "patch": 16, "width": 32, "space": 16, "trunk": "trunk_small"}
        clip, kept = build_clip(sizes), {}
        first = ClipScorer(clip, kept).see(SCENES[:2])
        assert set(kept) == {("trunk_small", scene) for scene in SCENES[:2]}
        assert_close(ClipScorer(clip, kept).see(SCENES)[:2], first)
        assert_close(first, ClipScorer(clip).see(SCENES[:2]), atol=2e-3, rtol=2e-3)
        blind = ClipScorer(build_clip({**sizes, "blind": True}), kept).see(SCENES)
        assert torch.equal(blind[0], blind[2])
