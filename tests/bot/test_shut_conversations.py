"""Where Slack brings nothing, what was to be decided is asked elsewhere, at once."""

import asyncio
from contextlib import suppress
from functools import partial

import pytest

from bot.slack.client import SlackClient, SlackError
from bot.worker.send_messages import MessageSender
from bot.worker.worker import Worker
from models.db.database import Database
from models.outbox.elsewhere import UNREACHABLE
from models.outbox.messages import MessageKind, add_messages_at, user_recipient
from models.settings import BillingSettings
from sandbox.fake_slack.sandbox import Sandbox
from tests.bot.helpers import no_jobs, rows, said_to, texts, told_to
from tests.harness.cast import People
from tests.harness.scene import OCTOBER, act, add_customer, bill_for, generate
from tests.harness.timings import QUICK
from tests.harness.waiting import until

pytestmark = pytest.mark.long

UNREACHED = "select recipient, facts ->> 'refused' from messages where kind = 'unreached'"


async def test_whatever_slack_says_of_a_shut_dm_others_are_asked_and_finance_is_told_once(
    db: Database, people: People, slack: Sandbox, gateway: SlackClient
) -> None:
    sender = MessageSender(db, gateway, QUICK, asyncio.Event(), "CAPPROVALS")
    kim = user_recipient(people.kim.id)
    codes = sorted(UNREACHABLE - {"no_slack_account"})
    asked = []
    for code in codes:
        async with db.transaction() as session:
            told = {"waiting": [(await bill_for(session, act(people.ana), code)).id]}
            await add_messages_at(session, MessageKind.REMINDER, code, [kim], told)
        await slack.fault(method="chat.postMessage", kind="error", error=code)
        await rows(db, "update messages set state = 'listed' where kind = 'card' returning id")
        with suppress(SlackError):
            await sender.post(kim)
        asked += await rows(db, STOOD_IN, code=f"{code}:{kim}")
        await rows(db, "update messages set state = 'listed' where kind = 'reminder' returning id")
    assert [tuple(one) for one in asked] == [("channel:CAPPROVALS",)] * len(codes)
    assert [tuple(one) for one in await rows(db, UNREACHED)] == [
        (user_recipient(people.ana.id), codes[0])
    ]


STOOD_IN = """
select other.recipient from messages m
join messages other on other.facts ->> 'instead_of' = m.id::text where m.key = :code"""


async def test_while_the_channel_for_approvals_is_archived_everybody_of_the_role_is_asked(
    db: Database, people: People, slack: Sandbox, worker: Worker
) -> None:
    await slack.change_channel("CAPPROVALS", is_archived=True)
    async with db.transaction() as session:
        await add_customer(session, require_csm_approval=True)
        await generate(session, act(people.ana), OCTOBER, BillingSettings("CAPPROVALS"))
    for one in ("UKIM", "ULEE"):
        await until(partial(told_to, slack, one, 1))
    (told,) = [one for one in said_to(slack, "UANA") if "CAPPROVALS" in one]
    assert "Slack lets nothing into the channel CAPPROVALS any more: is_archived." in told
    await slack.change_channel("CAPPROVALS", is_archived=False)
    await until(partial(told_to, slack, "CAPPROVALS", 1))
    await until(partial(no_jobs, db))
    assert len(await rows(db, UNREACHED)) == 1


@pytest.mark.usefixtures("bundled_soon")
async def test_the_bill_of_a_csm_whose_leaving_nobody_told_is_held_and_finance_hears_of_it(
    db: Database, people: People, slack: Sandbox, worker: Worker
) -> None:
    await slack.change_user("UKIM", deleted=True)
    async with db.transaction() as session:
        needs = {"csm_id": people.kim.id, "require_csm_approval": True}
        await bill_for(session, act(people.ana), **needs)
    await until(partial(told_to, slack, "UANA", 2))
    (bill,) = await rows(db, "select status, hold_reason from bills")
    assert tuple(bill) == ("held", "no_approver")
    await until(partial(no_jobs, db))
    left, held = said_to(slack, "UANA")
    assert "Kim (CSM) has left Slack" in left
    assert "1 bill is held" in held
    assert len(texts(slack, "CAPPROVALS")) == 1
