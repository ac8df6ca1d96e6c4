"""The bill, or the customer and the month, that somebody names."""

import re
from datetime import date

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.bills.bill import Bill, bill_of_month, get_bill
from models.bills.states import BillKind
from models.customers.customers import Customer, get_customer, with_merged
from models.customers.search import CHOICES, find_exactly, find_named
from models.errors import Ambiguous, Invalid, NotFound
from models.period import Period, split_month
from models.text import plain_form, unquoted
from models.usage.usage import has_usage

_BILL_ID = re.compile(
    r"(?:bill\s*)?(?:#|№|no\.)?\s*(\d{1,18})\s*[.,;:!?]*(?:\s+please)?", re.ASCII | re.IGNORECASE
)
DOCUMENT = re.compile(r"(?:CN-)?\d{4}-\d{4,12}", re.ASCII | re.IGNORECASE)
"""The number of an invoice or a credit note, as in 2026-000123 or CN-2026-000007."""


def bill_id_of(typed: str) -> int | None:
    """The number of a bill where that is all that was typed, as in `#12`, `12.` or `bill №12`."""
    found = _BILL_ID.fullmatch(plain_form(typed))
    return int(found[1]) if found else None


async def find_bill(session: AsyncSession, text: str, today: date | None = None) -> int:
    """The bill meant by `#12`, `12`, its document's number, or a customer, with a month or alone.

    A customer alone means the only bill there is; of several, one is asked for. `today` lets
    months go by their names.
    """
    typed = unquoted(text)
    if (bill_id := bill_id_of(typed)) is not None:
        return (await get_bill(session, bill_id)).id
    if DOCUMENT.fullmatch(typed):
        return await _bill_of_document(session, typed.upper())
    try:
        customer, period = await _named_and_month(session, typed, today)
    except Ambiguous as refused:
        if refused.choices or refused.typed != typed:
            raise
        customer = None
    if customer is None:
        raise Invalid(f"“{typed}” names no bill. Write #12, or a customer and a month.")
    if period is None:
        period = await _only_month(session, customer, typed)
    try:
        return (await bill_of_month(session, await _billed(session, customer, period), period)).id
    except NotFound:
        raise NotFound(f"{customer.name} has no bill for {period.in_words}.") from None


async def find_customer_and_month(
    session: AsyncSession, text: str, today: date | None = None
) -> tuple[Customer | None, Period | None]:
    """The customer and the month that are named, in either order; None for what is not.

    With `today` a month's name alone is one too, unless the whole is a customer's name. One that
    was merged into another is that other one.
    """
    named, period = await _named_and_month(session, text, today)
    if named is not None and named.merged_into_id is not None:
        return await get_customer(session, named.merged_into_id), period
    return named, period


async def find_month_of_customer(
    session: AsyncSession, text: str, today: date | None = None
) -> tuple[Customer | None, Period | None]:
    """The same, for what is recorded of the month: where that was for a customer before it was
    merged into another, it stays its own, as in a file of usage.
    """
    named, period = await _named_and_month(session, text, today)
    if named is None or named.merged_into_id is None:
        return named, period
    if period is not None and await has_usage(session, named.id, period):
        return named, period
    return await get_customer(session, named.merged_into_id), period


async def is_customer(session: AsyncSession, text: str) -> bool:
    """Whether a customer is or was called just so."""
    return await find_exactly(session, text) is not None


async def begins_customer(session: AsyncSession, text: str, today: date) -> bool:
    """Whether a text is a customer's name or the beginning of some, with a month or without."""
    try:
        named, _ = await _named_and_month(session, text, today)
    except Ambiguous as refused:
        return not refused.is_guess
    except Invalid:
        return False
    return named is not None


async def _named_and_month(
    session: AsyncSession, text: str, today: date | None
) -> tuple[Customer | None, Period | None]:
    month, called = split_month(text)
    if month is None and today is not None and not await is_customer(session, text):
        month, called = split_month(text, bare=True)
    period = Period.parse(month, today) if month else None
    return await _called(session, called), period


async def _called(session: AsyncSession, called: str) -> Customer | None:
    if not called:
        return None
    try:
        return await find_named(session, called)
    except Ambiguous as refused:
        refused.typed = called
        raise


async def _bill_of_document(session: AsyncSession, number: str) -> int:
    bill_id = await session.scalar(sa.select(Bill.id).where(Bill.number == number))
    if bill_id is None:
        raise NotFound(f"There is no document {number}.")
    return bill_id


async def _only_month(session: AsyncSession, customer: Customer, typed: str) -> Period:
    """The month of a customer's only bill; refuses with the latest months where there are more."""
    months = (
        sa.select(Bill.year, Bill.month)
        .where(Bill.customer_id.in_(_one_with(customer)), Bill.kind == BillKind.OVERAGE)
        .group_by(Bill.year, Bill.month)
        .order_by(Bill.year.desc(), Bill.month.desc())
        .limit(CHOICES)
    )
    periods = [Period(*found) for found in await session.execute(months)]
    if not periods:
        raise NotFound(f"{customer.name} has no bill.")
    if len(periods) > 1:
        choices = [f"{customer.name} {period}" for period in periods]
        raise Ambiguous(f"{customer.name} has several bills. Which one?", choices, typed)
    return periods[0]


async def _billed(session: AsyncSession, named: Customer, period: Period) -> int:
    """Who has the bill of the month: who was named, else whoever is one customer with them."""
    today = named.merged_into_id or named.id
    query = (
        sa.select(Bill.customer_id)
        .where(Bill.customer_id.in_(_one_with(named)), Bill.kind == BillKind.OVERAGE)
        .where(Bill.year == period.year, Bill.month == period.month)
        .order_by(Bill.customer_id != named.id, Bill.customer_id != today, Bill.customer_id)
    )
    return await session.scalar(query.limit(1)) or today


def _one_with(named: Customer) -> sa.Select[int]:
    return with_merged(named.merged_into_id or named.id)
