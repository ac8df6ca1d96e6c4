"""Posted messages stay true: cards after every action, a run's message while it goes on."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.slack.client import ErrorKind, MessageRef, SlackClient, SlackError
from bot.worker.worker import AT_ONCE, Worker
from handlers.slack.blocks.access import access_granted
from handlers.slack.blocks.block_kit import SlackMessage
from handlers.slack.blocks.card import bill_card
from models.actions.approve import approve_bill, reject_bill
from models.actions.undo import undo_decision
from models.batches.bill_run import RunProgress, run_step, start_bill_run
from models.bills.states import RejectReason
from models.db.database import Database
from models.outbox.delivery import mark_updated, stale_cards
from models.outbox.jobs import Queue, defer_redraw_cards
from models.outbox.messages import user_recipient
from models.outbox.notifications import notify_bill_run
from models.people.permissions import Role
from models.queries.bill_loader import load_bill_details
from models.settings import BillingSettings
from sandbox.fake_slack.sandbox import Sandbox
from tests.bot.helpers import all_posted, all_settled, grant, no_jobs, rows, said_to, texts
from tests.harness.books import OCTOBER, act, make_bills
from tests.harness.cast import People
from tests.harness.running import worker_only
from tests.harness.timings import bundle_after
from tests.harness.waiting import until


async def drawn_now(db: Database, bill_id: int) -> str:
    async with db.transaction() as session:
        (facts,) = await load_bill_details(session, [bill_id])
    return bill_card(facts).text


async def approve(db: Database, people: People, bill_id: int) -> None:
    async with db.transaction() as session:
        await approve_bill(session, bill_id, 1, act(people.kim))


async def is_current(db: Database, slack: Sandbox, bill_id: int) -> bool:
    """Whether every copy of the card says what is true now, and nothing is left to do."""
    expected = await drawn_now(db, bill_id)
    copies = [said_to(slack, "UKIM"), said_to(slack, "ULEE")]
    return all(copy[:1] == [expected] for copy in copies) and await _cards_settled(db)


async def _cards_settled(db: Database) -> bool:
    (left,) = await rows(
        db, "select count(*) as jobs from procrastinate_jobs where task_name = 'redraw'"
    )
    return int(left.jobs) == 0


async def test_every_copy_of_a_card_is_redrawn_after_a_decision(
    db: Database, people: People, slack: Sandbox, worker: Worker
) -> None:
    (bill_id,) = await make_bills(db, people.ana)
    await until(lambda: all_posted(db))
    before = await drawn_now(db, bill_id)
    await approve(db, people, bill_id)
    await until(lambda: is_current(db, slack, bill_id))
    assert await drawn_now(db, bill_id) != before


async def test_a_card_that_is_current_is_left_alone(
    db: Database, people: People, slack: Sandbox, worker: Worker
) -> None:
    (bill_id,) = await make_bills(db, people.ana)
    await until(lambda: all_posted(db))
    await approve(db, people, bill_id)
    await until(lambda: is_current(db, slack, bill_id))
    edited = [message["edited"] for message in slack.messages(slack.dm("UKIM"))]
    for _ in range(3):
        async with db.transaction() as session:
            await defer_redraw_cards(session, bill_id)
    await until(lambda: _cards_settled(db))
    assert [message["edited"] for message in slack.messages(slack.dm("UKIM"))] == edited


async def test_an_action_while_the_card_is_on_its_way_shows_on_it(
    db: Database, people: People, slack: Sandbox, worker: Worker
) -> None:
    await slack.fault(method="chat.postMessage", kind="delay", seconds=1, times=0)
    (bill_id,) = await make_bills(db, people.ana)
    await until(lambda: _some_are(db, "sending"))
    await approve(db, people, bill_id)
    await until(lambda: _some_are(db, "posted"))
    await until(lambda: is_current(db, slack, bill_id))


async def _some_are(db: Database, state: str) -> list[Any]:
    return await rows(db, "select from messages where state = :state", state=state)


TROUBLES = [
    {"kind": "lost_response", "times": 3},
    {"kind": "error", "status": 500, "times": 4},
    {"kind": "ratelimited", "retry_after": 1, "times": 2},
]


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda trouble: str(trouble["kind"]))
async def test_a_card_is_redrawn_despite(
    trouble: dict[str, Any], db: Database, people: People, slack: Sandbox, worker: Worker
) -> None:
    (bill_id,) = await make_bills(db, people.ana)
    await until(lambda: all_posted(db))
    await slack.fault(method="chat.update", **trouble)
    await approve(db, people, bill_id)
    await until(lambda: is_current(db, slack, bill_id), 20)


async def test_cards_that_wait_for_a_rate_limit_keep_nothing_else_from_its_turn(
    db: Database, people: People, slack: Sandbox, worker: Worker
) -> None:
    bills = await make_bills(db, people.ana, AT_ONCE[Queue.TEAM] + 10)
    await until(lambda: all_settled(db))
    await rows(db, _STANDING_CARDS)
    await slack.fault(method="chat.update", kind="ratelimited", retry_after=30, times=0)
    for bill_id in bills:
        await approve(db, people, bill_id)
    await grant(db, people.max)
    await until(lambda: _says(slack, "UMAX", access_granted(Role.MANAGER).text))


# As if the digest had been cards.
_STANDING_CARDS = """
update messages set state = 'posted', channel = 'CAPPROVALS', ts = id::text, drawn_actions = 1
where kind = 'card' returning id
"""


async def test_a_card_somebody_deleted_is_given_up_and_the_others_are_redrawn(
    db: Database, people: People, slack: Sandbox, worker: Worker
) -> None:
    (bill_id,) = await make_bills(db, people.ana)
    await until(lambda: all_posted(db))
    dm = slack.workspace.dm("UKIM")
    slack.workspace.remove(dm, slack.messages(dm.id)[0]["ts"])
    await approve(db, people, bill_id)
    expected = await drawn_now(db, bill_id)
    await until(lambda: _says(slack, "ULEE", expected))
    await until(lambda: _cards_settled(db))
    (lost,) = await rows(db, "select recipient, failure from messages where state = 'failed'")
    assert tuple(lost) == (user_recipient(people.kim.id), "message_not_found")


async def _says(slack: Sandbox, user: str, text: str) -> bool:
    return said_to(slack, user)[:1] == [text]


async def test_a_card_whose_redrawing_got_lost_is_found_and_redrawn(
    db: Database, people: People, slack: Sandbox, gateway: SlackClient
) -> None:
    (bill_id,) = await make_bills(db, people.ana)
    async with worker_only(db, gateway):
        await until(lambda: all_posted(db))
    await approve(db, people, bill_id)
    await rows(db, "delete from procrastinate_jobs returning id")
    async with worker_only(db, gateway, heal=1):
        await until(lambda: is_current(db, slack, bill_id))


async def test_a_sick_copy_holds_up_neither_the_others_nor_later_drawings(
    db: Database,
    people: People,
    slack: Sandbox,
    worker: Worker,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (bill_id,) = await make_bills(db, people.ana)
    await until(lambda: all_posted(db))
    sick, healed = slack.dm("UKIM"), asyncio.Event()
    update = SlackClient.update

    async def ailing(self: SlackClient, channel: str, ts: str, message: SlackMessage) -> None:
        if channel == sick and not healed.is_set():
            raise SlackError("is_archived", ErrorKind.TRANSIENT)
        await update(self, channel, ts, message)

    monkeypatch.setattr(SlackClient, "update", ailing)
    await approve(db, people, bill_id)
    approved = await drawn_now(db, bill_id)
    await until(lambda: _says(slack, "ULEE", approved))
    await until(lambda: _cards_settled(db))
    async with db.transaction() as session:
        await undo_decision(session, bill_id, 2, act(people.kim), "on second thought")
    async with db.transaction() as session:
        reason = RejectReason.OTHER
        await reject_bill(session, bill_id, 3, act(people.kim), reason, "Not this time")
    again = await drawn_now(db, bill_id)
    await until(lambda: _says(slack, "ULEE", again))
    assert not await _says(slack, "UKIM", again)
    healed.set()
    await until(lambda: _says(slack, "UKIM", again))
    drawing = "select count(*) as jobs from procrastinate_jobs where task_name like 'redraw%'"

    async def drawn_to_the_end() -> bool:
        return bool((await rows(db, drawing))[0].jobs == 0)

    await until(drawn_to_the_end)


async def test_of_two_drawings_at_once_the_poorer_one_is_supposed_to_stand(
    db: Database, people: People, slack: Sandbox, gateway: SlackClient
) -> None:
    (bill_id,) = await make_bills(db, people.ana)
    async with worker_only(db, gateway):
        await until(lambda: all_posted(db))
    await approve(db, people, bill_id)
    await rows(db, "delete from procrastinate_jobs returning id")
    async with db.transaction() as session:
        behind = (await stale_cards(session, [bill_id]))[bill_id]
    card, _ = behind.cards[0]
    async with db.transaction() as session:
        await mark_updated(session, card, behind.actions)
    async with db.transaction() as session:
        await mark_updated(session, card, behind.actions - 1)
        left = (await stale_cards(session, [bill_id]))[bill_id]
    assert card.id in [one.id for one, _ in left.cards]
    assert len(await rows(db, "select from procrastinate_jobs where task_name = 'redraw'")) == 1


async def test_many_decisions_end_in_the_last_state(
    db: Database, people: People, slack: Sandbox, worker: Worker
) -> None:
    (bill_id,) = await make_bills(db, people.ana)
    for version in range(1, 9, 2):
        async with db.transaction() as session:
            rejected = await reject_bill(
                session, bill_id, version, act(people.kim), RejectReason.OTHER, "no, no"
            )
        async with db.transaction() as session:
            await undo_decision(
                session, bill_id, version + 1, act(people.kim), "yes, yes", rejected.id
            )
    await until(lambda: is_current(db, slack, bill_id))


async def start_run(db: Database, people: People) -> int:
    """The run that Ana asks for, promised to be worked off."""
    async with db.transaction() as session:
        run_id = await start_bill_run(session, OCTOBER, act(people.ana), ZoneInfo("UTC"))
        await notify_bill_run(session, run_id, people.ana)
    return run_id


async def add_usage(db: Database, customers: int) -> None:
    await rows(
        db,
        """with made as (
               insert into customers (name, monthly_api_limit, overage_unit_cost)
               select 'Customer ' || n, 1000, 0.2 from generate_series(1, :customers) n
               returning id)
           insert into usages (customer_id, year, month, api_usage)
           select id, 2026, 10, 1500 from made returning id""",
        customers=customers,
    )


async def test_a_run_is_worked_off_in_steps_and_its_message_ends_as_a_summary(
    db: Database, people: People, slack: Sandbox, gateway: SlackClient
) -> None:
    await add_usage(db, 25)
    billing = BillingSettings("CAPPROVALS", chunk_customers=10)
    async with worker_only(db, gateway, billing=billing):
        await start_run(db, people)
        await until(lambda: _says_of(slack, "25 bills made"))
        await until(lambda: no_jobs(db))
    assert len(said_to(slack, "UANA")) == 1
    assert len(texts(slack, "CAPPROVALS")) == 25


async def _says_of(slack: Sandbox, words: str) -> bool:
    return any(words in text for text in said_to(slack, "UANA"))


async def test_a_run_that_failed_says_so_and_announces_what_it_made(
    db: Database,
    people: People,
    slack: Sandbox,
    gateway: SlackClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await add_usage(db, 25)
    step, steps = run_step, []

    async def stumbling(*arguments: Any) -> RunProgress:
        steps.append(datetime.now(UTC))
        if len(steps) > 2:
            raise ZeroDivisionError
        return await step(*arguments)

    monkeypatch.setattr("bot.worker.batches.run_step", stumbling)
    async with worker_only(db, gateway, billing=BillingSettings("CAPPROVALS", chunk_customers=10)):
        await start_run(db, people)
        await until(lambda: _says_of(slack, "stopped before its end"))
        await until(lambda: _posted(slack, 20))
        await until(lambda: _only_generating_failed(db))
    (run,) = await rows(db, "select failure, finished_at, added from bill_runs")
    assert tuple(run) == ("The cause: ZeroDivisionError.", None, 20)


async def _only_generating_failed(db: Database) -> bool:
    left = await rows(db, "select task_name, status from procrastinate_jobs")
    return [tuple(job) for job in left] == [("generate", "failed")]


async def _posted(slack: Sandbox, count: int) -> bool:
    return len(texts(slack, "CAPPROVALS")) == count


async def test_a_run_goes_on_where_a_stopped_program_left_it(
    db: Database,
    people: People,
    slack: Sandbox,
    gateway: SlackClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await add_usage(db, 25)
    billing = BillingSettings("CAPPROVALS", chunk_customers=10)
    step, steps = run_step, []
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def counted(*arguments: Any) -> RunProgress:
        done = await step(*arguments)
        steps.append(done.done)
        begun.set()
        await go_on.wait()
        return done

    monkeypatch.setattr("bot.worker.batches.run_step", counted)
    async with worker_only(db, gateway, billing=billing) as first:
        await start_run(db, people)
        await begun.wait()
        stopping = asyncio.create_task(first.stop(deadline_s=5))
        await asyncio.sleep(0)
        go_on.set()
        await stopping
    assert steps == [10]
    async with worker_only(db, gateway, billing=billing):
        await until(lambda: _says_of(slack, "25 bills made"))
    assert steps == [10, 20, 25]


async def test_a_runs_message_tells_of_cards_nobody_could_be_given(
    db: Database,
    people: People,
    slack: Sandbox,
    gateway: SlackClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bundle_after(monkeypatch, 1)
    await rows(db, "update users set active = false where name = 'Lee' returning id")
    await add_usage(db, 11)
    send, out_of_reach = SlackClient.post, slack.dm("UKIM")

    async def refusing(
        self: SlackClient, channel: str, key: str, message: SlackMessage
    ) -> MessageRef:
        if channel == out_of_reach:
            raise SlackError("cannot_dm_bot", ErrorKind.PERMANENT)
        return await send(self, channel, key, message)

    monkeypatch.setattr(SlackClient, "post", refusing)
    async with worker_only(db, gateway, billing=BillingSettings()):
        await start_run(db, people)
        await until(lambda: _tells_of_lost_cards(slack))


async def _tells_of_lost_cards(slack: Sandbox) -> bool:
    shown = json.dumps(slack.messages(slack.dm("UANA")))
    return "The cards of 11 bills could not be delivered: cannot_dm_bot." in shown


async def test_a_run_without_a_job_is_gone_on_with(
    db: Database, people: People, slack: Sandbox, gateway: SlackClient
) -> None:
    await add_usage(db, 3)
    await start_run(db, people)
    await rows(db, "delete from procrastinate_jobs where task_name = 'generate' returning id")
    async with worker_only(db, gateway):
        await until(lambda: _says_of(slack, "3 bills made"))


async def test_interruptions_use_up_no_attempts_of_a_run(
    db: Database, people: People, slack: Sandbox, gateway: SlackClient
) -> None:
    await add_usage(db, 3)
    await start_run(db, people)
    await rows(
        db, "update procrastinate_jobs set attempts = 99 where task_name = 'generate' returning id"
    )
    step, fails = run_step, iter([True])

    async def stumbling(*arguments: Any) -> RunProgress:
        if next(fails, False):
            raise ZeroDivisionError
        return await step(*arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bot.worker.batches.run_step", stumbling)
        async with worker_only(db, gateway):
            await until(lambda: _says_of(slack, "3 bills made"))
