"""Promised messages arrive: once, in order, whatever Slack does in between."""

from models.base import Database
from bot.courier import Courier
from sandbox.server import Sandbox
from tests.bot.helpers import all_posted, announce_access, eventually, jobs_left, posting, said_to
from tests.conftest import People


async def test_a_posting_reaches_the_dm_and_is_noted(
    db: Database, people: People, slack: Sandbox, courier: Courier
) -> None:
    await announce_access(db, people.max)
    await eventually(lambda: all_posted(db))
    (message,) = slack.messages(slack.dm("UMAX"))
    stored = await posting(db)
    assert (stored.channel, stored.ts) == (slack.dm("UMAX"), message["ts"])
    assert "Manager" in message["text"]
    await eventually(lambda: _no_jobs(db))


async def _no_jobs(db: Database) -> bool:
    return await jobs_left(db) == 0
