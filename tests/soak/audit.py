"""What must be true when a month has been generated and posted, however it went."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from handlers.slack.blocks.action_ids import ActionId, unpack
from handlers.slack.blocks.bill_run import run_summary
from models.audit.verify import verify
from models.batches.bill_run_report import run_report
from models.context import Source
from models.db.database import Database
from sandbox.fake_slack.sandbox import Sandbox
from sandbox.fake_slack.shapes import JsonObject
from tests.harness.watched_slack import WatchedSandbox
from tests.soak.company import FINANCE, Company

SHOWN = 5

OPEN = sa.text("""
select (select count(*) from bill_runs where finished_at is null) as runs,
       (select count(*) from messages where state in ('waiting', 'sending')) as messages,
       (select count(*) from procrastinate_jobs where status in ('todo', 'doing')) as jobs
""")

_BILLS = sa.text("""
select b.id, c.name, b.status, count(a.id) as actions,
       count(a.id) filter (where a.action = 'generate') as generated
from bills b join customers c on c.id = b.customer_id
left join bill_actions a on a.bill_id = b.id
group by b.id, c.name
""")

_MESSAGES = sa.text("""
select coalesce(key, 'card:' || bill_id || ':' || recipient) as key, bill_id, state, channel, ts
from messages
""")
_FAILED_JOBS = sa.text("select task_name, args from procrastinate_jobs where status = 'failed'")
_RUNS = sa.text("select id, source from bill_runs order by id")


async def audit(db: Database, sandbox: WatchedSandbox, company: Company) -> list[str]:
    """Every violation, as a sentence."""
    async with db.reading() as session:
        discrepancies = [str(discrepancy) async for discrepancy in verify(session)]
    async with db.long_transaction() as session:
        bills = (await session.execute(_BILLS)).all()
        messages = (await session.execute(_MESSAGES)).all()
        failed = (await session.execute(_FAILED_JOBS)).all()
        runs = await _run_messages(session, sandbox)
    ids = {bill.name: bill.id for bill in bills}
    return [
        *_about_bills(bills, company),
        *_some("does not fit the record", discrepancies),
        *_about_cards(company.expected(sandbox, ids), cards(sandbox)),
        *_about_postings(messages, sandbox),
        *_some("was given up", [f"job {job.task_name} {job.args}" for job in failed]),
        *_some("is seen twice", sandbox.seen_twice()),
        *_some("was told something that only Finance asked for", _told_unasked(sandbox)),
        *runs,
    ]


def cards(sandbox: Sandbox) -> Counter[tuple[int, str]]:
    """How many messages offer to approve each bill, in each conversation."""
    found: Counter[tuple[int, str]] = Counter()
    for conversation in sandbox.workspace.conversations.values():
        for message in conversation.messages.values():
            if message.get("thread_ts", message["ts"]) == message["ts"]:
                found.update((bill, conversation.id) for bill in _approvable(message))
    return found


def _approvable(message: JsonObject) -> Iterator[int]:
    for block in message.get("blocks", []):
        for element in block.get("elements", []) if block["type"] == "actions" else []:
            if str(element.get("action_id", "")).startswith(ActionId.APPROVE):
                yield int(unpack(element["value"])["bill"])


def _about_bills(bills: Any, company: Company) -> Iterator[str]:
    if len(bills) != company.bills:
        yield f"{len(bills)} bills instead of {company.bills}"
    wrong = [
        f"bill {bill.id} ({bill.status}, {bill.actions} actions, {bill.generated} generate)"
        for bill in bills
        if (bill.status, bill.actions, bill.generated) != ("pending", 1, 1)
    ]
    yield from _some("is not pending with one generate action", wrong)


def _about_cards(
    expected: Counter[tuple[int, str]], found: Counter[tuple[int, str]]
) -> Iterator[str]:
    lost, doubled = expected - found, found - expected
    yield from _some("has no card", [f"bill {bill} in {place}" for bill, place in lost])
    yield from _some("has a card too many", [f"bill {bill} in {place}" for bill, place in doubled])


def _about_postings(messages: Any, sandbox: Sandbox) -> Iterator[str]:
    conversations = sandbox.workspace.conversations
    wrong = [
        f"{one.key} is {one.state} at {one.channel} {one.ts}"
        for one in messages
        if one.state != "posted" or one.ts not in conversations[one.channel].messages
    ]
    yield from _some("and no message stands there", wrong)
    said = sum(len(conversation.messages) for conversation in conversations.values())
    if said != len(messages):
        yield f"{said} messages stand in Slack for {len(messages)} messages"


def _told_unasked(sandbox: Sandbox) -> list[str]:
    told = (
        m["ephemeral_user"]
        for c in sandbox.workspace.conversations.values()
        for m in c.ephemerals.values()
    )
    return [user for user in told if user != FINANCE] + [mail["subject"] for mail in sandbox.mail()]


async def _run_messages(session: AsyncSession, sandbox: Sandbox) -> list[str]:
    """There is one run; if it was asked for in Slack, its message has become the summary."""
    runs = (await session.execute(_RUNS)).all()
    wanted = [
        run_summary(await run_report(session, run.id)).text
        for run in runs
        if run.source == Source.SLACK
    ]
    if len(runs) != 1:
        return [f"{len(runs)} runs instead of 1"]
    public = [
        message["text"]
        for message in sandbox.messages(sandbox.dm(FINANCE))
        if "ephemeral_user" not in message
    ]
    return [] if public == wanted else [f"Finance reads {public} instead of {wanted}"]


def _some(what: str, faults: list[str]) -> Iterator[str]:
    """A few of the faults, and how many there are."""
    yield from (f"{fault} {what}" for fault in faults[:SHOWN])
    if len(faults) > SHOWN:
        yield f"… and {len(faults) - SHOWN} more: {what}"
