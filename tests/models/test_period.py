"""Months: how they are written, where they begin and end, and when they are over."""

import importlib
import shutil
import zoneinfo
from datetime import UTC, date, datetime, timedelta
from importlib import resources
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

import models
from models.errors import Invalid
from models.period import Period

periods = st.builds(Period, st.integers(2000, 2200), st.integers(1, 12))


@pytest.mark.parametrize(
    ("typed", "period"),
    [
        ("2026-10", Period(2026, 10)),
        (" 2026-10\n", Period(2026, 10)),
        ("2026-1", Period(2026, 1)),
        ("2026-01", Period(2026, 1)),
        ("2000-01", Period(2000, 1)),
        ("2200-12", Period(2200, 12)),
        ("10/2026", Period(2026, 10)),
        ("10/26", Period(2026, 10)),
        ("10-2026", Period(2026, 10)),
        ("2026/10", Period(2026, 10)),
        ("2026–10", Period(2026, 10)),
        ("Oct-26", Period(2026, 10)),
        ("oct'26", Period(2026, 10)),
        ("Oct. 2026", Period(2026, 10)),
        ("October  2026", Period(2026, 10)),
        ("october, 2026", Period(2026, 10)),
        ("2026 Sept", Period(2026, 9)),
        ("٢٠٢٦-١٠", Period(2026, 10)),
        ("２０２６－１０\u200b", Period(2026, 10)),
    ],
)
def test_a_month_is_read(typed: str, period: Period) -> None:
    assert Period.parse(typed) == period


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "2026",
        "2026-",
        "2026-00",
        "2026-13",
        "2026-010",
        "26-10",
        "2026-10-01",
        "2026-000123",
        "10/11",
        "Mayfair 2026",
        "oct",
        "last month",
        "2026-1²",
        "-2026-10",
        "2026 -10",
        "<!channel>",
        "9" * 5_000,
    ],
)
def test_what_is_no_month_is_refused_with_an_example(typed: str) -> None:
    with pytest.raises(Invalid, match=r"is not a month\. Write it as 2026-10\.$"):
        Period.parse(typed)


@pytest.mark.parametrize(
    ("typed", "period"),
    [
        ("oct", Period(2026, 10)),
        ("Nov", Period(2026, 11)),
        ("dec.", Period(2025, 12)),
        ("January", Period(2026, 1)),
        ("last month", Period(2026, 10)),
        ("This Month", Period(2026, 11)),
    ],
)
def test_a_month_without_its_year_is_the_latest_that_has_begun(typed: str, period: Period) -> None:
    assert Period.parse(typed, today=date(2026, 11, 2)) == period


@given(periods)
def test_a_month_reads_back_as_it_is_written(period: Period) -> None:
    assert Period.parse(str(period)) == period


@given(periods)
def test_a_month_begins_and_ends_with_its_own_days(period: Period) -> None:
    assert Period.of(period.first_day) == Period.of(period.last_day) == period
    assert period.first_day.day == 1
    assert (period.last_day + timedelta(days=1)).day == 1


@given(periods, st.integers(-30, 30))
def test_months_are_counted_over_the_turn_of_the_year(period: Period, months: int) -> None:
    index = period.year * 12 + period.month + months
    if not 2000 * 12 + 1 <= index <= 2200 * 12 + 12:
        with pytest.raises(Invalid):
            period.plus(months)
        return
    moved = period.plus(months)
    assert moved.year * 12 + moved.month == index
    assert moved.plus(-months) == period
    assert len(list(period.through(moved))) == max(0, months + 1)


def test_february_knows_its_leap_years() -> None:
    ends = {year: Period(year, 2).last_day.day for year in (2000, 2023, 2024, 2100)}
    assert ends == {2000: 29, 2023: 28, 2024: 29, 2100: 28}


# where, when (UTC), the month that is current there
BORDERS = [
    ("UTC", "2026-10-31T23:59:59", "2026-10"),
    ("UTC", "2026-11-01T00:00:00", "2026-11"),
    ("Pacific/Auckland", "2026-10-31T10:59:59", "2026-10"),
    ("Pacific/Auckland", "2026-10-31T11:00:00", "2026-11"),
    ("Pacific/Kiritimati", "2026-10-31T10:00:00", "2026-11"),
    ("America/Los_Angeles", "2026-11-01T06:59:59", "2026-10"),
    ("America/Los_Angeles", "2026-11-01T07:00:00", "2026-11"),
    ("Asia/Kolkata", "2026-12-31T18:29:59", "2026-12"),
    ("Asia/Kolkata", "2026-12-31T18:30:00", "2027-01"),
    ("Europe/Berlin", "2024-02-29T22:59:59", "2024-02"),
    ("Europe/Berlin", "2024-02-29T23:00:00", "2024-03"),
]


@pytest.mark.parametrize(("where", "when", "current"), BORDERS)
def test_a_month_is_over_when_it_is_over_there(where: str, when: str, current: str) -> None:
    zone, now = ZoneInfo(where), datetime.fromisoformat(when).replace(tzinfo=UTC)
    month = Period.parse(current)
    assert Period.current(now, zone) == month
    assert Period.last_closed(now, zone) == month.plus(-1)
    month.plus(-1).refuse_if_open(now, zone)
    for unfinished in (month, month.plus(1)):
        with pytest.raises(Invalid) as refused:
            unfinished.refuse_if_open(now, zone)
        assert refused.value.field == "period"
        runs_on = f"1 {unfinished.plus(1).in_words}"
        assert refused.value.sentence == (
            f"{unfinished.in_words} is not over yet. It can be billed from {runs_on} on."
        )


@pytest.mark.parametrize("typed", ["1999-12", "2201-01", "Dec 1999", "0000-01"])
def test_a_month_out_of_reach_is_told_from_when_on_there_are_some(typed: str) -> None:
    told = f"{typed} is out of reach: months go from 2000-01 to 2200-12."
    with pytest.raises(Invalid) as refused:
        Period.parse(typed)
    assert refused.value.sentence == told


def test_the_last_month_of_all_has_an_end_and_is_refused_until_then() -> None:
    last = Period(2200, 12)
    assert last.last_day == date(2200, 12, 31)
    with pytest.raises(Invalid, match="It can be billed from 1 January 2201 on"):
        last.refuse_if_open(datetime(2026, 11, 2, tzinfo=UTC), ZoneInfo("UTC"))


def test_a_month_begins_by_our_own_tables_whatever_the_system_has(tmp_path: Path) -> None:
    """The system's are of another release: this one has Zurich where Tokyo is."""
    (tmp_path / "Europe").mkdir()
    with resources.as_file(resources.files("tzdata") / "zoneinfo" / "Asia" / "Tokyo") as tokyo:
        shutil.copy(tokyo, tmp_path / "Europe" / "Zurich")
    zoneinfo.reset_tzpath([tmp_path])
    try:
        zone = ZoneInfo.no_cache("Europe/Zurich")
        assert Period(2026, 10).edges(zone)[0] == datetime(2026, 9, 30, 15, tzinfo=UTC)
    finally:
        importlib.reload(models)
    zone = ZoneInfo.no_cache("Europe/Zurich")
    assert Period(2026, 10).edges(zone)[0] == datetime(2026, 9, 30, 22, tzinfo=UTC)
