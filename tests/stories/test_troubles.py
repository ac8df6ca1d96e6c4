"""Whatever goes wrong on the way: no card lost, none doubled, everything recorded once."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from bot.app import App
from sandbox.fake_slack.app import serve
from sandbox.fake_slack.sandbox import Sandbox
from sandbox.story import Story, read
from tests.bot.helpers import settings_for
from tests.conftest import People
from tests.stories.conftest import ANA, KIM, LEE, SAM, TEAM
from tests.stories.october import (
    FOREVER,
    IMPATIENT,
    LONGER_S,
    approve,
    card_in,
    generated,
    october,
    recorded,
    rows,
    settled,
    shows,
    shows_both_approvals,
)

Fault = dict[str, Any]


@pytest.fixture
async def story(database_url: str, people: People) -> AsyncIterator[Story]:
    async with october(database_url, people) as opened:
        yield opened


# -- calls that go wrong -----------------------------------------------------------------------

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


# -- places that are gone ----------------------------------------------------------------------


async def failures(story: Story) -> dict[str, str]:
    found = await rows(story.db, "select recipient, failure from messages where state = 'failed'")
    return {row.recipient: row.failure for row in found}


async def test_an_archived_channel_holds_nobody_up_and_gets_its_card_when_it_is_back(
    story: Story,
) -> None:
    await story.sandbox.change_channel("CACME", is_archived=True)
    preview = await story.type(ANA, "/bill generate 2026-10")
    await story.click(ANA, preview, "Generate")
    for user in (KIM, SAM, LEE):
        await story.until(lambda u=user: bool(story.cards(u)), LONGER_S)  # type: ignore[misc]
        card_in(story, story.sandbox.dm(user))
    await story.sandbox.change_channel("CACME", is_archived=False)
    await settled(story)
    card_in(story, "CACME")
    assert await failures(story) == {}


async def test_a_channel_that_stays_archived_is_given_up_with_the_cause(
    database_url: str, people: People
) -> None:
    timings = replace(IMPATIENT, give_up=0.5)
    async with october(database_url, people, timings) as story:
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
    async with serve(Sandbox(workspace=TEAM, rate_limits=False)) as slack:
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
