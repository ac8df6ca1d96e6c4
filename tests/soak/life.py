"""`make soak`: tell whole lives of bills for minutes, and count what was done in them.

Each story is a company of its own, whose people do anything to any bill in any order while usage,
terms and people change; each step is committed and held to every law (tests/lives). Of every
so many stories one is of people who do things at the same moment.
"""

import argparse
import asyncio
import random
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from hypothesis import HealthCheck, Phase, given, settings

from tests.harness.database import TestPostgres
from tests.lives.playing import play
from tests.lives.rivals import play_clashes
from tests.lives.stage import Stage
from tests.lives.stories import Story, stories
from tests.lives.tally import Tally
from tests.soak.__main__ import say

STORIES_A_BATCH = 20
CLASHES_A_BATCH = 4
ROUNDS = 15


def arguments(words: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.soak.life", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10, help="how long to go on (10)")
    parser.add_argument("--steps", type=int, default=160, help="tried in a story (160)")
    return parser.parse_args(words)


def main(words: list[str] | None = None) -> int:
    options = arguments(words)
    lives, clashes = Tally(), Tally()
    until = time.monotonic() + options.minutes * 60
    with stages() as stage:
        try:
            while time.monotonic() < until:
                tell(stage, options.steps, lives)
                meet(stage, clashes)
                say(_sum(lives, clashes))
        except KeyboardInterrupt:
            say("stopped")
        finally:
            say(f"one after the other:\n{lives.table()}")
            say(f"at once:\n{clashes.table()}")
    return 0


def tell(stage: Stage, steps: int, tally: Tally) -> None:
    """A batch of stories; one that fails is told again, ever shorter, and stops the run."""

    @settings(
        max_examples=STORIES_A_BATCH,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=[*HealthCheck],
    )
    @given(stories(steps))
    def is_played(story: Story) -> None:
        play(stage, story, tally)

    is_played()


def meet(stage: Stage, tally: Tally) -> None:
    for _ in range(CLASHES_A_BATCH):
        seed = random.randrange(2**32)
        try:
            play_clashes(stage, seed, ROUNDS, tally)
        except Exception:
            say(f"BROKEN by what happened at once, seed {seed}")
            raise


def _sum(lives: Tally, clashes: Tally) -> str:
    return (
        f"held: {lives.stories} stories of {lives.taken} steps; {clashes.stories} stories of "
        f"{clashes.taken} steps at once"
    )


@contextmanager
def stages() -> Iterator[Stage]:
    """On a server that is gone afterwards."""
    postgres = TestPostgres(f"soak-{uuid.uuid4().hex[:8]}")
    stage = Stage(postgres)
    try:
        yield stage
    finally:
        stage.close()
        asyncio.run(postgres.close())


if __name__ == "__main__":
    sys.exit(main())
