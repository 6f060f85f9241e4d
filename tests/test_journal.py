import json

import pytest

from gk_utils.grounded_sam.journal import Journal, read_finished

HEAD = {"phrases": ["mug"]}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "result.json"


def entries(*names: str) -> list[dict]:
    return [{"name": name, "boxes": [len(name)]} for name in names]


class TestJournal:
    def test_nothing_is_lost_when_it_stops(self, path):
        Journal(path, HEAD).add(entries("a", "b"))
        again = Journal(path, HEAD)
        assert list(again.entries.values()) == entries("a", "b")
        again.add(entries("c"))
        assert list(Journal(path, HEAD).entries) == ["a", "b", "c"]
        assert not path.exists()

    def test_every_cut(self, path):
        """Killed while it writes, at each byte: whole lines stay, and the next line does not stick to the rest."""
        Journal(path, HEAD).add(entries("a", "bb"))
        journal = Journal(path, HEAD).journal
        whole = journal.read_bytes()
        for length in range(len(whole)):
            journal.write_bytes(whole[:length])
            again = Journal(path, HEAD)
            kept = list(again.entries)
            assert kept == ["a", "bb"][: max(0, whole[:length].count(b"\n") - 1)]
            again.add(entries("last"))
            assert list(Journal(path, HEAD).entries) == [*kept, "last"]

    def test_finish(self, path):
        journal = Journal(path, HEAD)
        journal.add(entries("b", "a", "gone"))
        journal.finish(["a", "b"])
        assert json.loads(path.read_text()) == {**HEAD, "entries": entries("a", "b")}
        assert read_finished(path) == (HEAD, entries("a", "b"))
        assert sorted(file.name for file in path.parent.iterdir()) == ["result.json"]

    def test_after_the_end(self, path):
        journal = Journal(path, HEAD)
        journal.add(entries("a"))
        journal.finish(["a"])
        again = Journal(path, HEAD)
        assert list(again.entries) == ["a"]
        again.add([{"name": "a", "boxes": ["new"]}])
        assert path.exists()  # the old result, whole, until the new one is
        assert Journal(path, HEAD).entries["a"] == {"name": "a", "boxes": ["new"]}

    def test_killed_between_the_rename_and_the_removal(self, path):
        journal = Journal(path, HEAD)
        journal.add(entries("a"))
        kept = journal.journal.read_bytes()
        journal.finish(["a"])
        journal.journal.write_bytes(kept)
        Journal(path, HEAD).finish(["a"])
        assert read_finished(path)[1] == entries("a")

    def test_another_job(self, path):
        Journal(path, HEAD).add(entries("a"))
        with pytest.raises(
            ValueError, match=r"result.json.journal: expected the results of .*cat.*, got those of .*mug"
        ):
            Journal(path, {"phrases": ["cat"]})
        Journal(path, HEAD).finish(["a"])
        with pytest.raises(ValueError, match=r"result.json: expected the results of .*cat"):
            Journal(path, {"phrases": ["cat"]})

    @pytest.mark.parametrize(
        "text", ['{"phrases": ["mug"]}\nhello\n', '{"phrases": ["mug"]}\n{"no": "name"}\n', "\xff\n"]
    )
    def test_a_damaged_journal(self, path, text):
        path.with_name("result.json.journal").write_text(text)
        with pytest.raises(ValueError, match="result.json.journal: expected the journal of an interrupted job"):
            Journal(path, HEAD)

    @pytest.mark.parametrize("text", ["[]", '{"entries": 3}', '{"entries": [3]}', "hello"])
    def test_a_file_of_somebody_else(self, path, text):
        path.write_text(text)
        with pytest.raises(ValueError, match="result.json: expected"):
            Journal(path, HEAD)
        assert path.read_text() == text
        assert not path.with_name("result.json.journal").exists()
