"""The GrIT pipeline, stage by stage, with finders that answer by hand."""

import sys
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gk_utils.formats.grit import read_grit, write_grit
from gk_utils.kosmos2.grit_stages import (
    expand_chunks,
    find_chunks,
    keep_distinct,
    keep_sure,
    make_sample,
    noun_chunks,
)
from gk_utils.protocols import Detections, Grounding

IMAGE = torch.zeros(3, 100, 200)
MUG, KETTLE = [10.0, 10.0, 40.0, 60.0], [100.0, 10.0, 180.0, 90.0]


KNOWN = {"mug": [(MUG, 0.9), ([12.0, 12.0, 42.0, 62.0], 0.7)], "kettle": [(KETTLE, 0.8), (MUG, 0.3)]}


class ByHand:
    """A detector that knows two words."""

    def detect(self, image, phrases):
        rows = [row for phrase in phrases for word, rows in KNOWN.items() if word in phrase for row in rows]
        boxes = torch.tensor([box for box, _ in rows]).view(-1, 4)
        return Detections(boxes, torch.tensor([score for _, score in rows]), tuple(phrases * len(rows)), (100, 200))


class GroundsByHand:
    """A grounder that refuses one word."""

    def ground(self, image, phrase):
        if "photo" in phrase:
            raise ValueError("photo")
        return Grounding(torch.tensor([[0.0, 0.0, 500.0, 50.0]]), torch.ones(1), phrase, False, (100, 200))


class TestNounChunks:
    @pytest.mark.parametrize(
        ("caption", "chunks"),
        [
            ("A photo of two red mugs, and the kettle", ["A photo", "two red mugs", "the kettle"]),
            ("Her small cat (sleeping) on a book!", ["Her small cat", "a book"]),
            ("\U0001f600 the na\u00efve mug", ["the na\u00efve mug"]),
            ("mugs on tables", []),
            ("", []),
        ],
    )
    def test_the_courses_chunker(self, caption, chunks):
        assert [caption[start:end] for start, end in noun_chunks(caption, "course")] == chunks

    @settings(deadline=None)
    @given(st.text(max_size=40))
    def test_any_text(self, caption):
        for start, end in noun_chunks(caption, "course"):
            assert caption[start:end].strip() == caption[start:end] != ""

    def test_spacy_where_it_is(self, monkeypatch):
        chunk = SimpleNamespace(start_char=0, end_char=4)
        fake = SimpleNamespace(load=lambda name: lambda text: SimpleNamespace(noun_chunks=[chunk]))
        monkeypatch.setitem(sys.modules, "spacy", fake)
        assert noun_chunks("mugs on tables", "spacy") == ((0, 4),)

    def test_another_chunker(self):
        with pytest.raises(ValueError, match="chunker: expected 'auto'"):
            noun_chunks("a mug", "nltk")


class TestExpandChunks:
    @pytest.mark.parametrize(
        ("caption", "grown"),
        [
            ("a mug on the plate", ["a mug on the plate", "the plate"]),
            ("a mug and a plate", ["a mug", "a plate"]),
            ("a mug is on a plate", ["a mug", "a plate"]),
            ("a mug, a plate", ["a mug", "a plate"]),
            ("a mug a plate", ["a mug", "a plate"]),
        ],
    )
    def test_by_hand(self, caption, grown):
        chunks = noun_chunks(caption, "course")
        assert [caption[start:end] for start, end in expand_chunks(caption, chunks)] == grown


class TestFindChunks:
    def test_whose_box_is_whose(self):
        found, owners = find_chunks(IMAGE, ["a mug", "a plate", "the kettle"], ByHand())
        assert owners == (0, 0, 2, 2)
        assert found.phrases == ("a mug", "a mug", "the kettle", "the kettle")

    def test_a_grounder_that_refuses_a_phrase(self):
        found, owners = find_chunks(IMAGE, ["a photo", "a mug"], GroundsByHand())
        assert owners == (1,)
        assert found.boxes.tolist() == [[0.0, 0.0, 200.0, 50.0]]

    def test_a_finder_that_sees_the_picture_once(self):
        """The same boxes as phrase by phrase; it is asked one at a time where it cannot read all of them."""
        asked = []

        class AllAtOnce(GroundsByHand):
            def ground_all(self, images, phrases):
                asked.append((len(images), list(phrases[0])))
                return [[self.ground(images[0], phrase) for phrase in phrases[0]]]

        for phrases in (["a mug", "a cat"], ["a photo", "a mug"]):
            (found, owners), (slow, same) = (find_chunks(IMAGE, phrases, one()) for one in (AllAtOnce, GroundsByHand))
            assert (found.boxes.tolist(), found.phrases, owners) == (slow.boxes.tolist(), slow.phrases, same)
        assert asked == [(1, ["a mug", "a cat"]), (1, ["a photo", "a mug"])]

    def test_nothing_that_it_can_read(self):
        with pytest.raises(ValueError, match="photo"):
            find_chunks(IMAGE, ["a photo"], GroundsByHand())
        assert find_chunks(IMAGE, [], GroundsByHand())[1] == ()


class TestFilters:
    def test_by_hand(self):
        found, _ = find_chunks(IMAGE, ["a mug", "the kettle"], ByHand())
        assert keep_sure(found) == (0, 1, 2)
        assert keep_sure(found, 0.9) == (0,)
        assert keep_distinct(found, (0, 1, 2)) == (0, 2)
        assert keep_distinct(found, (3, 1)) == (1,)
        assert keep_distinct(found, ()) == ()


class TestMakeSample:
    def test_by_hand(self, tmp_path):
        caption = "A photo of a mug behind the kettle."
        stages = make_sample(IMAGE, caption, ByHand(), chunker="course", id=7)
        assert (stages.kept, stages.distinct) == ((0, 1, 2), (0, 2))
        sample = stages.sample
        assert sample.phrases(sample.noun_chunks) == ("a mug", "the kettle")
        assert sample.phrases(sample.ref_exps) == ("a mug behind the kettle",)
        assert sample.noun_chunks.boxes((100, 200)).tolist() == [MUG, KETTLE]
        write_grit([sample], tmp_path / "a.jsonl")
        assert read_grit(tmp_path / "a.jsonl") == (sample,)

    def test_nothing_found(self):
        stages = make_sample(IMAGE, "a plate", ByHand(), chunker="course")
        assert stages.sample is None
        assert make_sample(IMAGE, "plates", ByHand(), chunker="course").sample is None
