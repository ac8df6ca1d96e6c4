"""The bot at another tempo, for trials.

What runs is `countersign serve` itself. It goes faster than Slack would let it, notices sooner
that another worker has died, and generates in small chunks, so that there is a middle to be
interrupted in.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

import uvloop

from bot.app import serve
from bot.settings import Settings, read
from tests.harness.timings import INTERRUPTED

CHUNK_CUSTOMERS = 100
OUTPUTS = (1, 2)


def live(environment: Mapping[str, str], folder: Path, log: Path) -> None:
    """All that this process does from here on; whatever it says is added to the log."""
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    with log.open("ab") as said:
        for output in OUTPUTS:
            os.dup2(said.fileno(), output)
    settings = read(Settings)
    sys.exit(uvloop.run(serve(settings, timings=INTERRUPTED, chunk_customers=CHUNK_CUSTOMERS)))
