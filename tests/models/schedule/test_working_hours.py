"""When somebody works, wherever they are."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import Unreadable
from models.schedule.working_hours import WorkingHours, days_off, read_place

BERLIN, KATHMANDU = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Kathmandu")
ZONES = sorted(zone for zone in available_timezones() if "/" in zone)
MOMENTS = st.datetimes(datetime(2025, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
ANYWHERE = st.builds(WorkingHours, st.sampled_from(ZONES).map(ZoneInfo))


@pytest.mark.parametrize(
    ("zone", "moment", "works"),
    [
        (BERLIN, datetime(2026, 11, 2, 8, 0, tzinfo=UTC), True),
        (BERLIN, datetime(2026, 11, 2, 7, 59, 59, tzinfo=UTC), False),
        (BERLIN, datetime(2026, 11, 2, 16, 0, tzinfo=UTC), False),
        (BERLIN, datetime(2026, 7, 1, 7, 0, tzinfo=UTC), True),
        (BERLIN, datetime(2026, 10, 31, 10, 0, tzinfo=UTC), False),
        (KATHMANDU, datetime(2026, 11, 2, 3, 15, tzinfo=UTC), True),
        (KATHMANDU, datetime(2026, 11, 2, 3, 14, tzinfo=UTC), False),
        (ZoneInfo("Pacific/Kiritimati"), datetime(2026, 11, 1, 20, 0, tzinfo=UTC), True),
        (ZoneInfo("Pacific/Pago_Pago"), datetime(2026, 11, 7, 3, 0, tzinfo=UTC), True),
    ],
)
def test_somebody_works_from_nine_to_five_of_a_weekday_where_they_are(
    zone: ZoneInfo, moment: datetime, works: bool
) -> None:
    assert WorkingHours(zone).contains(moment) is works


def test_a_holiday_of_bavaria_is_no_day_to_remind_anybody_there() -> None:
    epiphany = datetime(2026, 1, 6, 10, 0, tzinfo=UTC)
    assert not WorkingHours(BERLIN, days_off("DE-BY")).contains(epiphany)
    assert WorkingHours(BERLIN, days_off("DE")).contains(epiphany)
    late_on_christmas_eve_in_utc = datetime(2026, 12, 24, 23, 30, tzinfo=UTC)
    hours = WorkingHours(BERLIN, days_off("DE"))
    assert (
        hours.days_between(late_on_christmas_eve_in_utc, datetime(2026, 12, 28, 9, tzinfo=UTC)) == 1
    )


def test_weekends_are_those_of_the_country() -> None:
    friday, saturday, sunday = (date(2026, 11, day) for day in (6, 7, 8))
    in_kuwait, in_germany = (WorkingHours(BERLIN, days_off(place)) for place in ("KW", "DE"))
    assert list(map(in_kuwait.is_working_day, (friday, saturday, sunday))) == [False, False, True]
    assert list(map(in_germany.is_working_day, (friday, saturday, sunday))) == [True, False, False]
    in_the_emirates = WorkingHours(BERLIN, days_off("AE"))
    assert in_the_emirates.is_working_day(date(2021, 11, 7)), "a Sunday of its old week"
    assert not in_the_emirates.is_working_day(sunday)
    worked_instead = date(2026, 1, 10)
    assert WorkingHours(BERLIN, days_off("HU")).is_working_day(worked_instead)


def test_holidays_of_some_are_kept_where_they_are_named() -> None:
    assumption, columbus_day = date(2025, 8, 15), date(2026, 10, 12)
    assert assumption not in days_off("DE-BY")
    assert assumption in days_off(read_place("de-by/Catholic"))
    assert columbus_day in days_off("US")


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("Bavaria", "no country"),
        ("XX", "no country"),
        ("DE-XX", "no country"),
        ("", "no country"),
        ("DE-BY/lutheran", "names lutheran; the kinds of days of DE-BY are: catholic, school"),
        ("FR/government", "names government; the kinds of days of FR are: school"),
        ("GB/bank", "of GB are: none besides"),
    ],
)
def test_a_place_without_known_holidays_is_refused(typed: str, why: str) -> None:
    with pytest.raises(Unreadable, match=why):
        read_place(typed)


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        WorkingHours(BERLIN).contains(datetime(2026, 11, 2, 10, 0))  # noqa: DTZ001


@given(ANYWHERE, MOMENTS)
def test_in_any_week_of_any_zone_there_are_forty_hours(
    hours: WorkingHours, start: datetime
) -> None:
    """But where a day is left out or begun twice, or an hour of work is."""
    quarters = (start + timedelta(minutes=15 * n) for n in range(7 * 24 * 4))
    worked = sum(map(hours.contains, quarters))
    assert 4 * 32 <= worked <= 4 * 48


@given(ANYWHERE, MOMENTS, st.integers(0, 40), st.integers(0, 40))
def test_working_days_add_up_and_never_exceed_the_days(
    hours: WorkingHours, start: datetime, first: int, second: int
) -> None:
    middle = start + timedelta(days=first)
    end = middle + timedelta(days=second)
    between = hours.days_between(start, end)
    assert between == hours.days_between(start, middle) + hours.days_between(middle, end)
    assert between <= (end.astimezone(hours.zone).date() - start.astimezone(hours.zone).date()).days
    assert hours.days_between(end, start) == 0 or end == start


@given(ANYWHERE, MOMENTS)
def test_days_off_are_taken_out_day_by_day(hours: WorkingHours, start: datetime) -> None:
    end = start + timedelta(days=10)
    local = end.astimezone(hours.zone).date()
    always = WorkingHours(hours.zone, frozenset())
    free = WorkingHours(hours.zone, frozenset({local}))
    assert always.days_between(start, end) - free.days_between(start, end) == 1
    assert not free.is_working_day(local)
    assert isinstance(local, date)
