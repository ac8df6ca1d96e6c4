"""Digests: one message in the place of many cards or notices."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.outbox.messages import Message, MessageKind, MessageState
from models.outbox.notifications import BUNDLING_S

CROWD_CARDS = 10
"""More cards than this waiting for one person become one message."""

EARLY_S = 1
"""How much too early a bundle may go out: clocks differ a little."""

LISTING_S = 300
"""So long the database may take to list a crowd, which may be of many thousand cards."""

BUNDLED = Message.facts.has_key("bills")

# Which cards a digest stands for is kept as a range of ids, however many they are.
_DIGEST = sa.text("""
with crowd as (
    select min(id) as first, max(id) as last, count(*) as cards
    from messages where recipient = :recipient and kind = 'card' and state = 'waiting'
),
digest as (
    insert into messages (key, kind, recipient, facts)
    select 'digest:' || first || ':' || :recipient, 'digest', :recipient,
           jsonb_build_object('first', first, 'last', last, 'of', cast(:recipient as text))
    from crowd where cards > :most
    returning id
),
told as (
    select p.id from messages p, crowd, digest
    where p.recipient = :recipient and p.kind = 'card' and p.state = 'waiting'
      and p.id between crowd.first and crowd.last
    order by p.id for no key update of p
)
update messages p set state = 'listed' from told where p.id = told.id
""")


_CROWD = sa.text("""
select count(*) from (
    select from messages where recipient = :recipient and kind = 'card' and state = 'waiting'
    limit :most + 1) found
""")
_PATIENTLY = sa.text(f"set local statement_timeout = '{LISTING_S}s'")


async def list_crowd(session: AsyncSession, recipient: str) -> None:
    """More cards than `CROWD_CARDS` waiting there are told by one digest, however many they are."""
    values = {"recipient": recipient, "most": CROWD_CARDS}
    if await session.scalar(_CROWD, values) > CROWD_CARDS:
        await session.execute(_PATIENTLY)
        await session.execute(_DIGEST, values)


async def bundle_approvals(session: AsyncSession, recipient: str) -> None:
    """The oldest notice takes all of them over, once it has waited long enough."""
    age = sa.func.now() - Message.created_at
    query = (
        sa.select(Message, sa.extract("epoch", age))
        .where(Message.recipient == recipient, Message.kind == MessageKind.APPROVAL)
        .where(Message.state == MessageState.WAITING, sa.not_(BUNDLED))
        .order_by(Message.id)
    )
    found = (await session.execute(query)).all()
    if not found or found[0][1] < BUNDLING_S - EARLY_S:
        return
    notices = [message for message, _ in found]
    bills = dict.fromkeys(message.facts["bill_id"] for message in notices)
    notices[0].facts = {"bills": [*bills]}
    for message in notices[1:]:
        message.state = MessageState.LISTED
    await session.flush()


async def digests_of(session: AsyncSession, bill_ids: Sequence[int]) -> Sequence[int]:
    """Posted digests that stand for a card of these bills, but for those to be redrawn anyway."""
    return (await session.scalars(_DIGESTS, {"bill_ids": list(bill_ids)})).all()


_DIGESTS = sa.text("""
select distinct d.id
from messages c join messages d
  on c.id between (d.facts ->> 'first')::bigint and (d.facts ->> 'last')::bigint
  and c.recipient = d.facts ->> 'of'
where c.bill_id = any(:bill_ids) and c.kind = 'card' and c.state = 'listed'
  and d.kind = 'digest' and d.state = 'posted'
  and not exists (
      select from procrastinate_jobs j
      where j.lock = 'card:' || d.id and j.status = 'todo')
order by d.id
""")
