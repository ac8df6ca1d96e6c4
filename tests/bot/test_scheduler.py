"""The clock: what comes about by itself is asked for again and again, and done once."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta

import pytest
import sqlalchemy as sa

from bot.slack.client import SlackClient
from bot.worker.scheduler import Scheduler
from models.actions.absence import mark_away
from models.actions.approve import approve_bill
from models.batches import upkeep
from models.context import Context, Source
from models.db.columns import Session
from models.db.database import Database
from models.schedule import due
from models.schedule.due import Outcome, Scheduled
from models.schedule.scheduled_work import is_first
from models.settings import BillingSettings
from tests.bot.helpers import rows
from tests.harness.books import make_bills
from tests.harness.cast import People
from tests.harness.lock_order import watched_locks
from tests.harness.running import worker_only
from tests.harness.slack_people import NOW, Clock
from tests.harness.timings import QUICK
from tests.harness.waiting import until

Do = Callable[[Session, Context], object]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(autouse=True)
def in_order() -> Iterator[None]:
    """Nothing that is done could wait for somebody who waits for it."""
    with watched_locks() as faults:
        yield
    assert faults == []


def scheduler(db: Database, now: Callable[[], datetime] = lambda: NOW) -> Scheduler:
    return Scheduler(db, BillingSettings("CAPPROVALS"), now, QUICK)


async def away_until_tuesday(db: Database, people: People) -> None:
    async with db.transaction() as session:
        act = Context(people.kim, NOW, Source.SLACK)
        await mark_away(session, act, date(2026, 11, 3), people.lee)


async def kim_is_back(db: Database) -> bool:
    (kim,) = await rows(db, "select * from users where name = 'Kim'")
    return kim.away_until is None and kim.delegate_id is None


async def test_absences_end_with_their_last_day(db: Database, people: People, clock: Clock) -> None:
    await away_until_tuesday(db, people)
    kept = scheduler(db, clock)
    clock.travel(days=1)
    await kept.tick()
    assert not await kim_is_back(db)
    clock.travel(days=1)
    await kept.tick()
    assert await kim_is_back(db)


async def test_a_worker_ticks_by_itself(
    db: Database, people: People, gateway: SlackClient, clock: Clock
) -> None:
    await away_until_tuesday(db, people)
    async with worker_only(db, gateway, now=clock, tick=0.2):
        await until(lambda: rows(db, "select from scheduled_work"))
        clock.travel(days=2)
        await until(lambda: kim_is_back(db))


async def test_figures_that_were_changed_behind_the_programs_back_make_a_new_version(
    db: Database, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also of the last of more customers than are looked at in one step."""
    for bill in await make_bills(db, people.ana, 3):
        async with db.transaction() as session:
            await approve_bill(session, bill, 1, Context(people.kim, NOW, Source.SLACK))
    async with db.transaction() as session:
        await session.execute(sa.text("update usages set api_usage = 1700"))
    monkeypatch.setattr(upkeep.upkeep_step, "__defaults__", (1,))
    await scheduler(db).tick()
    bills = await rows(db, "select status, version, overage_amount::text from bills")
    assert {tuple(bill) for bill in bills} == {("pending", 3, "140.00")}
    actions = await rows(db, "select action, source from bill_actions order by id")
    assert [tuple(row) for row in actions][-1] == ("invalidate", "clock")


def schedule(monkeypatch: pytest.MonkeyPatch, **work: object) -> None:
    """Nothing else is scheduled, and this every ten minutes."""
    every = timedelta(minutes=10)
    made = tuple(Scheduled(kind, every, do) for kind, do in work.items())  # type: ignore[arg-type]
    monkeypatch.setattr(due, "SCHEDULED", made)


async def test_many_workers_that_tick_at_once_do_it_once(
    db: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def tell(session: Session, context: Context) -> Outcome:
        await session.execute(sa.text("select pg_sleep(0.05)"))
        await session.execute(
            sa.text("insert into users (name) values ('U-' || gen_random_uuid())")
        )
        return Outcome({"told": 1})

    schedule(monkeypatch, telling=tell)
    workers = [scheduler(db, clock) for _ in range(4)]
    for minutes in (0, 5, 5):
        clock.travel(minutes=minutes)
        await asyncio.gather(*(each.tick() for each in workers))
    done = await rows(db, "select count(*) from users where name ~ '^U-'")
    assert [tuple(one) for one in done] == [(2,)]


async def test_what_somebody_is_at_is_passed_over_and_not_waited_for(
    db: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, may_end = asyncio.Event(), asyncio.Event()

    async def take_long(_: Session, __: Context) -> Outcome:
        begun.set()
        await may_end.wait()
        return Outcome()

    schedule(monkeypatch, long=take_long)
    may_end.set()
    await scheduler(db, clock).tick()
    begun.clear()
    may_end.clear()
    clock.travel(minutes=10)
    first = asyncio.create_task(scheduler(db, clock).tick())
    await begun.wait()
    second = asyncio.create_task(scheduler(db, clock).tick())
    done, _ = await asyncio.wait({first, second}, timeout=5, return_when=asyncio.FIRST_COMPLETED)
    may_end.set()
    await asyncio.gather(first, second)
    assert done == {second}


async def test_what_was_done_by_a_clock_that_was_years_ahead_is_due_again(
    db: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[datetime] = []

    async def note(_: Session, context: Context) -> Outcome:
        done.append(context.now)
        return Outcome()

    schedule(monkeypatch, noting=note)
    clock.travel(days=4_000)
    await scheduler(db, clock).tick()
    clock.travel(days=-4_000)
    await scheduler(db, clock).tick()
    clock.travel(seconds=-3)
    await scheduler(db, clock).tick()
    assert done == [NOW + timedelta(days=4_000), NOW]


async def test_trouble_with_one_kind_keeps_no_other_from_being_done(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And it leaves nothing: the next tick tries it again, whole."""
    tries: list[str] = []

    async def break_off(session: Session, context: Context) -> Outcome:
        tries.append("first" if await is_first(session, "broken", "it", context.now) else "again")
        raise RuntimeError

    async def note(_: Session, __: Context) -> Outcome:
        tries.append("note")
        return Outcome()

    schedule(monkeypatch, broken=break_off, noting=note)
    for _ in range(2):
        await scheduler(db).tick()
    assert tries == ["first", "note", "first"]


async def test_what_takes_many_steps_lets_others_have_their_turn(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []

    async def go_on(_: Session, __: Context) -> Outcome:
        steps.append("step")
        return Outcome(is_left=len([one for one in steps if one == "step"]) < 7)

    async def note(_: Session, __: Context) -> Outcome:
        steps.append("note")
        return Outcome()

    schedule(monkeypatch, long=go_on, noting=note)
    for _ in range(3):
        await scheduler(db).tick()
    assert steps == ["step"] * 5 + ["note"] + ["step"] * 2


async def test_what_is_done_for_something_is_done_for_it_once(db: Database) -> None:
    heard = []
    for what_for in ("2026-10", "2026-11", "2026-10"):
        async with db.transaction() as session:
            heard.append(await is_first(session, "month_end", what_for, NOW))
    assert heard == [True, True, False]
