"""No two modules import each other, nor do more of them in a ring, in no matter which package."""

from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp
import pytest


def circle(*packages: str) -> list[str]:
    """Modules each of which imports the next, and the last the first; [] where there are none.
    What is imported within a function, or for type checkers alone, counts."""
    graph = grimp.build_graph(*packages, cache_dir=None)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        return [*error.args[1]]
    return []


def test_no_modules_import_each_other() -> None:
    assert circle("sandbox", "bot", "handlers", "models") == []


@pytest.mark.parametrize(
    "hidden",
    [
        "from ring import one",
        "def later() -> None:\n    import ring.one",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from ring.one import One",
    ],
)
def test_a_circle_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hidden: str) -> None:
    package = tmp_path / "ring"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "one.py").write_text("import ring.two\n")
    (package / "two.py").write_text("import ring.three\n")
    (package / "three.py").write_text(f"{hidden}\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert {*circle("ring")} == {"ring.one", "ring.two", "ring.three"}
