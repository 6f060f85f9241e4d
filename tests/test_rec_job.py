"""A trunk measured in slices, held against `evaluate rec`."""

import pytest
import torch

from gk_utils.checkpoints import SHIPPED
from gk_utils.evaluate import rec
from gk_utils.evaluate.language_only import LanguageOnly
from gk_utils.evaluate.rec import evaluate_rec
from gk_utils.scale.jobs import in_this_process, run_job
from gk_utils.scale.rec_job import measure_rec, rec_task

CHECKPOINT = str(SHIPPED / "trunk_small")


class TestJob:
    def test_the_numbers_of_evaluate_rec(self, tmp_path, monkeypatch):
        few = LanguageOnly(["a red mug", "two cats"], torch.tensor([[0.1, 0.1, 0.4, 0.5], [0.5, 0.2, 0.9, 0.8]]))
        monkeypatch.setattr(rec, "language_only", lambda: few)  # a baseline, which the job does not ask
        task = rec_task("val", 150, CHECKPOINT)
        assert [shard.count for shard in task.shards()] == [64, 64, 22]
        manifest = run_job(task, tmp_path / "out", in_this_process)
        expected = evaluate_rec(split="val", limit=150, checkpoint=CHECKPOINT)["metrics"]
        assert measure_rec(task, manifest) == expected
        other = rec_task("val", 149, CHECKPOINT)
        with pytest.raises(ValueError, match="manifest: expected 149 answers, got 150"):
            measure_rec(other, manifest)

    def test_bad_arguments(self):
        with pytest.raises(ValueError, match="limit: expected 1 or more"):
            rec_task(limit=0)
        with pytest.raises(ValueError, match="name: expected one of 'val'"):
            rec_task("train")
