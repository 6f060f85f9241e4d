"""Rows of GrIT from files, held against the stages of lesson 12 called one picture after the other."""

import shutil
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from some_pairs import write_pairs

from gk_utils.checkpoints import SHIPPED
from gk_utils.formats.grit import read_grit, write_grit
from gk_utils.ground import read_picture
from gk_utils.kosmos2 import grit_stages
from gk_utils.kosmos2.grit_stages import make_sample
from gk_utils.models.trunk_grounder import load_grounder
from gk_utils.scale import grit_job, jobs
from gk_utils.scale.grit_job import Pair, grit_task, parse_pair, read_samples, row_of, slice_captions
from gk_utils.scale.jobs import in_this_process, run_job

CHECKPOINT = str(SHIPPED / "trunk_small")


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    return write_pairs(tmp_path_factory.mktemp("pairs"), 20)


@pytest.fixture(scope="module")
def serial(pairs):
    """The samples as a loop makes them; a pair without a box is None."""
    captions, images = pairs
    grounder = load_grounder(CHECKPOINT)[0]
    made = []
    for number, line in enumerate(captions.read_text().splitlines()):
        image, caption = parse_pair(line, captions.name)
        pixels = torch.from_numpy(read_picture(images / image)).permute(2, 0, 1).float() / 255
        sample = make_sample(pixels, caption, grounder, id=number).sample
        made.append(sample and replace(sample, key=f"{number:09d}", url=image))
    return made


class TestJob:
    def test_equals_the_loop_row_for_row(self, pairs, serial, tmp_path):
        task = grit_task(*pairs, CHECKPOINT)
        manifest = run_job(task, tmp_path / "out", in_this_process)
        assert list(read_samples(manifest)) == [sample for sample in serial if sample is not None]
        assert manifest.total("empty") == serial.count(None)
        assert len(manifest.entries) == 2
        assert {len(sample.noun_chunks.spans) > 0 for sample in read_samples(manifest)} == {True}

    def test_the_columns_of_the_published_table(self, pairs, tmp_path):
        from pyarrow import parquet

        run_job(grit_task(*pairs, CHECKPOINT), tmp_path / "out", in_this_process)
        schema = parquet.read_schema(tmp_path / "out" / "part-000000.parquet")
        names = ["key", "clip_similarity_vitb32", "clip_similarity_vitl14", "id", "url", "caption", "width", "height"]
        assert schema.names == [*names, "noun_chunks", "ref_exps"]
        assert str(schema.field("noun_chunks").type).count("double") == 1

    def test_to_json_lines_and_back(self, pairs, tmp_path):
        samples = tuple(read_samples(run_job(grit_task(*pairs, CHECKPOINT), tmp_path / "out", in_this_process)))
        write_grit(samples, tmp_path / "grit.jsonl")
        assert read_grit(tmp_path / "grit.jsonl") == samples

    def test_broken_pictures_are_listed_and_the_rest_is_right(self, serial, tmp_path):
        captions, images = write_pairs(tmp_path, 20)
        for name, content in {"2.png": b"", "3.png": (images / "3.png").read_bytes()[:300], "17.png": b"x"}.items():
            (images / name).write_bytes(content)
        (images / "5.png").unlink()
        manifest = run_job(grit_task(captions, images, CHECKPOINT), tmp_path / "out", in_this_process)
        assert [name for name, _ in manifest.broken] == ["2.png", "3.png", "5.png", "17.png"]
        assert all(reason.startswith("IMAGE: expected") for _, reason in manifest.broken)
        right = [sample for number, sample in enumerate(serial) if sample and number not in (2, 3, 5, 17)]
        assert list(read_samples(manifest)) == right

    def test_settings_tell_jobs_apart(self, pairs, tmp_path):
        task = grit_task(*pairs, CHECKPOINT)
        assert task.settings()["weights_sha256"] == task.sha256 == load_grounder(CHECKPOINT)[1].sha256
        assert (task.settings()["pairs"], task.settings()["images"]) == (20, str(pairs[1].resolve()))
        assert task.settings() != grit_task(pairs[0], tmp_path, CHECKPOINT).settings()
        assert task.settings() != grit_task(*pairs).settings()
        (tmp_path / "captions.jsonl").write_text(pairs[0].read_text() + '{"image": "0.png", "caption": "a mug"}\n')
        assert task.settings() != grit_task(tmp_path / "captions.jsonl", pairs[1], CHECKPOINT).settings()

    def test_other_weights_on_the_worker(self, pairs):
        with pytest.raises(ValueError, match="weights: expected 000000000000, got"):
            replace(grit_task(*pairs, CHECKPOINT), sha256=64 * "0").load("cpu")

    def test_other_captions_on_the_worker(self, pairs, tmp_path):
        path = tmp_path / "captions.jsonl"
        path.write_text(pairs[0].read_text())
        task = grit_task(path, pairs[1], CHECKPOINT)
        path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))
        with pytest.raises(ValueError, match="captions: expected the driver's file, got another"):
            task.load("cpu")
        with pytest.raises(ValueError, match="captions: expected 4 pairs in part-000001.parquet, got 3"):
            task.items(task.shards()[1])

    def test_a_link_whose_file_has_another_ending(self, tmp_path):
        captions, images = write_pairs(tmp_path, 3, "tsv")
        captions.rename(tmp_path / "blob")
        captions.symlink_to(tmp_path / "blob")
        task = grit_task(captions, images, CHECKPOINT)
        assert [pair.image for pair in task.items(task.shards()[0])] == ["0.png", "1.png", "2.png"]

    def test_a_wrong_folder_and_then_the_right_one(self, pairs, tmp_path):
        """Another folder is another job; the same one, filled meanwhile, is tried again."""
        (tmp_path / "images").mkdir()
        task = grit_task(pairs[0], tmp_path / "images", CHECKPOINT)
        manifest = run_job(task, tmp_path / "out", in_this_process)
        assert (manifest.total("rows"), len(manifest.broken)) == (0, 20)
        with pytest.raises(ValueError, match="manifest.json: expected the results of"):
            run_job(grit_task(*pairs, CHECKPOINT), tmp_path / "out", in_this_process)
        (tmp_path / "images").rmdir()
        shutil.copytree(pairs[1], tmp_path / "images")
        manifest = run_job(task, tmp_path / "out", in_this_process)
        assert (manifest.total("rows") > 10, manifest.broken) == (True, ())

    def test_a_model_that_raises(self, pairs, tmp_path, monkeypatch):
        def fail(*arguments, **options):
            raise RuntimeError("no room")

        monkeypatch.setattr(grit_stages, "make_sample", fail)
        manifest = run_job(grit_task(*pairs, CHECKPOINT), tmp_path / "out", in_this_process)
        assert {reason for _, reason in manifest.broken} == {"RuntimeError: no room"}

    def test_no_folder(self, pairs, tmp_path):
        with pytest.raises(ValueError, match="--images: expected a folder"):
            grit_task(pairs[0], tmp_path / "none")


class TestSliceCaptions:
    @pytest.mark.parametrize("ending", ["jsonl", "tsv"])
    @pytest.mark.parametrize("last", ["\n", "", "\n\n  \n"])
    def test_every_pair_once(self, tmp_path, monkeypatch, ending, last):
        monkeypatch.setattr(jobs, "FEWEST", 3)
        monkeypatch.setattr(jobs, "SHARDS", 4)
        wanted = [(f"{number}.png", f"\u00fcber {number}\u2028x \U0001f600") for number in range(17)]
        as_line = {"jsonl": '{{"image": "{}", "caption": "{}", "more": 1}}'.format, "tsv": "{}\t{}".format}[ending]
        lines = [as_line(*pair) for pair in wanted]
        lines[4:4] = ["", "\u00a0"]
        path = tmp_path / f"x.{ending}"
        path.write_bytes(("\n".join(lines) + last).encode())
        shards, digest = slice_captions(path)
        task = grit_job.GritTask(str(path), "", path.suffix, shards, digest, "", "", "course", 0.5, 0.5)
        found = [item for shard in shards for item in task.items(shard)]
        assert found == [Pair(number, *pair) for number, pair in enumerate(wanted)]
        assert [shard.count for shard in shards] == [5, 5, 5, 2]
        assert [len(task.items(shard)) for shard in shards] == [5, 5, 5, 2]

    @pytest.mark.parametrize(
        ("name", "content", "message"),
        [
            ("x.csv", "a,b", r"--captions: expected a name that ends in .jsonl or .tsv, got 'x.csv'"),
            ("x.tsv", "\n \n", r"--captions: expected pairs, got none in 'x.tsv'"),
            ("x.tsv", "a.png\ta mug\nb.png a cat\n", r"x.tsv: line 2: expected image TAB caption"),
            ("x.tsv", "a.png\ta\tmug\n", r"x.tsv: line 1: expected image TAB caption"),
            ("x.tsv", "../a.png\ta mug\n", r"line 1: image: expected a name inside the folder"),
            ("x.tsv", "/a.png\ta mug\n", r"line 1: image: expected a name inside the folder"),
            ("x.tsv", "a.png\t \n", r"line 1: caption: expected a text"),
            ("x.jsonl", '{"image": "a.png"}', r"x.jsonl: line 1: caption: expected a text, got None"),
            ("x.jsonl", '["a.png", "a mug"]', r"line 1: expected an object with image and caption"),
            ("x.jsonl", '{"image": "a.png"', r"x.jsonl: line 1: "),
            ("x.jsonl", r'{"image": "a.png", "caption": "a mug \ud83d"}', r"line 1: caption: expected text that UTF-8"),
            ("x.jsonl", r'{"image": "\udcff.png", "caption": "a mug"}', r"line 1: image: expected text that UTF-8"),
            ("x.tsv", b"a.png\tna\xefve\n", r"x.tsv: line 1: .*utf-8"),
        ],
    )
    def test_errors(self, tmp_path, name, content, message):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        with pytest.raises(ValueError, match=message):
            slice_captions(path)

    def test_no_file(self, tmp_path):
        with pytest.raises(FileNotFoundError, match="--captions: expected a file"):
            slice_captions(tmp_path / "none.tsv")


class TestParsePair:
    @given(
        st.text(st.characters(exclude_categories=("C", "Z")), min_size=1),
        st.text(st.characters(exclude_categories=("Cs",)), min_size=1),
    )
    def test_either_way(self, image, caption):
        bad = image in ("..", "/") or any(part == ".." for part in image.split("/")) or image.startswith("/")
        if bad or not caption.strip():
            return
        import json

        line = json.dumps({"image": image, "caption": caption})
        assert parse_pair(line, "x.jsonl") == (image, caption)
        if not {"\t", "\n", "\r"} & set(caption):
            assert parse_pair(f"{image}\t{caption}", "x.tsv") == (image, caption)


class TestRowOf:
    def test_by_hand(self, serial):
        sample = next(one for one in serial if one is not None)
        row = row_of(sample, Pair(7, "a.png", sample.caption))
        assert (row["key"], row["id"], row["url"]) == ("000000007", 7, "a.png")
        assert (row["height"], row["width"]) == sample.image_hw
        assert row["noun_chunks"][0][:2] == [float(end) for end in sample.noun_chunks.spans[0]]
        assert row["noun_chunks"][0][2:6] == sample.noun_chunks.boxes_unit[0].tolist()
