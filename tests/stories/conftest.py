"""A company in Slack: two customers over their limit, and the people who look after them."""

from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from typing import Any

import pytest
import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from models.customers.customers import Customer
from models.usage.usage import Usage
from sandbox.story import Story, told
from tests.conftest import People

ANA, KIM, LEE, SAM, MAX, NEW = "UANA", "UKIM", "ULEE", "USAM", "UMAX", "UNEW"
TEAM: dict[str, Any] = {
    "users": [
        {"id": f"U{name.upper()}", "name": name, "real_name": name.title()}
        for name in ("ana", "kim", "lee", "sam", "max", "new")
    ],
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
def plain_log() -> Iterator[None]:
    """Traces without colours and locals, which take seconds to draw: Slack waits for three."""
    plain = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[structlog.processors.add_log_level, plain])
    yield
    structlog.reset_defaults()


@pytest.fixture
async def story(database_url: str, people: People) -> AsyncIterator[Story]:
    async with told(database_url, TEAM) as opened:
        yield opened
