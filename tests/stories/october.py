"""October of a small company, as it comes out when things go wrong: what must stand, and where."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from bot.timings import Timings
from models.db.database import Database
from sandbox.fake_slack.shapes import JsonObject
from sandbox.story import QUICK, Story, labels, read, told
from tests.conftest import People
from tests.stories.conftest import ANA, KIM, LEE, SAM, TEAM, sign_up

IMPATIENT = replace(QUICK, back_off_first=0.1, back_off_longest=0.5, back_off_mending=0.5)
SUMMARY = "2 bills made for October 2026"
LONGER_S = 60.0
FOREVER = 0


@asynccontextmanager
async def october(
    database_url: str, people: People, timings: Timings = IMPATIENT
) -> AsyncIterator[Story]:
    """Acme needs Kim and Sam and has a channel; Brook is Lee's. Nothing is generated yet."""
    async with told(database_url, TEAM, timings=timings) as opened:
        async with opened.db.transaction() as session:
            await sign_up(
                session,
                "Acme Corp",
                csm_id=people.kim.id,
                sales_id=people.sam.id,
                require_csm_approval=True,
                require_sales_approval=True,
                slack_channel_id="CACME",
            )
            await sign_up(session, "Brook Ltd", csm_id=people.lee.id)
        yield opened


def places(story: Story) -> dict[str, str]:
    """Each conversation in which one card belongs, and the customer it is of."""
    dms = {story.sandbox.dm(user): "Acme Corp" for user in (KIM, SAM)}
    return dms | {"CACME": "Acme Corp", story.sandbox.dm(LEE): "Brook Ltd"}


def card_in(story: Story, channel: str) -> JsonObject:
    """The one card there; anything else the bot has said to all fails the test."""
    bot = story.sandbox.bot_user_id
    said = [
        message
        for message in story.sandbox.messages(channel)
        if message["user"] == bot and "ephemeral_user" not in message
    ]
    assert len(said) == 1, [read(message) for message in said]
    assert places(story)[channel] in read(said[0])
    return said[0]


async def generated(story: Story) -> None:
    """Ana generates October; everything that was to be said about it has been said, once."""
    preview = await story.type(ANA, "/bill generate 2026-10")
    await story.click(ANA, preview, "Generate")
    await settled(story)
    for channel in places(story):
        assert "Approve" in labels(card_in(story, channel))
    [summary] = story.messages(ANA)
    assert SUMMARY in read(summary)


async def settled(story: Story) -> None:
    """Wait until a run is over, nothing waits to be posted, and no job is left."""
    async with asyncio.timeout(LONGER_S):
        while not await _is_settled(story.db):  # noqa: ASYNC110 - nobody tells us
            await asyncio.sleep(0.03)


async def _is_settled(db: Database) -> bool:
    (done,) = await rows(
        db,
        """select exists (select from bill_runs)
           and not exists (select from bill_runs where finished_at is null)
           and not exists (select from messages where state in ('waiting', 'sending')
                           and kind <> 'approval')
           and not exists (select from procrastinate_jobs where status = 'doing'
                           or status = 'todo' and coalesce(scheduled_at, now()) <= now()
                           or status = 'todo' and attempts > 0) as done""",
    )
    return bool(done.done)


async def rows(db: Database, query: str) -> list[Any]:
    async with db.transaction() as session:
        return list(await session.execute(sa.text(query)))


async def recorded(story: Story) -> Counter[str]:
    """How often each verb stands in the record of all bills."""
    found = await rows(story.db, "select action from bill_actions")
    return Counter(row.action for row in found)


async def approve(story: Story, user: str) -> list[JsonObject]:
    """Click Approve on one's own card."""
    return await story.click(user, card_in(story, story.sandbox.dm(user)), "Approve")


async def shows(story: Story, channel: str, *words: str) -> None:
    """Wait until the card there says all of that."""
    await story.until(
        lambda: all(word in read(card_in(story, channel)) for word in words), LONGER_S
    )


async def shows_both_approvals(story: Story, channel: str) -> None:
    """Nothing is left to approve there."""
    await story.until(lambda: "Approve" not in labels(card_in(story, channel)), LONGER_S)
    await shows(story, channel, "Approved by", "Kim", "Sam")
