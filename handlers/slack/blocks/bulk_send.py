"""Sending bills: what would go out, and how far a long list is."""

from collections.abc import Mapping, Sequence

from handlers.slack.blocks.action_ids import ActionId, pack
from handlers.slack.blocks.block_kit import (
    Block,
    SlackMessage,
    actions,
    bullets,
    button,
    confirm,
    header,
    lines,
    message,
    paragraph,
    rich,
    sentence_message,
    table,
)
from handlers.wording.bill_text import amount_due, month_of
from handlers.wording.formatting import bill_count, by_currency, name, period_name, totals
from handlers.wording.rich_text import fallback_text
from handlers.wording.send_preview_text import (
    going_text,
    kept_count,
    kept_lines,
    sent_so_far_text,
    would_send_text,
)
from handlers.wording.text_chart import progress_bar
from models.batches.bulk_send import SendReport
from models.batches.send_preview import OutgoingBill, SendPreview
from models.bills.states import State
from models.period import Period
from models.queries.bill_list import BillLine


def send_preview(facts: SendPreview) -> SlackMessage:
    """What sending would do; the button carries the list as it is shown here."""
    told = would_send_text(facts)
    return message(
        fallback_text(told),
        [
            header(_title(facts)),
            paragraph(told),
            *([paragraph(going_text(facts))] if facts.bills else []),
            *_biggest(facts),
            *kept(facts.stay, facts.kept),
            *_buttons(facts),
        ],
    )


def _title(facts: SendPreview) -> str:
    return f"Sending {period_name(facts.period) if facts.period else 'bills'}: preview"


def _biggest(facts: SendPreview) -> list[Block]:
    if facts.bills < 2:
        return []
    rows = [[*_cells(one.line), name(one.to or "")] for one in facts.biggest]
    which = f"Biggest{by_currency(one.line.currency for one in facts.biggest)}"
    head = (which, "Customer", "Month", "Amount", "To")
    return [table(head, rows, right=[3], whole=[0])]


def _cells(bill: BillLine) -> list[str]:
    return [f"#{bill.id}", name(bill.customer), month_of(bill), amount_due(bill)]


def kept(stay: Sequence[OutgoingBill], by_state: Mapping[State, int] | None = None) -> list[Block]:
    """What stays where it is, each with its reason; of a long list the rest by state."""
    if not stay:
        return []
    count = kept_count(stay, by_state)
    lead = f"{bill_count(count)} {'stays' if count == 1 else 'stay'}:"
    return [paragraph(lead), rich(bullets(kept_lines(stay, by_state)))]


def _buttons(facts: SendPreview) -> list[Block]:
    if facts.id is None:
        return []
    value, words = pack(list=facts.id), f"Send {bill_count(facts.bills)}"
    sure = f"{_worth(facts)} in {bill_count(facts.bills)}."
    return actions(
        button(ActionId.SEND_LIST, words, value, "primary", ask=confirm(f"{words}?", sure, "Send")),
        button(ActionId.CANCEL_LIST, "Cancel", value),
    )


def _worth(facts: SendPreview) -> str:
    """Of one bill also what its customer owes."""
    if facts.bills == 1:
        return amount_due(facts.biggest[0].line)
    return totals(facts.totals)


def send_preview_promised(period: Period) -> SlackMessage:
    return sentence_message(
        f"Working out which bills of {period_name(period)} can go out. The preview comes to your"
        " direct messages with Countersign; nothing is sent before you say so there."
    )


def send_cancelled() -> SlackMessage:
    return sentence_message("Cancelled: nothing was sent.")


def send_progress(facts: SendReport) -> SlackMessage:
    """One message that is redrawn while a long list is sent; `facts` of one that has not ended."""
    told = sent_so_far_text(facts)
    bar = progress_bar(facts.sent, facts.bills)
    return message(
        fallback_text(f"Sending: {told}."), [header("Sending bills"), lines([bar], [told])]
    )
