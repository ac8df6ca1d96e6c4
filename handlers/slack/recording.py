"""`/usage record`: a month's calls written down, after a question where anything moves with it."""

import re

from handlers.slack.answers import Answer, Reply
from handlers.slack.blocks.recording import (
    RecordedMonth,
    recorded,
    recording_asked,
    recording_cancelled,
)
from handlers.slack.context import RequestContext
from handlers.wording.formatting import slash
from models.actions.foresee import do_if_agreed
from models.actions.keep_books import BookChange, record_month
from models.customers.customers import Customer, get_customer
from models.db.columns import MOST_CALLS
from models.errors import Invalid, Unreadable
from models.numerals import read_whole
from models.people.permissions import Permission
from models.period import ANY_MONTH, MONTH_NAME, Period
from models.queries.references import find_month_of_customer
from models.usage.usage import usage_months

_MONTH = rf"(?:{ANY_MONTH}|{MONTH_NAME}\.?|(?i:(?:this|current|last|previous)\s+month))"
_RECORDED = re.compile(
    rf"(?P<of>.*\s{_MONTH})[\s:=,]+(?P<calls>[-−(]?\d.*?)(?:\s*(?i:calls?))?[.;]?"
)


async def record(context: RequestContext, typed: str) -> Answer:
    """`CUSTOMER YYYY-MM N`: written down at once where nothing was and no bill moves."""
    context.user.require(Permission.KEEP_BOOKS)
    found = _RECORDED.fullmatch(typed)
    if found is None:
        raise Invalid(f"Write whose calls, of which month, and how many. {_example()}")
    with context.naming(found["of"]):
        customer, period = await find_month_of_customer(context.session, found["of"], context.today)
    if customer is None or period is None:
        missing = "Whose calls" if customer is None else "Of which month"
        raise Invalid(f"{missing}? {_example()}")
    return await _record(context, customer, period, _calls(found["calls"]))


def _example() -> str:
    return f"As in `{slash('usage record Acme Corp 2026-10 1250000')}`."


def _calls(typed: str) -> int:
    try:
        return read_whole(typed, MOST_CALLS)
    except Unreadable as refused:
        raise Invalid(refused.sentence) from None


async def record_agreed(context: RequestContext) -> Answer:
    """Write down what was shown, if it does the same by now; else show what it does."""
    ids = context.ids("customer", "period", "calls", "agreed")
    context.user.require(Permission.KEEP_BOOKS)
    customer = await get_customer(context.session, ids["customer"])
    period = Period.parse(ids["period"])
    return await _record(context, customer, period, ids["calls"], ids["agreed"])


async def _record(
    context: RequestContext,
    customer: Customer,
    period: Period,
    calls: int,
    agreed: str | None = None,
) -> Answer:
    is_click = agreed is not None
    [month] = await usage_months(context.session, customer.id, period, period)
    seen = "" if month.calls is None else str(month.calls)
    is_other = month.calls not in (None, calls)
    told = RecordedMonth(customer.id, customer.name, period, calls, month.limit_calls)

    async def change() -> BookChange:
        return await record_month(context.session, customer.id, period, calls, context, seen=seen)

    foreseen, is_done = await do_if_agreed(context.session, change, agreed, ask=is_other)
    if not is_done:
        return Reply(recording_asked(told, foreseen, has_changed=is_click), replace=is_click)
    return Reply(recorded(told, foreseen), replace=is_click)


async def keep(context: RequestContext) -> Answer:
    """Let a month be as it is."""
    ids = context.ids("customer", "period")
    customer = await get_customer(context.session, ids["customer"])
    return Reply(recording_cancelled(customer.name, Period.parse(ids["period"])), replace=True)
