"""What the tests of the running program ask of it and of its database."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from models.db.database import Database
from models.outbox.messages import Message, MessageKind, add_messages
from models.people.permissions import Role
from models.people.users import User
from sandbox.fake_slack.sandbox import Sandbox


async def rows(db: Database, query: str, **values: Any) -> list[Any]:
    async with db.transaction() as session:
        return list(await session.execute(sa.text(query), values))


async def states(db: Database) -> list[str]:
    """The state of each posting, in the order of their making."""
    return [row.state for row in await rows(db, "select state from messages order by id")]


async def all_posted(db: Database) -> bool:
    found = await states(db)
    return bool(found) and set(found) == {"posted"}


async def all_settled(db: Database) -> bool:
    """Whether nothing waits or is on its way any more."""
    return not {"waiting", "sending"} & set(await states(db))


async def no_jobs(db: Database) -> bool:
    (left,) = await rows(db, "select count(*) as jobs from procrastinate_jobs")
    return int(left.jobs) == 0


async def grant(db: Database, to: User, role: Role = Role.MANAGER) -> None:
    """The simplest thing to tell somebody: that they have a role now."""
    async with db.transaction() as session:
        await add_messages(
            session, MessageKind.ACCESS_GRANTED, f"granted:{role}", [to], {"role": role}
        )


async def posting(db: Database) -> Message:
    """The only one there is."""
    async with db.transaction() as session:
        return (await session.scalars(sa.select(Message))).one()


def texts(slack: Sandbox, channel: str) -> list[str]:
    """What the bot said there, oldest first."""
    return [message["text"] for message in slack.messages(channel)]


def said_to(slack: Sandbox, user: str) -> list[str]:
    """What the bot said in a person's DM, oldest first."""
    return texts(slack, slack.dm(user))


async def told_to(slack: Sandbox, place: str, count: int) -> bool:
    channel = slack.dm(place) if place.startswith("U") else place
    return len(texts(slack, channel)) == count


@contextmanager
def counted(patch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """All that this process sends to the database meanwhile: the job queue's statements too, and
    for each commit its `begin`.
    """
    sent = list[str]()
    execute, commit = psycopg.AsyncCursor.execute, psycopg.AsyncConnection.commit

    async def counting(self: Any, query: Any, *arguments: Any, **options: Any) -> Any:
        sent.append(str(query))
        return await execute(self, query, *arguments, **options)

    async def committing(self: Any) -> None:
        if self.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
            sent.extend(["begin", "commit"])
        await commit(self)

    with patch.context() as patched:
        patched.setattr(psycopg.AsyncCursor, "execute", counting)
        patched.setattr(psycopg.AsyncConnection, "commit", committing)
        yield sent
