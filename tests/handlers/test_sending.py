"""`/bill send`, the dialogs of what changes a bill, and what is answered to each."""

from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from handlers.slack.parsing import refs
from models.actions.approve import approve_bill
from models.actions.incoming import record_mail
from models.actions.mail_trouble import note_trouble
from models.actions.recalculate import recalculate
from models.actions.revise import revise_bill
from models.actions.send import mark_send_failed, send_bill
from models.actions.undo import undo_decision
from models.bills.documents import outgoing_document
from models.bills.incoming import DeliveryReport, Failure
from models.bills.states import State
from models.context import Context, Source
from models.period import Period
from models.settings import BillingSettings
from models.usage.usage import record_usage
from tests.handlers.conftest import Bills
from tests.harness.billing import drawn
from tests.harness.cast import People
from tests.harness.issuing import issue_bill, mark_delivered
from tests.harness.record import bill_of, verbs_of
from tests.harness.running import Listeners
from tests.harness.slack_people import NOW, Seen, Team, acts, carried, element, labels, read, said
from tests.harness.waiting import until

OCTOBER = Period(2026, 10)


async def act_as(listeners: Listeners, people: People) -> Context:
    return Context(people.ana, NOW, Source.SLACK, listeners.services.billing)


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


async def test_a_month_is_previewed_and_sent_once(team: Team, approved: Bills) -> None:
    preview = await team.ana.types("/bill send 2026-10")
    assert "2 bills of October 2026 would go out: $500.00." in preview["text"]
    assert element(preview, "sending:go")["text"]["text"] == "Send 2 bills"
    assert (await bill_of(team.db, approved.acme)).status == "approved"

    await team.ana.clicks("sending:go", on=preview)
    done = team.again(preview)
    assert done["text"].startswith("2 bills go out ")
    assert done["text"].endswith(": $500.00.")
    assert f"#{approved.acme}, Acme Corp, October 2026, $250.00" in read(done)
    assert labels(done) == [f"Undo #{approved.acme}", f"Undo #{approved.bolt}"]
    for bill_id in (approved.acme, approved.bolt):
        assert (await bill_of(team.db, bill_id)).status == "sending"

    await team.ana.forges(element(preview, "sending:go"), on=preview)
    assert team.again(preview)["text"].startswith("2 bills go out ")
    assert (await verbs_of(team.db, approved.acme)).count("send") == 1


@pytest.mark.parametrize("billing", [BillingSettings(most_at_once=1)])
async def test_a_month_of_many_bills_is_previewed_in_a_message_and_sent_from_it(
    team: Team, approved: Bills
) -> None:
    promised = await team.ana.types("/bill send 2026-10")
    assert "Working out which bills of October 2026 can go out" in promised["text"]
    preview = await team.ana.told("2 bills of October 2026 would go out: $500.00.")
    await team.ana.clicks("sending:go", on=preview)
    for bill_id in (approved.acme, approved.bolt):
        assert (await bill_of(team.db, bill_id)).status == "sending"
    await team.ana.forges(element(preview, "sending:go"), on=preview)
    assert team.again(preview)["text"].startswith("Sending 2 bills: $500.00.")
    refused = await team.kim.types("/bill send 2026-10")
    assert "only Finance may send bills" in refused["text"]


@pytest.mark.parametrize("billing", [BillingSettings(send_delay_minutes=0)])
async def test_without_a_delay_a_bill_is_called_back_until_it_has_its_number(
    team: Team, approved: Bills
) -> None:
    preview = await team.ana.types(f"/bill send #{approved.acme}")
    assert "It goes out at once; it can be called back with Undo only until" in said(preview)
    await team.ana.clicks("sending:go", on=preview)
    done = said(team.again(preview))
    assert "$250.00, is on its way to " in done
    assert "It can be called back until it has its number." in done
    assert labels(team.again(preview)) == ["Undo"]
    card = await team.ana.types(f"/bill show #{approved.bolt}")
    await team.ana.clicks("bill:send", on=card)
    assert "On its way out" in said(team.again(card))
    assert "called back" not in said(team.again(card))


async def test_the_bill_that_was_sent_alone_is_called_back_by_the_button_under_its_name(
    team: Team, approved: Bills
) -> None:
    preview = await team.ana.types(f"/bill send #{approved.acme}")
    await team.ana.clicks("sending:go", on=preview)
    sent = team.again(preview)
    assert carried(sent, "bill:undo") == {"bill": approved.acme, "version": 3}
    await team.ana.clicks("Undo", on=sent)
    await team.ana.submits(reason="Too early.")
    assert (await bill_of(team.db, approved.acme)).status == "approved"


async def test_cancel_sends_nothing_and_does_not_deny_what_was_sent(
    team: Team, approved: Bills
) -> None:
    preview = await team.ana.types(f"/bill send #{approved.acme}")
    await team.ana.clicks("sending:cancel", on=preview)
    assert team.again(preview)["text"] == "Cancelled: nothing was sent."
    await team.ana.forges(element(preview, "sending:go"), on=preview)
    await team.ana.forges(element(preview, "sending:cancel"), on=preview)
    assert f"That is done already. #{approved.acme}, Acme Corp" in team.again(preview)["text"]


async def test_several_bills_are_named_by_number_and_by_customer(
    team: Team, approved: Bills
) -> None:
    typed = f"/bill send #{approved.bolt}, acme corp 2026-10 #{approved.bolt}"
    assert element(await team.ana.types(typed), "sending:go")["text"]["text"] == "Send 2 bills"


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
    team: Team, approved: Bills, user: str, typed: str, told: str
) -> None:
    answer = await team.person(user).types(f"/bill send {typed}")
    assert told in answer["text"]
    assert acts(answer) == []


async def test_without_a_mail_server_or_an_address_it_says_what_to_do(
    team: Team, listeners: Listeners, october: Bills, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = await team.kim.types(f"/bill show #{october.acme}")
    await team.kim.clicks("bill:approve", on=card)
    card = await team.ana.types(f"/bill show #{october.acme}")
    (told,) = await team.ana.clicks("bill:send", on=card)
    assert "Acme Corp has no billing e-mail address" in told["text"]
    assert "Give it one with /customer edit." in told["text"]
    answer = await team.ana.types("/bill send 2026-10")
    assert "its customer has no billing e-mail address" in said(answer)

    mute = BillingSettings(can_mail=False)
    object.__setattr__(listeners.services, "billing", mute)
    assert "SMTP_URL" in (await team.ana.types("/bill send 2026-10"))["text"]


async def test_a_bill_is_sent_from_its_card_and_called_back(team: Team, approved: Bills) -> None:
    card = await team.kim.card(approved.acme)
    refused = await team.kim.forges({**_send_of(approved.acme), "type": "button"}, on=card)
    assert "only Finance may send bills" in refused[0]["text"]

    shown = await team.ana.types(f"/bill show #{approved.acme}")
    assert "$250.00 for October 2026" in element(shown, "bill:send")["confirm"]["text"]["text"]
    await team.ana.clicks("bill:send", on=shown)
    assert "Goes out " in said(team.again(shown))
    await team.ana.clicks("bill:undo", on=team.again(shown))
    assert "the sending" in said(team.ana.dialog)
    await team.ana.submits(reason="Too early.")
    assert (await bill_of(team.db, approved.acme)).status == "approved"


def _send_of(bill_id: int) -> dict[str, object]:
    return {"action_id": "bill:send", "value": f'{{"bill":{bill_id},"version":2}}'}


async def test_a_revision_opens_with_both_figures_and_takes_units(
    team: Team, october: Bills, people: People
) -> None:
    async with team.db.transaction() as session:
        act = Context(people.ana, NOW, Source.CLI)
        await record_usage(session, 1, Period(2026, 10), 1_400, act, "They asked.")
    assert await team.ana.types(f"/bill revise #{october.acme}") == {}
    told = said(team.ana.dialog)
    assert "500 over × $0.50 = $250.00" in told
    assert "400 over × $0.50 = $200.00" in told
    wrong = await team.ana.submits(units="9" * 20, reason="x")
    assert "whole number of calls" in wrong["errors"]["units"]
    wrong = await team.ana.submits(units="1401", reason="x")
    assert "from 1 to 1,400" in wrong["errors"]["units"]
    answer = await team.ana.submits(units="300", reason="Half of it.")
    assert answer["response_action"] == "update"
    done = read(team.ana.dialog)
    assert "Revised:  usage was corrected from 1,500 to 1,400 calls" in done
    assert "300 calls were set by hand." in done
    bill = await bill_of(team.db, october.acme)
    assert (bill.overage_units, str(bill.overage_amount), bill.status) == (300, "150.00", "pending")


async def test_a_bill_is_voided_and_billed_again_from_its_menu(team: Team, october: Bills) -> None:
    card = await team.ana.types(f"/bill show #{october.bolt}")
    menu = element(card, "bill:more")
    option = next(one for one in menu["options"] if one["text"]["text"] == "Void")
    await team.ana.forges({**menu, "selected_option": option}, on=card)
    assert "Nothing of it has gone out" in said(team.ana.dialog)
    assert (await team.ana.submits(reason="Billed elsewhere."))["response_action"] == "update"
    assert "Made void." in read(team.ana.dialog)
    assert labels(team.ana.dialog) == ["Undo"]
    assert (await bill_of(team.db, october.bolt)).status == "void"

    card = await team.ana.types(f"/bill show #{october.bolt}")
    assert acts(card)[:3] == ["bill:reissue", "bill:undo", "bill:more"]
    await team.ana.clicks("bill:reissue", on=card)
    answer = await team.ana.submits(reason="It was not.")
    assert "stands for the month now" in said(answer["view"])
    assert (await bill_of(team.db, 3)).replaces_id == october.bolt


async def test_a_month_billed_again_outside_its_contract_is_said_to_be_held(
    team: Team, october: Bills
) -> None:
    await team.ana.types(f"/bill void #{october.acme}")
    await team.ana.submits(reason="Under the old contract.")
    async with team.db.transaction() as session:
        connection = await session.connection()
        await connection.exec_driver_sql("update customers set end_date = '2025-12-31'")
    await team.ana.types(f"/bill reissue #{october.acme}")
    held = "held because the usage falls outside the customer’s contract dates"
    assert f"It is {held}." in said(team.ana.dialog)
    answer = await team.ana.submits(reason="Under the new one.")
    assert f"stands for the month now. It is {held}." in said(answer["view"])
    assert (await bill_of(team.db, 3)).hold_reason == "outside_contract"


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("revise", "only Finance may revise bills"),
        ("void", "only Finance may make bills void"),
        ("reissue", "only Finance may bill a void month again"),
    ],
)
async def test_what_is_finances_is_refused_to_others_before_a_dialog_opens(
    team: Team, october: Bills, command: str, told: str
) -> None:
    answer = await team.kim.types(f"/bill {command} #{october.acme}")
    assert told in answer["text"]
    assert team.kim.dialogs == []


async def test_a_late_click_on_corrected_figures_is_told_them_and_the_card_is_drawn_anew(
    team: Team, october: Bills, people: People
) -> None:
    card = await team.kim.types(f"/bill show #{october.acme}")
    async with team.db.transaction() as session:
        act = Context(people.ana, NOW, Source.CLI)
        await record_usage(session, 1, Period(2026, 10), 1_400, act, "They asked.")
    (told,) = await team.kim.clicks("bill:approve", on=card)
    assert told["text"] == (
        "This bill changed while you were looking: usage was corrected from 1,500 to 1,400 calls,"
        " so the amount is now $200.00. The card above is up to date; nothing was approved."
    )
    fresh = team.again(card)
    assert "$200.00" in fresh["text"]
    assert carried(fresh, "bill:approve") == {"bill": october.acme, "version": 2}


async def test_the_credit_of_a_voided_bill_is_offered_to_be_sent(
    team: Team, listeners: Listeners, approved: Bills, people: People
) -> None:
    async with team.db.transaction() as session:
        act = await act_as(listeners, people)
        await send_bill(
            session, approved.acme, 2, replace(act, settings=BillingSettings(send_delay_minutes=0))
        )
        await issue_bill(session, approved.acme, act, drawn)
        await mark_delivered(session, approved.acme, replace(act, user=people.system), "250 OK")
    await team.ana.types(f"/bill void #{approved.acme}")
    assert "2026-000001 has gone out" in said(team.ana.dialog)
    answer = await team.ana.submits(reason="Agreed.")
    assert "#3, −$250.00" in said(answer["view"])
    view = team.ana.dialog
    clicked = element(view, "bill:send")
    await team.sandbox.interact("UANA", None, None, clicked, view_id=view["id"])
    assert (await bill_of(team.db, 3)).status == "sending"
    assert "goes out" in said(team.ana.dialog)


async def test_a_card_tells_of_units_set_by_hand_and_of_approvals_only_where_they_fell(
    team: Team, listeners: Listeners, people: People, october: Bills
) -> None:
    act = await act_as(listeners, people)
    async with team.db.transaction() as session:
        await revise_bill(session, october.acme, 1, act, "Agreed.", 400)
        await record_usage(session, 1, OCTOBER, 1600, act, "Recounted.")
        await recalculate(session, act)
    card = said(await team.kim.types(f"/bill show #{october.acme}"))
    assert "600 over, 100 fewer as agreed: 500 × " in card
    assert "Approvals given before" not in card
    async with team.db.transaction() as session:
        await approve_bill(session, october.acme, 3, replace(act, user=people.kim))
        await record_usage(session, 1, OCTOBER, 1700, act, "Recounted.")
        await recalculate(session, act)
    card = said(await team.kim.types(f"/bill show #{october.acme}"))
    assert "Approvals given before do not count any more." in card


async def test_finance_says_that_a_bill_arrived_which_nobody_was_heard_to_take_and_makes_it_void(
    team: Team, listeners: Listeners, approved: Bills, people: People
) -> None:
    async with team.db.transaction() as session:
        act = await act_as(listeners, people)
        now = replace(act, settings=BillingSettings(send_delay_minutes=0))
        await send_bill(session, approved.acme, 2, now)
        await issue_bill(session, approved.acme, act, drawn)
        again = NOW + timedelta(hours=4)
        await note_trouble(session, approved.acme, "Connection lost.", 1, again)
    refused = await team.ana.types(f"/bill void #{approved.acme}")
    assert "Say that it has arrived, or send it with" in said(refused)
    card = await team.ana.types(f"/bill show #{approved.acme}")
    assert acts(card)[:4] == ["bill:deliver", "bill:send", "bill:invoice", "bill:more"]
    await team.ana.clicks("bill:deliver", on=card)
    answer = await team.ana.submits(reason="Their accounts, by telephone.")
    assert "is sent" in said(answer["view"])
    assert (await bill_of(team.db, approved.acme)).status == "sent"
    card = said(await team.ana.types(f"/bill show #{approved.acme}"))
    assert "It has arrived by the word of Ana (Finance)." in card
    assert "Their accounts, by telephone." in card
    story = said(await team.ana.types(f"/bill history #{approved.acme}"))
    assert " said that the bill has arrived at " in story
    await team.ana.types(f"/bill void #{approved.acme}")
    await team.ana.submits(reason="Agreed.")
    assert (await bill_of(team.db, 3)).kind == "credit"


@pytest.mark.usefixtures("bundled_soon")
async def test_one_bill_of_a_notice_is_sent_again_and_the_others_stay(
    team: Team, listeners: Listeners, approved: Bills, people: People
) -> None:
    async with team.db.transaction() as session:
        act = await act_as(listeners, people)
        now = replace(act, settings=BillingSettings(send_delay_minutes=0))
        for bill_id in (approved.acme, approved.bolt):
            await send_bill(session, bill_id, 2, now)
            await issue_bill(session, bill_id, act, drawn)
        for bill_id in (approved.bolt, approved.acme):
            await note_trouble(session, bill_id, "Connection lost.", 1, NOW + timedelta(hours=4))
    notice = await team.ana.told("2 bills may have arrived.")
    assert [label[-1] for label in labels(notice)] == ["1", "1", "2", "2"]
    await team.ana.clicks("Send again 2026-000001", on=notice)
    await until(lambda: "1 bill may have arrived." in team.again(notice)["text"])
    left = team.again(notice)
    assert "is on its way to" in read(left) and "Connection lost." in read(left)
    assert labels(left) == ["It arrived 2026-000002", "Send again 2026-000002"]
    await team.ana.clicks("It arrived 2026-000002", on=left)
    await team.ana.submits(reason="Their accounts, by telephone.")
    await until(lambda: "None of 2 bills that may have arrived" in team.again(notice)["text"])
    assert "is delivered to" in read(team.again(notice))


async def test_one_of_a_list_that_came_back_is_sent_again_and_the_list_stays(
    team: Team, listeners: Listeners, approved: Bills, people: People
) -> None:
    answer = await team.ana.types("/bill send 2026-10")
    await team.ana.clicks("sending:go", on=answer)
    async with team.db.transaction() as session:
        act = await act_as(listeners, people)
        late = replace(act, now=NOW + timedelta(hours=1), user=people.system)
        for bill_id in (approved.acme, approved.bolt):
            await issue_bill(session, bill_id, late, drawn)
            await mark_delivered(session, bill_id, late, "250 OK")
        letter = await outgoing_document(session, approved.acme, late, State.SENT)
        assert letter is not None
        lost = Failure("pay@acme.example", "550 User unknown")
        report = DeliveryReport((f"{letter.mail_id}@meridian.example",), (lost,))
        await record_mail(session, report, "1", late)
    again = "Send again 2026-000001"
    await until(lambda: again in labels(team.again(answer)))
    await team.ana.clicks(again, on=team.again(answer))
    assert "1 is on its way and 1 is delivered" in team.again(answer)["text"]
    assert again not in labels(team.again(answer))


async def test_undoing_the_undo_of_a_sending_says_that_the_bill_goes_out_again(
    team: Team, listeners: Listeners, people: People, approved: Bills
) -> None:
    act = await act_as(listeners, people)
    async with team.db.transaction() as session:
        await send_bill(session, approved.acme, 2, act)
        await undo_decision(session, approved.acme, 3, act, "Too early.")
    await team.ana.types(f"/bill undo #{approved.acme}")
    asked = said(team.ana.dialog)
    assert "which took back the sending of $250.00 by Ana (Finance)" in asked
    assert "The bill is sent again, and goes out 5 minutes after that" in asked


async def test_a_bill_that_failed_before_is_told_to_go_out_at_once(
    team: Team, listeners: Listeners, people: People, approved: Bills
) -> None:
    act = await act_as(listeners, people)
    async with team.db.transaction() as session:
        now = replace(act, settings=BillingSettings(send_delay_minutes=0))
        await send_bill(session, approved.acme, 2, now)
        await issue_bill(session, approved.acme, act, drawn)
        system = replace(act, user=people.system)
        await mark_send_failed(session, approved.acme, system, "550 no such mailbox")
        await session.execute(sa.text("delete from procrastinate_jobs where lock like 'send:%'"))
    preview = await team.ana.types(f"/bill send #{approved.acme}")
    at_once = "It has its number from before: it goes out at once and cannot be called back."
    assert at_once in said(preview)
    await team.ana.clicks("sending:go", on=preview)
    done = team.again(preview)
    assert done["text"].startswith("2026-000001, Acme Corp, October 2026, $250.00, is on its way")
    assert labels(done) == []


@pytest.mark.parametrize("billing", [BillingSettings(send_delay_minutes=0)])
async def test_those_that_failed_are_sent_again_once_by_a_button_that_is_finances(
    team: Team, listeners: Listeners, people: People, approved: Bills
) -> None:
    preview = await team.ana.types("/bill send 2026-10")
    await team.ana.clicks("sending:go", on=preview)
    act = replace(await act_as(listeners, people), user=people.system)
    async with team.db.transaction() as session:
        for bill_id in (approved.acme, approved.bolt):
            await issue_bill(session, bill_id, act, drawn)
            await mark_send_failed(session, bill_id, act, "550 no such mailbox")
    await until(lambda: _offers_retry(team.again(preview)))
    failed = team.again(preview)
    assert failed["text"] == "2 bills could not be delivered: $500.00."
    assert "2 bills:  550 no such mailbox. 2026-000001 Acme Corp, October 2026 and" in read(failed)
    button = element(failed, "sending:retry")
    (refused,) = await team.kim.forges(button, on=failed)
    assert "only Finance may send bills" in refused["text"]
    (told,) = await team.ana.clicks("sending:retry", on=failed)
    assert told["text"].startswith("Sending 2 bills again.")
    (told,) = await team.ana.forges(button, on=failed)
    assert told["text"].startswith("That is done already. What comes of them is in your direct")
    assert (await verbs_of(team.db, approved.acme)).count("send") == 2


async def _offers_retry(message: Seen) -> bool:
    return "sending:retry" in acts(message)
