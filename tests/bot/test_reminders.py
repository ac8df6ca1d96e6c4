"""A reminder on its way: from the clock, through the worker, to whoever it is for."""

import re
from datetime import UTC, datetime
from functools import partial

import pytest
import sqlalchemy as sa

from bot.slack.client import SlackClient
from bot.worker.scheduler import Scheduler
from models.actions.approve import approve_bill
from models.db.database import Database
from models.people.users import User
from models.settings import BillingSettings
from sandbox.fake_slack.sandbox import Sandbox
from tests.bot.helpers import all_settled, rows, said_to
from tests.harness.cast import People
from tests.harness.running import worker_only
from tests.harness.scene import act, bill_for
from tests.harness.timings import QUICK
from tests.harness.waiting import until

pytestmark = pytest.mark.long


@pytest.mark.usefixtures("bundled_soon")
async def test_kim_reads_once_in_her_hours_of_all_that_waits_the_oldest_first(
    db: Database, people: People, slack: Sandbox, gateway: SlackClient
) -> None:
    in_new_york = {"slack_zone": "America/New_York"}
    async with db.transaction() as session:
        await session.execute(sa.update(User).where(User.name == "Kim").values(**in_new_york))
        bills = {
            name: await bill_for(session, act(people.ana, at(2, hour)), name, csm_id=people.kim.id)
            for name, hour in {"Bolt": 10, "Cone": 11, "Acme": 9, "Dune": 12}.items()
        }
    await tick(db, at(3, 12))
    assert await rows(db, "select id from messages where kind = 'reminder'") == []
    await tick(db, at(3, 15))
    async with db.transaction() as session:
        await approve_bill(session, bills["Cone"].id, 1, act(people.kim, at(3, 15)))
    async with worker_only(db, gateway):
        await until(partial(all_settled, db))
    (told,) = [one for one in said_to(slack, "UKIM") if "wait for you" in one]
    assert told.startswith("3 bills wait for you")
    last = slack.messages(slack.dm("UKIM"))[-1]
    assert last["text"] == told
    assert re.findall("Acme|Bolt|Cone|Dune", str(last["blocks"])) == ["Acme", "Bolt", "Dune"]


def at(day: int, hour: int) -> datetime:
    return datetime(2026, 11, day, hour, tzinfo=UTC)


async def tick(db: Database, now: datetime) -> None:
    await Scheduler(db, BillingSettings(), lambda: now, QUICK).tick()
