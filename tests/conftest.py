"""Fixtures that every test file may use, and what holds for all of them: one thread, no windows, no network."""

import os

# One thread a process: pytest runs one process per core, and threads that wait for a core cost more than they bring.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import no_network

no_network.block()  # before anything below can look

import jaxtyping  # noqa: E402
import matplotlib  # noqa: E402
import pytest  # noqa: E402

matplotlib.use("agg")


@pytest.fixture(autouse=True)
def _offline():
    """Fail a test in which something tried to leave this machine, whatever became of the error."""
    no_network.ATTEMPTS.clear()
    yield
    no_network.settle()


@pytest.fixture
def unhooked():
    """Switch the shape hook off, so that a test reaches the package's own error for a bad argument."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


def pytest_configure(config):
    config.option.loadscopereorder = False  # pytest-xdist would begin with the files that have the most tests


def pytest_collection_modifyitems(items):
    """The tests in a browser come first: no other file takes as long, and one process would be left alone with it."""
    items.sort(key=lambda item: item.path.name != "test_browser.py")
