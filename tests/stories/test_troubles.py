"""Whatever goes wrong on the way: no card lost, none doubled, everything recorded once."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from bot.app import App
from models.base import Database
from sandbox.server import Sandbox
from sandbox.shapes import JsonObject
from sandbox.story import QUICK, Story, element, labels, read, told
from tests.bot.helpers import settings_for
from tests.conftest import People
from tests.stories.conftest import ANA, KIM, LEE, SAM, TEAM, sign_up

IMPATIENT = replace(QUICK, back_off_first=0.1, back_off_longest=0.5)
SUMMARY = "2 bills made for October 2026"
LONGER_S = 25.0

Fault = dict[str, Any]


@pytest.fixture
async def story(database_url: str, people: People) -> AsyncIterator[Story]:
    """Acme needs Kim and Sam and has a channel; Brook is Lee's. Nothing is generated yet."""
    async with told(database_url, TEAM, timings=IMPATIENT) as opened:
        async with opened.db.transaction() as session:
            await sign_up(
                session,
                "Acme Corp",
                csm_id=people.kim.id,
                sales_id=people.sam.id,
                require_csm_approval=True,
                require_sales_approval=True,
                slack_channel_id="CACME",
            )
            await sign_up(session, "Brook Ltd", csm_id=people.lee.id)
        yield opened


def places(story: Story) -> dict[str, str]:
    """Each conversation in which one card belongs, and the customer it is of."""
    dms = {story.sandbox.dm(user): "Acme Corp" for user in (KIM, SAM)}
    return dms | {"CACME": "Acme Corp", story.sandbox.dm(LEE): "Brook Ltd"}


def card_in(story: Story, channel: str) -> JsonObject:
    """The one card there; anything else the bot has said to all fails the test."""
    bot = story.sandbox.bot_user_id
    said = [
        message
        for message in story.sandbox.messages(channel)
        if message["user"] == bot and "ephemeral_user" not in message
    ]
    assert len(said) == 1, [read(message) for message in said]
    assert places(story)[channel] in read(said[0])
    return said[0]


async def generated(story: Story) -> None:
    """Ana generates October; everything that was to be said about it has been said, once."""
    preview = await story.type(ANA, "/bill generate 2026-10")
    await story.click(ANA, preview, "Generate")
    await settled(story)
    for channel in places(story):
        assert "Approve" in labels(card_in(story, channel))
    [summary] = story.messages(ANA)
    assert SUMMARY in read(summary)


async def settled(story: Story) -> None:
    """Wait until a run is over, nothing waits to be posted, and no job is left."""
    async with asyncio.timeout(LONGER_S):
        while not await _is_settled(story.db):  # noqa: ASYNC110 - nobody tells us
            await asyncio.sleep(0.03)


async def _is_settled(db: Database) -> bool:
    (done,) = await rows(
        db,
        """select exists (select from runs)
           and not exists (select from runs where finished_at is null)
           and not exists (select from postings where state in ('waiting', 'sending')
                           and kind <> 'approval')
           and not exists (select from procrastinate_jobs where status = 'doing'
                           or status = 'todo' and coalesce(scheduled_at, now()) <= now()
                           or status = 'todo' and attempts > 0) as done""",
    )
    return bool(done.done)


async def rows(db: Database, query: str) -> list[Any]:
    async with db.transaction() as session:
        return list(await session.execute(sa.text(query)))


async def recorded(story: Story) -> Counter[str]:
    """How often each verb stands in the record of all bills."""
    found = await rows(story.db, "select action from bill_actions")
    return Counter(row.action for row in found)


async def approve(story: Story, user: str) -> list[JsonObject]:
    """Click Approve on one's own card."""
    return await story.click(user, card_in(story, story.sandbox.dm(user)), "Approve")


async def shows(story: Story, channel: str, *words: str) -> None:
    """Wait until the card there says all of that."""
    await story.until(
        lambda: all(word in read(card_in(story, channel)) for word in words), LONGER_S
    )


async def shows_both_approvals(story: Story, channel: str) -> None:
    """Nothing is left to approve there."""
    await story.until(lambda: "Approve" not in labels(card_in(story, channel)), LONGER_S)
    await shows(story, channel, "Approved by", "Kim", "Sam")


# -- calls that go wrong -----------------------------------------------------------------------

FOREVER = 0
CALLS: list[Fault] = [
    {"kind": "lost_response", "times": 3},
    {"kind": "lost_response", "probability": 0.5, "seed": 11},
    {"kind": "cut", "times": 3},
    {"kind": "error", "status": 500, "times": 4},
    {"kind": "error", "status": 500, "effect": True, "times": 3},
    {"kind": "error", "status": 503, "probability": 0.5, "seed": 5},
    {"kind": "error", "error": "fatal_error", "times": 2},
    {"kind": "error", "error": "fatal_error", "effect": True, "times": 2},
    {"kind": "ratelimited", "retry_after": 1, "times": 2},
]


def _id(fault: Fault) -> str:
    return "-".join(f"{value}" for value in fault.values())


@pytest.mark.parametrize("fault", CALLS, ids=_id)
async def test_every_card_stands_once_and_shows_the_truth_despite(
    story: Story, fault: Fault
) -> None:
    await story.sandbox.fault(method="chat.postMessage", **fault)
    await generated(story)
    await story.sandbox.fault(clear=True)
    await story.sandbox.fault(method="chat.update", **fault)
    assert await approve(story, KIM) == []
    assert await approve(story, SAM) == []
    for channel in (story.sandbox.dm(KIM), story.sandbox.dm(SAM), "CACME"):
        await shows_both_approvals(story, channel)
    assert await recorded(story) == Counter(generate=2, approve=2)


LOOKUPS: list[Fault] = [
    {"method": "conversations.history", "kind": "error", "status": 500, "times": 4},
    {"method": "conversations.history", "kind": "ratelimited", "retry_after": 1, "times": 1},
    {"method": "conversations.history", "kind": "cut", "times": 4},
    {"method": "conversations.open", "kind": "error", "status": 500, "times": 2},
    {"method": "conversations.open", "kind": "error", "error": "fatal_error", "times": 2},
    {"method": "conversations.open", "kind": "cut", "times": 2},
]


@pytest.mark.parametrize("fault", LOOKUPS, ids=_id)
async def test_a_lost_response_makes_no_second_card_though_looking_fails_too(
    story: Story, fault: Fault
) -> None:
    await story.sandbox.fault(method="chat.postMessage", kind="lost_response", times=2)
    await story.sandbox.fault(**fault)
    await generated(story)


async def test_a_click_is_recorded_once_though_the_answer_to_it_is_lost(story: Story) -> None:
    await generated(story)
    await approve(story, KIM)
    await story.sandbox.fault(method="response_url", kind="lost_response", times=3)
    await approve(story, KIM)
    await story.sandbox.fault(method="chat.postEphemeral", kind="cut", times=3)
    await approve(story, KIM)
    assert await recorded(story) == Counter(generate=2, approve=1)
    await shows(story, "CACME", "Kim")


# -- sockets -----------------------------------------------------------------------------------


@asynccontextmanager
async def bills_locked(story: Story) -> AsyncIterator[Callable[[int], Awaitable[None]]]:
    """Nobody gets at a bill while this is open; yields a wait until so many are trying to."""
    async with story.db.transaction() as session:
        await session.execute(sa.text("select from bills for update"))

        async def are_waiting(how_many: int) -> None:
            async with asyncio.timeout(LONGER_S):
                while await _waiting(story.db) != how_many:  # noqa: ASYNC110 - nobody tells us
                    await asyncio.sleep(0.01)

        yield are_waiting


async def _waiting(db: Database) -> int:
    (found,) = await rows(
        db,
        """select count(*) as sessions from pg_stat_activity
           where datname = current_database() and wait_event_type = 'Lock'""",
    )
    return int(found.sessions)


async def test_a_click_whose_socket_drops_counts_once_when_it_is_clicked_again(
    story: Story,
) -> None:
    await generated(story)
    card = card_in(story, story.sandbox.dm(KIM))
    place = story.sandbox.dm(KIM)
    async with bills_locked(story) as are_waiting:
        click = asyncio.create_task(
            story.sandbox.interact(KIM, place, card["ts"], element(card, "Approve"))
        )
        await are_waiting(1)
        await story.sandbox.fault(socket="drop")
    await click
    await story.until(lambda: story.sandbox.delivery.connected)
    for told_late in await story.click(KIM, card, "Approve"):
        assert "You approved this bill" in read(told_late)
    await shows(story, "CACME", "Approved by Kim")
    assert await recorded(story) == Counter(generate=2, approve=1)


async def test_what_is_posted_while_sockets_are_refused_stands_once(story: Story) -> None:
    preview = await story.type(ANA, "/bill generate 2026-10")
    await story.click(ANA, preview, "Generate")
    await story.sandbox.fault(socket="drop", seconds=1.5)
    await settled(story)
    assert {channel: read(card_in(story, channel)) for channel in places(story)}
    await story.until(lambda: story.sandbox.delivery.connected, LONGER_S)
    await approve(story, KIM)
    await shows(story, "CACME", "Approved by Kim")


@pytest.mark.parametrize("goodbye", ["refresh_requested", "link_disabled", "warning"])
async def test_the_bot_comes_back_after(story: Story, goodbye: str) -> None:
    await generated(story)
    await story.sandbox.fault(socket=goodbye)
    await story.until(lambda: story.sandbox.delivery.connected, LONGER_S)
    await approve(story, KIM)
    assert await recorded(story) == Counter(generate=2, approve=1)


# -- envelopes ---------------------------------------------------------------------------------


async def test_doubled_clicks_and_submissions_count_once(story: Story) -> None:
    await story.sandbox.fault(envelopes="duplicate", times=FOREVER)
    preview = await story.type(ANA, "/bill generate 2026-10")
    await story.click(ANA, preview, "Generate")
    await settled(story)
    await approve(story, KIM)
    await story.click(LEE, card_in(story, story.sandbox.dm(LEE)), "Reject")
    await story.submit(LEE, reason_code="limit_wrong", reason="Their limit is 500,000.")
    await shows(story, "CACME", "Approved by Kim")
    await shows(story, story.sandbox.dm(LEE), "Rejected by Lee")
    assert await recorded(story) == Counter(generate=2, approve=1, reject=1)


async def test_a_doubled_reply_its_edit_and_its_deletion_are_recorded_once(story: Story) -> None:
    await generated(story)
    await story.sandbox.fault(envelopes="duplicate", times=FOREVER)
    dm = story.sandbox.dm(KIM)
    said = await story.sandbox.message(KIM, dm, "They doubled it", card_in(story, dm)["ts"])
    await shows(story, "CACME", "They doubled it")
    await story.sandbox.edit(KIM, dm, said["ts"], "They tripled it")
    await shows(story, "CACME", "They tripled it")
    await story.sandbox.delete(KIM, dm, said["ts"])
    await story.until(lambda: "tripled" not in read(card_in(story, "CACME")))
    assert await recorded(story) == Counter(generate=2, comment=1, comment_edit=1, comment_delete=1)


async def overtaken_reply(story: Story, dm: str) -> tuple[str, asyncio.Task[JsonObject]]:
    """A reply of Kim's that is on its way, and that whatever comes next overtakes."""
    await story.sandbox.fault(envelopes="reorder")
    sent = story.sandbox.message(KIM, dm, "They doubled it", card_in(story, dm)["ts"])
    reply = asyncio.create_task(sent)

    def written() -> bool:
        return any("They doubled it" in read(one) for one in story.sandbox.messages(dm))

    await story.until(written)
    [ts] = [one["ts"] for one in story.sandbox.messages(dm) if "They doubled it" in read(one)]
    return ts, reply


async def test_an_edit_that_overtakes_its_reply_is_one_comment_with_the_last_word(
    story: Story,
) -> None:
    await generated(story)
    dm = story.sandbox.dm(KIM)
    ts, reply = await overtaken_reply(story, dm)
    await story.sandbox.edit(KIM, dm, ts, "They tripled it")
    await reply
    await shows(story, "CACME", "They tripled it")
    assert (await recorded(story))["comment"] == 1


async def test_the_last_of_two_edits_stands_whichever_comes_first(story: Story) -> None:
    await generated(story)
    dm = story.sandbox.dm(KIM)
    ts, reply = await overtaken_reply(story, dm)
    await story.sandbox.fault(envelopes="reorder")
    first = asyncio.create_task(story.sandbox.edit(KIM, dm, ts, "They tripled it"))
    await story.until(lambda: any("tripled" in read(m) for m in story.sandbox.messages(dm)))
    await story.sandbox.edit(KIM, dm, ts, "They halved it")
    await asyncio.gather(reply, first)
    await settled(story)
    assert (await recorded(story))["comment"] == 1
    await shows(story, "CACME", "They halved it")


async def test_a_deletion_that_overtakes_its_reply_leaves_no_comment_standing(
    story: Story,
) -> None:
    await generated(story)
    dm = story.sandbox.dm(KIM)
    ts, reply = await overtaken_reply(story, dm)
    await story.sandbox.delete(KIM, dm, ts)
    await reply
    await settled(story)
    assert (await recorded(story)) in (
        Counter(generate=2),
        Counter(generate=2, comment=1, comment_delete=1),
    )
    assert "They doubled it" not in read(card_in(story, "CACME"))


async def test_two_decisions_in_the_wrong_order_both_count(story: Story) -> None:
    await generated(story)
    await story.sandbox.fault(envelopes="reorder")
    await asyncio.gather(approve(story, KIM), approve(story, SAM))
    await shows_both_approvals(story, "CACME")
    assert await recorded(story) == Counter(generate=2, approve=2)


async def test_an_overtaken_submission_and_what_overtakes_it_do_not_both_count(
    story: Story,
) -> None:
    await generated(story)
    card, place = card_in(story, story.sandbox.dm(LEE)), story.sandbox.dm(LEE)
    await story.click(LEE, card, "Reject")
    await story.sandbox.fault(envelopes="reorder")
    sent, _ = await asyncio.gather(
        story.submit(LEE, reason_code="limit_wrong", reason="Their limit is 500,000."),
        story.click(KIM, card, "Approve", channel=place),
    )
    assert sent["ok"], sent
    await story.until(lambda: "Approve" not in labels(card_in(story, place)))
    decided = await recorded(story)
    assert decided in (Counter(generate=2, approve=1), Counter(generate=2, reject=1))


async def test_a_reply_that_could_not_be_recorded_is_told_of_again_and_recorded_once(
    story: Story,
) -> None:
    await generated(story)
    dm = story.sandbox.dm(KIM)
    async with bills_locked(story) as are_waiting:
        sent = story.sandbox.message(KIM, dm, "They doubled it", card_in(story, dm)["ts"])
        reply = asyncio.create_task(sent)
        await are_waiting(1)
        await are_waiting(0)  # it has given up: a person's transaction waits for a second
    assert not (await reply)["acked"]
    await shows(story, "CACME", "They doubled it")
    await settled(story)
    assert await recorded(story) == Counter(generate=2, comment=1)


# -- places that are gone ----------------------------------------------------------------------


async def failures(story: Story) -> dict[str, str]:
    found = await rows(story.db, "select place, failure from postings where state = 'failed'")
    return {row.place: row.failure for row in found}


async def test_an_archived_channel_is_given_up_and_the_others_get_their_cards(
    story: Story,
) -> None:
    await story.sandbox.change_channel("CACME", is_archived=True)
    preview = await story.type(ANA, "/bill generate 2026-10")
    await story.click(ANA, preview, "Generate")
    await settled(story)
    assert await failures(story) == {"channel:CACME": "is_archived"}
    for user in (KIM, SAM, LEE):
        card_in(story, story.sandbox.dm(user))


async def test_a_person_who_has_left_is_given_up_and_the_others_get_their_cards(
    story: Story, people: People
) -> None:
    story.sandbox.workspace.users[SAM].deleted = True
    preview = await story.type(ANA, "/bill generate 2026-10")
    await story.click(ANA, preview, "Generate")
    await settled(story)
    assert await failures(story) == {f"user:{people.sam.id}": "user_disabled"}
    for channel in (story.sandbox.dm(KIM), "CACME", story.sandbox.dm(LEE)):
        card_in(story, channel)


async def test_a_card_that_was_deleted_does_not_keep_the_others_from_the_truth(
    story: Story,
) -> None:
    await generated(story)
    conversation = story.sandbox.workspace.conversations["CACME"]
    story.sandbox.workspace.remove(conversation, card_in(story, "CACME")["ts"])
    await approve(story, KIM)
    await shows(story, story.sandbox.dm(SAM), "Approved by Kim")
    await settled(story)
    assert await failures(story) == {"channel:CACME": "message_not_found"}


# -- servers that know less --------------------------------------------------------------------

LACKING = [
    "views.publish",
    "views.open",
    "conversations.history",
    "conversations.open",
    "chat.postEphemeral",
    "files.*",
]


@pytest.mark.parametrize("method", LACKING)
async def test_without_a_method_the_rest_goes_on(story: Story, method: str) -> None:
    lacks = {"method": method, "kind": "error", "error": "unknown_method", "times": FOREVER}
    await story.sandbox.fault(**lacks)
    await story.sandbox.open_home(KIM)
    await generated(story)
    card = card_in(story, story.sandbox.dm(KIM))
    await story.click(KIM, card, "Reject")
    await approve(story, KIM)
    await story.sandbox.message(LEE, story.sandbox.dm(KIM), "Fine", card["ts"])
    await shows(story, "CACME", "Approved by Kim", "Fine")
    for line in ("/bill list", "/bill show #1", "/usage Acme Corp"):
        assert "Acme Corp" in read(await story.type(KIM, line))
    assert await story.app.reasons_not_ready() == []


async def test_a_message_that_cannot_be_looked_for_is_sent_again(story: Story) -> None:
    await story.sandbox.fault(
        method="conversations.history", kind="error", error="unknown_method", times=FOREVER
    )
    await story.sandbox.fault(method="chat.postMessage", kind="error", status=500, times=2)
    await generated(story)


async def test_the_bot_starts_on_a_server_that_cannot_name_its_app(
    database_url: str, people: People
) -> None:
    async with Sandbox(workspace=TEAM, rate_limits=False) as slack:
        await slack.fault(method="bots.info", kind="error", error="unknown_method", times=FOREVER)
        app = App(settings_for(slack, database_url), timings=IMPATIENT)
        await app.start()
        try:
            async with asyncio.timeout(LONGER_S):
                while not slack.delivery.connected:  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
            answer = await slack.command(ANA, slack.dm(ANA), "/bill", "list")
            assert answer["ok"], answer
        finally:
            await app.drain_and_stop()
