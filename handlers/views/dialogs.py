"""Dialogs: they ask for the reason of a decision, or tell what became of one."""

from handlers.views.clicks import Click, pack
from handlers.views.kit import (
    View,
    actions,
    bold,
    button,
    lines,
    modal,
    says,
    section,
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

REASON_CODE = "reason_code"
REASON = "reason"
VALUE = "value"


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
                f"{name(facts.generated_by.name, 80)}, who generated the bill, reads this at once,"
                " and it stays in the bill’s history.",
            ),
        ],
        callback_id=Click.REJECT,
        submit="Reject",
        metadata=pack(bill=facts.id, version=facts.version),
        close="Cancel",
    )


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


def loading(title: str) -> View:
    """What is put up at once, while a trigger still lives, and replaced a moment later."""
    return modal(title, [section("One moment …")])


def notice(title: str, sentence: str) -> View:
    """Tells one thing, where a dialog cannot be shown or no longer makes sense."""
    return modal(title, [says(sentence)])


def access() -> View:
    """For a person without a role who got as far as a dialog."""
    return modal(
        "You need a role",
        [
            says("You have no role in Countersign yet. Ask for one, and Finance is told."),
            *actions(button(Click.REQUEST_ACCESS, "Request access", pack(), "primary")),
        ],
    )
