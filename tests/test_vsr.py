import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gk_utils.formats.vsr import META_CATEGORIES, RELATIONS, SPLITS, VsrItem, meta_category, read_vsr, write_vsr

# In the notation of the released files: zero-shot and random (votes as texts), and as their README shows them (lists).
LINES = [
    {
        "image": "000000000011.jpg",
        "image_link": "http://images.cocodataset.org/train2017/000000000011.jpg",
        "caption": "The mug is on the table.",
        "label": 1,
        "relation": "on",
        "subj": "mug",
        "obj": "table",
        "annotator_id": 4,
        "vote_true_validator_id": "[9, 2, 2]",
        "vote_false_validator_id": "[]",
    },
    {
        "image": "000000000012.jpg",
        "image_link": "http://images.cocodataset.org/val2017/000000000012.jpg",
        "caption": "The cup is at the left side of the plate.",
        "label": 0,
        "relation": "at the left side of",
        "annotator_id": 30,
        "vote_true_validator_id": [3],
        "vote_false_validator_id": [2, 8],
        "reference_frame": None,
    },
    {"image": "c.png", "caption": "The spoon is inside the mug.", "label": 0, "relation": "inside"},
]
JUNK = [None, True, 0, 1, -1, 2.5, 10**30, [], [1], {}, "", " ", "x", "[1, 2]", "[", "on", [True], [[1]], float("nan")]


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _descriptor: None)
        yield tmp_path_factory.mktemp("scratch")


def saved(folder: Path, lines: object = LINES) -> Path:
    """A file of these lines; bytes are written as they are."""
    path = folder / "test.jsonl"
    data = lines if isinstance(lines, bytes) else "".join(json.dumps(line) + "\n" for line in lines).encode()
    path.write_bytes(data)
    return path


class TestRelations:
    def test_66_of_the_71_offered(self):
        assert len(RELATIONS) == len(set(RELATIONS)) == 66
        listed = [relation for group in META_CATEGORIES.values() for relation in group]
        assert sorted(relation for relation in listed if listed.count(relation) > 1) == ["among", "among"]
        assert set(RELATIONS) - set(listed) == {"congruent"}
        assert not {"deep down", "up", "from", "to", "after"} & set(RELATIONS)

    def test_how_many_each_meta_category_has(self):
        assert {name: len(group) for name, group in META_CATEGORIES.items()} == {
            "Adjacency": 10,
            "Directional": 12,
            "Orientation": 4,
            "Projective": 12,
            "Proximity": 5,
            "Topological": 18,
            "Unallocated": 5,
        }

    def test_sizes_of_the_splits(self):
        assert {name: sum(parts.values()) for name, parts in SPLITS.items()} == {"random": 10_972, "zeroshot": 5_560}


class TestMetaCategory:
    @pytest.mark.parametrize(
        ("relation", "category"),
        [
            ("at the left side of", "Adjacency"),
            ("down from", "Directional"),
            ("perpendicular to", "Orientation"),
            ("in the middle of", "Projective"),
            ("far away from", "Proximity"),
            ("has as a part", "Topological"),
            ("next to", "Unallocated"),
            ("among", "Unallocated"),
            ("congruent", None),
        ],
    )
    def test_by_hand(self, relation, category):
        assert meta_category(relation) == category

    def test_every_relation_but_one_has_one(self):
        assert [relation for relation in RELATIONS if meta_category(relation) is None] == ["congruent"]

    @pytest.mark.parametrize(
        ("relation", "nearest"),
        [
            ("left", "left of"),
            ("On", "on"),
            ("in front", "in front of"),
            ("far away", "far away from"),
            ("besides", "beside"),
        ],
    )
    def test_error_text(self, relation, nearest):
        with pytest.raises(
            ValueError, match=rf"^relation: expected one of the 66 of VSR, got '{relation}'. .*'{nearest}'"
        ):
            meta_category(relation)


class TestReadVsr:
    def test_by_hand(self, tmp_path):
        first, second, third = read_vsr(saved(tmp_path))
        assert (first.image, first.caption, first.label) == ("000000000011.jpg", "The mug is on the table.", True)
        assert (first.relation, first.subj, first.obj, first.annotator_id) == ("on", "mug", "table", 4)
        assert (first.votes_true, first.votes_false, first.extra) == ((9, 2, 2), (), {})
        assert first.image_link == LINES[0]["image_link"]
        assert (second.label, second.votes_true, second.votes_false) == (False, (3,), (2, 8))
        assert (second.subj, second.extra) == (None, {"reference_frame": None})
        assert third == VsrItem("c.png", "The spoon is inside the mug.", False, "inside")

    def test_blank_lines_and_windows_line_ends(self, tmp_path):
        want = read_vsr(saved(tmp_path))
        data = "\r\n\r\n".join(json.dumps(line) for line in LINES).encode()
        assert read_vsr(saved(tmp_path, data)) == want

    def test_no_items(self, tmp_path):
        assert read_vsr(saved(tmp_path, [])) == ()

    def test_the_number_of_statements(self, tmp_path, monkeypatch):
        path = saved(tmp_path)
        with pytest.raises(ValueError, match=r"^test\.jsonl: expected the 2195 statements of random test, got 3\. Is "):
            read_vsr(path, split=("random", "test"))
        monkeypatch.setitem(SPLITS["zeroshot"], "dev", 3)
        assert len(read_vsr(path, split=("zeroshot", "dev"))) == 3

    def test_an_unknown_split(self, tmp_path):
        with pytest.raises(
            ValueError, match=r"split: expected one of \('random', 'train'\), .* got \('random', 'val'\)"
        ):
            read_vsr(saved(tmp_path), split=("random", "val"))

    @pytest.mark.parametrize(
        ("change", "complaint"),
        [
            ({"image": ""}, "image: expected a text, got ''"),
            ({"caption": None}, "caption: expected a text, got None"),
            ({"caption": "two\nlines"}, "caption: expected a text"),
            ({"image_link": 3}, "image_link: expected a text, got 3"),
            ({"subj": []}, "subj: expected a text"),
            ({"label": 2}, "label: expected 0 or 1, got 2"),
            ({"label": True}, "label: expected 0 or 1, got True"),
            ({"label": "1"}, "label: expected 0 or 1, got '1'"),
            ({"label": 1.0}, "label: expected 0 or 1, got 1.0"),
            ({"annotator_id": "4"}, "annotator_id: expected a whole number"),
            ({"annotator_id": False}, "annotator_id: expected a whole number"),
            ({"vote_true_validator_id": "[2, 6"}, r"vote_true_validator_id: expected a list of whole .* got '\[2, 6'"),
            ({"vote_true_validator_id": "2"}, "vote_true_validator_id: expected a list of whole numbers"),
            ({"vote_false_validator_id": None}, "vote_false_validator_id: expected a list of whole numbers"),
            ({"vote_false_validator_id": [2.0]}, "vote_false_validator_id: expected a list of whole numbers"),
            ({"vote_false_validator_id": "[true]"}, "vote_false_validator_id: expected a list of whole numbers"),
            ({"relation": "atop"}, r"relation: expected one of the 66 of VSR, got 'atop'\. Nearest is '"),
            ({"relation": "near to"}, r"relation: .* got 'near to'\. Nearest is 'near"),
            ({"relation": None}, r"relation: .* got None\. Name the relation"),
            ({"relation": ["on"]}, r"relation: .* got \['on'\]"),
            ({"extra": float("nan")}, "expected a finite number, got NaN"),
        ],
    )
    def test_error_text(self, tmp_path, change, complaint):
        with pytest.raises(ValueError, match=rf"^test\.jsonl: line 2: {complaint}"):
            read_vsr(saved(tmp_path, [LINES[0], LINES[1] | change, LINES[2]]))

    @pytest.mark.parametrize("key", ["image", "caption", "label", "relation"])
    def test_a_missing_key(self, tmp_path, key):
        with pytest.raises(ValueError, match=rf"^test\.jsonl: line 1: {key}: expected .* got None"):
            read_vsr(saved(tmp_path, [{name: value for name, value in LINES[0].items() if name != key}]))

    @pytest.mark.parametrize(
        ("data", "place"),
        [
            (b"[]", "line 1: expected an object"),
            (b'\n\n{"image": ', "line 3: "),
            (b"{} {}", "line 1: "),
            (b'{"label": 1, "label": 0}', "line 1: expected every key once, got 'label' twice"),
            (b"[" * 100_000, "line 1: expected JSON of ordinary depth"),
            (b'{"image": "\xff"}', "expected UTF-8 text"),
            (b"\xef\xbb\xbf{}", "line 1: "),
        ],
    )
    def test_what_is_no_json(self, tmp_path, data, place):
        with pytest.raises(ValueError, match=rf"^test\.jsonl: {place}"):
            read_vsr(saved(tmp_path, data))

    @given(changes=st.lists(st.tuples(st.integers(0, 9999), st.integers(0, 255)), max_size=3), cut=st.integers(0, 1500))
    @settings(max_examples=150, deadline=None)
    def test_changed_bytes_are_refused_or_sound(self, scratch, changes, cut):
        data = bytearray(saved(scratch).read_bytes())
        for place, byte in changes:
            data[place % len(data)] = byte
        self.refused_or_sound(saved(scratch, bytes(data[: cut or len(data)])))

    @given(data=st.data())
    @settings(max_examples=150, deadline=None)
    def test_changed_lines_are_refused_or_sound(self, scratch, data):
        lines = [dict(line) for line in LINES]
        for _ in range(data.draw(st.integers(1, 3))):
            line = data.draw(st.sampled_from(lines))
            key = data.draw(st.sampled_from([*LINES[0], "more"]))
            if data.draw(st.booleans()):
                line.pop(key, None)
            else:
                line[key] = data.draw(st.sampled_from(JUNK))
        self.refused_or_sound(saved(scratch, lines))

    @staticmethod
    def refused_or_sound(path: Path) -> None:
        try:
            items = read_vsr(path)
        except ValueError as problem:
            assert str(problem).startswith("test.jsonl: ")  # noqa: PT017, both outcomes are looked at
            return
        assert all(item.relation in RELATIONS and item.caption and item.image for item in items)
        write_vsr(items, path)
        assert read_vsr(path) == items


class TestWriteVsr:
    def test_round_trip(self, tmp_path):
        items = read_vsr(saved(tmp_path))
        write_vsr(items, tmp_path / "again.jsonl")
        assert read_vsr(tmp_path / "again.jsonl") == items

    def test_released_lines_are_written_as_they_are(self, tmp_path):
        path = saved(tmp_path, LINES[:1])
        before = path.read_bytes()
        write_vsr(read_vsr(path), path)
        assert path.read_bytes() == before

    @given(
        relation=st.sampled_from(RELATIONS),
        label=st.booleans(),
        votes=st.lists(st.integers(1, 70), max_size=4),
        words=st.from_regex(r"[a-zA-Zéü你]{1,8}( [a-z]{1,8}){0,3}", fullmatch=True),
    )
    @settings(max_examples=50, deadline=None)
    def test_round_trip_of_any_item(self, scratch, relation, label, votes, words):
        item = VsrItem("1.jpg", words, label, relation, votes_true=tuple(votes), extra={"note": [words]})
        write_vsr([item, item], scratch / "again.jsonl")
        assert read_vsr(scratch / "again.jsonl") == (item, item)

    @pytest.mark.parametrize(
        ("change", "complaint"),
        [
            ({"relation": "atop"}, "line 2: relation: expected one of the 66"),
            ({"caption": ""}, "line 2: caption: expected a text"),
            ({"extra": {"score": float("nan")}}, "Out of range float|.*JSON"),
            ({"extra": {"label": 0}}, "line 2: expected only what JSON can hold"),
            ({"extra": {"pair": (1, 2)}}, "line 2: expected only what JSON can hold"),
        ],
    )
    def test_what_could_not_be_read_is_not_written(self, tmp_path, change, complaint):
        items = read_vsr(saved(tmp_path))
        with pytest.raises(ValueError, match=rf"^new\.jsonl: ({complaint})"):
            write_vsr([items[0], replace(items[0], **change)], tmp_path / "new.jsonl")
        assert [path.name for path in tmp_path.iterdir()] == ["test.jsonl"]

    def test_a_failed_write_leaves_the_old_file_and_nothing_else(self, tmp_path, monkeypatch):
        path = saved(tmp_path)
        before = path.read_bytes()

        def full(_descriptor):
            raise OSError("no space left on device")

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="no space"):
            write_vsr(read_vsr(path)[:1], path)
        assert path.read_bytes() == before
        assert list(tmp_path.iterdir()) == [path]
