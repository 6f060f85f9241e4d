"""Counters in use."""

import pytest
import torch

from gk_utils import checkpoints
from gk_utils.checkpoints import Card
from gk_utils.counting.counters import Counter, load_counter
from gk_utils.counting.counting_model import KINDS, CountingNet, build_counter

IMAGES = torch.rand(2, 3, 50, 62, generator=torch.Generator().manual_seed(0))
BOXES = [torch.tensor([[4.0, 4, 12, 12]]), torch.tensor([[0.0, 0, 8, 8], [8, 8, 20, 20]])]
WORDS = ["mugs", "How many plates are there?"]


def counter_of(kind: str) -> Counter:
    torch.manual_seed(1)
    return Counter(CountingNet(kind, width=8, blocks=1), threshold=0.02)


class TestCounter:
    @pytest.mark.parametrize("kind", KINDS)
    def test_counts_each_picture(self, kind):
        counted = counter_of(kind).count(IMAGES, WORDS, BOXES)
        assert len(counted) == 2
        for one in counted:
            assert one.count >= 0
            assert (one.boxes is None) == (kind != "set")
            if one.density is not None:
                assert one.density.shape == (50, 62)
                assert one.density.sum().item() == pytest.approx(one.count, rel=1e-4)

    @pytest.mark.parametrize("kind", ["pooled", "set", "text_exemplar"])
    def test_a_batch_changes_nothing(self, kind, monkeypatch):
        counter = counter_of(kind)
        together = [one.count for one in counter.count(IMAGES, WORDS, BOXES)]
        monkeypatch.setattr("gk_utils.counting.counters.AT_ONCE", 1)
        one_by_one = [one.count for one in counter.count(IMAGES, WORDS, BOXES)]
        assert together == pytest.approx(one_by_one, rel=1e-4)

    def test_threshold(self):
        net = CountingNet("set", width=8, blocks=1)
        torch.nn.init.constant_(net.head.bias[:1], 0.0)
        counter = Counter(net, threshold=0.1)
        low, high = (counter.count(IMAGES, WORDS, threshold=least)[0] for least in (0.1, 0.9))
        assert low.count > high.count
        assert low.count == len(low.boxes) == len(low.points) == len(low.scores)
        assert int((low.candidate_scores >= 0.9).sum()) == high.count
        x1, y1, x2, y2 = low.boxes[0].tolist()
        assert low.points[0].tolist() == pytest.approx([(x1 + x2) / 2, (y1 + y2) / 2], abs=1e-3)

    def test_what_each_kind_reads(self):
        assert [kind for kind in KINDS if counter_of(kind).reads_exemplars] == ["exemplar", "text_exemplar"]
        assert not counter_of("text_blind").reads_words
        assert len(counter_of("text_blind").count(IMAGES)) == 2
        both = counter_of("text_exemplar")
        assert both.count(IMAGES, WORDS)[0].count != both.count(IMAGES, None, BOXES)[0].count

    def test_words_without_an_example(self):
        both = counter_of("text_exemplar")
        told, empty = both.count(IMAGES, WORDS), both.count(IMAGES, WORDS, [torch.zeros(0, 4)] * 2)
        assert [one.count for one in told] == [one.count for one in empty]

    def test_errors(self, unhooked):
        with pytest.raises(TypeError, match="phrases: expected one phrase for each of 2 pictures, got None"):
            counter_of("density").count(IMAGES)
        with pytest.raises(TypeError, match="phrases: expected one phrase for each of 2 pictures, got 'mugs'"):
            counter_of("density").count(IMAGES, "mugs")
        with pytest.raises(TypeError, match="exemplars: expected boxes for each of 2 pictures, got None"):
            counter_of("exemplar").count(IMAGES)
        with pytest.raises(TypeError, match="phrases: expected"):
            counter_of("text_exemplar").count(IMAGES)
        with pytest.raises(ValueError, match="phrases"):
            counter_of("density").count(IMAGES, ["mug"])
        with pytest.raises(ValueError, match=r"exemplars\[0\]"):
            counter_of("exemplar").count(IMAGES, None, [torch.tensor([[9.0, 0, 1, 1]])] * 2)
        for kind in ("exemplar", "text_exemplar"):
            with pytest.raises(ValueError, match=r"exemplars\[1\]: expected at least one box, got none"):
                counter_of(kind).count(IMAGES, None, [BOXES[0], torch.zeros(0, 4)])
        with pytest.raises(ValueError, match=r"exemplars\[0\]: expected at least one box, got none"):
            counter_of("exemplar").count(IMAGES, WORDS, [torch.zeros(0, 4)] * 2)
        with pytest.raises(ValueError, match="images: expected 16 pixels or more a side, got 8 x 8"):
            counter_of("pooled").count(IMAGES[..., :8, :8], WORDS)


class TestLoadCounter:
    def test_reads_its_threshold(self, tmp_path, monkeypatch):
        monkeypatch.setattr(checkpoints, "SHIPPED", tmp_path)
        settings = {"kind": "set", "width": 8, "blocks": 1}
        card = Card("counting_set_small", 0, 1, "CPU", 0.1, {"threshold": 0.4}, settings)
        checkpoints.save(build_counter(settings).state_dict(), tmp_path / "counting_set_small", card)
        counter, found = load_counter("set")
        assert (counter.kind, counter.threshold, found.recipe) == ("set", 0.4, "counting_set_small")
        with pytest.raises(ValueError, match="checkpoint: expected a counter of kind 'density'"):
            load_counter("density", tmp_path / "counting_set_small")
        with pytest.raises(FileNotFoundError, match="gk_utils train counting_density_small"):
            load_counter("density")

    def test_unknown_kind(self):
        with pytest.raises(ValueError, match="kind: expected one of"):
            load_counter("guess")
