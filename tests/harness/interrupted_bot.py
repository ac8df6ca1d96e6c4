"""The bot at another tempo, for trials.

What runs is `countersign serve` itself. It goes faster than Slack would let it, notices sooner
that another worker has died, and generates in small chunks, so that there is a middle to be
interrupted in.
"""

import sys

import uvloop

from bot.app import serve
from bot.settings import Settings, read
from tests.harness.timings import INTERRUPTED

CHUNK_CUSTOMERS = 100

if __name__ == "__main__":
    tempo = {"timings": INTERRUPTED, "chunk_customers": CHUNK_CUSTOMERS}
    sys.exit(uvloop.run(serve(read(Settings), **tempo)))
