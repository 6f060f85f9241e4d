"""Triton's interpreter for tests. It must be asked for before Triton is imported: another process runs the kernels."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def run_interpreted(script: str, folder: Path) -> Path:
    """Run a test file as a script, on the CPU in the interpreter; the file that it was told to write its results to."""
    if importlib.util.find_spec("triton") is None:
        pytest.skip("Triton is not installed")
    path = folder / "results"
    settings = {"TRITON_INTERPRET": "1", "GK_TRITON": "1", "PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": ""}
    subprocess.run([sys.executable, script, str(path)], env=os.environ | settings, cwd=ROOT, check=True)
    return path
