"""The cards of bills: where each has to stand, and which of them tell what is not so any more."""

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.db.database import AtCommit, put_off
from models.outbox.jobs import Task, defer_each, defer_posts

RECIPIENTS = """
asked as (
    select w.bill_id, w.role, w.user_id,
           case when u.slack_user_id is not null then w.user_id end as reached_id,
           case when d.slack_user_id is not null then w.delegate_id end as delegate_id
    from wanted w
    left join users u on u.id = w.user_id
    left join users d on d.id = w.delegate_id
),
recipients as (
    select a.bill_id, 'user:' || one.id as recipient
    from asked a cross join lateral (values (a.reached_id), (a.delegate_id)) one (id)
    where one.id is not null
    union all
    select a.bill_id, 'user:' || u.id
    from asked a join users u on u.role = a.role and u.active
    where a.user_id is null and cast(:channel as text) is null and u.slack_user_id is not null
    union all
    select bill_id, 'channel:' || :channel from asked
    where coalesce(reached_id, delegate_id) is null and :channel is not null
    union all
    select bill_id, 'channel:' || slack_channel_id from wanted where slack_channel_id is not null
)"""
"""Where the approvals of `wanted` are asked for, which has a row a slot of bills."""

ADD_CARDS = f"""{RECIPIENTS},
unreached as (
    select distinct a.user_id, a.role
    from asked a
    where coalesce(a.reached_id, a.delegate_id) is null
      and (a.user_id is not null
           or not exists (
               select from users u
               where u.role = a.role and u.active and u.slack_user_id is not null))
),
told as (
    insert into messages (key, kind, recipient, facts)
    select 'unreached:' || coalesce(n.user_id::text, n.role)
               || to_char(now(), '-YYYY-MM') || ':user:' || f.id,
           'unreached', 'user:' || f.id,
           jsonb_build_object('user_id', n.user_id, 'role', n.role)
    from unreached n join users f
        on f.role = 'Finance' and f.active and f.slack_user_id is not null
    order by 1
    on conflict do nothing
    returning recipient
),
added as (
    insert into messages (kind, recipient, bill_id)
    select 'card', recipient, bill_id
    from recipients where (select count(*) from told) >= 0 order by recipient, bill_id
    on conflict (bill_id, recipient) where bill_id is not null do nothing
    returning recipient, bill_id
)"""
"""Adds the cards of `wanted`, which has a row a slot of pending bills, wherever none stands yet.

Finance is told, once a month, of whoever has to decide and cannot be reached. A card that somebody
named cannot get goes to the channel of the settings, as one that Slack does not deliver does; that
a role has nobody whom Slack reaches is told all the same, for nobody there may decide. What
Finance is told is always written before the cards, so that two who add them wait in one order.
"""

_CARDS = f"""
with wanted as (
    select b.id as bill_id, s.role, s.user_id, s.delegate_id, r.slack_channel_id
    from bills b
    cross join lateral approval_rules_of_bill(b.id, b.customer_id) r
    cross join lateral approver_slots(r, b.overage_amount, b.currency) s
    where b.status = 'pending' and {{bills}}
),
{ADD_CARDS}
select recipient, bill_id from added union all select recipient, null from told
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
    wanted = [_Wanted(approvals_channel, bill_id) for bill_id in bill_ids]
    await put_off(session, AtCommit.ADD_MESSAGES, _add_cards, wanted)


async def add_missing_cards(session: AsyncSession, approvals_channel: str | None) -> None:
    """Cards for whoever is asked by now and has none; the others say whom the bill waits for."""
    await put_off(session, AtCommit.ADD_MESSAGES, _add_cards, [_Wanted(approvals_channel)])


class _Wanted(NamedTuple):
    """The cards of a bill, or of all."""

    approvals_channel: str | None
    bill_id: int | None = None


async def _add_cards(session: AsyncSession, wanted: Collection[_Wanted]) -> None:
    """In one statement, which adds them in the same order as every other transaction."""
    values = {"channel": next(iter(wanted)).approvals_channel}
    if not any(one.bill_id is None for one in wanted):
        bill_ids = [one.bill_id for one in wanted]
        new = (await session.execute(_OF_BILLS, values | {"bill_ids": bill_ids})).all()
    else:
        new = (await session.execute(_OF_ALL, values)).all()
        await redraw_cards(session, sorted({bill_id for _, bill_id in new if bill_id}))
    await defer_posts(session, [recipient for recipient, _ in new])


async def redraw_card_at(session: AsyncSession, channel: str, ts: str) -> None:
    """Draw this card again, even if it seems to be up to date; nothing where no card stands."""
    await put_off(session, AtCommit.CHANGE_MESSAGES, _mark_wrong, [_Wrong(channel=channel, ts=ts)])


async def redraw_cards(session: AsyncSession, bill_ids: Iterable[int]) -> None:
    """The cards of these bills tell of what was done elsewhere, so no count of actions shows it."""
    wrong = [_Wrong(bill_id) for bill_id in bill_ids]
    await put_off(session, AtCommit.CHANGE_MESSAGES, _mark_wrong, wrong)


class _Wrong(NamedTuple):
    """All cards of a bill, or the one that stands there."""

    bill_id: int | None = None
    channel: str | None = None
    ts: str | None = None


async def _mark_wrong(session: AsyncSession, wrong: Collection[_Wrong]) -> None:
    """In one statement, in the order of their ids, as by everybody who changes several."""
    values = {
        "bill_ids": [one.bill_id for one in wrong],
        "channels": [one.channel for one in wrong],
        "places": [one.ts for one in wrong],
    }
    await _defer_redrawing(session, sorted(set(await session.scalars(_ARE_WRONG, values))))


_ARE_WRONG = sa.text("""
with wrong as (
    select id from messages
    where id in (
        select id from messages where kind = 'card' and bill_id = any(cast(:bill_ids as bigint[]))
        union
        select id from messages
        join unnest(cast(:channels as text[]), cast(:places as text[])) at (channel, ts)
            using (channel, ts)
        where kind = 'card')
    order by id for no key update)
update messages m set drawn_actions = 0 from wrong where m.id = wrong.id
returning m.bill_id
""")


async def redraw_cards_of_relatives(session: AsyncSession, bill_ids: Sequence[int]) -> None:
    """The cards of bills that these correct or replace tell of them, and are out of date too."""
    found = await session.scalars(_RELATIVES, {"bill_ids": list(bill_ids)})
    await redraw_cards(session, found.all())


_RELATIVES = sa.text("""
select distinct r.id from bills b cross join unnest(array[adjusts_id, replaces_id]) r (id)
where b.id = any(:bill_ids) and r.id is not null order by r.id
""")


async def redraw_cards_of_customer(session: AsyncSession, customer_id: int) -> None:
    """All cards of a customer's bills bear its name."""
    found = await session.scalars(_OF_CUSTOMER, {"customer_id": customer_id})
    await redraw_cards(session, found.all())


_OF_CUSTOMER = sa.text("select id from bills where customer_id = :customer_id order by id")


async def redraw_cards_waiting_for(session: AsyncSession, user_ids: Sequence[int]) -> None:
    """The cards of bills that wait for these people say whether somebody stands in for them."""
    found = await session.scalars(_WAITING_FOR, {"user_ids": list(user_ids)})
    await redraw_cards(session, found.all())


_WAITING_FOR = sa.text("""
select distinct b.id from bills b join approvers a on a.bill_id = b.id
where b.status = 'pending' and a.user_id = any(:user_ids)
order by b.id
""")


async def defer_redraw_cards_of_bills(session: AsyncSession, bill_ids: Sequence[int]) -> None:
    """The same for many bills; those that stand nowhere are left out."""
    found = await session.scalars(_SHOWN, {"bill_ids": list(bill_ids)})
    await _defer_redrawing(session, found.all())


async def _defer_redrawing(session: AsyncSession, bill_ids: Iterable[int]) -> None:
    calls = {f"bill:{bill_id}": {"bill_id": bill_id} for bill_id in bill_ids}
    await defer_each(session, Task.REDRAW_CARDS, calls)


_SHOWN = sa.text(
    "select distinct bill_id from messages where bill_id = any(:bill_ids) order by bill_id"
)
