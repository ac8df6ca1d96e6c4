"""The command line as a process of its own."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

TIMEOUT_S = 120
KEPT = {"PATH", "HOME", "LANG", "TMPDIR", "SYSTEMROOT"}


@dataclass(frozen=True)
class Terminal:
    """A shell in a folder without a `.env`, with nothing set but what is given."""

    folder: Path
    settings: dict[str, str]

    def run(self, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
        kept = {name: value for name, value in os.environ.items() if name in KEPT}
        return subprocess.run(
            [sys.executable, "-m", "bot", *words],
            cwd=self.folder,
            env=kept | {"NO_COLOR": "1", "COLUMNS": "200"} | self.settings | settings,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )

    def done(self, *words: str, **settings: str) -> str:
        """Run what must succeed; returns what it said."""
        answer = self.run(*words, **settings)
        assert answer.returncode == 0, answer.stderr
        return answer.stdout
