"""Arrangements from what there is: a countertop scene with all that is known of it, or what a detector found."""

from collections.abc import Mapping, Sequence

from jaxtyping import Bool, Float
from torch import Tensor

from gk_utils.boxes import clip_boxes
from gk_utils.countertop.programs import RELATIONS, relation_holds
from gk_utils.countertop.render import Rendered, render
from gk_utils.countertop.scene import Scene, base_of
from gk_utils.countertop.things import KINDS
from gk_utils.errors import check_same_length
from gk_utils.protocols import Detections
from gk_utils.spatial_relations.arrangement import Arrangement
from gk_utils.spatial_relations.lexicon import opposite_way
from gk_utils.spatial_relations.thing import Thing

VIEWER = 1.0  # how far the viewer is from the counter's front edge, in depths of the counter
HOLLOW = frozenset(
    {
        *("basket", "bag", "backpack", "bin", "bowl", "box", "bucket", "cage", "cup", "drawer", "fridge", "glass"),
        *("jar", "microwave", "mug", "oven", "pan", "pot", "sink", "suitcase", "tub", "vase"),
    }
)
# What else a graph settles: on says the same as on_top_of, and near is what the countertop calls next to, too.
_ALSO = {"on": ("on_top_of",), "near": ("next_to", "beside")}


def observe(
    scenes: Sequence[Scene], image_hw: tuple[int, int] = (128, 128), rendered: Rendered | None = None
) -> list[Arrangement]:
    """All that is known of countertop scenes: names, looks, boxes, masks, depths, facings, and the scene graph.

    Boxes are those of the visible masks. Depth is the distance from a viewer one depth of the counter before it. Only
    animals face somewhere; of a mug, "handle" is an attribute: "left" or "right".

    Args:
        scenes: any number.
        image_hw: of the pictures, in pixels.
        rendered: these scenes at that size, if they were painted already.

    >>> from gk_utils.countertop.scene import draw_scene
    >>> (arrangement,) = observe([draw_scene(3, n=4)])
    >>> arrangement.things[0].name, arrangement.things[0].attributes["colour"], sorted(arrangement.known)[:3]
    ('bottle', 'orange', ['behind', 'beside', 'contains'])
    """
    rendered = render(scenes, image_hw) if rendered is None else rendered
    return [Arrangement(_things(scene, rendered, row, image_hw), graph_of(scene)) for row, scene in enumerate(scenes)]


def graph_of(scene: Scene) -> dict[str, frozenset[tuple[int, int]]]:
    """The relations of a countertop scene, by the names of the lexicon, each with the pairs that are in it.

    >>> from gk_utils.countertop.scene import draw_scene
    >>> graph = graph_of(draw_scene(3, n=4))
    >>> all((b, a) in graph["right_of"] for a, b in graph["left_of"])
    True
    """
    n = range(len(scene))
    graph = {
        name.replace(" ", "_"): frozenset((a, b) for a in n for b in n if relation_holds(scene, a, name, b))
        for name in RELATIONS
    }
    for name, others in _ALSO.items():
        graph |= dict.fromkeys(others, graph[name])
    for name in ("on", "inside"):
        graph[opposite_way(name)] = frozenset((b, a) for a, b in graph[name])
    graph["far_from"] = frozenset((a, b) for a in n for b in n if a != b and (a, b) not in graph["near"])
    return graph


def detected(
    found: Detections,
    *,
    attributes: Sequence[Mapping[str, str | None]] | None = None,
    masks: Bool[Tensor, "n h w"] | None = None,
    depths: Float[Tensor, " n"] | None = None,
) -> Arrangement:
    """What a detector found, as an arrangement without a graph; boxes are cut at the picture's border.

    Args:
        found: boxes with the phrases that name them; keep those with a good score.
        attributes: of each, if something else knows them; none are known otherwise.
        masks: of each, from a segmenter.
        depths: of each, such as the median of a depth map over its mask.

    Raises:
        ValueError: another number of attributes, masks or depths than boxes.

    >>> import torch
    >>> found = Detections(torch.tensor([[0.0, 0, 8, 9]]), torch.tensor([0.9]), ("bowl",), image_hw=(48, 64))
    >>> detected(found).things[0].hollow
    True
    """
    for name, values in (("attributes", attributes), ("masks", masks), ("depths", depths)):
        if values is not None:
            check_same_length(found.boxes, values, ("boxes", name))
    boxes = clip_boxes(found.boxes, found.image_hw).tolist()
    return Arrangement(
        [
            Thing(
                found.phrases[row],
                tuple(box),
                found.image_hw,
                {} if attributes is None else attributes[row],
                None if masks is None else masks[row],
                None if depths is None else float(depths[row]),
                hollow=True if found.phrases[row] in HOLLOW else None,
            )
            for row, box in enumerate(boxes)
        ]
    )


def _things(scene: Scene, rendered: Rendered, row: int, image_hw: tuple[int, int]) -> list[Thing]:
    boxes, boxes_full = rendered.boxes[row].tolist(), rendered.boxes_full[row].tolist()
    masks = rendered.masks[row].cpu()
    things = []
    for index, thing in enumerate(scene.things):
        kind, base = KINDS[thing.category], base_of(scene, index)
        attributes = {name: getattr(thing, name) for name in ("colour", "size", "pattern", "state")}
        if kind.facing and not kind.animal:
            attributes[kind.facing] = thing.facing
        visible = boxes[index][2] > boxes[index][0]
        things.append(
            Thing(
                thing.category,
                tuple(boxes[index] if visible else boxes_full[index]),
                image_hw,
                attributes,
                masks[index],
                VIEWER + 1 - thing.depth,
                thing.facing if kind.animal else None,
                kind.opening is not None,
                (base[0] * image_hw[1], base[1] * image_hw[0]),
            )
        )
    return things
