"""Several workers, one database, and a clock that travels: a month ends once."""

import pytest

from tests.soak.workers import end_months

pytestmark = pytest.mark.long


async def test_a_month_ends_once_though_workers_are_killed_and_frozen(database_url: str) -> None:
    outcome = await end_months(database_url, months=1)
    assert outcome.violations == []
    assert outcome.kills
    assert outcome.freezes
