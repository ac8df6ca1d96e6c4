"""`/usage`: what a customer used, month by month."""

import re
from collections.abc import Callable

from handlers.slack.blocks.block_kit import SlackMessage
from handlers.slack.blocks.usage import usage_report
from handlers.slack.context import RequestContext
from handlers.slack.parsing import last_word
from handlers.slack.request import Answer, Dialog, Reply, as_dialog
from models.bills.bill import get_bill
from models.customers.customers import Customer, get_customer
from models.customers.search import find_customer
from models.errors import Invalid
from models.people.permissions import Permission
from models.period import FIRST_YEAR, LAST_YEAR, Period
from models.queries.bill_list import open_bills_of_customer
from models.usage.usage import usage_months

DEFAULT_MONTHS = 6
MOST_MONTHS = 99
SPANS = "Write `6m`, `12m`, `2026`, `2026-10` or `2026-01..2026-10`."
Span = tuple[Period, Period]

_READERS: dict[str, Callable[[re.Match[str], Period], Span]] = {
    r"(\d{1,3})m": lambda m, current: (current.plus(1 - int(m[1])), current),
    r"(\d{4})": lambda m, _: _year(int(m[1])),
    r"(\d{4}-\d{1,2})": lambda m, _: (Period.parse(m[1]), Period.parse(m[1])),
    r"(\d{4}-\d{1,2})\.\.(\d{4}-\d{1,2})": lambda m, _: (Period.parse(m[1]), Period.parse(m[2])),
}


async def show(context: RequestContext, typed: str) -> Answer:
    """`CUSTOMER [span]`; without a span the last six months, the running one included."""
    context.user.require(Permission.SEE)
    called, first, last = _read(typed, Period.current(context.now, context.services.zone))
    with context.naming(called):
        customer = await find_customer(context.session, called)
    return await _usage(context, customer, first, last)


async def of_bill(context: RequestContext) -> Answer:
    """The usage of a bill's customer in the six months that end with the bill's, as a dialog, which
    opens where the clicker looks, and cannot be shared from there.
    """
    bill = await get_bill(context.session, context.ids("bill")["bill"])
    customer = await get_customer(context.session, bill.customer_id)
    first = bill.period.plus(1 - DEFAULT_MONTHS)
    return Dialog(as_dialog(await _report(context, customer, first, bill.period), "Usage"))


async def share(context: RequestContext) -> Answer:
    """Show everybody in the conversation what the clicker saw."""
    ids = context.ids("customer", "first", "last")
    first, last = _checked(Period.parse(ids["first"]), Period.parse(ids["last"]))
    customer = await get_customer(context.session, ids["customer"])
    return await _usage(context, customer, first, last, shared=True)


async def _usage(
    context: RequestContext,
    customer: Customer,
    first: Period,
    last: Period,
    *,
    shared: bool = False,
) -> Answer:
    share = None if shared else customer.id
    return Reply(await _report(context, customer, first, last, share), shared=shared)


async def _report(
    context: RequestContext,
    customer: Customer,
    first: Period,
    last: Period,
    share: int | None = None,
) -> SlackMessage:
    used = await usage_months(context.session, customer.id, first, last)
    waiting = await open_bills_of_customer(context.session, customer.id)
    return usage_report(customer.name, used, waiting, share)


def _read(typed: str, current: Period) -> tuple[str, Period, Period]:
    """The customer's name and the months meant."""
    called, span = last_word(typed)
    for pattern, reader in _READERS.items():
        match = re.fullmatch(pattern, span, re.ASCII)
        if match is not None and called:
            return called, *_checked(*reader(match, current))
    return typed, *_checked(current.plus(1 - DEFAULT_MONTHS), current)


def _year(year: int) -> Span:
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise Invalid(f"{year:04} is not a year from {FIRST_YEAR} to {LAST_YEAR}. {SPANS}")
    return Period(year, 1), Period(year, 12)


def _checked(first: Period, last: Period) -> Span:
    count = (last.year - first.year) * 12 + last.month - first.month + 1
    if not 1 <= count <= MOST_MONTHS:
        raise Invalid(f"That is not a span of 1 to {MOST_MONTHS} months. {SPANS}")
    return first, last
