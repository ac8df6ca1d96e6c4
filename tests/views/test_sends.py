"""Sending bills: the preview, what it carries, and what is told of a list."""

from dataclasses import replace

import pytest

from handlers.slack.blocks.bulk_send import (
    send_preview,
    send_progress,
    send_started,
)
from handlers.slack.blocks.card import bill_card
from handlers.slack.blocks.outcomes import bill_voided, sending_started
from models.bills.states import NotSent, State
from tests.views import asked as dialogs
from tests.views import samples
from tests.views.samples import ANA, BILL, BILLS, OCTOBER, buttons, shown, value_of


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


def test_a_preview_of_one_bill_names_it_and_where_it_goes() -> None:
    message = send_preview(samples.send_preview(BILL, 1, 0))
    assert message.text == (
        "Acme Corp, October 2026, $1,000.00, would go to billing@acme.example."
        " Nothing has been sent yet."
    )
    assert buttons(message.blocks)["sending:go"]["text"]["text"] == "Send 1 bill"


def test_what_cannot_go_out_is_named_with_its_reason() -> None:
    told = shown(send_preview(samples.send_preview(BILL, 0, len(NotSent))).blocks)
    assert "No approved bill can go out." in told
    assert "Acme Corp, October 2026, $1,000.00: it is waiting for approval" in told
    assert "its customer has no billing e-mail address" in told
    assert "its usage or terms have changed, so it needs approval again" in told


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
        (0, "They go out at once and cannot be called back."),
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
    assert f"1 bill {at_once} Of the others: They go out 5 minutes after" in mixed
    sent = send_started(samples.send_facts(sent=1, at_once=1, due=None), again=False)
    assert sent.text.endswith(f"It {at_once}")
    assert "To call one back" not in shown(sent.blocks)
    assert at_once in sending_started(BILLS["issued"], samples.user(ANA)).text
    failed = buttons(bill_card(BILLS["not delivered"]).blocks)["bill:send"]
    assert failed["confirm"]["text"]["text"] == (
        "$1,000.00 for October 2026, to Acme Corp. It goes out at once, and cannot be called back."
    )


def test_a_list_says_what_was_sent_and_what_was_left_out() -> None:
    message = send_started(samples.send_facts(), again=False)
    assert message.text.startswith("2 bills are on their way: $2,000.00, to go out ")
    assert "it changed after you were shown it" in shown(message.blocks)
    again = send_started(samples.send_facts(), again=True)
    assert again.text.startswith("That is done already. 2 bills are on their way")


def test_one_bill_is_called_back_by_its_own_number() -> None:
    one = samples.send_facts(sent=1, only_in_delay=9)
    assert "To call it back, type \n/bill undo #9\n." in shown(
        send_started(one, again=False).blocks
    )
    last = samples.send_facts(only_in_delay=9)
    assert "To call #9 back, type \n/bill undo #9\n." in shown(
        send_started(last, again=False).blocks
    )


def test_a_long_list_shows_its_progress_elsewhere() -> None:
    going = samples.send_facts(bills=400, sent=25, ended=False, kept=())
    assert send_started(going, again=False).text == (
        "Sending 400 bills. Progress is in your direct messages with Countersign."
    )
    assert send_progress(going).text == "Sending: 25 of 400 bills on their way."


def test_a_bill_in_its_delay_can_be_called_back_where_it_was_sent() -> None:
    message = sending_started(BILLS["in its delay"], samples.user(ANA))
    assert list(buttons(message.blocks)) == ["bill:undo"]
    for state in ("issued", "sent without a delay"):
        assert buttons(sending_started(BILLS[state], samples.user(ANA)).blocks) == {}


def test_whoever_voids_is_given_the_credit_to_send() -> None:
    credit = replace(BILLS["credit for a void bill"], id=43)
    message = bill_voided(BILLS["void, credited"], credit)
    assert "#43, -$1,000.00" in shown(message.blocks)
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
    assert "a credit over the whole standing amount is made: \n-$1,000.00\n." in out
    unsent = shown(dialogs.void(BILLS["approved"])["blocks"])
    assert "Nothing of it has gone out, so nothing is sent." in unsent
    assert "/bill reissue #42" in unsent


def test_what_was_credited_already_is_not_credited_again() -> None:
    credit = samples.RelatedBill(
        43, samples.BillKind.CREDIT, State.SENT, "CN-2026-000001", None, "USD"
    )
    facts = replace(BILLS["delivered"], corrections=(replace(credit, amount=-BILL.amount / 4),))  # type: ignore[operator]
    assert "is made: \n-$750.00\n." in shown(dialogs.void(facts)["blocks"])
    assert BILL.amount is not None
    whole = replace(BILLS["delivered"], corrections=(replace(credit, amount=-BILL.amount),))
    told = shown(dialogs.void(whole)["blocks"])
    assert "What has gone out is taken back in full already, so no credit is made." in told
    assert "Nothing of it has gone out" not in told


def test_the_dialog_of_a_reissue_shows_the_new_bill() -> None:
    told = shown(dialogs.reissue(BILLS["void, unsent"], BILLS["corrected"])["blocks"])
    assert "180,000 over × $0.004 = $720.00" in told
    assert ANA.name not in told
