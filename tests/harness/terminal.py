"""The command line, typed in this process or in one of its own."""

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

from typer.testing import CliRunner

from bot.cli.main import app
from tests.harness.programs import Answer, Program
from tests.harness.zygote import Order

KEPT = {"PATH", "HOME", "LANG", "TMPDIR"}


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

    def begin(
        self, *words: str, output: int | None = None, file_bytes: int | None = None
    ) -> Program:
        """Run a command in a process of its own, which goes on meanwhile."""
        kept = {name: value for name, value in os.environ.items() if name in KEPT}
        order = Order("bot", words, str(self.folder), kept | self.settings, file_bytes)
        return Program(order, output=output)

    def process(self, *words: str) -> Answer:
        """The same, until it has ended."""
        with self.begin(*words) as begun:
            return begun.answer()
