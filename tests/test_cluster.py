"""Where workers come from. Ray itself is started in test_on_ray.py."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gk_utils.scale import cluster as module
from gk_utils.scale.cluster import Pool, cluster, pool_of, require_ray


class TestPoolOf:
    @pytest.mark.parametrize(
        ("resources", "workers", "pool"),
        [
            ({"CPU": 3.0}, None, Pool(2)),
            ({"CPU": 3.0}, 1, Pool(1)),
            ({"CPU": 1.0}, None, Pool(1)),
            ({"CPU": 64.0, "GPU": 8.0}, None, Pool(8, "cuda", 1.0)),
            ({"CPU": 64.0, "GPU": 8.0}, 4, Pool(4, "cuda", 1.0)),
            ({"CPU": 64.0, "GPU": 2.0}, 3, Pool(3, "cuda", 0.5)),
            ({"CPU": 4.0, "GPU": 8.0}, None, Pool(3, "cuda", 1.0)),
        ],
    )
    def test_by_hand(self, resources, workers, pool):
        assert pool_of(resources, workers) == pool

    def test_the_shares_fit_on_the_gpus(self):
        for gpus in range(1, 9):
            for workers in range(1, 40):
                pool = pool_of({"CPU": 100.0, "GPU": float(gpus)}, workers)
                assert workers <= gpus * int(1 / pool.gpus_each + 1e-9)

    def test_a_cpu_although_there_are_gpus(self):
        assert pool_of({"CPU": 8.0, "GPU": 2.0}, 2, "cpu") == Pool(2)

    def test_errors(self):
        with pytest.raises(ValueError, match="--workers: expected at most 7 on 8 CPUs, got 8"):
            pool_of({"CPU": 8.0}, 8)
        with pytest.raises(ValueError, match="device: expected cpu, since the cluster has no GPU"):
            pool_of({"CPU": 8.0}, 2, "cuda")


class TestCluster:
    def test_errors(self):
        with pytest.raises(ValueError, match="--workers: expected 1 or more, got 0"), cluster(0):
            pass
        with pytest.raises(ValueError, match="device: expected one of"), cluster(1, device="tpu"):
            pass

    def test_no_cluster_at_the_address(self):
        with (
            pytest.raises(ConnectionError, match=r"--address: expected a running cluster, got '127.0.0.1:9'"),
            cluster(1, "127.0.0.1:9"),
        ):
            pass


class TestRequireRay:
    def test_without_it(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "ray", None)
        with pytest.raises(ModuleNotFoundError, match=r"Install the extra `scale`: pip install -e '.\[scale\]'"):
            require_ray()

    def test_nothing_imports_ray_at_the_top_of_a_module(self):
        folder = Path(module.__file__).parent
        for path in folder.glob("*.py"):
            for node in ast.parse(path.read_text(encoding="utf-8")).body:
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                names += [node.module] if isinstance(node, ast.ImportFrom) else []
                assert not {"ray", "pyarrow", "psutil"} & {name.split(".")[0] for name in names}, path.name


class TestLocal:
    def test_a_start_that_is_stopped_leaves_nothing_and_nobody_else_is_ended(self, tmp_path, monkeypatch):
        """Ctrl-C while Ray starts: what it has started is ended, its folder removed; another `ray` lives on."""
        pytest.importorskip("ray")
        from ray import cluster_utils

        monkeypatch.setattr(module, "PLACE", str(tmp_path))
        sleeper = [sys.executable, "-c", "import time; time.sleep(60)  # ray"]
        started = []

        def stopped(**options):
            started.append(subprocess.Popen(sleeper))
            assert len(list(tmp_path.iterdir())) == 1
            raise KeyboardInterrupt

        monkeypatch.setattr(cluster_utils, "Cluster", stopped)
        other = subprocess.Popen(sleeper)
        try:
            with pytest.raises(KeyboardInterrupt), cluster(1, device="cpu"):
                pass
            assert len(started) == 1
            started[0].wait(10)  # or it says that the process is alive
            assert other.poll() is None
            assert list(tmp_path.iterdir()) == []
        finally:
            for each in (other, *started):
                each.kill()
                each.wait()


class TestSweep:
    def test_folders_of_drivers_that_are_gone(self, tmp_path, monkeypatch):
        monkeypatch.setattr(module, "PLACE", str(tmp_path))
        child = subprocess.Popen([sys.executable, "-c", ""])
        child.wait()
        for name in (f"gk-ray-{child.pid}-abc", f"gk-ray-{os.getpid()}-abc", "gk-ray-x-y", "other"):
            (tmp_path / name).mkdir()
        module._sweep()
        assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
            [f"gk-ray-{os.getpid()}-abc", "gk-ray-x-y", "other"]
        )
