"""Lines about scenes, and their rows of tokens."""

import numpy as np
import pytest
import torch

from gk_utils.box_tokens.cell_pairs import encode_cells
from gk_utils.countertop.language import draw_scene_for
from gk_utils.countertop.render import render
from gk_utils.kosmos2.grounded_text import parse_grounded
from gk_utils.kosmos2.kosmos_samples import (
    ANSWER,
    LONGEST,
    PLACE,
    WORD,
    Line,
    caption_line,
    draw_lines,
    first_place,
    kosmos_tokens,
    linked,
    phrase_prompt,
    question_line,
    question_prompt,
    write_rows,
)

SCENES = [draw_scene_for(seed) for seed in range(3)]
SETTINGS = {"captions": 2, "questions": 3, "phrases": 2}
BOXES = torch.tensor([[[0.5, 0.1, 0.9, 0.4], [0.1, 0.2, 0.3, 0.6], [0.0, 0.0, 0.1, 0.1]]])
SEEN = torch.tensor([[True, True, False]])


class TestKosmosTokens:
    def test_places_follow_row_by_row(self):
        tokens, first = kosmos_tokens(), first_place()
        assert tokens.spellings[first] == "<patch_index_0000>"
        assert tokens.spellings[first + 1023] == "<patch_index_1023>"
        assert first + 1024 == tokens.first_word

    def test_prompts(self):
        assert kosmos_tokens().decode(question_prompt("Is there a mug?", grounded=True)).startswith("<grounding>")
        assert phrase_prompt("the mug")[0] == kosmos_tokens().start


class TestLines:
    @pytest.mark.parametrize("scene", SCENES)
    def test_captions_are_short_and_linked(self, scene):
        line = caption_line(scene, 5, np.random.default_rng(0))
        assert (line.scene, line.kind, line.prompt) == (5, "caption", 2)
        assert len(line.parts) <= LONGEST
        assert any(token is None and things for token, things in line.parts)

    def test_half_of_the_answers_have_boxes(self):
        lines = [question_line(SCENES[0], 0, np.random.default_rng(seed), "colour") for seed in range(200)]
        boxed = sum(any(token is None for token, _ in line.parts) for line in lines)
        assert 70 < boxed < 130
        tokens = kosmos_tokens()
        for line in lines:
            grounded = tokens.ids["<grounding>"] in [token for token, _ in line.parts[: line.prompt]]
            assert grounded == any(token is None for token, _ in line.parts)

    def test_no_question_of_a_kind(self):
        nothing = [question_line(draw_scene_for(seed), 0, np.random.default_rng(0), "what") for seed in range(30)]
        assert None in nothing

    def test_as_many_as_asked_for(self):
        lines = draw_lines(SCENES[0], 0, SETTINGS, np.random.default_rng(0))
        kinds = [line.kind for line in lines]
        assert kinds.count("caption") == 2
        assert kinds.count("question") <= 3
        assert kinds.count("phrase") <= 2

    def test_the_same_seed_the_same_lines(self):
        first, second = (draw_lines(SCENES[1], 0, SETTINGS, np.random.default_rng(7)) for _ in range(2))
        assert first == second


class TestWriteRows:
    def test_by_hand(self):
        """Two things from left to right, thing 1 first."""
        tokens = kosmos_tokens()
        line = Line(0, ((tokens.start, ()), *linked("two mugs", (0, 1)), (tokens.end, ())), 1, "caption")
        rows = write_rows([line], BOXES, SEEN)
        cells = (encode_cells(BOXES[0], (1.0, 1.0)) + first_place()).tolist()
        between = tokens.ids["</delimiter_of_multi_objects/>"]
        assert rows.tokens[0, 6:11].tolist() == [*cells[1], between, *cells[0]]
        assert rows.role[0].tolist() == [0, *[WORD] * 5, PLACE, PLACE, WORD, PLACE, PLACE, WORD, WORD]
        assert rows.things[0, 2].tolist() == [True, True, False]
        assert rows.things[0, 6].tolist() == [False, True, False]
        assert rows.things[0, 10].tolist() == [True, False, False]
        assert not rows.things[0, [0, 1, 11, 12]].any()

    def test_a_line_with_a_hidden_thing_is_left_out(self):
        line = Line(0, tuple(linked("mug", (2,))), 0, "caption")
        rows = write_rows([line, Line(0, ((5, ()),), 0, "phrase")], BOXES, SEEN)
        assert rows.tokens.tolist() == [[5]]
        assert write_rows([line], BOXES, SEEN).tokens.shape[0] == 0

    def test_answers_have_a_role_of_their_own(self):
        """The words of an answer alone: its tags and its end are soon learned, and would hide how it does."""
        tokens = kosmos_tokens()
        answer = [*linked("red", (0,)), (tokens.end, ())]
        rows = write_rows([Line(0, ((5, ()), *answer), 1, "question")], BOXES, SEEN)
        words = {tokens.spellings[number] for number in rows.tokens[rows.role == ANSWER].tolist()}
        assert (words, rows.role[0].tolist()) == ({"red"}, [0, WORD, ANSWER, WORD, WORD, PLACE, PLACE, WORD, WORD])

    @pytest.mark.parametrize("seed", range(3))
    def test_a_caption_can_be_read_back(self, seed):
        """Decoded rows are hyperlink text with the boxes of the scene, as patches can say them."""
        scene = SCENES[seed]
        rendered = render([scene], (128, 128))
        boxes, seen = rendered.boxes / 128, torch.ones(1, len(scene), dtype=torch.bool)
        line = caption_line(scene, 0, np.random.default_rng(seed))
        rows = write_rows([line], boxes, seen)
        read = parse_grounded(kosmos_tokens().decode(rows.tokens[0].tolist()))
        assert read.problems == ()
        linked_things = [things for token, things in line.parts if token is None]
        assert [len(some) for some in read.grounded.boxes_unit] == [len(things) for things in linked_things]
        assert (rows.to("cpu").tokens == rows.tokens).all()
