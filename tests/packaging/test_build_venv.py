"""The first `make`: it says how far it is, and whatever interrupts it, the next one heals it."""

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tools import build_venv

ROOT = Path(build_venv.__file__).parent.parent
COPIED = ("Makefile", "pyproject.toml", "README.md", "LICENSE")
NEEDED = {
    "editables",
    "hatchling",
    "packaging",
    "pathspec",
    "pluggy",
    "tomlkit",
    "trove-classifiers",
}
BUILD_S = 240


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A fresh checkout whose lock holds no more than the build of a package needs."""
    for name in COPIED:
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "tools", tmp_path / "tools")
    entries = re.split(r"\n(?=\w)", (ROOT / "requirements.lock").read_text(encoding="utf-8"))
    kept = [one.strip() for one in entries if one.partition("==")[0] in NEEDED]
    assert len(kept) == len(NEEDED)
    (tmp_path / "requirements.lock").write_text("\n".join(kept) + "\n", encoding="utf-8")
    return tmp_path


def start(checkout: Path) -> subprocess.Popen[str]:
    """`make .venv` in a group of its own, as a terminal would run it."""
    return subprocess.Popen(
        ["make", ".venv", f"PYTHON={sys.executable}"],
        cwd=checkout,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def built(checkout: Path) -> str:
    """What a build says that must succeed."""
    make = start(checkout)
    said, _ = make.communicate(timeout=BUILD_S)
    if make.returncode and "No matching distribution found" in said:
        pytest.skip("needs a package index")
    assert make.returncode == 0, said
    return said


def interrupted(checkout: Path, number: signal.Signals) -> str:
    """What a build says that gets the signal, and all it has started with it, in its first step."""
    said = []
    with start(checkout) as make:
        assert make.stdout is not None
        for line in make.stdout:
            said.append(line)
            if line.startswith("1 of "):
                os.killpg(make.pid, number)
    assert make.returncode != 0
    assert not (checkout / ".venv" / "built").exists()
    return "".join(said)


def test_an_interrupted_build_says_that_it_is_none(checkout: Path) -> None:
    assert "Interrupted: .venv is not built." in interrupted(checkout, signal.SIGINT)


def test_the_next_build_heals_what_a_killed_one_left(checkout: Path) -> None:
    interrupted(checkout, signal.SIGKILL)
    left = checkout / ".venv" / "lib" / "half-written.py"
    left.parent.mkdir(parents=True, exist_ok=True)
    left.touch()
    said = built(checkout)
    assert re.findall(r"^(\d) of", said, re.MULTILINE) == list("123")
    assert not left.exists()
    assert os.access(checkout / ".venv" / "bin" / "countersign", os.X_OK)
    assert "Building" not in built(checkout)


PIP = ["Looking in links: wheels", "Collecting a==1", "Processing wheels/b-1-py3-none-any.whl"]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([], ""),
        (PIP[:1], ""),
        (PIP, f"2 of {len(build_venv.locked())} fetched"),
        ([*PIP, "Installing collected packages: a, b"], "all fetched, unpacking"),
    ],
)
def test_what_pip_prints_is_told_as_progress(lines: list[str], said: str) -> None:
    assert build_venv.progress(lines) == said


def test_of_a_failure_the_errors_are_shown_without_the_noise_before_them() -> None:
    noise = ["WARNING: Location 'wheels' is ignored\n", "Collecting a==1\n"]
    errors = ["ERROR: In --require-hashes mode ...\n", "    a==1\n"]
    assert build_venv.cause(noise + errors) == "".join(errors).strip()
    assert build_venv.cause(noise) == "".join(noise).strip()
