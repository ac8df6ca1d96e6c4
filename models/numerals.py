"""Numbers as people and spreadsheets write them, read where what they mean is certain.

Digits of any script count, and so do blanks and apostrophes of any kind between thousands. A point
or a comma is a decimal sign or stands between thousands, whichever the number allows: where it
allows both, as in `1.250`, and where digits were lost, as in `1.25E+06`, it is refused.
"""

import re
import unicodedata
from decimal import Decimal

from models.errors import Invalid, Unreadable
from models.text import plain_form, trimmed

MOST_CHARS = 100
MOST_EXPONENT = 30

_APOSTROPHES = "'’‘ʼ′´_٬"
_SIGNS = str.maketrans(
    {
        **dict.fromkeys(_APOSTROPHES, "'"),
        **dict.fromkeys("−–﹣", "-"),
        "٫": ".",
    }
)
_SIGNED = re.compile(
    r"\(\s*(?P<owed>.+?)\s*\)|-\s*(?P<below>.+)|(?P<late>.+?)\s*-|\+?(?P<plain>.+)"
)
_EXPONENT = re.compile(r"(\d+)(?:[.,](\d*))?[eE]([+-]?\d{1,3})")
_SEPARATED = re.compile(r"(?=.*\d)\d*(?:[ '.,]\d+)*[.,]?")
_AMBIGUOUS = re.compile(r"([1-9]\d{0,2})[.,](\d{3})")
_WESTERN = re.compile(r"[1-9]\d{0,2}(\D\d{3})+")
_INDIAN = re.compile(r"[1-9]\d?(\D\d{2})*\D\d{3}")


def read_whole(typed: str, most: int) -> int:
    """A whole number from 0 to `most`; raises Unreadable, which says why it is none."""
    if typed.isascii() and typed.isdigit() and len(typed) < MOST_EXPONENT:
        value = Decimal(typed)
    else:
        value = _read(typed, "1250000", whole=True)
    if value != value.to_integral_value():
        raise Unreadable(typed, "is not a whole number; write it without decimals")
    _refuse_negative(typed, value)
    if value > most:
        raise Unreadable(typed, f"is too big; the most is {most}")
    return int(value)


def read_units(typed: str, field: str) -> int | None:
    """The calls to bill, below zero those to credit; None where nothing was typed."""
    if not typed.strip():
        return None
    if re.fullmatch(r"\s*[+-]?\d{1,18}\s*", typed, re.ASCII) is None:
        raise Invalid("Write a whole number of calls, such as 250000.", field)
    return int(typed)


def read_decimal(
    typed: str,
    *,
    digits: int = 15,
    decimals: int,
    point_is_decimal: bool = True,
    example: str = "0.0025",
) -> Decimal:
    """A number that is not negative; raises Unreadable, which says why it is none.

    `digits` before and `decimals` after the point at most. `point_is_decimal`: a point alone is
    one, since whoever wrote this writes no decimal commas. `example`: how such a number is written.
    """
    value = _read(typed, example, point_is_decimal=point_is_decimal)
    _refuse_negative(typed, value)
    if value >= 10**digits:
        raise Unreadable(typed, f"is too big; the most is {digits} digits")
    if value != round(value, decimals):
        raise Unreadable(typed, f"has more than {decimals} decimals")
    return abs(round(value, decimals).normalize())


def read_amount(typed: str, currency: str, field: str) -> Decimal:
    """An amount, perhaps with its currency beside it; refused beside its `field`."""
    bare = re.sub(rf"(?i)^\s*{re.escape(currency)}\b|\b{re.escape(currency)}\s*$", "", typed)
    digits = "".join(char for char in bare if unicodedata.category(char) != "Sc")
    try:
        return read_decimal(digits.strip(), decimals=4, example="1500")
    except Unreadable as refused:
        raise Unreadable(typed, refused.reason, field) from refused


def _refuse_negative(typed: str, value: Decimal) -> None:
    if value < 0:
        raise Unreadable(typed, "is negative")


def _read(
    typed: str, example: str, *, point_is_decimal: bool = False, whole: bool = False
) -> Decimal:
    if len(typed) > MOST_CHARS:
        raise Unreadable(typed, "is too long for a number")
    text = _plain(typed)
    # A spreadsheet's mark of a text.
    found = _SIGNED.fullmatch(text.removeprefix("'"))
    if found is None:
        raise Unreadable(typed, _not_a_number(text, example))
    body = trimmed(found[found.lastgroup or 0])
    if scientific := _EXPONENT.fullmatch(body):
        value = _scientific(typed, *scientific.groups(default=""))
    elif _SEPARATED.fullmatch(body):
        if not (point_is_decimal and body.count(".") == 1):
            _refuse_ambiguous(typed, body, whole=whole)
        value = _separated(typed, body, example)
    else:
        raise Unreadable(typed, _not_a_number(text, example))
    return value if found["plain"] else -value


def _plain(typed: str) -> str:
    """Any script's digits and any kind of blank or sign as the plainest one."""
    return re.sub(r"\s", " ", plain_form(typed)).translate(_SIGNS)


def _scientific(typed: str, whole: str, fraction: str, exponent: str) -> Decimal:
    if abs(int(exponent)) > MOST_EXPONENT:
        raise Unreadable(typed, "is out of all bounds")
    value = Decimal(f"{whole}.{fraction}E{exponent}")
    if value and int(exponent) > len(fraction):
        raise Unreadable(
            typed,
            f"is scientific notation, as a spreadsheet shortens numbers: {value:f}, or something"
            " near it; write all the digits",
        )
    return value


def _refuse_ambiguous(typed: str, body: str, *, whole: bool) -> None:
    """Refuse a single point or comma before three digits."""
    found = _AMBIGUOUS.fullmatch(body)
    if found is not None:
        thousands, units = found.groups()
        other = "" if whole else f", or {thousands}.{units}0"
        raise Unreadable(
            typed,
            f"could be {thousands}{units} or {thousands}.{units}; write {thousands}{units}{other}",
        )


def _separated(typed: str, body: str, example: str) -> Decimal:
    marks = re.findall(r"\D", body)
    if not marks:
        return Decimal(body)
    last, others = marks[-1], marks[:-1]
    if last in " '" or last in others:
        return _grouped(typed, body, marks, example)
    whole, _, fraction = body.rpartition(last)
    before = _grouped(typed, whole, others, example) if others else Decimal(whole or 0)
    return before + Decimal(f"0.{fraction or 0}")


def _grouped(typed: str, body: str, marks: list[str], example: str) -> Decimal:
    one_sign = len(set(marks)) == 1
    if not one_sign or not (_WESTERN.fullmatch(body) or _INDIAN.fullmatch(body)):
        raise Unreadable(
            typed, f"has separators where no thousands end; write digits only, as in {example}"
        )
    return Decimal(re.sub(r"\D", "", body))


def _not_a_number(text: str, example: str) -> str:
    if any(unicodedata.category(char) == "Sc" for char in text):
        return "has a currency sign; write the number alone"
    if re.search(r"\d\s*[A-Za-z%]|[A-Za-z]\s*\d", text):
        return f"is not a number alone; write digits only, as in {example}"
    return f"is not a number; write digits, as in {example}"
