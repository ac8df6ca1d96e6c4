"""What belongs together is told together, however much there is of it."""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.db.database import do_put_off
from models.outbox.delivery import next_due
from models.outbox.messages import Message, MessageKind, add_messages, user_recipient
from tests.harness.cast import People

MANY = 40


async def test_what_only_a_newer_version_knows_is_left_to_it_and_holds_up_nothing(
    session: AsyncSession, people: People
) -> None:
    recipient = user_recipient(people.ana.id)
    later = {"kind": "of_a_later_version", "recipient": recipient, "key": "later"}
    await session.execute(sa.insert(Message).values(later))
    await add_messages(session, MessageKind.WEEKLY_DIGEST, "week", [people.ana], {})
    await do_put_off(session)
    found = await next_due(session, recipient)
    assert found is not None
    assert found.key == f"week:{recipient}"
    assert await next_due(session, recipient, [found.id]) is None


async def test_news_are_looked_at_together_while_they_wait_and_when_they_are_told(
    session: AsyncSession, people: People
) -> None:
    for number in range(MANY):
        facts = {"bill_id": number // 2, "action_id": 100 - number}
        await add_messages(session, MessageKind.DELIVERED, f"d{number}", [people.ana], facts)
    await add_messages(session, MessageKind.MAY_HAVE_ARRIVED, "m", [people.ana], {"bill_id": 7})
    await do_put_off(session)
    recipient = user_recipient(people.ana.id)
    session.expunge_all()
    loaded = list[Message]()
    with_each = (Message, "load", lambda message, _: loaded.append(message))
    sa.event.listen(*with_each)
    try:
        assert await next_due(session, recipient) is None
        await age(session, MessageKind.DELIVERED, "1 minute")
        told = await next_due(session, recipient)
    finally:
        sa.event.remove(*with_each)
    assert told is not None
    assert loaded == [told]
    assert told.kind == MessageKind.DELIVERED
    assert told.facts == {
        "bills": [*range(MANY // 2)],
        "actions": [100 - number for number in range(MANY)],
    }
    assert await states(session) == [
        ("delivered", ["listed", "waiting"]),
        ("may_have_arrived", ["waiting"]),
    ]


async def test_what_never_pauses_is_told_when_the_oldest_has_waited_long(
    session: AsyncSession, people: People
) -> None:
    """Each kind by itself; what is about no action in particular has none."""
    for number in range(3):
        facts = {"bill_id": number}
        await add_messages(session, MessageKind.MAY_HAVE_ARRIVED, f"{number}", [people.ana], facts)
    await do_put_off(session)
    recipient = user_recipient(people.ana.id)
    await age(session, MessageKind.MAY_HAVE_ARRIVED, "9 minutes", least=True)
    assert await next_due(session, recipient) is None
    await age(session, MessageKind.MAY_HAVE_ARRIVED, "10 minutes", least=True)
    told = await next_due(session, recipient)
    assert told is not None
    assert told.facts == {"bills": [0, 1, 2], "actions": []}


async def age(session: AsyncSession, kind: MessageKind, ago: str, *, least: bool = False) -> None:
    """All of them, or the oldest alone."""
    oldest = "and id = (select min(id) from messages)" if least else ""
    await session.execute(
        sa.text(
            f"update messages set created_at = now() - cast('{ago}' as interval) "
            f"where kind = '{kind}' {oldest}"
        )
    )


async def states(session: AsyncSession) -> list[tuple[str, list[str]]]:
    states = "array_agg(distinct state order by state)"
    query = sa.text(f"select kind, {states} from messages group by kind order by kind")
    return [(kind, found) for kind, found in await session.execute(query)]
