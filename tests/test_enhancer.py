import tiny_dino
import torch
from torch import nn
from torch.testing import assert_close

from gk_utils.grounding_dino.enhancer import FUSION_SCALE, CellLayer, Enhancer, Fusion, TextLayer


def fusion_by_loop(fusion: Fusion, cells, words, cells_seen, words_seen):
    """One similarity for each cell and word, read along both axes; as in GLIP, one picture and one head at a time."""
    cells, words = fusion.norm_cells(cells), fusion.norm_words(words)
    read_by_cells, read_by_words = [], []
    for b in range(len(cells)):
        of_cells, of_words = [], []
        parts = [linear(x[b]).chunk(fusion.heads, -1) for linear, x in (
            (fusion.cells, cells), (fusion.words, words), (fusion.cell_values, cells), (fusion.word_values, words),
        )]  # fmt: skip
        for cell_key, word_key, cell_value, word_value in zip(*parts, strict=True):
            alike = cell_key @ word_key.T / cell_key.shape[-1] ** 0.5  # s t
            of_cells.append(alike.masked_fill(~words_seen[b], -torch.inf).softmax(1) @ word_value)
            of_words.append(alike.T.masked_fill(~cells_seen[b], -torch.inf).softmax(1) @ cell_value)
        read_by_cells.append(torch.cat(of_cells, -1))
        read_by_words.append(torch.cat(of_words, -1))
    cells = cells + fusion.scale_cells * fusion.project_cells(torch.stack(read_by_cells))
    return cells, words + fusion.scale_words * fusion.project_words(torch.stack(read_by_words))


class TestFusion:
    def test_equals_the_loop(self):
        fusion = tiny_dino.randomise(Fusion(8, 12, heads=2))
        cells, words = torch.randn(2, 7, 8), torch.randn(2, 3, 8)
        seen = torch.arange(7) < torch.tensor([[7], [4]]), torch.arange(3) < torch.tensor([[2], [3]])
        for ours, want in zip(fusion(cells, words, *seen), fusion_by_loop(fusion, cells, words, *seen), strict=True):
            assert_close(ours, want)

    def test_at_first_it_nearly_only_normalises(self):
        fusion, cells, words = Fusion(8, 8, heads=2), torch.randn(1, 5, 8), torch.randn(1, 2, 8)
        after, _ = fusion(cells, words, torch.ones(1, 5).bool(), torch.ones(1, 2).bool())
        assert 0 < (after - nn.functional.layer_norm(cells, (8,))).abs().max() < 10 * FUSION_SCALE


class TestTextLayer:
    def test_no_sub_sentence_reads_another(self):
        layer, words = tiny_dino.randomise(TextLayer(32, 16, 2)), tiny_dino.tiny_words()
        changed = words.features.clone()
        changed[0, 4] += 1.0  # the second phrase, tokens 4 and 5
        places = torch.zeros_like(changed)
        before, after = (layer(x, places, words.attends)[0] for x in (words.features, changed))
        moved = (before != after).any(-1)
        assert moved.tolist() == [False, False, False, False, True, True, False]


class TestCellLayer:
    def test_padding_is_not_read(self):
        layer = tiny_dino.randomise(CellLayer(tiny_dino.TINY))
        seen = torch.ones(2, 32, 48, dtype=torch.bool)
        seen[1, :, 24:] = False
        cells = tiny_dino.tiny_cells(seen)
        references = cells.in_levels(cells.centres())
        other = torch.where(cells.seen[..., None], cells.features, 9.0)
        before, after = (layer(x, cells, references) for x in (cells.features, other))
        assert_close(before[cells.seen], after[cells.seen])


class TestEnhancer:
    def test_words_change_cells_and_cells_change_words(self):
        enhancer, cells, words = (
            tiny_dino.randomise(Enhancer(tiny_dino.TINY)),
            tiny_dino.tiny_cells(),
            tiny_dino.tiny_words(),
        )
        seen, said, _ = enhancer(cells, words)
        other_seen, _, _ = enhancer(cells, tiny_dino.tiny_words(seed=1))
        _, other_said, _ = enhancer(tiny_dino.tiny_cells(seed=1), words)
        assert (seen.features - other_seen.features).abs().max() > 1e-3
        assert (said.features - other_said.features).abs().max() > 1e-3

    def test_half_way_is_after_half_of_the_layers(self):
        settings = type(tiny_dino.TINY)(**{**vars(tiny_dino.TINY), "enhancer_layers": 3})
        enhancer, cells, words = tiny_dino.randomise(Enhancer(settings)), tiny_dino.tiny_cells(), tiny_dino.tiny_words()
        _, _, half_way = enhancer(cells, words)
        del enhancer.layers[2]
        assert_close(enhancer(cells, words)[0].features, half_way)
