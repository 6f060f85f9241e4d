"""The lab of lesson 15, its describers, and the server behind its endpoint."""

import base64
import json
import urllib.request

import pytest
from some_views import told_view

from gk_utils.countertop.language import draw_scene_for
from gk_utils.figure_image import LIMIT
from gk_utils.formats.gcg import read_grandf, write_grandf
from gk_utils.grounded_conversation.cider import cider
from gk_utils.grounded_conversation.gcg_scores import ap50, mask_recall, mean_iou
from gk_utils.grounded_conversation.picture_notes import NotedThing, PictureNotes
from gk_utils.labs.caption_claims import MARKS, ClaimLab, caption_edits, draw_claims, read_claims
from gk_utils.labs.describers import DESCRIBERS, as_grandf, described
from gk_utils.labs.tiny_server import serving

RED, BLUE, CAT = (0.1, 0.6, 0.3, 0.8), (0.4, 0.6, 0.5, 0.8), (0.6, 0.6, 0.9, 0.8)
NOTES = PictureNotes(
    (),
    (NotedThing("mug", "red", RED), NotedThing("mug", "blue", BLUE), NotedThing("cat", "black", CAT)),
    ((0, "left of", 2),),
)
THINGS = [("mug", "red", (10, 60, 30, 80)), ("mug", "blue", (40, 60, 50, 80)), ("cat", "black", (60, 60, 90, 80))]
ANSWERS = {
    **{"plate": None, "orange mug": None, "blue mug": THINGS[1][2], "red mug right of cat": None},
    **{"mug": THINGS[0][2], "bowl": None, "cat": THINGS[2][2]},
}


@pytest.fixture
def lab():
    views = {"A": told_view(THINGS, ANSWERS), "B": told_view(THINGS[2:], {})}
    return ClaimLab(views, {"A": caption_edits(NOTES), "B": {"true": "There is a cat."}})


def outcomes(name):
    return [one.outcome for one in read_claims(told_view(THINGS, ANSWERS), caption_edits(NOTES)[name]).claims]


class TestReadClaims:
    def test_a_true_caption(self):
        assert outcomes("true") == ["supported"] * 7

    @pytest.mark.parametrize(
        ("edit", "failing"),
        [
            ("a thing that is not there", [0, 1]),
            ("a colour that none has", [2]),
            ("the colour of its twin", [2]),
            ("the other side", [4]),
            ("another thing's box", [3]),
        ],
    )
    def test_each_edit_fails_where_it_should(self, edit, failing):
        found = outcomes(edit)
        assert [place for place, outcome in enumerate(found) if outcome == "contradicted"] == failing

    def test_beyond_the_picture(self):
        assert outcomes("beyond the picture") == ["supported"] * 7 + ["undecided"]

    def test_words(self):
        reading = read_claims(told_view(THINGS, ANSWERS), "There is no cat.\n[A mug](1,2)")
        assert reading.said.text == "There is no cat. A mug"
        assert reading.problems == ("'1,2': expected four numbers a box",)
        assert reading.in_words().splitlines()[1] == reading.sentence

    def test_nothing(self):
        assert read_claims(told_view([]), "  ").sentence == "Nothing is claimed."

    def test_without_boxes_a_box_line_names_its_phrase(self):
        reading = read_claims(told_view(THINGS, ANSWERS), "There is [a mug](0.100,0.600,0.300,0.800).")
        line = reading.line(reading.claims[1])
        assert line.startswith(f"{MARKS['supported']} the box of 'a mug' - supported (things: IoU 1.00")


class TestCaptionEdits:
    def test_what_has_no_chance_is_left_out(self):
        alone = PictureNotes((), (NotedThing("mug", "red", RED),))
        assert list(caption_edits(alone)) == [
            *("true", "a thing that is not there", "a colour that none has", "beyond the picture"),
        ]

    def test_all_of_them(self):
        assert len(caption_edits(NOTES)) == 7
        assert len(set(caption_edits(NOTES).values())) == 7


class TestDrawClaims:
    def test_labels_say_the_outcome(self):
        reading = read_claims(told_view(THINGS, ANSWERS), caption_edits(NOTES)["another thing's box"])
        texts = [text.get_text() for text in draw_claims(reading).axes[0].texts]
        assert any(text.startswith("This mug: contradicted") for text in texts)

    def test_no_links(self):
        assert draw_claims(read_claims(told_view(THINGS), "There is a cat.")).axes


class TestClaimLab:
    def test_begins_with_a_true_caption(self, lab):
        assert lab.reading.sentence == "7 supported"
        assert lab.edit.value == "true"

    def test_an_edit(self, lab):
        lab.edit.value = "the other side"
        assert "1 contradicted" in lab.reading.sentence
        assert "to the right of" in lab.caption.value
        assert "red mug right of cat" in lab.view.value

    def test_words_of_ones_own(self, lab):
        lab.caption.value = "There is no <cat>."
        assert "&lt;cat&gt;" in lab.view.value
        assert "<cat>" not in lab.view.value
        lab.caption.value = "There is [a plate](0.1,0.6,0.3,0.8)."
        lab.button.click()
        assert lab.reading.sentence == "2 contradicted"

    def test_another_picture_begins_anew(self, lab):
        lab.edit.value = "the other side"
        lab.picture.value = "B"
        assert lab.edit.options == ("true",)
        assert lab.caption.value == "There is a cat."
        assert lab.reading.sentence == "1 supported"

    def test_what_stays_in_the_notebook(self, lab):
        data, metadata = lab._repr_mimebundle_()
        (mime,) = metadata
        assert data["text/plain"] == lab.in_words() == metadata[mime]["alt"]
        assert len(base64.b64decode(data[mime])) < 30_000
        assert len(lab.first_frame()[1]) <= LIMIT


class TestDescribers:
    scenes = tuple(draw_scene_for(2**35 + seed) for seed in range(6))

    def scores(self, name):
        told, true = described(name, self.scenes), described("the truth", self.scenes)
        masks = [[one.masks for one in each] for each in (told, true)]
        pairs = [[(one.masks, one.phrases) for one in each] for each in (told, true)]
        words = cider([one.text for one in told], [[one.text] for one in true])
        return ap50(*masks), mean_iou(*masks), mask_recall(*pairs), sum(words) / len(words)

    def test_what_each_score_sees(self):
        found = {name: self.scores(name) for name in DESCRIBERS}
        truth, one, named, swapped, other = (found[name] for name in DESCRIBERS)
        assert truth[:3] == (pytest.approx(1), 1, 1)
        assert one[1] == 1
        assert one[0] < 0.6
        assert named[0] == pytest.approx(1)
        assert named[2] == 0
        assert swapped[:3] == truth[:3]
        assert other[:2] == truth[:2]
        assert truth[3] > swapped[3] > other[3]

    def test_spans_cut_out_phrases(self):
        for one in described("the truth", self.scenes):
            assert [one.text[start:end] for start, end in one.spans] == list(one.phrases)
            assert len(one.masks) == len(one.phrases)

    def test_as_grandf(self, tmp_path):
        entries = [as_grandf(one, f"{k}.png") for k, one in enumerate(described("other words", self.scenes))]
        write_grandf(entries, tmp_path / "train.json")
        assert read_grandf(tmp_path / "train.json") == tuple(entries)

    def test_name(self):
        with pytest.raises(ValueError, match="name: expected one of"):
            described("nobody", self.scenes)


class TestServing:
    def test_speaks_the_protocol(self):
        class Echo:
            def complete(self, messages, *, max_tokens=256):
                return f"{messages[-1]['content']} {max_tokens}"

        with serving(Echo()) as address:
            body = json.dumps({"messages": [{"role": "user", "content": "Hello"}], "max_tokens": 5}).encode()
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            with opener.open(f"{address}/chat/completions", body, timeout=5) as answer:
                found = json.loads(answer.read())
        assert found["choices"][0]["message"]["content"] == "Hello 5"
