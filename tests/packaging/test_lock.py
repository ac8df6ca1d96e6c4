"""`requirements.lock` is what `make lock` makes of `pyproject.toml`, and tells of no index."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
LOCK = "requirements.lock"


def pins(lock: Path) -> dict[str, int]:
    """Each locked package, and how many hashes it has."""
    entries = re.split(r"\n(?=\w)", lock.read_text(encoding="utf-8").strip())
    return {one.split()[0]: one.count("--hash=sha256:") for one in entries}


def test_every_package_is_locked_by_hash_and_no_index_is_named() -> None:
    assert [pin for pin, hashes in pins(ROOT / LOCK).items() if "==" not in pin or not hashes] == []
    text = (ROOT / LOCK).read_text(encoding="utf-8")
    assert re.findall(r"https?:|--\w*index\w*|--find-links", text) == []


def test_the_lock_holds_what_pyproject_asks_for(tmp_path: Path) -> None:
    for name in ("Makefile", "pyproject.toml", LOCK):
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
    assert pins(tmp_path / LOCK).keys() == pins(ROOT / LOCK).keys()
    assert "https:" not in (tmp_path / LOCK).read_text(encoding="utf-8")
