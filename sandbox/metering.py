"""The demo company's meter: what its customers called each day, and a source that asks for it.

It knows the months that are on record, the one that Old Harbour Foods has not reported, and the
running one up to yesterday. Nothing of it is taken in until somebody pulls it.
"""

import csv
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncSession

from models.context import Context, Source
from models.people.users import find_by_name
from models.period import Period
from models.usage.sources import set_source
from sandbox.demo import ACCOUNTS, DANA, ZONE, Account

NAME = "metering"
FILE = "events.csv"
UNREPORTED_CALLS = 88_350
QUERY = """
select customer, cast(sum(calls) as bigint) as calls, cast(happened as date) as day
from read_csv('{file}', types = {'customer': 'varchar', 'happened': 'timestamptz'})
where happened >= :month_start and happened < :month_end
group by customer, day
"""
WEIGHTS = (10, 11, 12, 11, 10, 5, 4)
"""How much of a month's calls comes on a Monday, a Tuesday, and so on."""


async def connect(session: AsyncSession, folder: Path, now: datetime) -> None:
    """Write the meter's file into the folder, and name Dana's source for it."""
    file = folder / FILE
    _write(file, now)
    dana = await find_by_name(session, DANA.name)
    assert dana
    query = QUERY.replace("{file}", str(file.resolve()).replace("'", "''"))
    by = Context(dana, now, Source.WEB)
    await set_source(session, NAME, "duckdb:///:memory:", query, by)


def _write(file: Path, now: datetime) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", encoding="utf-8", newline="") as opened:
        rows = csv.writer(opened)
        rows.writerow(("customer", "happened", "calls"))
        for account in ACCOUNTS:
            for day, calls in _days(account, now):
                # At noon, so that it is the same day in most zones.
                noon = datetime.combine(day, time(12), UTC)
                rows.writerow((account.name, noon.isoformat(" "), calls))


def _days(account: Account, now: datetime) -> Iterator[tuple[date, int]]:
    last = Period.last_closed(now, ZONE)
    months = dict(account.calls(last))
    months.setdefault(last, UNREPORTED_CALLS)
    months[last.plus(1)] = months[last]
    for month, calls in months.items():
        yield from (one for one in spread(month, calls) if one[0] < now.date())


def spread(month: Period, calls: int) -> Iterator[tuple[date, int]]:
    """A month's calls, day by day, more on working days."""
    length = (month.last_day - month.first_day).days + 1
    days = [month.first_day + timedelta(days=ago) for ago in range(length)]
    whole, so_far, told = sum(WEIGHTS[day.weekday()] for day in days), 0, 0
    for day in days:
        so_far += WEIGHTS[day.weekday()]
        yield day, calls * so_far // whole - told
        told = calls * so_far // whole
