"""Killed at any moment, and asked to stop at any moment: nothing is lost and nothing doubled."""

import random

from tests.soak.company import Company
from tests.soak.month import play

SMALL = Company(bills=60, approvers=8)


async def test_a_bot_that_is_killed_posts_every_card_once(database_url: str) -> None:
    luck = random.Random(2026)
    moments = sorted([luck.uniform(0, 0.2), luck.uniform(0.2, 0.6), luck.uniform(0.6, 1.0)])
    outcome = await play(SMALL, database_url, moments)
    assert not outcome.violations
    assert outcome.kills.total() >= 2
