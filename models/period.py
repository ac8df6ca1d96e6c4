"""A calendar month: what is billed, month by month."""

import re
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from models.dates import MONTH_NUMBERS, MONTHS, day_in_words, plain_digits
from models.errors import Invalid
from models.text import split_end

FIRST_YEAR, LAST_YEAR = 2000, 2200

_NAME = "|".join(sorted(MONTH_NUMBERS, key=len, reverse=True))
_WRITTEN = (
    r"(?P<year>\d{4})[-/.](?P<month>\d{1,2})",
    r"(?P<month>\d{1,2})[-/.](?P<year>\d{4})",
    rf"(?P<name>{_NAME})\.?[-/\s,'’]*(?P<year>\d{{4}})",
    rf"(?P<name>{_NAME})(?:\.?[-/\s]|\.?\s?['’])(?P<short>\d{{2}})",
    r"(?P<month>\d{1,2})/(?P<short>1[3-9]|[2-9]\d)",
    rf"(?P<year>\d{{4}})[-/\s]*(?P<name>{_NAME})\.?",
)
_FORMS = [re.compile(form) for form in _WRITTEN]
ANY_MONTH = "(?i:" + "|".join(re.sub(r"\?P<\w+>", "?:", form) for form in _WRITTEN) + ")"
"""A pattern of what means one month, whoever reads it."""

MONTH_NAME = f"(?i:{_NAME})"
"""A pattern of a month's name alone."""

_PREPOSITION = re.compile(r"(?:^|\s)(?:in|for|of|from)$|[,;:]$", re.IGNORECASE)
_SPOKEN = {"this month": 0, "current month": 0, "last month": -1, "previous month": -1}
_NO_MONTH = re.compile(r"\d{4}[-/.]\d{1,2}[^\d\s]\S*")
_BARE = re.compile(rf"({_NAME})\.?")


@dataclass(frozen=True, order=True)
class Period:
    """One month of one year, 2000-01 to 2200-12."""

    year: int
    month: int

    def __post_init__(self) -> None:
        if not (FIRST_YEAR <= self.year <= LAST_YEAR and 1 <= self.month <= 12):
            raise Invalid(_no_month(f"{self.year}-{self.month:02}", self.month))

    def __str__(self) -> str:
        return f"{self.year}-{self.month:02}"

    @classmethod
    def parse(cls, text: str, today: date | None = None) -> "Period":
        """Read `2026-10` or what else means one month, such as `10/2026`, `Oct-26`, `October 2026`.

        With `today` also `last month`, and a month's name alone: the latest one of that name, not
        after this month. Refuses anything else, naming what was typed.
        """
        typed = _plain(text)
        for form in _FORMS:
            if found := form.fullmatch(typed):
                return cls._of_form(text, found.groupdict())
        if today is not None and typed in _SPOKEN:
            return cls.of(today).plus(_SPOKEN[typed])
        if today is not None and (found := _BARE.fullmatch(typed)):
            current = cls.of(today)
            return current.plus((MONTH_NUMBERS[found[1]] - current.month - 12) % -12)
        raise Invalid(f"“{text}” is not a month. Write it as 2026-10.")

    @classmethod
    def _of_form(cls, text: str, found: dict[str, str]) -> "Period":
        year = int(found["year"]) if "year" in found else 2000 + int(found["short"])
        month = MONTH_NUMBERS[found["name"]] if "name" in found else int(found["month"])
        if not (FIRST_YEAR <= year <= LAST_YEAR and 1 <= month <= 12):
            raise Invalid(_no_month(text.strip(), month))
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
    def in_short(self) -> str:
        """As in "Oct 2026"."""
        return f"{MONTHS[self.month - 1][:3]} {self.year}"

    @property
    def first_day(self) -> date:
        return date(self.year, self.month, 1)

    @property
    def last_day(self) -> date:
        return date(self.year, self.month, monthrange(self.year, self.month)[1])

    def edges(self, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """The first instant of the month as `zone` counts days, and the first after it, in UTC."""
        days = (self.first_day, self.last_day + timedelta(days=1))
        start, end = (datetime.combine(day, time(), zone).astimezone(UTC) for day in days)
        return start, end

    def plus(self, months: int) -> "Period":
        index = self.year * 12 + self.month - 1 + months
        return Period(index // 12, index % 12 + 1)

    def through(self, last: "Period") -> Iterator["Period"]:
        """Each month from this one to `last`, both included."""
        months = (last.year - self.year) * 12 + last.month - self.month
        for ahead in range(months + 1):
            yield self.plus(ahead)

    def refuse_if_ahead(self, today: date) -> None:
        """Nothing is used in a month that is still to come."""
        if self > Period.of(today):
            raise Invalid(f"{self.in_words} has not begun yet.", field="month")

    def refuse_if_open(self, now: datetime, zone: ZoneInfo) -> None:
        """A month can be billed from the first day after it."""
        if self >= Period.current(now, zone):
            runs_on = day_in_words(self.last_day + timedelta(days=1))
            raise Invalid(
                f"{self.in_words} is not over yet. It can be billed from {runs_on} on.",
                field="period",
            )


def _no_month(written: str, month: int) -> str:
    """Why what is written as a month is none here."""
    if 1 <= month <= 12:
        return f"{written} is out of reach: months go from {FIRST_YEAR}-01 to {LAST_YEAR}-12."
    return f"{written} is not a month. Write it as 2026-10."


def is_month(text: str) -> bool:
    """Whether a text is meant for a month, even for one that there is not, as in `2026-13`."""
    typed = _plain(text)
    return typed in _SPOKEN or any(form.fullmatch(typed) for form in (*_FORMS, _NO_MONTH))


def is_month_name(text: str) -> bool:
    """Whether a text is a month's name alone, which may be a customer's name too."""
    return _BARE.fullmatch(_plain(text)) is not None


def split_month(text: str, *, bare: bool = False) -> tuple[str | None, str]:
    """What is meant for a month, at either end of a text, and what else stands there.

    `bare`: a month's name alone, which is looked for at the end first.
    """
    month, rest = split_end(text, is_month_name if bare else is_month, 2, last_first=bare)
    return month, _PREPOSITION.sub("", rest).strip() if month else rest


def _plain(text: str) -> str:
    return re.sub(r"\s+", " ", plain_digits(text)).casefold()
