import copy
import json
from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest

from gk_utils.countertop.language import TYPES, draw_scene_for
from gk_utils.countertop.scene import Scene, draw_scene
from gk_utils.countertop.splits import FOLDER, IMAGE_HW, SPLITS, Sample, checksum_of, parse_split, read_split
from gk_utils.countertop.things import KINDS
from gk_utils.countertop.wording import vocabulary, words

SAMPLES = {name: read_split(name) for name in SPLITS}
GOOD = {
    "split": "val",
    "image_hw": [128, 128],
    "scenes": [
        {
            "seed": 2**40 + 3,
            "sha256": "0123456789ab",
            "expressions": [["red mug", "attribute", "refcoco+", 2, [1, 2.5, 30, 40]]],
        },
        {"seed": 2**40 + 9, "sha256": "f" * 12, "expressions": [["the cat", "absent", "refcocog", None, None]]},
    ],
}


class TestReadSplit:
    @pytest.mark.parametrize("name", SPLITS)
    def test_every_type_as_often(self, name):
        counts = Counter(sample.type for sample in SAMPLES[name])
        assert counts == dict.fromkeys(TYPES, SPLITS[name].expressions // len(TYPES))

    @pytest.mark.parametrize("name", SPLITS)
    def test_the_start_is_as_balanced_as_the_whole(self, name):
        for stop in (100, 400, 900):
            counts = Counter(sample.type for sample in SAMPLES[name][:stop])
            assert max(counts[type] for type in TYPES) - min(counts[type] for type in TYPES) <= 3

    @pytest.mark.parametrize("name", SPLITS)
    def test_dialects(self, name):
        """refcoco+ has four of the eight types, a third of each: a sixth of all, give or take 0.03."""
        counts = Counter(sample.dialect for sample in SAMPLES[name])
        shares = {dialect: count / len(SAMPLES[name]) for dialect, count in counts.items()}
        assert shares == pytest.approx({"refcoco": 5 / 12, "refcoco+": 1 / 6, "refcocog": 5 / 12}, abs=0.04)

    @pytest.mark.parametrize("name", SPLITS)
    def test_one_to_four_expressions_a_scene_together_and_different(self, name):
        seeds = [sample.seed for sample in SAMPLES[name]]
        assert seeds == sorted(seeds)
        assert set(Counter(seeds).values()) == {1, 2, 3, 4}
        assert len({(sample.seed, sample.text) for sample in SAMPLES[name]}) == len(seeds)

    def test_no_seed_in_two_splits_or_below_those_of_training(self):
        seen = [{sample.seed for sample in samples} for samples in SAMPLES.values()]
        assert len(set.union(*seen)) == sum(map(len, seen))
        assert min(set.union(*seen)) >= 2**40
        ranges = sorted((split.seeds.start, split.seeds.stop) for split in SPLITS.values())
        assert all(before[1] <= after[0] for before, after in pairwise(ranges))

    def test_no_two_splits_share_a_scene(self):
        """By what is drawn, the seed apart."""
        looks = [{replace(sample.scene, seed=0) for sample in SAMPLES[name][:120]} for name in SPLITS]
        assert len(set.union(*looks)) == sum(map(len, looks))

    def test_referents_of_test_a_are_animals_and_of_test_b_none(self):
        for name, animal, step in (("testA", True, 3), ("testB", False, 6)):
            for sample in SAMPLES[name][::step]:
                if sample.referent is not None:
                    category = sample.scene.things[sample.referent].category
                    assert KINDS[category].animal is animal, (name, sample)
                else:
                    asked = {word for word in words(sample.text) if word in KINDS}
                    assert asked, sample
        asked = [words(sample.text) for sample in SAMPLES["testA"] if sample.referent is None]
        assert all({"cat", "bird"} & set(text) for text in asked)
        assert all({"cat", "bird", "thing"} & set(words(sample.text)) for sample in SAMPLES["testA"])

    def test_both_are_in_val(self):
        kinds = {
            KINDS[sample.scene.things[sample.referent].category].animal for sample in SAMPLES["val"][:80] if sample.box
        }
        assert kinds == {True, False}

    def test_the_words_are_those_of_the_language(self):
        known = set(vocabulary())
        assert all(set(words(sample.text)) <= known for samples in SAMPLES.values() for sample in samples)

    def test_small_and_a_line_a_scene(self):
        paths = [FOLDER / f"{name}.json" for name in SPLITS]
        assert sum(path.stat().st_size for path in paths) <= 900_000
        lines = paths[0].read_text().splitlines()
        assert len(lines) == len({sample.seed for sample in SAMPLES["val"]}) + 2
        assert max(map(len, lines)) < 1000

    def test_error_text(self):
        with pytest.raises(ValueError, match=r"name: expected one of 'val', 'testA', 'testB', got 'test'"):
            read_split("test")

    def test_a_file_cut_off(self, tmp_path):
        (tmp_path / "val.json").write_text((FOLDER / "val.json").read_text()[:5000])
        with pytest.raises(ValueError, match=r"^val.json: expected one JSON document, got .* Is the file cut off\?"):
            read_split("val", tmp_path)


class TestSample:
    def test_scene(self):
        sample = SAMPLES["val"][0]
        assert sample.scene == draw_scene_for(sample.seed)
        assert (sample.image_hw, len(sample.box)) == ((128, 128), 4)

    def test_another_scene_is_noticed(self):
        sample = replace(SAMPLES["testA"][5], checksum="0" * 12)
        found = SAMPLES["testA"][5].checksum
        text = f"data/countertop/testA.json: expected scene 000000000000 from seed {sample.seed}, got {found}. Scenes"
        with pytest.raises(ValueError, match=text):
            _ = sample.scene

    def test_a_thing_that_is_not_there(self):
        with pytest.raises(ValueError, match=r"val.json: expected a referent below \d+, .* got 99 for"):
            _ = replace(SAMPLES["val"][0], referent=99).scene


class TestChecksumOf:
    def test_by_hand(self):
        """The SHA-256 of this text, by sha256sum."""
        assert json.dumps(Scene(()).to_dict(), sort_keys=True, separators=(",", ":")) == (
            '{"counter":"oak","seed":0,"things":[],"wall":"cream"}'
        )
        assert checksum_of(Scene(())) == "8891d94d2fa2"

    def test_sees_every_field(self):
        scene = draw_scene(3, n=3)
        others = [
            replace(scene, seed=4),
            replace(scene, wall="mist" if scene.wall != "mist" else "sage"),
            replace(scene, things=scene.things[:-1]),
            replace(scene, things=(replace(scene.things[0], x=scene.things[0].x + 0.0001), *scene.things[1:])),
        ]
        assert len({checksum_of(each) for each in (scene, *others)}) == 5


class TestParseSplit:
    def test_by_hand(self):
        first, second = parse_split(GOOD, "val", "val.json")
        assert first == Sample(
            "val", 2**40 + 3, "0123456789ab", "red mug", "attribute", "refcoco+", 2, (1.0, 2.5, 30.0, 40.0), IMAGE_HW
        )
        assert (second.referent, second.box) == (None, None)

    @pytest.mark.parametrize(
        ("path", "value", "message"),
        [
            ((), [], r"val.json: expected an object, got \[\]"),
            (("split",), "testA", "val.json: split: expected 'val', got 'testA'"),
            (("image_hw",), [128, 96], r"val.json: image_hw: expected \[128, 128\], got \[128, 96\]"),
            (("scenes",), [], r"val.json: scenes: expected a list, not empty, got \[\]"),
            (("scenes", 1), 7, r"val.json: scenes\[1\] \(seed None\): seed: expected .* got None"),
            (("scenes", 0, "seed"), 5, r"val.json: scenes\[0\] \(seed 5\): seed: expected 1099511627776 to \d+, each"),
            (("scenes", 1, "seed"), 2**40 + 3, r"val.json: scenes\[1\] .*: seed: expected 1099511627780 to \d+"),
            (("scenes", 0, "seed"), True, r"scenes\[0\] \(seed True\): seed"),
            (("scenes", 0, "sha256"), "012", r"scenes\[0\] .*sha256: expected 12 hexadecimal digits, got '012'"),
            (("scenes", 0, "sha256"), 12, r"scenes\[0\] .*sha256: expected 12 hexadecimal digits, got 12"),
            (("scenes", 0, "expressions"), None, r"scenes\[0\] .*expressions: expected a list, not empty, got None"),
            (("scenes", 0, "expressions", 0), ["a"], r"expressions\[0\]: expected \[text, type, dialect, referent"),
            (("scenes", 0, "expressions", 0, 0), " mug", r"expressions\[0\]: expected a text, got ' mug'"),
            (("scenes", 0, "expressions", 0, 1), "hard", r"expressions\[0\]: expected one of attribute, .* got 'hard'"),
            (("scenes", 0, "expressions", 0, 1), "nested", r"expected a dialect that has the type nested, got 'refc"),
            (("scenes", 0, "expressions", 0, 1), "absent", r"expected no referent and no box, got \[2, \[1"),
            (("scenes", 0, "expressions", 0, 2), "refclef", r"expected a dialect that has the type attribute, got"),
            (("scenes", 0, "expressions", 0, 3), -1, r"expected the index of the referent, got -1"),
            (("scenes", 0, "expressions", 0, 3), None, r"expected the index of the referent, got None"),
            (("scenes", 0, "expressions", 0, 4), [1, 2, 3], r"expected a box xyxy inside 128 x 128 pixels, got \[1, 2"),
            (("scenes", 0, "expressions", 0, 4), [9, 2, 3, 4], r"expected a box xyxy inside .* got \[9, 2, 3, 4\]"),
            (("scenes", 0, "expressions", 0, 4), [1, 2, 3, 129], r"expected a box xyxy inside .* got \[1, 2, 3, 129"),
            (("scenes", 0, "expressions", 0, 4), ["1", 2, 3, 4], r"expected a box xyxy inside .* got \['1'"),
        ],
    )
    def test_damaged(self, path, value, message):
        document = copy.deepcopy(GOOD)
        if path:
            *way, last = path
            inner = document
            for step in way:
                inner = inner[step]
            inner[last] = value
        else:
            document = value
        with pytest.raises(ValueError, match=message):
            parse_split(document, "val", "val.json")
