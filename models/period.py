"""A calendar month: what is billed, month by month."""

import re
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from models.errors import Invalid

FIRST_YEAR, LAST_YEAR = 2000, 2200
MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)


@dataclass(frozen=True, order=True)
class Period:
    """One month of one year, 2000-01 to 2200-12."""

    year: int
    month: int

    def __post_init__(self) -> None:
        if not (FIRST_YEAR <= self.year <= LAST_YEAR and 1 <= self.month <= 12):
            raise Invalid(f"{self.year}-{self.month:02} is not a month. Write it as 2026-10.")

    def __str__(self) -> str:
        return f"{self.year}-{self.month:02}"

    @classmethod
    def parse(cls, text: str) -> "Period":
        """Read `YYYY-MM`; refuses anything else, naming what was typed."""
        match = re.fullmatch(r"(\d{4})-(\d{1,2})", text.strip(), re.ASCII)
        if match is None:
            raise Invalid(f"“{text}” is not a month. Write it as 2026-10.")
        year, month = int(match[1]), int(match[2])
        if not (FIRST_YEAR <= year <= LAST_YEAR and 1 <= month <= 12):
            raise Invalid(f"{text.strip()} is not a month. Write it as 2026-10.")
        return cls(year, month)

    @classmethod
    def of(cls, day: date) -> "Period":
        return cls(day.year, day.month)

    @classmethod
    def current(cls, now: datetime, zone: ZoneInfo) -> "Period":
        return cls.of(now.astimezone(zone).date())

    @classmethod
    def last_closed(cls, now: datetime, zone: ZoneInfo) -> "Period":
        """The month before the one that `now` falls in, as people in `zone` count days."""
        return cls.current(now, zone).plus(-1)

    @property
    def in_words(self) -> str:
        """As in "October 2026"."""
        return f"{MONTHS[self.month - 1]} {self.year}"

    @property
    def first_day(self) -> date:
        return date(self.year, self.month, 1)

    @property
    def last_day(self) -> date:
        return date(self.year, self.month, monthrange(self.year, self.month)[1])

    def plus(self, months: int) -> "Period":
        index = self.year * 12 + self.month - 1 + months
        return Period(index // 12, index % 12 + 1)

    def through(self, last: "Period") -> Iterator["Period"]:
        """Each month from this one to `last`, both included."""
        months = (last.year - self.year) * 12 + last.month - self.month
        for ahead in range(months + 1):
            yield self.plus(ahead)

    def refuse_if_open(self, now: datetime, zone: ZoneInfo) -> None:
        """A month can be billed from the first day after it."""
        if self >= Period.current(now, zone):
            runs_on = self.last_day + timedelta(days=1)
            day = f"1 {MONTHS[runs_on.month - 1]} {runs_on.year}"
            raise Invalid(
                f"{self.in_words} is not over yet. It can be billed from {day} on.", field="period"
            )
