"""A company in Slack: two customers over their limit, and the people who look after them."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from bot.app import App
from models.customers.customers import Customer
from models.db.database import Database
from models.usage.usage import Usage
from tests.harness.cast import ANA, KIM, LEE, SAM, People, accounts
from tests.harness.lock_order import watched_locks
from tests.harness.running import plain_log, whole_bot, workspace
from tests.harness.slack_people import Team
from tests.harness.timings import LONG_ACK_S

TEAM: dict[str, Any] = {
    "users": accounts(),
    "channels": [
        {"id": "CACME", "name": "acme", "members": [ANA, KIM, SAM]},
        {"id": "CAPPROVALS", "name": "approvals", "members": [ANA, KIM, LEE, SAM]},
    ],
}


async def sign_up(session: AsyncSession, name: str, calls: int = 450_000, **terms: Any) -> Customer:
    """A customer with 100,000 calls included at $0.10 above, and its usage of October 2026."""
    given = {"monthly_api_limit": 100_000, "overage_unit_cost": Decimal("0.10")}
    customer = Customer(name=name, **(given | terms))
    session.add(customer)
    await session.flush()
    session.add(Usage(customer_id=customer.id, year=2026, month=10, api_usage=calls))
    return customer


@pytest.fixture(autouse=True)
def _plain_log() -> Iterator[None]:
    with plain_log():
        yield


@pytest.fixture(autouse=True)
def _locks_in_order() -> Iterator[None]:
    """Whatever the bot does in a story, it never could wait for somebody who waits for it."""
    with watched_locks() as faults:
        yield
    assert faults == []


@asynccontextmanager
async def team_with_bot(
    db: Database, ack_s: float = LONG_ACK_S, **settings: Any
) -> AsyncIterator[tuple[Team, App]]:
    """The people, and the whole bot in their Slack, which waits so long for it."""
    async with workspace(TEAM, ack_s=ack_s) as sandbox:
        team = Team(sandbox, db)
        async with whole_bot(team, **settings) as app:
            yield team, app


@pytest.fixture
async def team(db: Database, people: People) -> AsyncIterator[Team]:
    async with team_with_bot(db) as (opened, _):
        yield opened
