"""`/usage`: what a customer used, month by month."""

import re
from collections.abc import Sequence

from handlers.slack.answers import Answer, Dialog, Reply, as_dialog
from handlers.slack.blocks.block_kit import SlackMessage
from handlers.slack.blocks.usage import usage_report
from handlers.slack.blocks.usage_month import with_month
from handlers.slack.context import RequestContext
from handlers.slack.references import referenced_customer_and_month
from handlers.wording.addresses import customer_address
from handlers.wording.outlook_text import forecast_text
from models.bills.bill import get_bill
from models.customers.customers import Customer, get_customer
from models.errors import Invalid
from models.people.permissions import Permission
from models.people.who_can import require
from models.period import (
    ANY_MONTH,
    FIRST_YEAR,
    LAST_YEAR,
    MONTH_NAME,
    Period,
    is_month,
    is_month_name,
)
from models.queries.bill_list import open_bills_of_customer
from models.queries.month_outlook import outlook_of
from models.usage.days import counted_days, days_of
from models.usage.origins import origin_of
from models.usage.usage import UsageMonth, usage_months

DEFAULT_MONTHS = 6
MOST_MONTHS = 99
SPANS = "Write `6m`, `12m`, `2026`, `2026-10` or `2026-01..2026-10`."
Span = tuple[Period, Period]

_BACK = r"(?:(?:for|in|over)\s+)?(?:the\s+)?(?:(?:last|past)\s+)?(\d{1,3})\s*m(?:onths?)?"
_MONTHS_BACK = re.compile(rf"(.+?)\s+{_BACK}|{_BACK}\s+(.+)", re.ASCII | re.IGNORECASE)
_YEAR = re.compile(r"(.+?)\s+(\d{4})", re.ASCII)
_MONTH = f"(?:{ANY_MONTH}|{MONTH_NAME})"
_RANGE = re.compile(rf"(.+?)\s+({_MONTH})\s*(?:\.{{2,}}|…|–|—|\bto\b)\s*({_MONTH})")


async def show(context: RequestContext, typed: str) -> Answer:
    """`CUSTOMER [span]`; without a span the last six months, the running one included."""
    await require(context.session, context.user, Permission.SEE)
    return await _usage(context, *await customer_and_months(context, typed))


async def customer_and_months(
    context: RequestContext, typed: str
) -> tuple[Customer, Period, Period]:
    """Whom somebody means, and the first and the last month."""
    current = Period.current(context.now, context.services.zone)
    called, span = _read_span(typed, current)
    customer, month = await referenced_customer_and_month(context, called)
    if customer is None:
        raise Invalid(f"Whose usage? Write the customer's name, and perhaps a span. {SPANS}")
    first, last = span or (month or current.plus(1 - DEFAULT_MONTHS), month or current)
    if first > current:
        raise Invalid(f"{first.in_words} has not begun yet. {SPANS}")
    return customer, *checked(first, last)


async def of_bill(context: RequestContext) -> Answer:
    """The usage of a bill's customer in the six months that end with the bill's, as a dialog, which
    opens where the clicker looks, and cannot be shared from there.
    """
    bill = await get_bill(context.session, context.ids("bill")["bill"])
    customer = await get_customer(context.session, bill.customer_id)
    first = bill.period.plus(1 - DEFAULT_MONTHS)
    told = await report(context, customer, first, bill.period, with_days=True)
    return Dialog(as_dialog(told, "Usage"))


async def share(context: RequestContext) -> Answer:
    """Show everybody in the conversation what the clicker saw."""
    ids = context.ids("customer", "first", "last")
    first, last = checked(Period.parse(ids["first"]), Period.parse(ids["last"]))
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
    return Reply(await report(context, customer, first, last, share), shared=shared)


async def report(
    context: RequestContext,
    customer: Customer,
    first: Period,
    last: Period,
    share: int | None = None,
    *,
    with_days: bool = False,
) -> SlackMessage:
    """The usage of these months; `share`: the customer's id, for a button that shares it. The days
    of the last one that is recorded are told of one month alone, or `with_days`.
    """
    used = await usage_months(context.session, customer.id, first, last)
    waiting = await open_bills_of_customer(context.session, customer.id)
    running = Period.current(context.now, context.services.zone)
    address = customer_address(customer.id)
    ahead = await _ahead(context, customer, running) if last >= running else None
    told = usage_report(customer.name, used, waiting, share, running, address, ahead)
    return await _with_latest(context, told, customer, used, with_days=with_days or first == last)


async def _with_latest(
    context: RequestContext,
    told: SlackMessage,
    customer: Customer,
    months: Sequence[UsageMonth],
    *,
    with_days: bool,
) -> SlackMessage:
    """Where the latest figure came from, and its days where they are wanted."""
    latest = next((month for month in reversed(months) if month.calls is not None), None)
    if latest is None:
        return told
    origin = await origin_of(context.session, customer.id, latest.period)
    days = await days_of(context.session, customer.id, latest.period) if with_days else ()
    counted = counted_days(latest.period, days, latest.limit_calls)
    return with_month(told, customer.name, latest.period, origin, counted)


async def _ahead(context: RequestContext, customer: Customer, running: Period) -> str | None:
    """Where the running month is heading, where that can be said."""
    zone = context.services.zone
    outlook = await outlook_of(context.session, customer.id, running, zone)
    return forecast_text(outlook, zone) if outlook else None


def _read_span(typed: str, current: Period) -> tuple[str, Span | None]:
    """What names the customer, and the months that stand behind it, if they are several."""
    if found := _MONTHS_BACK.fullmatch(typed):
        months = min(int(found[2] or found[3]), MOST_MONTHS + 1)
        return found[1] or found[4], checked(current.plus(1 - months), current)
    if (found := _RANGE.fullmatch(typed)) is not None:
        first, last = (Period.parse(month, current.first_day) for month in found.groups()[1:])
        if last < first and is_month_name(found[2]):
            first = first.plus(-12)
        return found[1], checked(first, last)
    if not is_month(" ".join(typed.split()[-2:])) and (found := _YEAR.fullmatch(typed)):
        return found[1], _year(int(found[2]))
    return typed, None


def _year(year: int) -> Span:
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise Invalid(f"{year:04} is not a year from {FIRST_YEAR} to {LAST_YEAR}. {SPANS}")
    return Period(year, 1), Period(year, 12)


def checked(first: Period, last: Period) -> Span:
    """Refuses what is no span, or a longer one than is shown."""
    count = (last.year - first.year) * 12 + last.month - first.month + 1
    if not 1 <= count <= MOST_MONTHS:
        raise Invalid(f"That is not a span of 1 to {MOST_MONTHS} months. {SPANS}")
    return first, last
