import pytest
import torch

from gk_utils import checkpoints
from gk_utils.checkpoints import SHIPPED, Card
from gk_utils.countertop.dataset import read_split, rendered_batches
from gk_utils.heads.grounder import NAMES, HeadGrounder, load_head
from gk_utils.heads.recipe import build, build_head
from gk_utils.models.trunk_grounder import frozen_trunk


@pytest.fixture(scope="module")
def batch():
    return next(rendered_batches(read_split("val")[:12], 12))


def grounder_of(name: str) -> HeadGrounder:
    torch.manual_seed(0)
    return HeadGrounder(frozen_trunk(), build_head({"head": name, "bins": 32}, 128), name)


class TestAnswers:
    def test_in_pixels_of_the_pictures_and_nones_of_the_trunk(self, batch):
        grounder, rows = grounder_of("tokens"), torch.arange(12)
        texts = [sample.text for sample in batch.samples]
        answered, lookups = grounder.answers(batch.images, texts, rows)
        torch.testing.assert_close(answered.boxes, grounder.head.answer(lookups, (128, 128)).boxes)
        torch.testing.assert_close(lookups.none, frozen_trunk().answers(batch.images, texts, rows)[1])


class TestGround:
    def test_back_into_the_pictures_own_pixels(self, monkeypatch):
        """A head that always says the same box, of a picture twice as wide as high: the square's lower half is grey."""

        class Fixed(torch.nn.Module):
            def answer(self, lookups, image_hw):
                answered = grounder_of("query").head.answer(lookups, image_hw)
                answered.boxes[:] = torch.tensor([32.0, 16, 64, 100])
                return answered

        monkeypatch.setattr("gk_utils.models.trunk.Trunk.score", lambda self, joint, p: torch.zeros(len(joint), p + 1))
        found = HeadGrounder(frozen_trunk(), Fixed(), "fixed").ground(torch.rand(3, 100, 200), "the red mug")
        torch.testing.assert_close(found.boxes, torch.tensor([[50.0, 25, 100, 100]]), rtol=0, atol=1e-3)
        torch.testing.assert_close(found.scores, torch.tensor([64 / 65]))
        assert found.image_hw == (100, 200)

    def test_no_box_where_nothing_can_be_read_or_nothing_is(self, batch):
        grounder = grounder_of("text")
        absences = []
        for sample, image in zip(batch.samples, batch.images, strict=True):
            found = grounder.ground(image, sample.text)
            absences.append(found.absent)
            assert len(found.boxes) == 0  # with random weights no text is a box
        assert {True, False} == set(absences)

    def test_a_phrase_without_words(self):
        with pytest.raises(ValueError, match="phrase: expected 1 to 64 words"):
            grounder_of("query").ground(torch.rand(3, 8, 8), " ")


class TestLoadHead:
    @pytest.mark.parametrize("tune", [False, True])
    def test_a_saved_head_comes_back(self, tmp_path, batch, tune: bool):
        settings = {
            "trunk": "trunk_small",
            "head": "tokens",
            "bins": 32,
            "layers": 1,
            **({"tune": True} if tune else {}),
        }
        torch.manual_seed(0)
        module = build(settings)
        checkpoints.save(module.state_dict(), tmp_path / "mine", Card("mine", 0, 1, "cpu", 0.1, {}, settings))
        grounder, card = load_head(tmp_path / "mine")
        texts, rows = [sample.text for sample in batch.samples], torch.arange(12)
        expected = HeadGrounder(*((module.trunk, module.head) if tune else (frozen_trunk(), module)), "mine")
        for mine, other in zip(
            grounder.answers(batch.images, texts, rows)[0].boxes,
            expected.answers(batch.images, texts, rows)[0].boxes,
            strict=True,
        ):
            torch.testing.assert_close(mine, other)
        assert (grounder.name, card.recipe) == ("mine", "mine")
        assert (grounder.trunk is frozen_trunk("trunk_small", "cpu")) is not tune

    def test_one_trained_on_other_weights_of_its_trunk(self, tmp_path):
        settings = {"trunk": "trunk_small", "head": "pooled"}
        card = Card("mine", 0, 1, "cpu", 0.1, {"trunk": "0" * 12}, settings)
        checkpoints.save(build(settings).state_dict(), tmp_path, card)
        with pytest.raises(ValueError, match="the weights .{12} of trunk_small, got one for 0{12}.*train mine"):
            load_head(tmp_path)

    def test_what_is_not_there(self, tmp_path):
        with pytest.raises(FileNotFoundError):
            load_head(tmp_path)

    @pytest.mark.parametrize("name", NAMES)
    def test_the_shipped_heads_answer_a_picture(self, name: str, batch):
        grounder, card = load_head(name)
        assert card.recipe == name
        assert (SHIPPED / name).is_dir()
        assert grounder.ground(batch.images[0], batch.samples[0].text).image_hw == (128, 128)
