"""Bills that are approved together: how far that is, and what came of each."""

from handlers.slack.blocks.block_kit import (
    Block,
    SlackMessage,
    bullets,
    header,
    lines,
    message,
    paragraph,
    rich,
    sentence_message,
)
from handlers.wording.approving_text import approved_text, approving_text, outcome_text
from handlers.wording.bill_text import bill_count
from handlers.wording.formatting import slash
from handlers.wording.rich_text import code, fallback_text
from handlers.wording.text_chart import progress_bar
from models.batches.bulk_approve import NAMED, ApprovalReport


def approving_many(report: ApprovalReport) -> SlackMessage:
    """A list in a message of its own, which is redrawn until all of it is done."""
    if report.ended:
        return approved_many(report)
    told = approving_text(report)
    bar = progress_bar(report.approved + report.left_out, report.bills)
    return message(
        fallback_text(f"{told}."), [header("Approving bills"), lines([bar], [f"{told}."])]
    )


def approving_begun(report: ApprovalReport) -> SlackMessage:
    """To whoever clicked, where the list is longer than a click."""
    return sentence_message(
        f"{approving_text(report)}. How far it is, and what came of it, stands in your direct"
        " messages with Countersign."
    )


def approved_many(report: ApprovalReport) -> SlackMessage:
    """What came of a list: of a short one for each bill, of a long one for what was left out."""
    told = approved_text(report)
    return message(fallback_text(told), [paragraph(told), *_outcomes(report)])


def _outcomes(report: ApprovalReport) -> list[Block]:
    is_short = report.bills <= NAMED
    named = [one for one in report.outcomes if is_short or one.left_out]
    if not named:
        return []
    more = 0 if is_short else report.left_out - len(named)
    rest = [paragraph(f"{bill_count(more)} more were left out: ", *_SEE)] if more > 0 else []
    return [rich(bullets([outcome_text(one)] for one in named)), *rest]


_SEE = ("type ", code(slash("bill list mine")), " to see what still waits for you.")
