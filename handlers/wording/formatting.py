"""Figures and names as people read them: names, money, calls, months, lists."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from typing import Literal, Protocol

from babel.dates import format_date, format_timedelta
from babel.lists import format_list
from babel.numbers import get_currency_symbol
from babel.units import format_unit

from handlers.wording.labels import ROLE_SHORT
from models.dates import day_in_words
from models.money import minor_units
from models.named_people import PersonRef
from models.people.permissions import Role
from models.people.users import SYSTEM, User
from models.period import Period
from models.queries.totals import Total

ELLIPSIS = "…"
BLANK = "(blank)"
NAME_LIMIT = 300
MANY_TIMES = 100
_prefix = ""


def use_prefix(prefix: str) -> None:
    """Set how this workspace's commands begin, once, as the program starts."""
    global _prefix  # noqa: PLW0603 - the one word that differs from workspace to workspace
    _prefix = prefix


def slash(command: str) -> str:
    """A command as people type it: "/bill list", or "/acme-bill list" with the prefix "acme-"."""
    return f"/{_prefix}{command}"


_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_ESCAPING = str.maketrans(_ESCAPES)
_BIDI_OVERRIDES = "".join(map(chr, (*range(0x202A, 0x202F), *range(0x2066, 0x206A))))
_INVISIBLE = re.compile(f"[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\ud800-\\udfff{_BIDI_OVERRIDES}]")
_SPACES = re.compile(r"\s+")
_BREAKS = frozenset("\n\t\u2028\u2029")
_JOINERS = "\u200d\ufe0f "
_RIGHT_TO_LEFT = frozenset({"R", "AL", "AN"})
_DATE_FORMAT = "{date_short_pretty} {time}"


def esc(text: str) -> str:
    """`text` for mrkdwn: unable to mention anybody or to pass for a link."""
    return text.translate(_ESCAPING)


def escaped_length(text: str) -> int:
    """Code points of `text` as Slack counts them, after escaping."""
    return len(text) + 4 * text.count("&") + 3 * (text.count("<") + text.count(">"))


def clean(text: str) -> str:
    """`text` without control characters and direction overrides; line breaks and tabs stay."""
    return _INVISIBLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def cut(text: str, limit: int) -> str:
    """`text` cleaned, and cut with an ellipsis to `limit` code points counted after escaping."""
    text = clean(text)
    if escaped_length(text) <= limit:
        return text
    room = limit - 1
    for index, char in enumerate(text):
        room -= len(_ESCAPES.get(char, char))
        if room < 0:
            return text[:index].rstrip(_JOINERS) + ELLIPSIS
    return text


def plain(text: str, limit: int) -> str:
    """`text` cut, and never empty: with nothing to see in it, it becomes "(blank)"."""
    text = cut(text, limit)
    return text if text.strip() else BLANK[:limit]


def as_said(text: str, limit: int) -> str:
    """Words from outside as a sentence among ours: plain, bounded, and with a stop at its end."""
    told = plain(text, limit)
    return told if told.endswith(("…", "!", "?")) else f"{told.rstrip('.')}."


def name(text: str, limit: int = NAME_LIMIT) -> str:
    """A name on one line, just as it was typed; one with right-to-left letters is isolated."""
    line = _SPACES.sub(_on_one_line, clean(text))
    return isolated(plain(line, limit - 2)) if _turns(line) else plain(line, limit)


def isolated(text: str) -> str:
    """With right-to-left letters in it, `text` in the direction of its first letter, wherever it
    stands, and the words around it in their order.
    """
    return f"\u2068{text}\u2069" if _turns(text) else text


def _turns(text: str) -> bool:
    return not text.isascii() and any(
        unicodedata.bidirectional(char) in _RIGHT_TO_LEFT for char in text
    )


def _on_one_line(spaces: re.Match[str]) -> str:
    return spaces[0] if _BREAKS.isdisjoint(spaces[0]) else " "


MINUS = "\N{MINUS SIGN}"


def number(value: int) -> str:
    return f"{value:,}".replace("-", MINUS)


def counted(count: int, noun: str, plural: str = "") -> str:
    """As in "1 bill", "1,200 bills"."""
    return f"{number(count)} {noun if count == 1 else plural or noun + 's'}"


def bill_count(count: int) -> str:
    return counted(count, "bill")


def calls(count: int) -> str:
    return counted(count, "call")


def money(amount: Decimal, currency: str) -> str:
    """An amount that no other currency could be mistaken for: "$1,000.00", "CA$5.00", "KWD 1.250".

    Digits are those of ISO 4217.
    """
    return _priced(amount, currency, f"{amount.copy_abs():,.{minor_units(currency)}f}")


def unit_price(cost: Decimal, currency: str) -> str:
    """A price per call: all its digits up to ten, and no fewer than an amount has."""
    digits = f"{cost.copy_abs():,.10f}"
    least = minor_units(currency)
    whole, _, fraction = digits.partition(".")
    fraction = fraction[:least] + fraction[least:].rstrip("0")
    return _priced(cost, currency, f"{whole}.{fraction}" if fraction else whole)


def _priced(value: Decimal, currency: str, digits: str) -> str:
    sign = MINUS if value < 0 else ""
    return f"{sign}{_symbol(currency)}{digits}"


@cache
def _symbol(currency: str) -> str:
    """The currency's sign where it has one of its own, else its code and a space."""
    symbol = get_currency_symbol(currency, "en_US")
    signed = any(unicodedata.category(char) == "Sc" for char in symbol)
    return symbol if signed else f"{currency} "


def amount_or(amount: Decimal | None, currency: str) -> str:
    return "no amount yet" if amount is None else money(amount, currency)


def totals(amounts: Iterable[Total]) -> str:
    """As in "$1,200.00 and €300.00", never added together; "without tax" where some is owed."""
    each = list(amounts)
    told = listing([money(total.amount, total.currency) for total in each]) or "no amount"
    return f"{told} without tax" if any(total.taxed for total in each) else told


def by_currency(currencies: Iterable[str]) -> str:
    """What is to be said of the biggest in several currencies, which are not compared."""
    return ", by currency" if len(set(currencies)) > 1 else ""


def percent_change(
    before: Decimal | None, after: Decimal | None, number: Callable[[int], str] = number
) -> str | None:
    """As in "+22 %", rounded half up; None where there is nothing to compare with."""
    if not before or after is None:
        return None
    if before == after:
        return "no change"
    percent = (after - before) * 100 / abs(before)
    if percent >= MANY_TIMES * 100:
        return f"more than {MANY_TIMES} times as much"
    whole = percent.quantize(Decimal(1), ROUND_HALF_UP)
    if not whole:
        return "less than 1 % more" if percent > 0 else "less than 1 % less"
    return f"{MINUS if whole < 0 else '+'}{number(abs(int(whole)))} %"


def period_name(period: Period) -> str:
    """As in "October 2026"."""
    return period.in_words


@cache
def month_name(period: Period) -> str:
    return format_date(period.first_day, "MMMM", locale="en")


def day(date_: date) -> str:
    """As in "24 December 2026"."""
    return day_in_words(date_)


def when(moment: datetime) -> str:
    """A moment for mrkdwn, in the reader's own zone; the fallback is in UTC."""
    return f"<!date^{int(moment.timestamp())}^{_DATE_FORMAT}|{utc(moment)}>"


def utc(moment: datetime) -> str:
    """As in "3 Nov 2026 09:12 UTC", for places that know no reader's zone."""
    moment = moment.astimezone(UTC)
    return f"{format_date(moment.date(), 'd MMM yyyy', locale='en')} {moment:%H:%M} UTC"


def delay(minutes: float) -> str:
    """As in "30 seconds", "1 minute", "2.5 minutes"."""
    if minutes < 1:
        return str(format_unit(minutes * 60, "duration-second", locale="en"))
    return str(format_unit(minutes, "duration-minute", locale="en"))


def ago(then: datetime, now: datetime) -> str:
    """How long before `now`, in the largest unit that fits: "3 minutes ago"."""
    passed = now - then
    if passed < timedelta(minutes=1):
        return "a moment ago"
    return str(format_timedelta(-passed, threshold=1, add_direction=True, locale="en"))


def role_short(role: str | None) -> str:
    """The role in brackets' length: "CSM", "Sales", "Finance"; "" for nobody's."""
    return ROLE_SHORT.get(Role(role), role) if role else ""


def person(who: PersonRef | User, limit: int = 80) -> str:
    """As in "Kim Lee (CSM)"; the clock and the command line are "Countersign"."""
    if who.name == SYSTEM:
        return "Countersign"
    role = role_short(who.role)
    return f"{name(who.name, limit)} ({role})" if role else name(who.name, limit)


class Written(Protocol):
    """A comment, or what was recorded of it."""

    @property
    def by(self) -> PersonRef: ...
    @property
    def mailed_by(self) -> str | None: ...
    @property
    def link_of(self) -> str | None: ...


def writer(one: Written) -> str:
    """Who wrote it; of what came by mail whom the mail names, and by a link whose link it is."""
    if one.mailed_by:
        return f"{name(one.mailed_by, 120)} (by e-mail)"
    return f"{name(one.link_of, 120)} (by its link)" if one.link_of else person(one.by)


def listing(items: Sequence[str], word: str = "and", most: int = 12) -> str:
    """As in "a, b and c"; beyond `most` items the rest are counted: "a, b and 12 more"."""
    if len(items) > most:
        items = [*items[:most], f"{number(len(items) - most)} more"]
    # British English lists have no comma before the last "and".
    return str(format_list(items, _LIST_STYLES[word], locale="en_GB"))


def some_of(names: Sequence[str], count: int, most: int = 12) -> str:
    """The same of `count`, of which only some are known by name."""
    shown = names[:most]
    more = [f"{number(count - len(shown))} more"] if count > len(shown) else []
    return listing([*shown, *more], most=most + 1)


_LIST_STYLES: dict[str, Literal["standard", "or"]] = {"and": "standard", "or": "or"}


def sentence(text: str) -> str:
    """`text` with a capital at its beginning and a full stop at its end."""
    ended = text if text.endswith((".", "?", "!", "…")) else f"{text}."
    return ended[:1].upper() + ended[1:]
