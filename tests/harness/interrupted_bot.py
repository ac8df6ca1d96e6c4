"""The bot at another tempo, for trials.

What runs is `countersign serve` itself. It goes faster than Slack would let it, notices sooner
that another worker has died, tells at once of what belongs together, and generates in small
chunks, so that there is a middle to be interrupted in. Its one argument is the role, if that is
not all. Where `TRIAL_CLOCK` names a file, its clock is what stands there, so that many bots travel
together.

Each process that draws its documents imports this module too, and none of what the bot is.
"""

import os
import sys
from datetime import datetime
from pathlib import Path

CHUNK_CUSTOMERS = 100
CLOCK = "TRIAL_CLOCK"


def trial_now() -> datetime:
    """What the clock of the trial shows."""
    return datetime.fromisoformat(Path(os.environ[CLOCK]).read_text(encoding="utf-8"))


if __name__ == "__main__":
    import pytest
    import uvloop

    from bot.app import serve
    from bot.settings import Settings, read
    from bot.timings import utc_now
    from tests.harness.timings import INTERRUPTED, bundle_after

    role = (sys.argv[1:] or ["all"])[0]
    bundle_after(pytest.MonkeyPatch(), 1)
    now = trial_now if CLOCK in os.environ else utc_now
    tempo = {"now": now, "timings": INTERRUPTED, "chunk_customers": CHUNK_CUSTOMERS}
    sys.exit(uvloop.run(serve(read(Settings), role, **tempo)))
