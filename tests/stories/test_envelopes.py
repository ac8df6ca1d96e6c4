"""Envelopes come twice, late, in any order, or with the next socket: each counts once."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial

import pytest
import sqlalchemy as sa

from models.db.database import Database
from tests.harness.cast import KIM, SAM, People
from tests.harness.slack_people import Json, Team, element, labels, read
from tests.harness.timings import LONG_ACK_S, QUICK
from tests.harness.waiting import until
from tests.stories.october import (
    FOREVER,
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

ACK_S = 1.0
BRIEFLY = replace(QUICK, lock=0.3)
"""So long whoever waits for a bill waits in vain."""


@pytest.fixture
async def team(db: Database, people: People) -> AsyncIterator[Team]:
    async with october(db, people) as (opened, _):
        yield opened


# -- sockets -----------------------------------------------------------------------------------


@asynccontextmanager
async def bills_locked(team: Team) -> AsyncIterator[Callable[[int], Awaitable[None]]]:
    """Nobody gets at a bill while this is open; yields a wait until so many are trying to."""
    async with team.db.transaction() as session:
        await session.execute(sa.text("select from bills for update"))

        async def are_waiting(how_many: int) -> None:
            await until(partial(_are_waiting, team.db, how_many))

        yield are_waiting


async def _are_waiting(db: Database, how_many: int) -> bool:
    (found,) = await rows(
        db,
        """select count(*) as sessions from pg_stat_activity
           where datname = current_database() and wait_event_type = 'Lock'""",
    )
    return int(found.sessions) == how_many


async def test_a_click_whose_socket_drops_counts_once_when_it_is_clicked_again(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    await generated(team)
    card = card_in(team, team.kim.dm)
    place = team.kim.dm
    monkeypatch.setattr(team.sandbox.sockets, "_ack_s", ACK_S)
    async with bills_locked(team) as are_waiting:
        click = asyncio.create_task(
            team.sandbox.interact(KIM, place, card["ts"], element(card, "Approve"))
        )
        await are_waiting(1)
        await team.sandbox.fault(socket="drop")
        monkeypatch.setattr(team.sandbox.sockets, "_ack_s", LONG_ACK_S)
    await click
    await until(lambda: team.sandbox.delivery.connected)
    for told_late in await team.kim.clicks("Approve", on=card):
        assert "You approved this bill" in read(told_late)
    await shows(team, "CACME", "Approved by Kim")
    assert await recorded(team) == Counter(generate=2, approve=1)


async def test_what_is_posted_while_sockets_are_refused_stands_once(team: Team) -> None:
    preview = await team.ana.types("/bill generate 2026-10")
    await team.ana.clicks("Generate", on=preview)
    await team.sandbox.fault(socket="drop", seconds=1.5)
    await settled(team)
    assert {channel: read(card_in(team, channel)) for channel in places(team)}
    await until(lambda: team.sandbox.delivery.connected)
    await approve(team, KIM)
    await shows(team, "CACME", "Approved by Kim")


@pytest.mark.parametrize("goodbye", ["refresh_requested", "link_disabled", "warning"])
async def test_the_bot_comes_back_after(team: Team, goodbye: str) -> None:
    await generated(team)
    await team.sandbox.fault(socket=goodbye)
    await until(lambda: team.sandbox.delivery.connected)
    await approve(team, KIM)
    assert await recorded(team) == Counter(generate=2, approve=1)


# -- envelopes ---------------------------------------------------------------------------------


async def test_doubled_clicks_and_submissions_count_once(team: Team) -> None:
    await team.sandbox.fault(envelopes="duplicate", times=FOREVER)
    preview = await team.ana.types("/bill generate 2026-10")
    await team.ana.clicks("Generate", on=preview)
    await settled(team)
    await approve(team, KIM)
    await team.lee.clicks("Reject", on=card_in(team, team.lee.dm))
    await team.lee.submits(reason_code="limit_wrong", reason="Their limit is 500,000.")
    await shows(team, "CACME", "Approved by Kim")
    await shows(team, team.lee.dm, "Rejected by Lee")
    assert [*team.kim.whispers(), *team.lee.whispers()] == []
    assert await recorded(team) == Counter(generate=2, approve=1, reject=1)


async def test_a_doubled_reply_its_edit_and_its_deletion_are_recorded_once(team: Team) -> None:
    await generated(team)
    await team.sandbox.fault(envelopes="duplicate", times=FOREVER)
    dm = team.kim.dm
    said = await team.kim.replies("They doubled it", to=card_in(team, dm))
    await shows(team, "CACME", "They doubled it")
    await team.kim.edits(said["ts"], "They tripled it", dm)
    await shows(team, "CACME", "They tripled it")
    await team.kim.deletes(said["ts"], dm)
    await until(lambda: "tripled" not in read(card_in(team, "CACME")))
    assert await recorded(team) == Counter(generate=2, comment=1, comment_edit=1, comment_delete=1)
    assert team.kim.whispers() == []


async def overtaken_reply(team: Team, dm: str) -> tuple[str, asyncio.Task[Json]]:
    """A reply of Kim's that is on its way, and that whatever comes next overtakes."""
    await team.sandbox.fault(envelopes="reorder")
    sent = team.kim.replies("They doubled it", to=card_in(team, dm))
    reply = asyncio.create_task(sent)

    def written() -> bool:
        return any("They doubled it" in read(one) for one in team.sandbox.messages(dm))

    await until(written)
    [ts] = [one["ts"] for one in team.sandbox.messages(dm) if "They doubled it" in read(one)]
    return ts, reply


async def test_an_edit_that_overtakes_its_reply_is_one_comment_with_the_last_word(
    team: Team,
) -> None:
    await generated(team)
    dm = team.kim.dm
    ts, reply = await overtaken_reply(team, dm)
    await team.kim.edits(ts, "They tripled it", dm)
    await reply
    await shows(team, "CACME", "They tripled it")
    assert (await recorded(team))["comment"] == 1


async def test_the_last_of_two_edits_stands_whichever_comes_first(team: Team) -> None:
    await generated(team)
    dm = team.kim.dm
    ts, reply = await overtaken_reply(team, dm)
    await team.sandbox.fault(envelopes="reorder")
    first = asyncio.create_task(team.kim.edits(ts, "They tripled it", dm))
    await until(lambda: any("tripled" in read(m) for m in team.sandbox.messages(dm)))
    await team.kim.edits(ts, "They halved it", dm)
    await asyncio.gather(reply, first)
    await settled(team)
    assert (await recorded(team))["comment"] == 1
    await shows(team, "CACME", "They halved it")


async def test_a_deletion_that_overtakes_its_reply_leaves_no_comment_standing(
    team: Team,
) -> None:
    await generated(team)
    dm = team.kim.dm
    ts, reply = await overtaken_reply(team, dm)
    await team.kim.deletes(ts, dm)
    await reply
    await settled(team)
    assert (await recorded(team)) in (
        Counter(generate=2),
        Counter(generate=2, comment=1, comment_delete=1),
    )
    assert "They doubled it" not in read(card_in(team, "CACME"))


async def test_two_decisions_in_the_wrong_order_both_count(team: Team) -> None:
    await generated(team)
    await team.sandbox.fault(envelopes="reorder")
    await asyncio.gather(approve(team, KIM), approve(team, SAM))
    await shows_both_approvals(team, "CACME")
    assert await recorded(team) == Counter(generate=2, approve=2)


async def test_an_overtaken_submission_and_what_overtakes_it_do_not_both_count(
    team: Team,
) -> None:
    await generated(team)
    card, place = card_in(team, team.lee.dm), team.lee.dm
    await team.lee.clicks("Reject", on=card)
    await team.sandbox.fault(envelopes="reorder")
    sent, _ = await asyncio.gather(
        team.lee.submits(reason_code="limit_wrong", reason="Their limit is 500,000."),
        team.kim.clicks("Approve", on=card),
    )
    assert sent["ok"], sent
    await until(lambda: "Approve" not in labels(card_in(team, place)))
    decided = await recorded(team)
    assert decided in (Counter(generate=2, approve=1), Counter(generate=2, reject=1))


async def test_a_reply_that_could_not_be_recorded_is_told_of_again_and_recorded_once(
    db: Database, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with october(db, people, BRIEFLY) as (team, _):
        await generated(team)
        monkeypatch.setattr(team.sandbox.sockets, "_ack_s", ACK_S)
        await _reply_while_the_bill_is_locked(team)


async def _reply_while_the_bill_is_locked(team: Team) -> None:
    dm = team.kim.dm
    async with bills_locked(team) as are_waiting:
        sent = team.kim.replies("They doubled it", to=card_in(team, dm))
        reply = asyncio.create_task(sent)
        await are_waiting(1)
        await are_waiting(0)  # it has given up
    assert not (await reply)["acked"]
    await shows(team, "CACME", "They doubled it")
    await settled(team)
    assert await recorded(team) == Counter(generate=2, comment=1)
