import os
import re
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gk_utils.formats.flickr30k_entities import (
    Caption,
    EntityAnnotations,
    Phrase,
    read_annotations,
    read_sentences,
    write_annotations,
    write_sentences,
)

LINES = [
    "[/EN#1/people A woman] holds [/EN#2/bodyparts/people a man 's arm] at [/EN#3/scene a market] .",
    "[/EN#0/notvisual There] are [/EN#4/other apples] [/EN#5/other on sale]",
    "Nothing is marked , here .",
    "[/EN#4/other Apples] and [/EN#4/other apples] .",
    "[/EN#1/people She]",
]
# Laid out and numbered as in the release; the corner numbers of the first object are those of 1000092795.xml.
XML = """<annotation>
\t<filename>1000092795.jpg</filename>
\t<size>
\t\t<width>333</width>
\t\t<height>500</height>
\t\t<depth>3</depth>
\t</size>
\t<object>
\t\t<name>1</name>
\t\t<name>6</name>
\t\t<bndbox>
\t\t\t<xmin>159</xmin>
\t\t\t<ymin>125</ymin>
\t\t\t<xmax>219</xmax>
\t\t\t<ymax>335</ymax>
\t\t</bndbox>
\t</object>
\t<object>
\t\t<name>10</name>
\t\t<scene>0</scene>
\t\t<nobndbox>1</nobndbox>
\t</object>
\t<object>
\t\t<name>1</name>
\t\t<bndbox><xmin>1</xmin><ymin>1</ymin><xmax>333</xmax><ymax>500</ymax></bndbox>
\t</object>
\t<object>
\t\t<name>8</name>
\t\t<name>9</name>
\t\t<scene>1</scene>
\t\t<nobndbox>0</nobndbox>
\t</object>
</annotation>
"""
BOX = "<bndbox><xmin>1</xmin><ymin>1</ymin><xmax>333</xmax><ymax>500</ymax></bndbox>"


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    """A folder for the many examples of one test; nothing waits for the disk."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _descriptor: None)
        yield tmp_path_factory.mktemp("scratch")


def saved(folder: Path, text: str, name: str) -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def sentences(folder: Path, lines: list[str]) -> Path:
    return saved(folder, "\n".join(lines) + "\n", "7.txt")


def as_the_authors_read(text: str) -> list[tuple]:
    """The loop of flickr30k_entities_utils.get_sentence_data, in our words: token by token."""
    found = []
    for line in filter(None, text.split("\n")):
        words, phrases, inside = [], [], None
        for token in line.split():
            if token.startswith("[") and inside is None:
                _, number, *types = token.split("/")
                inside = (len(words), number[3:], types, [])
                continue
            words.append(token.removesuffix("]") if inside else token)
            if inside:
                inside[3].append(words[-1])
                if token.endswith("]"):
                    phrases.append((" ".join(inside[3]), inside[0], inside[1], tuple(inside[2])))
                    inside = None
        found.append((" ".join(words), phrases))
    return found


class TestReadSentences:
    def test_by_hand(self, tmp_path):
        first, second, third, fourth, fifth = read_sentences(sentences(tmp_path, LINES))
        assert first.text == "A woman holds a man 's arm at a market ."
        assert first.phrases == (
            Phrase("A woman", 0, "1", ("people",)),
            Phrase("a man 's arm", 3, "2", ("bodyparts", "people")),
            Phrase("a market", 8, "3", ("scene",)),
        )
        assert second.phrases[0] == Phrase("There", 0, "0", ("notvisual",))
        assert [phrase.first_word for phrase in second.phrases] == [0, 2, 3]
        assert third == Caption("Nothing is marked , here .")
        assert [phrase.entity for phrase in fourth.phrases] == ["4", "4"]
        assert fifth == Caption("She", (Phrase("She", 0, "1", ("people",)),))

    def test_equals_the_authors_loop(self, tmp_path):
        path = sentences(tmp_path, LINES)
        ours = [
            (caption.text, [(one.text, one.first_word, one.entity, one.types) for one in caption.phrases])
            for caption in read_sentences(path)
        ]
        assert ours == as_the_authors_read(path.read_text())

    def test_blanks(self, tmp_path):
        lines = ["", LINES[0].replace(" ", "  ") + " \r", *LINES[1:], "", " "]
        assert read_sentences(sentences(tmp_path, lines)) == read_sentences(sentences(tmp_path, LINES))

    @pytest.mark.parametrize(
        "line",
        [
            "[/EN#1/people A man",
            "[/EN#1/people A man] ]",
            "A man]",
            "A [man]",
            "[/EN#1/people A [/EN#2/people man]]",
            "[/EN#1/people A man].",
            "[/EN#1/people A man ]",
            "[/EN#1/people]",
            "[/EN#1/people ]",
            "[/EN#1 A man]",
            "[/EN#/people A man]",
            "[/EN#x/people A man]",
            "[/EN#-1/people A man]",
            "[/EN#1// A man]",
            "[/EN#1/people/ A man]",
            "[EN#1/people A man]",
            "[/EN#\u0661/people A man]",
        ],
    )
    def test_error_text(self, tmp_path, line):
        with pytest.raises(ValueError, match=r"^7\.txt: line 4: expected words and phrases such as \[/EN#1/people A "):
            read_sentences(sentences(tmp_path, [*LINES[:3], line, LINES[4]]))

    @pytest.mark.parametrize("lines", [[], LINES[:4], [*LINES, LINES[0]]])
    def test_another_number_of_captions(self, tmp_path, lines):
        with pytest.raises(ValueError, match=rf"^7\.txt: expected five captions, got {len(lines)}\."):
            read_sentences(sentences(tmp_path, lines))

    def test_bytes_that_are_no_text(self, tmp_path):
        (tmp_path / "7.txt").write_bytes(b"na\xefve")
        with pytest.raises(ValueError, match=r"^7\.txt: expected UTF-8 text"):
            read_sentences(tmp_path / "7.txt")

    @given(data=st.data())
    @settings(max_examples=100, deadline=None)
    def test_a_changed_file_is_refused_or_sound(self, scratch, data):
        text = "\n".join(LINES)
        for _ in range(data.draw(st.integers(1, 4))):
            place = data.draw(st.integers(0, len(text)))
            piece = data.draw(st.sampled_from(["", "[", "]", " ", "/", "#", "\n", "\u2028"]))
            text = text[:place] + piece + text[place + 1 :]
        path = saved(scratch, text, "7.txt")
        try:
            captions = read_sentences(path)
        except ValueError as problem:
            assert str(problem).startswith("7.txt: ")  # noqa: PT017, both outcomes are looked at
            return
        for caption in captions:
            words = caption.text.split(" ")
            for phrase in caption.phrases:
                count = len(phrase.text.split(" "))
                assert " ".join(words[phrase.first_word : phrase.first_word + count]) == phrase.text
        write_sentences(captions, path)
        assert read_sentences(path) == captions


class TestWriteSentences:
    def test_the_file_is_written_as_it_is(self, tmp_path):
        path = sentences(tmp_path, LINES)
        write_sentences(read_sentences(path), tmp_path / "again.txt")
        assert (tmp_path / "again.txt").read_bytes() == path.read_bytes()

    @given(
        texts=st.lists(
            st.lists(st.text(st.characters(codec="utf-8", exclude_characters="[]"), min_size=1), min_size=1),
            min_size=5,
            max_size=5,
        )
    )
    @settings(max_examples=50, deadline=None)
    def test_round_trip_of_any_words(self, scratch, texts):
        captions = []
        for words in texts:
            plain = " ".join(words).split() or ["x"]
            captions.append(Caption(" ".join(plain), (Phrase(plain[-1], len(plain) - 1, "12", ("other",)),)))
        write_sentences(captions, scratch / "7.txt")
        assert read_sentences(scratch / "7.txt") == tuple(captions)

    @pytest.mark.parametrize(
        ("caption", "complaint"),
        [
            (Caption("A man [sic]"), "expected words and phrases"),
            (Caption("A  man"), "expected plain words"),
            (Caption("A\tman"), "expected plain words"),
            (Caption("A man\nA man"), "expected plain words"),
            (Caption("[/EN#1/people A man]"), "expected plain words"),
            (Caption("A man", (Phrase("a man", 0, "1", ("people",)),)), "expected the phrase at its words"),
            (Caption("A man", (Phrase("man", 2, "1", ("people",)),)), "expected the phrase at its words"),
            (Caption("A man", (Phrase("man", -1, "1", ("people",)),)), "expected the phrase at its words"),
            (Caption("A man", (Phrase("", 0, "1", ("people",)),)), "expected the phrase at its words"),
            (Caption("A man", (Phrase("man", 1, "x", ("people",)),)), "expected words and phrases"),
            (Caption("A man", (Phrase("man", 1, "1", ()),)), "expected words and phrases"),
            (Caption("A man", (Phrase("man", 1, "1", ("a b",)),)), "expected plain words"),
            (
                Caption("A man", (Phrase("A man", 0, "1", ("people",)), Phrase("man", 1, "1", ("people",)))),
                "expected the phrase at its words",
            ),
            (
                Caption("A man", (Phrase("man", 1, "1", ("people",)), Phrase("A", 0, "1", ("other",)))),
                "expected plain words, phrases from left to right",
            ),
        ],
    )
    def test_what_could_not_be_read_is_not_written(self, tmp_path, caption, complaint):
        captions = [Caption("A man waits .")] * 4
        with pytest.raises(ValueError, match=rf"^new\.txt: line 3: {complaint}"):
            write_sentences([*captions[:2], caption, *captions[2:]], tmp_path / "new.txt")
        with pytest.raises(ValueError, match=r"^new\.txt: expected five captions, got 4"):
            write_sentences(captions, tmp_path / "new.txt")
        assert list(tmp_path.iterdir()) == []


class TestReadAnnotations:
    def test_by_hand(self, tmp_path):
        found = read_annotations(saved(tmp_path, XML, "7.xml"))
        assert (found.file_name, found.image_hw, found.depth) == ("1000092795.jpg", (500, 333), 3)
        assert found.boxes.tolist() == [[158, 124, 218, 334], [0, 0, 332, 499]]
        assert found.entities == (("1", "6"), ("1",))
        assert (found.scene, found.nobox) == ({"8", "9"}, {"10"})
        assert found.boxes_of("1").tolist() == found.boxes.tolist()
        assert found.boxes_of("6").tolist() == [[158, 124, 218, 334]]
        assert found.boxes_of("10").shape == (0, 4)

    def test_no_objects(self, tmp_path):
        text = XML[: XML.index("\t<object>")] + "</annotation>"
        found = read_annotations(saved(tmp_path, text, "7.xml"))
        assert (found.boxes.shape, found.entities, found.scene, found.nobox) == ((0, 4), (), frozenset(), frozenset())

    def test_a_box_may_leave_its_picture_by_one_pixel(self, tmp_path):
        """A file whose numbers count from 0, or whose last pixel is one too far, is still read."""
        text = XML.replace(BOX, "<bndbox><xmin>0</xmin><ymin>0</ymin><xmax>334</xmax><ymax>501</ymax></bndbox>")
        assert read_annotations(saved(tmp_path, text, "7.xml")).boxes[1].tolist() == [-1, -1, 333, 500]

    @pytest.mark.parametrize(
        ("old", "new", "complaint"),
        [
            (XML, "", "expected one XML document, got no element found"),
            (XML[200:], "", "expected one XML document"),
            ("annotation>", "image>", "expected the root <annotation>, got 'image'"),
            ("<annotation>", "<!DOCTYPE annotation [<!ENTITY a 'b'>]><annotation>", "expected XML without a docu"),
            ("1000092795", "&a;", "expected one XML document, got undefined entity"),
            ("<filename>1000092795.jpg</filename>", "", "annotation: expected filename, size, once each"),
            ("1000092795.jpg", " ", "filename: expected a text"),
            ("<size>", "<segmented>0</segmented><size>", "annotation: expected filename, size, once each"),
            ("<depth>3</depth>", "", "size: expected depth, height, width, once each"),
            ("<depth>3</depth>", "<depth>0</depth>", "depth: expected a number of channels"),
            ("<width>333</width>", "<width>0</width>", "width, height: expected whole numbers"),
            ("<width>333</width>", "<width>-333</width>", "width, height: expected whole numbers"),
            ("<width>333</width>", "<width>333.0</width>", "width: expected a whole number, got '333.0'"),
            ("<height>500</height>", "<height/>", "height: expected a whole number, got ''"),
            ("<name>1</name>\n\t\t<name>6</name>", "", r"object\[0\]: name: expected ids of entities"),
            ("<name>6</name>", "<name>1</name>", r"object\[0\]: name: expected ids of entities, each once"),
            ("<name>6</name>", "<name>mug</name>", r"object\[0\]: name: expected ids of entities"),
            ("<name>6</name>", "<name/>", r"object\[0\]: name: expected ids of entities"),
            ("<name>6</name>", "<pose>6</pose>", r"object\[0\]: object: expected bndbox, once each"),
            ("<name>6</name>", "<scene>1</scene>", r"object\[0\]: object: expected bndbox, once each"),
            ("<name>6</name>", BOX, r"object\[0\]: object: expected bndbox, once each"),
            (BOX, "", r"object\[2\]: object: expected nobndbox, scene, once each"),
            ("<scene>0</scene>", "", r"object\[1\]: object: expected nobndbox, scene, once each"),
            ("<scene>0</scene>", "<scene>2</scene>", r"object\[1\]: expected a bndbox, or scene or nobndbox to be 1"),
            ("<nobndbox>1<", "<nobndbox>0<", r"object\[1\]: expected a bndbox, or scene or nobndbox to be 1"),
            ("<nobndbox>1<", "<nobndbox>yes<", r"object\[1\]: nobndbox: expected a whole number"),
            ("<xmin>159</xmin>", "", r"object\[0\]: bndbox: expected xmax, xmin, ymax, ymin, once each"),
            ("<xmin>159</xmin>", "<xmin>159</xmin><xmin>1</xmin>", r"object\[0\]: bndbox: expected xmax, xmin"),
            ("<xmin>159</xmin>", "<xmin>NaN</xmin>", r"object\[0\]: xmin: expected a whole number, got 'NaN'"),
            ("<xmin>159</xmin>", "<xmin>15.5</xmin>", r"object\[0\]: xmin: expected a whole number"),
            ("<xmin>159</xmin>", f"<xmin>{'9' * 5000}</xmin>", r"object\[0\]: xmin: expected a whole number"),
            (
                "<xmin>159</xmin>",
                "<xmin>220</xmin>",
                r"object\[0\]: bndbox: expected min <= max, got \[220, 125, 219, ",
            ),
            ("<ymax>335</ymax>", "<ymax>124</ymax>", r"object\[0\]: bndbox: expected min <= max"),
            ("<xmax>219</xmax>", "<xmax>335</xmax>", r"object\[0\]: bndbox: expected a box in its picture, 333 wide"),
            ("<ymin>125</ymin>", "<ymin>-1</ymin>", r"object\[0\]: bndbox: expected a box in its picture"),
        ],
    )
    def test_error_text(self, tmp_path, old, new, complaint):
        assert old in XML
        with pytest.raises(ValueError, match=rf"^7\.xml: {complaint}"):
            read_annotations(saved(tmp_path, XML.replace(old, new), "7.xml"))

    def test_entities_are_not_expanded(self, tmp_path):
        """Neither a bomb that grows by a factor of ten a line nor a way to another file."""
        bomb = '<!DOCTYPE a [<!ENTITY a0 "7">' + "".join(f'<!ENTITY a{i} "{f"&a{i - 1};" * 10}">' for i in range(1, 9))
        secret = saved(tmp_path, "secret", "other.txt")
        reach = f'<!DOCTYPE a [<!ENTITY a8 SYSTEM "{secret.as_uri()}">'
        for head in (bomb, reach):
            text = f"{head}]>{XML.replace('1000092795.jpg', '&a8;')}"
            with pytest.raises(ValueError, match=r"^7\.xml: expected XML without a document type, got <!DOCTYPE a>"):
                read_annotations(saved(tmp_path, text, "7.xml"))

    @given(length=st.integers(0, len(XML.rstrip()) - 1))
    @settings(max_examples=25, deadline=None)
    def test_a_cut_off_file_is_refused(self, scratch, length):
        with pytest.raises(ValueError, match=r"^7\.xml: expected one XML document"):
            read_annotations(saved(scratch, XML[:length], "7.xml"))

    @given(data=st.data())
    @settings(max_examples=100, deadline=None)
    def test_a_changed_file_is_refused_or_sound(self, scratch, data):
        lines = [line for line in XML.replace("><", ">\n<").split("\n") if line]
        for _ in range(data.draw(st.integers(1, 3))):
            index = data.draw(st.integers(0, len(lines) - 1))
            action = data.draw(st.sampled_from(["delete", "repeat", "number", "swap"]))
            if action == "delete":
                lines[index] = ""
            elif action == "repeat":
                lines.insert(index, lines[index])
            elif action == "swap":
                other = data.draw(st.integers(0, len(lines) - 1))
                lines[index], lines[other] = lines[other], lines[index]
            else:
                number = data.draw(st.sampled_from(["", "0", "-1", "1", "2", "334", "1e3", "nan", "&lt;", "&x;"]))
                lines[index] = re.sub(">[^<]*<", f">{number}<", lines[index])
        path = saved(scratch, "\n".join(lines), "7.xml")
        try:
            found = read_annotations(path)
        except ValueError as problem:
            assert str(problem).startswith("7.xml: ")  # noqa: PT017, both outcomes are looked at
            return
        height, width = found.image_hw
        assert len(found.boxes) == len(found.entities)
        assert (found.boxes[:, 2:] >= found.boxes[:, :2]).all()
        assert ((found.boxes >= -1) & (found.boxes[:, [2, 3, 2, 3]] <= torch.tensor([width, height] * 2))).all()
        write_annotations(found, path)
        assert read_annotations(path) == found


class TestEntityAnnotations:
    def test_two_differ_when_a_box_does(self):
        one = EntityAnnotations("a.png", (40, 60), torch.tensor([[0.0, 0.0, 9.0, 9.0]]), (("1",),))
        other = EntityAnnotations("a.png", (40, 60), torch.tensor([[0.0, 0.0, 9.0, 8.0]]), (("1",),))
        assert one != other
        assert one != "a.png"
        assert one == EntityAnnotations("a.png", (40, 60), one.boxes.double(), (("1",),))


class TestWriteAnnotations:
    def test_round_trip(self, tmp_path):
        found = read_annotations(saved(tmp_path, XML, "7.xml"))
        write_annotations(found, tmp_path / "again.xml")
        assert read_annotations(tmp_path / "again.xml") == found
        write_annotations(found, tmp_path / "third.xml")
        assert (tmp_path / "again.xml").read_bytes() == (tmp_path / "third.xml").read_bytes()

    def test_a_name_that_xml_would_read_otherwise(self, tmp_path):
        one = EntityAnnotations("a & <b>.png", (40, 60), torch.zeros(0, 4), ())
        write_annotations(one, tmp_path / "7.xml")
        assert read_annotations(tmp_path / "7.xml").file_name == "a & <b>.png"

    @given(
        corners=st.lists(st.tuples(*[st.integers(0, 39)] * 4), max_size=5),
        scene=st.sets(st.sampled_from(["1", "20", "3"])),
        nobox=st.sets(st.sampled_from(["1", "20", "4"])),
    )
    @settings(max_examples=50, deadline=None)
    def test_round_trip_of_any_boxes(self, scratch, corners, scene, nobox):
        values = torch.tensor(corners, dtype=torch.float32).reshape(-1, 4)
        boxes = torch.cat([values[:, :2].minimum(values[:, 2:]), values[:, :2].maximum(values[:, 2:])], -1)
        entities = tuple((str(index), "77") for index in range(len(boxes)))
        one = EntityAnnotations("a.png", (40, 40), boxes, entities, frozenset(scene), frozenset(nobox))
        write_annotations(one, scratch / "7.xml")
        back = read_annotations(scratch / "7.xml")
        assert back == one
        assert torch.equal(back.boxes.float(), boxes)
        assert (back.scene, back.nobox) == (scene, nobox)

    @pytest.mark.parametrize(
        ("box", "ids", "complaint"),
        [
            ([0.0, 0.0, 5.5, 9.0], ("1",), r"object\[0\]: xmax: expected a whole number, got '5\.5'"),
            ([0.0, 0.0, float("nan"), 9.0], ("1",), r"object\[0\]: xmax: expected a whole number, got 'nan'"),
            ([0.0, 0.0, float("inf"), 9.0], ("1",), r"object\[0\]: xmax: expected a whole number, got 'inf'"),
            ([0.0, 0.0, 61.0, 9.0], ("1",), r"object\[0\]: bndbox: expected a box in its picture"),
            ([9.0, 0.0, 5.0, 9.0], ("1",), r"object\[0\]: bndbox: expected min <= max"),
            ([0.0, 0.0, 5.0, 9.0], (), r"object\[0\]: name: expected ids"),
            ([0.0, 0.0, 5.0, 9.0], ("<mug>",), r"object\[0\]: name: expected ids"),
        ],
    )
    def test_what_could_not_be_read_is_not_written(self, tmp_path, box, ids, complaint):
        one = EntityAnnotations("a.png", (40, 60), torch.tensor([box]), (ids,))
        with pytest.raises(ValueError, match=rf"^new\.xml: {complaint}"):
            write_annotations(one, tmp_path / "new.xml")
        assert list(tmp_path.iterdir()) == []

    def test_ids_for_every_box(self, tmp_path):
        one = EntityAnnotations("a.png", (40, 60), torch.zeros(2, 4), (("1",),))
        with pytest.raises(ValueError, match=r"^entities: expected as many rows as boxes \(2\), got 1"):
            write_annotations(one, tmp_path / "new.xml")
