"""A company of many customers, for whatever has to be as quick with them as with ten."""

from functools import partial

import pytest
import sqlalchemy as sa

from models.db.database import Database
from tests.harness.cast import People
from tests.harness.database import TestDatabase
from tests.rules.scene import OCTOBER, act, generate

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


@pytest.fixture
async def company(database: TestDatabase, people: People) -> None:
    """September's bills and October's of three thousand customers; all of them wait."""
    await database.seeded("many bills", partial(_company, database.db, people))
    async with database.db.transaction() as session:
        await session.execute(sa.text("analyze"))


async def _company(db: Database, people: People) -> None:
    async with db.long_transaction() as session:
        connection = await session.connection()
        for statement in COMPANY.strip().split(";")[:-1]:
            await connection.execute(sa.text(statement))
        for period in (OCTOBER.plus(-1), OCTOBER):
            await session.execute(sa.text("analyze"))
            await generate(session, act(people.ana), period)
