"""What a file changes, and what it leaves as it is."""

import asyncio
from datetime import date
from decimal import Decimal
from io import BytesIO

import pytest
import sqlalchemy as sa

from models.context import Source
from models.db.database import Database
from models.errors import Busy, NotAllowed
from models.imports.emptied import Emptied
from models.imports.files import Imported, import_people
from models.imports.rows import BadRows
from models.imports.unwritten import Unwritten
from models.period import Period
from tests.billed import write_bill
from tests.harness.cast import People
from tests.harness.files import ACME, HEADERS, NOW, load, load_rows, rows_of


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


async def test_a_changed_figure_is_kept_with_who_when_and_whence(
    db: Database, people: People
) -> None:
    await load_rows(db, people.ana, "customers", ACME)
    await load_rows(db, people.ana, "usage", "Acme,2026,9,1500", "Acme,2026,10,2000")
    again = f"{HEADERS['usage']}\nAcme,2026,9,1500\nAcme,2026,10,2500\nAcme,2026,11,1"
    counted = await load(db, people.ana, "usage", again, source=Source.SLACK)
    assert counted == Imported(1, 1, 1)
    assert await rows_of(
        db,
        "select month, old_api_usage, new_api_usage, changed_by, changed_at, source"
        " from usage_changes join usages u on u.id = usage_id",
    ) == [(10, 2000, 2500, people.ana.id, NOW, "slack")]


TERMS = "select valid_from, monthly_api_limit, overage_unit_cost from customer_terms order by 1"


async def test_changed_terms_hold_from_this_month_on(db: Database, people: People) -> None:
    await load_rows(db, people.ana, "customers", ACME)
    assert await rows_of(db, TERMS) == [(date(2024, 1, 1), 1000, Decimal("0.002"))]
    changed = ACME.replace(",1000,0.002", ",1200,")
    priceless = Emptied("overage_unit_cost", 1, ("Acme",))
    done = await load_rows(db, people.ana, "customers", changed)
    assert done == Imported(0, 1, 0, emptied=(priceless,))
    later = [(date(2024, 1, 1), 1000, Decimal("0.002")), (date(2026, 11, 1), 1200, None)]
    assert await rows_of(db, TERMS) == later
    assert await rows_of(
        db, "select monthly_api_limit, overage_unit_cost, updated_at from customers"
    ) == [(1200, None, NOW)]
    assert await load_rows(db, people.ana, "customers", changed) == Imported(0, 0, 1)
    assert await rows_of(db, TERMS) == later


DECEMBER = Period(2026, 12)
# A bill of December: its number, state and kind; the month from which a change holds.
BILLED = [
    ("2026-000001", "sent", "overage", date(2027, 1, 1)),
    ("2026-000002", "sending", "overage", date(2027, 1, 1)),
    # Its delivery failed.
    ("2026-000003", "approved", "overage", date(2027, 1, 1)),
    (None, "sending", "overage", date(2026, 11, 1)),
    ("2026-000004", "void", "overage", date(2026, 11, 1)),
    ("CN-2026-000001", "sent", "credit", date(2026, 11, 1)),
]


async def test_changed_terms_never_move_a_month_whose_bill_has_its_number(
    db: Database, people: People
) -> None:
    rows = [ACME.replace("Acme", f"Customer {at}") for at, _ in enumerate(BILLED)]
    await load_rows(db, people.ana, "customers", *rows)
    ids = [found for (found,) in await rows_of(db, "select id from customers order by name")]
    async with db.transaction() as session:
        for customer_id, (number, status, kind, _) in zip(ids, BILLED, strict=True):
            await write_bill(session, customer_id, DECEMBER, number, status, kind)
    changed = [row.replace(",1000,", ",1200,") for row in rows]
    assert await load_rows(db, people.ana, "customers", *changed) == Imported(0, len(rows), 0)
    assert await load_rows(db, people.ana, "customers", *changed) == Imported(0, 0, len(rows))
    terms = await rows_of(
        db, "select valid_from, monthly_api_limit from customer_terms order by customer_id, 1"
    )
    first = (date(2024, 1, 1), 1000)
    assert terms == [row for *_, valid_from in BILLED for row in (first, (valid_from, 1200))]
    shown = await rows_of(db, "select monthly_api_limit from customers order by name")
    assert [limit for (limit,) in shown] == [
        1000 if valid_from > NOW.date() else 1200 for *_, valid_from in BILLED
    ]


async def test_columns_that_are_not_given_keep_their_values(db: Database, people: People) -> None:
    wide = f"{HEADERS['customers']},country,tax_rate_percent,limit_proration\n"
    await load(db, people.ana, "customers", f"{wide}{ACME},de,8.1,daily")
    narrow = ACME.replace("Acme", "ACME").replace("1 Road", "2 Road")
    assert await load_rows(db, people.ana, "customers", narrow) == Imported(0, 1, 0)
    assert await rows_of(
        db,
        "select name, billing_address, country, tax_rate_percent, limit_proration from customers",
    ) == [("Acme", "2 Road", "DE", Decimal("8.1"), "daily")]


async def test_people_are_found_by_slack_account_then_by_name(db: Database, people: People) -> None:
    renamed = "Kim Park,,Customer Success,UKIM"
    by_name = "Max,max@new.example,,"
    done = await load_rows(db, people.ana, "people", renamed, by_name)
    assert (done.added, done.changed, done.unchanged) == (0, 2, 0)
    assert [(change.before.name, change.after.name) for change in done.people if change.before] == [
        ("Kim", "Kim Park"),
        ("Max", "Max"),
    ]
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
            await load_rows(db, user, kind)
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


async def test_a_file_as_a_spreadsheet_leaves_it_is_read(db: Database, people: People) -> None:
    """Empty lines first, a column without a name, thousands and decimals as they write them."""
    header = "\ufeff;;\r\n Name\u00a0;CSM;Sales;Billing address;Billing  Email;Currency;"
    header += "Monthly-API-limit;Overage unit cost;Start date;End date;Require CSM approval;"
    header += "Require sales approval;;\r\n"
    row = "\u200b“Acme”;Kim;Sam;1 Road;ap@acme.example;eur;1’250’000;0,002;01.10.2026;;WAHR;FALSCH"
    empty = ";" * 13
    content = f"{header}{row};;\r\n{empty}\r\n"
    assert await load(db, people.ana, "customers", content) == Imported(1, 0, 0)
    [customer] = await rows_of(
        db,
        "select name, currency, monthly_api_limit, overage_unit_cost, start_date,"
        " require_csm_approval, require_sales_approval from customers",
    )
    assert customer == ("Acme", "EUR", 1_250_000, Decimal("0.002"), date(2026, 10, 1), True, False)
    usage = 'sep=,\n\n"Customer",Year,Month,"API usage",\n“Acme”,2026.0,10.0,"12,50,000",\n'
    assert await load(db, people.ana, "usage", usage) == Imported(1, 0, 0)
    assert await rows_of(db, "select year, month, api_usage from usages") == [(2026, 10, 1250000)]


async def test_a_value_in_a_column_without_a_name_is_not_passed_over(
    db: Database, people: People
) -> None:
    await load_rows(db, people.ana, "customers", ACME)
    with pytest.raises(BadRows) as refused:
        await load(db, people.ana, "usage", f"{HEADERS['usage']},,\nAcme,2026,10,5,,late")
    [flaw] = refused.value.flaws
    assert (flaw.line, flaw.reason) == (
        2,
        "the row has a value in a column that the header does not name",
    )


async def test_codes_are_kept_in_the_form_that_everybody_knows(
    db: Database, people: People
) -> None:
    header = f"{HEADERS['customers']},country,locale,tax_rate_percent,slack_channel_id"
    link = "https://meridian.slack.com/archives/C012AB3CD/p1762080000000000"
    for tax, kept in (("8.1 %", "8.1"), ("0.5%", "0.5"), ("0.5", "0.5"), ("19.00", "19")):
        await load(db, people.ana, "customers", f"{header}\n{ACME},de,de-ch,{tax},{link}")
        assert await rows_of(
            db, "select country, locale, tax_rate_percent, slack_channel_id from customers"
        ) == [("DE", "de_CH", Decimal(kept), "C012AB3CD")]


async def test_a_price_is_given_by_a_file_of_nothing_else(db: Database, people: People) -> None:
    await load_rows(db, people.ana, "customers", ACME.replace("0.002", ""))
    everything = "select * from customers"
    [before] = await rows_of(db, f"select to_jsonb(c) - 'updated_at' from ({everything}) c")
    given = "name,overage_unit_cost,valid_from\nacme,0.35,2026-09"
    assert await load(db, people.ana, "customers", given) == Imported(0, 1, 0)
    [after] = await rows_of(db, f"select to_jsonb(c) - 'updated_at' from ({everything}) c")
    assert {key for key in before[0] if before[0][key] != after[0][key]} == {"overage_unit_cost"}
    assert await load(db, people.ana, "customers", given) == Imported(0, 0, 1)
    assert await load(db, people.ana, "customers", "name\nAcme") == Imported(0, 0, 1)
    mail = "name,billing_email\nAcme,new@acme.example"
    assert await load(db, people.ana, "customers", mail) == Imported(0, 1, 0)


async def test_terms_that_a_file_leaves_out_stay_as_they_are_in_its_month(
    db: Database, people: People
) -> None:
    await load_rows(db, people.ana, "customers", ACME)
    for ahead in ("2000,,2027-01", "3000,0.5,2027-03"):
        limit, price, month = ahead.split(",")
        named = "name,monthly_api_limit,valid_from" + (",overage_unit_cost" if price else "")
        row = f"Acme,{limit},{month}" + (f",{price}" if price else "")
        await load(db, people.ana, "customers", f"{named}\n{row}")
    await load(db, people.ana, "customers", "name,overage_unit_cost,valid_from\nAcme,0.7,2027-02")
    assert [
        (str(month), limit, f"{price.normalize():f}")
        for month, limit, price in await rows_of(
            db,
            "select valid_from, monthly_api_limit, overage_unit_cost from customer_terms"
            " where valid_from > '2026-12-01' order by 1",
        )
    ] == [
        ("2027-01-01", 2000, "0.002"),
        ("2027-02-01", 2000, "0.7"),
        ("2027-03-01", 3000, "0.5"),
    ]


async def test_what_a_file_leaves_out_is_asked_for_where_a_row_adds_somebody(
    db: Database, people: People
) -> None:
    await load_rows(db, people.ana, "customers", ACME)
    with pytest.raises(BadRows) as refused:
        await load(db, people.ana, "customers", "name,overage_unit_cost\nAcme,1\nAcne,1")
    [flaw] = refused.value.flaws
    assert (flaw.line, flaw.column) == (3, "monthly_api_limit")
    assert "“Acne”" in flaw.reason
    for header, lacks in (
        ("name,currency", "overage_unit_cost"),
        ("name,start_date", "end_date"),
        ("name,end_date", "start_date"),
    ):
        with pytest.raises(BadRows) as refused:
            await load(db, people.ana, "customers", f"{header}\nAcme,")
        assert [flaw.column for flaw in refused.value.flaws] == [lacks]
    new = "name,monthly_api_limit\nBolt,5"
    assert await load(db, people.ana, "customers", new) == Imported(1, 0, 0)


async def test_customers_whose_documents_no_font_can_draw_are_said(
    db: Database, people: People
) -> None:
    rows = "name,monthly_api_limit,billing_address\nCarthage 𐤀,5,\nBolt,5,1 ߒߞ Road\nNguyễn,5,"
    done = await load(db, people.ana, "customers", rows)
    assert done == Imported(3, 0, 0, unwritten=Unwritten(2, ("Carthage 𐤀", "Bolt")))


async def test_what_a_row_empties_is_said(db: Database, people: People) -> None:
    await load_rows(
        db, people.ana, "customers", ACME.replace("USD", "EUR"), ACME.replace("Acme", "B")
    )
    emptied = "Acme,,Sam,,,,1000,0.002,2024-01-01,,,false"
    done = await load_rows(db, people.ana, "customers", emptied, ACME.replace("Acme", "B"))
    assert done == Imported(
        *(0, 1, 1),
        emptied=tuple(
            Emptied(column, 1, ("Acme",))
            for column in (
                *("csm", "billing_address", "billing_email", "currency"),
                "require_csm_approval",
            )
        ),
    )
    done = await load_rows(db, people.ana, "customers", emptied)
    assert done == Imported(0, 0, 1)
