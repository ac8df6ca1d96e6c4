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
    "uv",
}
BUILD_S = 240


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A fresh checkout with next to nothing in it: its lock holds what builds a package."""
    for name in COPIED:
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "tools", tmp_path / "tools")
    entries = re.split(r"\n(?=\w)", (ROOT / "requirements.lock").read_text(encoding="utf-8"))
    kept = [one.strip() for one in entries if one.partition("==")[0] in NEEDED]
    assert len(kept) == len(NEEDED)
    (tmp_path / "requirements.lock").write_text("\n".join(kept) + "\n", encoding="utf-8")
    return tmp_path


def start(checkout: Path, **environment: str) -> subprocess.Popen[str]:
    """`make .venv` in a group of its own, as a terminal would run it."""
    return subprocess.Popen(
        ["make", ".venv", f"PYTHON={sys.executable}"],
        cwd=checkout,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def built(checkout: Path, **environment: str) -> str:
    """What a build says that must succeed."""
    return finished(start(checkout, **environment))


def finished(make: subprocess.Popen[str]) -> str:
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


def test_of_two_makes_one_heals_what_a_killed_one_left(checkout: Path) -> None:
    interrupted(checkout, signal.SIGKILL)
    left = checkout / ".venv" / "lib" / "half-written.py"
    left.parent.mkdir(parents=True, exist_ok=True)
    left.touch()
    makes = [start(checkout), start(checkout)]
    said = "".join(map(finished, makes))
    assert re.findall(r"^(\d) of", said, re.MULTILINE) == list("1234")
    assert said.count("waiting for it") == 1
    assert not left.exists()
    assert os.access(checkout / ".venv" / "bin" / "countersign", os.X_OK)
    assert "pip does it instead" not in said
    assert "Building" not in built(checkout)


def test_pip_does_it_where_uv_cannot_reach_the_packages(checkout: Path, tmp_path: Path) -> None:
    said = built(checkout, UV_OFFLINE="1", UV_CACHE_DIR=str(tmp_path / "nothing"))
    assert said.count("pip does it instead") == 1
    assert os.access(checkout / ".venv" / "bin" / "countersign", os.X_OK)


UV = [
    "Resolved 3 packages in 9ms",
    "Downloading a (2.0MiB)",
    "Downloading b (1.0MiB)",
    " Downloaded a",
]
PIP = ["Looking in links: wheels", "Collecting a==1", "Processing wheels/b-1-py3-none-any.whl"]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([], ""),
        (PIP[:1], ""),
        (PIP, "2 of 9 fetched"),
        ([*PIP, "Installing collected packages: a, b"], "all fetched, unpacking"),
        (UV[:1], ""),
        (UV[:3], "0 of 3 MiB fetched"),
        (UV, "2 of 3 MiB fetched"),
        ([*UV, "Prepared 3 packages in 7ms"], "all fetched, unpacking"),
    ],
)
def test_what_pip_and_uv_print_is_told_as_progress(lines: list[str], said: str) -> None:
    assert build_venv.progress(lines, 9) == said


def test_of_a_failure_the_errors_are_shown_without_the_noise_before_them() -> None:
    noise = ["WARNING: Location 'wheels' is ignored\n", "Collecting a==1\n"]
    errors = ["ERROR: In --require-hashes mode ...\n", "    a==1\n"]
    assert build_venv.cause(noise + errors) == "".join(errors).strip()
    assert build_venv.cause(noise) == "".join(noise).strip()
