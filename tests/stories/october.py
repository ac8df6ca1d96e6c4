"""October of a small company, as it comes out when things go wrong: what must stand, and where."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import sqlalchemy as sa

from bot.app import App
from bot.timings import Timings
from models.db.database import Database
from tests.harness.cast import KIM, SAM, People
from tests.harness.slack_people import Seen, Team, labels, read
from tests.harness.timings import LONG_ACK_S, QUICK
from tests.harness.waiting import until
from tests.stories.conftest import sign_up, team_with_bot

SUMMARY = "2 bills made for October 2026"
FOREVER = 0


@asynccontextmanager
async def october(
    db: Database, people: People, timings: Timings = QUICK, ack_s: float = LONG_ACK_S
) -> AsyncIterator[tuple[Team, App]]:
    """Acme needs Kim and Sam and has a channel; Brook is Lee's. Nothing is generated yet."""
    async with db.transaction() as session:
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
    async with team_with_bot(db, ack_s, timings=timings) as opened:
        yield opened


def places(team: Team) -> dict[str, str]:
    """Each conversation in which one card belongs, and the customer it is of."""
    dms = {team.person(user).dm: "Acme Corp" for user in (KIM, SAM)}
    return dms | {"CACME": "Acme Corp", team.lee.dm: "Brook Ltd"}


def card_in(team: Team, channel: str) -> Seen:
    """The one card there; anything else the bot has said to all fails the test."""
    bot = team.sandbox.bot_user_id
    said = [message for message in team.messages(channel) if message["user"] == bot]
    assert len(said) == 1, [read(message) for message in said]
    assert places(team)[channel] in read(said[0])
    return said[0]


async def generated(team: Team) -> None:
    """Ana generates October; everything that was to be said about it has been said, once."""
    preview = await team.ana.types("/bill generate 2026-10")
    await team.ana.clicks("Generate", on=preview)
    await settled(team)
    for channel in places(team):
        assert "Approve" in labels(card_in(team, channel))
    [summary] = team.ana.messages()
    assert SUMMARY in read(summary)


async def settled(team: Team) -> None:
    """Wait until a run is over, nothing waits to be posted, and no job is left."""
    await until(lambda: _is_settled(team.db))


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


async def recorded(team: Team) -> Counter[str]:
    """How often each verb stands in the record of all bills."""
    found = await rows(team.db, "select action from bill_actions")
    return Counter(row.action for row in found)


async def approve(team: Team, user: str) -> list[Seen]:
    """Click Approve on one's own card."""
    return await team.person(user).clicks("Approve", on=card_in(team, team.person(user).dm))


async def shows(team: Team, channel: str, *words: str) -> None:
    """Wait until the card there says all of that."""
    await until(lambda: all(word in read(card_in(team, channel)) for word in words))


async def shows_both_approvals(team: Team, channel: str) -> None:
    """Nothing is left to approve there."""
    await until(lambda: "Approve" not in labels(card_in(team, channel)))
    await shows(team, channel, "Approved by", "Kim", "Sam")
