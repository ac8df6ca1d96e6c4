"""Cards of many bills are redrawn together, and each is as true as if it were alone."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from bot.slack.client import SlackClient
from bot.worker.batcher import Batcher
from handlers.slack.blocks.block_kit import SlackMessage
from handlers.slack.blocks.card import bill_card
from models.actions.approve import approve_bill
from models.db.database import Database
from models.outbox.cards import redraw_cards
from models.outbox.delivery import Drawing, mark_all_updated
from models.outbox.jobs import defer_redraw_cards
from models.queries.bill_loader import load_bill_details
from sandbox.fake_slack.sandbox import Sandbox
from tests.bot.helpers import counted, rows, texts
from tests.harness.books import act, make_bills
from tests.harness.cast import People
from tests.harness.running import worker_only
from tests.harness.waiting import until

CARDS = 50


async def standing_cards(db: Database, slack: SlackClient, people: People) -> list[int]:
    """Bills with a card each that stands in the channel, as yet undrawn; their ids.

    Nobody takes them for lost, since they are said to be current.
    """
    bills = await make_bills(db, people.ana, CARDS)
    for bill_id in bills:
        where = await slack.post("CAPPROVALS", str(bill_id), SlackMessage("not drawn", []))
        await rows(
            db,
            """update messages set state = 'posted', channel = :channel, ts = :ts,
                   drawn_actions = 1
               where id = (select min(id) from messages where bill_id = :bill_id) returning id""",
            channel=where.channel,
            ts=where.ts,
            bill_id=bill_id,
        )
    await rows(db, "delete from messages where state <> 'posted' returning id")
    await rows(db, "delete from procrastinate_jobs returning id")
    return bills


async def redraw(db: Database, bills: Sequence[int]) -> None:
    async with db.transaction() as session:
        await redraw_cards(session, bills)


async def all_redrawn(db: Database) -> bool:
    return not await rows(db, "select from procrastinate_jobs where task_name = 'redraw'")


async def drawn_now(db: Database, bills: Sequence[int]) -> list[str]:
    async with db.transaction() as session:
        return [bill_card(facts).text for facts in await load_bill_details(session, bills)]


async def test_fifty_cards_take_less_than_a_statement_each(
    db: Database,
    database_url: str,
    people: People,
    slack: Sandbox,
    gateway: SlackClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bills = await standing_cards(db, gateway, people)
    for limit, slow_s in (("NEXT_ONE_S", 0.5), ("LONGEST_S", 30)):
        monkeypatch.setattr(f"bot.worker.batcher.{limit}", slow_s)  # however slow the machine is
    with psycopg.connect(database_url, autocommit=True) as watch:

        async def done() -> bool:
            return watch.execute("select from procrastinate_jobs").fetchone() is None

        async with worker_only(db, gateway, sweep=60, heartbeat=60, poll=60):
            await asyncio.sleep(1)  # until it has looked around once
            with counted(monkeypatch) as sent:
                await redraw(db, bills)
                await until(done)
    assert texts(slack, "CAPPROVALS") == await drawn_now(db, bills)
    assert 0 < len(sent) <= CARDS, Counter(sent)


async def test_one_card_that_slack_refuses_leaves_the_others_drawn(
    db: Database, people: People, slack: Sandbox, gateway: SlackClient
) -> None:
    bills = await standing_cards(db, gateway, people)
    channel = slack.workspace.conversations["CAPPROVALS"]
    slack.workspace.remove(channel, slack.messages(channel.id)[7]["ts"])
    await redraw(db, bills)
    async with worker_only(db, gateway):
        await until(lambda: all_redrawn(db))
    expected = await drawn_now(db, bills)
    assert texts(slack, "CAPPROVALS") == expected[:7] + expected[8:]
    lost = await rows(db, "select bill_id, failure from messages where state = 'failed'")
    assert [tuple(row) for row in lost] == [(bills[7], "message_not_found")]


async def test_one_bill_that_cannot_be_drawn_leaves_the_others_drawn(
    db: Database,
    people: People,
    slack: Sandbox,
    gateway: SlackClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bills = await standing_cards(db, gateway, people)
    load = load_bill_details

    async def stumbling(session: Any, ids: Sequence[int]) -> Any:
        if bills[7] in ids:
            raise ValueError("this one")
        return await load(session, ids)

    monkeypatch.setattr("bot.worker.update_messages.load_bill_details", stumbling)
    await redraw(db, bills)
    expected = await drawn_now(db, bills)
    expected[7] = "not drawn"
    async with worker_only(db, gateway):
        await until(lambda: _says(slack, expected))
        left = "select (args ->> 'bill_id')::int from procrastinate_jobs"
        await until(lambda: _is(db, left, [bills[7]]))


async def _says(slack: Sandbox, expected: list[str]) -> bool:
    return texts(slack, "CAPPROVALS") == expected


async def _is(db: Database, query: str, expected: list[Any]) -> bool:
    return [row[0] for row in await rows(db, query)] == expected


async def test_a_card_decided_while_its_batch_is_drawn_is_drawn_again(
    db: Database,
    people: People,
    slack: Sandbox,
    gateway: SlackClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bills = await standing_cards(db, gateway, people)
    update, calls, go_on = SlackClient.update, list[str](), asyncio.Event()

    async def held_up(self: SlackClient, channel: str, ts: str, message: SlackMessage) -> None:
        calls.append(ts)
        await go_on.wait()
        await update(self, channel, ts, message)

    async def all_called() -> bool:
        return len(calls) == CARDS

    monkeypatch.setattr(SlackClient, "update", held_up)
    await redraw(db, bills)
    async with worker_only(db, gateway):
        await until(all_called)
        before = await drawn_now(db, bills)
        async with db.transaction() as session:
            await approve_bill(session, bills[7], 1, act(people.kim))
        go_on.set()
        await until(lambda: all_redrawn(db))
    now = await drawn_now(db, bills)
    assert texts(slack, "CAPPROVALS") == now
    assert [one for one in range(CARDS) if now[one] != before[one]] == [7]
    assert len(calls) == CARDS + 1


async def test_a_card_that_somebody_writes_to_holds_up_none_of_the_others(
    db: Database, people: People, gateway: SlackClient, slack: Sandbox
) -> None:
    await standing_cards(db, gateway, people)
    cards = [row.id for row in await rows(db, "select id from messages order by id")]
    drawings = [Drawing(one, 1, 2) for one in cards]
    drawings[3] = Drawing(cards[3], 0, 2)
    async with db.transaction() as other, db.transaction() as session:
        lock = sa.text("select id from messages where id = :id for update")
        await other.execute(lock, {"id": cards[5]})
        marked = await mark_all_updated(session, drawings)
    assert set(cards) - marked == {cards[3], cards[5]}
    assert await _is(
        db,
        "select id from messages where drawn_actions = 1 order by id",
        [cards[3], cards[5]],
    )


Serve = Callable[[Sequence[int]], Awaitable[Sequence[int]]]


def halving(batches: list[list[int]]) -> Serve:
    """Refuses a batch in which one number is odd."""

    async def serve(asked: Sequence[int]) -> Sequence[int]:
        batches.append(list(asked))
        await asyncio.sleep(0.01)
        if odd := [one for one in asked if one % 2]:
            raise ValueError(odd)
        return [one // 2 for one in asked]

    return serve


async def test_who_asks_alone_is_served_alone_and_whoever_comes_meanwhile_together() -> None:
    batches = list[list[int]]()
    batcher = Batcher(halving(batches))
    assert await batcher.ask(2) == 1
    first = asyncio.create_task(batcher.ask(4))
    await asyncio.sleep(0.005)
    assert await asyncio.gather(*map(batcher.ask, (6, 8, 10))) == [3, 4, 5]
    assert await first == 2
    assert batches == [[2], [4], [6, 8, 10]]


async def test_of_a_batch_that_fails_each_gets_its_own_answer() -> None:
    batcher = Batcher(halving([]))
    answers = await asyncio.gather(*map(batcher.ask, (2, 3, 4)), return_exceptions=True)
    assert (answers[0], repr(answers[1]), answers[2]) == (1, "ValueError([3])", 2)


async def test_who_gives_up_waiting_takes_no_answer_from_others() -> None:
    batcher = Batcher(halving([]))
    asking = [asyncio.create_task(batcher.ask(one)) for one in (2, 4)]
    await asyncio.sleep(0.005)
    asking[0].cancel()
    assert await asking[1] == 2
    assert await batcher.ask(6) == 3


async def test_a_promise_for_a_card_that_is_current_draws_nothing(
    db: Database, people: People, slack: Sandbox, gateway: SlackClient
) -> None:
    bills = await standing_cards(db, gateway, people)
    async with db.transaction() as session:
        for bill_id in bills[:3]:
            await defer_redraw_cards(session, bill_id)
    async with worker_only(db, gateway):
        await until(lambda: all_redrawn(db))
    assert set(texts(slack, "CAPPROVALS")) == {"not drawn"}


async def test_one_drawing_answers_all_that_was_promised_by_then(
    db: Database,
    people: People,
    slack: Sandbox,
    gateway: SlackClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bills = await standing_cards(db, gateway, people)
    for _ in range(8):
        await redraw(db, bills)
    drawn, update = Counter[str](), gateway.update

    async def counting(channel: str, ts: str, *what: Any) -> None:
        drawn[ts] += 1
        await update(channel, ts, *what)

    monkeypatch.setattr(gateway, "update", counting)
    async with worker_only(db, gateway):
        await until(lambda: all_redrawn(db))
    assert texts(slack, "CAPPROVALS") == await drawn_now(db, bills)
    assert (len(drawn), set(drawn.values())) == (CARDS, {1})
