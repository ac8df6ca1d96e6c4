"""From a corrected figure to the customer's mailbox, and back again."""

from collections.abc import AsyncIterator

import pytest
import sqlalchemy as sa

from models.actions.recalculate import recalculate
from models.context import Context, Source
from models.customers.customers import Customer
from models.db.database import Database
from models.period import Period
from models.usage.usage import record_usage
from sandbox.fake_smtp import Mail
from tests.harness.cast import People
from tests.harness.pdf import attachments
from tests.harness.slack_people import Json, Person, Seen, Team, labels, read
from tests.harness.timings import bundle_after
from tests.harness.waiting import until
from tests.stories.conftest import sign_up, team_with_bot
from tests.stories.test_main_job import generate, reads
from tests.views.e_invoices import SUMS, Read

OCTOBER = Period(2026, 10)
DELAY_MINUTES = 5


E_INVOICES = {"e_invoice": "factur-x", "company_country": "DE", "company_tax_id": "DE987654321"}


@pytest.fixture
async def team(db: Database, people: People, request: pytest.FixtureRequest) -> AsyncIterator[Team]:
    """Acme needs its CSM, Kim; it has an address for bills, and October is generated. A story may
    choose settings.
    """
    settings = getattr(request, "param", {})
    async with db.transaction() as session:
        await sign_up(
            session,
            "Acme Corp",
            csm_id=people.kim.id,
            require_csm_approval=True,
            billing_email="billing@acme.example",
            country="DE",
        )
    async with team_with_bot(db, send_delay_minutes=DELAY_MINUTES, **settings) as (opened, _):
        await generate(opened)
        yield opened


async def used(team: Team, people: People, calls: int) -> None:
    """Ana records other usage for October, from the command line."""
    async with team.db.transaction() as session:
        act = Context(people.ana, team.clock(), Source.CLI)
        acme = (await session.scalars(sa.select(Customer.id))).one()
        await record_usage(session, acme, OCTOBER, calls, act, "They found a loop in their job.")
        await recalculate(session, act)


async def approved(team: Team, of: str = "Acme Corp") -> Seen:
    """Kim approves what waits; returns the card."""
    card = await team.kim.card(of)
    await team.kim.clicks("Approve", on=card)
    await reads(team, card, "Approved by Kim")
    return card


async def send(team: Team, what: str) -> Seen:
    """Ana previews and sends; returns what she is told then."""
    preview = await team.ana.types(f"/bill send {what}")
    assert "Nothing has been sent yet." in read(preview)
    await team.ana.clicks("sending:go", on=preview)
    return team.again(preview)


async def over(team: Team, card: Seen, number: str) -> Json:
    """The delay passes, and the mail of that number arrives; returns it."""
    team.clock.travel(minutes=DELAY_MINUTES + 1)
    await reads(team, card, f"Sent as {number}")
    (mail,) = [one for one in team.sandbox.mail() if number in one["subject"]]
    return mail


def e_invoice(mail: Mail) -> Read:
    """What is for programs in the PDF that came with it."""
    (document,) = mail.attachments()
    content = document.get_payload(decode=True)
    assert isinstance(content, bytes)
    return Read(attachments(content)["factur-x.xml"])


def told_to_programs(invoice: Read) -> tuple[str, str, str]:
    """Its number, what it is, and what it comes to."""
    document = "rsm:ExchangedDocument/ram"
    return (
        invoice.one(f"{document}:ID"),
        invoice.one(f"{document}:TypeCode"),
        invoice.one(f"{SUMS}/ram:GrandTotalAmount"),
    )


async def dialog(person: Person, line: str) -> Json:
    """Type a command that opens a dialog; returns it."""
    assert await person.types(line) == {}
    return person.dialog


async def status(team: Team, bill_id: int) -> str:
    async with team.db.transaction() as session:
        query = sa.text("select status from bills where id = :id")
        return str(await session.scalar(query, {"id": bill_id}))


async def test_a_bill_is_called_back_within_its_delay_and_then_goes_out(team: Team) -> None:
    card = await approved(team)
    sent = await send(team, "#1")
    assert "#1, Acme Corp, October 2026, $35,000.00, goes out " in read(sent)
    assert labels(sent) == ["Undo"]
    await reads(team, card, "Goes out ", "billing@acme.example")

    assert "sending" in read(await dialog(team.ana, "/bill undo #1"))
    await team.ana.submits(reason="Their address is changing.")
    assert await status(team, 1) == "approved"
    await reads(team, sent, "$35,000.00, was called back and stays approved.")
    assert labels(team.again(sent)) == []
    team.clock.travel(minutes=DELAY_MINUTES + 1)

    again = await send(team, "2026-10")
    assert labels(again) == ["Undo"]
    assert await status(team, 1) == "sending"
    mail = await over(team, card, "2026-000001")
    delivered = "2026-000001, Acme Corp, October 2026, $35,000.00, is delivered to billing@acme"
    await reads(team, again, delivered)
    assert labels(team.again(again)) == []
    assert mail["to"] == ["billing@acme.example"]
    assert [len(team.sandbox.mail()), await status(team, 1)] == [1, "sent"]
    history = read(await team.ana.types("/bill history #1"))
    assert "issued the bill as 2026-000001" in history
    assert "delivered the bill to billing@acme.example" in history


async def test_corrected_usage_asks_for_approval_of_what_it_comes_to(
    team: Team, people: People
) -> None:
    card = await approved(team)
    old = await team.ana.types("/bill show #1")
    await used(team, people, 440_000)
    await reads(
        team,
        card,
        "Usage was corrected from 450,000 to 440,000 calls",
        "$34,000.00",
        "Approve",
    )
    assert "1 bill has other figures now" in read(await team.ana.told("other figures"))
    [refused] = await team.kim.clicks("Approve", on=card)
    assert "usage was corrected from 450,000 to 440,000 calls" in read(refused)
    assert "so the amount is now $34,000.00" in read(refused)
    assert "nothing was approved" in read(refused)
    assert "Send" in labels(old)
    await team.kim.clicks("Approve", on=team.again(card))
    await reads(team, card, "Approved by Kim", "$34,000.00")


@pytest.mark.parametrize("team", [E_INVOICES], indirect=True, ids=["e-invoices"])
async def test_a_sent_bill_is_made_void_and_its_credit_note_goes_out(team: Team) -> None:
    card = await approved(team)
    await send(team, "#1")
    await over(team, card, "2026-000001")

    asked = await dialog(team.ana, "/bill void Acme Corp 2026-10")
    assert "a credit over the whole standing amount is made:  −$35,000.00" in read(asked)
    answer = await team.ana.submits(reason="Agreed on the phone.")
    assert "#2, −$35,000.00" in read(answer["view"])
    assert labels(answer["view"]) == ["Send"]
    await reads(team, card, "Made void by Ana", "Agreed on the phone.")

    await team.ana.presses("Send", on=team.ana.dialog)
    assert await status(team, 2) == "sending"
    team.clock.travel(minutes=DELAY_MINUTES + 1)
    await until(lambda: any("CN-2026-000001" in one["subject"] for one in team.sandbox.mail()))
    await reads(team, card, "Credited with #2 (CN-2026-000001): −$35,000.00")
    invoice, credit = (e_invoice(mail) for mail in team.sandbox.smtp.mails)
    assert told_to_programs(invoice) == ("2026-000001", "380", "35000.00")
    assert told_to_programs(credit) == ("CN-2026-000001", "381", "35000.00")
    assert credit.one("ram:InvoiceReferencedDocument/ram:IssuerAssignedID") == "2026-000001"

    await dialog(team.ana, "/bill reissue #1")
    answer = await team.ana.submits(reason="The new contract holds.")
    assert "Bill #3, Acme Corp, October 2026, $35,000.00, stands for the month now" in read(
        answer["view"]
    )
    assert "Takes the place of #1 (2026-000001), which is void." in read(
        await team.kim.card("· #3")
    )


async def test_late_usage_becomes_a_correction_of_its_own(team: Team, people: People) -> None:
    card = await approved(team)
    await send(team, "#1")
    await over(team, card, "2026-000001")

    await used(team, people, 460_000)
    assert "#2 Acme Corp, October 2026 adjustment, $1,000.00" in read(
        await team.ana.told("is proposed")
    )
    more = await approved(team, "October 2026 adjustment")
    assert "Corrects #1 (2026-000001): billed $35,000.00 so far" in read(more)
    assert "the month now comes to $36,000.00" in read(more)
    await send(team, "#2")
    await over(team, more, "2026-000002")


async def test_what_could_not_be_delivered_is_told_and_sent_again_under_its_number(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle_after(monkeypatch, 1)
    card = await approved(team)
    await team.sandbox.fault(mail="reject", error="no such mailbox")
    await send(team, "#1")
    team.clock.travel(minutes=DELAY_MINUTES + 1)
    assert "no such mailbox" in read(await team.ana.told("could not be delivered"))
    await reads(team, card, "Could not be delivered", "Its number, 2026-000001, stays.")
    notice = next(m for m in team.ana.messages() if "could not be delivered" in read(m))
    assert await team.ana.clicks("Send again", on=notice) == []
    await reads(team, card, "Sent as 2026-000001")
    await reads(team, notice, "is delivered to billing@acme.example")
    assert len(team.sandbox.mail()) == 1


async def test_wrong_units_are_revised_by_hand_and_decided_by_somebody_else(team: Team) -> None:
    card = await team.kim.card("Acme Corp")
    asked = await dialog(team.ana, "/bill revise #1")
    assert "Calls to bill over the limit" in read(asked)
    refused = await team.ana.submits(units="0", reason="A test run.")
    assert "from 1 to 450,000" in refused["errors"]["units"]
    await team.ana.submits(units="300000", reason="A test run of theirs.")
    await reads(team, card, "Revised by Ana", "A test run of theirs.", "$30,000.00")
