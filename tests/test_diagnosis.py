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


class TestNothingThere:
    def test_what_follows_is_named_and_the_end_is_the_end(self):
        text = "The mug is left the plate"
        assert "got 'the' after character 15" in str(StatementError(text, (15, 15), "'of'"))
        assert "got the end of the text" in str(StatementError(text, (len(text), len(text)), "the end"))
