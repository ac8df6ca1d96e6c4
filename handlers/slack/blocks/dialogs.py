"""Dialogs: they ask for the reason of a decision, or tell what became of one."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from handlers.slack.blocks.action_ids import ActionId, pack
from handlers.slack.blocks.block_kit import (
    Block,
    View,
    bullets,
    lines,
    modal,
    number_input,
    paragraph,
    rich,
    select_input,
    text_input,
)
from handlers.wording.bill_text import (
    amount,
    bill_reference,
    hold_cause,
    multiplication,
    short_title,
    usage_text,
)
from handlers.wording.change_text import changes_between, corrected
from handlers.wording.formatting import delay, money, name, sentence, slash
from handlers.wording.history_text import decision_text
from handlers.wording.labels import REJECT_WORDS
from handlers.wording.rich_text import Sentence, bold, code
from models.bills.states import BillKind, HoldReason, State
from models.money import add_up
from models.people.users import SYSTEM
from models.queries.bill_details import BillDetails
from models.queries.history import HistoryEntry

UNITS = "units"
REASON_CODE = "reason_code"
REASON = "reason"


def reject(facts: BillDetails) -> View:
    """Asks for a reason code (block `reason_code`) and words (block `reason`)."""
    codes = [(words[:1].upper() + words[1:], code) for code, words in REJECT_WORDS.items()]
    reads = f"{reads_reasons(facts)} reads this at once, and it stays in the bill’s history."
    return _asking(
        ActionId.REJECT,
        "Reject this bill",
        "Reject",
        facts,
        [
            paragraph(bold(short_title(facts)), f" · #{facts.id}"),
            lines(*_sum(facts)),
            select_input(REASON_CODE, "What is wrong?", codes),
            text_input(REASON, "Tell Finance more", reads),
        ],
    )


def reads_reasons(facts: BillDetails) -> str:
    """Who is told at once why a bill is rejected."""
    by = facts.generated_by
    return "Finance" if by.name == SYSTEM else f"{name(by.name, 80)}, who generated the bill,"


def undo(facts: BillDetails, entry: HistoryEntry, wait_minutes: float | None = None) -> View:
    """Names the decision that would be taken back, and asks why (block `reason`).

    `wait_minutes` where that starts the sending again: so long afterwards the bill goes out.
    """
    again = "" if wait_minutes is None else f" {_sends_again(wait_minutes)}"
    return _asking(
        ActionId.UNDO,
        "Undo a decision",
        "Undo",
        facts,
        [
            paragraph(bold(short_title(facts)), f" · #{facts.id}"),
            paragraph("This takes back ", *decision_text(entry, facts.currency), ".", again),
            text_input(REASON, "Why?", EVERYBODY),
        ],
        action=entry.id,
    )


def _sends_again(minutes: float) -> str:
    if minutes <= 0:
        return "The bill is sent again, and goes out at once."
    return (
        f"The bill is sent again, and goes out {delay(minutes)} after that; until then it can be"
        " called back."
    )


EVERYBODY = "Everybody who can see the bill can read this."


def release(facts: BillDetails, still_stands: bool = True) -> View:
    """Says why the bill is held; asks for a reason, which is required where the cause stands."""
    cause = hold_cause(facts.hold_reason)
    stands = "" if still_stands else " That is settled now."
    return _asking(
        ActionId.RELEASE,
        "Release this bill",
        "Release",
        facts,
        [
            paragraph(bold(short_title(facts)), f" · #{facts.id}, {amount(facts)}"),
            paragraph(f"It is held because {cause}.{stands}"),
            text_input(
                REASON,
                "Why may it go on?",
                "After this the bill waits for its approvals.",
                optional=not still_stands,
            ),
        ],
    )


def revise(facts: BillDetails, fresh: BillDetails) -> View:
    """Shows the bill as it is and as usage and terms give it now (`fresh`), and asks why.

    Block `units`, which may stay empty, sets the calls to bill by hand.
    """
    kind = BillKind(facts.kind)
    moved = changes_between(facts, fresh)
    told = corrected(moved, facts.currency, WOULD) if moved else NO_OTHER
    holds = AGREED_NO_MORE if fresh.waived_units != facts.waived_units else ""
    shown = [["By usage and terms as they are now: "], *_sum(fresh)] if moved else []
    return _asking(
        ActionId.REVISE,
        "Revise this bill",
        "Revise",
        facts,
        [
            paragraph(bold(short_title(facts)), f" · #{facts.id}"),
            lines(["On the bill: "], *_sum(facts)),
            *([lines(*shown)] if shown else []),
            paragraph(
                bold(sentence(told)), holds, " After this the bill waits for its approvals anew."
            ),
            number_input(UNITS, _UNITS_LABEL[kind], _UNITS_HINT[kind]),
            text_input(REASON, "Why?", EVERYBODY),
        ],
    )


WOULD = "which comes to"
AGREED_NO_MORE = " The calls agreed on hold no longer, unless you write them again."
NO_OTHER = "usage and terms still give the figures that are on the bill"

_UNITS_LABEL = {
    BillKind.OVERAGE: "Calls to bill over the limit",
    BillKind.ADJUSTMENT: "Calls to bill more",
    BillKind.CREDIT: "Calls to bill more",
}

_UNITS_HINT = {
    BillKind.OVERAGE: "Left empty, they are what usage and limit give. Written, they stay agreed.",
    BillKind.ADJUSTMENT: "Below zero those to credit. Left empty, they are what is still to bill.",
    BillKind.CREDIT: "Below zero those to credit. Left empty, they are what is still to credit.",
}


def _sum(facts: BillDetails) -> list[Sentence]:
    return [[usage_text(facts)], multiplication(facts)]


def void(facts: BillDetails) -> View:
    """Says what becomes of the bill and of what has gone out, and asks why (block `reason`)."""
    return _asking(
        ActionId.VOID,
        "Make this bill void",
        "Make void",
        facts,
        [
            paragraph(bold(short_title(facts)), f" · #{facts.id}, {amount(facts)}"),
            rich(bullets(_what_voiding_does(facts))),
            text_input(REASON, "Why?", EVERYBODY),
        ],
    )


def _what_voiding_does(facts: BillDetails) -> Iterator[Sentence]:
    credit = amount_gone_out(facts)
    if credit:
        out = f"{facts.number} has gone out" if facts.status is State.SENT else "Part of it is out"
        over = bold(money(-credit, facts.currency))
        yield [f"{out}, so a credit over the whole standing amount is made: ", over, "."]
        yield ["Nobody has to approve the credit. It goes to the customer once you send it."]
    elif gone_out(facts):
        yield ["What has gone out is taken back in full already, so no credit is made."]
    else:
        yield ["Nothing of it has gone out, so nothing is sent."]
    if facts.number:
        yield [f"The number {facts.number} stays in the series, as void."]
    for one in facts.corrections:
        if one.status not in (State.SENT, State.VOID):
            yield [f"Its correction, {bill_reference(one)}, becomes void with it."]
    if facts.kind == BillKind.OVERAGE:
        again = code(slash(f"bill reissue #{facts.id}"))
        yield ["The month is not billed again by itself; ", again, " does that."]


def amount_gone_out(facts: BillDetails) -> Decimal:
    """What the customer has been sent of this bill and its corrections, taken together."""
    return add_up(gone_out(facts))


def gone_out(facts: BillDetails) -> list[Decimal]:
    parts = [(facts.status, facts.amount)]
    parts += [(one.status, one.amount) for one in facts.corrections]
    return [amount for status, amount in parts if status is State.SENT and amount]


def reissue(facts: BillDetails, fresh: BillDetails, cause: HoldReason | None = None) -> View:
    """Shows the figures of the bill that would stand in the place of the void one, and the `cause`
    for which it would be held, and asks why.
    """
    begins = (
        f"is held because {hold_cause(cause)}"
        if cause
        else "waits for its approvals like any other"
    )
    return _asking(
        ActionId.REISSUE,
        "Bill the month again",
        "Reissue",
        facts,
        [
            paragraph(bold(short_title(facts)), f" · #{facts.id} is void"),
            lines(["The new bill, by usage and terms as they are now: "], *_sum(fresh)),
            paragraph(f"It {begins}."),
            text_input(REASON, "Why?", EVERYBODY),
        ],
    )


def _asking(
    click: ActionId,
    title: str,
    submit: str,
    facts: BillDetails,
    blocks: Sequence[Block],
    **more: int,
) -> View:
    """A dialog about a bill as it is now; what is sent carries its version."""
    return modal(
        title,
        blocks,
        callback_id=click,
        submit=submit,
        metadata=pack(bill=facts.id, version=facts.version, **more),
        close="Cancel",
    )
