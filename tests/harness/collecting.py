"""A plugin of pytest: what is collected, in which order, and how little is lost on the way."""

import gc
import os
from itertools import groupby, islice

import pytest

GARBAGE = (10_000, 10, 10)
"""Looked for once so many more things are there; of what a test makes, hardly any has circles."""


# What is imported and collected stays until the end: no use in looking through it for garbage,
# again and again.


def pytest_load_initial_conftests() -> None:
    gc.disable()


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.set_threshold(*GARBAGE)
    gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Each worker begins with its share of the long files, lest one is left with one at the end,
    alone. Each is given as many tests, in their order; whoever is done takes of the others' last.
    """
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    long = [list(tests) for _, tests in groupby(filter(_is_long, items), lambda test: test.path)]
    short = iter([test for test in items if not _is_long(test)])
    ordered: list[pytest.Item] = []
    for worker in range(workers):
        share = (len(items) - len(ordered)) // (workers - worker)
        first = [test for file in long[worker::workers] for test in file]
        ordered += [*first, *islice(short, max(0, share - len(first)))]
    items[:] = ordered


def _is_long(test: pytest.Item) -> bool:
    return test.get_closest_marker("long") is not None
