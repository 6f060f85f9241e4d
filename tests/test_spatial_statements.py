import itertools

import pytest

from gk_utils.evaluate.spatial_statements import SEEDS, SOURCES, make_statements, read_statements


class TestFrozenStatements:
    def test_the_file_is_what_is_made(self):
        made = list(itertools.islice(make_statements(range(SEEDS.start, SEEDS.start + 3)), 20))
        assert list(read_statements()[: len(made)]) == made

    def test_half_are_true_in_every_source(self):
        for source in SOURCES:
            truths = [one.holds for one in read_statements() if one.source == source]
            assert len(truths) > 300
            assert abs(sum(truths) / len(truths) - 0.5) < 0.05

    def test_no_sentence_twice_about_a_scene_and_nothing_left_open(self):
        pairs = [(one.seed, one.text) for one in read_statements()]
        assert len(pairs) == len(set(pairs))
        assert not any("{" in text for _, text in pairs)

    def test_a_damaged_file(self, tmp_path, unhooked):
        path = tmp_path / "broken.json"
        path.write_text("[]", encoding="utf-8")
        with pytest.raises(ValueError, match=r"broken.json: expected an object with a list of statements"):
            read_statements(path)
