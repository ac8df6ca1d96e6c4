"""CSV files on their way in: all of a file or nothing of it, and every fault by its place."""

import asyncio
from datetime import UTC, date, datetime
from decimal import Decimal
from io import BytesIO
from typing import Any

import pytest
import sqlalchemy as sa

from models.base import Database
from models.bills import Source
from models.csv_rows import BadRows, Flaw
from models.csv_staging import Busy
from models.imports import Imported, import_customers, import_people, import_usage
from models.people import User
from models.refusals import NotAllowed
from tests.conftest import People

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
TABLES = {"customers": "customers", "usage": "usages", "people": "users"}
IMPORTS = {"customers": import_customers, "usage": import_usage, "people": import_people}
HEADERS = {
    "customers": "name,csm,sales,billing_address,billing_email,currency,monthly_api_limit,"
    "overage_unit_cost,start_date,end_date,require_csm_approval,require_sales_approval",
    "usage": "customer,year,month,api_usage",
    "people": "name,email,role,slack_user_id",
}
ACME = "Acme,Kim,Sam,1 Road,ap@acme.example,USD,1000,0.002,2024-01-01,,true,false"


async def load(
    db: Database, user: User, kind: str, content: str | bytes, now: datetime = NOW, **more: Any
) -> Imported:
    data = content if isinstance(content, bytes) else content.encode()
    async with db.long_transaction() as session:
        return await IMPORTS[kind](session, BytesIO(data), user, now, **more)


async def load_rows(
    db: Database, user: User, kind: str, *rows: str, now: datetime = NOW
) -> Imported:
    return await load(db, user, kind, "\n".join((HEADERS[kind], *rows)), now)


async def flaws_of(db: Database, user: User, kind: str, *rows: str) -> list[Flaw]:
    with pytest.raises(BadRows) as refused:
        await load_rows(db, user, kind, *rows)
    assert refused.value.total == len(refused.value.flaws)
    return refused.value.flaws


async def rows_of(db: Database, query: str) -> list[Any]:
    async with db.transaction() as session:
        return [tuple(row) for row in await session.execute(sa.text(query))]


async def test_a_file_of_each_kind_arrives_whole(db: Database, people: People) -> None:
    assert await load_rows(
        db, people.ana, "people", "Zoe,zoe@example.com,Sales,UZOE", "Yan,,,"
    ) == Imported(2, 0, 0)
    assert await load_rows(db, people.ana, "customers", ACME) == Imported(1, 0, 0)
    assert await load_rows(db, people.ana, "usage", "ACME,2026,10,1500") == Imported(1, 0, 0)
    assert await rows_of(
        db, "select name, role, slack_user_id from users where email is null order by id"
    ) == [("system", None, None), ("Yan", None, None)]
    [customer] = await rows_of(
        db,
        "select name, csm_id, sales_id, currency, monthly_api_limit, overage_unit_cost,"
        " start_date, end_date, require_csm_approval, require_sales_approval from customers",
    )
    assert customer == (
        *("Acme", people.kim.id, people.sam.id, "USD", 1000, Decimal("0.002")),
        *(date(2024, 1, 1), None, True, False),
    )
    assert await rows_of(db, "select year, month, api_usage from usages") == [(2026, 10, 1500)]


FAULTS = [
    ("customers", "name", "", "a value is needed here"),
    ("customers", "name", "x" * 301, "longer than 300 characters"),
    ("customers", "csm", "Nobody", "nobody's name here"),
    ("customers", "csm", "Sam", "does not have the role Customer Success"),
    ("customers", "sales", "Kim", "does not have the role Sales"),
    ("customers", "currency", "XXQ", "is not a currency"),
    ("customers", "monthly_api_limit", "", "a value is needed here"),
    ("customers", "monthly_api_limit", "-1", "is negative"),
    ("customers", "monthly_api_limit", "1.5", "is not a whole number"),
    ("customers", "overage_unit_cost", "0.12345678901", "more than 10 decimals"),
    ("customers", "overage_unit_cost", "-0.1", "is negative"),
    ("customers", "overage_unit_cost", "1e-3", "is not a number"),
    ("customers", "overage_unit_cost", '"0,002"', "has a comma"),
    ("customers", "overage_unit_cost", '"1,000,000.5"', "has thousands separators"),
    ("customers", "start_date", "02/01/2024", "is not a date"),
    ("customers", "start_date", "2024-02-30", "is not a date"),
    ("customers", "end_date", "2023-12-31", "is before the start date"),
    ("customers", "end_date", "soon", "is not a date"),
    ("customers", "require_csm_approval", "ja", "neither true nor false"),
    ("usage", "customer", "Nobody Inc", "is no customer's name"),
    ("usage", "year", "1999", "not a year from 2000 to 2200"),
    ("usage", "year", "2201", "not a year from 2000 to 2200"),
    ("usage", "month", "0", "not a month from 1 to 12"),
    ("usage", "month", "13", "not a month from 1 to 12"),
    ("usage", "month", "Oct", "not a month from 1 to 12"),
    ("usage", "api_usage", "", "a value is needed here"),
    ("usage", "api_usage", "9223372036854775808", "is too big"),
    ("usage", "api_usage", "-1", "is negative"),
    ("usage", "api_usage", '"1,250,000"', "has thousands separators"),
    ("usage", "api_usage", "1.250.000", "has thousands separators"),
    ("usage", "api_usage", "1 250 000", "has thousands separators"),
    ("usage", "api_usage", "1_250", "has thousands separators"),
    ("usage", "api_usage", "0x10", "is not a whole number"),
    ("people", "name", "", "a value is needed here"),
    ("people", "name", "System", "clock and the command line"),
    ("people", "name", "Max", "somebody else's name"),
    ("people", "role", "Boss", "is not a role"),
    ("people", "slack_user_id", "@kim", "is not a Slack member id"),
]
GOOD = {
    "customers": ACME.replace("Acme", "Brand new"),
    "usage": "Acme,2026,9,9223372036854775807",
    "people": "Kim Lee,kim@example.com,Customer Success,UKIM",
}


@pytest.mark.parametrize(("kind", "column", "text", "reason"), FAULTS)
async def test_a_fault_is_named_by_line_and_column_and_nothing_is_written(
    db: Database, people: People, kind: str, column: str, text: str, reason: str
) -> None:
    await load_rows(db, people.ana, "customers", ACME)
    position = HEADERS[kind].split(",").index(column)
    values = GOOD[kind].replace("Kim Lee", "Kim Two").split(",")
    values[position] = text
    if kind == "customers" and column != "name":
        values[0] = "Another"
    count = f"select count(*) from {TABLES[kind]}"
    before = await rows_of(db, count)
    good = {"usage": "Acme,2026,8,1", "people": "Somebody,,,"}.get(kind, GOOD[kind])
    [flaw] = await flaws_of(db, people.ana, kind, good, ",".join(values))
    assert (flaw.line, flaw.column) == (3, column)
    assert reason in flaw.reason
    assert await rows_of(db, count) == before


async def test_every_bad_value_of_a_row_is_named_and_the_good_rows_are_not(
    db: Database, people: People
) -> None:
    await load_rows(db, people.ana, "customers", ACME)
    flaws = await flaws_of(db, people.ana, "usage", "Acme,1,13,x", "Acme,2026,10,5", "Who,2026,1,1")
    assert [(flaw.line, flaw.column) for flaw in flaws] == [
        *((2, "api_usage"), (2, "month"), (2, "year"), (4, "customer"))
    ]


REPEATED = [
    ("customers", ("Straße,,,,,,1,,,,,", "B,,,,,,1,,,,,", "STRAßE,,,,,,2,,,,,"), "name", "line 2"),
    ("usage", ("Acme,2026,10,1", "Acme,2026,9,1", "acme,2026,10,1"), "customer", "line 2"),
    ("people", ("Eve,,,", "Bob,,,", "Eve,,Sales,"), "name", "line 2"),
    ("people", ("Eve,,,UEVE", "Bob,,,", "Eva,,Sales,UEVE"), "slack_user_id", "line 2"),
    ("people", ("Kim,,,", "Bob,,,", "Kimberly,,,UKIM"), "name", "line 2"),
]


@pytest.mark.parametrize(("kind", "rows", "column", "first"), REPEATED)
async def test_a_row_that_repeats_an_earlier_one_names_it(
    db: Database, people: People, kind: str, rows: tuple[str, ...], column: str, first: str
) -> None:
    await load_rows(db, people.ana, "customers", ACME)
    [flaw] = await flaws_of(db, people.ana, kind, *rows)
    assert (flaw.line, flaw.column) == (4, column)
    assert flaw.reason.endswith(f"as {first}")


async def test_a_name_that_has_another_slack_account_is_refused(
    db: Database, people: People
) -> None:
    [flaw] = await flaws_of(db, people.ana, "people", "Kim,,Sales,UOTHER")
    assert (flaw.line, flaw.column) == (2, "slack_user_id")


HEADER_FAULTS = [
    ("customer,year,month", {"api_usage": "lacks"}),
    ("customer,year,month,api_usage,api_usage", {"api_usage": "twice"}),
    ("customer,year,month,api_usage,colour", {"colour": "no such column"}),
    ("Customer,YEAR,month,usage", {"usage": "no such column", "api_usage": "lacks"}),
    ("customer,year,month,api_usage,", {"": "no such column"}),
    ("", {"": "empty"}),
]


@pytest.mark.parametrize(("header", "reasons"), HEADER_FAULTS)
async def test_a_header_that_does_not_fit_is_refused_by_the_names_of_its_columns(
    db: Database, people: People, header: str, reasons: dict[str, str]
) -> None:
    with pytest.raises(BadRows) as refused:
        await load(db, people.ana, "usage", f"{header}\nAcme,2026,10,1")
    assert {flaw.column for flaw in refused.value.flaws} == set(reasons)
    for flaw in refused.value.flaws:
        assert flaw.line == 1
        assert reasons[flaw.column] in flaw.reason


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", [",", ";"])
@pytest.mark.parametrize("bom", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["", "\n"])
async def test_delimiter_newline_and_bom_do_not_matter(
    db: Database, people: People, newline: str, delimiter: str, bom: str, end: str
) -> None:
    good = (
        HEADERS["customers"].upper(),
        "",
        '"Äcme ""2""",Kim,,"1 Road\nTown",,eur,1000, 0.002 ,,,YES,0',
        ",,,,,,,,,,,",
    )
    bad = "Bad,Kim,,,,eur,1x00,0.002,,,YES,0"

    def written(*rows: str) -> str:
        return bom + ("\n".join(rows) + end).replace(",", delimiter).replace("\n", newline)

    with pytest.raises(BadRows) as refused:
        await load(db, people.ana, "customers", written(*good, bad))
    assert [flaw.line for flaw in refused.value.flaws] == [6]
    assert await load(db, people.ana, "customers", written(*good)) == Imported(1, 0, 0)
    [customer] = await rows_of(
        db, "select name, billing_address, currency, overage_unit_cost from customers"
    )
    name, address, currency, price = customer
    assert (name, currency, price) == ('Äcme "2"', "EUR", Decimal("0.002"))
    assert address == f"1 Road{newline}Town"


UNREADABLE = [
    (b"Acme,2026,10,5\nK\xf6ln,2026,10,5\n", (3, "customer", "UTF-8")),
    (b"Acme,2026,10,5\nAcme,2026,1\x00,5\n", (3, "month", "UTF-8")),
    (b"Acme,2026,10,5\nAcme,2026,9\n", (3, "", "3 values, the header 4 columns")),
    (b"Acme,2026,10,5\nAcme,2026,9,1,2\n", (3, "", "5 values, the header 4 columns")),
    (b'Acme,2026,10,5\n"Acme"2,2026,9,1\n', (3, "", "quotation marks do not match")),
    (b'Acme,2026,10,5\n"Acme,2026,9,1\n', (3, "", "quotation marks do not match")),
    (b"Acme,2026,10,5\nAcme,2026,9," + b"1" * 200_000, (3, "", "longer than 131,072")),
    (b"Acme,2026,10,5\nAcme,2026,9," + b"1" * 2_000_000, (3, "", "longer than 1,000,000")),
]


@pytest.mark.parametrize(("content", "expected"), UNREADABLE)
async def test_a_row_that_cannot_be_read_is_named(
    db: Database, people: People, content: bytes, expected: tuple[int, str, str]
) -> None:
    await load_rows(db, people.ana, "customers", ACME)
    with pytest.raises(BadRows) as refused:
        await load(db, people.ana, "usage", HEADERS["usage"].encode() + b"\n" + content)
    line, column, reason = expected
    flaw = refused.value.flaws[0]
    assert (flaw.line, flaw.column) == (line, column)
    assert reason in flaw.reason
    assert await rows_of(db, "select count(*) from usages") == [(0,)]


async def test_a_file_in_utf_16_is_refused_at_its_header(db: Database, people: People) -> None:
    with pytest.raises(BadRows) as refused:
        await load(db, people.ana, "usage", (HEADERS["usage"] + "\n").encode("utf-16"))
    assert "UTF-8" in refused.value.flaws[0].reason


async def test_of_very_many_faults_the_first_hundred_are_shown_and_all_are_counted(
    db: Database, people: People
) -> None:
    rows = [f"Nobody {number},2026,13,x" for number in range(250)]
    with pytest.raises(BadRows, match="750 faults") as refused:
        await load_rows(db, people.ana, "usage", *rows)
    assert len(refused.value.flaws) == 100
    assert refused.value.flaws[0].line == 2
    assert refused.value.flaws[-1].line == 35


async def test_the_same_file_again_writes_nothing(db: Database, people: People) -> None:
    files = {
        "people": "Zoe,zoe@example.com,sales,UZOE",
        "customers": ACME.replace("0.002", "0.0020"),
        "usage": "Acme,2026,010,0001500".replace("010", "10"),
    }
    for kind, row in files.items():
        assert await load_rows(db, people.ana, kind, row) == Imported(1, 0, 0)
    written = "select xmin, ctid from users union all select xmin, ctid from customers"
    written += " union all select xmin, ctid from usages"
    written += " union all select xmin, ctid from customer_terms"
    before = await rows_of(db, f"select xmin::text, ctid::text from ({written}) w")
    for kind, row in files.items():
        assert await load_rows(db, people.ana, kind, row) == Imported(0, 0, 1)
    assert await rows_of(db, f"select xmin::text, ctid::text from ({written}) w") == before


async def test_awkward_names_stay_what_they_are(db: Database, people: People) -> None:
    names = ["\\N", "\\.", "NULL", "'; drop table users; --", "<!channel>", "a\tb", "😀", "%s:x"]
    rows = [f'"{name}",,,,,USD,5,,,,,' for name in names]
    assert await load_rows(db, people.ana, "customers", *rows) == Imported(len(names), 0, 0)
    usage = [f'"{name}",2026,10,7' for name in names]
    assert await load_rows(db, people.ana, "usage", *usage) == Imported(len(names), 0, 0)
    stored = await rows_of(db, "select name from customers order by id")
    assert [name for (name,) in stored] == names


async def test_a_changed_figure_is_kept_with_who_when_why_and_whence(
    db: Database, people: People
) -> None:
    await load_rows(db, people.ana, "customers", ACME)
    await load_rows(db, people.ana, "usage", "Acme,2026,9,1500", "Acme,2026,10,2000")
    again = f"{HEADERS['usage']}\nAcme,2026,9,1500\nAcme,2026,10,2500\nAcme,2026,11,1"
    counted = await load(
        db, people.ana, "usage", again, source=Source.SLACK, reason="meter was late"
    )
    assert counted == Imported(1, 1, 1)
    assert await rows_of(
        db,
        "select month, old_api_usage, new_api_usage, changed_by, changed_at, reason, source"
        " from usage_changes join usages u on u.id = usage_id",
    ) == [(10, 2000, 2500, people.ana.id, NOW, "meter was late", "slack")]


TERMS = "select valid_from, monthly_api_limit, overage_unit_cost from customer_terms order by 1"


async def test_changed_terms_hold_from_this_month_on(db: Database, people: People) -> None:
    await load_rows(db, people.ana, "customers", ACME)
    assert await rows_of(db, TERMS) == [(date(2024, 1, 1), 1000, Decimal("0.002"))]
    changed = ACME.replace(",1000,0.002", ",1200,")
    assert await load_rows(db, people.ana, "customers", changed) == Imported(0, 1, 0)
    later = [(date(2024, 1, 1), 1000, Decimal("0.002")), (date(2026, 11, 1), 1200, None)]
    assert await rows_of(db, TERMS) == later
    assert await rows_of(
        db, "select monthly_api_limit, overage_unit_cost, updated_at from customers"
    ) == [(1200, None, NOW)]
    assert await load_rows(db, people.ana, "customers", changed) == Imported(0, 0, 1)
    assert await rows_of(db, TERMS) == later


async def test_changed_terms_never_move_a_sent_month(db: Database, people: People) -> None:
    await load_rows(db, people.ana, "customers", ACME)
    async with db.transaction() as session:
        await session.execute(
            sa.text("""
                insert into bills (customer_id, year, month, api_usage, monthly_api_limit,
                    overage_units, overage_amount, currency, status, created_at, updated_at)
                select id, 2026, 12, 2000, 1000, 1000, 2, 'USD', 'sent', :now, :now from customers
            """),
            {"now": NOW},
        )
        await session.execute(
            sa.text("""
                insert into bill_actions (bill_id, bill_version, stakeholder_id, action, source,
                    created_at, updated_at)
                select id, 1, :ana, 'generate', 'cli', :now, :now from bills
            """),
            {"ana": people.ana.id, "now": NOW},
        )
    await load_rows(db, people.ana, "customers", ACME.replace(",1000,", ",1200,"))
    assert [day for day, *_ in await rows_of(db, TERMS)] == [date(2024, 1, 1), date(2027, 1, 1)]


async def test_columns_that_are_not_given_keep_their_values(db: Database, people: People) -> None:
    wide = f"{HEADERS['customers']},country,tax_rate_percent,limit_proration\n"
    await load(db, people.ana, "customers", f"{wide}{ACME},de,8.1,daily")
    narrow = ACME.replace("Acme", "ACME").replace("1 Road", "2 Road")
    assert await load_rows(db, people.ana, "customers", narrow) == Imported(0, 1, 0)
    assert await rows_of(
        db,
        "select name, billing_address, country, tax_rate_percent, limit_proration from customers",
    ) == [("ACME", "2 Road", "DE", Decimal("8.1"), "daily")]


async def test_people_are_found_by_slack_account_then_by_name(db: Database, people: People) -> None:
    renamed = "Kim Park,,Customer Success,UKIM"
    by_name = "Max,max@new.example,,"
    assert await load_rows(db, people.ana, "people", renamed, by_name) == Imported(0, 2, 0)
    assert await rows_of(
        db,
        "select name, email, role, slack_user_id from users where id in "
        f"({people.kim.id}, {people.max.id}) order by id",
    ) == [
        ("Kim Park", "kim@example.com", "Customer Success", "UKIM"),
        ("Max", "max@new.example", None, "UMAX"),
    ]


@pytest.mark.parametrize("kind", ["customers", "usage", "people"])
async def test_only_finance_imports(db: Database, people: People, kind: str) -> None:
    for user in (people.kim, people.sam, people.max):
        with pytest.raises(NotAllowed):
            await load_rows(db, user, kind, GOOD[kind])
    assert await load_rows(db, people.system, kind) == Imported(0, 0, 0)


async def test_two_imports_of_one_file_at_once_add_it_once(db: Database, people: People) -> None:
    rows = [f"Customer {number},Kim,,,,USD,5,0.1,,,," for number in range(200)]
    both = await asyncio.gather(*(load_rows(db, people.ana, "customers", *rows) for _ in range(2)))
    assert sorted(both, key=lambda done: done.added) == [Imported(0, 0, 200), Imported(200, 0, 0)]
    usage = [f"customer {number},2026,10,{number}" for number in range(200)]
    both = await asyncio.gather(*(load_rows(db, people.ana, "usage", *usage) for _ in range(2)))
    assert sorted(both, key=lambda done: done.added) == [Imported(0, 0, 200), Imported(200, 0, 0)]


async def test_an_import_that_has_to_wait_too_long_is_refused(db: Database, people: People) -> None:
    async with db.transaction() as writer:
        await writer.execute(sa.text("update users set email = 'x' where name = 'Max'"))
        with pytest.raises(Busy):
            async with db.long_transaction() as session:
                await session.execute(sa.text("set local lock_timeout = '50ms'"))
                await import_people(session, BytesIO(HEADERS["people"].encode()), people.ana, NOW)


async def test_progress_is_told_in_bytes_up_to_the_whole_file(db: Database, people: People) -> None:
    content = "\n".join((HEADERS["people"], *(f"Person {n},,Sales," for n in range(3000))))
    told: list[tuple[int, int]] = []
    await load(
        db, people.ana, "people", content, progress=lambda done, size: told.append((done, size))
    )
    assert len(told) > 3
    assert told == sorted(told)
    assert told[-1] == (len(content), len(content))
