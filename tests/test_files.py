import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gk_utils.formats.files import (
    blame,
    check_sides,
    is_number,
    is_text,
    need,
    parse_json,
    parse_xml,
    read_json,
    read_text,
    write_whole,
)


class TestReadText:
    def test_line_ends_stay(self, tmp_path):
        (tmp_path / "a.txt").write_bytes("a\r\nüb\n".encode())
        assert read_text(tmp_path / "a.txt") == "a\r\nüb\n"

    def test_error_text(self, tmp_path):
        (tmp_path / "a.txt").write_bytes(b"\xff")
        with pytest.raises(ValueError, match=r"^a\.txt: expected UTF-8 text, got .* 0xff"):
            read_text(tmp_path / "a.txt")


class TestParseJson:
    def test_equals_the_library_where_both_read(self):
        text = '{"a": [1, -2.5e3, true, null, "\\u00fc"], "b": {"a": {}}}'
        assert parse_json(text) == {"a": [1, -2500.0, True, None, "ü"], "b": {"a": {}}}

    @pytest.mark.parametrize(
        ("text", "complaint"),
        [
            ("", "Expecting value"),
            ("[1", "Expecting ',' delimiter"),
            ("[1] [2]", "Extra data"),
            ("[NaN]", "expected a finite number, got NaN"),
            ("[-Infinity]", "expected a finite number, got -Infinity"),
            ("[1e999]", "expected a finite number, got 1e999"),
            ('{"a": 1, "b": 2, "a": 1}', "expected every key once, got 'a' twice"),
            ("[" * 100_000, "ordinary depth"),
            ("1" * 5000, "limit"),
        ],
    )
    def test_error_text(self, text, complaint):
        with pytest.raises(ValueError, match=complaint):
            parse_json(text)

    @given(text=st.text(max_size=30))
    def test_only_value_errors(self, text):
        try:
            parse_json(text)
        except ValueError:
            return
        assert text.strip()


class TestReadJson:
    def test_names_the_file(self, tmp_path):
        (tmp_path / "a.json").write_text('{"a": [1, 2')
        with pytest.raises(ValueError, match=r"^a\.json: expected one JSON document, got Expecting .* cut off"):
            read_json(tmp_path / "a.json")

    def test_by_hand(self, tmp_path):
        (tmp_path / "a.json").write_text('{"a": [1, 2]}')
        assert read_json(tmp_path / "a.json") == {"a": [1, 2]}


class TestParseXml:
    def test_by_hand(self):
        root = parse_xml("<?xml version='1.0' encoding='latin-1'?><a><b x='1'>ü &amp; 1</b><b/></a>", "a")
        assert [(child.tag, child.text) for child in root] == [("b", "ü & 1"), ("b", None)]

    @pytest.mark.parametrize(
        ("text", "complaint"),
        [
            ("", "expected one XML document, got no element found"),
            ("<a><b>", "no element found"),
            ("<a></b>", "mismatched tag"),
            ("<a/><a/>", "junk after document element"),
            ("<a>&lol;</a>", "undefined entity"),
            ("<a>\x00</a>", "not well-formed"),
            ("<b/>", "expected the root <a>, got 'b'"),
            ("<!DOCTYPE a><a/>", "without a document type, got <!DOCTYPE a>"),
            ('<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', "without a document type"),
            ('<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>', "without a document type"),
            ('<!DOCTYPE a [<!ENTITY x "ha"><!ENTITY y "&x;&x;&x;">]><a>&y;</a>', "without a document type"),
            ("<a>\ud800</a>", "surrogates not allowed"),
        ],
    )
    def test_error_text(self, text, complaint):
        with pytest.raises(ValueError, match=complaint):
            parse_xml(text, "a")

    def test_deep_nesting(self):
        root = parse_xml("<a>" * 20_000 + "</a>" * 20_000, "a")
        assert len(root) == 1


class TestWriteWhole:
    def test_replaces_and_leaves_nothing_else(self, tmp_path):
        for text in ("one\n", "two\r\n"):
            write_whole(tmp_path / "a.txt", text)
            assert (tmp_path / "a.txt").read_bytes() == text.encode()
        assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]

    def test_a_failed_write_leaves_the_old_file_and_nothing_else(self, tmp_path, monkeypatch):
        write_whole(tmp_path / "a.txt", "old")

        def full(_descriptor):
            raise OSError("no space left on device")

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="no space"):
            write_whole(tmp_path / "a.txt", "new")
        assert (tmp_path / "a.txt").read_text() == "old"
        assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]

    def test_error_text(self, tmp_path):
        with pytest.raises(ValueError, match=r"^a\.txt: expected text that UTF-8 can hold"):
            write_whole(tmp_path / "a.txt", "\ud800")
        assert list(tmp_path.iterdir()) == []


class TestBlame:
    def test_other_errors_pass(self):
        with pytest.raises(TypeError, match="^no number$"), blame("a.txt"):
            raise TypeError("no number")

    def test_the_place_comes_first(self):
        whole = r"^a\.txt: line 2: bad, got 3\. Correct .*; nothing was loaded\.$"
        with pytest.raises(ValueError, match=whole), blame("a.txt: line 2"):
            raise ValueError("bad, got 3.")


class TestNeed:
    def test_a_long_value_is_cut(self):
        with pytest.raises(ValueError, match=r"^expected less, got 'x{79}$"):
            need(False, "expected less", "x" * 1000)


class TestIsNumber:
    @pytest.mark.parametrize(
        ("value", "sound"),
        [(0, True), (-2.5, True), (True, False), ("1", False), (float("nan"), False), (10**400, False), (None, False)],
    )
    def test_by_hand(self, value, sound):
        assert is_number(value) is sound


class TestIsText:
    @pytest.mark.parametrize(
        ("value", "sound"), [("a b", True), ("", False), ("a ", False), ("a\tb", False), ("a\rb", False), (1, False)]
    )
    def test_by_hand(self, value, sound):
        assert is_text(value) is sound


class TestCheckSides:
    @pytest.mark.parametrize("sides", [(0, 5), (5, -1), (5.0, 5), (True, 5), (100_000, 5), (None, None), ("5", 5)])
    def test_error_text(self, sides):
        with pytest.raises(ValueError, match=r"^width, height: expected whole numbers from 1 to 99999, got"):
            check_sides(*sides)
