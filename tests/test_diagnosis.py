from gk_utils.spatial_relations.diagnosis import StatementError, Unreadable, nearest_words


class TestStatementError:
    def test_points_at_the_word(self):
        error = StatementError("a " * 100 + "wrod", (200, 204), "a word")
        marked, marks = error.pointed().split("\n")
        assert marked[marks.index("^") : marks.index("^") + 4] == "wrod"

    def test_the_end(self):
        assert "the end of the text" in str(StatementError("abc", (3, 3), "more"))


class TestUnreadable:
    def test_becomes_an_error_about_the_text(self):
        assert Unreadable((0, 1), "b", "Say b.").of("a").args[0].endswith("'a' at character 0. Say b.")


class TestNearestWords:
    def test_short_words_have_none(self):
        assert nearest_words("cat", ["at"]) == ()
        assert nearest_words("withn", ["within", "on"]) == ("within",)
