"""Charts as geometry: what `charts.html.jinja` draws as inline SVG.

Across they are told in percent of their width, up and down in pixels, so that letters keep their
size on every screen. Colours are the stylesheet's; what is over the limit is hatched as well.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Any

from handlers.wording.days_text import day_told, days_finding
from handlers.wording.formatting import month_name
from handlers.wording.month_text import billed_finding, billed_told
from handlers.wording.usage_text import month_told, usage_finding
from models.period import Period
from models.queries.months_billed import CurrencyMonths
from models.usage.days import CountedDay
from models.usage.usage import UsageMonth

TOP, BASE = 20, 164
GUTTER = 12.0
"""Percent at the left, where the scale is written."""
BAR_PART = 0.62
MOST_LABELS = 12
DAYS_LABELLED = 5
"""Every so many days one is labelled."""
MOST_LINES = 4
LEAST_PX = 2.0
STEPS = (1, 2, 5)
THOUSANDS = ("", "k", "M", "B", "T")
RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class ChartMonth:
    """One month, or one day. `calls`: of usage. `is_missing`: a hollow mark instead of a bar; a
    month outside the contract has neither. `within` and `over`: y and height of the two parts of a
    bar; `label` and `year` are empty where there is no room for them.
    """

    told: str
    left: float
    width: float
    centre: float
    bar_left: float
    bar_width: float
    calls: int | None
    is_missing: bool
    within: tuple[float, float] | None
    over: tuple[float, float] | None
    label: str = ""
    year: str = ""


@dataclass(frozen=True)
class ChartLine:
    """A straight line; x in percent, y in pixels."""

    x1: float
    y1: float
    x2: float
    y2: float


@dataclass(frozen=True)
class MonthsChart:
    """A bar a month and, of usage, the limit as a line that steps where it changes.

    `finding` is the sentence that stands for the whole chart; `key` is its own on its page;
    `missing` is what the hollow marks say.
    """

    key: str
    finding: str
    columns: tuple[ChartMonth, ...]
    limit: tuple[ChartLine, ...]
    scale: tuple[tuple[float, str], ...]
    missing: str = "Not recorded"

    @property
    def has_over(self) -> bool:
        return any(column.over for column in self.columns)

    @property
    def has_missing(self) -> bool:
        return any(column.is_missing for column in self.columns)


def usage_chart(
    customer: str,
    months: Sequence[UsageMonth],
    running: Period | None = None,
    key: str = "usage",
) -> MonthsChart:
    """The usage of these months, oldest first; `running` is one that is not over yet."""
    top, lines = _scale(max((max(m.calls or 0, m.limit_calls) for m in months), default=0))
    columns = tuple(_column(months, index, top) for index in range(len(months)))
    return MonthsChart(
        key=key,
        finding=usage_finding(customer, months, running),
        columns=columns,
        limit=tuple(_limit(months, columns, top)),
        scale=tuple((_y(value, top), compact(value)) for value in lines),
    )


def days_chart(
    customer: str, period: Period, days: Sequence[CountedDay], key: str = "days"
) -> MonthsChart:
    """The days of a month, with what came after its limit was reached."""
    top, lines = _scale(max((one.calls for one in days), default=0))
    return MonthsChart(
        key=key,
        finding=days_finding(customer, period, days),
        columns=tuple(_day(days, index, top) for index in range(len(days))),
        limit=(),
        scale=tuple((_y(value, top), compact(value)) for value in lines),
    )


def _day(days: Sequence[CountedDay], index: int, top: int) -> ChartMonth:
    one = days[index]
    within = one.calls - one.over_calls
    return ChartMonth(
        told=day_told(one),
        **_column_at(len(days), index),
        calls=one.calls,
        is_missing=False,
        within=_part(0, within, top),
        over=_part(within, one.calls, top),
        label=str(one.day.day) if index % DAYS_LABELLED == 0 else "",
    )


def amounts_chart(periods: Sequence[Period], one: CurrencyMonths) -> MonthsChart:
    """What these months were billed in one currency, oldest first."""
    top, lines = _scale(math.ceil(max(amount or 0 for amount in one.amounts)))
    return MonthsChart(
        key=f"billed-{one.currency}",
        finding=billed_finding(periods, one),
        columns=tuple(
            ChartMonth(
                told=billed_told(period, amount, one.currency),
                **_place(periods, index),
                calls=None,
                is_missing=amount is None,
                within=_part(0, amount or 0, top),
                over=None,
            )
            for index, (period, amount) in enumerate(zip(periods, one.amounts, strict=True))
        ),
        limit=(),
        scale=tuple((_y(value, top), compact(value)) for value in lines),
        missing="Not generated",
    )


def _scale(largest: int) -> tuple[int, list[int]]:
    """The value at the top, and those that get a line, zero among them."""
    power = 1
    while True:
        for step in STEPS:
            lines = -(-largest // (step * power))
            if lines <= MOST_LINES:
                top = max(1, lines) * step * power
                return top, list(range(0, top + 1, step * power))
        power *= 10


def _y(value: int | Decimal, top: int) -> float:
    return round(BASE - float(value) * (BASE - TOP) / top, 1)


def _column(months: Sequence[UsageMonth], index: int, top: int) -> ChartMonth:
    month = months[index]
    within = min(month.calls or 0, month.limit_calls)
    return ChartMonth(
        told=month_told(month),
        **_place([one.period for one in months], index),
        calls=month.calls,
        is_missing=month.is_missing,
        within=_part(0, within, top),
        over=_part(within, within + month.over_calls, top),
    )


def _place(periods: Sequence[Period], index: int) -> dict[str, Any]:
    """Where a month's column stands, and what is written under it."""
    label, year = _labels(periods, index)
    return _column_at(len(periods), index) | {"label": label, "year": year}


def _column_at(count: int, index: int) -> dict[str, Any]:
    """Where one of so many columns stands."""
    width = (100 - GUTTER) / count
    left = GUTTER + index * width
    return {
        "left": round(left, 2),
        "width": round(width, 2),
        "centre": round(left + width / 2, 2),
        "bar_left": round(left + width * (1 - BAR_PART) / 2, 2),
        "bar_width": round(width * BAR_PART, 2),
    }


def _part(low: int, high: int | Decimal, top: int) -> tuple[float, float] | None:
    """From one value up to another; anything at all is seen, and nothing below zero."""
    if high <= low:
        return None
    height = max(LEAST_PX, round(float(high - low) * (BASE - TOP) / top, 1))
    return round(_y(low, top) - height, 1), height


def _labels(periods: Sequence[Period], index: int) -> tuple[str, str]:
    """A month's letters and its year: of many months every second or third, each year once.

    A year needs the room of two labels, and is left out where another follows sooner.
    """
    every = -(-len(periods) // MOST_LABELS)
    if index % every:
        return "", ""
    period = periods[index]
    before, after = periods[max(0, index - every)], periods[min(index + every, len(periods) - 1)]
    begins = index == 0 or before.year != period.year
    crowded = after.year != period.year
    return month_name(period)[:3], str(period.year) if begins and not crowded else ""


def _limit(
    months: Sequence[UsageMonth], columns: Sequence[ChartMonth], top: int
) -> list[ChartLine]:
    """None is drawn outside the contract."""
    heights = [_y(month.limit_calls, top) for month in months]
    drawn = [
        None if month.is_outside else ChartLine(c.left, y, round(c.left + c.width, 2), y)
        for month, c, y in zip(months, columns, heights, strict=True)
    ]
    steps = [
        ChartLine(after.x1, before.y2, after.x1, after.y1)
        for before, after in pairwise(drawn)
        if before and after and before.y2 != after.y1
    ]
    return [*filter(None, drawn), *steps]


def compact(value: int) -> str:
    """A round number in little room: "500k", "1.5M", "1.5×10¹⁶"."""
    tens = len(str(value)) - 1
    if value >= 1000 ** len(THOUSANDS):
        power = f"10{str(tens).translate(RAISED)}"
        return power if value == 10**tens else f"{value / 10**tens:.3g}×{power}"
    return f"{value / 1000 ** (tens // 3):.3g}{THOUSANDS[tens // 3]}"
