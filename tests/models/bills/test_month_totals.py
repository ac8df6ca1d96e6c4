"""The sums kept of a month are those of its bills, and nobody waits for them."""

import psycopg
import sqlalchemy as sa

from models.actions.approve import approve_bill
from models.bills.month_totals import fold_month_totals
from models.db.database import Database
from models.queries.scope import Scope
from tests.harness.books import OCTOBER, act, make_bills, work_on
from tests.harness.cast import People
from tests.harness.tampering import discrepancies, tamper

SUMS = sa.text("""
select status, sum(bills), sum(priced), sum(amount) from month_totals
group by status having sum(bills) <> 0 order by status
""")
PARTS = sa.text("select count(*) from month_totals")


async def test_two_decide_at_once_and_neither_waits_nor_does_who_folds_meanwhile(
    db: Database, people: People
) -> None:
    first, second, third = await make_bills(db, people.ana, customers=3)
    await work_on(db, people, third)
    async with db.transaction() as kim, db.transaction() as sam, db.transaction() as worker:
        await approve_bill(kim, first, 1, act(people.kim))
        await approve_bill(sam, second, 1, act(people.sam))
        assert await fold_month_totals(worker, spare=0) > 2
        before = (await worker.execute(SUMS)).all()
    assert before == [("approved", 1, 1, 100), ("pending", 2, 2, 200)]
    async with db.transaction() as session:
        assert (await session.execute(SUMS)).all() == [("approved", 3, 3, 300)]
        assert await fold_month_totals(session) == 0, "that few do no harm"
        assert await fold_month_totals(session, spare=0) > 1
        assert await session.scalar(PARTS) == 1
        assert (await session.execute(SUMS)).all() == [("approved", 3, 3, 300)]
        assert await fold_month_totals(session, spare=0) == 0
    assert await discrepancies(db) == []


async def test_sums_that_are_not_those_of_the_bills_are_found_and_counted_anew(
    db: Database, people: People, database_url: str
) -> None:
    await make_bills(db, people.ana, customers=2)
    tamper(database_url, "update month_totals set amount = amount + 1")
    wrong = await discrepancies(db)
    assert list(map(str, wrong)) == ["months: the sums kept of 2026-10 are not those of its bills"]
    assert await discrepancies(db, Scope(OCTOBER)) == wrong
    assert await discrepancies(db, Scope(OCTOBER.plus(-1))) == []
    with psycopg.connect(database_url) as connection:
        connection.execute("select count_months_anew()")
    assert await discrepancies(db) == []
