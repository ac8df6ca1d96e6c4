"""Many bills on their way out are worked off together, and each stands or falls by itself."""

import math
from collections import Counter
from dataclasses import replace

import psycopg
import pytest

from bot.slack.client import SlackClient
from models.actions.issue import issue_bills
from models.actions.send import send_bill
from models.db.database import Database
from sandbox.fake_slack.sandbox import Sandbox
from tests.bot.helpers import counted, rows
from tests.bot.test_sending import AT_ONCE, Watch, approved, mailing
from tests.harness.billing import drawn
from tests.harness.cast import People
from tests.harness.scene import act
from tests.harness.waiting import until

BILLS = 20


async def test_twenty_bills_take_few_transactions_from_their_delay_to_the_mailbox(
    db: Database,
    database_url: str,
    people: People,
    slack: Sandbox,
    gateway: SlackClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """How many statements those take does not depend on the bills; how many come together does on
    the machine.
    """
    made = await approved(db, people, BILLS)
    await rows(db, "delete from procrastinate_jobs returning id")
    await rows(db, "delete from messages returning id")
    for limit, slow_s in (("NEXT_ONE_S", 0.2), ("LONGEST_S", 30)):
        monkeypatch.setattr(f"bot.worker.batcher.{limit}", slow_s)  # however slow the machine is
    async with db.transaction() as session:
        for bill_id in made:
            await send_bill(session, bill_id, 2, replace(act(people.ana), settings=AT_ONCE))
    with psycopg.connect(database_url, autocommit=True) as watch, counted(monkeypatch) as sent:

        async def done() -> bool:
            jobs = "select from procrastinate_jobs where task_name <> 'post'"
            return watch.execute(jobs).fetchone() is None

        quiet = {"sweep": 60, "tick": math.inf, "heartbeat": 60, "poll": 1}
        async with mailing(db, gateway, slack, Watch(), **quiet):
            await until(done)
    assert len(slack.mail()) == BILLS
    assert sent.count("begin") < 2 * BILLS, Counter(sent)


async def test_a_bill_that_somebody_holds_keeps_no_other_from_being_recorded(
    db: Database, database_url: str, people: People, slack: Sandbox, gateway: SlackClient
) -> None:
    made = await approved(db, people, 6)
    async with db.transaction() as session:
        for bill_id in made:
            await send_bill(session, bill_id, 2, replace(act(people.ana), settings=AT_ONCE))
        await issue_bills(session, made, replace(act(people.system), settings=AT_ONCE), drawn)

    async def sent() -> list[int]:
        found = await rows(db, "select id from bills where status = 'sent' order by id")
        return [one.id for one in found]

    async def others_are_sent() -> bool:
        return await sent() == [*made[:3], *made[4:]]

    async def all_are_sent() -> bool:
        return await sent() == made

    hasty = Database(db.url, lock_s=0.2)
    async with mailing(hasty, gateway, slack, Watch()):
        with psycopg.connect(database_url) as holding:
            holding.execute("select from bills where id = %s for update", (made[3],))
            await until(others_are_sent)
        await until(all_are_sent)
    await hasty.close()
    assert len(slack.mail()) == len(made)
