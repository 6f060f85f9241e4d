import json
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gk_utils.formats.countbench import (
    NUMBERS,
    ROWS,
    WORDS,
    CountBenchItem,
    other_numbers,
    read_countbench,
    write_countbench,
)

ROWS_READ = [
    {"image_url": "https://example.org/1.jpg", "text": "Set of three mugs", "number": 3},
    {"image_url": "images/2.png", "text": "Ten \u00fcppige candles", "number": 10, "id": 7},
]
JUNK = [None, True, 0, 1, 2, 2.0, 11, -3, "3", "", " ", [], {}, float("nan"), "Three mugs"]


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    """A folder for the many examples of one test; nothing waits for the disk."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _descriptor: None)
        yield tmp_path_factory.mktemp("scratch")


def saved(folder, document):
    path = folder / "CountBench.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")
    return path


class TestReadCountbench:
    def test_by_hand(self, tmp_path):
        mugs, candles = read_countbench(saved(tmp_path, ROWS_READ))
        assert (mugs.image_url, mugs.text, mugs.number, mugs.extra) == (*ROWS_READ[0].values(), {})
        assert (candles.number, candles.extra) == (10, {"id": 7})

    def test_an_empty_list_is_one(self, tmp_path):
        assert read_countbench(saved(tmp_path, [])) == ()

    def test_the_whole_release(self, tmp_path):
        assert len(read_countbench(saved(tmp_path, ROWS_READ[:1] * ROWS), whole=True)) == 540
        with pytest.raises(ValueError, match=r"^CountBench\.json: expected 540 rows, got 2\. Is it a part"):
            read_countbench(saved(tmp_path, ROWS_READ), whole=True)

    @pytest.mark.parametrize(
        ("fields", "complaint"),
        [
            ({"number": 1}, "number: expected a whole number from 2 to 10, got 1"),
            ({"number": 11}, "number: expected a whole number from 2 to 10"),
            ({"number": 3.0}, "number: expected a whole number"),
            ({"number": True}, "number: expected a whole number"),
            ({"number": "3"}, "number: expected a whole number"),
            ({"number": None}, "number: expected a whole number"),
            ({"text": " "}, "text: expected a text, not blank"),
            ({"text": 3}, "text: expected a text, not blank"),
            ({"image_url": ""}, "image_url: expected a text, not blank"),
            ({"image_url": None}, "image_url: expected a text, not blank"),
        ],
    )
    def test_error_text_of_an_entry(self, tmp_path, fields, complaint):
        with pytest.raises(ValueError, match=rf"^CountBench\.json: \[1\]: {complaint}.*nothing was loaded"):
            read_countbench(saved(tmp_path, [ROWS_READ[0], ROWS_READ[1] | fields]))

    @pytest.mark.parametrize(
        ("document", "complaint"),
        [
            ({"rows": []}, "expected a list of rows"),
            ([[]], r"\[0\]: expected an object"),
            (json.dumps(ROWS_READ)[:-1], "expected one JSON document"),
            ('[{"number": NaN}]', "expected one JSON document, got expected a finite number"),
            ('[{"number": 3, "number": 3}]', "expected every key once"),
        ],
    )
    def test_error_text_of_the_file(self, tmp_path, document, complaint):
        with pytest.raises(ValueError, match=rf"^CountBench\.json: .*{complaint}"):
            read_countbench(saved(tmp_path, document))

    @given(data=st.data())
    @settings(max_examples=100, deadline=None)
    def test_a_changed_file_is_refused_or_sound(self, scratch, data):
        rows = [dict(row) for row in ROWS_READ]
        row, key = data.draw(st.sampled_from(rows)), data.draw(st.sampled_from(["image_url", "text", "number", "id"]))
        row[key] = data.draw(st.sampled_from(JUNK))
        try:
            items = read_countbench(saved(scratch, rows))
        except ValueError as problem:
            assert str(problem).startswith("CountBench.json: ")  # noqa: PT017, both outcomes are looked at
            return
        assert [item.number for item in items] == [row["number"] for row in rows]
        assert all(type(item.number) is int and item.text.strip() for item in items)


class TestWriteCountbench:
    @given(
        rows=st.lists(
            st.tuples(st.text(min_size=1, max_size=9), st.text(min_size=1, max_size=9), st.integers(2, 10)), max_size=4
        )
    )
    @settings(max_examples=60, deadline=None)
    def test_round_trip(self, scratch, rows):
        items = [CountBenchItem(*row) for row in rows if row[0].strip() and row[1].strip()]
        write_countbench(items, scratch / "a.json")
        assert read_countbench(scratch / "a.json") == tuple(items)

    def test_keeps_other_keys(self, tmp_path):
        items = read_countbench(saved(tmp_path, ROWS_READ))
        write_countbench(items, tmp_path / "a.json")
        assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8")) == ROWS_READ

    @pytest.mark.parametrize(
        "item",
        [
            CountBenchItem("a", "Eleven mugs", 11),
            CountBenchItem("", "Three mugs", 3),
            CountBenchItem("a", "Three mugs", 3, {"score": float("inf")}),
            CountBenchItem("a", "Three mugs", 3, {"box": (1, 2)}),
            CountBenchItem("a", "Three mugs", 3, {"number": 4}),
            CountBenchItem("a", "Three \ud800 mugs", 3),
        ],
    )
    def test_what_could_not_be_read_is_not_written(self, tmp_path, item):
        path = saved(tmp_path, ROWS_READ)
        before = path.read_bytes()
        with pytest.raises(ValueError, match=r"^CountBench\.json"):
            write_countbench([item], path)
        assert path.read_bytes() == before


class TestOtherNumbers:
    def test_by_hand(self):
        texts = other_numbers(CountBenchItem("a", "A set of FOUR mugs", 4))
        assert list(texts) == list(NUMBERS) == list(range(2, 11))
        assert (texts[4], texts[9]) == ("A set of FOUR mugs", "A set of NINE mugs")
        assert other_numbers(CountBenchItem("a", "4 mugs", 4))[10] == "10 mugs"
        assert other_numbers(CountBenchItem("a", "Often ten mugs", 10))[2] == "Often two mugs"

    @pytest.mark.parametrize("number", NUMBERS)
    def test_the_true_one_is_the_caption(self, number):
        for text in (f"{WORDS[number]} mugs", f"Photo of {WORDS[number].capitalize()} mugs", f"{number} mugs"):
            texts = other_numbers(CountBenchItem("a", text, number))
            assert texts[number] == text
            assert len(set(texts.values())) == 9

    @pytest.mark.parametrize("text", ["some mugs", "three mugs and three cups", "threefold mugs", "13 mugs"])
    def test_error_text(self, text):
        with pytest.raises(ValueError, match=r"^text: expected the number 3 \(three\) once, got .* with [02]"):
            other_numbers(CountBenchItem("a", text, 3))
