"""Holds every drawing to Slack's own types: `python -m tests.slack_types`, where node is."""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from itertools import chain, product
from pathlib import Path
from typing import Any

from handlers.slack.blocks.block_kit import SlackMessage
from tests.views.drawings import OF_A_BILL, OTHERS
from tests.views.samples import BILLS

HERE = Path(__file__).parent
FILES = ("package.json", "package-lock.json", "tsconfig.json")
HEAD = 'import type { AnyBlock, HomeView, ModalView } from "@slack/types";\n'
INSTALL = ("npm", "ci", "--no-audit", "--no-fund", "--prefer-offline")
UNKNOWN = frozenset({"data_visualization"})
"""Blocks of Slack's that its own types at that version do not have; the sandbox's tables do."""
EACH = 10
"""Of so many bills one is drawn: the compiler takes a minute for all of them."""


def main() -> int:
    """0: all are of Slack's types, or it cannot be told here and why is said. 1: some are not."""
    if shutil.which("npm") is None:
        sys.stdout.write("skipped: npm is not there\n")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        for name in FILES:
            shutil.copy(HERE / name, place)
        if subprocess.run(INSTALL, cwd=place, capture_output=True, check=False).returncode:
            sys.stdout.write("skipped: Slack's types cannot be installed here\n")
            return 0
        lines = _lines()
        (place / "drawings.ts").write_text(HEAD + "\n".join(lines), encoding="utf-8")
        compiler = place / "node_modules" / ".bin" / "tsc"
        told = subprocess.run((compiler,), cwd=place, capture_output=True, text=True, check=False)
    sys.stdout.write(told.stdout or f"{len(lines)} drawings are of Slack's types\n")
    return min(told.returncode, 1)


def _lines() -> list[str]:
    bills = [*BILLS.values()][::EACH]
    drawn: list[Any] = [draw(facts) for draw, facts in product(OF_A_BILL.values(), bills)]
    declared = chain.from_iterable(map(_declared, [*drawn, *OTHERS.values()]))
    return list(dict.fromkeys(declared))


def _declared(drawn: Any) -> Iterator[str]:
    if isinstance(drawn, SlackMessage):
        for blocks in (drawn.blocks, drawn.older or []):
            known = [block for block in blocks if block["type"] not in UNKNOWN]
            yield f"void ({json.dumps(known)} satisfies AnyBlock[]);"
        return
    kind = "HomeView" if drawn["type"] == "home" else "ModalView"
    yield f"void ({json.dumps(drawn)} satisfies {kind});"


if __name__ == "__main__":
    sys.exit(main())
