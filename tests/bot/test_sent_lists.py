"""What becomes of a list of bills that was sent, told until all of it is out; and what failed."""

import asyncio
from typing import Any

import pytest

from bot.slack.client import SlackClient
from models.batches.bulk_send import start_send
from models.batches.bulk_send_outcome import outcome_of_list
from models.batches.send_again import retry_failed
from models.batches.send_preview import preview_send
from models.context import Context, Source
from models.db.database import Database
from models.errors import WrongState
from models.people.users import User
from sandbox.fake_slack.sandbox import Sandbox
from tests.bot.helpers import no_jobs, rows, said_to
from tests.bot.test_sending import AT_ONCE, Watch, approved, bill, mailing, verbs
from tests.harness.cast import People
from tests.harness.slack_people import NOW
from tests.harness.timings import bundle_after
from tests.harness.waiting import until
from tests.views.samples import buttons

UNKNOWN = "5.1.1 no such mailbox"
HEARING = ("UANA", "UMAX")


def finance(user: User) -> Context:
    return Context(user, NOW, Source.SLACK, AT_ONCE)


async def send_list(db: Database, user: User, bills: list[int]) -> int:
    async with db.transaction() as session:
        shown = await preview_send(session, finance(user), bills)
        assert shown.id is not None
        await start_send(session, shown.id, finance(user))
    return shown.id


async def progress(db: Database, slack: Sandbox) -> list[dict[str, Any]]:
    """The messages about lists, oldest first."""
    lists = await rows(db, "select ts from messages where kind = 'sending' order by id")
    told = {one["ts"]: one for one in slack.messages(slack.dm("UANA"))}
    return [told[one.ts] for one in lists]


async def retry(db: Database, user: User, list_id: int) -> tuple[int, bool]:
    async with db.transaction() as session:
        return await retry_failed(session, list_id, finance(user))


async def test_a_list_is_told_of_until_all_is_out_and_what_failed_is_sent_again_once(
    db: Database,
    people: People,
    slack: Sandbox,
    gateway: SlackClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("models.batches.bulk_send.CHUNK", 2)
    bundle_after(monkeypatch, 1)
    await rows(db, "update users set role = 'Finance' where name = 'Max' returning id")
    made = await approved(db, people, 5)
    await slack.fault(mail="reject", error=UNKNOWN, times=2)
    async with mailing(db, gateway, slack, Watch()):
        list_id = await send_list(db, people.ana, made)
        await until(lambda: no_jobs(db))
        (told,) = await progress(db, slack)
        assert told["text"] == ("5 bills, $500.00: 3 are delivered and 2 could not be delivered.")
        assert "What failed:" in str(told) and "2 bills: " in str(told) and UNKNOWN in str(told)
        assert buttons(told["blocks"])["sending:retry"]["text"]["text"] == "Retry failed"

        first, second = await asyncio.gather(
            retry(db, people.ana, list_id), retry(db, people.ana, list_id)
        )
        assert first[0] == second[0] and {first[1], second[1]} == {True, False}
        await until(lambda: no_jobs(db))
        await until(lambda: _notices_are_settled(db))
    before, again = await progress(db, slack)
    heard = {one: sum(" deliver" in text for text in said_to(slack, one)) for one in HEARING}
    assert heard["UANA"] == 2, "the two lists"
    assert heard["UMAX"] >= 2, "what failed, and what arrived"
    assert again["text"] == "2 bills are delivered: $200.00."
    assert before["text"] == "5 bills are delivered: $500.00."
    assert "sending:retry" not in buttons(before["blocks"])
    sent = [(await verbs(db, one)).count("send") for one in made]
    assert sorted(sent) == [1, 1, 1, 2, 2]
    numbers = [(await bill(db, one)).number for one in made]
    assert sorted(numbers) == [f"2026-{place:06d}" for place in range(1, 6)]
    assert len(slack.mail()) == 5


async def _notices_are_settled(db: Database) -> bool:
    """Of two bills that failed and five that arrived, each to Ana and to Max."""
    told = await rows(db, "select state from messages where kind in ('not_sent', 'delivered')")
    return len(told) == 14 and all(one.state != "waiting" for one in told)


@pytest.mark.usefixtures("bundled_soon")
async def test_causes_are_counted_without_whom_they_name(
    db: Database, people: People, slack: Sandbox, gateway: SlackClient
) -> None:
    made = await approved(db, people, 4)
    for name in ("a@one.example", "b@two.example"):
        await slack.fault(mail="reject", error=f"<{name}>: unknown, 4fa7c2d1e9b0x-7.gsmtp")
    await slack.fault(mail="reject", error="5.3.4 too big")
    async with mailing(db, gateway, slack, Watch()):
        list_id = await send_list(db, people.ana, made)
        await until(lambda: no_jobs(db))
    async with db.transaction() as session:
        facts = await outcome_of_list(session, list_id)
    assert [(one.bills, len(one.named)) for one in facts.failed] == [(2, 2), (1, 1)]
    assert facts.failed[0].cause == "The mail server answered: 550 <…>: unknown, …"
    assert "550 5.3.4 too big" in facts.failed[1].cause


@pytest.mark.usefixtures("bundled_soon")
async def test_nothing_is_sent_again_that_is_on_its_way_or_did_not_fail(
    db: Database, people: People, slack: Sandbox, gateway: SlackClient
) -> None:
    list_id = await send_list(db, people.ana, await approved(db, people))
    with pytest.raises(WrongState, match="None of these bills waits"):
        await retry(db, people.ana, list_id)
    async with mailing(db, gateway, slack, Watch()):
        await until(lambda: no_jobs(db))
    with pytest.raises(WrongState, match="None of these bills waits"):
        await retry(db, people.ana, list_id)
    assert len(await rows(db, "select from messages where kind = 'sending'")) == 1
