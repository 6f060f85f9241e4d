import pytest
import torch

from gk_utils.boxes import paired_iou
from gk_utils.countertop.dataset import read_split, rendered_batches
from gk_utils.countertop.render import render
from gk_utils.heads.lookups import join_lookups, look, lookups_of, sample_lookups
from gk_utils.models.places import place_encoding
from gk_utils.models.trunk_grounder import frozen_trunk
from gk_utils.models.trunk_recipe import draw


@pytest.fixture(scope="module")
def drawn():
    return draw({"scenes": 6, "expressions": 4}, seed=3, step=1)


@pytest.fixture(scope="module")
def lookups(drawn):
    return lookups_of(frozen_trunk(), drawn)


class TestLookupsOf:
    def test_features_are_the_trunks_with_the_places_added(self, drawn, lookups):
        trunk = frozen_trunk()
        images = render(drawn.scenes, (128, 128)).images
        joint = trunk.join(trunk.see(images).features[drawn.scene], trunk.number(drawn.texts))[0]
        added = lookups.features - joint
        torch.testing.assert_close(added[:, :64], place_encoding(trunk.centres_unit, 128).expand(24, -1, -1))
        assert (added[:, 64:] == 0).all()
        assert lookups.seen.sum(1).tolist() == [64 + len(text.split()) for text in drawn.texts]

    def test_boxes_and_presence_are_those_of_the_referents(self, drawn, lookups):
        rendered = render(drawn.scenes, (128, 128))
        for row, scene in enumerate(drawn.scene.tolist()):
            referents = drawn.answer[row].nonzero().flatten().tolist()
            if not lookups.present[row]:
                assert (lookups.boxes_unit[row] == 0).all()
                hidden = [
                    rendered.masks[scene, thing].sum() <= 0.25 * rendered.masks_full[scene, thing].sum()
                    for thing in referents
                ]
                assert all(hidden)
                continue
            torch.testing.assert_close(lookups.boxes_unit[row] * 128, rendered.boxes[scene, referents[0]])
        assert 0 < int(lookups.present.sum()) < len(lookups)

    def test_none_is_the_trunks_share(self, drawn, lookups):
        _, asked = frozen_trunk()(
            render(drawn.scenes, (128, 128)).images, frozen_trunk().number(drawn.texts), drawn.scene
        )
        torch.testing.assert_close(lookups.none, asked.answer.softmax(1)[:, -1])


class TestSampleLookups:
    def test_order_and_truth(self):
        samples = read_split("val")[:70]
        lookups = sample_lookups(frozen_trunk(), samples)
        truth = torch.tensor([sample.box or (0, 0, 0, 0) for sample in samples]) / 128
        assert lookups.present.tolist() == [sample.referent is not None for sample in samples]
        assert paired_iou(lookups.boxes_unit, truth)[lookups.present].min() > 0.97

    def test_the_batch_changes_nothing(self):
        """Nobody's features depend on the longer expressions beside it."""
        samples = read_split("val")[:6]
        together = sample_lookups(frozen_trunk(), samples)
        for row, sample in enumerate(samples):
            alone = sample_lookups(frozen_trunk(), [sample])
            n = alone.features.shape[1]
            torch.testing.assert_close(together.features[row, :n], alone.features[0], rtol=1e-4, atol=1e-4)

    def test_nothing(self):
        with pytest.raises(ValueError, match="samples: expected at least one"):
            sample_lookups(frozen_trunk(), [])


class TestJoinLookups:
    def test_rows_come_back(self, lookups):
        parts = [lookups[:5], lookups[5:]]
        short = parts[0].words_seen.any(0).sum()
        cut = type(lookups)(
            *(parts[0].features[:, : 64 + short], parts[0].words_seen[:, :short], parts[0].boxes_unit),
            *(parts[0].present, parts[0].none),
        )
        joined = join_lookups([cut, parts[1]])
        assert len(joined) == len(lookups)
        assert torch.equal(joined.words_seen, lookups.words_seen)
        torch.testing.assert_close(joined.features[joined.seen], lookups.features[lookups.seen])


class TestLook:
    def test_as_sample_lookups_but_without_truth(self):
        samples = read_split("val")[:4]
        batch = next(rendered_batches(samples, 4))
        lookups = look(frozen_trunk(), batch.images, [sample.text for sample in samples], torch.arange(4))
        torch.testing.assert_close(lookups.features, sample_lookups(frozen_trunk(), samples).features)
        assert not lookups.present.any()
        assert not lookups.boxes_unit.any()
