"""Whatever goes wrong on the way: no card lost, none doubled, everything recorded once."""

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from bot.app import App
from models.db.database import Database
from tests.harness.cast import KIM, LEE, SAM, People
from tests.harness.running import settings_for, workspace
from tests.harness.slack_people import Team, read
from tests.harness.timings import QUICK
from tests.harness.waiting import until
from tests.stories.conftest import TEAM
from tests.stories.october import (
    FOREVER,
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
async def team(db: Database, people: People) -> AsyncIterator[Team]:
    async with october(db, people) as (opened, _):
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
async def test_every_card_stands_once_and_shows_the_truth_despite(team: Team, fault: Fault) -> None:
    await team.sandbox.fault(method="chat.postMessage", **fault)
    await generated(team)
    await team.sandbox.fault(clear=True)
    await team.sandbox.fault(method="chat.update", **fault)
    assert await approve(team, KIM) == []
    assert await approve(team, SAM) == []
    for channel in (team.kim.dm, team.sam.dm, "CACME"):
        await shows_both_approvals(team, channel)
    assert await recorded(team) == Counter(generate=2, approve=2)


async def test_an_outage_is_over_and_nobody_has_seen_anything_twice(team: Team) -> None:
    preview = await team.ana.types("/bill generate 2026-10")
    for outage in (
        {"kind": "error", "status": 503, "effect": True, "times": 9},
        {"kind": "error", "status": 500, "times": 6},
        {"kind": "lost_response", "times": 6},
    ):
        await team.sandbox.fault(method="chat.*", **outage)
    await team.sandbox.fault(envelopes="duplicate", times=FOREVER)
    await team.sandbox.fault(socket="drop")
    await until(lambda: team.sandbox.delivery.connected)
    await team.ana.clicks("Generate", on=preview)
    await settled(team)
    assert len(team.ana.messages()) == 1
    for user in (KIM, SAM):
        assert await approve(team, user) == []
    for channel in (team.kim.dm, team.sam.dm, "CACME"):
        await shows_both_approvals(team, channel)
    assert [len(team.person(user).whispers()) for user in (KIM, SAM, LEE)] == [0, 0, 0]
    assert await recorded(team) == Counter(generate=2, approve=2)


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
    team: Team, fault: Fault
) -> None:
    await team.sandbox.fault(method="chat.postMessage", kind="lost_response", times=2)
    await team.sandbox.fault(**fault)
    await generated(team)


async def test_a_click_is_recorded_once_though_the_answer_to_it_is_lost(team: Team) -> None:
    await generated(team)
    old = card_in(team, team.kim.dm)
    await approve(team, KIM)
    for kind, told in (("lost_response", 1), ("cut", 0)):
        await team.sandbox.fault(method="response_url", kind=kind)
        assert len(await team.kim.clicks("Approve", on=old)) == told
    assert await recorded(team) == Counter(generate=2, approve=1)
    await shows(team, "CACME", "Kim")


# -- places that are gone ----------------------------------------------------------------------


async def failures(team: Team) -> dict[str, str]:
    found = await rows(team.db, "select recipient, failure from messages where state = 'failed'")
    return {row.recipient: row.failure for row in found}


async def test_an_archived_channel_holds_nobody_up_and_gets_its_card_when_it_is_back(
    team: Team,
) -> None:
    await team.sandbox.change_channel("CACME", is_archived=True)
    preview = await team.ana.types("/bill generate 2026-10")
    await team.ana.clicks("Generate", on=preview)
    for user in (KIM, SAM, LEE):
        await until(lambda u=user: bool(team.person(u).cards()))  # type: ignore[misc]
        card_in(team, team.person(user).dm)
    await team.sandbox.change_channel("CACME", is_archived=False)
    await settled(team)
    card_in(team, "CACME")
    assert await failures(team) == {}


async def test_a_channel_that_stays_archived_is_given_up_with_the_cause(
    db: Database, people: People
) -> None:
    async with october(db, people, replace(QUICK, give_up=0.5)) as (team, _):
        await team.sandbox.change_channel("CACME", is_archived=True)
        preview = await team.ana.types("/bill generate 2026-10")
        await team.ana.clicks("Generate", on=preview)
        await settled(team)
        assert await failures(team) == {"channel:CACME": "is_archived"}
        for user in (KIM, SAM, LEE):
            card_in(team, team.person(user).dm)


async def test_a_person_who_has_left_is_given_up_and_the_others_get_their_cards(
    team: Team, people: People
) -> None:
    team.sandbox.workspace.users[SAM].deleted = True
    preview = await team.ana.types("/bill generate 2026-10")
    await team.ana.clicks("Generate", on=preview)
    await settled(team)
    assert await failures(team) == {f"user:{people.sam.id}": "user_disabled"}
    for channel in (team.kim.dm, "CACME", team.lee.dm):
        card_in(team, channel)


async def test_a_card_that_was_deleted_does_not_keep_the_others_from_the_truth(
    team: Team,
) -> None:
    await generated(team)
    conversation = team.sandbox.workspace.conversations["CACME"]
    team.sandbox.workspace.remove(conversation, card_in(team, "CACME")["ts"])
    await approve(team, KIM)
    await shows(team, team.sam.dm, "Approved by Kim")
    await settled(team)
    assert await failures(team) == {"channel:CACME": "message_not_found"}


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
async def test_without_a_method_the_rest_goes_on(db: Database, people: People, method: str) -> None:
    async with october(db, people) as (team, app):
        await _everybody_does_their_work_without(method, team)
        assert await app.reasons_not_ready() == []


async def _everybody_does_their_work_without(method: str, team: Team) -> None:
    lacks = {"method": method, "kind": "error", "error": "unknown_method", "times": FOREVER}
    await team.sandbox.fault(**lacks)
    await team.kim.opens_home()
    await generated(team)
    card = card_in(team, team.kim.dm)
    await team.kim.clicks("Reject", on=card)
    await approve(team, KIM)
    await team.lee.replies("Fine", to=card)
    await shows(team, "CACME", "Approved by Kim", "Fine")
    for line in ("/bill list", "/bill show #1", "/usage Acme Corp"):
        assert "Acme Corp" in read(await team.kim.types(line))


async def test_a_message_that_cannot_be_looked_for_is_sent_again(team: Team) -> None:
    await team.sandbox.fault(
        method="conversations.history", kind="error", error="unknown_method", times=FOREVER
    )
    await team.sandbox.fault(method="chat.postMessage", kind="error", status=500, times=2)
    await generated(team)


@pytest.mark.usefixtures("people")
async def test_the_bot_starts_on_a_server_that_cannot_name_its_app(db: Database) -> None:
    async with workspace(TEAM) as slack:
        await slack.fault(method="bots.info", kind="error", error="unknown_method", times=FOREVER)
        app = App(settings_for(slack, db.url), timings=QUICK)
        await app.start()
        try:
            await until(lambda: slack.delivery.connected)
            assert await Team(slack, db).ana.types("/bill list")
        finally:
            await app.drain_and_stop()
