import math

import pytest
import tiny_dino
import torch
from torch.testing import assert_close

from gk_utils.grounding_dino.query_selection import ContrastiveLogits, QuerySelection, propose, rows


class TestPropose:
    def test_squares_around_the_centres_twice_as_large_on_the_next_level(self):
        boxes, usable = propose(tiny_dino.tiny_cells())
        assert usable.all()
        assert_close(boxes[0, [0, 96, 120]].sigmoid(), torch.tensor(
            [[0.5 / 12, 0.5 / 8, 0.05, 0.05], [0.5 / 6, 0.5 / 4, 0.1, 0.1], [0.5 / 3, 0.5 / 2, 0.2, 0.2]]
        ))  # fmt: skip

    def test_padding_proposes_nothing(self):
        seen = torch.ones(2, 32, 48, dtype=torch.bool)
        seen[1, :, 24:] = False
        cells = tiny_dino.tiny_cells(seen)
        boxes, usable = propose(cells)
        assert_close(usable, cells.seen)
        assert boxes[~usable].isinf().all()
        assert_close(boxes[1, 5, 0].sigmoid(), torch.tensor(5.5 / 6))


class TestQuerySelection:
    def test_the_cells_that_a_word_fits_best_come_first(self):
        selection = tiny_dino.randomise(QuerySelection(tiny_dino.TINY))
        selected = selection(tiny_dino.tiny_cells(), tiny_dino.tiny_words())
        best = selected.cell_logits.amax(-1)
        assert_close(best.gather(1, selected.cells), best.sort(1, descending=True).values[:, :6])
        assert_close(selected.logits, rows(selected.cell_logits, selected.cells))

    def test_content_is_the_same_for_every_picture_and_prompt(self):
        selection = tiny_dino.randomise(QuerySelection(tiny_dino.TINY))
        selected = selection(tiny_dino.tiny_cells(), tiny_dino.tiny_words())
        assert_close(selected.contents[0], selected.contents[1])
        assert (selected.references[0] != selected.references[1]).any()

    def test_boxes_learn_and_references_do_not(self):
        selection = QuerySelection(tiny_dino.TINY)
        selected = selection(tiny_dino.tiny_cells(), tiny_dino.tiny_words())
        assert not selected.references.requires_grad
        assert selected.boxes_cxcywh.requires_grad
        assert_close(selected.references, selected.boxes_cxcywh)

    def test_fewer_cells_than_queries(self):
        selection = QuerySelection(type(tiny_dino.TINY)(**{**vars(tiny_dino.TINY), "queries": 200}))
        with pytest.raises(ValueError, match="expected at least 200 cells, one a query, got 126"):
            selection(tiny_dino.tiny_cells(), tiny_dino.tiny_words())


class TestContrastiveLogits:
    def test_scaled_begins_at_one_in_a_hundred(self):
        words = tiny_dino.tiny_words()
        scaled, bare = (ContrastiveLogits(32, scaled=scaled)(torch.ones(2, 1, 32), words) for scaled in (True, False))
        assert_close(scaled, bare / math.sqrt(32) - math.log(99))
        assert_close(scaled.isinf()[:, 0], ~words.seen)
        assert not list(ContrastiveLogits(32, scaled=False).parameters())
