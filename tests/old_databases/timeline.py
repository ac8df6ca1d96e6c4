"""A database in which time passes as it is told, and a bot that posts what it should."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count

import procrastinate
import sqlalchemy as sa
from procrastinate.jobs import Job, Status
from procrastinate.manager import JobManager
from sqlalchemy.ext.asyncio import AsyncSession

from models.bills.bill import Bill, bill_of_month
from models.context import Context, Source, system_context
from models.customers.customers import Customer
from models.customers.search import find_customer
from models.db.database import Database
from models.outbox.delivery import (
    claim,
    count_actions,
    mark_failed,
    mark_sent,
    mark_updated,
    next_due,
    slack_id_of,
    stale_cards,
)
from models.outbox.jobs import Queue
from models.outbox.messages import Message, MessageState
from models.people.users import User, find_by_name
from models.period import Period
from models.settings import BillingSettings, Company
from tests.old_databases.company import slack_id

COMPANY = Company("Meadow API AG", "1 Mill Road, 8001 Zürich", "CH", "CHE-111.222.333 MWST")
RULES = BillingSettings(
    approvals_channel="CAPPROVALS", jump_factor=5, chunk_customers=15, company=COMPANY
)
AFTER_ALL = datetime(2025, 2, 1, tzinfo=UTC)
"""What is later has its time from the database's clock, and not from the timeline."""

_CLOCKED = {
    Message.__tablename__: ("created_at", "claimed_at"),
    "users": ("created_at", "updated_at"),
    "customers": ("created_at", "updated_at"),
    "procrastinate_events": ("at",),
    "procrastinate_workers": ("last_heartbeat",),
}
"""Times that the database's clock fills in."""


def _dated(table: str, columns: tuple[str, ...]) -> str:
    dated = (f"{one} = case when {one} > :after then :now else {one} end" for one in columns)
    late = (f"{one} > :after" for one in columns)
    return f"{table}_dated as (update {table} set {', '.join(dated)} where {' or '.join(late)})"


# So that the same is made whenever it is made. Jobs are put off by tens of seconds.
_DATED = sa.text(f"""
with {", ".join(_dated(table, columns) for table, columns in _CLOCKED.items())}
update procrastinate_jobs set scheduled_at = :now + make_interval(
    secs => 10 * round(extract(epoch from scheduled_at - now()) / 10))
where scheduled_at > :after
""")


class Timeline:
    """One database, and the time it is there. Each step is a transaction of its own."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.now = datetime(2024, 10, 1, 9, tzinfo=UTC)
        self._messages = count(1)

    def go_to(self, day: str) -> None:
        """Travel to the morning of a day to come, as in 2024-11-04."""
        morning = datetime.fromisoformat(day).replace(hour=9, tzinfo=UTC)
        assert morning > self.now
        self.now = morning

    @asynccontextmanager
    async def step(self) -> AsyncIterator[AsyncSession]:
        """What happens a minute later."""
        self.now += timedelta(minutes=1)
        async with self.db.transaction() as session:
            yield session
            await session.flush()
            await session.execute(_DATED, {"now": self.now, "after": AFTER_ALL})

    async def act(self, session: AsyncSession, name: str, source: Source = Source.SLACK) -> Context:
        """What somebody does now; by default in Slack."""
        return Context(await self.user(session, name), self.now, source, RULES)

    async def clock(self, session: AsyncSession, source: Source = Source.CLOCK) -> Context:
        """What Countersign does by itself."""
        return await system_context(session, self.now, source, RULES)

    async def user(self, session: AsyncSession, name: str) -> User:
        user = await find_by_name(session, name)
        assert user is not None
        return user

    async def customer(self, session: AsyncSession, name: str) -> Customer:
        return await find_customer(session, name)

    async def bill(self, session: AsyncSession, name: str, period: Period) -> Bill:
        """The live overage bill, else the latest void one."""
        return await bill_of_month(session, (await self.customer(session, name)).id, period)

    @asynccontextmanager
    async def worker(self) -> AsyncIterator["Worker"]:
        """A worker of the bot, that never says when it ends."""
        app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=self.db.url))
        async with app.open_async():
            yield Worker(app.job_manager, await app.job_manager.register_worker())

    # -- the bot -----------------------------------------------------------------------------

    async def catch_up(self) -> None:
        """The bot has posted and redrawn all that it was to, and no job is left to do."""
        async with self.step() as session:
            waiting = Message.state.in_([MessageState.WAITING, MessageState.SENDING])
            places = await session.scalars(sa.select(Message.recipient).where(waiting).distinct())
            for place in sorted(places):
                while await self.post_next(session, place):
                    pass
            bills = (await session.scalars(sa.select(Bill.id).order_by(Bill.id))).all()
            for behind in (await stale_cards(session, bills)).values():
                for card, _ in behind.cards:
                    await mark_updated(session, card, behind.actions)
            await session.execute(sa.text("delete from procrastinate_jobs where status = 'todo'"))

    async def post_next(self, session: AsyncSession, place: str) -> Message | None:
        """Post what is due there, or give it up where it cannot be posted."""
        posting = await next_due(session, place)
        if posting is None:
            return None
        account = await slack_id_of(session, place)
        if account is None or account == "CCLOSED":
            cause = "is_archived" if account else "no_slack_account"
            await mark_failed(session, posting, cause, RULES.approvals_channel)
            return posting
        shown = await count_actions(session, posting.bill_id) if posting.bill_id else 0
        assert await claim(session, posting)
        channel = f"D{account[1:]}" if account.startswith("U") else account
        await mark_sent(session, posting, channel, self.message(), shown)
        return posting

    def message(self) -> str:
        """The `ts` of one more message."""
        return f"{int(self.now.timestamp())}.{next(self._messages):06}"


@dataclass(frozen=True)
class Worker:
    manager: JobManager
    id: int

    async def next_job(self) -> Job | None:
        return await self.manager.fetch_job(queues=[*Queue], worker_id=self.id)

    async def finish(self, job: Job, status: Status) -> None:
        """What succeeded is forgotten."""
        await self.manager.finish_job(job, status, delete_job=status is Status.SUCCEEDED)


def dm(name: str) -> str:
    return f"D{slack_id(name)[1:]}"
