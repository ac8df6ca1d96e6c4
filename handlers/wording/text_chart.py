"""Charts drawn with characters: they need no upload. The figures always stand beside them."""

from collections.abc import Callable, Sequence
from decimal import Decimal

from handlers.wording.formatting import month_name, number
from handlers.wording.usage_text import unrecorded
from models.period import Period
from models.usage.usage import UsageMonth

SPARKS = "▁▂▃▄▅▆▇█"
MISSING = "·"
WITHIN, OVER, LIMIT, EMPTY = "█", "▓", "│", " "


def sparkline(values: Sequence[Decimal | int | None]) -> str:
    """One character a value, from zero to the largest; a missing value is a dot, not a zero."""
    top = max((value for value in values if value is not None), default=0)
    return "".join(MISSING if v is None else _spark(Decimal(v), Decimal(top)) for v in values)


def _spark(value: Decimal, top: Decimal) -> str:
    if top <= 0 or value <= 0:
        return SPARKS[0]
    return SPARKS[int(value * (len(SPARKS) - 1) / top)]


PHONE_CELLS = 14
"""A bar so wide has its month and its figure in the same line, on a phone too."""


def progress_bar(done: int, whole: int, width: int = 20) -> str:
    """As in "██████░░░░" and the percentage; full only when all is done."""
    part = min(done, whole) / whole if whole else 1.0
    filled = int(part * width)
    return f"{'█' * filled}{'░' * (width - filled)} {int(part * 100)} %"


def usage_bars(months: Sequence[UsageMonth], width: int = PHONE_CELLS) -> str:
    """A bar a month, with a mark at the limit and another shade beyond it."""
    top = max((max(month.calls or 0, month.limit_calls) for month in months), default=0)
    return "\n".join(_bar_line(month, top, width) for month in months)


def _bar_line(month: UsageMonth, top: int, width: int) -> str:
    label = month_label(month.period)
    if month.calls is None:
        return f"{label}  {unrecorded(month)}"
    at = _cells(month.limit_calls, top, width)
    filled = _cells(month.calls, top, width)
    cells = [_cell(index, filled, at) for index in range(width)]
    cells.insert(at, LIMIT)
    return f"{label}  {''.join(cells)}  {number(month.calls)}"


def month_label(period: Period) -> str:
    """As in "Oct 2026"."""
    return f"{month_name(period)[:3]} {period.year}"


def _cells(value: int, top: int, width: int) -> int:
    """How many of `width` cells `value` fills; more than nothing fills at least one."""
    return max(1, value * width // top) if value and top else 0


def _cell(index: int, filled: int, limit: int) -> str:
    if index >= filled:
        return EMPTY
    return WITHIN if index < limit else OVER


def amount_bars(
    periods: Sequence[Period],
    amounts: Sequence[Decimal | None],
    write: Callable[[Decimal], str],
    width: int = PHONE_CELLS,
) -> str:
    """A bar a month; one of None has none, and says that it was not billed."""
    top = max((amount for amount in amounts if amount is not None), default=Decimal(0))
    return "\n".join(
        f"{month_label(period)}  {_amount_bar(amount, top, width)}  "
        f"{'no bills' if amount is None else write(amount)}"
        for period, amount in zip(periods, amounts, strict=True)
    )


def _amount_bar(amount: Decimal | None, top: Decimal, width: int) -> str:
    cells = max(1, int(amount * width / top)) if amount and amount > 0 else 0
    return (WITHIN * cells).ljust(width, EMPTY)
