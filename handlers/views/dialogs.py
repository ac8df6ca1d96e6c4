"""Dialogs: they ask for the reason of a decision, or tell what became of one."""

from handlers.views.clicks import Click, pack
from handlers.views.kit import (
    View,
    bold,
    lines,
    modal,
    says,
    select_input,
    text_input,
)
from handlers.views.phrases import (
    amount,
    decision,
    hold_cause,
    multiplication,
    short_title,
    used,
)
from handlers.views.words import REJECT_WORDS, name
from models.dossier import BillFacts, Deed
from models.people import SYSTEM

REASON_CODE = "reason_code"
REASON = "reason"


def reject(facts: BillFacts) -> View:
    """Asks for a reason code (block `reason_code`) and words (block `reason`)."""
    return modal(
        "Reject this bill",
        [
            says(bold(short_title(facts)), f" · #{facts.id}"),
            lines([used(facts)], multiplication(facts)),
            select_input(
                REASON_CODE,
                "What is wrong?",
                [(words[:1].upper() + words[1:], code) for code, words in REJECT_WORDS.items()],
            ),
            text_input(
                REASON,
                "Tell Finance more",
                f"{_reader(facts)} reads this at once, and it stays in the bill’s history.",
            ),
        ],
        callback_id=Click.REJECT,
        submit="Reject",
        metadata=pack(bill=facts.id, version=facts.version),
        close="Cancel",
    )


def _reader(facts: BillFacts) -> str:
    by = facts.generated_by
    return "Finance" if by.name == SYSTEM else f"{name(by.name, 80)}, who generated the bill,"


def undo(facts: BillFacts, deed: Deed) -> View:
    """Names the decision that would be taken back, and asks why (block `reason`)."""
    return modal(
        "Undo a decision",
        [
            says(bold(short_title(facts)), f" · #{facts.id}"),
            says("This takes back ", *decision(deed, facts.currency), "."),
            text_input(REASON, "Why?", "Everybody who can see the bill can read this."),
        ],
        callback_id=Click.UNDO,
        submit="Undo",
        metadata=pack(bill=facts.id, version=facts.version, action=deed.id),
        close="Cancel",
    )


def release(facts: BillFacts, still_stands: bool = True) -> View:
    """Says why the bill is held; asks for a reason, which is required where the cause stands."""
    cause = hold_cause(facts.hold_reason)
    stands = "" if still_stands else " That is settled now."
    return modal(
        "Release this bill",
        [
            says(bold(short_title(facts)), f" · #{facts.id}, {amount(facts)}"),
            says(f"It is held because {cause}.{stands}"),
            text_input(
                REASON,
                "Why may it go on?",
                "After this the bill waits for its approvals.",
                optional=not still_stands,
            ),
        ],
        callback_id=Click.RELEASE,
        submit="Release",
        metadata=pack(bill=facts.id, version=facts.version),
        close="Cancel",
    )
