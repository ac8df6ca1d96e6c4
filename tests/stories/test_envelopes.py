"""Envelopes come twice, late, in any order, or with the next socket: each counts once."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
import sqlalchemy as sa

from models.db.database import Database
from sandbox.fake_slack.shapes import JsonObject
from sandbox.story import Story, element, labels, read
from tests.conftest import People
from tests.stories.conftest import ANA, KIM, LEE, SAM
from tests.stories.october import (
    FOREVER,
    LONGER_S,
    approve,
    card_in,
    generated,
    october,
    places,
    recorded,
    rows,
    settled,
    shows,
    shows_both_approvals,
)


@pytest.fixture
async def story(database_url: str, people: People) -> AsyncIterator[Story]:
    async with october(database_url, people) as opened:
        yield opened


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
