import collections
import io
import os
import pickle
import pickletools
import time
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gk_utils.formats.plain_pickle import plain, read_plain_pickle, write_plain_pickle

LEAVES = (
    st.none() | st.booleans() | st.integers(-(2**64) + 1, 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
TREES = st.recursive(
    LEAVES | TEXTS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3), max_leaves=12
)
# As cPickle of Python 2 wrote them: protocol 0 with quoted texts and PUT, protocol 2 with byte strings and BINPUT.
OLD = b"(lp0\n(dp1\nS'sent'\np2\nS'\\xe9tui'\np3\nsS'sent_id'\np4\nI5\nsS'raw'\np5\nVmug\\u2019s\np6\nsa."
TWO = b"\x80\x02]q\x00}q\x01(U\x04sentq\x02U\x04\xe9tuiq\x03U\x03rawq\x04X\x03\x00\x00\x00mugq\x05ua."


class Sneaky:
    def __reduce__(self):
        return os.system, ("exit 3",)


def saved(folder: Path, data: bytes) -> Path:
    path = folder / "refs.p"
    path.write_bytes(data)
    return path


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    return tmp_path_factory.mktemp("scratch")


def nested(depth: int) -> list:
    value: list = []
    for _ in range(depth - 1):
        value = [value]
    return value


class TestReadPlainPickle:
    @pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
    @given(value=TREES)
    @settings(max_examples=25, deadline=None)
    def test_equals_the_library_on_plain_data(self, scratch, value, protocol):
        data = pickle.dumps(plain(value), protocol)  # plain: hypothesis may draw one list twice
        assert read_plain_pickle(saved(scratch, data)) == pickle.loads(data) == value

    def test_python_2(self, tmp_path):
        assert read_plain_pickle(saved(tmp_path, OLD)) == [{"sent": "\xe9tui", "sent_id": 5, "raw": "mug\u2019s"}]
        assert read_plain_pickle(saved(tmp_path, TWO)) == [{"sent": "\xe9tui", "raw": "mug"}]
        assert pickle.loads(TWO, encoding="latin1") == [{"sent": "\xe9tui", "raw": "mug"}]

    def test_tuples_are_lists(self, tmp_path):
        data = pickle.dumps(((), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), ()), 2)
        assert read_plain_pickle(saved(tmp_path, data)) == [[], [1], [1, 2], [1, 2, 3], [1, 2, 3, 4], []]

    @pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
    @pytest.mark.parametrize(
        ("value", "named"),
        [
            (Sneaky(), r"(posix|nt)\.system"),
            ([{"a": Sneaky()}], r"(posix|nt)\.system"),
            (Path("a"), r"pathlib"),
            (collections.OrderedDict(a=1), r"collections\.OrderedDict"),
            ({1, 2}, r"(builtins|__builtin__)\.set|an instruction"),
            (eval, r"(builtins|__builtin__)\.eval"),
            (1 + 2j, r"complex"),
            (b"mug", r"_codecs\.encode|(builtins|__builtin__)\.bytes|an instruction"),
        ],
    )
    def test_a_class_or_function_is_named_and_not_looked_up(self, tmp_path, value, named, protocol):
        with pytest.raises(ValueError, match=rf"^refs\.p: expected one pickle of plain data, got .*({named})"):
            read_plain_pickle(saved(tmp_path, pickle.dumps(value, protocol)))

    @pytest.mark.parametrize(
        "data",
        [
            b"cos\nsystem\n(S'exit 3'\ntR.",
            b"(S'exit 3'\nios\nsystem\n.",
            b"(cos\nsystem\nS'exit 3'\no.",
            b"\x80\x02cos\nsystem\nU\x06exit 3\x85R.",
            b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x06exit 3\x85R.",
            b"\x80\x02\x82\x01.",  # a registered extension
            b"Pmug\n.",  # a persistent id
            b"\x80\x05\x96\xff\xff\xff\xff\xff\xff\xff\x0f.",  # a byte array that reserves its length
            b"]2.",  # DUP
        ],
    )
    def test_what_runs_or_reserves_is_refused(self, tmp_path, data, monkeypatch):
        monkeypatch.setattr(os, "system", lambda _command: pytest.fail("the pickle was obeyed"))
        with pytest.raises(ValueError, match=r"^refs\.p: expected one pickle of plain data, got "):
            read_plain_pickle(saved(tmp_path, data))

    def test_every_instruction_that_calls_something_is_refused(self, tmp_path):
        plain_names = set()
        for value in ([1, 300, 70000, -1, 2**70, 1.5, "a", None, True], {"a": {}}, [(), (1,), (1, 2), (1, 2, 3)]):
            for protocol in range(6):
                plain_names |= {code.name for code, _, _ in pickletools.genops(pickle.dumps(value, protocol))}
        calls = {"REDUCE", "BUILD", "NEWOBJ", "NEWOBJ_EX", "OBJ", "EXT1", "PERSID", "BINPERSID", "BYTEARRAY8"}
        assert not plain_names & calls
        for code in pickletools.opcodes:
            if code.name in calls:
                data = b"\x80\x04]\x94]" + code.code.encode("latin1") + b"\x01\n."
                with pytest.raises(ValueError, match="an instruction that plain data does not need"):
                    read_plain_pickle(saved(tmp_path, data))

    @pytest.mark.parametrize(
        ("data", "complaint"),
        [
            (b"", "something broken or cut off"),
            (b"mug", "an instruction|broken"),
            (b"].]", "more bytes after its end"),
            (pickle.dumps([float("nan")]), "the number nan"),
            (pickle.dumps([float("-inf")]), "the number -inf"),
            (pickle.dumps([2**65]), "more than 64 bits"),
            (pickle.dumps({1: 2}), "a key that is no text"),
            (pickle.dumps(["\ud800"]), "UTF-8 cannot hold"),
            (pickle.dumps([{"\udfff": 1}]), "UTF-8 cannot hold"),
            (pickle.dumps(nested(9)), "more than 8 containers"),
            (b"]q\x00h\x00a.", "in two places"),  # a list inside itself
            (b"h\x07.", "broken"),
        ],
    )
    def test_error_text(self, tmp_path, data, complaint):
        with pytest.raises(ValueError, match=rf"^refs\.p: expected one pickle of plain data, got .*({complaint})"):
            read_plain_pickle(saved(tmp_path, data))

    def test_a_large_file_is_not_read(self, tmp_path, monkeypatch):
        monkeypatch.setattr("gk_utils.formats.plain_pickle.LARGEST", 9)
        with pytest.raises(ValueError, match="more than 9 bytes"):
            read_plain_pickle(saved(tmp_path, pickle.dumps([1, 2, 3])))

    def test_bombs_cost_neither_time_nor_memory(self, tmp_path):
        laughs: list = ["mug"]
        for _ in range(60):
            laughs = [laughs] * 10
        slot = b"\x80\x02]r\xff\xff\xff\xff."  # remembered as number 2**32 - 1
        text = b"\x80\x02X\xff\xff\xff\x7fmug."  # says it is 2 GiB long
        deep = b"]" * 100_000 + b"a" * 99_999 + b"."
        tracemalloc.start()
        start = time.perf_counter()
        for data in (pickle.dumps(laughs, 2), pickle.dumps([laughs, laughs]), text, deep):
            with pytest.raises(ValueError, match=r"^refs\.p: "):
                read_plain_pickle(saved(tmp_path, data))
        assert read_plain_pickle(saved(tmp_path, slot)) == []
        assert time.perf_counter() - start < 5
        assert tracemalloc.get_traced_memory()[1] < 60e6
        tracemalloc.stop()

    @given(data=st.binary(max_size=60))
    @example(b"\x80\x02]q\x00(K\x01K\x02es.")
    @example(b"(d0.")
    @settings(max_examples=150, deadline=None)
    def test_any_bytes_are_refused_or_plain(self, scratch, data):
        try:
            value = read_plain_pickle(saved(scratch, data))
        except ValueError as problem:
            assert str(problem).startswith("refs.p: ")  # noqa: PT017, both outcomes are looked at
            return
        assert plain(value) == value

    @given(changes=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), max_size=4), cut=st.integers(0, 200))
    @settings(max_examples=150, deadline=None)
    def test_a_changed_pickle_is_refused_or_plain(self, scratch, changes, cut):
        data = bytearray(pickle.dumps([{"sent": "red mug", "ids": [1, 300, 2.5], "more": ("a", None, True)}], 2))
        for place, byte in changes:
            data[place % len(data)] = byte
        try:
            value = read_plain_pickle(saved(scratch, bytes(data[: cut or len(data)])))
        except ValueError as problem:
            assert str(problem).startswith("refs.p: ")  # noqa: PT017, both outcomes are looked at
            return
        assert plain(value) == value


class TestWritePlainPickle:
    @given(value=TREES)
    @settings(max_examples=50, deadline=None)
    def test_round_trip(self, scratch, value):
        value = plain(value)
        write_plain_pickle(value, scratch / "b.p")
        assert read_plain_pickle(scratch / "b.p") == value

    def test_protocol_2(self, tmp_path):
        write_plain_pickle([{"mug": [1, 2.5, None, True]}], tmp_path / "b.p")
        codes = [(code, argument) for code, argument, _ in pickletools.genops((tmp_path / "b.p").read_bytes())]
        assert (codes[0][0].name, codes[0][1]) == ("PROTO", 2)
        assert max(code.proto for code, _ in codes) == 2

    def test_a_failed_write_leaves_the_old_file_and_nothing_else(self, tmp_path, monkeypatch):
        path = saved(tmp_path, b"].")

        def full(_descriptor):
            raise OSError("no space left on device")

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="no space"):
            write_plain_pickle([1], path)
        assert path.read_bytes() == b"]."
        assert list(tmp_path.iterdir()) == [path]

    def test_what_is_not_plain_is_not_written(self, tmp_path):
        with pytest.raises(ValueError, match="a set"):
            write_plain_pickle([{1}], tmp_path / "b.p")
        assert list(tmp_path.iterdir()) == []


class TestPlain:
    def test_is_a_copy(self):
        value = {"a": [1, {"b": None}]}
        copy = plain(value)
        assert copy == value
        assert copy is not value
        assert copy["a"] is not value["a"]

    def test_empty_containers_may_be_shared(self):
        empty: list = []
        assert plain([empty, empty, (), ()]) == [[], [], [], []]

    def test_eight_deep(self):
        assert plain(nested(8)) == nested(8)
        with pytest.raises(ValueError, match="more than 8 containers"):
            plain(nested(9))

    @pytest.mark.parametrize(
        ("value", "complaint"),
        [
            (float("inf"), "the number inf"),
            ([b"mug"], "a bytes"),
            ({"a": {1}}, "a set"),
            (io.BytesIO(), "a BytesIO"),
            (2**64, "more than 64 bits"),
            ({("a",): 1}, "a key that is no text"),
        ],
    )
    def test_error_text(self, value, complaint):
        with pytest.raises(ValueError, match=complaint):
            plain(value)
