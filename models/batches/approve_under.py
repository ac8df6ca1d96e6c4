"""What waits for a person and is smaller than an amount: kept as a list before it is approved."""

from dataclasses import dataclass, replace
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.elements import ColumnElement

from models.batches.approval_offers import ApprovalOffer, offer_of
from models.batches.lists import new_list
from models.bills.bill import Bill
from models.context import Context
from models.errors import Invalid
from models.outbox.messages import MessageKind
from models.people.permissions import Permission
from models.people.who_can import require
from models.queries.bill_list import BillLine, bill_line
from models.queries.oldest_bills import oldest_of
from models.queries.waiting import waiting_for

MOST_LISTED = 5_000
"""So many of the oldest bills are looked at, which takes half a second."""

BIGGEST = 5
UNDER = "under"
"""The field of the amount."""


@dataclass(frozen=True)
class Waiting:
    """So many `bills` of a `currency` wait for somebody, from the `least` amount to the `most`."""

    currency: str
    bills: int
    least: Decimal
    most: Decimal


async def waiting_by_currency(session: AsyncSession, context: Context) -> tuple[Waiting, ...]:
    """What waits for this person's approval, the currency of the most bills first."""
    of = await _waiting(session, context)
    size = sa.func.abs(of.c.overage_amount)
    query = (
        sa.select(of.c.currency, sa.func.count(), sa.func.min(size), sa.func.max(size))
        .where(of.c.overage_amount.is_not(None))
        .group_by(of.c.currency)
        .order_by(sa.func.count().desc(), of.c.currency)
    )
    return tuple(Waiting(*row) for row in await session.execute(query))


async def list_under(
    session: AsyncSession, currency: str, under: Decimal, context: Context
) -> tuple[ApprovalOffer, tuple[BillLine, ...]]:
    """Keep the list of those below that amount, credits as much as debits, and tell of the biggest;
    refused where there is none. One that they asked for before and did not take is forgotten.
    """
    of = await _waiting(session, context, Bill.currency == currency)
    await session.execute(_FORGET, {"of": f"user:{context.user.id}"})
    facts = {"under": str(under), "currency": currency}
    kept = await new_list(session, MessageKind.APPROVING, context.user, **facts)
    found = (
        sa.select(sa.literal(kept.id), Bill.id, Bill.version)
        .join(of, of.c.id == Bill.id)
        .where(sa.func.abs(Bill.overage_amount) < under)
    )
    await session.execute(sa.insert(_LISTED).from_select(list(_LISTED.c), found))
    offer = await offer_of(session, kept.id, currency, under)
    if not offer.bills:
        raise Invalid("No bill that waits for you is under that amount.", UNDER)
    biggest = await session.execute(_BIGGEST, {"list_id": kept.id, "most": BIGGEST})
    return offer, tuple(bill_line(row, row.name) for row in biggest)


async def _waiting(
    session: AsyncSession, context: Context, *where: ColumnElement[bool]
) -> sa.Subquery:
    await require(session, context.user, Permission.APPROVE)
    selection = await waiting_for(session, context.user)
    return oldest_of(replace(selection, where=(*selection.where, *where)), None, MOST_LISTED)


_LISTED = sa.table(
    "approval_list_bills", sa.column("list_id"), sa.column("bill_id"), sa.column("version")
)

_FORGET = sa.text("""
delete from messages
where recipient = :of and kind = 'approving' and facts ? 'under' and not facts ? 'begun'
""")

_BIGGEST = sa.text("""
select b.*, c.name
from approval_list_bills l join bills b on b.id = l.bill_id join customers c on c.id = b.customer_id
where l.list_id = :list_id
order by abs(b.overage_amount) desc, b.created_at, b.id limit :most
""")
