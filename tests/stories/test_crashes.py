"""Killed at any moment, and asked to stop at any moment: nothing is lost and nothing doubled."""

import random
from signal import SIGSTOP, SIGTERM

from tests.harness.timings import INTERRUPTED
from tests.soak.company import Company
from tests.soak.month import Blow, Stage, play

SMALL = Company(bills=60, approvers=8)


async def test_a_bot_that_is_killed_posts_every_card_once(database_url: str) -> None:
    luck = random.Random(2026)
    blows = [
        Blow(luck.uniform(0, 0.2)),
        Blow(messages=luck.randint(2, 30)),
        Blow(messages=luck.randint(31, 60)),
    ]
    outcome = await play(SMALL, database_url, blows)
    assert not outcome.violations
    assert len(outcome.exits) == 3
    assert outcome.stages[Stage.POSTING] == 2


async def test_a_bot_that_is_asked_to_stop_ends_well_and_loses_nothing(database_url: str) -> None:
    outcome = await play(SMALL, database_url, [Blow(messages=20, signal=SIGTERM)])
    assert not outcome.violations
    assert outcome.exits == [0]
    assert outcome.stages == {Stage.POSTING: 1}


async def test_a_bot_that_sleeps_long_enough_to_be_taken_for_dead_posts_every_card_once(
    database_url: str,
) -> None:
    naps = [
        Blow(messages=count, signal=SIGSTOP, pause_s=INTERRUPTED.stalled + 0.5) for count in (5, 30)
    ]
    outcome = await play(SMALL, database_url, naps)
    assert not outcome.violations
    assert outcome.stages[Stage.POSTING] == 2
