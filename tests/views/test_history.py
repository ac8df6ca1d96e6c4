"""The story of a bill, told in sentences."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from handlers.slack.blocks.block_kit import SlackMessage
from handlers.slack.blocks.history import PAGE_ACTIONS, bill_history
from models.bills.states import Cause, HoldReason, Verb
from models.context import Source
from models.queries.history import HistoryEntry
from sandbox.blockkit import check_message
from tests.views import samples
from tests.views.samples import ANA, BILL, BILLS, KIM, NOON, SAM, buttons, entry, shown, value_of

GENERATED = entry(Verb.GENERATE, ANA, id=1, source=Source.CLI, amount=Decimal("1000.00"))
COMMENTED = entry(Verb.COMMENT, id=3, comment="*Is* this <right>?")


def sentence(one: HistoryEntry, *others: HistoryEntry) -> str:
    block = bill_history(BILL, [one, *others]).blocks[1]
    return "".join(text for _, text in samples.strings(block["elements"][0]))


@pytest.mark.parametrize(
    ("one", "told"),
    [
        (GENERATED, ", Ana Ruiz (Finance) generated the bill of $1,000.00 from the command line"),
        (
            replace(
                GENERATED,
                by=samples.CLOCK,
                source=Source.CLOCK,
                amount=None,
                hold_reason=HoldReason.NO_PRICE,
            ),
            ", Countersign generated the bill on schedule;"
            " held because the customer has no overage price",
        ),
        (
            entry(Verb.APPROVE, amount=Decimal("720.00"), acted_for=SAM),
            ", Kim Lee (CSM) approved $720.00 in Slack, for Sam Ray (Sales) who is away",
        ),
        (
            replace(samples.REJECTED, source=Source.WEB),
            ", Kim Lee (CSM) rejected $1,000.00 on the web: the limit is wrong",
        ),
        (samples.RELEASED, ", Ana Ruiz (Finance) released the bill in Slack"),
        (
            samples.UNDONE,
            ", Kim Lee (CSM) took back in Slack their own approval of $1,000.00, made ",
        ),
        (
            entry(Verb.HOLD, samples.CLOCK, hold_reason=HoldReason.JUMP, source=Source.API),
            ", Countersign held the bill"
            " because the amount is several times the customer’s last one",
        ),
        (
            entry(Verb.UNDO, ANA, id=10, reverses=samples.UNDONE, due=NOON),
            ", Ana Ruiz (Finance) took back in Slack the undo by Kim Lee (CSM), made "
            ", which took back the approval of $1,000.00 by Kim Lee (CSM), made "
            "; the bill goes out ",
        ),
        (
            replace(samples.CORRECTED, dropped_units=10_400),
            ", Countersign worked the bill out anew from the command line, because usage or terms"
            " were corrected; the 10,400 calls set by hand no longer hold",
        ),
        (
            entry(Verb.GENERATE, ANA, amount=Decimal(90_000), currency="JPY"),
            ", Ana Ruiz (Finance) generated the bill of ¥90,000 in Slack",
        ),
        (
            replace(samples.BY_RULE, currency="JPY", amount=Decimal(1000)),
            ", Countersign approved ¥1,000, by the customer’s own rule: below ¥5,000",
        ),
        (COMMENTED, ", Kim Lee (CSM) commented in Slack"),
        (
            samples.BY_RULE,
            ", Countersign approved $1,000.00, by the customer’s own rule: below $5,000.00",
        ),
        (
            samples.REVISED,
            ", Ana Ruiz (Finance) revised the bill in Slack, and set the calls to bill to 180,000",
        ),
        (
            samples.CORRECTED,
            ", Countersign worked the bill out anew from the command line,"
            " because usage or terms were corrected",
        ),
        (
            replace(samples.CORRECTED, corrected_by=ANA),
            ", Countersign worked the bill out anew from the command line,"
            " because Ana Ruiz (Finance) corrected usage or terms",
        ),
        (
            entry(
                Verb.VOID,
                samples.CLOCK,
                cause=Cause.NO_OVERAGE,
                changes={"api_usage": (1500, 900)},
                corrected_by=ANA,
            ),
            ", Countersign made the bill void, because usage and terms leave nothing to"
            " bill, after Ana Ruiz (Finance) corrected usage or terms",
        ),
        (samples.SENT_OFF, ", Ana Ruiz (Finance) sent the bill on its way in Slack, to go out "),
        (
            entry(Verb.ISSUE, samples.CLOCK, source=Source.CLOCK, number="2026-000123"),
            ", Countersign issued the bill as 2026-000123 on schedule",
        ),
        (
            samples.DELIVERED,
            ", Countersign delivered the bill to billing@acme.example on schedule;"
            " the mail server answered “250 2.0.0 kept”",
        ),
        (
            samples.FAILED,
            ", Countersign could not deliver the bill to billing@acme.example on schedule: "
            "550 5.1.1 no such mailbox",
        ),
        (samples.VOIDED, ", Ana Ruiz (Finance) made the bill void in Slack"),
        (
            entry(Verb.VOID, samples.CLOCK, cause=Cause.VOID_WITH, about=12),
            ", Countersign made the bill void,"
            " because the bill that it corrects was made void: #12",
        ),
        (
            entry(Verb.VOID, samples.CLOCK, cause=Cause.NO_OVERAGE),
            ", Countersign made the bill void, because usage and terms leave nothing to bill",
        ),
        (
            entry(Verb.GENERATE, samples.CLOCK, cause=Cause.LATE_USAGE, amount=Decimal(-280)),
            ", Countersign generated the bill of −$280.00,"
            " because the usage of a month that had gone out was corrected",
        ),
        (
            entry(Verb.REISSUE, ANA, amount=Decimal(720)),
            ", Ana Ruiz (Finance) billed the month again with $720.00 in Slack",
        ),
    ],
    ids=lambda value: value.verb if isinstance(value, HistoryEntry) else "",
)
def test_each_deed_is_a_sentence(one: HistoryEntry, told: str) -> None:
    assert sentence(one) == told


def test_the_newest_page_ends_with_the_other_bills_of_the_month() -> None:
    entries = [entry(Verb.COMMENT, id=n, comment="x") for n in range(41)]
    newest = bill_history(BILLS["void, credited"], entries)
    assert shown(newest.blocks[-2:-1]) == "This bill is credited by \n#43\n: −$1,000.00, approved."
    assert "credited" not in shown(bill_history(BILLS["void, credited"], entries, 1).blocks)
    replaced = shown(bill_history(BILLS["void, replaced"], entries[:1]).blocks)
    assert "This bill is replaced by \n#44\n: $720.00, waiting for approval." in replaced
    credit = shown(bill_history(BILLS["credit for late usage"], entries[:1]).blocks)
    assert "This bill credits \n#12 (2026-000123)\n: $1,000.00, sent." in credit


@pytest.mark.parametrize("verb", [Verb.COMMENT_EDIT, Verb.COMMENT_DELETE])
def test_an_edit_and_a_deletion_say_which_comment_they_are_about(verb: Verb) -> None:
    later = entry(verb, id=4, at=NOON + timedelta(hours=1), edits=3, comment="So it is.")
    block = bill_history(BILL, [COMMENTED, later]).blocks[2]
    stamps = [slot["timestamp"] for slot in block["elements"][0]["elements"] if "timestamp" in slot]
    assert stamps == [int(later.at.timestamp()), int(NOON.timestamp())]
    assert "a comment in Slack, the one of " in shown(block)


def test_a_comment_is_quoted_as_it_was_typed() -> None:
    quoted = bill_history(BILL, [COMMENTED]).blocks[1]["elements"][1]
    assert quoted["type"] == "rich_text_quote"
    assert quoted["elements"] == [{"type": "text", "text": "*Is* this <right>?"}]


def test_figures_that_moved_are_told_before_and_after() -> None:
    moved = entry(
        Verb.HOLD,
        changes={
            "status": ("pending", "held"),
            "api_usage": (1_250_000, 1_180_000),
            "overage_unit_cost": (None, "0.0040"),
            "overage_amount": ("1000.00", "720.00"),
        },
    )
    assert (
        "Usage from 1,250,000 to 1,180,000; unit price from none to $0.004;"
        " amount from $1,000.00 to $720.00." in shown(bill_history(BILL, [moved]).blocks)
    )


def test_figures_stand_in_the_currency_of_their_time() -> None:
    moved = entry(
        Verb.INVALIDATE,
        changes={"currency": ("USD", "JPY"), "overage_amount": ("1000.00", "900")},
    )
    told = shown(bill_history(BILL, [moved]).blocks)
    assert "Currency from USD to JPY; amount from $1,000.00 to ¥900." in told


def test_the_notification_counts_the_entries_and_says_how_the_bill_stands() -> None:
    assert bill_history(BILL, [GENERATED]).text == (
        "History of bill #42, Acme Corp, October 2026: 1 entry. Now waits for Kim Lee (CSM)."
    )


def pages(entries: list[HistoryEntry]) -> list[list[str]]:
    """The comments on each page, following the button from the newest."""
    found = []
    number: int | None = 0
    while number is not None:
        message = bill_history(BILL, entries, number)
        assert check_message(message.blocks) == []
        found.append([t for b in message.blocks[1:] for t in shown(b).splitlines() if "said" in t])
        number = ways(message).get("before")
    return found


def ways(message: SlackMessage) -> dict[str, int]:
    """The pages that the buttons lead to: what was done before these entries, and after."""
    found = [one for key, one in buttons(message.blocks).items() if key.startswith("bill:history")]
    return {one["text"]["text"].split()[-2]: value_of(one)["page"] for one in found}


@pytest.mark.parametrize("size", [1, 40, 41, 130])
def test_pages_hold_every_deed_once_from_the_newest_back(size: int) -> None:
    entries = [entry(Verb.COMMENT, id=n, comment=f"said {n}") for n in range(size)]
    found = pages(entries)
    assert all(len(page) <= PAGE_ACTIONS for page in found)
    assert [line for page in reversed(found) for line in page] == [d.comment for d in entries]


def test_long_comments_make_shorter_pages_and_none_is_lost() -> None:
    entries = [entry(Verb.COMMENT, id=n, comment=f"said {n} " + "&" * 3000) for n in range(9)]
    found = [line.split(" &")[0] for page in reversed(pages(entries)) for line in page]
    assert found == [f"said {n}" for n in range(9)]


def test_from_a_page_there_is_a_way_on_and_back() -> None:
    entries = [entry(Verb.COMMENT, id=n, comment="x") for n in range(100)]
    assert [ways(bill_history(BILL, entries, page)) for page in range(3)] == [
        {"before": 1},
        {"before": 2, "after": 0},
        {"after": 1},
    ]


def test_a_page_beyond_the_last_is_the_last() -> None:
    assert "generated the bill" in shown(bill_history(BILL, [GENERATED], page=99).blocks)


def test_the_button_says_how_many_entries_come_before() -> None:
    entries = [entry(Verb.COMMENT, KIM, id=n, comment="x") for n in range(41)]
    button = buttons(bill_history(BILL, entries).blocks)["bill:history"]
    assert button["text"]["text"] == "Show 1 entry before these"
    assert value_of(button) == {"bill": 42, "page": 1}
