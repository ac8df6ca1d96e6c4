"""When somebody works: from nine to five of a working day where they are."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import TYPE_CHECKING, Self
from zoneinfo import ZoneInfo

from models.errors import Unreadable
from models.late import Late
from models.settings import BillingSettings

if TYPE_CHECKING:
    import holidays
else:
    holidays = Late("holidays")

BEGIN, END = time(9), time(17)
SATURDAY = 5
YEARS = range(2020, 2051)


@dataclass(frozen=True)
class WorkingHours:
    """Of somebody in `zone`; the days of `public_holidays` are free, and so are weekends."""

    zone: ZoneInfo
    public_holidays: Collection[date] = frozenset()

    @classmethod
    def of_company(cls, settings: BillingSettings) -> Self:
        return cls(settings.zone, settings.public_holidays)

    def is_working_day(self, day: date) -> bool:
        return day.weekday() < SATURDAY and day not in self.public_holidays

    def contains(self, moment: datetime) -> bool:
        """Whether they work then. A moment without a zone is refused: ValueError."""
        local = self._local(moment)
        return self.is_working_day(local.date()) and BEGIN <= local.time() < END

    def days_between(self, since: datetime, until: datetime) -> int:
        """How many working days have begun after the day of `since`, with that of `until`; 0 where
        that is before it.
        """
        first, last = self._local(since).date(), self._local(until).date()
        days = (first + timedelta(days=n) for n in range(1, (last - first).days + 1))
        return sum(map(self.is_working_day, days))

    def _local(self, moment: datetime) -> datetime:
        if moment.tzinfo is None:
            raise ValueError("a moment needs a zone")
        return moment.astimezone(self.zone)


@cache
def public_holidays(place: str) -> frozenset[date]:
    """Those of a country, as in `DE`, or of a part of one, as in `DE-BY`; refuses any other place.

    Takes up to a second, so it is asked before anything runs.
    """
    country, _, part = place.partition("-")
    try:
        found = holidays.country_holidays(country, subdiv=part or None, years=YEARS)
    except NotImplementedError:
        reason = "is no country, or part of one, whose public holidays are known"
        raise Unreadable(place, reason) from None
    return frozenset(found)


def read_place(typed: str) -> str:
    """Where public holidays are kept, in capital letters; refuses what `public_holidays` does."""
    place = typed.strip().upper()
    public_holidays(place)
    return place
