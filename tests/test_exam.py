"""The frozen exam."""

import hashlib
import json
from collections import Counter

import pytest

from gk_utils.assistant.asking import read_question
from gk_utils.assistant.exam import (
    ASKED,
    CHOSEN_ON,
    DEVELOPMENT,
    EACH,
    FILE,
    FRESH,
    MISSING,
    make_absent,
    make_exam,
    read_exam,
)
from gk_utils.countertop.splits import SPLITS, read_split

SHA256 = "937d5698c9bb9d52a3d86bba1f150c9e235a3b37ad4abafd77293317d9067146"


class TestReadExam:
    def test_is_what_it_was(self):
        """Numbers measured on the exam compare only while this holds: change the sum with the file, and say so."""
        assert hashlib.sha256(FILE.read_bytes()).hexdigest() == SHA256

    def test_twenty_of_each_on_scenes_of_val(self):
        exam = read_exam()
        assert Counter(one.kind for one in exam) == dict.fromkeys(ASKED, EACH)
        assert {one.seed for one in exam} <= {sample.seed for sample in read_split("val")}
        absent = Counter(one.kind for one in exam if one.truth.absent)
        assert absent == {kind: n for kind, n in MISSING.items() if n}

    def test_its_questions_can_be_read_and_its_scenes_are_there(self):
        exam = read_exam()
        assert not [one for one in exam if read_question(one.truth.question).kind == "unread"]
        for one in exam[:20]:
            assert max([-1, *(thing for group in one.truth.groups for thing in group)]) < len(one.scene)

    def test_round_trip(self):
        assert "\n".join(one.as_line() for one in read_exam()) + "\n" == FILE.read_text(encoding="utf-8")

    def test_another_scene_is_noticed(self):
        from dataclasses import replace

        with pytest.raises(ValueError, match="seed: expected scene 000000000000 from"):
            _ = replace(read_exam()[0], checksum="000000000000").scene

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"seed": -1}, "seed: expected a whole number"),
            ({"kind": "riddle"}, "kind: expected one of"),
            ({"question": ""}, "question: expected a text"),
            ({"groups": [0]}, "groups: expected lists"),
            ({"groups": [[-1]]}, "groups: expected lists"),
            ({"more": 1}, "expected the keys"),
        ],
    )
    def test_a_damaged_line_is_named(self, tmp_path, change, message):
        line = FILE.read_text(encoding="utf-8").split("\n")[0]
        path = tmp_path / "exam.jsonl"
        path.write_text(line + "\n" + json.dumps({**json.loads(line), **change}) + "\n")
        with pytest.raises(ValueError, match=rf"exam\.jsonl: line 2: .*{message}"):
            read_exam(path)


@pytest.fixture(scope="module")
def drawn():
    return make_absent(times=1)


class TestMakeAbsent:
    def test_the_mixture_of_the_exam(self, drawn):
        assert Counter(one.kind for one in drawn) == {**{k: n for k, n in MISSING.items() if n}, "describe": EACH // 2}
        assert all(one.truth.absent for one in drawn if one.kind != "describe")

    def test_no_scene_is_shared_with_the_exam_nor_with_what_was_tried(self, drawn):
        """By seed, for all that can be drawn, and by what is in the scenes, for those here."""
        exam = read_exam()
        assert not {one.seed for one in exam} & {*FRESH, *CHOSEN_ON}
        assert not set(FRESH) & set(CHOSEN_ON)
        assert not {sample.seed for sample in read_split("val")} & {*FRESH, *CHOSEN_ON}
        assert {one.seed for one in drawn} <= set(FRESH)
        assert not {one.checksum for one in exam} & {one.checksum for one in drawn}


class TestMakeExam:
    def test_one_of_each_kind_and_the_same_again(self):
        seeds = range(DEVELOPMENT, DEVELOPMENT + 30)
        exam = make_exam(seeds, each=1)
        assert [one.kind for one in exam] == list(ASKED)
        assert [one.as_line() for one in exam] == [one.as_line() for one in make_exam(seeds, each=1)]
        assert len({one.seed for one in exam}) >= 5

    def test_development_seeds_are_of_no_sample(self):
        assert max(sample.seed for sample in read_split("val")) < DEVELOPMENT
        assert DEVELOPMENT in SPLITS["val"].seeds
