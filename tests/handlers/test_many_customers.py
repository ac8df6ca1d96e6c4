"""A company of many customers: whoever asks is answered at once, and a job finishes the answer."""

import pytest
import sqlalchemy as sa

from models.outbox.notifications import notify_month_end
from models.settings import BillingSettings
from tests.harness.slack_people import Team, acts, read, said

BEYOND = "insert into customers (name, monthly_api_limit) values ('Third GmbH', 1)"


@pytest.fixture
def billing() -> BillingSettings:
    """Two customers are few, and three are many."""
    return BillingSettings(most_at_once=2)


async def test_the_preview_of_many_customers_comes_as_a_message_and_generates(team: Team) -> None:
    assert acts(await team.ana.types("/bill generate 2026-10")) == ["run:generate", "run:cancel"]
    await _grow(team)
    promised = await team.ana.types("/bill generate 2026-10")
    assert "Working out what October 2026 would make" in promised["text"]
    assert acts(promised) == []
    preview = await team.ana.told("2 bills for approval")
    assert acts(preview) == ["run:generate", "run:cancel"]
    await team.ana.clicks("run:generate", on=preview)
    await team.ana.told("2 bills made")


@pytest.mark.parametrize("by_month_end", [False, True])
async def test_an_old_preview_of_many_customers_makes_nothing_and_is_shown_anew(
    team: Team, by_month_end: bool
) -> None:
    await _grow(team)
    if by_month_end:
        async with team.db.transaction() as session:
            await notify_month_end(session, "2026-10", None)
    else:
        await team.ana.types("/bill generate 2026-10")
    preview = await team.ana.told("2 bills for approval ($500.00)")
    async with team.db.transaction() as session:
        await session.execute(sa.text("update usages set api_usage = api_usage + 100"))
    await team.ana.clicks("run:generate", on=preview)
    stopped = await team.ana.told("has changed since it was shown, so nothing was generated")
    anew = await team.ana.told("2 bills for approval ($600.00)")
    assert "Stopped" in said(stopped)
    await team.ana.clicks("run:generate", on=anew)
    await team.ana.told("2 bills made")


async def test_of_one_customer_the_preview_is_answered_at_once_however_many_there_are(
    team: Team,
) -> None:
    await _grow(team)
    assert "1 bill for approval" in (await team.ana.types("/bill generate 2026-10 acme"))["text"]


async def test_whoever_may_not_generate_is_refused_before_anything_is_worked_out(
    team: Team,
) -> None:
    await _grow(team)
    refused = await team.kim.types("/bill generate 2026-10")
    assert "only Finance may generate bills" in refused["text"]
    refused = await team.ana.types("/bill generate 2026-11")
    assert "1 December 2026" in refused["text"]
    assert not any("would make" in read(one) for one in team.ana.messages())


async def _grow(team: Team) -> None:
    async with team.db.transaction() as session:
        await session.execute(sa.text(BEYOND))
