"""Finance's week: told once, in working hours, as things stand."""

from collections.abc import Collection
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from handlers.slack.blocks.weekly_digest import weekly_digest
from models.actions.approve import approve_bill, reject_bill
from models.bills.states import HoldReason, RejectReason
from models.context import Source, system_context
from models.db.database import do_put_off
from models.period import Period
from models.queries.weekly_digest import load_weekly_digest
from models.schedule.weekly import tell_of_week
from models.settings import BillingSettings
from tests.harness.cast import People
from tests.harness.scene import NOW, OCTOBER, act, add_customer, generate, record_usage
from tests.harness.slack_people import read

KATHMANDU = ZoneInfo("Asia/Kathmandu")


class Ticking:
    """Ticks at moments that people in Kathmandu name, and tells which weeks were told of."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def at(self, moment: str, *, free: Collection[date] = ()) -> None:
        now = datetime.fromisoformat(moment).replace(tzinfo=KATHMANDU)
        settings = BillingSettings(zone=KATHMANDU, days_off=frozenset(free) or None)
        context = await system_context(self._session, now, Source.CLOCK, settings)
        await tell_of_week(self._session, context)

    async def told(self) -> list[str]:
        await do_put_off(self._session)
        query = "select key from messages where kind = 'weekly_digest' order by id"
        keys = await self._session.scalars(sa.text(query))
        return [key.split(":")[1] for key in keys]


@pytest.fixture
def clock(session: AsyncSession, people: People) -> Ticking:
    del people
    return Ticking(session)


async def test_a_week_is_told_of_once_on_monday_morning(clock: Ticking) -> None:
    """Not the one in which the first start was."""
    for moment in ("2026-11-05T10:00", "2026-11-06T10:00", "2026-11-09T08:59"):
        await clock.at(moment)
    assert await clock.told() == []
    for moment in ("2026-11-09T09:00", "2026-11-09T09:05", "2026-11-11T09:00"):
        await clock.at(moment)
    assert await clock.told() == ["2026-W46"]
    await clock.at("2026-11-16T09:00")
    assert await clock.told() == ["2026-W46", "2026-W47"]


async def test_a_monday_that_was_missed_is_made_up_for_in_working_hours(clock: Ticking) -> None:
    await clock.at("2026-11-05T10:00")
    for moment in ("2026-11-09T17:00", "2026-11-10T03:00", "2026-11-14T10:00", "2026-11-15T10:00"):
        await clock.at(moment)
    await clock.at("2026-11-16T09:00", free=[date(2026, 11, 16)])
    assert await clock.told() == []
    await clock.at("2026-12-30T11:00")
    assert await clock.told() == ["2026-W53"]


async def test_weeks_go_on_over_the_new_year(clock: Ticking) -> None:
    for days in range(22):
        await clock.at(
            (datetime(2026, 12, 21, 9, tzinfo=KATHMANDU) + timedelta(days=days)).isoformat()
        )
    assert await clock.told() == ["2026-W53", "2027-W01", "2027-W02"]


async def test_nobody_to_tell_leaves_it_for_later_in_the_week(
    clock: Ticking, session: AsyncSession
) -> None:
    await clock.at("2026-11-05T10:00")
    await session.execute(sa.text("update users set active = false where role = 'Finance'"))
    await clock.at("2026-11-09T09:00")
    await session.execute(sa.text("update users set active = true where role = 'Finance'"))
    await clock.at("2026-11-10T16:59")
    assert await clock.told() == ["2026-W46"]


async def test_it_says_what_somebody_has_to_look_after(
    session: AsyncSession, people: People
) -> None:
    """Currencies side by side, and each beside its own month before."""
    eur = {"currency": "EUR", "csm_id": people.kim.id}
    usual = await add_customer(session, "Acme Corp", csm_id=people.kim.id)
    await record_usage(session, usual, OCTOBER.plus(-1), 140_000)
    await add_customer(session, "Brook Ltd", 130_000, **eur)
    await add_customer(session, "Cove SA", 120_000, **eur)
    await add_customer(session, "Dune Inc", overage_unit_cost=None)
    await add_customer(session, "Elm & Co", used=None)
    await generate(session, act(people.ana, NOW - timedelta(days=20)), OCTOBER.plus(-1))
    await generate(session, act(people.ana), OCTOBER)
    bills = dict(
        (
            await session.execute(
                sa.text("""select c.name || b.month, b.id from bills b
                       join customers c on c.id = b.customer_id""")
            )
        ).all()
    )
    by_kim = act(people.kim)
    await reject_bill(session, bills["Cove SA10"], 1, by_kim, RejectReason.LIMIT_WRONG, "It grew.")
    await approve_bill(session, bills["Acme Corp10"], 1, by_kim)
    facts = await load_weekly_digest(session, OCTOBER, NOW)
    assert (facts.waiting, facts.held) == (2, {HoldReason.NO_PRICE: 1})
    assert facts.rejected == {RejectReason.LIMIT_WRONG: 1}
    told = " ".join(read({"blocks": weekly_digest(facts).blocks}).split())
    for words in (
        "2 bills waiting, 1 held, 1 rejected and 1 customer without usage.",
        "2 bills, €3,000.00 and $4,000.00: 1 for under 3 days and 1 for over 14 days.",
        "Held: no price (1).",
        "Rejected: the limit is wrong (1).",
        "1 customer in contract in October 2026: Elm & Co.",
        "Billed in USD: October 2026: $5,000.00, after $4,000.00 the month before (+25 %).",
        "Billed in EUR: October 2026: €3,000.00, after nothing the month before.",
    ):
        assert words in told


async def test_a_week_in_which_nothing_is_to_be_done_says_so(
    session: AsyncSession, people: People
) -> None:
    await add_customer(session, csm_id=people.kim.id)
    await generate(session, act(people.ana), OCTOBER)
    await approve_bill(
        session, await session.scalar(sa.text("select id from bills")) or 0, 1, act(people.kim)
    )
    facts = await load_weekly_digest(session, OCTOBER, NOW)
    told = read({"blocks": weekly_digest(facts).blocks})
    assert "No bill waits for approval, is held or is rejected, and no usage is missing." in told
    assert "October 2026: $5,000.00" in told
    assert not facts.is_empty


async def test_a_company_without_anything_yet_has_nothing_to_read(
    session: AsyncSession, people: People
) -> None:
    del people
    assert (await load_weekly_digest(session, Period(2026, 10), NOW)).is_empty
