"""Bills that are approved together: how far that is, and what came of each."""

from collections.abc import Sequence

from handlers.slack.blocks.action_ids import ActionId, pack
from handlers.slack.blocks.block_kit import (
    Block,
    SlackMessage,
    View,
    bullets,
    header,
    lines,
    message,
    modal,
    paragraph,
    rich,
    sentence_message,
)
from handlers.slack.blocks.inputs import line_input, select_input
from handlers.wording.approving_text import approved_text, approving_text, outcome_text
from handlers.wording.bill_text import amount, short_title
from handlers.wording.formatting import bill_count, cut, money, number, slash, totals
from handlers.wording.rich_text import code, fallback_text
from handlers.wording.text_chart import progress_bar
from models.batches.approval_offers import ApprovalOffer
from models.batches.approve_selected import Selected
from models.batches.approve_under import MOST_LISTED, UNDER, Waiting
from models.batches.bulk_approve import NAMED, ApprovalReport
from models.queries.bill_list import BillLine

SHOWN = 12
"""Currencies in which it is told what waits."""


CURRENCY = "currency"


def approve_under_form(waiting: Sequence[Waiting]) -> View:
    """Asks for an amount, in one of the currencies in which bills wait for whoever asks."""
    told = [
        f"{bill_count(one.bills)} in {one.currency}: {_from_to(one)}." for one in waiting[:SHOWN]
    ]
    choice = [(one.currency, one.currency) for one in waiting]
    several = [select_input(CURRENCY, "Currency", choice, waiting[0].currency)]
    hint = "Each bill that is smaller. You see which these are before you approve them."
    return modal(
        "Approve under an amount",
        [
            paragraph("What waits for you", _of_how_many(waiting), ":"),
            rich(bullets([one] for one in told)),
            line_input(UNDER, "Under", hint),
            *(several if len(waiting) > 1 else []),
        ],
        callback_id=ActionId.APPROVE_UNDER,
        submit="See which",
        metadata=pack(currency=waiting[0].currency),
        close="Cancel",
    )


def _of_how_many(waiting: Sequence[Waiting]) -> str:
    is_cut = sum(one.bills for one in waiting) >= MOST_LISTED
    return f", the oldest {number(MOST_LISTED)} bills" if is_cut else ""


def _from_to(one: Waiting) -> str:
    least, most = money(one.least, one.currency), money(one.most, one.currency)
    return least if one.bills == 1 else f"from {least} to {most}"


def under_preview(offer: ApprovalOffer, biggest: Sequence[BillLine]) -> View:
    """The list as it was kept, and what approving it means."""
    under, whole = money(offer.under, offer.currency), money(offer.amount, offer.currency)
    told = f"{bill_count(offer.bills)} under {under}, {whole} together."
    carried = pack(list=offer.list_id)
    return _approve_question(told, offer.bills, biggest, carried)


def selected_preview(selected: Selected) -> View:
    """What is ticked as it was kept, and what approving it means."""
    told = f"{bill_count(selected.bills)}, {totals(selected.totals)}{_together(selected)}."
    if selected.changed:
        have = "has" if selected.changed == 1 else "have"
        told += f" {bill_count(selected.changed)} {have} changed since, and will be left out."
    carried = pack(list=selected.list_id)
    return _approve_question(told, selected.bills, selected.biggest, carried)


def _together(selected: Selected) -> str:
    return " together" if selected.bills > 1 and len(selected.totals) == 1 else ""


def _approve_question(told: str, bills: int, biggest: Sequence[BillLine], carried: str) -> View:
    """Asks whether a list is to be approved, of which the biggest are shown."""
    first = f" The biggest {number(len(biggest))}:" if len(biggest) < bills else ""
    lines_told = [[f"#{one.id}, {short_title(one)}: {amount(one)}"] for one in biggest]
    return modal(
        "Approve these?",
        [
            paragraph(f"{told}{first}"),
            rich(bullets(lines_told)),
            paragraph("What changes before you approve is left out and named."),
        ],
        callback_id=ActionId.APPROVE_LIST,
        submit=cut(f"Approve {bill_count(bills)}", 24),
        metadata=carried,
        close="Cancel",
    )


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
