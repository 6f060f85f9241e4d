import pytest
import torch
from torch.testing import assert_close

from gk_utils.ferret.hybrid_reference import HybridReference
from gk_utils.ferret.region_questions import ANSWERS
from gk_utils.ferret.region_reader import (
    REFERENCES,
    Look,
    ReaderSettings,
    RegionReader,
    RegionsAsked,
    allowed_answers,
)
from gk_utils.ferret.two_resolutions import SeenPictures

SIZES = {"width": 16, "heads": 2, "layers": 1, "sampler_width": 8, "points": 10, "kept": (4, 2), "neighbours": (3, 2)}


def reader_of(reference: str, tiles: bool = False) -> RegionReader:
    torch.manual_seed(0)
    return RegionReader(ReaderSettings(12, 4, reference, tiles, **SIZES)).eval()


def asked_of(reader: RegionReader, n: int = 3, seed: int = 0) -> tuple[SeenPictures, RegionsAsked]:
    generator = torch.Generator().manual_seed(seed)
    seen = SeenPictures(torch.randn(2, 12, 4, 4, generator=generator), torch.randn(2, 12, 8, 8, generator=generator))
    tokens = reader.sentences(["colour"] * n, [HybridReference((0, 0, 500, 500))] * n)
    points = torch.rand(n, 10, 2, generator=generator)
    boxes = torch.tensor([[0.0, 0.0, 0.5, 0.5]]).repeat(n, 1)
    return seen, RegionsAsked(tokens, torch.arange(n) % 2, boxes, points, torch.ones(n, dtype=torch.bool))


class TestRegionReader:
    @pytest.mark.parametrize("reference", REFERENCES)
    def test_every_reader_answers_and_learns_all_its_weights(self, reference):
        reader = reader_of(reference)
        seen, asked = asked_of(reader)
        logits = reader(seen, asked)
        assert logits.shape == (3, len(ANSWERS))
        logits.square().sum().backward()
        assert not [name for name, value in reader.named_parameters() if value.grad is None or not value.grad.any()]

    @pytest.mark.parametrize(("reference", "sees"), [("coordinates", False), ("roi", False), ("pooled", True)])
    def test_who_is_told_the_box_alone_answers_twins_alike(self, reference, sees):
        reader = reader_of(reference)
        seen, first = asked_of(reader)
        other = RegionsAsked(first.tokens, first.picture, first.boxes_unit, 1 - first.points, first.there)
        assert reader(seen, first).equal(reader(seen, other)) == (not sees)

    def test_questions_do_not_see_each_other_and_padding_does_not_matter(self):
        reader = reader_of("hybrid")
        seen, asked = asked_of(reader)
        longer = torch.cat([asked.tokens, torch.zeros(3, 2, dtype=torch.long)], 1)
        padded = RegionsAsked(longer, asked.picture, asked.boxes_unit, asked.points, asked.there)
        assert_close(reader(seen, padded), reader(seen, asked), rtol=1e-4, atol=1e-5)
        second = RegionsAsked(
            asked.tokens[1:2],
            *(part[1:2] for part in (asked.picture, asked.boxes_unit)),
            asked.points[1:2],
            asked.there[1:2],
        )
        assert_close(reader(seen, second), reader(seen, asked)[1:2], rtol=1e-4, atol=1e-5)

    def test_an_empty_region_has_no_features(self):
        reader = reader_of("hybrid")
        seen, asked = asked_of(reader)
        nothing = RegionsAsked(
            *(getattr(asked, name) for name in ("tokens", "picture", "boxes_unit", "points")),
            torch.zeros(3, dtype=torch.bool),
        )
        assert not reader.region_vector(seen, nothing).any()
        assert reader(seen, nothing).isfinite().all()

    def test_two_resolutions_read_both_maps(self):
        reader = reader_of("hybrid", tiles=True)
        seen, asked = asked_of(reader)
        before = reader.region_vector(seen, asked)
        for maps in (SeenPictures(seen.whole + 1, seen.tiles), SeenPictures(seen.whole, seen.tiles.flip(-1))):
            assert not torch.allclose(reader.region_vector(maps, asked), before)

    def test_sentences(self):
        written = HybridReference((1, 2, 3, 4))
        lengths = {kind: reader_of(kind).sentences(["category"], [written]).shape[1] for kind in REFERENCES}
        assert lengths == {"coordinates": 7, "roi": 8, "pooled": 8, "sampler": 4, "hybrid": 8}

    def test_errors(self):
        with pytest.raises(ValueError, match="reference: expected one of"):
            ReaderSettings(12, 4, "boxes")


class TestLook:
    def test_each_question_looks_at_its_own_picture(self):
        torch.manual_seed(0)
        look, words, patches = Look(8, 2), torch.randn(2, 3, 8), torch.randn(2, 5, 8)
        both = look(words, patches, torch.tensor([1, 0]))
        assert_close(both[:1], look(words[:1], patches[1:], torch.tensor([0])))


class TestAllowedAnswers:
    def test_every_answer_belongs_to_one_question(self):
        allowed = allowed_answers(["category", "colour", "pattern", "facing", "state"])
        assert (allowed.sum(0) == 1).all()
        assert allowed[3, ANSWERS.index("left")]
