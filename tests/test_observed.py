import pytest
import torch

from gk_utils.countertop.programs import RELATIONS, relation_holds
from gk_utils.countertop.scene import draw_scene
from gk_utils.protocols import Detections
from gk_utils.spatial_relations.observed import detected, graph_of, observe

SCENES = [draw_scene(seed) for seed in (3, 12)]


@pytest.fixture(scope="module")
def seen():
    return observe(SCENES)


class TestObserve:
    def test_tells_what_the_scene_is(self, seen):
        for scene, arrangement in zip(SCENES, seen, strict=True):
            for thing, known in zip(scene.things, arrangement.things, strict=True):
                assert (known.name, known.attributes["colour"]) == (thing.category, thing.colour)
                assert known.depth == 2 - thing.depth
                x1, y1, x2, y2 = known.box
                assert bool(known.mask[int(y1) : int(y2), int(x1) : int(x2)].any())

    def test_the_graph_is_the_scene_s(self):
        scene = SCENES[1]
        graph = graph_of(scene)
        for name in RELATIONS:
            for a in range(len(scene)):
                for b in range(len(scene)):
                    assert ((a, b) in graph[name.replace(" ", "_")]) == relation_holds(scene, a, name, b)
        assert graph["near"].isdisjoint(graph["far_from"])

    def test_depth_agrees_with_the_graph(self, seen):
        """Where in front is a clear matter, the predicate from depth says what the graph says."""
        for scene, arrangement in zip(SCENES, seen, strict=True):
            bare = arrangement.without_graph()
            for a, b in arrangement.known["in_front_of"]:
                if scene.things[a].depth - scene.things[b].depth > 0.14:
                    assert bare.relate("in_front_of", a, b).truth


class TestDetected:
    def test_boxes_are_cut_and_the_rest_is_not_known(self):
        found = Detections(torch.tensor([[-5.0, 0, 8, 9]]), torch.tensor([0.9]), ("bowl",), image_hw=(48, 64))
        (bowl,) = detected(found).things
        assert (bowl.box, bowl.hollow, bowl.depth, bowl.facing) == ((0.0, 0.0, 8.0, 9.0), True, None, None)
        (deep,) = detected(found, depths=torch.tensor([2.0]), attributes=[{"colour": "red"}]).things
        assert (deep.depth, deep.attributes) == (2.0, {"colour": "red"})

    def test_lengths(self, unhooked):
        found = Detections(torch.tensor([[0.0, 0, 8, 9]]), torch.tensor([0.9]), ("bowl",), image_hw=(48, 64))
        with pytest.raises(ValueError, match="attributes: expected as many rows as boxes"):
            detected(found, attributes=[])
