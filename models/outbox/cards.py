"""The cards of bills: where each has to stand, and which of them tell what is not so any more."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.outbox.jobs import Task, defer_card_update, defer_each, defer_sending_to
from models.outbox.messages import Message, MessageKind

_CARDS = """
with wanted as (
    select b.id as bill_id, r.role, r.named_id, r.stand_in_id
    from bills b
    join desks d on d.bill_id = b.id
    cross join lateral (values
        ('Customer Success', d.csm_id, d.csm_stand_in_id, d.asks_csm),
        ('Sales', d.sales_id, d.sales_stand_in_id, d.asks_sales)
    ) r (role, named_id, stand_in_id, asked)
    where b.status = 'pending' and r.asked and {bills}
),
recipients as (
    select bill_id, 'user:' || u.id as recipient
    from wanted join users u on u.id in (wanted.named_id, wanted.stand_in_id)
    where u.slack_user_id is not null
    union
    select bill_id, 'user:' || u.id
    from wanted join users u on u.role = wanted.role and u.active
    where named_id is null and cast(:channel as text) is null and u.slack_user_id is not null
    union
    select bill_id, 'channel:' || :channel from wanted
    where named_id is null and :channel is not null
    union
    select b.id, 'channel:' || c.slack_channel_id
    from bills b join customers c on c.id = b.customer_id
    where b.status = 'pending' and c.slack_channel_id is not null and {bills}
)
insert into messages (key, kind, recipient, bill_id)
select 'card:' || bill_id || ':' || recipient, 'card', recipient, bill_id
from recipients order by recipient, bill_id
on conflict (key) do nothing
returning recipient, bill_id
"""

_OF_BILLS = sa.text(_CARDS.format(bills="b.id = any(:bill_ids)"))
_OF_ALL = sa.text(_CARDS.format(bills="true"))
_OF_MADE = sa.text(_CARDS.format(bills="b.id between :first_bill and :last_bill"))


async def add_cards(session: AsyncSession, bill_id: int, approvals_channel: str | None) -> None:
    """Promise a pending bill's cards to those who must sign it off, wherever none stands yet."""
    await add_cards_of_bills(session, [bill_id], approvals_channel)


async def add_cards_of_bills(
    session: AsyncSession, bill_ids: Sequence[int], approvals_channel: str | None
) -> None:
    """The same for many bills."""
    values = {"bill_ids": list(bill_ids), "channel": approvals_channel}
    await defer_sending_to(session, (await session.scalars(_OF_BILLS, values)).all())


async def add_cards_of_run(
    session: AsyncSession, first_bill: int, last_bill: int, approvals_channel: str | None
) -> None:
    """The same for bills just made, set-based; `announce_waiting` sends for the worker."""
    values = {"first_bill": first_bill, "last_bill": last_bill, "channel": approvals_channel}
    await session.execute(_OF_MADE, values)


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
select b.id from bills b join desks d on d.bill_id = b.id
where b.status = 'pending' and (d.csm_id = any(:user_ids) or d.sales_id = any(:user_ids))
order by b.id
""")


async def defer_card_updates(session: AsyncSession, bill_ids: Sequence[int]) -> None:
    """The same for many bills; those that stand nowhere are left out."""
    found = await session.scalars(_SHOWN, {"bill_ids": list(bill_ids)})
    await defer_each(session, Task.REDRAW, {f"bill:{one}": {"bill_id": one} for one in found})


_SHOWN = sa.text(
    "select distinct bill_id from messages where bill_id = any(:bill_ids) order by bill_id"
)
