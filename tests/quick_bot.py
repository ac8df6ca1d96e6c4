"""The bot at another tempo, for trials: `python -m tests.quick_bot`.

What runs is `countersign serve` itself. It goes faster than Slack would let it, notices sooner
that another worker has died, and generates in small chunks, so that there is a middle to be
interrupted in.
"""

import sys

import uvloop

from bot.app import serve
from bot.settings import Settings, read
from bot.timings import Timings

TIMINGS = Timings(
    pace=0.0,
    settle=0.5,
    progress=0.2,
    poll=0.2,
    sweep=0.5,
    heartbeat=0.2,
    stalled=2.0,
    back_off_first=0.2,
    back_off_longest=2.0,
)
CHUNK_CUSTOMERS = 100


def main() -> int:
    return uvloop.run(serve(read(Settings), timings=TIMINGS, chunk_customers=CHUNK_CUSTOMERS))


if __name__ == "__main__":
    sys.exit(main())
