"""What was written under open cards while nobody heard it is found, once."""

import asyncio
from dataclasses import replace

import pytest

from bot.missed_events import MissedEvents
from tests.handlers.conftest import Bills, card_in_channel
from tests.harness.record import actions_of, verbs_of
from tests.harness.running import Listeners, whole_bot
from tests.harness.slack_people import Json, Team, said
from tests.harness.timings import QUICK
from tests.harness.waiting import until


@pytest.fixture
def missed(listeners: Listeners) -> MissedEvents:
    return MissedEvents(listeners.services, listeners.slack, QUICK)


def unheard(team: Team, by: str, text: str, to: Json, channel: str) -> Json:
    """Written, and no event of it comes."""
    workspace = team.sandbox.workspace
    reply = {"user": by, "text": text, "thread_ts": to["ts"]}
    return workspace.post(workspace.conversations[channel], reply)


async def test_what_kim_wrote_during_an_outage_becomes_one_comment(
    team: Team, october: Bills, missed: MissedEvents
) -> None:
    card = await team.kim.card(october.acme)
    await team.kim.replies("Heard", to=card)
    unheard(team, "UKIM", "Not heard", card, team.kim.dm)
    assert [await missed.look(), await missed.look()] == [1, 0]
    said = [action.comment for action in await actions_of(team.db, october.acme)]
    assert said == [None, "Heard", "Not heard"]
    await until(lambda: "2 comments" in str(team.again(card, team.kim.dm)["blocks"]))


async def test_who_went_away_or_left_during_an_outage_is_known_after_it(
    team: Team, october: Bills, missed: MissedEvents
) -> None:
    people = team.sandbox.workspace.users
    people["UKIM"].status_emoji, people["ULEE"].deleted = ":palm_tree:", True
    await missed.look()
    await team.ana.told("Lee (CSM) has left Slack")
    await team.kim.told("By your status in Slack you are away until your status in Slack changes.")
    people["UKIM"].status_emoji, people["ULEE"].deleted = "", False
    await missed.look()
    await team.ana.told("Lee (CSM) is back in Slack")
    shown = await team.ana.types(f"/bill show #{october.acme}")
    assert "Waits for Kim (CSM)" in said(shown)
    assert "who is away" not in said(shown)


async def test_several_who_look_and_slack_itself_record_a_reply_once(
    team: Team, october: Bills, missed: MissedEvents, listeners: Listeners
) -> None:
    card = await team.kim.card(october.acme)
    reply = unheard(team, "UKIM", "Late", card, team.kim.dm)
    event = {**reply, "type": "message", "channel": team.kim.dm}
    late = {"type": "event_callback", "team_id": team.sandbox.team_id, "event": event}
    await asyncio.gather(missed.look(), missed.look(), listeners.hear(late))
    assert await verbs_of(team.db, october.acme) == ["generate", "comment"]


async def test_an_edit_that_was_missed_is_recorded_as_one(
    team: Team, october: Bills, missed: MissedEvents
) -> None:
    card = await team.kim.card(october.acme)
    reply = await team.kim.replies("Too much", to=card)
    stored = team.sandbox.workspace.conversations[team.kim.dm].messages[reply["ts"]]
    stored |= {"text": "Too little", "edited": {"user": "UKIM", "ts": f"{reply['ts'][:-1]}9"}}
    assert [await missed.look(), await missed.look()] == [1, 0]
    assert (await actions_of(team.db, october.acme))[-1].comment == "Too little"
    assert (await verbs_of(team.db, october.acme))[-1] == "comment_edit"


async def test_who_may_not_comment_is_told_once_however_often_it_is_found(
    team: Team, october: Bills, missed: MissedEvents
) -> None:
    """Also who heard so when it was written, and has been given a role since."""
    thread = await card_in_channel(team, october.acme)
    await team.max.replies("Heard", to=thread)
    unheard(team, "UNEW", "Not heard", thread, "CBILLS")
    async with team.db.transaction() as session:
        connection = await session.connection()
        await connection.exec_driver_sql("update users set role = 'Sales' where name = 'Max'")
    assert [await missed.look(), await missed.look()] == [1, 0]
    assert [told["thread_ts"] for told in team.max.whispers()] == [thread["ts"]]
    (told,) = team.new.whispers()
    assert "was not recorded" in told["text"]
    assert await verbs_of(team.db, october.acme) == ["generate"]


async def test_a_conversation_that_slack_refuses_to_show_keeps_no_other_from_being_looked_at(
    team: Team, october: Bills, missed: MissedEvents
) -> None:
    """And what passes is tried again from the same moment on."""
    card = await team.kim.card(october.acme)
    thread = await card_in_channel(team, october.acme)
    for by, where, there in (("UKIM", card, team.kim.dm), ("ULEE", thread, "CBILLS")):
        unheard(team, by, "Not heard", where, there)
    fault: Json = {"method": "conversations.history", "kind": "error", "times": 1}
    await team.sandbox.fault(**fault, status=200, error="team_added_to_org")
    assert [await missed.look(), await missed.look()] == [1, 1]


async def test_it_is_looked_for_when_the_program_starts_and_when_slack_is_back(
    team: Team, october: Bills
) -> None:
    card = await team.kim.card(october.acme)
    unheard(team, "UKIM", "While it was off", card, team.kim.dm)

    async def comments() -> int:
        return (await verbs_of(team.db, october.acme)).count("comment")

    async def are(many: int) -> bool:
        return await comments() == many

    async with whole_bot(team, replace(QUICK, missed=0.1)):
        await until(lambda: are(1))
        team.clock.travel(minutes=20)
        unheard(team, "UKIM", "While it was on", card, team.kim.dm)
        await team.sandbox.fault(socket="refuse", seconds=0.5)
        await team.sandbox.fault(socket="drop")
        await until(lambda: are(2))
