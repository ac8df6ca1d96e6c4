"""Names of months, and days as people and spreadsheets write them."""

import re
from datetime import date

from models.errors import Unreadable
from models.text import plain_form, split_end

MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)

MONTH_NUMBERS = {
    name.casefold(): number
    for number, whole in enumerate(MONTHS, start=1)
    for name in (whole, whole[:3], *(["Sept"] if whole == "September" else []))
}
"""Months by their names and what these are shortened to, in small letters."""


def day_in_words(day: date) -> str:
    """As in "24 December 2026"."""
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


OPEN_END = date.max
"""The last day away of whoever does not say when they are back."""


def until_when(last_day: date, whose: str = "their") -> str:
    """Until when somebody is away: "up to and including 24 December 2026"."""
    if last_day == OPEN_END:
        return f"until {whose} status in Slack changes"
    return f"up to and including {day_in_words(last_day)}"


HOW = "write it as 2026-10-31"

_TIME = re.compile(r"[T ]00:00(:00(\.0+)?)?(Z|\+00:00)?$", re.IGNORECASE)
_YEAR_FIRST = re.compile(r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})")
_YEAR_LAST = re.compile(r"(\d{1,2})([-/.]) ?(\d{1,2})\2 ?(\d{4})")
_DAY, _MONTH = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?", r"(?P<month>[a-z]{3,9})\.?"
_NAMED = (
    re.compile(rf"{_DAY}\.?[- ]*{_MONTH}[-, ]*(?P<year>\d{{4}})"),
    re.compile(rf"{_MONTH} *{_DAY},? +(?P<year>\d{{4}})"),
)


def plain_digits(text: str) -> str:
    """The text in its plain form, with dashes of any kind as `-`."""
    return re.sub("[‐-―−]", "-", plain_form(text))


def read_day(typed: str) -> date:
    """A day that is certain, such as `2026-10-31`, `31.10.2026` or `31 Oct 2026`.

    Raises Unreadable for what is none, and where day and month could change places.
    """
    text = _day_text(typed)
    if found := _YEAR_FIRST.fullmatch(text):
        return _day(typed, int(found[1]), int(found[3]), int(found[4]))
    if found := _YEAR_LAST.fullmatch(text):
        first, second, year = int(found[1]), int(found[3]), int(found[4])
        return _day(typed, year, *_month_and_day(typed, first, second, found[2]))
    for form in _NAMED:
        if (found := form.fullmatch(text)) and found["month"] in MONTH_NUMBERS:
            return _day(typed, int(found["year"]), MONTH_NUMBERS[found["month"]], int(found["day"]))
    raise Unreadable(typed, f"is not a date; {HOW}")


def split_day(text: str) -> tuple[str | None, str]:
    """What is meant for a day, at either end of a text, and what else stands there."""
    return split_end(text, _is_day, 3)


def _is_day(text: str) -> bool:
    plain = _day_text(text)
    return any(form.fullmatch(plain) for form in (_YEAR_FIRST, _YEAR_LAST, *_NAMED))


def _day_text(typed: str) -> str:
    return _TIME.sub("", plain_digits(typed)).casefold()


def _month_and_day(typed: str, first: int, second: int, mark: str) -> tuple[int, int]:
    """With points the day stands first; else whichever cannot be a month is the day."""
    if mark == "." or first > 12 or first == second:
        return second, first
    if second > 12:
        return first, second
    raise Unreadable(typed, f"is not a date that is certain: either number could be the day; {HOW}")


def _day(typed: str, year: int, month: int, day: int) -> date:
    try:
        return date(year, month, day)
    except ValueError:
        raise Unreadable(typed, f"is not a date: there is no such day; {HOW}") from None
