"""What is said of the days of a month: which were the busiest, and when the limit was passed."""

from collections.abc import Callable, Sequence

from handlers.wording.formatting import calls, name, number, period_name
from models.dates import day_in_words
from models.period import Period
from models.usage.days import CountedDay


def days_finding(
    customer: str,
    period: Period,
    days: Sequence[CountedDay],
    number: Callable[[int], str] = number,
) -> str:
    """As in "Acme made 31 calls in October 2026, most on 14 October (9); the limit was passed on 21
    October.", of days that are known.
    """
    used = sum(one.calls for one in days)
    if not used:
        return f"{name(customer)} made no calls in {period_name(period)}."
    busiest = max(days, key=lambda one: one.calls)
    passed = next((one for one in days if one.over_calls), None)
    when = f"the limit was passed on {_day(passed)}" if passed else "the limit was passed on no day"
    return (
        f"{name(customer)} made {number(used)} {'call' if used == 1 else 'calls'} in "
        f"{period_name(period)}, most on {_day(busiest)} ({number(busiest.calls)}); {when}."
    )


def _day(one: CountedDay) -> str:
    return day_in_words(one.day).removesuffix(f" {one.day.year}")


def day_told(one: CountedDay) -> str:
    """As in "21 October: 40,000 calls, 12,000 over the limit"."""
    over = f", {number(one.over_calls)} over the limit" if one.over_calls else ""
    return f"{_day(one)}: {calls(one.calls)}{over}"
