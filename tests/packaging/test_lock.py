"""The locks are what `make lock` makes of `pyproject.toml`, and tell of no index."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from models.usage.drivers import DRIVERS

ROOT = Path(__file__).parent.parent.parent
LOCKS = ("requirements.lock", "requirements-warehouses.lock")


def pins(lock: Path) -> dict[str, int]:
    """Each locked package, and how many hashes it has."""
    entries = re.split(r"\n(?=\w)", lock.read_text(encoding="utf-8").strip())
    return {one.split()[0]: one.count("--hash=sha256:") for one in entries}


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_is_locked_by_hash_and_no_index_is_named(lock: str) -> None:
    assert [pin for pin, hashes in pins(ROOT / lock).items() if "==" not in pin or not hashes] == []
    text = (ROOT / lock).read_text(encoding="utf-8")
    assert re.findall(r"https?:|--\w*index\w*|--find-links", text) == []


def test_what_both_lock_is_the_same() -> None:
    tools, warehouses = ({pin.split("==")[0]: pin for pin in pins(ROOT / one)} for one in LOCKS)
    both = tools.keys() & warehouses.keys()
    assert {name: tools[name] for name in both} == {name: warehouses[name] for name in both}


def test_every_driver_of_an_engine_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    locked = {canonicalize_name(pin.split("==")[0]) for pin in pins(ROOT / LOCKS[1])}
    asked = [one.extra for one in DRIVERS.values() if one.extra]
    needed = [Requirement(one) for extra in (*asked, "e-invoice") for one in extras[extra]]
    assert {canonicalize_name(one.name) for one in needed} <= locked


def test_the_locks_hold_what_pyproject_asks_for(tmp_path: Path) -> None:
    for name in ("Makefile", "pyproject.toml", *LOCKS):
        shutil.copy(ROOT / name, tmp_path)
    bin_folder = Path(sys.executable).parent
    made = subprocess.run(
        ["make", "lock", f"BIN={bin_folder}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode and "Failed to fetch" in made.stderr:
        pytest.skip("needs a package index")
    assert made.returncode == 0, made.stderr
    for lock in LOCKS:
        assert pins(tmp_path / lock).keys() == pins(ROOT / lock).keys()
        assert "https:" not in (tmp_path / lock).read_text(encoding="utf-8")
