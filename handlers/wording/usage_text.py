"""What is said of a customer's usage wherever it is said: what was found, month by month."""

from collections.abc import Callable, Sequence
from decimal import Decimal

from handlers.wording.formatting import (
    MINUS,
    calls,
    counted,
    name,
    number,
    percent_change,
    period_name,
)
from handlers.wording.trend_text import direction_text
from models.period import Period
from models.usage.usage import UsageMonth

Months = Sequence[UsageMonth]


def usage_finding(
    customer: str,
    months: Months,
    running: Period | None = None,
    number: Callable[[int], str] = number,
) -> str:
    """What was found in these months, oldest first: the latest, their direction, the overages.

    `running` is a month that is not over: its calls so far are told, and compared with nothing.
    `number` writes calls as whoever reads this does.
    """
    known = [month for month in months if month.calls is not None]
    if not known:
        return f"No usage is recorded for {name(customer)} in these months."
    closed = [month for month in known if month.period != running]
    latest = _latest(customer, closed, known, number)
    told = [
        f"{latest}; {times_over(known)}.",
        _heading(closed, number),
        _so_far(known[-1], closed, number),
    ]
    return " ".join(filter(None, told))


def times_over(months: Months) -> str:
    """As in "over the limit in 2 of 3 recorded months"."""
    known = [month for month in months if month.calls is not None]
    over = sum(month.over_calls > 0 for month in known)
    return f"over the limit in {over} of {counted(len(known), 'recorded month')}"


def _heading(closed: Months, number: Callable[[int], str]) -> str | None:
    """Of two months the comparison with the month before says all there is."""
    if len(closed) == 2:
        return None
    return direction_text([(one.period, one.calls or 0) for one in closed], number)


def _latest(customer: str, closed: Months, known: Months, number: Callable[[int], str]) -> str:
    """As in "Acme made 20 calls in October 2026, 5 % fewer than in September 2026, with ..."."""
    latest = (closed or known)[-1]
    made = f"{name(customer)} made {_calls(latest, number)}{'' if closed else ' so far'}"
    before = f", {_compared(closed[-2], closed[-1], number)}" if len(closed) > 1 else ""
    included = f"with {number(latest.limit_calls)} included"
    return f"{made} in {period_name(latest.period)}{before}, {included}"


def _so_far(latest: UsageMonth, closed: Months, number: Callable[[int], str]) -> str:
    if not closed or latest is closed[-1]:
        return ""
    return f"So far in {period_name(latest.period)}: {_calls(latest, number)}."


def _calls(month: UsageMonth, number: Callable[[int], str]) -> str:
    count = month.calls or 0
    return f"{number(count)} {'call' if count == 1 else 'calls'}"


def _compared(before: UsageMonth, after: UsageMonth, number: Callable[[int], str]) -> str:
    """As in "22 % more than in September 2026", of the month recorded before."""
    change = _more_or_fewer(before.calls or 0, after.calls or 0, number)
    return f"{change} in {period_name(before.period)}"


def _more_or_fewer(before: int, after: int, number: Callable[[int], str]) -> str:
    change = percent_change(Decimal(before), Decimal(after), number)
    if change is None:
        return "after none" if after else "none as"
    if change[0] in f"+{MINUS}":
        return f"{change[1:]} {'more' if change[0] == '+' else 'fewer'} than"
    return _IN_WORDS[change]


_IN_WORDS = {
    "no change": "as many as",
    "less than 1 % more": "less than 1 % more than",
    "less than 1 % less": "less than 1 % fewer than",
    "more than 100 times as much": "more than 100 times as many as",
}


def month_told(month: UsageMonth) -> str:
    """One month in a line: "October 2026: 1,250,000 calls, 1,000,000 included, 250,000 over"."""
    if month.calls is None:
        included = f", {number(month.limit_calls)} included" if month.in_contract else ""
        return f"{period_name(month.period)}: {unrecorded(month)}{included}"
    over = f", {number(month.over_calls)} over" if month.over_calls else ""
    included = f"{number(month.limit_calls)} included"
    return f"{period_name(month.period)}: {calls(month.calls)}, {included}{over}"


def unrecorded(month: UsageMonth) -> str:
    """What stands for the calls of a month that has none on record."""
    return "not recorded" if month.in_contract else "not in contract"
