"""Programs that are started by hand, and by no test: what they import is still there."""

import importlib

import pytest

from tests.architecture.pages import ROOT

BEGINS = 'if __name__ == "__main__":'
PROGRAMS = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for folder in ("benchmarks", "tests", "tools")
    for path in sorted((ROOT / folder).rglob("*.py"))
    if f"\n{BEGINS}" in path.read_text(encoding="utf-8")
]


def test_there_are_such_programs() -> None:
    assert {"benchmarks.mailing", "tests.web.pictures", "tests.soak.__main__"} <= {*PROGRAMS}


@pytest.mark.parametrize("program", PROGRAMS)
def test_all_that_it_imports_is_there(program: str) -> None:
    importlib.import_module(program)
