"""Where is asked what cannot be asked where it belongs, because Slack brings nothing there."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.db.database import AtCommit, put_off
from models.outbox.jobs import defer_posts
from models.outbox.messages import Message, MessageKind, MessageState
from models.outbox.people_notices import notify_shut_channel, notify_unreachable
from models.people.users import User

TO_DECIDE = frozenset({MessageKind.CARD, MessageKind.DIGEST, MessageKind.REMINDER})

_GONE = "user_disabled user_not_found users_not_found user_not_visible no_user no_slack_account"
_SHUT = """cannot_dm_bot messages_tab_disabled channel_not_found invalid_channel is_archived
    is_inactive not_in_channel restricted_action restricted_action_read_only_channel
    restricted_action_thread_only_channel restricted_action_non_threadable_channel
    restricted_action_thread_locked ekm_access_denied app_access_restricted
    invalid_user_combination method_not_supported_for_channel_type"""
UNREACHABLE = frozenset(f"{_GONE} {_SHUT}".split())
"""Why Slack brings nothing to a place: its person is gone, or the conversation is shut."""


async def leave_recipient(
    session: AsyncSession, recipient: str, cause: str, approvals_channel: str | None
) -> None:
    """Slack brings nothing to a recipient: ask elsewhere what was to be decided there, and tell
    Finance, once a month.
    """
    query = sa.select(Message.id).where(
        Message.recipient == recipient,
        Message.state.in_([MessageState.WAITING, MessageState.SENDING]),
        Message.kind.in_(TO_DECIDE),
    )
    stuck = (await session.scalars(query)).all()
    kind, _, name = recipient.partition(":")
    if kind == "channel":
        await notify_shut_channel(session, name, cause)
    elif stuck:
        await notify_unreachable(session, await session.get_one(User, int(name)), cause)
    await ask_elsewhere(session, recipient, stuck, approvals_channel)


async def ask_elsewhere(
    session: AsyncSession, recipient: str, message_ids: Sequence[int], approvals_channel: str | None
) -> None:
    """What these messages ask of `recipient` is asked in the channel for approvals. Without one, or
    where it is that itself, everybody of the role is asked, and Finance where that is nobody.

    A customer's channel has copies alone, whose approvers are asked anyway.
    """
    approvals = f"channel:{approvals_channel}" if approvals_channel else None
    if recipient.startswith("channel:") and recipient != approvals:
        return
    instead = approvals if recipient != approvals else None
    stuck = [_Stuck(one, recipient, instead) for one in message_ids]
    await put_off(session, AtCommit.ADD_MESSAGES, _ask, stuck)


class _Stuck(NamedTuple):
    message_id: int
    recipient: str
    instead: str | None


async def _ask(session: AsyncSession, stuck: Collection[_Stuck]) -> None:
    ids, recipients, instead = (list(column) for column in zip(*stuck, strict=True))
    values = {"ids": ids, "recipients": recipients, "instead": instead}
    await defer_posts(session, (await session.scalars(_ASK, values)).all())


# What was passed on already, and comes to nothing again, is passed on to nobody twice.
_ASK = sa.text("""
with stuck as (
    select m.*, coalesce((m.facts ->> 'instead_of')::bigint, m.id) as first_id, s.instead
    from unnest(cast(:ids as bigint[]), cast(:recipients as text[]), cast(:instead as text[]))
        s (id, recipient, instead)
    join messages m on m.id = s.id and m.recipient = s.recipient
),
asked as (
    select s.id, u.role from stuck s join users u on 'user:' || u.id = s.recipient
    where s.instead is null
    union
    select s.id, a.role from stuck s
    cross join lateral (
        select s.bill_id as id
        union all
        select one::bigint from jsonb_array_elements_text(s.facts -> 'waiting') one) b
    join approvers a on a.bill_id = b.id
    where s.instead is null and s.recipient like 'channel:%'
),
reachable as (
    select id, role from users where active and slack_user_id is not null
),
of_role as (
    select a.id, u.id as user_id
    from asked a join reachable u on u.role = a.role
    join stuck s on s.id = a.id and s.recipient <> 'user:' || u.id
),
places as (
    select id, instead as place from stuck where instead is not null
    union
    select id, 'user:' || user_id from of_role
    union
    select s.id, 'user:' || u.id from stuck s join reachable u on u.role = 'Finance'
    where s.instead is null and not exists (select from of_role o where o.id = s.id)
),
added as (
    insert into messages (key, kind, recipient, bill_id, facts)
    select case when bill_id is null then kind || ':' || first_id || ':' || place end,
           kind, place, bill_id, facts || jsonb_build_object('instead_of', first_id)
    from stuck join places using (id)
    order by place, bill_id, first_id
    on conflict do nothing
    returning recipient
)
select distinct recipient from added order by recipient
""")
