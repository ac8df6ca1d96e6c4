"""The proof asks of each bill's figure which pull, file or person recorded it."""

from datetime import date
from functools import partial

import pytest
import sqlalchemy as sa

from models.audit.bill_check import Discrepancy
from models.bills.bill import Bill
from models.db.database import Database
from tests.harness.billing import clock, correct_usage
from tests.harness.cast import People
from tests.harness.database import TestDatabase
from tests.harness.pulled import pull_days
from tests.harness.scene import act, add_customer, generate
from tests.harness.tampering import discrepancies, tamper

DAYS = {date(2026, 10, day): 5_000 for day in range(1, 31)}
PULLED = "no pull, file or person explains its 150,000 calls"
BY_HAND = "no pull, file or person explains its 180,000 calls"


@pytest.fixture
async def bills(database: TestDatabase, people: People) -> list[int]:
    """Acme's figure was pulled day by day; Bolt's recorded by Ana, and corrected by her."""
    return await database.seeded("test_figures", partial(_bills, database.db, people))


async def _bills(db: Database, people: People) -> list[int]:
    async with db.transaction() as session:
        acme = await add_customer(session, used=None)
        await pull_days(session, clock(people), acme.id, DAYS)
        bolt = await add_customer(session, "Bolt Ltd", used=None)
        await correct_usage(session, act(people.ana), bolt.id, 170_000)
        await generate(session, act(people.ana))
        await correct_usage(session, act(people.ana), bolt.id, 180_000)
        return list(await session.scalars(sa.select(Bill.id).order_by(Bill.customer_id)))


TAMPERING = {
    "a pulled figure is changed": (
        [
            "update usages set api_usage = api_usage + 1 where pull_id is not null",
            "update usage_days set api_usage = api_usage + 1 where day = '2026-10-01'",
        ],
        [(0, PULLED)],
    ),
    "a pulled figure becomes one of another month": (
        ["update usage_pulls set month = 9"],
        [(0, PULLED)],
    ),
    "a pull is made one that changed nothing": (
        ["update usage_pulls set outcome = 'refused'"],
        [(0, PULLED)],
    ),
    "a figure is removed": (
        ["delete from usage_days", "delete from usages where pull_id is not null"],
        [(0, PULLED)],
    ),
    "a change says something else": (
        ["update usage_changes set new_api_usage = 1, old_api_usage = 2"],
        [(1, BY_HAND)],
    ),
    "a day is changed": (
        ["update usage_days set api_usage = 0 where day = '2026-10-07'"],
        [(0, "the days of its month come to 145,000 calls, and the month to 150,000")],
    ),
}


async def test_each_figure_that_somebody_recorded_is_explained(
    db: Database, bills: list[int]
) -> None:
    assert await discrepancies(db) == []


@pytest.mark.parametrize("what", TAMPERING)
async def test_a_figure_that_nothing_explains_is_named_with_its_bill(
    database: TestDatabase, bills: list[int], what: str
) -> None:
    statements, named = TAMPERING[what]
    tamper(database.url, *statements)
    expected = [Discrepancy(bills[place], None, told) for place, told in named]
    assert await discrepancies(database.db) == expected
