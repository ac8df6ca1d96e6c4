"""Where a row of figures is heading, and how far, in one sentence for every medium."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from itertools import pairwise
from typing import TypeVar

from handlers.wording.formatting import month_name, period_name
from models.period import Period

Figure = TypeVar("Figure", int, Decimal)


def direction_text(
    months: Sequence[tuple[Period, Figure]], write: Callable[[Figure], str]
) -> str | None:
    """As in "Rising since May, from $100.00 to $1,000.00."; None where there is one month alone.

    `months` are those with a figure, oldest first; `write` shows one as the reader is used to.
    Three months that go one way are a direction, however it was before.
    """
    if len(months) < 2:
        return None
    months = _heading_one_way(months)
    figures = [figure for _, figure in months]
    steps = [after - before for before, after in pairwise(figures)]
    from_to = f"from {write(figures[0])} to {write(figures[-1])}"
    if not any(steps):
        return f"The same {_since(months)}: {write(figures[0])}."
    if min(steps) >= 0:
        return f"Rising {_since(months)}, {from_to}."
    if max(steps) <= 0:
        return f"Falling {_since(months)}, {from_to}."
    return f"Up and down {_since(months)}, between {write(min(figures))} and {write(max(figures))}."


def _heading_one_way(months: Sequence[tuple[Period, Figure]]) -> Sequence[tuple[Period, Figure]]:
    """The latest months that never fall or never rise, if they are three; else all."""
    for start in range(len(months) - 2):
        latest = months[start:]
        steps = [after - before for (_, before), (_, after) in pairwise(latest)]
        if min(steps) >= 0 or max(steps) <= 0:
            return latest
    return months


def _since(months: Sequence[tuple[Period, Figure]]) -> str:
    first, last = months[0][0], months[-1][0]
    return f"since {month_name(first) if first.year == last.year else period_name(first)}"
