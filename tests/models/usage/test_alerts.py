"""Alerts about a running month, and where it is heading."""

import math
import random
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from statistics import median_low
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from models.actions.keep_books import import_book, record_month
from models.context import Context, Source
from models.customers.customers import Customer
from models.db.database import Database
from models.imports.books import Book
from models.people.users import User
from models.period import Period
from models.queries.month_outlook import MonthOutlook, outlook_of
from models.schedule.due import SCHEDULED, USAGE_ALERTS
from models.settings import BillingSettings
from tests.harness.cast import People
from tests.harness.files import rows_of

NOVEMBER = Period(2026, 11)
MID = datetime(2026, 11, 16, tzinfo=UTC)
ALERTS = """
select c.name, a.kind, m.recipient from usage_alerts a join customers c on c.id = a.customer_id
left join messages m on m.id = a.message_id order by a.id"""
MESSAGES = "select recipient, state from messages where kind = 'usage_alerts' order by id"


def act(user: User, now: datetime = MID, zone: str = "UTC") -> Context:
    return Context(user, now, Source.SLACK, BillingSettings(zone=ZoneInfo(zone)))


async def add(db: Database, name: str, **columns: Any) -> int:
    async with db.transaction() as session:
        one = Customer(name=name, **{"monthly_api_limit": 1000, "overage_unit_cost": 1} | columns)
        session.add(one)
        await session.flush()
        return one.id


async def used(
    db: Database, by: Context, customer: int, calls: int, month: Period = NOVEMBER
) -> None:
    async with db.transaction() as session:
        await record_month(session, customer, month, calls, by)


async def outlook(db: Database, customer: int, zone: str = "UTC") -> MonthOutlook:
    async with db.transaction() as session:
        found = await outlook_of(session, customer, NOVEMBER, ZoneInfo(zone))
    assert found
    return found


async def test_a_csm_hears_of_each_step_towards_the_limit_once(
    db: Database, people: People
) -> None:
    by, late = act(people.ana), act(people.ana, MID.replace(day=29))
    acme = await add(db, "Acme", csm_id=people.kim.id)
    kim = f"user:{people.kim.id}"
    await used(db, by, acme, 450)
    assert await rows_of(db, ALERTS) == []
    await used(db, late, acme, 749)
    assert await rows_of(db, ALERTS) == []
    await used(db, late, acme, 910)
    steps = [("Acme", "75", kim), ("Acme", "90", kim)]
    assert await rows_of(db, ALERTS) == steps
    # Down, and up again: nothing is told twice. What is new joins what waits to be told.
    await used(db, late, acme, 10)
    await used(db, late, acme, 1200)
    steps += [("Acme", "100", kim), ("Acme", "120", kim)]
    assert await rows_of(db, ALERTS) == steps
    assert await rows_of(db, MESSAGES) == [(kim, "waiting")]
    # A month that is over is told by its bill.
    await used(db, late, acme, 9000, NOVEMBER.plus(-1))
    assert await rows_of(db, ALERTS) == steps


async def test_each_hears_of_their_own_and_nobody_of_the_muted(
    db: Database, people: People
) -> None:
    csm = {"csm_id": people.kim.id}
    await add(db, "Acme", **csm)
    await add(db, "Bolt", **csm, slack_channel_id="CBOLT")
    await add(db, "Cord", sales_id=people.sam.id)
    await add(db, "Dune", **csm, alerts_muted=True)
    await add(db, "Elba")
    await add(db, "Fuse", **csm, monthly_api_limit=0)
    await add(db, "Gold", **csm, end_date=date(2026, 10, 31))
    names = ("Acme", "Bolt", "Cord", "Dune", "Elba", "Fuse", "Gold")
    rows = "\n".join(f"{name},2026,11,1000" for name in names)
    file = BytesIO(f"customer,year,month,api_usage\n{rows}\n".encode())
    async with db.long_transaction() as session:
        await import_book(session, Book.USAGE, file, act(people.ana, MID.replace(day=30)))
    kim, sam = f"user:{people.kim.id}", f"user:{people.sam.id}"
    three = ("75", "90", "100")
    found = await rows_of(db, ALERTS)
    assert sorted(one for one in found if one[1] != "forecast") == sorted(
        [
            *(("Acme", kind, kim) for kind in three),
            *(("Bolt", kind, "channel:CBOLT") for kind in three),
            *(("Cord", kind, sam) for kind in three),
            *(("Elba", kind, None) for kind in three),
            ("Fuse", "100", kim),
        ],
        key=str,
    )
    assert sorted(await rows_of(db, MESSAGES)) == sorted(
        [("channel:CBOLT", "waiting"), (kim, "waiting"), (sam, "waiting")]
    )


async def test_somebody_who_stands_in_hears_it(db: Database, people: People) -> None:
    async with db.transaction() as session:
        away = {"away_until": date(2026, 12, 24), "delegate_id": people.sam.id}
        await session.execute(sa.update(User).where(User.id == people.kim.id).values(away))
    acme = await add(db, "Acme", csm_id=people.kim.id)
    await used(db, act(people.ana), acme, 2000)
    assert {one[2] for one in await rows_of(db, ALERTS)} == {f"user:{people.sam.id}"}


async def test_a_month_is_told_where_it_is_heading(db: Database, people: People) -> None:
    by = act(people.ana)
    acme = await add(db, "Acme", csm_id=people.kim.id)
    await used(db, by, acme, 600)
    assert [one[1] for one in await rows_of(db, ALERTS)] == ["forecast"]
    found = (await outlook(db, acme)).forecast
    assert found
    assert (found.likely, found.amount, found.uses_history) == (1200, 200, False)
    assert found.low < 1200 < found.high


async def test_what_is_far_from_usual_is_told(db: Database, people: People) -> None:
    by = act(people.ana)
    calm, wild = await add(db, "Calm", csm_id=people.kim.id), await add(db, "Wild")
    tiny = await add(db, "Tiny", monthly_api_limit=10**6)
    for ago in (1, 2, 3):
        await used(db, by, calm, 900, NOVEMBER.plus(-ago))
        await used(db, by, wild, 200, NOVEMBER.plus(-ago))
        await used(db, by, tiny, 2, NOVEMBER.plus(-ago))
    late = act(people.ana, MID.replace(day=28))
    await used(db, late, calm, 40)
    await used(db, late, wild, 700)
    await used(db, late, tiny, 2000)
    found = {one[:2] for one in await rows_of(db, ALERTS)}
    assert {one for one in found if one[1] in ("spike", "drop")} == {
        ("Calm", "drop"),
        ("Wild", "spike"),
    }


async def test_no_forecast_is_made_of_the_first_days_nor_after_the_end(
    db: Database, people: People
) -> None:
    acme = await add(db, "Acme")
    for now, is_told in ((MID.replace(day=3), False), (MID.replace(day=5), True)):
        await used(db, act(people.ana, now), acme, now.day)
        assert bool((await outlook(db, acme)).forecast) is is_told
    await used(db, act(people.ana, datetime(2026, 12, 1, tzinfo=UTC)), acme, 900)
    assert (await outlook(db, acme)).forecast is None
    # In Auckland the 1st of December begins eleven hours before it does in London, and ends so.
    late = datetime(2026, 11, 30, 12, tzinfo=UTC)
    await used(db, act(people.ana, late, "Pacific/Auckland"), acme, 901)
    assert (await outlook(db, acme, "Pacific/Auckland")).forecast is None
    assert (await outlook(db, acme)).forecast is not None


def expected(calls: int, at: float, past: dict[int, int]) -> tuple[float, float]:
    """Calls still to come and the spread of their logarithm, by `past` figures, months ago."""
    pairs = [(past.get(ago), past.get(ago - 1)) for ago in range(6, 1, -1)]
    steps = [math.log(after / before) for before, after in pairs if before and after]
    precision = 30 * at / 0.5**2
    total, weighted = precision, precision * math.log(calls / at)
    if len(steps) >= 3 and past.get(1):
        swing = max(0.05, math.sqrt(sum(step * step for step in steps) / len(steps)))
        total += 1 / swing**2
        weighted += math.log(past[1]) / swing**2
    left = 1 - at
    return left * math.exp(weighted / total), 1.28 * math.sqrt(1 / total + 0.5**2 / (30 * left))


async def test_forecasts_are_what_their_rule_says(db: Database, people: People) -> None:
    rng = random.Random(11)
    cases = []
    async with db.transaction() as session:
        for place in range(60):
            starts = rng.choice([None, date(2026, 11, rng.randint(1, 8))])
            one = Customer(name=f"C{place}", monthly_api_limit=1000, start_date=starts)
            session.add(one)
            await session.flush()
            months = {
                ago: rng.choice([0, 700, 1000, 1300, 8000])
                for ago in range(1, 9)
                if rng.random() < 0.8
            }
            at = datetime(2026, 11, rng.randint(12, 29), rng.randint(0, 23), tzinfo=UTC)
            calls = rng.randint(1, 10 ** rng.randint(1, 12))
            figures = {0: calls} | months
            for ago, figure in figures.items():
                month = NOVEMBER.plus(-ago)
                await session.execute(
                    sa.text(
                        "insert into usages (customer_id, year, month, api_usage, updated_at)"
                        " values (:id, :year, :month, :calls, :at)"
                    ),
                    {"id": one.id, "year": month.year, "month": month.month}
                    | {"calls": figure, "at": at},
                )
            cases.append((one.id, starts, at, calls, months))
    for customer, starts, at, calls, months in cases:
        first = datetime(2026, 11, starts.day if starts else 1, tzinfo=UTC)
        share = (at - first) / (datetime(2026, 12, 1, tzinfo=UTC) - first)
        found = (await outlook(db, customer)).forecast
        assert found
        more, spread = expected(calls, share, months)
        told = (found.low, found.likely, found.high)
        for one, factor in zip(told, (-1, 0, 1), strict=True):
            right = calls + more * math.exp(factor * spread)
            assert math.isclose(one, right, rel_tol=1e-9, abs_tol=0.51)
        recent = [figure for ago, figure in months.items() if ago <= 6]
        assert found.usual == (median_low(recent) if recent else None)


async def test_all_customers_are_looked_at_each_hour(db: Database, people: People) -> None:
    acme = await add(db, "Acme", csm_id=people.kim.id, alerts_muted=True)
    await used(db, act(people.ana), acme, 2000)
    assert await rows_of(db, ALERTS) == []
    (hourly,) = [one for one in SCHEDULED if one.kind == USAGE_ALERTS]
    async with db.transaction() as session:
        await session.execute(sa.update(Customer).values(alerts_muted=False))
        by = act(people.system, MID + timedelta(days=1))
        for told in (4, 0):
            done = await hourly.do(session, by)
            assert (done.counts, done.is_left) == ({"usage_alerts": told}, False)
