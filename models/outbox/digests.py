"""Digests: one message in the place of many cards or notices."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.outbox.messages import Message, MessageKind
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


BUNDLE_AT_MOST_S = {
    MessageKind.APPROVAL: BUNDLING_S,
    MessageKind.DELIVERED: 600,
    MessageKind.NOT_SENT: 600,
    MessageKind.MAY_HAVE_ARRIVED: 600,
    MessageKind.BOUNCED: 600,
    MessageKind.MAIL_REPLY: 600,
}
"""What is told in bundles: once nothing was added for a while, or the oldest has waited so long."""


async def bundle_notices(session: AsyncSession, recipient: str) -> None:
    """Of each kind the oldest notice takes all of them over, once they have waited long enough."""
    values = {
        "recipient": recipient,
        "kinds": list(BUNDLE_AT_MOST_S),
        "longest_s": [longest_s - EARLY_S for longest_s in BUNDLE_AT_MOST_S.values()],
        "quiet_s": BUNDLING_S - EARLY_S,
    }
    await session.execute(_BUNDLE, values)


# A month on its way out makes thousands of notices, looked at whenever another one comes: they
# stay where they are. Each is about a bill, and most about one of its actions.
_BUNDLE = sa.text("""
with waiting as materialized (
    select id, kind, facts, extract(epoch from now() - created_at) as age_s
    from messages
    where recipient = :recipient and state = 'waiting' and kind = any(:kinds)
      and not facts ? 'bills'
),
due as (
    select kind, min(id) as first
    from waiting
    join unnest(cast(:kinds as text[]), cast(:longest_s as float[])) most (kind, longest_s)
        using (kind)
    group by kind, longest_s
    having min(age_s) >= :quiet_s or max(age_s) >= longest_s
),
bundle as (
    select first,
           (select jsonb_agg(bill_id order by id)
            from (select facts -> 'bill_id' as bill_id, min(id) as id
                  from waiting where kind = due.kind group by 1) of_each) as bills,
           (select jsonb_agg(facts -> 'action_id' order by id) filter (where facts ? 'action_id')
            from waiting where kind = due.kind) as actions
    from due
),
told as (
    select m.id from messages m
    where m.id in (select id from waiting join due using (kind))
    order by m.id for no key update of m
)
update messages m
set facts = coalesce(
        (select jsonb_build_object('bills', bills, 'actions', coalesce(actions, '[]'))
         from bundle where first = m.id),
        m.facts),
    state = case when m.id in (select first from bundle) then m.state else 'listed' end
from told where m.id = told.id
""")


FOLLOWED = (MessageKind.NOT_SENT, MessageKind.MAY_HAVE_ARRIVED, MessageKind.BOUNCED)
"""Troubles that somebody mends: what was told of them says what has become of each bill."""


async def notices_of(session: AsyncSession, bill_ids: Sequence[int]) -> Sequence[int]:
    """Posted notices of troubles that these bills had, but for those to be redrawn anyway."""
    return (await session.scalars(_NOTICES, {"bill_ids": list(bill_ids)})).all()


# The kinds are those of the index `messages_followed`.
_NOTICES = sa.text("""
select distinct m.id
from unnest(cast(:bill_ids as bigint[])) as moved (id)
join messages m on m.facts -> 'bills' @> to_jsonb(moved.id)
where m.state = 'posted' and m.kind in ('not_sent', 'may_have_arrived', 'bounced')
  and not exists (
      select from procrastinate_jobs j where j.lock = 'card:' || m.id and j.status = 'todo')
order by m.id
""")


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
