import itertools
import json
from collections import Counter

import numpy as np
import pytest
import torch

from gk_utils.countertop import dataset
from gk_utils.countertop.dataset import SPLITS, main, make_split, read_split, rendered_batches, stream
from gk_utils.countertop.language import TYPES
from gk_utils.countertop.programs import referents
from gk_utils.countertop.render import render
from gk_utils.countertop.splits import FOLDER, parse_split
from gk_utils.countertop.things import KINDS

SAMPLES = {name: read_split(name) for name in SPLITS}
FIRST = 8  # scenes that are made anew: every file's start


@pytest.fixture(autouse=True)
def _few_at_once(monkeypatch):
    """A split needs as many scenes as it has, whatever the number rendered at once."""
    monkeypatch.setattr(dataset, "CHUNK", 8)


class TestStream:
    def test_the_same_seed_gives_the_same_and_another_another(self):
        one, same, other = (list(itertools.islice(stream(seed), 12)) for seed in (3, 3, 4))
        assert one == same
        assert not {scene for scene, _ in one} & {scene for scene, _ in other}
        assert len({scene for scene, _ in one}) == 12

    def test_goes_on_where_it_was(self):
        assert list(itertools.islice(stream(3, start=7), 4)) == list(itertools.islice(stream(3), 7, 11))

    def test_expressions_mean_what_they_say(self):
        for scene, expressions in itertools.islice(stream(0, n_expressions=3), 30):
            assert len(expressions) == 3
            for expression in expressions:
                assert expression.referents == referents(expression.program, scene)
                assert len(expression.referents) == (expression.type != "absent")

    def test_no_seed_of_any_stream_is_a_splits(self):
        ends = [next(stream(seed, start=start))[0].seed for seed in (0, 2**14 - 1) for start in (0, 2**26 - 1)]
        assert ends == [0, 2**26 - 1, 2**40 - 2**26, 2**40 - 1]
        assert min(split.seeds.start for split in SPLITS.values()) == ends[-1] + 1
        assert next(stream(1))[0].seed == 2**26
        assert next(stream(1, start=2**26))[0].seed == 2**26

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"seed": -1}, "seed: expected 0 to 16383, got -1"),
            ({"seed": 2**14}, "seed: expected 0 to 16383, got 16384. Take it modulo 16384"),
            ({"seed": 0, "start": -1}, "start: expected 0 or more, got -1"),
        ],
    )
    def test_error_text(self, arguments, message):
        with pytest.raises(ValueError, match=message):
            stream(**arguments)


class TestRenderedBatches:
    @pytest.mark.parametrize("name", SPLITS)
    def test_boxes_are_those_of_the_file(self, name):
        samples = SAMPLES[name][37:73]
        batches = list(rendered_batches(samples, size=15))
        assert [len(batch.samples) for batch in batches] == [15, 15, 6]
        assert tuple(sample for batch in batches for sample in batch.samples) == samples
        boxes, present = (torch.cat([getattr(batch, key) for batch in batches]) for key in ("boxes", "present"))
        wanted = torch.tensor([sample.box or (0.0,) * 4 for sample in samples])
        torch.testing.assert_close(boxes, wanted, atol=0.1, rtol=0)
        assert present.tolist() == [sample.type != "absent" for sample in samples]

    def test_pictures_are_those_of_the_scenes(self):
        samples = SAMPLES["val"][:9]
        (batch,) = rendered_batches(samples, size=16)
        alone = torch.cat([render([sample.scene]).images for sample in samples])
        torch.testing.assert_close(batch.images, alone, atol=1e-5, rtol=0)

    def test_at_twice_the_size(self):
        samples = SAMPLES["testB"][:6]
        (once,), (twice,) = (rendered_batches(samples, size=6, image_hw=hw) for hw in ((128, 128), (256, 256)))
        assert twice.images.shape == (6, 3, 256, 256)
        torch.testing.assert_close(twice.boxes, 2 * once.boxes, atol=3, rtol=0)

    def test_nothing(self):
        assert list(rendered_batches([])) == []

    def test_holds_one_batch_at_a_time(self, monkeypatch):
        """A batch is rendered when it is asked for, not before."""
        calls = []
        monkeypatch.setattr(dataset, "render", lambda *some: calls.append(len(some[0])) or render(*some))
        batches = rendered_batches(SAMPLES["val"][:20], size=5)
        assert calls == []
        next(batches)
        assert len(calls) == 1


class TestMakeSplit:
    @pytest.mark.parametrize("name", SPLITS)
    def test_the_file_is_what_is_made(self, name):
        made = make_split(name, scenes=FIRST)
        file = json.loads((FOLDER / f"{name}.json").read_text())
        assert made["scenes"] == file["scenes"][:FIRST]
        assert {**made, "scenes": []} == {**file, "scenes": []}

    def test_a_small_split_whole(self, monkeypatch):
        """As many of every type as asked for; the referents are well visible and of the right kind in a new render."""
        small = dataset.Split(range(2**39, 2**39 + 500), 16, True)
        monkeypatch.setitem(SPLITS, "testA", small)
        samples = parse_split(make_split("testA"), "testA", "testA.json")
        assert Counter(sample.type for sample in samples) == dict.fromkeys(TYPES, 2)
        for sample in samples:
            if sample.referent is None:
                continue
            assert KINDS[sample.scene.things[sample.referent].category].animal
            rendered = render([sample.scene])
            seen, whole = (masks[0, sample.referent].sum() for masks in (rendered.masks, rendered.masks_full))
            assert seen >= 0.4 * whole
            assert rendered.boxes[0, sample.referent].tolist() == pytest.approx(sample.box, abs=0.1)

    def test_a_hidden_referent_is_left_out(self, monkeypatch):
        """With nothing well visible, absent expressions alone remain; the search ends with the seeds."""
        monkeypatch.setattr(dataset, "VISIBLE", 1.01)
        monkeypatch.setitem(SPLITS, "val", dataset.Split(range(2**40, 2**40 + 8), 16, None))
        types = [row[1] for entry in make_split("val")["scenes"] for row in entry["expressions"]]
        assert types == ["absent", "absent"]

    def test_error_text(self):
        with pytest.raises(ValueError, match="name: expected one of 'val', 'testA', 'testB', got 'train'"):
            make_split("train")


class TestMain:
    def test_writes_what_it_made_and_leaves_nothing_else(self, monkeypatch, tmp_path, capsys):
        monkeypatch.setattr(dataset, "FOLDER", tmp_path / "countertop")
        for name, split in SPLITS.items():
            monkeypatch.setitem(SPLITS, name, dataset.Split(split.seeds, 8, split.animals))
        main()
        assert sorted(path.name for path in (tmp_path / "countertop").iterdir()) == [
            "testA.json",
            "testB.json",
            "val.json",
        ]
        for name in SPLITS:
            samples = read_split(name, tmp_path / "countertop")
            assert Counter(sample.type for sample in samples) == dict.fromkeys(TYPES, 1)
        assert capsys.readouterr().out.startswith("val: 8 expressions, ")

    def test_a_write_that_fails_leaves_the_old_file(self, monkeypatch, tmp_path):
        monkeypatch.setattr(dataset, "FOLDER", tmp_path)
        (tmp_path / "val.json").write_text("old")
        monkeypatch.setattr(dataset, "make_split", lambda name: {"split": name, "image_hw": [1, 1], "scenes": []})
        with pytest.raises(ValueError, match="val.json: image_hw"):
            main()
        assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("val.json", "old")]


def test_dialects_are_drawn_as_in_the_language():
    """What make_split draws by itself, draw_expressions draws for the stream: the same shares."""
    drawn = Counter(one.dialect for _, some in itertools.islice(stream(9, 4), 80) for one in some)
    ours = Counter(sample.dialect for sample in SAMPLES["val"])
    shares = [np.array([counts[name] for name in sorted(ours)]) / counts.total() for counts in (drawn, ours)]
    assert np.abs(shares[0] - shares[1]).max() < 0.1
