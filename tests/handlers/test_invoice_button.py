"""*Invoice* on a card brings the document, as it went out, to whoever clicks and to nobody else."""

import asyncio
from dataclasses import replace

import pytest

from models.actions.send import send_bill
from models.bills.documents import PDF, Drawn
from models.bills.invoice_data import InvoiceData
from models.settings import BillingSettings
from sandbox.fake_slack.shapes import JsonObject
from tests.handlers.conftest import Bills
from tests.handlers.test_sending import act_as
from tests.harness.cast import People
from tests.harness.issuing import issue_bill, mark_delivered
from tests.harness.running import Listeners
from tests.harness.slack_people import Team
from tests.harness.waiting import until

CONTENT = b"%PDF-1.7 just these bytes"


async def as_pdf(_: InvoiceData) -> Drawn:
    return Drawn(CONTENT, PDF)


@pytest.fixture
async def number(team: Team, listeners: Listeners, people: People, approved: Bills) -> str:
    """Acme's bill has gone out under this number."""
    act = await act_as(listeners, people)
    async with team.db.transaction() as session:
        now = replace(act, settings=BillingSettings(send_delay_minutes=0))
        await send_bill(session, approved.acme, 2, now)
        await issue_bill(session, approved.acme, act, as_pdf)
        system = replace(act, user=people.system)
        done = await mark_delivered(session, approved.acme, system, "250 OK")
        assert done is not None
        return str(done.snapshot["after"]["number"])


def files_of(team: Team, slack_user_id: str) -> list[JsonObject]:
    dm = team.sandbox.dm(slack_user_id)
    return [file for one in team.sandbox.messages(dm) for file in one.get("files", [])]


async def test_kim_gets_the_very_bytes_where_nobody_else_looks(
    team: Team, approved: Bills, number: str
) -> None:
    card = await team.kim.types(f"/bill show #{approved.acme}")
    (answer,) = await team.kim.clicks("bill:invoice", on=card)
    await until(lambda: files_of(team, "UKIM"))

    (file,) = files_of(team, "UKIM")
    assert file["name"] == f"{number}.pdf"
    stored = team.sandbox.slack.files.files[file["id"]]
    assert (stored.content, stored.mimetype) == (CONTENT, PDF)
    assert stored.channels == [team.sandbox.dm("UKIM")]
    assert f"{number}.pdf comes to your direct messages" in answer["text"]


async def test_a_double_click_brings_it_once(
    team: Team, listeners: Listeners, approved: Bills, number: str
) -> None:
    card = await team.kim.types(f"/bill show #{approved.acme}")
    click = team.kim.clicks
    await asyncio.gather(click("bill:invoice", on=card), click("bill:invoice", on=card))

    await listeners.services.background.drain(5.0)
    assert [one["name"] for one in files_of(team, "UKIM")] == [f"{number}.pdf"]


async def test_whoever_waits_is_told_where_slack_does_not_take_it(
    team: Team, approved: Bills, number: str
) -> None:
    team.sandbox.installation.scopes -= {"files:write"}
    card = await team.kim.types(f"/bill show #{approved.acme}")
    place = card.channel  # type: ignore[attr-defined]

    await team.kim.clicks("bill:invoice", on=card)

    await until(lambda: f"Slack did not take {number}.pdf" in str(team.kim.whispers(place)))
    assert files_of(team, "UKIM") == []


async def test_a_bill_that_has_no_document_offers_none(team: Team, october: Bills) -> None:
    card = await team.ana.types(f"/bill show #{october.acme}")
    assert "bill:invoice" not in str(card)
