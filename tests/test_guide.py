"""The marking guide and the roster."""

import pytest
import synthetic_lesson

from gk_utils.classroom import source
from gk_utils.classroom.guide import ROSTER, marking_guide, read_roster


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
        path = self.write(tmp_path, ROSTER + "ab12,Anna,Berg,a@b\n,No,Id,\nb.c,Bea,,\n", "utf-8-sig")
        assert read_roster(path) == {
            "ab12": "ab12",
            "anna-berg": "ab12",
            "berg-anna": "ab12",
            "b-c": "b-c",
            "bea": "b-c",
        }

    def test_a_shared_name_stands_for_neither(self, tmp_path):
        path = self.write(tmp_path, ROSTER + "a1,Anna,Berg,\na2,Anna,Berg,\n")
        assert read_roster(path) == {"a1": "a1", "a2": "a2"}

    @pytest.mark.parametrize("text", ["", "name\nAnna\n"])
    def test_no_ids(self, tmp_path, text):
        with pytest.raises(ValueError, match="expected a column id"):
            read_roster(self.write(tmp_path, text))

    def test_another_encoding(self, tmp_path):
        with pytest.raises(ValueError, match="expected CSV in UTF-8"):
            read_roster(self.write(tmp_path, ROSTER + "a1,Zoë,,\n", "latin-1"))
