"""What a source answered is taken in whole, with its days, or not at all; bills follow."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from bot.warehouse.asking import asked
from bot.warehouse.errors import WarehouseFailed
from bot.warehouse.pulling import check, pull
from bot.warehouse.reconciling import reconcile_with
from models.actions.merge_customers import merge_customers
from models.actions.pull_usage import BadAnswer, PullDone, SourceChanged
from models.context import Source
from models.customers.customers import Customer
from models.customers.search import find_named
from models.db.database import Database
from models.errors import Invalid, NotAllowed
from models.imports.pulled_rows import PulledRows
from models.period import Period
from models.queries.sources import source_details
from models.usage.pulls import Asking
from models.usage.sources import set_source, switch_off_source
from models.usage.usage import record_usage
from tests.harness.books import make_bills, send_out
from tests.harness.cast import People
from tests.harness.files import rows_of
from tests.models.usage.test_usage import act

OCTOBER, NOVEMBER = Period(2026, 10), Period(2026, 11)
DAYS = "select c.name, day::text, d.api_usage from usage_days d join customers c"
DAYS += " on c.id = d.customer_id order by 1, 2"
FIGURES = "select c.name, u.api_usage from usages u join customers c on c.id = u.customer_id"
FIGURES += " order by 1"


@pytest.fixture
async def customers(db: Database, people: People) -> None:
    async with db.transaction() as session:
        for name in ("Acme", "Café", "Beta"):
            session.add(Customer(name=name, monthly_api_limit=1000))


async def source(
    db: Database, people: People, values: str, columns: str, name: str = "Events"
) -> int:
    """One whose answer is these values, kept instead of what it was."""
    query = f"select * from (values {values}) t ({columns}) where :month_start < :month_end"
    async with db.transaction() as session:
        kept, _ = await set_source(session, name, "duckdb://", query, act(people.ana))
        return kept.id


async def pulled(
    db: Database, people: People, values: str, columns: str = "customer, calls", **more: Any
) -> PullDone:
    source_id = await source(db, people, values, columns)
    return await pull(db, source_id, OCTOBER, act(people.ana), **more)


async def faults(
    db: Database, people: People, values: str, columns: str = "customer, calls"
) -> list[str]:
    with pytest.raises(BadAnswer) as refused:
        await pulled(db, people, values, columns)
    return list(map(str, refused.value.flaws))


DAILY = "('Acme', date '2026-10-01', 5), ('Acme', date '2026-10-31', 7), ('Beta', null, 3)"


async def test_days_are_kept_and_are_the_month(
    db: Database, people: People, customers: None
) -> None:
    done = await pulled(db, people, DAILY, "customer, day, calls")
    assert (done.pull.outcome, done.foretold.added) == ("applied", 2)
    assert await rows_of(db, FIGURES) == [("Acme", 12), ("Beta", 3)]
    first = [("Acme", "2026-10-01", 5), ("Acme", "2026-10-31", 7)]
    assert await rows_of(db, DAYS) == first
    again = await pulled(db, people, DAILY, "customer, day, calls")
    assert again.pull.outcome == "unchanged"
    assert again.pull.checksum == done.pull.checksum
    # Other days of the same sum are a change of theirs.
    moved = DAILY.replace("10-31', 7", "10-30', 7")
    assert (await pulled(db, people, moved, "customer, day, calls")).pull.outcome == "applied"
    assert await rows_of(db, DAYS) == [first[0], ("Acme", "2026-10-30", 7)]
    assert await rows_of(db, "select count(*) from usage_changes") == [(0,)]


async def test_a_figure_by_hand_has_no_days(db: Database, people: People, customers: None) -> None:
    await pulled(db, people, DAILY, "customer, day, calls")
    [(acme,)] = await rows_of(db, "select id from customers where name = 'Acme'")
    async with db.transaction() as session:
        await record_usage(session, acme, OCTOBER, 13, act(people.ana), "A call was lost")
    assert await rows_of(db, DAYS) == []
    origin = "select recorded_reason, pull_id is null from usages where api_usage = 13"
    assert await rows_of(db, origin) == [("A call was lost", True)]
    await pulled(db, people, DAILY, "customer, day, calls")
    assert len(await rows_of(db, DAYS)) == 2
    assert await rows_of(
        db, "select old_api_usage, new_api_usage, pull_id is null from usage_changes order by id"
    ) == [(12, 13, True), (13, 12, False)]


@pytest.mark.parametrize(
    "statement",
    [
        "insert into usage_days select customer_id, '2026-10-02', 1 from usages",
        "update usage_days set api_usage = api_usage + 1",
        "delete from usage_days where day = '2026-10-01'",
        "update usage_days set day = '2026-09-01' where day = '2026-10-01'",
    ],
)
async def test_days_that_are_not_the_month_are_refused_by_the_database(
    db: Database, people: People, customers: None, statement: str
) -> None:
    await pulled(db, people, DAILY, "customer, day, calls")
    with pytest.raises(IntegrityError, match="come to"):
        async with db.transaction() as session:
            await session.execute(sa.text(statement))


FAULTS = {
    "twice the same": (
        "('Acme', 5), ('Acme', 5)",
        ["row 2, “Acme”, customer: “Acme” is the same customer as row 1"],
    ),
    "two normal forms": (
        "('Cafe\u0301', 5), ('Café', 5)",
        [
            "row 2, “Café”, customer: “Café” only looks like another: it is the same customer as"
            " “Cafe\u0301” of row 1, written otherwise"
        ],
    ),
    "strangers that look alike": (
        "('Zoë', 5), ('ZOE\u0308', 5)",
        [
            "row 2, “ZOE\u0308”, customer: “ZOE\u0308” only looks like another: it is the same"
            " customer as “Zoë” of row 1, written otherwise"
        ],
    ),
    "letters of another script": (
        "('Beta', 5), ('\u0410cme', 5)",
        [
            "row 2, “\u0410cme”, customer: “\u0410cme” only looks like “Acme”: they differ in"
            " letters of another script; correct it in the source, or in the query"
        ],
    ),
    "all that is wrong at once": (
        "('Acme', -5), (null, 5), ('Beta', null), ('\u200b', 1)",
        [
            "row 1, “Acme”, calls: “-5” is negative, as a sum is that has overflown; widen it",
            "row 2, customer: a value is needed here",
            "row 3, “Beta”, calls: a value is needed here",
            "row 4, “\u200b”, customer: “\u200b” has nothing that can be seen",
        ],
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_what_cannot_be_usage_is_told_by_row_and_customer(
    db: Database, people: People, customers: None, fault: str
) -> None:
    values, expected = FAULTS[fault]
    assert await faults(db, people, values) == expected
    assert await rows_of(db, FIGURES) == []
    [(outcome, refused)] = await rows_of(
        db, "select outcome, found -> 'refused' -> 0 ->> 'reason' from usage_pulls"
    )
    assert outcome == "refused"
    assert refused in expected[0]


DAY_FAULTS = {
    "a row of the month that is not their sum": (
        f"{DAILY}, ('Acme', null, 13)",
        ["row 1, “Acme”, calls: the days of this customer come to 12, and the row without a day"],
    ),
    "a day of another month": (
        "('Acme', date '2026-11-01', 5)",
        ["row 1, “Acme”, day: “2026-11-01” is no day of October 2026"],
    ),
    "a day twice": (
        "('Acme', date '2026-10-01', 5), ('Acme', date '2026-10-01', 6)",
        ["row 2, “Acme”, customer: “Acme” is the same customer as row 1"],
    ),
    "days that are too much together": (
        f"('Acme', date '2026-10-01', {2**63 - 1}), ('Acme', date '2026-10-02', 1)",
        ["row 1, “Acme”, calls: the days of this customer come to 9223372036854775808, which"],
    ),
}


@pytest.mark.parametrize("fault", DAY_FAULTS)
async def test_days_that_cannot_be_the_month_are_refused(
    db: Database, people: People, customers: None, fault: str
) -> None:
    values, expected = DAY_FAULTS[fault]
    told = await faults(db, people, values, "customer, day, calls")
    assert [one[: len(start)] for one, start in zip(told, expected, strict=True)] == expected


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ("customer, used", "used: there is no such column; there are customer, calls, day"),
        ("name, used", "customer: the answer lacks this column"),
        ("customer, customer", "customer_1: there is no such column"),
        ("customer, customer", "calls: the answer lacks this column"),
    ],
)
async def test_other_columns_are_refused(
    db: Database,
    people: People,
    customers: None,
    caplog: pytest.LogCaptureFixture,
    columns: str,
    told: str,
) -> None:
    found = await faults(db, people, "('Acme', 5)", columns)
    assert [one for one in found if one.startswith(told)]
    assert not caplog.records


async def test_a_source_is_asked_by_itself_for_what_was_taken_in_once(
    db: Database, people: People, customers: None
) -> None:
    async def is_tried() -> bool:
        async with db.transaction() as session:
            return (await source_details(session, source_id, act(people.ana))).is_tried

    source_id = await source(db, people, "('Acme', 5)", "customer, calls")
    assert not await is_tried()
    await pull(db, source_id, OCTOBER, act(people.ana))
    assert await is_tried()
    await source(db, people, "('Acme', 6)", "customer, calls")
    assert not await is_tried()


async def test_only_whom_the_source_itself_told_of_has_used_nothing(
    db: Database, people: People, customers: None
) -> None:
    await pulled(db, people, "('Acme', 5), ('Café', 6)")
    [(beta,)] = await rows_of(db, "select id from customers where name = 'Beta'")
    async with db.transaction() as session:
        await record_usage(session, beta, OCTOBER, 13, act(people.ana))
    done = await pulled(db, people, "('Acme', 5)", anyway=True)
    told = done.foretold
    assert (told.changed, told.unchanged, told.to_zero, told.recorded) == (1, 1, 1, 3)
    assert told.biggest == (("Café", 6, 0),)
    assert told.missing_names == ("Beta", "Café")
    assert await rows_of(db, FIGURES) == [("Acme", 5), ("Beta", 13), ("Café", 0)]


async def test_a_name_of_a_merged_customer_finds_the_other_but_for_its_own_months(
    db: Database, people: People
) -> None:
    [sent, _] = await make_bills(db, people.ana, customers=2)
    await send_out(db, people, sent)
    async with db.transaction() as session:
        ids = [(await find_named(session, f"Customer {number}")).id for number in (1, 2)]
        await merge_customers(session, *ids, act(people.ana))
    assert (await pulled(db, people, "('Customer 1', 1600)")).foretold.changed == 1
    source_id = await source(db, people, "('Customer 1', 5)", "customer, calls")
    await pull(db, source_id, NOVEMBER, act(people.ana))
    assert await rows_of(
        db, "select customer_id, month, api_usage from usages order by month, customer_id"
    ) == [(ids[0], 10, 1600), (ids[1], 10, 1500), (ids[1], 11, 5)]


async def test_a_check_tells_all_and_writes_nothing(
    db: Database, people: People, customers: None
) -> None:
    values = "('Acme', 5), ('Nobody', 5), ('Beta', -1), ('ACME', 5)"
    source_id = await source(db, people, values, "customer, calls")
    checked = await check(db, source_id, OCTOBER, act(people.ana))
    told, bad = checked.foretold, checked.bad
    assert (told.added, told.unknown_names, told.missing_names) == (1, ("Nobody",), ("Café",))
    assert bad is not None
    assert bad.total == 2
    assert await rows_of(db, "select from usage_pulls union all select from usages") == []


async def test_countersigns_own_tables_are_no_source(
    db: Database, people: People, customers: None
) -> None:
    query = "select name as customer, 1 as calls from users where :month_start < :month_end"
    async with db.transaction() as session:
        kept, _ = await set_source(session, "Own", db.url, query, act(people.ana))
    for ask in (pull, check):
        with pytest.raises(WarehouseFailed, match="the role that keeps Countersign’s own tables"):
            await ask(db, kept.id, OCTOBER, act(people.ana))
    with pytest.raises(WarehouseFailed, match="own tables"):
        await reconcile_with(db, kept, OCTOBER, act(people.ana))


WHILE_IT_ANSWERS = {
    "is switched off": "update usage_sources set switched_off_at = now()",
    "is asked something else": "update usage_sources set query = 'another'",
    "is asked elsewhere": "update usage_sources set connect_args = '{\"threads\": 1}'",
}


@pytest.mark.parametrize("what", WHILE_IT_ANSWERS)
async def test_an_answer_counts_for_what_the_source_is_by_then(
    db: Database, people: People, customers: None, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    source_id = await source(db, people, "('Acme', 5)", "customer, calls")

    @asynccontextmanager
    async def asked_meanwhile(asking: Asking) -> AsyncIterator[PulledRows]:
        async with asked(asking) as rows:
            async with db.transaction() as session:
                await session.execute(sa.text(WHILE_IT_ANSWERS[what]))
            yield rows

    monkeypatch.setattr("bot.warehouse.pulling.asked", asked_meanwhile)
    with pytest.raises(SourceChanged):
        await pull(db, source_id, OCTOBER, act(people.ana))
    assert await rows_of(db, FIGURES) == []
    assert await rows_of(db, "select outcome from usage_pulls") == [("failed",)]


async def test_usage_is_pulled_by_finance_for_months_that_have_begun(
    db: Database, people: People, customers: None
) -> None:
    source_id = await source(db, people, "('Acme', 5)", "customer, calls")
    with pytest.raises(NotAllowed):
        await pull(db, source_id, OCTOBER, act(people.kim))
    with pytest.raises(Invalid, match="has not begun yet"):
        await pull(db, source_id, Period(2026, 12), act(people.ana))
    assert await rows_of(db, "select from usage_pulls") == []


BOTH, ONE = "('Acme', 5), ('Beta', 3)", "('Acme', 6)"


async def test_whom_two_sources_tell_of_is_told_by_check_and_pull(
    db: Database, people: People, customers: None
) -> None:
    first = await pulled(db, people, BOTH)
    assert first.foretold.overlaps == ()
    other = await source(db, people, ONE, "customer, calls", "Other")
    checked = await check(db, other, OCTOBER, act(people.ana))
    (overlap,) = checked.foretold.overlaps
    assert (overlap.source, overlap.customers, overlap.names) == ("Events", 1, ["Acme"])
    assert overlap.pulled_at == first.pull.started_at
    done = await pull(db, other, OCTOBER, act(people.ana))
    assert (done.pull.outcome, done.pull.counts["overlapping"]) == ("applied", 1)
    assert done.pull.found["overlaps"][0]["names"] == ["Acme"]

    back = await pulled(db, people, BOTH)
    assert [(one.source, one.names) for one in back.foretold.overlaps] == [("Other", ["Acme"])]
    assert await rows_of(db, FIGURES) == [("Acme", 5), ("Beta", 3)]
    async with db.transaction() as session:
        await switch_off_source(session, first.pull.source_id, act(people.ana))
    assert (await check(db, other, OCTOBER, act(people.ana))).foretold.overlaps == (), "it is off"


async def test_finance_hears_once_that_two_sources_tell_of_one(
    db: Database, people: People, customers: None
) -> None:
    first = await source(db, people, BOTH, "customer, calls")
    other = await source(db, people, ONE, "customer, calls", "Other")
    clock = replace(act(people.system), source=Source.CLOCK)
    told = list[int]()
    for source_id in (first, other, first, other, first):
        await pull(db, source_id, OCTOBER, clock)
        [(count,)] = await rows_of(db, "select count(*) from messages where kind = 'pull'")
        told.append(count)
    assert told == [0, 1, 2, 2, 2], "once of each source"
