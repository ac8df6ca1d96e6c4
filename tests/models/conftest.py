"""A company of many customers, for whatever has to be as quick with them as with ten."""

from collections.abc import AsyncIterator
from functools import partial

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.db.database import Database
from tests.harness.cast import add_people, find_people
from tests.harness.database import TestPostgres
from tests.harness.scene import OCTOBER, act, generate

CUSTOMERS, KIMS = 3_000, 60

# Every fiftieth is Kim's; the others have a CSM each of thirty more.
COMPANY = f"""
insert into users (name, role, slack_user_id)
select 'CSM ' || i, 'Customer Success', 'UC' || i from generate_series(1, 30) i;
insert into customers (name, csm_id, monthly_api_limit, overage_unit_cost)
select 'Customer ' || i, (select id from users where name =
       case when i % {CUSTOMERS // KIMS} = 0 then 'Kim' else 'CSM ' || (1 + i % 30) end), 1000, 0.1
from generate_series(1, {CUSTOMERS}) i;
insert into usages (customer_id, year, month, api_usage)
select id, 2026, month, 2000 from customers, generate_series(9, 10) month;
"""


@pytest.fixture(scope="session")
async def _company(postgres: TestPostgres) -> AsyncIterator[Database]:
    lent = postgres.lend()
    await lent.seeded("many bills", partial(_bill_two_months, lent.db))
    async with lent.db.transaction() as session:
        await session.execute(sa.text("analyze"))
    yield lent.db
    await postgres.take_back(lent)


@pytest.fixture
async def company(_company: Database) -> AsyncIterator[AsyncSession]:
    """September's bills and October's of three thousand customers; all of them wait. What is done
    to them in this transaction comes to nothing.
    """
    async with _company.long_transaction() as session:
        yield session
        await session.rollback()


async def _bill_two_months(db: Database) -> None:
    async with db.long_transaction() as session:
        await add_people(session)
        people = await find_people(session)
        connection = await session.connection()
        for statement in COMPANY.strip().split(";")[:-1]:
            await connection.execute(sa.text(statement))
        for period in (OCTOBER.plus(-1), OCTOBER):
            await session.execute(sa.text("analyze"))
            await generate(session, act(people.ana), period)
