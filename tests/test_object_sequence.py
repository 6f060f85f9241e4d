import pytest
import torch
from torch import tensor

from gk_utils.box_tokens.noise_boxes import NOISE
from gk_utils.box_tokens.object_sequence import Pix2SeqVocabulary, decode_pix2seq, encode_pix2seq, make_targets

HW = (480, 640)
PUBLISHED = Pix2SeqVocabulary()
SMALL = Pix2SeqVocabulary.compact(classes=12, bins=100)
BOXES = tensor([[150.0, 100.0, 400.0, 350.0], [0.0, 0.0, 640.0, 480.0], [10.0, 20.0, 30.0, 40.0]])
LABELS = tensor([17, 1, 90])
FIRST = [1208, 1234, 1728, 1624, 117]  # y1 x1 y2 x2 class of the first box


def targets(seed=0, **options):
    options = {"objects": 5, "generator": torch.Generator().manual_seed(seed), **options}
    return make_targets(BOXES, LABELS, HW, PUBLISHED, **options)


class TestPix2SeqVocabulary:
    def test_the_published_layout(self):
        """vocab.py: padding 0, task 10, fake class 30, classes from 100, coordinates from 1000; 3000 ids in all."""
        assert Pix2SeqVocabulary(900, 1000, 0, 10, 30, 100, 1000) == PUBLISHED
        assert PUBLISHED.size == 2000

    def test_compact_has_no_gap(self):
        assert (SMALL.first_class, SMALL.first_coordinate, SMALL.size) == (3, 15, 115)

    def test_overlaps(self, unhooked):
        with pytest.raises(ValueError, match="classes: expected 1 to 900, got 901"):
            Pix2SeqVocabulary(classes=901)
        with pytest.raises(ValueError, match="classes: expected 1 to 900, got 0"):
            Pix2SeqVocabulary(classes=0)
        with pytest.raises(ValueError, match=r"three different ids below 100, got \(0, 10, 10\)"):
            Pix2SeqVocabulary(noise=10)
        with pytest.raises(ValueError, match="three different ids"):
            Pix2SeqVocabulary(noise=100)
        with pytest.raises(ValueError, match=r"three different ids below 100, got \(-1, 10, 30\)"):
            Pix2SeqVocabulary(end=-1)


class TestEncodePix2seq:
    def test_by_hand(self):
        """y before x, class last, bin 208 at 1208, class 17 at 117."""
        assert encode_pix2seq(BOXES[:1], LABELS[:1], HW, PUBLISHED).tolist() == FIRST

    def test_one_sequence_of_several(self):
        sequence = encode_pix2seq(BOXES, LABELS, HW, PUBLISHED)
        assert sequence.shape == (15,)
        assert sequence[:5].tolist() == FIRST
        assert sequence[4::5].tolist() == [117, 101, 190]

    def test_noise_has_its_own_class(self):
        assert encode_pix2seq(BOXES[:1], tensor([NOISE]), HW, PUBLISHED)[4] == 30

    def test_no_objects(self):
        assert encode_pix2seq(torch.zeros(0, 4), torch.zeros(0, dtype=torch.long), HW, PUBLISHED).shape == (0,)

    def test_errors(self, unhooked):
        with pytest.raises(ValueError, match="labels: expected 0 to 11, or -1 for noise, got 17"):
            encode_pix2seq(BOXES, LABELS, HW, SMALL)
        with pytest.raises(ValueError, match="got -2"):
            encode_pix2seq(BOXES[:1], tensor([-2]), HW, SMALL)
        with pytest.raises(ValueError, match="inside the picture"):
            encode_pix2seq(BOXES + 1, LABELS, HW, PUBLISHED)
        with pytest.raises(ValueError, match=r"labels: expected as many rows as boxes \(3\), got 2"):
            encode_pix2seq(BOXES, LABELS[:2], HW, PUBLISHED)


class TestMakeTargets:
    def test_shapes_and_shift(self):
        made = targets()
        assert made.inputs.shape == made.targets.shape == made.weights.shape == (25,)
        assert made.inputs[0] == PUBLISHED.start
        places = torch.arange(24) % 5 != 4  # all but the classes come in as they were
        assert torch.equal(made.inputs[1:][places], made.targets[:-1][places])

    def test_weights_of_noise(self):
        """Real: all five count. Noise: the class alone."""
        rows = targets().weights.reshape(5, 5)
        assert rows[:3].eq(1).all()
        assert rows[3:].tolist() == [[0, 0, 0, 0, 1]] * 2
        assert targets().targets.reshape(5, 5)[3:, 4].tolist() == [PUBLISHED.noise] * 2

    def test_weights_of_the_end(self):
        """Three objects in room for five, no noise: ten end tokens, a tenth each."""
        made = targets(noise=False)
        assert made.targets[15:].tolist() == [PUBLISHED.end] * 10
        assert made.weights.tolist() == pytest.approx([1] * 15 + [0.1] * 10)
        assert made.inputs[16:].tolist() == [PUBLISHED.end] * 9

    def test_every_input_class_is_replaced(self):
        """Half by noise, half by a class at random: the true ones come up by chance, once in 900."""
        seen = torch.cat([targets(seed).inputs[5::5] for seed in range(100)])
        assert (seen == PUBLISHED.noise).float().mean().item() == pytest.approx(0.5, abs=0.08)
        others = seen[seen != PUBLISHED.noise]
        assert ((others >= 100) & (others < 1000)).all()
        assert others.unique().numel() > 100

    def test_the_order_is_random(self):
        orders = {tuple(targets(seed, noise=False).targets[4:15:5].tolist()) for seed in range(60)}
        assert len(orders) == 6
        assert all(sorted(order) == [101, 117, 190] for order in orders)

    def test_decodes_to_the_objects(self):
        found = decode_pix2seq(targets(noise=False).targets, HW, PUBLISHED)
        assert found.ended
        assert sorted(found.labels.tolist()) == [1, 17, 90]

    def test_no_objects_at_all(self):
        nothing = torch.zeros(0, 4), torch.zeros(0, dtype=torch.long)
        generator = torch.Generator().manual_seed(0)
        made = make_targets(*nothing, HW, SMALL, objects=3, generator=generator, noise=False)
        assert made.targets.tolist() == [SMALL.end] * 15
        noisy = make_targets(*nothing, HW, SMALL, objects=3, generator=generator)
        assert noisy.weights.sum() == 3

    def test_as_many_as_there_is_room_for(self):
        assert sorted(targets(objects=3).targets[4::5].tolist()) == [101, 117, 190]

    def test_too_many(self, unhooked):
        with pytest.raises(ValueError, match="boxes: expected at most 2"):
            targets(objects=2)


class TestDecodePix2seq:
    @pytest.mark.parametrize("vocabulary", [PUBLISHED, Pix2SeqVocabulary.compact(91, 500)])
    def test_undoes_encode(self, vocabulary):
        sequence = encode_pix2seq(BOXES, LABELS, HW, vocabulary)
        found = decode_pix2seq(sequence, HW, vocabulary)
        assert (found.boxes - BOXES).abs().max() <= vocabulary.quantisation.worst_error(640) + 1e-4
        assert found.labels.tolist() == LABELS.tolist()
        assert found.scores.tolist() == [1, 1, 1]
        assert (found.problems, found.ended) == ((), False)

    def test_stops_at_the_first_end(self):
        found = decode_pix2seq(tensor([*FIRST, 0, *FIRST, 0]), HW, PUBLISHED)
        assert (len(found.boxes), found.ended, found.problems) == (1, True, ())

    def test_only_an_end_and_nothing(self):
        for tokens, ended in ([0], True), ([], False):
            found = decode_pix2seq(tensor(tokens, dtype=torch.long), HW, PUBLISHED)
            assert (len(found.boxes), found.ended, found.problems) == (0, ended, ())

    def test_three_coordinates(self):
        """A missing coordinate shifts the class to the fourth place, and all that follows by one: nothing is kept."""
        found = decode_pix2seq(tensor(FIRST[1:] + FIRST + [0]), HW, PUBLISHED)
        assert len(found.boxes) == 0
        assert found.problems[0] == "tokens 5 to 8: an object has 5"
        assert "four coordinates first" in found.problems[1]

    def test_class_first(self):
        found = decode_pix2seq(tensor([FIRST[4], *FIRST[:4], *FIRST]), HW, PUBLISHED)
        assert found.problems == ("object 0, [117, 1208, 1234, 1728, 1624]: expected four coordinates first",)
        assert found.labels.tolist() == [17]

    @pytest.mark.parametrize("token", [5, 99, 2999, -1, PUBLISHED.start, 1208])
    def test_no_class_last(self, token):
        found = decode_pix2seq(tensor([*FIRST[:4], token, *FIRST]), HW, PUBLISHED)
        assert (len(found.boxes), len(found.problems)) == (1, 1)
        assert "expected a class last" in found.problems[0]

    @pytest.mark.parametrize("token", [2000, 999])
    def test_unknown_coordinate(self, token):
        found = decode_pix2seq(tensor([token, *FIRST[1:]]), HW, PUBLISHED)
        assert (len(found.boxes), len(found.problems)) == (0, 1)

    def test_end_inside_an_object(self):
        found = decode_pix2seq(tensor([*FIRST, *FIRST[:2], 0, *FIRST]), HW, PUBLISHED)
        assert (len(found.boxes), found.ended) == (1, True)
        assert found.problems == ("tokens 5 to 6: an object has 5",)

    def test_inverted(self):
        y1, x1, y2, x2, label = FIRST
        found = decode_pix2seq(tensor([y2, x1, y1, x2, label]), HW, PUBLISHED)
        assert (len(found.boxes), len(found.problems)) == (0, 1)
        assert "corners in the wrong order" in found.problems[0]

    def test_noise_without_logits_is_left_out(self):
        found = decode_pix2seq(tensor([*FIRST[:4], PUBLISHED.noise, *FIRST]), HW, PUBLISHED)
        assert (found.labels.tolist(), found.problems) == ([17], ())

    def test_logits_replace_the_class(self):
        """Noise 60 %, class 4 30 %, a coordinate 10 %: the object is kept, class 4, score 0.3."""
        logits = torch.full((5, PUBLISHED.size), -1e4)
        logits[4, [PUBLISHED.noise, 104, 1500]] = tensor([0.6, 0.3, 0.1]).log()
        found = decode_pix2seq(tensor([*FIRST[:4], PUBLISHED.noise]), HW, PUBLISHED, logits)
        assert found.labels.tolist() == [4]
        assert found.scores.tolist() == pytest.approx([0.3])

    def test_logits_equal_the_slow_way(self):
        logits = torch.randn(15, SMALL.size, generator=torch.Generator().manual_seed(0))
        tokens = encode_pix2seq(BOXES, tensor([1, 2, 3]), HW, SMALL)
        found = decode_pix2seq(tokens, HW, SMALL, logits)
        for number in range(3):
            probabilities = logits[5 * number + 4].softmax(0)[3:15].tolist()
            assert found.scores[number].item() == pytest.approx(max(probabilities))
            assert found.labels[number].item() == probabilities.index(max(probabilities))

    def test_logits_of_another_length(self, unhooked):
        with pytest.raises(ValueError, match="logits: expected as many rows as tokens"):
            decode_pix2seq(tensor(FIRST), HW, PUBLISHED, torch.zeros(4, PUBLISHED.size))
