"""When somebody works: from nine to five of a working day where they are."""

from collections.abc import Set as AbstractSet
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
PUBLIC = "public"


@dataclass(frozen=True)
class WorkingHours:
    """Of somebody in `zone`, who is free on `days_off`; None: on Saturdays and Sundays."""

    zone: ZoneInfo
    days_off: AbstractSet[date] | None = None

    @classmethod
    def of_company(cls, settings: BillingSettings) -> Self:
        return cls(settings.zone, settings.days_off)

    def is_working_day(self, day: date) -> bool:
        if self.days_off is None:
            return day.weekday() < SATURDAY
        return day not in self.days_off

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
def days_off(place: str) -> frozenset[date]:
    """Weekends and public holidays of a country, as in `DE`, or of a part of one, as in `DE-BY`;
    with those that only some keep, as in `DE-BY/catholic`. Refuses any other place.

    Weekends are that country's own, less the days that are worked instead of others. Takes up to a
    second, so it is asked before anything runs.
    """
    where, *kinds = place.split("/")
    country, _, part = where.partition("-")
    try:
        known = holidays.country_holidays(country, subdiv=part or None).supported_categories
    except NotImplementedError:
        reason = "is no country, or part of one, whose public holidays are known"
        raise Unreadable(place, reason) from None
    if strange := {*kinds} - {*known}:
        others = ", ".join(sorted({*known} - {PUBLIC})) or "none besides"
        told = f"names {strange.pop()}; the kinds of days of {where} are: {others}"
        raise Unreadable(place, told)
    found = holidays.country_holidays(
        country, subdiv=part or None, categories={PUBLIC, *kinds}, years=YEARS
    )
    first, after = date(YEARS.start, 1, 1), date(YEARS.stop, 1, 1)
    days = (first + timedelta(days=n) for n in range((after - first).days))
    return frozenset(day for day in days if not found.is_working_day(day))


def read_place(typed: str) -> str:
    """Where somebody works, as in `DE-BY/catholic`; refuses what `days_off` does."""
    where, *kinds = (part.strip() for part in typed.split("/"))
    place = "/".join((where.upper(), *filter(None, map(str.lower, kinds))))
    days_off(place)
    return place
