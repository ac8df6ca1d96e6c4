"""Lists of bills that somebody was shown, and that are worked off a few at a time."""

import json
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from secrets import token_hex
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.context import Context, Source
from models.errors import NotFound
from models.outbox.jobs import defer_post
from models.outbox.messages import Message, MessageKind, MessageState, user_recipient
from models.people.users import User


@dataclass(frozen=True)
class ListStep:
    """How far a list is: `after` which id to go on, None behind its last bill. `busy`: the bills
    that were passed over, because somebody else was at them.
    """

    after: int | None
    busy: tuple[int, ...] = ()

    @property
    def is_last(self) -> bool:
        return self.after is None and not self.busy


CHUNK = 20
"""So many bills are done in one transaction, which takes well under a second."""


async def new_list(session: AsyncSession, kind: MessageKind, user: User, **facts: Any) -> Message:
    """A list of this person's that nobody is told about as long as it is not begun."""
    kept = Message(
        key=f"{kind}:{user.id}:{token_hex(8)}",
        kind=kind,
        recipient=user_recipient(user.id),
        facts=facts,
        state=MessageState.LISTED,
    )
    session.add(kept)
    await session.flush()
    return kept


async def find_list(session: AsyncSession, kind: MessageKind, list_id: int) -> Message:
    """A list as it was shown; refuses what is none."""
    query = sa.select(Message).where(Message.id == list_id, Message.kind == kind)
    query = query.execution_options(populate_existing=True)
    found = (await session.scalars(query)).one_or_none()
    if found is None:
        raise NotFound("That list is not here any more. Ask for it again.")
    return found


async def own_list(
    session: AsyncSession, kind: MessageKind, list_id: int, context: Context
) -> Message:
    """The same; refuses a list of somebody else."""
    kept = await find_list(session, kind, list_id)
    if kept.recipient != user_recipient(context.user.id):
        raise NotFound("That list is somebody else's. Ask for one of your own.")
    return kept


async def owner_of(session: AsyncSession, kind: MessageKind, list_id: int) -> tuple[User, Source]:
    """Whose list it is, and where they began with it."""
    kept = await find_list(session, kind, list_id)
    user = await session.get_one(User, int(kept.recipient.partition(":")[2]))
    return user, Source(kept.facts.get("source", Source.SLACK))


async def begin_list(session: AsyncSession, list_id: int, context: Context) -> bool:
    """From now on the list is begun; False where it was already."""
    begun = json.dumps({"begun": context.now.isoformat(), "source": context.source})
    return await session.scalar(_BEGIN, {"id": list_id, "facts": begun}) is not None


async def start_list(
    session: AsyncSession,
    kind: MessageKind,
    list_id: int,
    context: Context,
    first_step: Callable[[], Awaitable[ListStep]],
    defer_rest: Callable[[AsyncSession, int], Awaitable[object]],
) -> bool:
    """Do the first bills of a list of this person's; False where that was done.

    The others follow by themselves, with their progress in a message of its own. Refuses a list
    of somebody else.
    """
    kept = await own_list(session, kind, list_id, context)
    if "begun" in kept.facts:
        return False
    step = await first_step()
    if not await begin_list(session, list_id, context):
        return False
    if step.is_last:
        await end_list(session, list_id)
    else:
        kept.state = MessageState.WAITING
        await defer_post(session, kept.recipient)
        await defer_rest(session, list_id)
    return True


async def end_list(session: AsyncSession, list_id: int, busy: Collection[int] = ()) -> None:
    """Nothing of the list is done any more; those that were `busy` to the last are named."""
    told = json.dumps({"ended": True} | ({"busy": sorted(busy)} if busy else {}))
    await session.execute(_ADD_FACTS, {"id": list_id, "facts": told})


_SET = "update messages set facts = facts || cast(:facts as jsonb) where id = :id"
_ADD_FACTS = sa.text(_SET)
_BEGIN = sa.text(f"{_SET} and not facts ? 'begun' returning id")


async def lock_free(session: AsyncSession, bills: Sequence[Any]) -> tuple[int, ...]:
    """Lock these bills, with what they correct, as far as nobody is at them; the ids of others."""
    needed = {bill.id: {bill.id, bill.adjusts_id or bill.id} for bill in bills}
    values = {"bill_ids": list(set[int]().union(*needed.values()))}
    free = set(await session.scalars(_LOCK_FREE, values))
    return tuple(bill_id for bill_id, ids in needed.items() if not ids <= free)


_LOCK_FREE = sa.text("""
select id from bills where id = any(:bill_ids) order by id for no key update skip locked
""")
