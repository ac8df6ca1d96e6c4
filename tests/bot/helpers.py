"""What the tests of the running program share."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from pydantic import SecretStr

from bot.mail.smtp import Mailer
from bot.settings import Settings
from bot.slack.client import SlackClient
from bot.timings import Timings
from bot.worker.worker import Worker
from handlers.documents.invoice import Company
from models.db.database import Database
from models.outbox.messages import Message, MessageKind, add_messages
from models.people.permissions import Role
from models.people.users import User
from models.settings import BillingSettings
from sandbox.fake_slack.sandbox import Sandbox

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
QUICK = Timings(
    pace=0.0,
    settle=0.2,
    progress=0.0,
    poll=0.1,
    sweep=0.2,
    heartbeat=0.2,
    stalled=3.0,
    back_off_first=0.1,
    back_off_longest=0.5,
    back_off_mending=0.5,
    attempts=4,
    run_attempts=2,
    tend=0.2,
    watch=0.1,
    reconnect=0.3,
    hopeless=60.0,
)
WAIT_S = 30.0

Condition = Callable[[], Awaitable[Any]]


async def eventually(condition: Condition, within_s: float = WAIT_S) -> Any:
    """What the condition answers once that is true; fails if it does not come true in time."""
    async with asyncio.timeout(within_s):
        while not (answer := await condition()):  # noqa: ASYNC110 - nobody tells us
            await asyncio.sleep(0.02)
        return answer


def settings_for(slack: Sandbox, database_url: str, **changes: Any) -> Settings:
    """Settings that lead to the sandbox; port 0 takes whichever is free."""
    given = {
        "database_url": SecretStr(database_url),
        "slack_bot_token": SecretStr(slack.bot_token),
        "slack_app_token": SecretStr(slack.app_token),
        "slack_api_url": slack.api_url,
        "approvals_channel": "CAPPROVALS",
        "port": 0,
    }
    return Settings(_env_file=None).model_copy(update=given | changes)  # type: ignore[call-arg]


async def rows(db: Database, query: str, **values: Any) -> list[Any]:
    async with db.transaction() as session:
        return list(await session.execute(sa.text(query), values))


async def states(db: Database) -> list[str]:
    """The state of each posting, in the order of their making."""
    return [row.state for row in await rows(db, "select state from messages order by id")]


async def all_posted(db: Database) -> bool:
    found = await states(db)
    return bool(found) and set(found) == {"posted"}


async def all_settled(db: Database) -> bool:
    """Whether nothing waits or is on its way any more."""
    return not {"waiting", "sending"} & set(await states(db))


async def no_jobs(db: Database) -> bool:
    (left,) = await rows(db, "select count(*) as jobs from procrastinate_jobs")
    return int(left.jobs) == 0


async def grant(db: Database, to: User, role: Role = Role.MANAGER) -> None:
    """The simplest thing to tell somebody: that they have a role now."""
    async with db.transaction() as session:
        await add_messages(
            session, MessageKind.ACCESS_GRANTED, f"granted:{role}", [to], {"role": role}
        )


async def posting(db: Database) -> Message:
    """The only one there is."""
    async with db.transaction() as session:
        return (await session.scalars(sa.select(Message))).one()


@asynccontextmanager
async def workers(
    db: Database,
    gateway: SlackClient,
    billing: BillingSettings | None = None,
    *,
    now: Callable[[], datetime] = lambda: NOW,
    mailer: Mailer | None = None,
    company: Company | None = None,
    **timings: float,
) -> AsyncIterator[Worker]:
    """One more worker at work, until the block ends."""
    made = Worker(
        db,
        gateway,
        now=now,
        billing=billing or BillingSettings("CAPPROVALS"),
        timings=replace(QUICK, **timings),  # type: ignore[arg-type]
        mailer=mailer,
        company=company,
    )
    await made.start()
    try:
        yield made
    finally:
        await made.stop(deadline_s=2)


def texts(slack: Sandbox, channel: str) -> list[str]:
    """What the bot said there, oldest first."""
    return [message["text"] for message in slack.messages(channel)]


def said_to(slack: Sandbox, user: str) -> list[str]:
    """What the bot said in a person's DM, oldest first."""
    return texts(slack, slack.dm(user))


async def told_to(slack: Sandbox, place: str, count: int) -> bool:
    channel = slack.dm(place) if place.startswith("U") else place
    return len(texts(slack, channel)) == count
