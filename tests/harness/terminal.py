"""The command line, typed in this process or in one of its own."""

import contextlib
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from typer.testing import CliRunner

from bot.cli.main import app

TIMEOUT_S = 120
KEPT = {"PATH", "HOME", "LANG", "TMPDIR"}


@dataclass(frozen=True)
class Answer:
    status: int
    stdout: str
    stderr: str


@dataclass(frozen=True)
class Terminal:
    """A shell in a folder of its own, with nothing set but what is given."""

    folder: Path
    settings: dict[str, str]

    def run(self, *words: str, **settings: str) -> Answer:
        """Run a command in this process, which spares it the second that Python takes to start."""
        cleared = dict.fromkeys(os.environ.keys() - KEPT)
        runner = CliRunner(env=cleared | {"COLUMNS": "200"} | self.settings | settings)
        with contextlib.chdir(self.folder):
            result = runner.invoke(app, words, prog_name="countersign", catch_exceptions=False)
        return Answer(result.exit_code, result.stdout, result.stderr)

    def done(self, *words: str, **settings: str) -> str:
        """Run what must succeed; returns what it said."""
        answer = self.run(*words, **settings)
        assert answer.status == 0, answer.stderr
        return answer.stdout

    def process(self, *words: str) -> Answer:
        """Run a command in a process of its own."""
        kept = {name: value for name, value in os.environ.items() if name in KEPT}
        ended = subprocess.run(
            [sys.executable, "-m", "bot", *words],
            cwd=self.folder,
            env=kept | self.settings,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        return Answer(ended.returncode, ended.stdout, ended.stderr)
