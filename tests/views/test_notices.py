"""Notices: what somebody is told who has not asked, and what to do about it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal

import pytest

from handlers.slack.blocks.access import access_granted, access_requested
from handlers.slack.blocks.bill_list import digest_message
from handlers.slack.blocks.block_kit import SlackMessage
from handlers.slack.blocks.card import bill_card
from handlers.slack.blocks.mail_notices import (
    bounced_notice,
    delivered_notice,
    mail_resumed_notice,
    mail_stopped_notice,
    may_have_arrived_notice,
    not_sent_notice,
)
from handlers.slack.blocks.notifications import (
    approvals_notice,
    approvals_revoked_notice,
    recalculated_notice,
    rejection_notice,
    unreachable_notice,
    unreached_notice,
)
from models.bills.deliveries import Missing
from models.named_people import PersonRef
from models.people.permissions import Role
from models.queries.bill_details import BillDetails
from models.queries.digest import Digest
from models.queries.totals import Total
from sandbox.blockkit import check_message
from tests.harness.browser_side import PUBLIC_URL
from tests.views import samples
from tests.views.samples import ANA, BILL, BILLS, buttons, shown, value_of


def test_finance_is_asked_for_a_role_with_a_button_each() -> None:
    message = access_requested(replace(samples.KIM, role=None), "kim@acme.example")
    *roles, decline = buttons(message.blocks).values()
    assert [value_of(b) for b in roles] == [{"user": 2, "role": role} for role in Role]
    assert (decline["action_id"], value_of(decline)) == ("access:decline", {"user": 2})
    assert message.text == (
        "Kim Lee (<@U2>, kim@acme.example) asks for access to Countersign. Which role?"
    )


def test_whoever_has_no_address_and_no_account_is_shown_by_name() -> None:
    text = access_requested(replace(samples.KIM, role=None, slack_user_id=None)).text
    assert text == "Kim Lee asks for access to Countersign. Which role?"


@pytest.mark.parametrize("who", [samples.KIM, None])
def test_finance_reads_whom_slack_cannot_reach_and_what_to_do(who: PersonRef | None) -> None:
    message = unreached_notice(Role.CSM, who)
    assert check_message(message.blocks) == []
    missing = (
        "Kim Lee (CSM), who has no Slack account in Countersign, so they are not asked. Only the "
        "channel for approvals is, if there is one."
        if who
        else "anybody in Customer Success, where nobody has a Slack account in Countersign, so "
        "nobody is asked."
    )
    assert f"Bills wait for {missing} Give the Slack member id" in message.text
    assert "Give the Slack member id on the page People" in message.text
    assert f"{PUBLIC_URL}/people" in str(message.blocks)


def test_finance_reads_to_whom_slack_brings_nothing_and_what_it_said() -> None:
    message = unreachable_notice(samples.KIM, "user_disabled")
    assert check_message(message.blocks) == []
    assert message.text.startswith(
        "Bills wait for Kim Lee (CSM), and Slack brings nothing to them: user_disabled. What they "
        "had to decide is asked in the channel for approvals; without one, of everybody of their "
        "role, or of Finance where that is nobody. Ask somebody else with Reassign on the bill, or "
        "name somebody else for these customers."
    )


def test_no_name_or_address_of_whoever_asks_is_read_as_markup() -> None:
    text = access_requested(replace(samples.KIM, name="<!channel>"), "<@U9>@x.example").text
    assert "<!channel>" not in text
    assert "<@U9>" not in text


@pytest.mark.parametrize("role", Role)
def test_whoever_is_given_a_role_learns_what_to_do_first(role: Role) -> None:
    text = access_granted(role).text
    assert f"Your role in Countersign is {role}." in text
    assert "/bill" in text


def test_a_rejection_is_told_with_its_reason_and_words() -> None:
    message = rejection_notice(BILLS["rejected"], samples.REJECTED)
    assert message.text == (
        "Kim Lee (CSM) rejected bill #42, Acme Corp, October 2026, $1,000.00: the limit is wrong."
    )
    assert "The limit was raised in September." in shown(message.blocks)


def test_whoever_generated_a_rejected_bill_can_revise_it_or_make_it_void() -> None:
    offered = buttons(rejection_notice(BILLS["rejected"], samples.REJECTED).blocks)
    assert list(offered) == ["bill:revise", "bill:void", "bill:history"]
    assert value_of(offered["bill:revise"]) == {"bill": 42, "version": 1}


def test_an_approver_is_told_what_changed_under_their_approval() -> None:
    message = approvals_revoked_notice([BILLS["corrected"]], [42])
    assert message.text == (
        "What you approved has changed: your approval of 1 bill does not stand any more."
    )
    assert "usage was corrected from 1,250,000 to 1,180,000 calls" in shown(message.blocks)
    assert "It waits for your approval again." in shown(message.blocks)
    assert "/bill list mine" in shown(message.blocks)


def test_an_approver_is_told_what_comes_next_of_each_bill_that_their_word_fell_of() -> None:
    """One waits for Kim, one for somebody else, and one is held: only the first is in her list."""
    theirs, held = BILLS["corrected"], replace(BILLS["held, no_approver"], id=44)
    others = replace(BILLS["pending, one of two in"], id=43)
    told = shown(approvals_revoked_notice([theirs, others, held], [theirs.id]).blocks)
    assert "#42 waits for your approval again." in told
    assert "waits for anybody in Sales." in told
    assert "#44 waits for Finance to settle the cause." in told

    left = approvals_revoked_notice([held], [])
    assert left.text == "Your approval of 1 bill does not stand any more."
    assert "held because nobody could approve it" in shown(left.blocks)
    assert "It waits for Finance to settle the cause." in shown(left.blocks)
    passed_on = approvals_revoked_notice([others], [])
    for message in (left, passed_on):
        assert "list mine" not in shown(message.blocks)
        assert "your approval again" not in shown(message.blocks)


def test_finance_hears_what_could_not_be_delivered_and_can_send_it_again() -> None:
    message = not_sent_notice([(BILLS["not delivered"], samples.FAILED)])
    assert message.text == (
        "Bill #42, Acme Corp, October 2026, $1,000.00 could not be delivered"
        " to billing@acme.example."
    )
    assert "550 5.1.1 no such mailbox" in shown(message.blocks)
    assert "Its number, 2026-000123, stays." in shown(message.blocks)
    again = buttons(message.blocks)["bill:send"]
    assert again["text"]["text"] == "Send again"
    assert value_of(again) == {"bill": 42, "version": 1}
    elsewhere = replace(BILLS["delivered"], sent_to="new@acme.example")
    sent = not_sent_notice([(elsewhere, samples.FAILED)])
    assert sent.text == message.text, "what failed then is where it failed"
    assert "is delivered to new@acme.example." in shown(sent.blocks)
    assert "bill:send" not in buttons(sent.blocks)
    undrawn = not_sent_notice([(BILLS["not delivered"], replace(samples.FAILED, to=None))])
    assert undrawn.text.endswith("$1,000.00 could not be delivered.")


def test_several_troubles_are_one_message_each_bill_with_its_words() -> None:
    failed = BILLS["not delivered"]
    other = replace(failed, id=43, number="2026-000124")
    message = not_sent_notice([(failed, samples.FAILED), (other, samples.FAILED)], 3)
    assert message.text == "5 bills could not be delivered."
    told = shown(message.blocks)
    assert "2026-000123, Acme Corp" in told and "2026-000124, Acme Corp" in told
    assert told.count("550 5.1.1 no such mailbox") == 2 and "and 3 more" in told
    assert list(buttons(message.blocks)) == ["bill:send", "bill:send.2"]
    unheard = may_have_arrived_notice([BILLS["perhaps arrived"]] * 25)
    assert unheard.text == "25 bills may have arrived." and "and 5 more" in shown(unheard.blocks)
    assert "To decide on another, type \n/bill show\n and its number." in shown(unheard.blocks)
    assert "To decide" not in shown(may_have_arrived_notice([BILLS["perhaps arrived"]] * 5).blocks)
    assert check_message(message.blocks) == check_message(unheard.blocks) == []


def test_a_bill_that_failed_before_it_had_a_number_is_told_of_without_one() -> None:
    unnumbered = replace(BILLS["not delivered"], number=None)
    told = str(not_sent_notice([(unnumbered, samples.FAILED)]))
    assert "Mend what was wrong, then send it again." in told
    assert "number" not in told


def test_finance_hears_what_corrected_figures_have_done() -> None:
    done = {"invalidated": (2, [42, 43]), "reported": (1, [42]), "held": (0, [])}
    message = recalculated_notice(done, {42: BILL})
    assert message.text == (
        "Usage, terms or people have changed: 2 bills have other figures now, and wait for approval"
        " again; 1 bill has gone out for a month that is too old to be corrected by itself."
    )
    assert ": #42 Acme Corp, October 2026, $1,000.00; and 1 more." in shown(message.blocks)
    assert "make it void and bill its month again" in shown(message.blocks)


def test_finance_hears_why_bills_are_held_and_which_rejected_ones_wait() -> None:
    held = replace(BILLS["held, no_approver"], id=43)
    message = recalculated_notice({"held": (1, [43]), "rejected": (1, [42])}, {42: BILL, 43: held})
    assert (
        ": #43 Acme Corp, October 2026, $1,000.00, because nobody could approve it."
        " Settle the cause, then release it." in shown(message.blocks)
    )
    assert "1 bill was rejected, and usage and terms give other figures since" in message.text
    assert "A rejected bill keeps its figures until it is revised." in shown(message.blocks)


def test_approvals_are_bundled_and_the_rest_is_counted() -> None:
    one = approvals_notice([BILL], ANA.id)
    assert one.text == "1 bill you generated is approved."
    many = approvals_notice([BILL] * 32, ANA.id)
    assert many.text == "32 bills you generated are approved."
    assert "and 12 more" in shown(many.blocks)


def test_approvals_of_what_others_generated_are_not_called_the_readers_own() -> None:
    by_clock = replace(BILL, generated_by=samples.CLOCK)
    assert approvals_notice([by_clock], ANA.id).text == "1 bill is approved."
    assert approvals_notice([BILL, by_clock], ANA.id).text == "2 bills are approved."


def test_a_digest_tells_sums_and_the_biggest() -> None:
    message = digest_message(samples.digest())
    assert message.text == "13 bills of October 2026 wait for you: $36.00 and ¥42."
    assert "The biggest 2, by currency:" in shown(message.blocks)
    (table,) = [b for b in message.blocks if b["type"] == "table"]
    assert [row[0]["text"] for row in table["rows"]] == ["Bill", "#11", "#12"]


def test_a_digest_says_what_is_left_of_it() -> None:
    one = replace(samples.digest(), waiting=1, totals=(Total("USD", 1, Decimal(1000)),))
    left = digest_message(one).text
    assert left == "1 bill of October 2026 waits for you: $1,000.00. Of 13, the others are decided."
    none = digest_message(Digest(12))
    assert none.text == "All 12 are decided: none of these bills waits for you now."


def test_finance_reads_that_mail_has_stopped_why_and_what_waits() -> None:
    message = mail_stopped_notice("The mail server answered: 535 wrong", 2, needs_somebody=True)
    told = shown(message.blocks)
    assert "No bill goes out by mail now." in told
    assert "2 bills wait. Have it mended" in told
    assert "535 wrong" in told
    again = shown(mail_resumed_notice(2).blocks)
    assert "Bills go out by mail again. 2 bills are on the way." in " ".join(again.split())
    passing = mail_stopped_notice("No connection", 1, needs_somebody=False)
    assert "1 bill waits. It is tried again and again." in shown(passing.blocks)


def test_finance_reads_which_copies_a_delivered_bill_did_not_go_to() -> None:
    parted = BILLS["delivered but for a copy"]
    alone = delivered_notice([parted], [Total("USD", 1, Decimal(1000))])
    assert alone.text.endswith(
        "is delivered to billing@acme.example, but not to boss@acme.example."
    )
    waits = Missing("cfo@acme.example", "450 later", later=True)
    both = replace(parted, letter=replace(parted.letter, missing=(*parted.letter.missing, waits)))
    several = delivered_notice([both, BILLS["delivered"]], [Total("USD", 2, Decimal(2000))])
    told = "but not to boss@acme.example and not yet to cfo@acme.example"
    assert shown(several.blocks).count(told) == 1


def test_finance_reads_of_a_bill_that_may_have_arrived() -> None:
    one = BILLS["perhaps arrived"]
    notice = may_have_arrived_notice([one])
    told = shown(notice.blocks)
    ways = buttons(notice.blocks)
    assert [ways[way]["text"]["text"] for way in ("bill:deliver", "bill:send")] == [
        "It arrived",
        "Send again",
    ]
    asked = ways["bill:send"]["confirm"]["text"]["text"]
    assert "Whoever has it already gets it twice, as one message" in asked
    assert buttons(bill_card(one, samples.user(ANA)).blocks).keys() >= {"bill:deliver", "bill:send"}
    assert "2026-000123, Acme Corp, October 2026, $1,000.00 may have arrived." in told
    assert "It was not heard." in told
    assert "owes it once" in told


def test_finance_can_send_again_what_came_back_to_the_address_of_today() -> None:
    one = BILLS["came back"]
    alone = bounced_notice([(one, samples.BOUNCED)])
    assert check_message(alone.blocks) == []
    again = buttons(alone.blocks)["bill:send"]
    assert (again["text"]["text"], value_of(again)["bill"]) == ("Send again", one.id)
    asked = again["confirm"]["text"]["text"]
    assert "The same document goes out again at once to new@acme.example" in asked
    several = bounced_notice(
        [(one, samples.BOUNCED), (replace(one, id=43, number="2026-000124"), samples.BOUNCED)], 3
    )
    assert [one["text"]["text"] for one in buttons(several.blocks).values()] == [
        "Send again 2026-000123",
        "Send again 2026-000124",
    ]
    assert "bill:send" in buttons(bill_card(one).blocks)
    sent_already = bounced_notice([(BILLS["delivered"], samples.BOUNCED)])
    assert buttons(sent_already.blocks) == {}


@pytest.mark.parametrize(
    ("draw", "trouble"),
    [
        (lambda some: not_sent_notice([(one, samples.FAILED) for one in some]), "not delivered"),
        (lambda some: bounced_notice([(one, samples.BOUNCED) for one in some]), "came back"),
        (may_have_arrived_notice, "perhaps arrived"),
    ],
)
def test_a_notice_says_of_each_bill_what_has_become_of_it(
    draw: Callable[[Sequence[BillDetails]], SlackMessage], trouble: str
) -> None:
    one = BILLS[trouble]
    settled = replace(BILLS["delivered"], id=43, number="2026-000124")
    message = draw([one, settled])
    assert "2026-000124, Acme Corp, October 2026, $1,000.00, \nis delivered to" in shown(
        message.blocks
    )
    assert {value_of(one)["bill"] for one in buttons(message.blocks).values()} == {42}
    both = draw([settled, replace(settled, id=42)])
    assert (buttons(both.blocks), shown(both.blocks).count("is delivered to")) == ({}, 2)
    assert "end it again" not in shown(both.blocks) and check_message(both.blocks) == []
    alone = draw([settled])
    assert "is delivered to" in shown(alone.blocks) or trouble == "came back"
    assert "bill:send" not in buttons(alone.blocks)


def test_a_copy_that_did_not_arrive_is_told_as_one_and_offers_no_second_letter() -> None:
    one = replace(BILLS["delivered"], lost_copies=(samples.COPY_LOST,))
    alone = bounced_notice([(one, samples.COPY_LOST)])
    assert check_message(alone.blocks) == []
    told = shown(alone.blocks)
    assert "1 copy did not arrive" in told
    assert "a copy, at boss@acme.example" in told
    assert "the bill itself did, as far as is known" in told
    assert (buttons(alone.blocks), "send it again" in told) == ({}, False)
    assert "A copy is reported not to have arrived at boss@acme.example" in str(
        bill_card(one).blocks
    )
    came_back = (BILLS["came back"], samples.BOUNCED)
    both = shown(bounced_notice([came_back, (one, samples.COPY_LOST)]).blocks)
    assert "1 bill and 1 copy did not arrive" in both


def test_finance_reads_which_were_delivered_and_what_they_come_to() -> None:
    one = BILLS["delivered"]
    alone = delivered_notice([one], [Total("USD", 1, Decimal("1000.00"))])
    assert check_message(alone.blocks) == []
    assert f"{one.number}, Acme Corp, October 2026" in shown(alone.blocks)
    assert "is delivered to" in shown(alone.blocks)
    many = delivered_notice([one], [Total("EUR", 1, Decimal(5)), Total("USD", 21, Decimal(9))])
    assert check_message(many.blocks) == []
    told = " ".join(shown(many.blocks).split())
    assert "22 bills are delivered: " in told
    assert "€5.00" in told
    assert "$9.00" in told
    assert "and 21 more" in told
