"""The cards of bills: where each has to stand, and which of them tell what is not so any more."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.outbox.jobs import Task, defer_card_update, defer_each, defer_sending_to
from models.outbox.messages import Message, MessageKind

ADD_CARDS = """
recipients as (
    select w.bill_id, 'user:' || u.id as recipient
    from wanted w
    cross join lateral (values (w.user_id), (w.delegate_id)) asked (user_id)
    join users u on u.id = asked.user_id
    where u.slack_user_id is not null
    union all
    select w.bill_id, 'user:' || u.id
    from wanted w join users u on u.role = w.role and u.active
    where w.user_id is null and cast(:channel as text) is null and u.slack_user_id is not null
    union all
    select bill_id, 'channel:' || :channel from wanted
    where user_id is null and :channel is not null
    union all
    select bill_id, 'channel:' || slack_channel_id from wanted where slack_channel_id is not null
),
added as (
    insert into messages (kind, recipient, bill_id)
    select 'card', recipient, bill_id
    from recipients order by recipient, bill_id
    on conflict (bill_id, recipient) where bill_id is not null do nothing
    returning recipient, bill_id
)"""
"""Adds the cards of `wanted`, which has a row a slot of pending bills, wherever none stands yet."""

_CARDS = f"""
with wanted as (
    select b.id as bill_id, s.role, s.user_id, s.delegate_id, r.slack_channel_id
    from bills b
    cross join lateral approval_rules_of(b.customer_id) r
    cross join lateral approver_slots(r, b.overage_amount, b.currency) s
    where b.status = 'pending' and {{bills}}
),
{ADD_CARDS}
select recipient, bill_id from added
"""

_OF_BILLS = sa.text(_CARDS.format(bills="b.id = any(:bill_ids)"))
_OF_ALL = sa.text(_CARDS.format(bills="true"))


async def add_cards(session: AsyncSession, bill_id: int, approvals_channel: str | None) -> None:
    """Promise a pending bill's cards to those who must sign it off, wherever none stands yet."""
    await add_cards_of_bills(session, [bill_id], approvals_channel)


async def add_cards_of_bills(
    session: AsyncSession, bill_ids: Sequence[int], approvals_channel: str | None
) -> None:
    """The same for many bills."""
    values = {"bill_ids": list(bill_ids), "channel": approvals_channel}
    await defer_sending_to(session, (await session.scalars(_OF_BILLS, values)).all())


async def add_missing_cards(session: AsyncSession, approvals_channel: str | None) -> None:
    """Cards for whoever is asked by now and has none; the others say whom the bill waits for."""
    new = (await session.execute(_OF_ALL, {"channel": approvals_channel})).all()
    await defer_sending_to(session, [recipient for recipient, _ in new])
    await redraw_cards(session, sorted({bill_id for _, bill_id in new}))


async def redraw_card_at(session: AsyncSession, channel: str, ts: str) -> None:
    """Draw this card again, even if it seems to be up to date; nothing where no card stands."""
    shows_nothing = (
        sa.update(Message)
        .where(Message.channel == channel, Message.ts == ts, Message.kind == MessageKind.CARD)
        .values(drawn_actions=0)
    )
    bill_id = await session.scalar(shows_nothing.returning(Message.bill_id))
    if bill_id is not None:
        await defer_card_update(session, bill_id)


async def redraw_cards(session: AsyncSession, bill_ids: Sequence[int]) -> None:
    """The cards of these bills tell of what was done elsewhere, so no count of actions shows it."""
    await session.execute(_ARE_WRONG, {"bill_ids": list(bill_ids)})
    await defer_card_updates(session, bill_ids)


_ARE_WRONG = sa.text("""
update messages set drawn_actions = 0 where bill_id = any(:bill_ids) and kind = 'card'
""")


async def redraw_cards_of_relatives(session: AsyncSession, bill_ids: Sequence[int]) -> None:
    """The cards of bills that these correct or replace tell of them, and are out of date too."""
    found = await session.scalars(_RELATIVES, {"bill_ids": list(bill_ids)})
    await redraw_cards(session, found.all())


_RELATIVES = sa.text("""
select distinct r.id from bills b cross join unnest(array[adjusts_id, replaces_id]) r (id)
where b.id = any(:bill_ids) and r.id is not null order by r.id
""")


async def redraw_cards_waiting_for(session: AsyncSession, user_ids: Sequence[int]) -> None:
    """The cards of bills that wait for these people say whether somebody stands in for them."""
    found = await session.scalars(_WAITING_FOR, {"user_ids": list(user_ids)})
    await redraw_cards(session, found.all())


_WAITING_FOR = sa.text("""
select distinct b.id from bills b join approvers a on a.bill_id = b.id
where b.status = 'pending' and a.user_id = any(:user_ids)
order by b.id
""")


async def defer_card_updates(session: AsyncSession, bill_ids: Sequence[int]) -> None:
    """The same for many bills; those that stand nowhere are left out."""
    found = await session.scalars(_SHOWN, {"bill_ids": list(bill_ids)})
    await defer_each(session, Task.REDRAW, {f"bill:{one}": {"bill_id": one} for one in found})


_SHOWN = sa.text(
    "select distinct bill_id from messages where bill_id = any(:bill_ids) order by bill_id"
)
