"""What a digest offers to approve at once: all but the biggest, as it was shown."""

from dataclasses import dataclass
from decimal import Decimal
from itertools import count

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.batches.lists import new_list
from models.outbox.messages import Message, MessageKind
from models.people.users import User
from models.queries.digest import WAITING_IN_DIGEST, Digest

MOST_OFFERS = 5
"""Of the currencies of the most bills; the others are decided on Home."""


@dataclass(frozen=True)
class ApprovalOffer:
    """So many `bills` of a `currency`, each of an amount below `under`, and what they come to. They
    are kept as a list, each in the version that is shown.
    """

    list_id: int
    currency: str
    under: Decimal
    bills: int
    amount: Decimal


async def offer_approvals(
    session: AsyncSession, message: Message, digest: Digest, reader: User
) -> tuple[ApprovalOffer, ...]:
    """What this digest offers by now: in each currency all that is smaller than what it names.

    A list that was offered before is offered again as long as nothing in it has changed; of
    those that nobody took the last one is kept for whoever clicks on what is being redrawn.
    """
    offered = []
    for total in digest.totals[:MOST_OFFERS]:
        shown = [one.amount for one in digest.biggest if one.currency == total.currency]
        amounts = sorted({abs(amount) for amount in shown if amount is not None})
        if total.bills < 2 or not amounts:
            continue
        of = message.facts | {"digest": str(message.id), "currency": total.currency}
        under = await session.scalar(_UNDER, of | {"amounts": [*amounts, _above(amounts[-1])]})
        of |= {"under": under}
        list_id = await session.scalar(_AS_BEFORE, of)
        if list_id is None:
            list_id = await _keep(session, of, reader)
        offered.append(await offer_of(session, list_id, total.currency, under))
    return tuple(offered)


async def offer_of(
    session: AsyncSession, list_id: int, currency: str, under: Decimal
) -> ApprovalOffer:
    """What a list that was kept comes to; its `amount` is 0 where it is empty."""
    sums = (await session.execute(_SUMS, {"list_id": list_id})).one()
    return ApprovalOffer(list_id, currency, under, sums.bills, sums.amount or Decimal(0))


def _above(amount: Decimal) -> Decimal:
    """The next of 1, 2, 5, 10, 20, 50 and so on: where all are of one amount, all are below it."""
    steps = (Decimal(digit * 10**power) for power in count() for digit in (1, 2, 5))
    return next(step for step in steps if step > amount)


async def _keep(session: AsyncSession, of: dict[str, object], reader: User) -> int:
    kind = MessageKind.APPROVING
    facts = {"digest": of["digest"], "currency": of["currency"]}
    await session.execute(_FORGET, of)
    kept = await new_list(session, kind, reader, **facts)
    await session.execute(_FILL, of | {"list_id": kept.id})
    return kept.id


_OFFERED = f"({WAITING_IN_DIGEST} and b.currency = :currency)"

_UNDER = sa.text(f"""
select min(amount) from unnest(cast(:amounts as numeric[])) amount
where exists (select from {_OFFERED} w where abs(w.overage_amount) < amount)
""")

_FILL = sa.text(f"""
insert into approval_list_bills (list_id, bill_id, version)
select :list_id, id, version from {_OFFERED} w where abs(overage_amount) < :under
""")

_LISTS = """
select id from messages
where kind = 'approving' and facts ->> 'digest' = :digest and facts ->> 'currency' = :currency
  and not facts ? 'begun'
order by id desc"""

_AS_BEFORE = sa.text(f"""
with kept as ({_LISTS} limit 1),
listed as (
    select bill_id, version from approval_list_bills where list_id = (select id from kept)),
wanted as (select id, version from {_OFFERED} w where abs(overage_amount) < :under)
select id from kept
where not exists (table listed except table wanted)
  and not exists (table wanted except table listed)
""")

_FORGET = sa.text(f"delete from messages where id in ({_LISTS} offset 1)")

_SUMS = sa.text("""
select count(*) as bills, sum(b.overage_amount) as amount
from approval_list_bills l join bills b on b.id = l.bill_id where l.list_id = :list_id
""")
