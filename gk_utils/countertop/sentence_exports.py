"""What is said of countertop scenes, written as the files of the real data sets: statements and captions.

As in `exports`, pictures come first and every file is written whole or not at all.
"""

import re
from collections.abc import Sequence
from pathlib import Path

import torch

from gk_utils.countertop.captions import Caption
from gk_utils.countertop.exports import name_picture, write_pictures
from gk_utils.countertop.questions import Statement
from gk_utils.countertop.scene import Scene
from gk_utils.countertop.splits import IMAGE_HW
from gk_utils.countertop.things import KINDS
from gk_utils.formats import flickr30k_entities as flickr
from gk_utils.formats.grit import GritSample, GritSpans, write_grit
from gk_utils.formats.vsr import VsrItem, write_vsr
from gk_utils.frames import Frame


def export_vsr(said: Sequence[tuple[Scene, Statement]], folder: str | Path) -> tuple[VsrItem, ...]:
    """Write statements.jsonl: true and false statements, each about one scene, as Visual Spatial Reasoning has them.

    >>> from tempfile import mkdtemp
    >>> from gk_utils.countertop.scene import draw_scene
    >>> scene = draw_scene(0, wanted=[{"category": "cat"}, {"category": "mug"}], n=2)
    >>> said = Statement("The mug is left of the cat.", False, subject=0, relation="left of", object=1)
    >>> (item,) = export_vsr([(scene, said)], mkdtemp())
    >>> item.image, item.label, {item.subj, item.obj} == {"cat", "mug"}
    ('countertop_0.png', False, True)
    """
    folder = Path(folder)
    for _ in write_pictures((scene for scene, _ in said), folder, IMAGE_HW):
        pass
    items = []
    for scene, statement in said:
        subject, object = (scene.things[index].category for index in (statement.subject, statement.object))
        about = {"relation": statement.relation, "subj": subject, "obj": object}
        items.append(VsrItem(name_picture(scene), statement.text, statement.holds, **about))
    write_vsr(items, folder / "statements.jsonl")
    return tuple(items)


def export_grit(said: Sequence[tuple[Scene, Caption]], folder: str | Path) -> tuple[GritSample, ...]:
    """Write captions.jsonl: captions with a box for every thing that a phrase names, as GrIT has them.

    A phrase that names several things has several boxes. `ref_exps` repeat `noun_chunks`; every score is 1. The name of
    the picture is kept as `file_name`.

    >>> from tempfile import mkdtemp
    >>> from gk_utils.countertop.naming import Link
    >>> from gk_utils.countertop.scene import draw_scene
    >>> said = Caption("The picture shows a mug.", (Link(18, 23, (0,)),))
    >>> (sample,) = export_grit([(draw_scene(0, n=1, categories=["mug"]), said)], mkdtemp())
    >>> sample.phrases(sample.noun_chunks), sample.extra
    (('a mug',), {'file_name': 'countertop_0.png'})
    """
    folder, samples = Path(folder), []
    pictures = {picture.scene: picture for picture in write_pictures((scene for scene, _ in said), folder, IMAGE_HW)}
    for number, (scene, caption) in enumerate(said):
        picture = pictures[scene]
        pairs = [(link, index) for link in caption.links for index in link.referents if index in picture.seen]
        boxes = picture.boxes[[index for _, index in pairs]].double()
        boxes_unit = Frame.of_image(IMAGE_HW).unit().from_pixels(boxes)
        spans = tuple((link.start, link.end) for link, _ in pairs)
        chunks = GritSpans(spans, boxes_unit, torch.ones(len(pairs), dtype=torch.float64))
        samples.append(GritSample(caption.text, IMAGE_HW, chunks, chunks, number, extra={"file_name": picture.name}))
    write_grit(samples, folder / "captions.jsonl")
    return tuple(samples)


def export_flickr30k(
    said: Sequence[tuple[Scene, Sequence[Caption]]], folder: str | Path
) -> tuple[tuple[flickr.EntityAnnotations, tuple[flickr.Caption, ...]], ...]:
    """Write Sentences/*.txt and Annotations/*.xml: five captions a scene, as Flickr30k Entities has them.

    What a phrase names is one entity, one thing or several; the type is "animals" or "other". Punctuation marks stand
    apart, as in the set. Boxes are continuous edges in whole pixels, the numbers in the file one more.

    Raises:
        ValueError: a scene without exactly five captions.

    >>> from tempfile import mkdtemp
    >>> from gk_utils.countertop.naming import Link
    >>> from gk_utils.countertop.scene import draw_scene
    >>> captions = [Caption("We see a cat.", (Link(7, 12, (0,)),))] * 5
    >>> ((boxes, found),) = export_flickr30k([(draw_scene(0, n=1, categories=["cat"]), captions)], mkdtemp())
    >>> found[0].text, found[0].phrases[0].types, boxes.boxes_of("1").shape
    ('We see a cat .', ('animals',), torch.Size([1, 4]))
    """
    folder, captions_of, written = Path(folder), dict(said), []
    for part in ("Sentences", "Annotations"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    for picture in list(write_pictures(captions_of, folder, IMAGE_HW)):
        entities: dict[tuple[int, ...], str] = {}
        captions = tuple(_flickr_caption(picture.scene, caption, entities) for caption in captions_of[picture.scene])
        seen = [index for index in picture.seen if any(index in things for things in entities)]
        of_thing = [tuple(number for things, number in entities.items() if index in things) for index in seen]
        without = frozenset(entities.values()) - {number for numbers in of_thing for number in numbers}
        boxes = picture.boxes[seen].double()
        annotations = flickr.EntityAnnotations(picture.name, IMAGE_HW, boxes, tuple(of_thing), nobox=without)
        stem = Path(picture.name).stem
        flickr.write_sentences(captions, folder / "Sentences" / f"{stem}.txt")
        flickr.write_annotations(annotations, folder / "Annotations" / f"{stem}.xml")
        written.append((annotations, captions))
    return tuple(written)


def _flickr_caption(scene: Scene, caption: Caption, entities: dict[tuple[int, ...], str]) -> flickr.Caption:
    """The caption in words and punctuation marks; new entities are added to `entities`."""
    pieces = list(re.finditer(r"[\w-]+|[^\w\s]", caption.text))
    phrases = []
    for link in caption.links:
        inside = [place for place, piece in enumerate(pieces) if link.start <= piece.start() < link.end]
        number = entities.setdefault(link.referents, str(len(entities) + 1))
        animals = all(KINDS[scene.things[index].category].animal for index in link.referents)
        text = " ".join(pieces[place].group() for place in inside)
        phrases.append(flickr.Phrase(text, inside[0], number, ("animals" if animals else "other",)))
    return flickr.Caption(" ".join(piece.group() for piece in pieces), tuple(phrases))
