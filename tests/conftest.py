"""Fixtures that every test file may use."""

import os

# One thread a process: pytest runs one process per core, and threads that wait for a core cost more than they bring.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import jaxtyping
import matplotlib
import pytest

matplotlib.use("agg")


@pytest.fixture
def unhooked():
    """Switch the shape hook off, so that a test reaches the package's own error for a bad argument."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)
