import functools
import itertools

import numpy as np
import pytest
import torch
from PIL import Image

from gk_utils.countertop.captions import Caption, draw_caption
from gk_utils.countertop.exports import name_picture, to_bytes
from gk_utils.countertop.language import draw_scene_for
from gk_utils.countertop.naming import Link
from gk_utils.countertop.questions import draw_statement
from gk_utils.countertop.render import render
from gk_utils.countertop.scene import draw_scene
from gk_utils.countertop.sentence_exports import export_flickr30k, export_grit, export_vsr
from gk_utils.countertop.things import KINDS
from gk_utils.formats.flickr30k_entities import read_annotations, read_sentences
from gk_utils.formats.grit import read_grit
from gk_utils.formats.vsr import read_vsr

SCENES = [draw_scene_for(seed) for seed in range(4)]
RENDERED = render(SCENES)


@functools.cache
def captions_of(scene):
    """Five captions that the scene allows."""
    drawn = (draw_caption(scene, np.random.default_rng([scene.seed, turn])) for turn in range(50))
    found = list(itertools.islice((caption for caption in drawn if caption is not None), 5))
    assert len(found) == 5
    return found


def assert_pictures(folder):
    """Every scene is there as it was rendered."""
    assert {path.name for path in (folder / "images").iterdir()} == {name_picture(scene) for scene in SCENES}
    for scene, image in zip(SCENES, RENDERED.images, strict=True):
        with Image.open(folder / "images" / name_picture(scene)) as picture:
            assert np.array_equal(np.array(picture), to_bytes(image).numpy())


class TestExportVsr:
    def test_reads_back_equal(self, tmp_path):
        drawn = [(scene, draw_statement(scene, np.random.default_rng(turn))) for scene in SCENES for turn in range(5)]
        said = [(scene, statement) for scene, statement in drawn if statement is not None]
        written = export_vsr(said, tmp_path)
        assert read_vsr(tmp_path / "statements.jsonl") == written
        assert {item.label for item in written} == {True, False}
        for (scene, statement), item in zip(said, written, strict=True):
            assert (item.image, item.caption, item.label) == (name_picture(scene), statement.text, statement.holds)
            assert (item.subj, item.relation) == (scene.things[statement.subject].category, statement.relation)
            assert item.obj == scene.things[statement.object].category
        assert_pictures(tmp_path)


class TestExportGrit:
    def test_reads_back_equal(self, tmp_path):
        said = [(scene, caption) for scene in SCENES for caption in captions_of(scene)[:2]]
        written = export_grit(said, tmp_path)
        assert read_grit(tmp_path / "captions.jsonl") == written
        for number, ((scene, caption), sample) in enumerate(zip(said, written, strict=True)):
            assert (sample.caption, sample.id, sample.extra["file_name"]) == (caption.text, number, name_picture(scene))
            named = [(link, index) for link in caption.links for index in link.referents]
            assert sample.phrases(sample.noun_chunks) == tuple(caption.text[link.start : link.end] for link, _ in named)
            boxes = RENDERED.boxes[SCENES.index(scene), [index for _, index in named]].double()
            torch.testing.assert_close(sample.noun_chunks.boxes((128, 128)), boxes)
        assert_pictures(tmp_path)

    def test_a_phrase_for_two_has_two_boxes(self, tmp_path):
        scene = draw_scene(0, n=2, categories=["mug"])
        (sample,) = export_grit([(scene, Caption("We see two mugs.", (Link(7, 15, (0, 1)),)))], tmp_path)
        assert sample.phrases(sample.ref_exps) == ("two mugs", "two mugs")
        torch.testing.assert_close(sample.ref_exps.boxes((128, 128)).float(), render([scene]).boxes[0])


class TestExportFlickr30k:
    def test_reads_back_equal(self, tmp_path):
        said = [(scene, captions_of(scene)) for scene in SCENES]
        written = export_flickr30k(said, tmp_path)
        for (scene, captions), (annotations, sentences) in zip(said, written, strict=True):
            stem = name_picture(scene).removesuffix(".png")
            assert read_annotations(tmp_path / "Annotations" / f"{stem}.xml") == annotations
            assert read_sentences(tmp_path / "Sentences" / f"{stem}.txt") == sentences
            for caption, sentence in zip(captions, sentences, strict=True):
                assert sentence.text.replace(" .", ".").replace(" ,", ",") == caption.text
                for link, phrase in zip(caption.links, sentence.phrases, strict=True):
                    assert phrase.text == caption.text[link.start : link.end]
                    boxes = RENDERED.boxes[SCENES.index(scene), list(link.referents)]
                    torch.testing.assert_close(annotations.boxes_of(phrase.entity).float(), boxes)
                    animals = all(KINDS[scene.things[index].category].animal for index in link.referents)
                    assert phrase.types == ("animals" if animals else "other",)
        assert_pictures(tmp_path)

    def test_one_entity_for_the_same_things_and_another_for_more(self, tmp_path):
        scene = draw_scene(0, n=2, categories=["mug"])
        one = Caption("One mug, two mugs and this mug.", (Link(0, 7, (0,)), Link(9, 17, (0, 1)), Link(22, 30, (0,))))
        (((boxes, sentences)),) = export_flickr30k([(scene, [one] * 5)], tmp_path)
        assert [phrase.entity for phrase in sentences[4].phrases] == ["1", "2", "1"]
        assert [phrase.first_word for phrase in sentences[0].phrases] == [0, 3, 6]
        assert boxes.entities == (("1", "2"), ("2",))

    def test_four_captions_are_too_few(self, tmp_path):
        captions = captions_of(SCENES[0])[:4]
        with pytest.raises(ValueError, match=r"countertop_0.txt: expected five captions, got 4"):
            export_flickr30k([(SCENES[0], captions)], tmp_path)
        assert not list((tmp_path / "Sentences").iterdir())
        assert not list((tmp_path / "Annotations").iterdir())
