"""`/usage record`: a month's calls written down, after a question where anything moves with it."""

import re

from handlers.slack.answers import Answer, Dialog, Reply, as_dialog
from handlers.slack.blocks.recording import (
    CALLS,
    MONTH,
    RecordedMonth,
    recorded,
    recording_asked,
    recording_asked_in_dialog,
    recording_cancelled,
    recording_form,
)
from handlers.slack.context import RequestContext
from handlers.slack.references import chosen_customer
from handlers.wording.formatting import slash
from models.actions.foresee import do_if_agreed
from models.actions.keep_books import BookChange, record_month
from models.customers.customers import Customer, get_customer
from models.db.columns import MOST_CALLS
from models.errors import Faults, Invalid, Unreadable
from models.imports.foreseen import Foreseen
from models.numerals import read_whole
from models.people.permissions import Permission
from models.people.who_can import require
from models.period import ANY_MONTH, MONTH_NAME, Period
from models.queries.references import find_month_of_customer
from models.usage.usage import usage_months

MONTHS_TO_CHOOSE = 25
_MONTH = rf"(?:{ANY_MONTH}|{MONTH_NAME}\.?|(?i:(?:this|current|last|previous)\s+month))"
_RECORDED = re.compile(
    rf"(?P<of>.*\s{_MONTH})[\s:=,]+(?P<calls>[-−(]?\d.*?)(?:\s*(?i:calls?))?[.;]?"
)


async def record(context: RequestContext, typed: str) -> Answer:
    """`CUSTOMER YYYY-MM N`: written down at once where nothing was and no bill moves. Without
    them a dialog asks.
    """
    await require(context.session, context.user, Permission.KEEP_BOOKS)
    if not typed:
        months = _months(context)
        return Dialog(recording_form(months, months[1]))
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


def _calls(typed: str, field: str | None = None) -> int:
    try:
        return read_whole(typed, MOST_CALLS)
    except Unreadable as refused:
        raise Invalid(refused.sentence, field) from None


async def record_agreed(context: RequestContext) -> Answer:
    """Write down what was shown, if it does the same by now; else show what it does."""
    ids = context.ids("customer", "period", "calls", "agreed")
    await require(context.session, context.user, Permission.KEEP_BOOKS)
    customer = await get_customer(context.session, ids["customer"])
    period = Period.parse(ids["period"])
    return await _record(context, customer, period, ids["calls"], ids["agreed"])


async def submit_record(context: RequestContext) -> Answer:
    """What was entered in the dialog, or agreed to in it."""
    ids = context.ids()
    await require(context.session, context.user, Permission.KEEP_BOOKS)
    if "agreed" in ids:
        ids = context.ids("customer", "period", "calls", "agreed")
        customer, calls = await get_customer(context.session, ids["customer"]), ids["calls"]
        period = Period.parse(ids["period"])
    else:
        customer, period, calls = await _entered(context)
    told, foreseen, is_done = await _tried(context, customer, period, calls, ids.get("agreed"))
    if not is_done:
        return Dialog(recording_asked_in_dialog(told, foreseen, has_changed="agreed" in ids))
    return Dialog(as_dialog(recorded(told, foreseen), "Done"))


async def _entered(context: RequestContext) -> tuple[Customer, Period, int]:
    faults = Faults()
    with faults.noted():
        customer = await chosen_customer(context)
    with faults.noted():
        if context.entered(MONTH) not in map(str, _months(context)):
            raise Invalid("Choose a month.", MONTH)
    with faults.noted():
        calls = _calls(context.entered(CALLS), CALLS)
    faults.refuse()
    return customer, Period.parse(context.entered(MONTH)), calls


def _months(context: RequestContext) -> list[Period]:
    """Those to choose from, the running one first."""
    running = Period.current(context.now, context.services.zone)
    return [running.plus(-back) for back in range(MONTHS_TO_CHOOSE)]


async def _record(
    context: RequestContext,
    customer: Customer,
    period: Period,
    calls: int,
    agreed: str | None = None,
) -> Answer:
    is_click = agreed is not None
    told, foreseen, is_done = await _tried(context, customer, period, calls, agreed)
    if not is_done:
        return Reply(recording_asked(told, foreseen, has_changed=is_click), replace=is_click)
    return Reply(recorded(told, foreseen), replace=is_click)


async def _tried(
    context: RequestContext, customer: Customer, period: Period, calls: int, agreed: str | None
) -> tuple[RecordedMonth, Foreseen, bool]:
    """What is recorded, what it does, and whether it was done: not where that is to be asked."""
    [month] = await usage_months(context.session, customer.id, period, period)
    seen = "" if month.calls is None else str(month.calls)
    is_other = month.calls not in (None, calls)
    told = RecordedMonth(customer.id, customer.name, period, calls, month.limit_calls)

    async def change() -> BookChange:
        return await record_month(context.session, customer.id, period, calls, context, seen=seen)

    foreseen, is_done = await do_if_agreed(context.session, change, agreed, ask=is_other)
    return told, foreseen, is_done


async def keep(context: RequestContext) -> Answer:
    """Let a month be as it is."""
    ids = context.ids("customer", "period")
    customer = await get_customer(context.session, ids["customer"])
    return Reply(recording_cancelled(customer.name, Period.parse(ids["period"])), replace=True)
