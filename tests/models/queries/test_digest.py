"""What a digest tells: sums and the biggest of those that still wait, a currency each."""

from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.actions.approve import approve_bill
from models.batches.bill_run import run_step, start_bill_run
from models.db.database import do_put_off
from models.outbox.digests import digests_of, list_crowd
from models.outbox.messages import Message, MessageKind
from models.queries.bill_list import bills_waiting_for
from models.queries.digest import load_digest
from models.queries.totals import Total
from tests.harness.cast import People
from tests.harness.reading import rows_read
from tests.harness.scene import NOW, OCTOBER, RULES, ZONE, act, add_customer

MANY = """
insert into messages (key, kind, recipient, facts, state)
select 'digest:' || i, 'digest', 'user:' || i,
       jsonb_build_object('first', 1, 'last', 999, 'of', 'user:' || i), 'posted'
from generate_series(1000, 4000) i"""


async def digest_of_twelve(session: AsyncSession, people: People) -> Message:
    """Kim's: six in dollars, of 100.00 to 600.00, and six in yen, of 700 to 1,200."""
    for n in range(1, 13):
        currency = "USD" if n <= 6 else "JPY"
        used = 100_000 + n * 1_000
        await add_customer(session, f"C{n}", used, currency=currency, csm_id=people.kim.id)
    run_id = await start_bill_run(session, OCTOBER, act(people.ana), ZONE)
    await run_step(session, run_id, RULES, NOW)
    await do_put_off(session)
    await list_crowd(session, f"user:{people.kim.id}")
    digests = sa.select(Message).where(Message.kind == MessageKind.DIGEST)
    return (await session.scalars(digests)).one()


async def test_a_digest_adds_up_what_waits_and_names_the_biggest_of_each_currency(
    session: AsyncSession, people: People
) -> None:
    message = await digest_of_twelve(session, people)
    digest = await load_digest(session, message)
    assert (digest.listed, digest.waiting, digest.period) == (12, 12, OCTOBER)
    assert digest.totals == (Total("JPY", 6, Decimal(5700)), Total("USD", 6, Decimal(2100)))
    shown = [(one.currency, one.amount) for one in digest.biggest]
    assert shown == [
        *(("JPY", Decimal(amount)) for amount in (1200, 1100, 1000)),
        *(("USD", Decimal(amount)) for amount in (600, 500)),
    ]
    waiting = (await bills_waiting_for(session, people.kim)).lines
    await approve_bill(session, waiting[0].id, 1, act(people.kim))
    left = await load_digest(session, message)
    assert (left.listed, left.waiting) == (12, 11)


async def test_the_digest_of_a_card_is_found_among_thousands(
    session: AsyncSession, people: People
) -> None:
    digest = await digest_of_twelve(session, people)
    digest.state = "posted"
    await session.flush()
    await session.execute(sa.text(MANY))
    await session.execute(sa.text("analyze messages"))
    listed = sa.text("select bill_id from messages where kind = 'card' limit 1")
    (bill_id,) = await session.scalars(listed)
    found: list[int] = []

    async def find() -> None:
        found.extend(await digests_of(session, [bill_id]))

    read = await rows_read(session, find)
    assert found == [digest.id]
    assert read["messages"] <= 20, read


async def test_generating_looks_at_tables_that_nobody_has_looked_at(
    session: AsyncSession, people: People
) -> None:
    """As after a restore: without statistics a month may take five times as long."""
    await digest_of_twelve(session, people)
    unknown = "select count(*) from pg_class where relname in ('usages', 'bills') and reltuples < 0"
    assert await session.scalar(sa.text(unknown)) == 0
