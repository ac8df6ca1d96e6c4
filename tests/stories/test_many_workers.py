"""Several programs, one database, and a clock that travels: a month ends once."""

import pytest

from tests.soak.workers import end_months

pytestmark = pytest.mark.long


async def test_a_month_ends_and_is_approved_once_though_programs_are_killed(
    database_url: str,
) -> None:
    outcome = await end_months(database_url, months=1, web=1)
    assert outcome.violations == []
    assert outcome.kills
    assert outcome.freezes
    assert outcome.clicks.decided
    assert outcome.clicks.kills
