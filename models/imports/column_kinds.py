"""What each kind of column of an imported file may hold."""

from collections.abc import Callable
from functools import lru_cache

from models.currencies import MINOR_UNITS
from models.dates import read_day
from models.db.columns import MOST_CALLS
from models.db.names import MOST_KEY
from models.errors import Invalid, Unreadable
from models.imports.csv_columns import YEARS_AHEAD, ColumnKind, Reading
from models.mailboxes import read_mailboxes
from models.numerals import read_decimal, read_whole
from models.people.permissions import Role
from models.people.users import SYSTEM
from models.period import FIRST_YEAR, LAST_YEAR, Period
from models.regions import read_country, read_locale
from models.slack_ids import read_channel_id, read_member_id
from models.text import (
    cleaned_name,
    plain_form,
    refuse_placeholder,
    refuse_spreadsheet_error,
    trimmed,
)

MAX_TEXT = 2000
MOST_PAYMENT_DAYS = 365


def _reads(reading: Callable[[str], object]) -> Reading:
    """A reading that does not depend on the file; many values of a column are the same."""
    remembered = lru_cache(maxsize=1024)(lambda text: str(reading(text)))
    return lambda text, _: remembered(text)


def _bounded(text: str, most: int) -> str:
    if len(text) > most:
        raise Unreadable(text, f"is longer than {most} characters")
    return text


def _one_line(text: str, most: int) -> str:
    """What stands in headings, messages and the head of a mail, where a line break would cut it."""
    if not text.isprintable() and len(text.splitlines()) > 1:
        raise Unreadable(text, "has a line break; write it on one line")
    return _bounded(text, most)


def text(most: int = MAX_TEXT) -> ColumnKind:
    def read(typed: str, _: bool) -> str:
        refuse_placeholder(typed)
        return _bounded(typed, most)

    return ColumnKind(read)


def _name(typed: str, most: int = 300) -> str:
    if not typed[0].isalnum():
        refuse_spreadsheet_error(typed)
        typed = cleaned_name(typed)
    return _one_line(typed, most)


NAME = ColumnKind(lambda typed, _: _name(typed))


def _called(reading: Reading, *refused: tuple[str, str]) -> ColumnKind:
    """What somebody is called, where `s.name_key` is what makes names one; `refused` as reasons."""
    unseen = ("s.name_key = ''", "has nothing that can be seen")
    long = (f"length(s.name_key) > {MOST_KEY}", "is too long a name")
    reasons = (unseen, long, *refused)
    ok = " and ".join(f"({condition}) is not true" for condition, _ in reasons)
    return ColumnKind(reading, "{v}", ok, reasons)


CUSTOMER_NAME = _called(NAME.read)

MAILBOXES = ColumnKind(lambda typed, _: read_mailboxes(_one_line(typed, MAX_TEXT)))


def _tax_id(typed: str) -> str:
    refuse_placeholder(typed)
    if not any(char.isdigit() for char in typed):
        raise Unreadable(typed, "is not a tax number: it has no digit")
    return _one_line(typed, MAX_TEXT)


TAX_ID = ColumnKind(_reads(_tax_id))


def person(alias: str, role: Role) -> ColumnKind:
    """Somebody of that role, by name, where `alias` is `users` joined on just that."""
    return ColumnKind(
        NAME.read,
        f"{alias}.id",
        f"{alias}.id is not null",
        (
            (
                "exists (select from users where name_key = name_key({v})"
                f" and role is distinct from '{role}')",
                f"does not have the role {role}",
            ),
            ("true", "is nobody's name here; import people first"),
        ),
    )


def _calls(typed: str, _: bool) -> str:
    if len(typed) < len(str(MOST_CALLS)) and typed.isascii() and typed.isdigit():
        return typed  # as nearly all are: reading a million others takes seconds
    return str(read_whole(typed, MOST_CALLS))


CALLS = ColumnKind(_calls, "{v}::bigint")


def _whole_within(first: int, last: int, otherwise: str) -> Reading:
    def read(typed: str) -> int:
        try:
            number = read_whole(typed, MOST_CALLS)
        except Unreadable:
            raise Unreadable(typed, otherwise) from None
        if not first <= number <= last:
            raise Unreadable(typed, otherwise)
        return number

    return _reads(read)


YEAR = ColumnKind(
    _whole_within(FIRST_YEAR, LAST_YEAR, f"is not a year from {FIRST_YEAR} to {LAST_YEAR}"),
    "{v}::integer",
    "{v} <= clock.year",
    (("true", "has not begun yet"),),
)

MONTH = ColumnKind(
    _whole_within(1, 12, "is not a month from 1 to 12"),
    "{v}::integer",
    "s.year <> clock.year or lpad({v}, 2, '0') <= clock.month",
    (("true", "is a month that has not begun yet"),),
)

DAYS = ColumnKind(
    _whole_within(0, MOST_PAYMENT_DAYS, f"is not a number of days from 0 to {MOST_PAYMENT_DAYS}"),
    "{v}::integer",
)


def decimal(decimals: int) -> ColumnKind:
    @lru_cache(maxsize=1024)
    def read(typed: str, semicolons: bool) -> str:
        value = read_decimal(typed, decimals=decimals, point_is_decimal=not semicolons)
        return f"{value:f}"

    return ColumnKind(read, "{v}::numeric")


@lru_cache(maxsize=1024)
def _percent(typed: str, semicolons: bool) -> str:
    """With its sign where it has one: then even less than one percent is meant."""
    number = trimmed(plain_form(typed).removesuffix("%"))
    value = read_decimal(number, decimals=6, point_is_decimal=not semicolons, example="19 or 8.1")
    if value > 100:
        raise Unreadable(typed, "is not a percentage from 0 to 100")
    return f"{value:f}{'%' if plain_form(typed).endswith('%') else ''}"


PERCENT = ColumnKind(
    _percent,
    "rtrim({v}, '%')::numeric",
    # What stands there already may be written again.
    "{v} ~ '^([1-9]|0$)|%$' or c.tax_rate_percent = rtrim({v}, '%')::numeric",
    (
        (
            "true",
            "looks like a fraction; write a percentage, as in 19 for nineteen of a hundred, and"
            " one below 1 with its sign, as in 0.5%",
        ),
    ),
)


IN_REACH = "{v} between '2000-01-01' and clock.latest"
_OUT_OF_REACH = (
    ("{v} < '2000-01-01'", "is before 2000; check the year"),
    (
        "{v} > clock.latest",
        f"is more than {YEARS_AHEAD} years ahead; check the year, and leave an end date empty"
        " where there is none",
    ),
)

DATE = ColumnKind(_reads(read_day), "{v}::date", IN_REACH, _OUT_OF_REACH)

END_DATE = ColumnKind(
    DATE.read,
    DATE.value,
    # Such dates sort as text as they do as dates.
    f"""{IN_REACH} and coalesce(s.start_date, '') collate "C" <= {{v}}""",
    (*_OUT_OF_REACH, ("true", "is before the start date")),
)


def _first_of_month(typed: str) -> str:
    try:
        return f"{Period.parse(typed)}-01"
    except Invalid:
        pass
    try:
        day = read_day(typed)
    except Unreadable:
        raise Unreadable(typed, _NOT_A_MONTH) from None
    if day.day != 1:
        raise Unreadable(typed, "is not the first day of a month")
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise Unreadable(typed, _NOT_A_MONTH)
    return day.isoformat()


_NOT_A_MONTH = f"is not a month from {FIRST_YEAR} to {LAST_YEAR}; write it as 2026-10"

MONTH_BEGUN = ColumnKind(_reads(_first_of_month), "{v}::date", IN_REACH, _OUT_OF_REACH)

_YES = ["true", "yes", "1", "1.0", "wahr", "vrai", "verdadero", "vero", "waar"]
_NO = ["false", "no", "0", "0.0", "falsch", "faux", "falso", "onwaar"]


def _one_of(words: dict[str, str], otherwise: str) -> Reading:
    def read(typed: str, _: bool) -> str:
        try:
            return words[plain_form(typed).casefold()]
        except KeyError:
            raise Unreadable(typed, otherwise) from None

    return read


YES_NO = ColumnKind(
    _one_of(dict.fromkeys(_YES, "true") | dict.fromkeys(_NO, "false"), "is neither true nor false"),
    "{v}::boolean",
)
"""In any case; what spreadsheets write in other languages too."""

PRORATION = ColumnKind(_one_of({"full": "full", "daily": "daily"}, "is neither “full” nor “daily”"))

ROLE = ColumnKind(
    _one_of(
        {role.casefold(): role.value for role in Role},
        f"is not a role; there are {', '.join(Role)}",
    )
)

_SIGNS = {"€": "EUR", "£": "GBP", "¥": "JPY", "₹": "INR"}


def _currency(typed: str) -> str:
    code = plain_form(typed).upper()
    if code not in MINOR_UNITS:
        example = _SIGNS.get(typed, "USD")
        raise Unreadable(typed, f"is not a currency; write its ISO 4217 code, as in {example}")
    return code


CURRENCY = ColumnKind(_reads(_currency))

COUNTRY = ColumnKind(_reads(read_country))

LOCALE = ColumnKind(_reads(read_locale))

CHANNEL_ID = ColumnKind(_reads(read_channel_id))

CUSTOMER = ColumnKind(NAME.read, "c.id", "c.id is not null", (("true", "is no customer's name"),))

CUSTOMER_ID = ColumnKind(CALLS.read, "c.id", "c.id is not null", (("true", "is no customer's id"),))

OTHER_ACCOUNT = "is a new Slack account, but that person has another one that is in use"

SLACK_ID = ColumnKind(
    lambda typed, _: read_member_id(typed),
    "{v}",
    "t.id is not null or n.slack_user_id is null or not n.active",
    (("true", OTHER_ACCOUNT),),
)

SELF_MADE = "n.role is null and n.password_digest is not null"
_MEANS_MORE = """(s.role, coalesce(s.email, n.email), coalesce(s.active, n.active::text))
    is distinct from (n.role, n.email, n.active::text) or s.slack_user_id is not null"""
_TAKEN_FOR_ANOTHER = f"t.id is null and {SELF_MADE} and ({_MEANS_MORE})"
PERSON_NAME = _called(
    lambda typed, _: _name(typed, 200),
    (f"s.name_key = '{SYSTEM}'", "is what the clock and the command line are called"),
    ("t.id <> n.id", "is somebody else's name already"),
    (_TAKEN_FOR_ANOTHER, "made an account on the web and has no role yet"),
)
