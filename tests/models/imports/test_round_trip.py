"""What an export writes, an import reads back unchanged."""

import psycopg
import sqlalchemy as sa
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from models.actions.merge_customers import merge_customers
from models.customers.search import find_named
from models.db.database import Database
from models.exports.books import export_book
from models.exports.formats import Format, Table
from models.imports.files import Imported
from models.queries.scope import EVERYTHING
from models.text import FORMULA, without_guard
from tests.harness.books import act, make_bills, send_out
from tests.harness.cast import People
from tests.harness.files import load, rows_of

READ_BACK = ("people", "customers", "usage")

NAMES = [
    *("=1+1", "+49 Ltd", "-2+3", "@SUM(1)", "＝1", "'=1", "''-x", "' =1", "O'Brien"),
    *('Café,  "Zürich"; AG', "two\u00a0parts", "x\u200by", "NULL", "\\N", "007"),
]

# One with nothing but a name, and one with all there is.
_CUSTOMERS = sa.text("""
with bare as (
    insert into customers (name, monthly_api_limit)
    select n, 1000 from unnest(cast(:names as text[])) n returning id)
insert into usages (customer_id, year, month, api_usage) select id, 2026, 9, 7 from bare
""")
_WHOLE = sa.text("""
insert into customers (name, csm_id, sales_id, billing_address, country, tax_id, tax_rate_percent,
    tax_note, locale, payment_days, billing_email, cc_emails, currency, monthly_api_limit,
    overage_unit_cost, start_date, end_date, require_csm_approval, require_sales_approval,
    auto_approve_below, second_approval_above, limit_proration, slack_channel_id)
values ('Whole', :kim, :sam, E'-1 Road\\nTown', 'DE', '=DE1', 8.1, '+note', 'de', 30,
    'b@b.example', '-c@c.example', 'KWD', 9007199254740993, 0.0000000001, '2026-01-01',
    '2027-12-31', true, false, 10.5, 99999.9999, 'daily', 'C0AB')
""")


async def exported(db: Database, table: str) -> bytes:
    async with db.reading() as session:
        book = export_book(session, Table(table), Format.CSV, EVERYTHING, lambda done, total: None)
        return b"".join([piece async for piece in book])


async def unchanged(db: Database, people: People, table: str) -> int:
    """Export and import; returns how many rows that were, none of which was written."""
    book = await exported(db, table)
    done = await load(db, people.system, table, book)
    assert done == Imported(0, 0, done.unchanged)
    assert await exported(db, table) == book
    return done.unchanged


async def test_every_book_is_read_back_as_it_was(db: Database, people: People) -> None:
    """People without a role or switched off, and customers whose CSM is none any more, too."""
    async with db.transaction() as session:
        await session.execute(_CUSTOMERS, {"names": NAMES})
        await session.execute(_WHOLE, {"kim": people.kim.id, "sam": people.sam.id})
        await session.execute(sa.text("insert into users (name) values ('-Eve'), ('=Bob')"))
        await session.execute(
            sa.text("update users set active = false, email = '+x@x.example' where name = 'Lee'")
        )
        await session.execute(sa.text("update users set role = 'Manager' where name = 'Kim'"))
    assert [await unchanged(db, people, table) for table in READ_BACK] == [
        7,
        len(NAMES) + 1,
        len(NAMES),
    ]


async def test_in_an_empty_database_it_makes_the_same(db: Database, people: People) -> None:
    async with db.transaction() as session:
        await session.execute(_CUSTOMERS, {"names": NAMES})
        await session.execute(_WHOLE, {"kim": people.kim.id, "sam": people.sam.id})
        await session.execute(sa.text("update users set active = false where name = 'Lee'"))
    books = {table: await exported(db, table) for table in READ_BACK}
    async with db.transaction() as session:
        for table in ("usages", "customer_terms", "customer_names", "customers"):
            await session.execute(sa.text(f"delete from {table}"))
        await session.execute(sa.text("delete from users where name <> 'system'"))
    for table in READ_BACK:
        await load(db, people.system, table, books[table])
    for table in ("people", "customers"):
        assert await exported(db, table) == books[table]
    assert await rows_of(db, "select count(*), sum(api_usage) from usages") == [
        (len(NAMES), 7 * len(NAMES))
    ]


async def test_months_of_a_merged_customer_are_read_back_as_its_own(
    db: Database, people: People
) -> None:
    [sent, _] = await make_bills(db, people.ana, customers=2)
    await send_out(db, people, sent)
    async with db.transaction() as session:
        ids = [(await find_named(session, f"Customer {n}")).id for n in (1, 2)]
        await merge_customers(session, *ids, act(people.ana, 30))
    assert await unchanged(db, people, "usage") == 2
    assert await unchanged(db, people, "customers") == 1
    late = "customer,year,month,api_usage\nCustomer 1,2026,10,1600\nCustomer 1,2026,11,5"
    await load(db, people.system, "usage", late)
    assert await rows_of(
        db, "select customer_id, month, api_usage from usages order by month, customer_id"
    ) == [(ids[0], 10, 1600), (ids[1], 10, 1500), (ids[1], 11, 5)]


@settings(
    max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(text=st.text("'=+-@ \t\u00a0＝ab\n", max_size=6).map(str.strip))
@example(text="'=1")
@example(text="''=1")
def test_a_guard_is_put_on_and_taken_off_alike(database_url: str, text: str) -> None:
    with psycopg.connect(database_url) as connection:
        row = connection.execute(
            "select case when %(t)s ~ %(f)s then chr(39) || %(t)s else %(t)s end",
            {"t": text, "f": FORMULA},
        ).fetchone()
    assert row is not None
    assert without_guard(row[0]) == text
