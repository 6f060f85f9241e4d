"""The marking guide and the roster; and the plans of TEACHING.md, held against what the lessons ask for."""

import re

import pytest
import synthetic_lesson

from gk_utils.book.concept_map import needs
from gk_utils.classroom import source
from gk_utils.classroom.guide import ROSTER, folder_names, marking_guide, read_roster


class TestMarkingGuide:
    def test_points_minutes_and_model_answers(self, tmp_path):
        text = marking_guide([source.read(synthetic_lesson.write(tmp_path))])
        assert "| 90 · A synthetic lesson | 10 | 6 | 5 | 1 |" in text
        assert "| visible_width | 3 | 5 | 2 | the machine |" in text
        assert "| explain | 1 | 5 | 2 | you |" in text
        assert "### 90, 1 points: explain\n" in text
        assert "Why clamp?" in text
        assert "> A negative width times a negative height is a positive area." in text
        assert "SOLUTION" not in text

    def test_every_lesson_of_the_course(self):
        lessons = [source.read(path) for path in source.lesson_paths()[:2]]
        text = marking_guide(lessons)
        for lesson in lessons:
            assert text.count(f"## {lesson.number} · ") == 1
            assert all(f"| {name} | " in text for name in lesson.exercise_cells())


class TestReadRoster:
    def write(self, tmp_path, text, encoding="utf-8"):
        path = tmp_path / "roster.csv"
        path.write_text(text, encoding=encoding)
        return path

    def test_the_template_is_empty(self, tmp_path):
        assert read_roster(self.write(tmp_path, ROSTER)) == {}

    def test_every_name_a_learner_goes_by(self, tmp_path):
        path = self.write(tmp_path, ROSTER + "ab12,Anna,Berg,a@b\n,No,Id,\nB.c,Bea,,\n", "utf-8-sig")
        assert read_roster(path) == {
            "ab12": "ab12",
            "anna-berg": "ab12",
            "berg-anna": "ab12",
            "b-c": "B.c",
            "bea": "B.c",
        }

    def test_a_shared_name_stands_for_neither(self, tmp_path):
        path = self.write(tmp_path, ROSTER + "a1,Anna,Berg,\na2,Anna,Berg,\n")
        assert read_roster(path) == {"a1": "a1", "a2": "a2"}

    def test_ids_that_differ_in_punctuation_alone_are_two(self, tmp_path):
        path = self.write(tmp_path, ROSTER + "a.b,Anna,Berg,\na-b,Abe,Berg,\n")
        assert read_roster(path) == {
            "anna-berg": "a.b",
            "berg-anna": "a.b",
            "abe-berg": "a-b",
            "berg-abe": "a-b",
        }

    @pytest.mark.parametrize("text", ["", "name\nAnna\n"])
    def test_no_ids(self, tmp_path, text):
        with pytest.raises(ValueError, match="expected a column id"):
            read_roster(self.write(tmp_path, text))

    def test_another_encoding(self, tmp_path):
        with pytest.raises(ValueError, match="expected CSV in UTF-8"):
            read_roster(self.write(tmp_path, ROSTER + "a1,Zoë,,\n", "latin-1"))


class TestFolderNames:
    @pytest.mark.parametrize("student", ["AB12", "a.berg", "anna@uni.edu", "a_b+c-d", "7", "Łuk"])
    def test_an_id_stays_itself(self, student):
        assert folder_names([student]) == {student: student}

    @pytest.mark.parametrize("student", ["../x", "a/b", "a b", "*", "[a]", "{x}", ".x", "x.", "=1", "a" * 99, "a\nb"])
    def test_an_id_that_no_folder_may_have(self, student):
        folder = folder_names([student])[student]
        assert folder
        assert len(folder) <= 60
        assert not set(folder) & set("/\\.*?[]{}= \n")

    def test_two_that_come_to_one_name(self):
        with pytest.raises(ValueError, match="got 'a/b' and 'a-b'. Change one"):
            folder_names(["a/b", "a-b"])
        assert folder_names(["a.b", "a-b", "a.b"]) == {"a.b": "a.b", "a-b": "a-b"}


class TestTeaching:
    @pytest.fixture
    def needed(self):
        lessons = [source.read(path) for path in source.lesson_paths()]
        return {name[:2]: {need[:2] for need in wants} for name, wants in needs(lessons).items()}

    @pytest.fixture
    def text(self):
        return (source.ROOT / "TEACHING.md").read_text(encoding="utf-8")

    def test_the_twelve_weeks_respect_the_prerequisites(self, text, needed):
        lines = re.findall(r"^\| \d+ \| ([^|]+) \|", text, re.MULTILINE)
        order = list(dict.fromkeys(re.findall(r"\b\d\d\b", " ".join(lines))))
        assert set(needed) <= set(order)
        for place, number in enumerate(order):
            assert needed.get(number, set()) <= set(order[:place]), number

    def test_the_two_days_say_what_they_skip(self, text, needed):
        rows = re.findall(r"^\| \d+:\d\d \| (\d\d) [^|]* \| (\d\d) ", text, re.MULTILINE)
        order = [day[0] for day in rows] + [day[1] for day in rows]
        assert len(order) == 12
        (said,) = re.findall(r"It leaves out ([\d, and]+)", text)
        skipped = set(re.findall(r"\d\d", said))
        assert skipped.isdisjoint(order)
        for place, number in enumerate(order):
            assert needed.get(number, set()) <= set(order[:place]) | skipped, number

    def test_a_shorter_course_is_whole(self, text, needed):
        (said,) = re.findall(r"A shorter course leaves out ([^:]+):", text)
        out = re.findall(r"\b\d\d\b", said)
        assert len(out) == 7
        for number in out:
            needed.pop(number, None)
            assert not [other for other, wants in needed.items() if number in wants], number
        assert all(wants <= set(needed) for wants in needed.values())
