import copy
import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gk_utils.formats.grit import GritSample, GritSpans, parse_record, read_grit, write_grit

# The example of the data card and of the repository's README, as published.
CARD = {
    "key": "000373938",
    "clip_similarity_vitb32": 0.353271484375,
    "clip_similarity_vitl14": 0.2958984375,
    "id": 1795296605919,
    "url": "https://www.thestrapsaver.com/wp-content/uploads/customerservice-1.jpg",
    "caption": "a wire hanger with a paper cover that reads we heart our customers",
    "width": 1024,
    "height": 693,
    "noun_chunks": [
        [19, 32, 0.019644069503434333, 0.31054004033406574, 0.9622142865754519, 0.9603442351023356, 0.79298526],
        [0, 13, 0.019422357885505368, 0.027634161214033764, 0.9593302408854166, 0.969467560450236, 0.67520964],
    ],
    "ref_exps": [
        [19, 66, 0.019644069503434333, 0.31054004033406574, 0.9622142865754519, 0.9603442351023356, 0.79298526],
        [0, 66, 0.019422357885505368, 0.027634161214033764, 0.9593302408854166, 0.969467560450236, 0.67520964],
    ],
}
NONE = GritSpans((), torch.zeros(0, 4), torch.zeros(0))
NUMBERS = [True, 0, -1, 1, 2.5, 66, 67, 1e308, float("nan"), float("inf"), 10**30]
JUNK = [None, *NUMBERS, "", "x", {}, [], [[]], [1], [[0, 3, 0, 0, 1, 1, 1]], [[0, 3, 0, 0, 2, 1, 1]]]


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    """A folder for the many examples of one test; nothing waits for the disk."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _descriptor: None)
        yield tmp_path_factory.mktemp("scratch")


def saved(folder: Path, *records: object) -> Path:
    path = folder / "grit.jsonl"
    lines = [record if isinstance(record, str) else json.dumps(record) for record in records]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def changed(**fields: object) -> dict:
    return {**copy.deepcopy(CARD), **fields}


class TestReadGrit:
    def test_the_example_of_the_card(self, tmp_path):
        (sample,) = read_grit(saved(tmp_path, CARD))
        assert (sample.key, sample.id, sample.image_hw) == ("000373938", 1795296605919, (693, 1024))
        assert (sample.clip_similarity_vitb32, sample.clip_similarity_vitl14) == (0.353271484375, 0.2958984375)
        assert sample.url == CARD["url"]
        assert sample.extra == {}
        assert sample.phrases(sample.noun_chunks) == ("a paper cover", "a wire hanger")
        assert sample.phrases(sample.ref_exps)[0] == "a paper cover that reads we heart our customers"
        assert sample.phrases(sample.ref_exps)[1] == sample.caption
        for part, rows in ((sample.noun_chunks, CARD["noun_chunks"]), (sample.ref_exps, CARD["ref_exps"])):
            assert part.boxes_unit.tolist() == [row[2:6] for row in rows]
            assert part.scores.tolist() == [row[6] for row in rows]

    def test_blank_lines_and_no_lines(self, tmp_path):
        assert read_grit(saved(tmp_path)) == ()
        assert len(read_grit(saved(tmp_path, "", CARD, "  ", ""))) == 1

    def test_characters_not_bytes(self, tmp_path):
        record = changed(caption="über a mug", noun_chunks=[[5, 10, 0, 0, 1, 1, 1]], ref_exps=[])
        (sample,) = read_grit(saved(tmp_path, record))
        assert sample.phrases(sample.noun_chunks) == ("a mug",)

    def test_a_separator_of_lines_inside_a_caption_is_no_line_end(self, tmp_path):
        line = json.dumps(changed(caption="a\u2028wire hanger", noun_chunks=[], ref_exps=[]), ensure_ascii=False)
        assert read_grit(saved(tmp_path, line))[0].caption == "a\u2028wire hanger"

    @pytest.mark.parametrize(
        ("record", "complaint"),
        [
            ("[1]", "expected an object, one sample"),
            (json.dumps(CARD)[:-1], "Expecting"),
            (json.dumps(CARD)[:-1] + ', "id": 3}', "every key once, got 'id' twice"),
            ('{"caption": NaN}', "expected a finite number"),
            (changed(caption=""), "caption: expected a text"),
            (changed(caption=None), "caption: expected a text"),
            (changed(width=0), "width, height: expected whole"),
            (changed(height=693.0), "width, height: expected whole"),
            (changed(id="1795296605919"), "id: expected a whole number"),
            (changed(id=True), "id: expected a whole number"),
            (changed(id=-1), "id: expected a whole number"),
            (changed(key=373938), "key: expected a text"),
            (changed(url=""), "url: expected a text"),
            (changed(clip_similarity_vitb32="0.3"), "clip_similarity_vitb32: expected a number"),
            (changed(clip_similarity_vitl14=True), "clip_similarity_vitl14: expected a number"),
            (changed(noun_chunks=None), "noun_chunks: expected a list"),
            (changed(ref_exps={}), "ref_exps: expected a list"),
            (changed(ref_exps=[[0, 13]]), r"ref_exps\[0\]: expected seven numbers"),
            (changed(ref_exps=["0123456"]), r"ref_exps\[0\]: expected seven numbers"),
            (changed(noun_chunks=[[0, 13, 0, 0, 1, 1, None]]), r"noun_chunks\[0\]: expected seven numbers"),
            (changed(noun_chunks=[[0, 13, 0, 0, 1, 1, True]]), r"noun_chunks\[0\]: expected seven numbers"),
            (changed(noun_chunks=[[0, 67, 0, 0, 1, 1, 1]]), r"noun_chunks\[0\]: expected 0 <= start < end <= 66, .*67"),
            (changed(noun_chunks=[[13, 13, 0, 0, 1, 1, 1]]), r"expected 0 <= start < end"),
            (changed(noun_chunks=[[13, 0, 0, 0, 1, 1, 1]]), r"expected 0 <= start < end"),
            (changed(noun_chunks=[[-3, 13, 0, 0, 1, 1, 1]]), r"expected 0 <= start < end"),
            (changed(noun_chunks=[[0.5, 13, 0, 0, 1, 1, 1]]), r"expected 0 <= start < end"),
            (changed(noun_chunks=[[0, 13, 0.6, 0, 0.5, 1, 1]]), r"\[0\]: expected x1 <= x2 and y1 <= y2"),
            (changed(noun_chunks=[[0, 13, 0, 0.6, 1, 0.5, 1]]), r"\[0\]: expected x1 <= x2 and y1 <= y2"),
            (changed(noun_chunks=[[0, 13, 0, 0, 640, 480, 1]]), r"\[0\]: expected a box in the unit frame"),
            (changed(noun_chunks=[[0, 13, -0.1, 0, 1, 1, 1]]), r"\[0\]: expected a box in the unit frame"),
            (changed(noun_chunks=[[0, 13, 0, 0, 1, 1, 1.5]]), r"\[0\]: expected a score from 0 to 1"),
        ],
    )
    def test_error_text(self, tmp_path, record, complaint):
        with pytest.raises(ValueError, match=rf"^grit\.jsonl: line 2: {complaint}|^grit\.jsonl: line 2: .*{complaint}"):
            read_grit(saved(tmp_path, changed(id=1, key="1"), record))

    @pytest.mark.parametrize(("again", "field"), [({"key": "2"}, "id"), ({"id": 2}, "key")])
    def test_a_sample_used_twice(self, tmp_path, again, field):
        with pytest.raises(ValueError, match=rf"^grit\.jsonl: line 3: {field}: expected one that no line before has"):
            read_grit(saved(tmp_path, CARD, "", changed(**again)))

    def test_missing_ids_are_no_repetition(self, tmp_path):
        record = changed(id=None, key=None)
        assert len(read_grit(saved(tmp_path, record, record))) == 2

    def test_bytes_that_are_no_text(self, tmp_path):
        (tmp_path / "grit.jsonl").write_bytes(b'{"caption": "\xff"}')
        with pytest.raises(ValueError, match=r"^grit\.jsonl: expected UTF-8 text"):
            read_grit(tmp_path / "grit.jsonl")

    @given(length=st.integers(1, len(json.dumps(CARD)) - 1))
    @settings(max_examples=25, deadline=None)
    def test_a_cut_off_line_is_refused(self, scratch, length):
        with pytest.raises(ValueError, match=r"^grit\.jsonl: line 1: "):
            read_grit(saved(scratch, json.dumps(CARD)[:length]))

    @given(data=st.data())
    @settings(max_examples=100, deadline=None)
    def test_a_changed_file_is_refused_or_sound(self, scratch, data):
        record = copy.deepcopy(CARD)
        for _ in range(data.draw(st.integers(1, 3))):
            parent, key = record, data.draw(st.sampled_from(sorted(record)))
            while isinstance(parent[key], list) and parent[key] and data.draw(st.integers(0, 4)):
                parent, key = parent[key], data.draw(st.integers(0, len(parent[key]) - 1))
            if data.draw(st.booleans()):
                parent[key] = copy.deepcopy(data.draw(st.sampled_from(JUNK)))
            elif len(parent) > 1:
                del parent[key]
        path = saved(scratch, record)
        try:
            samples = read_grit(path)
        except ValueError as problem:
            assert str(problem).startswith("grit.jsonl: line 1: ")  # noqa: PT017, both outcomes are looked at
            return
        for part in (samples[0].noun_chunks, samples[0].ref_exps):
            assert len(part.spans) == len(part.boxes_unit) == len(part.scores)
            assert ((part.boxes_unit >= -1e-6) & (part.boxes_unit <= 1 + 1e-6)).all()
            assert all(samples[0].phrases(part))
        write_grit(samples, path)
        assert read_grit(path) == samples


class TestParseRecord:
    def test_a_row_of_the_table(self):
        """In parquet start and end are floats like the other five."""
        row = {**CARD, "noun_chunks": [[float(number) for number in line] for line in CARD["noun_chunks"]]}
        assert parse_record(row) == parse_record(CARD)
        assert parse_record(row).noun_chunks.spans == ((19, 32), (0, 13))

    def test_only_what_grounding_needs_is_required(self):
        needed = {key: CARD[key] for key in ("caption", "width", "height", "noun_chunks", "ref_exps")}
        sample = parse_record({**needed, "status": "success"})
        assert (sample.id, sample.key, sample.url, sample.clip_similarity_vitb32) == (None,) * 4
        assert sample.extra == {"status": "success"}
        for key in needed:
            with pytest.raises(ValueError, match=r"caption|width|noun_chunks|ref_exps"):
                parse_record({name: value for name, value in needed.items() if name != key})

    def test_no_spans(self):
        sample = parse_record(changed(noun_chunks=[], ref_exps=[]))
        assert sample.noun_chunks.boxes_unit.shape == (0, 4)
        assert sample.noun_chunks.scores.shape == (0,)


class TestGritSpans:
    def test_boxes_by_hand(self):
        part = GritSpans(((0, 1),), torch.tensor([[0.25, 0.5, 0.75, 1.0]]), torch.tensor([1.0]))
        assert part.boxes((200, 400)).tolist() == [[100, 100, 300, 200]]
        assert NONE.boxes((2, 3)).shape == (0, 4)

    def test_boxes_of_the_card_lie_in_its_picture(self):
        sample = parse_record(CARD)
        boxes = sample.noun_chunks.boxes(sample.image_hw)
        torch.testing.assert_close(boxes / boxes.new_tensor([1024, 693] * 2), sample.noun_chunks.boxes_unit)


class TestWriteGrit:
    def test_the_card_is_written_as_it_is(self, tmp_path):
        write_grit(read_grit(saved(tmp_path, CARD)), tmp_path / "again.jsonl")
        assert (tmp_path / "again.jsonl").read_text() == json.dumps(CARD) + "\n"

    @given(
        rows=st.lists(st.tuples(*[st.floats(0, 1)] * 5, st.integers(0, 4), st.integers(1, 5)), max_size=4),
        caption=st.text(min_size=9, max_size=12),
    )
    @settings(max_examples=50, deadline=None)
    def test_round_trip(self, scratch, rows, caption):
        numbers = torch.tensor([row[:5] for row in rows], dtype=torch.float64).reshape(-1, 5)
        boxes = torch.cat([numbers[:, :2].minimum(numbers[:, 2:4]), numbers[:, :2].maximum(numbers[:, 2:4])], -1)
        part = GritSpans(tuple((row[5], row[5] + row[6]) for row in rows), boxes, numbers[:, 4])
        samples = (GritSample(caption, (6, 8), part, NONE, extra={"n": [1]}), GritSample(caption, (6, 8), NONE, part))
        write_grit(samples, scratch / "grit.jsonl")
        back = read_grit(scratch / "grit.jsonl")
        assert back == samples
        assert torch.equal(back[0].noun_chunks.boxes_unit, boxes)

    def test_two_samples_differ_when_a_box_does(self):
        sample = parse_record(CARD)
        part = sample.ref_exps
        assert replace(sample, ref_exps=replace(part, boxes_unit=part.boxes_unit * 0.5)) != sample
        assert sample != CARD

    @pytest.mark.parametrize(
        ("fields", "complaint"),
        [
            ({"caption": ""}, "caption: expected a text"),
            ({"image_hw": (0, 5)}, "width, height"),
            ({"ref_exps": GritSpans(((0, 99),), torch.zeros(1, 4), torch.ones(1))}, r"ref_exps\[0\]: expected 0 <="),
            ({"ref_exps": GritSpans(((0, 9),), torch.full((1, 4), torch.nan), torch.ones(1))}, "finite"),
            ({"ref_exps": GritSpans(((0, 9),), torch.full((1, 4), 20.0), torch.ones(1))}, "unit frame"),
            ({"extra": {"score": float("nan")}}, "finite"),
        ],
    )
    def test_what_could_not_be_read_is_not_written(self, tmp_path, fields, complaint):
        with pytest.raises(ValueError, match=rf"^new\.jsonl: line 1: .*{complaint}|^new\.jsonl: line 1: {complaint}"):
            write_grit([replace(parse_record(CARD), **fields)], tmp_path / "new.jsonl")
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.usefixtures("unhooked")
    def test_a_box_for_every_span(self, tmp_path):
        part = GritSpans(((0, 9),), torch.zeros(2, 4), torch.ones(1))
        with pytest.raises(ValueError, match=r"^boxes_unit: expected as many rows as spans \(1\), got 2"):
            write_grit([replace(parse_record(CARD), noun_chunks=part)], tmp_path / "new.jsonl")

    def test_a_failed_write_leaves_the_old_file(self, tmp_path, monkeypatch):
        path = saved(tmp_path, CARD)

        def full(_descriptor):
            raise OSError("no space left on device")

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="no space"):
            write_grit([], path)
        assert path.read_text() == json.dumps(CARD)
        assert list(tmp_path.iterdir()) == [path]
