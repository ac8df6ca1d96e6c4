"""When a month ends, in any zone, and what is done then: for each month once, whatever happened."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
import sqlalchemy as sa
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncSession

from models.batches.bill_run import fail_run
from models.context import Source, system_context
from models.db.database import do_put_off
from models.period import Period
from models.schedule.month_end import end_months, month_end_at
from models.settings import BillingSettings, MonthEnd
from tests.harness.cast import People
from tests.harness.scene import OCTOBER, add_customer, record_usage

ZURICH = ZoneInfo("Europe/Zurich")
ZONES = st.sampled_from(sorted(available_timezones())).map(ZoneInfo)
MONTHS = st.builds(Period, st.integers(2000, 2099), st.integers(1, 12))
RULES = st.builds(MonthEnd, st.integers(1, 31), st.integers(0, 23))
AHEAD = [timedelta(minutes=15 * step) for step in (0, 1, 2, 3, 4, 5, 8, 12, 96)]


def check_moment(zone: ZoneInfo, period: Period, rule: MonthEnd) -> None:
    """It is that day and hour there, or as soon after as there is one; and the month is over, and
    does not come back.
    """
    moment = month_end_at(period, rule, zone)
    following = period.plus(1)
    wanted = datetime.combine(
        min(following.first_day + timedelta(days=rule.day - 1), following.last_day),
        datetime.min.time().replace(hour=rule.hour),
    )
    told = moment.astimezone(zone).replace(tzinfo=None)
    there_is = any(
        wanted.replace(tzinfo=zone, fold=fold).astimezone(UTC).astimezone(zone).replace(tzinfo=None)
        == wanted
        for fold in (0, 1)
    )
    assert told == wanted if there_is else wanted < told <= wanted + timedelta(hours=24)
    for ahead in AHEAD:
        assert Period.current(moment + ahead, zone) > period
    assert moment < month_end_at(following, rule, zone)


@given(ZONES, MONTHS, RULES)
@example(ZoneInfo("America/St_Johns"), Period(2009, 10), MonthEnd(1, 0))
@example(ZoneInfo("Pacific/Apia"), Period(2011, 11), MonthEnd(30, 9))
@example(ZoneInfo("Asia/Kathmandu"), Period(2026, 10), MonthEnd(1, 0))
@example(ZoneInfo("Pacific/Kiritimati"), Period(2026, 1), MonthEnd(31, 0))
def test_a_month_ends_once_and_is_over_by_then(
    zone: ZoneInfo, period: Period, rule: MonthEnd
) -> None:
    check_moment(zone, period, rule)


def test_it_does_in_every_zone_there_is() -> None:
    for name in sorted(available_timezones()):
        for month in range(1, 13):
            check_moment(ZoneInfo(name), Period(2026, month), MonthEnd(1, 0))


@pytest.mark.parametrize(
    ("zone", "period", "rule", "moment"),
    [
        # There is no 2:00 on 29 March, and 2:00 is there twice on 25 October.
        ("Europe/Zurich", Period(2026, 2), MonthEnd(29, 2), "2026-03-29T01:00"),
        ("Europe/Zurich", Period(2026, 9), MonthEnd(25, 2), "2026-10-25T01:00"),
        # On 1 November 2009 it was midnight in St John's twice, with an hour of October between.
        ("America/St_Johns", Period(2009, 10), MonthEnd(1, 0), "2009-11-01T03:30"),
        # There was no 30 December 2011 in Samoa.
        ("Pacific/Apia", Period(2011, 11), MonthEnd(30, 9), "2011-12-30T19:00"),
        ("Asia/Kathmandu", Period(2026, 10), MonthEnd(1, 6), "2026-11-01T00:15"),
        ("Asia/Kolkata", Period(2026, 10), MonthEnd(1, 6), "2026-11-01T00:30"),
        ("UTC", Period(2027, 1), MonthEnd(31, 9), "2027-02-28T09:00"),
        ("UTC", Period(2026, 12), MonthEnd(1, 9), "2027-01-01T09:00"),
    ],
)
def test_it_ends_at(zone: str, period: Period, rule: MonthEnd, moment: str) -> None:
    ended = month_end_at(period, rule, ZoneInfo(zone))
    assert ended == datetime.fromisoformat(moment).replace(tzinfo=UTC)


class Ticking:
    """Ticks at moments that people in Zurich name, and tells what came of it."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def at(self, day: date | str, hour: int = 9, rule: MonthEnd | None = None) -> int:
        local = datetime.combine(date.fromisoformat(str(day)), datetime.min.time(), ZURICH)
        settings = BillingSettings(zone=ZURICH, month_end=rule)
        now = (local + timedelta(hours=hour)).astimezone(UTC)
        context = await system_context(self._session, now, Source.CLOCK, settings)
        return await end_months(self._session, context)

    async def runs(self) -> list[tuple[object, ...]]:
        query = """select year || '-' || month, u.name, source
                   from bill_runs r join users u on u.id = r.user_id order by r.id"""
        return [tuple(row) for row in await self._session.execute(sa.text(query))]

    async def told(self) -> list[str]:
        """The key of all that was told at ends of months."""
        await do_put_off(self._session)
        query = "select key from messages where kind in ('month_end', 'run') order by id"
        return list(await self._session.scalars(sa.text(query)))


ASKING, ALONE = MonthEnd(1, 9), MonthEnd(1, 9, automatic=True)


@pytest.fixture
async def clock(session: AsyncSession, people: People) -> Ticking:
    """Acme used too much in each month of the autumn."""
    acme = await add_customer(session, csm_id=people.kim.id)
    for month in (9, 11, 12):
        await record_usage(session, acme, Period(2026, month), 150_000)
    return Ticking(session)


@pytest.mark.parametrize("rule", [ASKING, ALONE])
async def test_a_month_that_ended_before_it_was_switched_on_stays_alone(
    clock: Ticking, rule: MonthEnd
) -> None:
    assert await clock.at("2026-11-03", rule=MonthEnd(5, 9, rule.automatic)) == 0
    assert await clock.at("2026-11-05", 10, MonthEnd(5, 9, rule.automatic)) == 0
    assert await clock.at("2026-12-05", 10, MonthEnd(5, 9, rule.automatic)) == 1


async def test_months_that_were_slept_through_are_generated_each_once(clock: Ticking) -> None:
    await clock.at("2026-10-20", rule=ALONE)
    assert await clock.at("2026-11-01", 8, ALONE) == 0
    assert await clock.at("2027-01-03", 0, ALONE) == 3
    assert await clock.at("2027-01-03", 1, ALONE) == 0
    months = [f"2026-{month}" for month in (10, 11, 12)]
    assert await clock.runs() == [(month, "system", "clock") for month in months]


async def test_one_that_was_switched_off_for_a_month_leaves_that_out(clock: Ticking) -> None:
    await clock.at("2026-10-20", rule=ALONE)
    await clock.at("2026-10-25")
    assert await clock.at("2026-11-02", rule=ALONE) == 0
    assert await clock.at("2026-12-01", rule=ALONE) == 1
    assert await clock.runs() == [("2026-11", "system", "clock")]


async def test_a_worker_that_does_not_know_of_it_yet_switches_nothing_off(clock: Ticking) -> None:
    """Settings come to one worker after the other."""
    await clock.at("2026-10-31", 22, ALONE)
    await clock.at("2026-10-31", 23, ALONE)
    await clock.at("2026-10-31", 23)
    await clock.at("2026-11-01", 8, ALONE)
    assert await clock.at("2026-11-01", 9, ALONE) == 1


async def test_a_month_without_usage_is_told_once_and_waits_for_a_day_with_some(
    clock: Ticking, session: AsyncSession
) -> None:
    await session.execute(sa.text("delete from usages"))
    await clock.at("2026-10-20", rule=ALONE)
    for day, hour in (("2026-11-01", 9), ("2026-11-01", 10), ("2026-11-02", 9)):
        assert await clock.at(day, hour, ALONE) == 0
    assert [key.rsplit(":", 2)[0] for key in await clock.told()] == ["month-end:2026-10:awaited"]
    await _use(session, OCTOBER)
    assert await clock.at("2026-11-02", 11, ALONE) == 0
    assert await clock.at("2026-11-03", 9, ALONE) == 1
    assert await clock.runs() == [("2026-10", "system", "clock")]


async def test_a_month_in_which_nobody_is_in_contract_is_not_waited_for(
    clock: Ticking, session: AsyncSession
) -> None:
    await session.execute(sa.text("delete from usages"))
    await session.execute(sa.text("update customers set end_date = '2026-09-30'"))
    await clock.at("2026-10-20", rule=ALONE)
    assert await clock.at("2026-11-01", 9, ALONE) == 1


async def test_a_preview_that_nobody_can_be_shown_waits_for_somebody(
    clock: Ticking, session: AsyncSession
) -> None:
    await clock.at("2026-10-20", rule=ASKING)
    await session.execute(sa.text("update users set active = false where role = 'Finance'"))
    assert await clock.at("2026-11-01", 9, ASKING) == 0
    await session.execute(sa.text("update users set active = true where role = 'Finance'"))
    assert await clock.at("2026-11-04", 15, ASKING) == 1
    assert [key.rsplit(":", 2)[0] for key in await clock.told()] == ["month-end:2026-10"]


async def test_a_run_that_was_given_up_is_not_begun_again_by_itself(
    clock: Ticking, session: AsyncSession
) -> None:
    """Finance was told, and asks for another."""
    await clock.at("2026-10-20", rule=ALONE)
    await clock.at("2026-11-01", 9, ALONE)
    (run_id,) = await session.scalars(sa.text("select id from bill_runs"))
    await fail_run(session, run_id, "It broke.")
    assert await clock.at("2026-11-02", 9, ALONE) == 0


async def _use(session: AsyncSession, period: Period) -> None:
    await session.execute(
        sa.text("""insert into usages (customer_id, year, month, api_usage)
                   select id, :year, :month, 150000 from customers"""),
        {"year": period.year, "month": period.month},
    )
