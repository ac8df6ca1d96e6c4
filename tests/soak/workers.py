"""Months that end by themselves, with several workers and web replicas of which some are always
killed or frozen; once its bills are posted, half of a month's are approved by clicks.

python -m tests.soak.workers [--months 12] [--workers 3] [--web 2] [--seed 1]

Twelve months of 40 bills on two busy cores, in 860 s: workers killed 24 times and frozen 12 times,
web replicas as often; 480 bills and 1,091 messages, none doubled; 264 approvals by 294 clicks, each
on the record once. From the end of the first month to that of the twelfth `bill_actions` grew from
102 to 2,824, `usage_alerts` from 160 to 1,920, `messages` from 84 to 1,091, `scheduled_work` from
13 to 43 rows, and no job was left; the largest worker grew from 174 to 179 MB.
"""

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from signal import SIGKILL, SIGSTOP
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.audit.verify import verify
from models.db.database import Database
from models.period import Period
from sandbox.__main__ import bot_manifest
from sandbox.fake_slack.app import serve
from tests.harness.interrupted_bot import CLOCK
from tests.harness.timings import INTERRUPTED
from tests.harness.waiting import until
from tests.harness.watched_slack import WatchedSandbox
from tests.soak.__main__ import databases
from tests.soak.audit import OPEN
from tests.soak.clicking import Approvers, Clicks
from tests.soak.company import Company
from tests.soak.process import Bot

FIRST = Period(2026, 1)
COMPANY = Company(bills=40, approvers=8)
PATIENCE_S = 120.0
BLOWS_OF_A_MONTH = (SIGKILL, SIGSTOP, SIGKILL)


@dataclass
class Outcome:
    """What was counted. `doubled`: messages that stand in Slack twice, which only a freeze can
    bring about. `rows`: of each table after the first month and at the end. `memory_mb`: what the
    largest worker held after each month.
    """

    violations: list[str] = field(default_factory=list)
    kills: int = 0
    freezes: int = 0
    bills: int = 0
    messages: int = 0
    doubled: int = 0
    rows: dict[str, tuple[int, int]] = field(default_factory=dict)
    memory_mb: list[int] = field(default_factory=list)
    clicks: Clicks = field(default_factory=Clicks)
    whole_s: float = 0.0


class Months:
    """A company, its Slack and its workers, by month; `weeks` are those with a working hour."""

    def __init__(
        self, db: Database, workers: list[Bot], approvers: Approvers, clock: Path, seed: int
    ) -> None:
        self._db = db
        self._approvers = approvers
        self._workers = workers
        self._clock = clock
        self._chance = random.Random(seed)
        self.outcome = Outcome()
        self.weeks = set[tuple[int, int]]()

    @property
    def clicks(self) -> Clicks:
        return self._approvers.done

    async def play(self, months: int) -> None:
        """Each month ends while workers are struck; then comes a Monday."""
        await self._until("select exists (select from scheduled_work where what_for <> '')")
        for period in FIRST.through(FIRST.plus(months - 1)):
            ended = datetime.combine(period.plus(1).first_day, datetime.min.time(), UTC)
            ended += timedelta(hours=9)
            self._travel(ended)
            await self._strike()
            await self._until(_GENERATED, year=period.year, month=period.month)
            monday = ended + timedelta(days=7 - ended.weekday(), minutes=1)
            self._travel(monday)
            week = "weekly-digest:{}-W{:02}".format(*monday.isocalendar()[:2])
            await self._until(_TOLD, key=f"{week}:%")
            await self._settle()
            await self._approvers.approve(period)
            await self._settle()
            await self._measure()

    async def _measure(self) -> None:
        outcome = self.outcome
        outcome.memory_mb.append(max(worker.memory_mb() for worker in self._workers))
        async with self._db.reading() as session:
            now = await _rows(session)
        outcome.rows = {
            table: (outcome.rows.get(table, (now[table],))[0], now[table]) for table in now
        }

    def _travel(self, now: datetime) -> None:
        set_clock(self._clock, now)
        if now.weekday() in range(5) and now.hour in range(9, 17):
            self.weeks.add(now.isocalendar()[:2])

    async def _strike(self) -> None:
        for blow in BLOWS_OF_A_MONTH:
            await asyncio.sleep(self._chance.uniform(0, 1.5))
            worker = self._chance.choice(self._workers)
            if blow is SIGKILL:
                self.outcome.kills += 1
                await worker.kill_and_start()
            else:
                self.outcome.freezes += 1
                await worker.freeze(INTERRUPTED.stalled + 0.5)

    async def _settle(self) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while any(await self._one(OPEN)):
                for worker in self._workers:
                    worker.refuse_death()
                await asyncio.sleep(0.1)

    async def _until(self, query: str, **values: Any) -> None:
        async def holds() -> bool:
            return bool((await self._one(sa.text(query), **values))[0])

        await until(holds, PATIENCE_S)

    async def _one(self, query: sa.TextClause, **values: Any) -> Any:
        async with self._db.transaction() as session:
            return (await session.execute(query, values)).one()


_GENERATED = """
select exists (select from bill_runs
               where year = :year and month = :month and finished_at is not null)
"""
_TOLD = "select exists (select from messages where key like :key)"


def set_clock(clock: Path, now: datetime) -> None:
    """At once for everybody: nobody reads half of it."""
    new = clock.with_suffix(".new")
    new.write_text(now.isoformat(), encoding="utf-8")
    new.replace(clock)


async def end_months(
    database_url: str, months: int, workers: int = 3, web: int = 2, seed: int = 1
) -> Outcome:
    """The whole of it, on a migrated and empty database."""
    begun = time.monotonic()
    db = Database(database_url)
    try:
        await _furnish(db, months)
        slack = WatchedSandbox(
            workspace=COMPANY.workspace(), manifest=bot_manifest(), rate_limits=False
        )
        roles = ["worker"] * workers + ["web"] * web
        async with serve(slack), _working(slack, database_url, roles) as (bots, clock):
            approvers = Approvers(db, slack, bots[workers:], seed)
            played = Months(db, bots[:workers], approvers, clock, seed)
            try:
                await played.play(months)
            except TimeoutError as error:
                played.outcome.violations.append(f"it never ended: {error!r}")
            await _count(played, db, slack, months)
    finally:
        await db.close()
    played.outcome.whole_s = time.monotonic() - begun
    return played.outcome


async def _furnish(db: Database, months: int) -> None:
    """What the company used in the first month, it uses in each."""
    async with db.long_transaction() as session:
        await COMPANY.furnish(session, FIRST)
        await session.flush()
        for period in FIRST.plus(1).through(FIRST.plus(months)):
            month = {"year": period.year, "month": period.month}
            await session.execute(sa.text(_AGAIN), month)


_AGAIN = f"""
insert into usages (customer_id, year, month, api_usage)
select customer_id, :year, :month, api_usage from usages
where year = {FIRST.year} and month = {FIRST.month}
"""


@asynccontextmanager
async def _working(
    slack: WatchedSandbox, database_url: str, roles: Sequence[str]
) -> AsyncIterator[tuple[list[Bot], Path]]:
    async with AsyncExitStack() as opened:
        enter = opened.enter_context
        clock = Path(enter(tempfile.TemporaryDirectory(prefix="countersign-clock-"))) / "now"
        set_clock(clock, datetime.combine(FIRST.first_day, datetime.min.time(), UTC))
        settings = {CLOCK: str(clock), "MONTH_END_DAY": "1", "MONTH_END_AUTOMATIC": "1"}
        bots = []
        for role in roles:
            folder = Path(enter(tempfile.TemporaryDirectory(prefix="countersign-bot-")))
            bots.append(Bot(slack, database_url, folder, settings, role))
            opened.push_async_callback(bots[-1].close)
            await bots[-1].start()
        yield bots, clock


async def _count(played: Months, db: Database, slack: WatchedSandbox, months: int) -> None:
    outcome = played.outcome
    outcome.clicks = played.clicks
    outcome.violations += played.clicks.violations
    async with db.reading() as session:
        outcome.violations += [str(one) async for one in verify(session)]
        facts = (await session.execute(_FACTS)).one()
        messages = (await session.execute(_MESSAGES)).all()
    outcome.bills, outcome.messages = facts.bills, len(messages)
    outcome.doubled = len(slack.seen_twice())
    expected = (months, COMPANY.bills * months, COMPANY.bills * months, len(played.weeks))
    if tuple(facts) != expected:
        outcome.violations.append(f"runs, bills, generated, weeks: {tuple(facts)}, not {expected}")
    frozen = outcome.freezes + outcome.clicks.freezes
    if outcome.doubled > frozen:
        outcome.violations.append(f"{outcome.doubled} doubled by {frozen} freezes")
    there = slack.workspace.conversations
    outcome.violations += [
        f"{one.key} {one.kind} is {one.state}, and stands nowhere"
        for one in messages
        if one.state not in ("posted", "listed")
        or (one.state == "posted" and one.ts not in there[one.channel].messages)
    ]


_FACTS = sa.text("""
select (select count(*) from bill_runs where source = 'clock') as runs,
       (select count(*) from bills) as bills,
       (select count(*) from bill_actions where action = 'generate') as generated,
       (select count(*) from messages where kind = 'weekly_digest') as weeks
""")
_MESSAGES = sa.text("select key, kind, state, channel, ts from messages")


async def _rows(session: AsyncSession) -> dict[str, int]:
    """How many rows each table has that has any, the largest first."""
    names = await session.scalars(
        sa.text("""select relname from pg_class
                   where relkind = 'r' and relnamespace = 'public'::regnamespace""")
    )
    counts = {
        name: await session.scalar(sa.text(f'select count(*) from "{name}"')) or 0
        for name in names.all()
    }
    filled = [one for one in counts.items() if one[1]]
    return dict(sorted(filled, key=lambda one: -one[1]))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--months", type=int, default=12, help="how many, from 2026-01 on (12)")
    parser.add_argument("--workers", type=int, default=3, help="how many processes (3)")
    parser.add_argument("--web", type=int, default=2, help="how many web replicas (2)")
    parser.add_argument("--seed", type=int, default=1, help="the same blows in the same order")
    options = parser.parse_args()
    with databases() as addresses:
        asked = (options.months, options.workers, options.web, options.seed)
        outcome = asyncio.run(end_months(next(addresses), *asked))
    for name, value in vars(outcome).items():
        sys.stdout.write(f"{name}: {value}\n")
    return bool(outcome.violations)


if __name__ == "__main__":
    sys.exit(main())
