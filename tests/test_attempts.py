"""Workers that die at an item, and what is done about it."""

import pytest

from gk_utils.scale.attempts import Attempts


def die_at(path, *chunks) -> None:
    """A worker that begins these chunks, one after the other, and dies at the last."""
    attempts = Attempts(path)
    for chunk in chunks:
        attempts.begin(chunk)


class TestAttempts:
    def test_nothing_before(self, tmp_path):
        attempts = Attempts(tmp_path / "trying")
        assert attempts.chunks(5, 2) == [(0, 1), (2, 3), (4,)]
        assert not attempts.is_given_up((0,))
        assert attempts.chunks(0, 2) == []

    def test_one_item_at_a_time(self, tmp_path):
        for deaths in range(4):
            attempts = Attempts(tmp_path / "trying")
            assert attempts.chunks(3, 1) == [(0,), (1,), (2,)]
            assert [attempts.is_given_up((item,)) for item in range(3)] == [False, deaths >= 3, False]
            attempts.begin((0,))
            attempts.begin((1,))

    def test_a_chunk_is_taken_apart_and_then_its_item_is_given_up(self, tmp_path):
        path = tmp_path / "trying"
        die_at(path, (0, 1, 2, 3))
        die_at(path, (0, 1, 2, 3))
        assert Attempts(path).chunks(6, 4) == [(0,), (1,), (2,), (3,), (4, 5)]
        for _ in range(3):
            die_at(path, (0,), (1,), (2,))
        attempts = Attempts(path)
        assert [item for item in range(4) if attempts.is_given_up((item,))] == [2]

    def test_what_was_passed_is_not_blamed(self, tmp_path):
        for last in range(5, 9):  # four workers, each killed a little later
            die_at(tmp_path / "trying", *((item,) for item in range(last)))
        attempts = Attempts(tmp_path / "trying")
        assert not any(attempts.is_given_up((item,)) for item in range(9))

    def test_a_line_that_was_cut(self, tmp_path):
        path = tmp_path / "trying"
        die_at(path, (0,), (1,))
        path.write_text(path.read_text() + "[2")
        assert Attempts(path).deaths == {(1,): 1}
        die_at(path, (4,))
        assert Attempts(path).deaths == {(1,): 1, (4,): 1}

    @pytest.mark.parametrize("line", ["[2[]", "7", "\ufffd", '{"a": 1}', "[2]"])
    def test_a_line_that_is_none(self, tmp_path, line):
        """Whatever stands there, what comes after it is read, now and the next time."""
        path = tmp_path / "trying"
        path.write_text(f"[]\n{line}")
        for deaths in range(3):
            assert Attempts(path).deaths[(5,)] == deaths
            die_at(path, (5,))

    def test_an_end_is_no_death(self, tmp_path):
        path = tmp_path / "trying"
        for _ in range(4):
            attempts = Attempts(path)
            attempts.begin((0,))
            attempts.end()
        assert Attempts(path).deaths == {}

    def test_finish(self, tmp_path):
        attempts = Attempts(tmp_path / "trying")
        attempts.finish()
        attempts.finish()
        assert list(tmp_path.iterdir()) == []
