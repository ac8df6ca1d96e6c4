"""The wheel: the product, the whole product and nothing else, at work in an empty environment."""

import asyncio
import hashlib
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile

import aiohttp
import pytest
from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

from sandbox.fake_slack.app import serve
from sandbox.fake_slack.sandbox import Sandbox

pytestmark = pytest.mark.long

ROOT = Path(__file__).parent.parent.parent
INSTALLING = ROOT / "docs" / "how-to" / "run-in-production.md"
PRODUCT = ("bot", "handlers", "models", "migrations")
UV = Path(sys.executable).with_name("uv")
SLACK = {"users": [{"id": "UANA", "name": "ana"}], "channels": [{"id": "CBILLS", "name": "bills"}]}
COMMAND_S = 120


@dataclass(frozen=True)
class Environment:
    """An environment of Python with the wheel in it, and a folder to work in, both for one test."""

    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "venv" / "bin" / "python"

    @property
    def command(self) -> Path:
        return self.python.with_name("countersign")

    def variables(self, **settings: str) -> dict[str, str]:
        """The given settings, and what no program does without. Nothing leads to the checkout."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        return kept | {"COUNTERSIGN_DATA": str(self.folder / "data")} | settings

    def run(self, *words: str | Path) -> str:
        """Run what must succeed; returns what it said."""
        ended = subprocess.run(
            words,
            cwd=self.folder,
            env=self.variables(),
            capture_output=True,
            text=True,
            timeout=COMMAND_S,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr
        return ended.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout, built by the tools of this environment."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check"]
    options = ["--no-deps", "--no-build-isolation", "--wheel-dir", str(folder)]
    subprocess.run([*pip, *options, str(ROOT)], check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture
def environment(wheel: Path) -> Iterator[Environment]:
    """With nothing in it but the wheel and what the wheel asks for, as locked and by hash."""
    # Not in pytest's own folder, which is closed to the user PostgreSQL runs as.
    with tempfile.TemporaryDirectory(prefix="countersign-wheel-") as folder:
        made = Environment(Path(folder))
        venv = [str(UV), "venv", "--quiet", "--python", sys.executable, f"{folder}/venv"]
        subprocess.run(venv, check=True)
        install(made, wheel)
        yield made


def install(environment: Environment, wheel: Path) -> None:
    """From the cache alone where that suffices. Skips where neither it nor an index has all."""
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    words: list[str | Path] = [UV, "pip", "install", "--python", environment.python]
    words += ["--require-hashes", "--constraints", ROOT / "requirements.lock"]
    words += [f"countersign @ {wheel.as_uri()}#sha256={digest}"]
    for options in (["--offline"], []):
        done = subprocess.run([*words, *options], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return
    if "Failed to fetch" in done.stderr:
        pytest.skip("needs a package index, or a cache that has what the lock names")
    pytest.fail(done.stderr)


def test_the_wheel_holds_every_file_of_the_product_and_no_other(wheel: Path) -> None:
    held = {name for name in ZipFile(wheel).namelist() if ".dist-info/" not in name}
    files = (path for package in PRODUCT for path in (ROOT / package).rglob("*") if path.is_file())
    product = {str(path.relative_to(ROOT)) for path in files if path.parent.name != "__pycache__"}
    assert held == product
    assert {Path(name).suffix for name in held} >= {".py", ".sql", ".jinja"}


def size_mb(folder: Path) -> float:
    return sum(path.lstat().st_size for path in folder.rglob("*")) / 2**20


async def test_in_an_empty_environment_the_wheel_migrates_and_serves(
    environment: Environment,
) -> None:
    (told,) = re.findall(r"That is (\d+) MB", INSTALLING.read_text(encoding="utf-8"))
    # Bytecode, which the page has compiled as well, is the rest.
    assert 0.75 * int(told) < size_mb(environment.folder) < int(told)
    listing = "import importlib.metadata as m; print(*(one.name for one in m.distributions()))"
    installed = {
        canonicalize_name(name)
        for name in environment.run(environment.python, "-c", listing).split()
    }
    assert installed & developers_packages() == set()
    missing = "import importlib.util as u; print(u.find_spec('sandbox'), u.find_spec('tests'))"
    assert environment.run(environment.python, "-c", missing).split() == ["None", "None"]
    assert "serve" in environment.run(environment.command, "--help")
    assert environment.run(environment.command, "migrate").startswith("Applied 0001")
    async with (
        serve(Sandbox(workspace=SLACK, rate_limits=False)) as slack,
        serving(environment, slack) as url,
    ):
        assert await answer(f"{url}/health") == 200
        assert (await slack.command("UANA", "CBILLS", "/bill", "help"))["ok"]


def developers_packages() -> set[NormalizedName]:
    """What `pyproject.toml` names for developers and the sandbox alone."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = [one for extra in project["optional-dependencies"].values() for one in extra]
    return {canonicalize_name(Requirement(one).name) for one in named} - {project["name"]}


@asynccontextmanager
async def serving(environment: Environment, slack: Sandbox) -> AsyncIterator[str]:
    """`countersign serve` until the block ends; yields its address once it is ready."""
    port = free_port()
    settings = environment.variables(
        SLACK_API_URL=slack.api_url,
        SLACK_BOT_TOKEN=slack.bot_token,
        SLACK_APP_TOKEN=slack.app_token,
        HOST="127.0.0.1",
        PORT=str(port),
    )
    bot = await asyncio.create_subprocess_exec(
        environment.command, "serve", cwd=environment.folder, env=settings
    )
    try:
        async with asyncio.timeout(COMMAND_S):
            while await answer(f"http://127.0.0.1:{port}/ready") != 200:
                assert bot.returncode is None
                await asyncio.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        if bot.returncode is None:
            bot.send_signal(signal.SIGTERM)
        assert await bot.wait() == 0


async def answer(url: str) -> int:
    """The status of the answer, or 0 where nobody listens yet."""
    try:
        async with aiohttp.ClientSession() as session, session.get(url) as response:
            return response.status
    except aiohttp.ClientError:
        return 0


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])
