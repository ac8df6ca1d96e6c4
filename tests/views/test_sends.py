"""Sending bills: the preview, what it carries, and what is told of a list."""

from dataclasses import replace
from decimal import Decimal

import pytest

from handlers.slack.blocks.bulk_send import send_preview, send_progress
from handlers.slack.blocks.card import bill_card
from handlers.slack.blocks.mail_notices import delivered_notice
from handlers.slack.blocks.outcomes import bill_voided
from handlers.slack.blocks.sent import list_going, list_sent, one_sent, shape
from handlers.wording.field_text import FIELDS
from models.batches.bulk_send_outcome import Fate
from models.bills.states import NotSent, State
from models.customers.signs import WRITTEN
from models.queries.totals import Total
from tests.views import asked as dialogs
from tests.views import samples
from tests.views.samples import ANA, BILL, BILLS, OCTOBER, buttons, shown, value_of

READER = samples.user(ANA)


def test_a_preview_names_count_totals_delay_and_receivers() -> None:
    message = send_preview(replace(samples.send_preview(BILL, 3, 0), period=OCTOBER))
    assert message.text == (
        "3 bills of October 2026 would go out: $3,000.00. Nothing has been sent yet."
    )
    told = shown(message.blocks)
    assert "They go out 5 minutes after you press Send; until then each can be" in told
    assert "billing@acme.example" in told
    offered = buttons(message.blocks)
    assert offered["sending:go"]["text"]["text"] == "Send 3 bills"
    assert value_of(offered["sending:go"]) == {"list": 7}
    assert offered["sending:go"]["confirm"]["text"]["text"] == "$3,000.00 in 3 bills."
    assert offered["sending:cancel"]["text"]["text"] == "Cancel"


def test_sums_of_what_customers_owe_tax_on_say_that_they_are_without_it() -> None:
    taxed = tuple(replace(one, taxed=True) for one in samples.send_preview(BILL, 3, 0).totals)
    message = send_preview(replace(samples.send_preview(BILL, 3, 0), totals=taxed))
    assert "3 bills would go out: $3,000.00 without tax." in message.text
    sure = buttons(message.blocks)["sending:go"]["confirm"]["text"]["text"]
    assert sure == "$3,000.00 without tax in 3 bills."


def test_a_preview_of_one_bill_names_it_and_where_it_goes() -> None:
    message = send_preview(samples.send_preview(BILL, 1, 0))
    assert message.text == (
        "Acme Corp, October 2026, $1,000.00, would go to billing@acme.example."
        " Nothing has been sent yet."
    )
    assert buttons(message.blocks)["sending:go"]["text"]["text"] == "Send 1 bill"


DUE = "$1,000.00, with tax $1,190.00"


def test_finance_reads_what_the_customer_owes_wherever_a_bill_goes_out() -> None:
    due = {"with_tax": Decimal("1190.00")}
    out = replace(BILLS["delivered"], **due)
    approved = replace(BILLS["approved"], **due)
    one, several = (samples.send_preview(out, count, 0) for count in (1, 2))
    assert f"{DUE}, would go to" in send_preview(one).text
    sure = buttons(send_preview(one).blocks)["sending:go"]["confirm"]["text"]["text"]
    assert sure == f"{DUE} in 1 bill."
    assert shown(send_preview(several).blocks).count(DUE) == 2
    assert f"{DUE} for October 2026" in str(buttons(bill_card(approved, READER).blocks))
    assert f"{DUE}, is delivered" in one_sent(out, READER).text
    assert f"{DUE}, is delivered" in delivered_notice([out], [Total("USD", 1, out.amount)]).text  # type: ignore[arg-type]
    assert f"× $0.004 = {DUE}" in shown(bill_card(out).blocks)
    asked = shown(dialogs.void(out)["blocks"])
    assert DUE in asked
    assert "−$1,000.00, with tax −$1,190.00" in asked
    credit = replace(BILLS["credit for a void bill"], with_tax=Decimal("-1190.00"))
    assert "−$1,000.00, with tax −$1,190.00" in bill_voided(out, credit).text


def test_nobody_reads_of_tax_before_it_is_approved_or_where_it_is_nil() -> None:
    assert "tax" not in shown(bill_card(replace(BILL, with_tax=Decimal("1190.00"))).blocks)
    untaxed = replace(BILLS["delivered"], with_tax=BILL.amount)
    assert "tax" not in one_sent(untaxed, READER).text + shown(bill_card(untaxed).blocks)


def test_what_cannot_go_out_is_named_with_its_reason() -> None:
    told = shown(send_preview(samples.send_preview(BILL, 0, len(NotSent))).blocks)
    assert "No approved bill can go out." in told
    assert "Acme Corp, October 2026, $1,000.00: it is waiting for approval" in told
    assert "its customer has no billing e-mail address" in told
    assert "its usage or terms have changed, so it needs approval again" in told


def test_signs_that_no_font_has_are_named_with_where_they_stand() -> None:
    preview = samples.send_preview(BILL, 0, 1)
    unwritten = replace(preview.stay[0], kept=NotSent.NO_FONT, signs="“𐤀” (U+10900), which stands")
    told = shown(send_preview(replace(preview, stay=(unwritten,))).blocks)
    assert "no font has “𐤀” (U+10900), which stands" in told
    assert {name: FIELDS[name].lower() for name in WRITTEN} == WRITTEN


def test_what_went_out_already_is_named_by_its_number() -> None:
    sent = replace(BILLS["delivered"])
    told = shown(send_preview(samples.send_preview(sent, 0, 1)).blocks)
    assert "it is sent as 2026-000123" in told


def test_many_that_stay_are_counted_by_state() -> None:
    told = shown(send_preview(samples.send_preview(BILL, 1, 30)).blocks)
    assert "30 bills stay:" in told
    assert "and 20 bills more: 20 waiting for approval" in told


@pytest.mark.parametrize(
    ("minutes", "words"),
    [
        (0, "They go out at once; each can be called back with Undo only until it has its number."),
        (0.5, "They go out 30 seconds after"),
        (1, "They go out 1 minute after"),
        (2.5, "They go out 2.5 minutes after"),
    ],
)
def test_the_delay_is_told_in_words(minutes: float, words: str) -> None:
    facts = replace(samples.send_preview(BILL), delay_minutes=minutes)
    assert words in shown(send_preview(facts).blocks)


def test_what_has_its_number_already_is_told_apart_from_what_has_a_delay() -> None:
    alone = shown(send_preview(samples.send_preview(BILL, 1, 0, at_once=1)).blocks)
    at_once = "has its number from before: it goes out at once and cannot be called back."
    assert f"It {at_once}" in alone
    assert "after you press Send" not in alone
    mixed = shown(send_preview(samples.send_preview(BILL, 3, 0, at_once=1)).blocks)
    assert f"1 bill {at_once} The other 2 go out 5 minutes after" in mixed
    failed = buttons(bill_card(BILLS["not delivered"]).blocks)["bill:send"]
    assert failed["confirm"]["text"]["text"] == (
        "$1,000.00 for October 2026, to Acme Corp. It goes out at once, and cannot be called back."
    )


def test_while_no_mail_goes_out_the_preview_and_the_list_say_so_and_offer_undo() -> None:
    facts = replace(samples.send_preview(BILL), delay_minutes=0, mail_waits="554 Relay denied")
    assert "No mail goes out now: they wait, and until then each can be called back" in shown(
        send_preview(facts).blocks
    )
    one = replace(BILLS["in its delay"], send_due=None)
    waiting = samples.bulk_sent(
        one, fates={Fate.WAITING: 30}, due=None, mail_waits="554 Relay denied"
    )
    message = list_sent(waiting, READER)
    told = shown(message.blocks)
    assert "30 bills wait for their turn" in told
    assert "No mail goes out now" in told
    assert ": 554 Relay denied. What has no number yet can be called back." in told
    assert "bill:undo" in buttons(message.blocks)
    assert "To call back another" in told


def test_a_list_says_what_was_sent_and_what_was_left_out() -> None:
    message = list_sent(samples.bulk_sent(), READER)
    assert message.text.startswith("2 bills go out ")
    assert message.text.endswith(": $2,000.00.")
    told = shown(message.blocks)
    assert "#42, Acme Corp, October 2026, $1,000.00" in told
    assert "it changed after you were shown it" in told
    too_late = list_sent(samples.bulk_sent(), READER, too_late=True)
    assert too_late.text.startswith("That is done already. 2 bills go out")


def test_of_several_bills_a_few_are_named_and_the_others_counted() -> None:
    dollars, euros = Total("USD", 39, Decimal(39_000)), Total("EUR", 1, Decimal(5))
    forty = samples.bulk_sent(
        fates={Fate.IN_DELAY: 36, Fate.DELIVERED: 3, Fate.FAILED: 1}, totals=(euros, dollars)
    )
    message = list_sent(forty, READER)
    assert message.text == (
        "40 bills, €5.00 and $39,000.00: 36 go out, 3 are delivered and 1 could not be delivered."
    )
    told = shown(message.blocks)
    assert "and 38 more" in told
    assert "To call back another, type \n/bill undo\n and its number." in told
    assert list(buttons(message.blocks)) == ["bill:undo", "bill:undo.2"]


def test_what_came_back_is_sent_again_one_by_one_and_asked_for() -> None:
    back = BILLS["came back"]
    message = list_sent(
        samples.bulk_sent(fates={Fate.DELIVERED: 3, Fate.CAME_BACK: 9}, came_back=(back,)), READER
    )
    assert "3 are delivered and 9 are reported not to have arrived" in message.text
    told = shown(message.blocks)
    assert "2026-000123, Acme Corp, October 2026, $1,000.00" in told and "and 8 more" in told
    again = buttons(message.blocks)["bill:send"]
    assert again["text"]["text"] == f"Send again {back.number}" and "confirm" in again
    assert value_of(again) == {"bill": back.id, "version": back.version, "list": 7}
    assert "sending:retry" not in buttons(message.blocks)


@pytest.mark.parametrize("fate", [Fate.UNHEARD, Fate.CAME_BACK, Fate.FAILED])
def test_a_list_is_corrected_with_each_that_finance_decides_on(fate: Fate) -> None:
    """Two of five were sent again, or are said to have arrived, once nothing else is on its way."""
    five, three = ({fate: 5}, {Fate.DELIVERED: 2, fate: 3})
    assert shape(samples.bulk_sent(fates=five)) != shape(samples.bulk_sent(fates=three))
    on_their_way = [
        shape(samples.bulk_sent(fates={fate: count, Fate.ON_ITS_WAY: 9 - count}))
        for count in (3, 4)
    ]
    assert on_their_way[0] == on_their_way[1]


def test_a_long_list_names_some_and_shows_its_progress_elsewhere() -> None:
    message = list_going(samples.listed())
    assert message.text.startswith("Sending 400 bills: $400,000.00.")
    told = shown(message.blocks)
    assert "#42, Acme Corp, October 2026, $1,000.00" in told
    assert "and 399 more" in told
    going = samples.send_facts(bills=400, sent=25, ended=False, kept=())
    assert send_progress(going).text == "Sending: 25 of 400 bills on their way."


@pytest.mark.parametrize(
    ("standing", "told"),
    [
        ("in its delay", "#42, Acme Corp, October 2026, $1,000.00, goes out "),
        ("issued", "2026-000123, Acme Corp, October 2026, $1,000.00, is on its way to billing@"),
        ("sent without a delay", "$1,000.00, is on its way to billing@acme.example. It can be"),
        ("delivered", "2026-000123, Acme Corp, October 2026, $1,000.00, is delivered to "),
        ("not delivered", "2026-000123, Acme Corp, October 2026, $1,000.00, could not be deliv"),
        ("approved", "#42, Acme Corp, October 2026, $1,000.00, was called back and stays approved"),
        ("corrected", "#42, Acme Corp, October 2026, $720.00, is waiting for approval."),
    ],
)
def test_a_bill_that_was_sent_says_how_far_it_has_come(standing: str, told: str) -> None:
    message = one_sent(BILLS[standing], READER)
    assert told in message.text
    can_undo = standing == "in its delay"
    assert list(buttons(message.blocks)) == (["bill:undo"] if can_undo else [])


def test_whoever_voids_is_given_the_credit_to_send() -> None:
    credit = replace(BILLS["credit for a void bill"], id=43)
    message = bill_voided(BILLS["void, credited"], credit)
    assert "#43, −$1,000.00" in shown(message.blocks)
    assert value_of(buttons(message.blocks)["bill:send"])["bill"] == 43


def test_the_dialog_of_a_revision_shows_what_usage_and_terms_give_now() -> None:
    view = dialogs.revise(BILL, BILLS["corrected"])
    told = shown(view["blocks"])
    assert "250,000 over × $0.004 = $1,000.00" in told
    assert "180,000 over × $0.004 = $720.00" in told
    assert "Usage was corrected from 1,250,000 to 1,180,000 calls, which comes to $720.00." in told
    fields = {block["block_id"]: block for block in view["blocks"] if block["type"] == "input"}
    assert fields["units"]["label"]["text"] == "Calls to bill over the limit"
    assert fields["units"]["optional"]
    assert not fields["reason"]["optional"]
    same = shown(dialogs.revise(BILL, BILL)["blocks"])
    assert "Usage and terms still give the figures that are on the bill." in same


def test_the_dialog_of_a_voiding_tells_of_the_credit() -> None:
    out = shown(dialogs.void(BILLS["delivered"])["blocks"])
    assert "2026-000123 has gone out" in out
    assert "a credit over the whole standing amount is made: \n−$1,000.00\n." in out
    unsent = shown(dialogs.void(BILLS["approved"])["blocks"])
    assert "Nothing of it has gone out, so nothing is sent." in unsent
    assert "/bill reissue #42" in unsent


def test_what_was_credited_already_is_not_credited_again() -> None:
    credit = samples.RelatedBill(
        43, samples.BillKind.CREDIT, State.SENT, "CN-2026-000001", None, "USD"
    )
    facts = replace(BILLS["delivered"], corrections=(replace(credit, amount=-BILL.amount / 4),))  # type: ignore[operator]
    asked = shown(dialogs.void(facts)["blocks"])
    assert "is made: \n−$750.00\n." in asked
    assert f"{facts.number} and {facts.corrections[0].number} have gone out, so a credit" in asked
    assert f"{facts.corrections[0].number} stays in it as sent." in asked
    assert BILL.amount is not None
    whole = replace(BILLS["delivered"], corrections=(replace(credit, amount=-BILL.amount),))
    told = shown(dialogs.void(whole)["blocks"])
    assert "What has gone out is taken back in full already, so no credit is made." in told
    assert "Nothing of it has gone out" not in told


def test_the_dialog_of_a_reissue_shows_the_new_bill() -> None:
    told = shown(dialogs.reissue(BILLS["void, unsent"], BILLS["corrected"])["blocks"])
    assert "180,000 over × $0.004 = $720.00" in told
    assert ANA.name not in told
