"""`countersign-sandbox`: its wheel holds one package, whole, and asks for what that imports."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path
from zipfile import ZipFile

import grimp
import pytest

ROOT = Path(__file__).resolve().parents[2]
SANDBOX = ROOT / "sandbox"
PARTS = (
    "sandbox.__main__",
    "sandbox.blockkit",
    "sandbox.demo",
    "sandbox.fake_slack",
    "sandbox.fake_smtp",
)
PRODUCT = {name: ["countersign"] for name in ("bot", "handlers", "models")}
NOT_PACKED = {"README.md", "pyproject.toml"}


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The names of the files in a wheel that has just been built."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=SANDBOX, check=True, capture_output=True)
    (wheel,) = folder.iterdir()
    with ZipFile(wheel) as archive:
        return {*archive.namelist()}


def test_the_wheel_holds_one_package(packed: set[str]) -> None:
    tops = {name.partition("/")[0] for name in packed}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"sandbox"}


def test_the_wheel_is_whole(packed: set[str]) -> None:
    sources = {
        path.relative_to(ROOT).as_posix()
        for path in SANDBOX.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.name not in NOT_PACKED
    }
    inside = {name for name in packed if name.startswith("sandbox/")}
    assert inside == sources | {"sandbox/manifest.yml"}


def test_it_asks_for_what_it_imports_and_no_more() -> None:
    graph = grimp.build_graph("sandbox", include_external_packages=True, cache_dir=None)
    imported = {
        name.partition(".")[0]
        for module in graph.modules
        if module.startswith(PARTS)
        for name in graph.find_modules_directly_imported_by(module)
    }
    known = {**packages_distributions(), **PRODUCT}
    others = imported - sys.stdlib_module_names - {"sandbox"}
    project = tomllib.loads((SANDBOX / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = {re.split(r"[\[<=>]", one)[0] for one in project["dependencies"]}
    assert {known[name][0].lower() for name in others} == asked
