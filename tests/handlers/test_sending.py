"""`/bill send`, the dialogs of what changes a bill, and what is answered to each."""

from dataclasses import replace

import pytest

from handlers.slack.parsing import refs
from models.actions.approve import approve_bill
from models.actions.recalculate import recalculate
from models.actions.revise import revise_bill
from models.actions.send import issue_bill, mark_delivered, mark_send_failed, send_bill
from models.actions.undo import undo_decision
from models.context import Context, Source
from models.period import Period
from models.settings import BillingSettings
from models.usage.usage import record_usage
from tests.conftest import People
from tests.handlers.conftest import Bills
from tests.handlers.office import NOW, Office, acts, carried, element, said

OCTOBER = Period(2026, 10)


@pytest.fixture
async def approved(office: Office, october: Bills) -> Bills:
    """Both bills are approved, and both customers have an address."""
    async with office.db.transaction() as session:
        connection = await session.connection()
        await connection.exec_driver_sql("update customers set billing_email = 'to@acme.example'")
    for user, bill_id in (("UKIM", october.acme), ("ULEE", october.bolt)):
        card = await office.type(user, f"/bill show #{bill_id}")
        await office.click(user, card, "bill:approve")
    return october


async def act_as(office: Office, people: People) -> Context:
    return Context(people.ana, NOW, Source.SLACK, office.services.billing)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("#12", ["#12"]),
        ("#12 #13,14", ["#12", "#13", "14"]),
        ("12 13", ["12", "13"]),
        ("Acme Corp 2026-10", ["Acme Corp 2026-10"]),
        ("Acme, Inc. 2026-10, Bolt 2026-9", ["Acme, Inc. 2026-10", "Bolt 2026-9"]),
        ("#12 360 Grad 2026-10 7", ["#12", "360 Grad 2026-10", "7"]),
        ("3M 2026-10", ["3M 2026-10"]),
        ("nobody", ["nobody"]),
        (" , ", []),
        ("", []),
    ],
)
def test_several_bills_are_read_between_spaces_and_commas(typed: str, meant: list[str]) -> None:
    assert refs(typed) == meant


async def test_a_month_is_previewed_and_sent_once(office: Office, approved: Bills) -> None:
    preview = await office.type("UANA", "/bill send 2026-10")
    assert "2 bills of October 2026 would go out: $500.00." in preview["text"]
    assert element(preview, "sending:go")["text"]["text"] == "Send 2 bills"
    assert (await office.bill(approved.acme)).status == "approved"

    await office.click("UANA", preview, "sending:go")
    done = office.again(preview)
    assert done["text"].startswith("2 bills are on their way: $500.00")
    assert acts(done) == []
    for bill_id in (approved.acme, approved.bolt):
        assert (await office.bill(bill_id)).status == "sending"

    await office.forge("UANA", preview, element(preview, "sending:go"))
    assert office.again(preview)["text"].startswith("That is done already.")
    assert (await office.verbs(approved.acme)).count("send") == 1


async def test_cancel_sends_nothing_and_does_not_deny_what_was_sent(
    office: Office, approved: Bills
) -> None:
    preview = await office.type("UANA", f"/bill send #{approved.acme}")
    await office.click("UANA", preview, "sending:cancel")
    assert office.again(preview)["text"] == "Cancelled: nothing was sent."
    await office.forge("UANA", preview, element(preview, "sending:go"))
    await office.forge("UANA", preview, element(preview, "sending:cancel"))
    assert "That is done already. 1 bill is on its way" in office.again(preview)["text"]


async def test_several_bills_are_named_by_number_and_by_customer(
    office: Office, approved: Bills
) -> None:
    typed = f"/bill send #{approved.bolt}, acme corp 2026-10 #{approved.bolt}"
    assert element(await office.type("UANA", typed), "sending:go")["text"]["text"] == "Send 2 bills"


@pytest.mark.parametrize(
    ("user", "typed", "told"),
    [
        ("UANA", "", "Which bills?"),
        ("UANA", "nonsense", "names no bill"),
        ("UANA", "#999", "There is no bill #999."),
        ("UKIM", "2026-10", "only Finance may send bills"),
        ("UANA", "2026-09", "There is no bill of September 2026 to send."),
    ],
)
async def test_what_cannot_be_sent_is_told_in_a_sentence(
    office: Office, approved: Bills, user: str, typed: str, told: str
) -> None:
    answer = await office.type(user, f"/bill send {typed}")
    assert told in answer["text"]
    assert acts(answer) == []


async def test_without_a_mail_server_or_an_address_it_says_what_to_do(
    office: Office, october: Bills, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = await office.type("UKIM", f"/bill show #{october.acme}")
    await office.click("UKIM", card, "bill:approve")
    card = await office.type("UANA", f"/bill show #{october.acme}")
    (told,) = await office.click("UANA", card, "bill:send")
    assert "Acme Corp has no billing e-mail address" in told["text"]
    assert "billing_email" in told["text"]
    answer = await office.type("UANA", "/bill send 2026-10")
    assert "its customer has no billing e-mail address" in said(answer)

    mute = BillingSettings(can_mail=False)
    object.__setattr__(office.services, "billing", mute)
    assert "SMTP_URL" in (await office.type("UANA", "/bill send 2026-10"))["text"]


async def test_a_bill_is_sent_from_its_card_and_called_back(
    office: Office, approved: Bills
) -> None:
    card = await office.card("UKIM", approved.acme)
    dm = office.sandbox.dm("UKIM")
    refused = await office.forge("UKIM", card, {**_send_of(approved.acme), "type": "button"}, dm)
    assert "only Finance may send bills" in refused[0]["text"]

    shown = await office.type("UANA", f"/bill show #{approved.acme}")
    assert "$250.00 for October 2026" in element(shown, "bill:send")["confirm"]["text"]["text"]
    await office.click("UANA", shown, "bill:send")
    assert "Goes out " in said(office.again(shown))
    await office.click("UANA", office.again(shown), "bill:undo")
    assert "the sending" in said(office.dialog("UANA"))
    await office.send("UANA", reason="Too early.")
    assert (await office.bill(approved.acme)).status == "approved"


def _send_of(bill_id: int) -> dict[str, object]:
    return {"action_id": "bill:send", "value": f'{{"bill":{bill_id},"version":2}}'}


async def test_a_revision_opens_with_both_figures_and_takes_units(
    office: Office, october: Bills, people: People
) -> None:
    async with office.db.transaction() as session:
        act = Context(people.ana, NOW, Source.CLI)
        await record_usage(session, 1, Period(2026, 10), 1_400, act, "They asked.")
    assert await office.type("UANA", f"/bill revise #{october.acme}") == {}
    told = said(office.dialog("UANA"))
    assert "500 over × $0.50 = $250.00" in told
    assert "400 over × $0.50 = $200.00" in told
    wrong = await office.send("UANA", units="9" * 20, reason="x")
    assert "whole number of calls" in wrong["errors"]["units"]
    wrong = await office.send("UANA", units="1401", reason="x")
    assert "from 1 to 1,400" in wrong["errors"]["units"]
    assert (await office.send("UANA", units="300", reason="Half of it."))["response_action"] is None
    bill = await office.bill(october.acme)
    assert (bill.overage_units, str(bill.overage_amount), bill.status) == (300, "150.00", "pending")


async def test_a_bill_is_voided_and_billed_again_from_its_menu(
    office: Office, october: Bills
) -> None:
    card = await office.type("UANA", f"/bill show #{october.bolt}")
    menu = element(card, "bill:more")
    option = next(one for one in menu["options"] if one["text"]["text"] == "Void")
    await office.forge("UANA", card, {**menu, "selected_option": option})
    assert "Nothing of it has gone out" in said(office.dialog("UANA"))
    assert (await office.send("UANA", reason="Billed elsewhere."))["response_action"] is None
    assert (await office.bill(october.bolt)).status == "void"

    card = await office.type("UANA", f"/bill show #{october.bolt}")
    assert acts(card) == ["bill:reissue", "bill:undo", "bill:more"]
    await office.click("UANA", card, "bill:reissue")
    answer = await office.send("UANA", reason="It was not.")
    assert "stands for the month now" in said(answer["view"])
    assert (await office.bill(3)).replaces_id == october.bolt


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("revise", "only Finance may revise bills"),
        ("void", "only Finance may make bills void"),
        ("reissue", "only Finance may bill a void month again"),
    ],
)
async def test_what_is_finances_is_refused_to_others_before_a_dialog_opens(
    office: Office, october: Bills, command: str, told: str
) -> None:
    answer = await office.type("UKIM", f"/bill {command} #{october.acme}")
    assert told in answer["text"]
    assert office.dialogs("UKIM") == []


async def test_a_late_click_on_corrected_figures_is_told_them_and_the_card_is_drawn_anew(
    office: Office, october: Bills, people: People
) -> None:
    card = await office.type("UKIM", f"/bill show #{october.acme}")
    async with office.db.transaction() as session:
        act = Context(people.ana, NOW, Source.CLI)
        await record_usage(session, 1, Period(2026, 10), 1_400, act, "They asked.")
    (told,) = await office.click("UKIM", card, "bill:approve")
    assert told["text"] == (
        "This bill changed while you were looking: usage was corrected from 1,500 to 1,400 calls,"
        " so the amount is now $200.00. The card above is up to date; nothing was approved."
    )
    fresh = office.again(card)
    assert "$200.00" in fresh["text"]
    assert carried(fresh, "bill:approve") == {"bill": october.acme, "version": 2}


async def test_the_credit_of_a_voided_bill_is_offered_to_be_sent(
    office: Office, approved: Bills, people: People
) -> None:
    async with office.db.transaction() as session:
        act = await act_as(office, people)
        await send_bill(
            session, approved.acme, 2, replace(act, settings=BillingSettings(send_delay_minutes=0))
        )
        await issue_bill(session, approved.acme, act, lambda facts: facts.number)
        await mark_delivered(session, approved.acme, replace(act, user=people.system), "250 OK")
    await office.type("UANA", f"/bill void #{approved.acme}")
    assert "2026-000001 has gone out" in said(office.dialog("UANA"))
    answer = await office.send("UANA", reason="Agreed.")
    assert "#3, -$250.00" in said(answer["view"])
    view = office.dialog("UANA")
    clicked = element(view, "bill:send")
    await office.sandbox.interact("UANA", None, None, clicked, view_id=view["id"])
    assert (await office.bill(3)).status == "sending"
    assert "goes out" in said(office.dialog("UANA"))


async def test_a_card_tells_of_units_set_by_hand_and_of_approvals_only_where_they_fell(
    office: Office, people: People, october: Bills
) -> None:
    act = await act_as(office, people)
    async with office.db.transaction() as session:
        await revise_bill(session, october.acme, 1, act, "Agreed.", 400)
        await record_usage(session, 1, OCTOBER, 1600, act, "Recounted.")
        await recalculate(session, act)
    card = said(await office.type("UKIM", f"/bill show #{october.acme}"))
    assert "the 400 calls set by hand no longer hold" in card
    assert "Approvals given before" not in card
    async with office.db.transaction() as session:
        await approve_bill(session, october.acme, 3, replace(act, user=people.kim))
        await record_usage(session, 1, OCTOBER, 1700, act, "Recounted.")
        await recalculate(session, act)
    card = said(await office.type("UKIM", f"/bill show #{october.acme}"))
    assert "set by hand" not in card
    assert "Approvals given before do not count any more." in card


async def test_undoing_the_undo_of_a_sending_says_that_the_bill_goes_out_again(
    office: Office, people: People, approved: Bills
) -> None:
    act = await act_as(office, people)
    async with office.db.transaction() as session:
        await send_bill(session, approved.acme, 2, act)
        await undo_decision(session, approved.acme, 3, act, "Too early.")
    await office.type("UANA", f"/bill undo #{approved.acme}")
    asked = said(office.dialog("UANA"))
    assert "of the sending of $250.00 by Ana (Finance)" in asked
    assert "The bill is sent again, and goes out 5 minutes after that" in asked


async def test_a_bill_that_failed_before_is_told_to_go_out_at_once(
    office: Office, people: People, approved: Bills
) -> None:
    act = await act_as(office, people)
    async with office.db.transaction() as session:
        now = replace(act, settings=BillingSettings(send_delay_minutes=0))
        await send_bill(session, approved.acme, 2, now)
        await issue_bill(session, approved.acme, act, lambda facts: facts.number)
        system = replace(act, user=people.system)
        await mark_send_failed(session, approved.acme, system, "550 no such mailbox")
    preview = await office.type("UANA", f"/bill send #{approved.acme}")
    at_once = "It has its number from before: it goes out at once and cannot be called back."
    assert at_once in said(preview)
    await office.click("UANA", preview, "sending:go")
    done = office.again(preview)
    assert at_once in done["text"]
    assert "to go out" not in done["text"]
    assert "To call one back" not in said(done)
