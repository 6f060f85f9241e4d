import pytest
import tiny_lesson

from gk_utils.classroom import build, claims

ROW = (
    "| half of ten is four | wrong | it is five | "
    "[01 Tiny, half](../notebooks/01_tiny.ipynb#cell-id=01-half) | half of ten: 5.000 |\n"
)


@pytest.fixture(scope="module")
def notebook(tmp_path_factory):
    lesson = tiny_lesson.write(tmp_path_factory.mktemp("claims"))
    build.build(lesson)
    return build.notebook_path(lesson).read_text(encoding="utf-8")


@pytest.fixture
def root(tmp_path, notebook):
    build.notebook_path(tiny_lesson.write(tmp_path)).write_text(notebook, encoding="utf-8")
    return tmp_path


class TestLedger:
    def test_row(self, root):
        text = claims.ledger(root)
        assert text.startswith("# Claims ledger\n")
        assert text.endswith("|---|---|---|---|---|\n" + ROW)

    def test_by_lesson_and_without_claims(self, root):
        tiny_lesson.write(root, tiny_lesson.changed(tiny_lesson.CLAIM, ""), name="00_first")
        tiny_lesson.write(root, tiny_lesson.changed("is four", "is two"), name="02_next")
        text = (root / "notebooks" / "01_tiny.ipynb").read_text().replace("01-half", "02-half")
        (root / "notebooks" / "02_next.ipynb").write_text(text)
        rows = claims.ledger(root).split("\n")[-3:-1]
        assert [row[:24] for row in rows] == ["| half of ten is four | ", "| half of ten is two | w"]

    @pytest.mark.parametrize(
        ("old", "new", "message"),
        [
            (
                "verdict: wrong",
                "verdict: false",
                "expected a verdict out of right, imprecise, wrong, dated, unsourced, got",
            ),
            ("cell: half", "cell: gone", "expected cell 01-gone to print 'half of ten: ...', got nothing"),
            ('shows: "half of ten"', 'shows: "half of six"', "expected cell 01-half to print 'half of six: ...'"),
        ],
    )
    def test_malformed_claim(self, root, old, new, message):
        tiny_lesson.write(root, tiny_lesson.changed(old, new))
        with pytest.raises(ValueError, match=f"lessons/01_tiny.py:1: claim 'half of ten is four': {message}"):
            claims.ledger(root)

    def test_not_built(self, root):
        (root / "notebooks" / "01_tiny.ipynb").unlink()
        with pytest.raises(ValueError, match="lessons/01_tiny.py:1: expected notebooks/01_tiny.ipynb, got none"):
            claims.ledger(root)

    def test_a_bar_does_not_split_a_cell(self, root):
        tiny_lesson.write(root, tiny_lesson.changed("it is five", "|five|"))
        assert r"| wrong | \|five\| | [01" in claims.ledger(root)


class TestMain:
    def test_writes_what_check_accepts(self, root, capsys):
        assert claims.main(["--check"], root) == 1
        assert "Run: " in capsys.readouterr().out
        assert claims.main([], root) == 0
        assert (root / "book" / "CLAIMS.md").read_text(encoding="utf-8").endswith(ROW)
        assert claims.is_current(root)
        assert claims.main(["--check"], root) == 0

    def test_a_changed_claim_is_noticed(self, root):
        claims.write(root)
        tiny_lesson.write(root, tiny_lesson.changed("it is five", "it is 5"))
        assert not claims.is_current(root)

    def test_a_malformed_claim_is_one_line(self, root, capsys):
        tiny_lesson.write(root, tiny_lesson.changed("verdict: wrong", "verdict: false"))
        assert claims.main([], root) == 1
        assert capsys.readouterr().err.count("\n") == 1
