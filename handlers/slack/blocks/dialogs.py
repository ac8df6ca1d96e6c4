"""Dialogs: they ask for the reason of a decision, or tell what became of one."""

from handlers.slack.blocks.action_ids import ActionId, pack
from handlers.slack.blocks.block_kit import (
    Block,
    View,
    bullets,
    lines,
    modal,
    number_input,
    rich,
    select_input,
    text_input,
)
from handlers.wording.questions import (
    REASON,
    REASON_CODE,
    UNITS,
    Field,
    Question,
    ask_to_reissue,
    ask_to_reject,
    ask_to_release,
    ask_to_revise,
    ask_to_undo,
    ask_to_void,
)
from handlers.wording.refusals import Medium
from handlers.wording.rich_text import Bullets
from models.bills.states import HoldReason
from models.queries.bill_details import BillDetails
from models.queries.history import HistoryEntry

__all__ = ["REASON", "REASON_CODE", "UNITS"]


def reject(facts: BillDetails) -> View:
    return _asking(ActionId.REJECT, facts, ask_to_reject(facts))


def undo(facts: BillDetails, entry: HistoryEntry, wait_minutes: float | None = None) -> View:
    question = ask_to_undo(facts, entry, wait_minutes)
    return _asking(ActionId.UNDO, facts, question, action=entry.id)


def release(facts: BillDetails, still_stands: bool = True) -> View:
    return _asking(ActionId.RELEASE, facts, ask_to_release(facts, still_stands))


def revise(facts: BillDetails, fresh: BillDetails) -> View:
    return _asking(ActionId.REVISE, facts, ask_to_revise(facts, fresh))


def void(facts: BillDetails) -> View:
    return _asking(ActionId.VOID, facts, ask_to_void(facts, Medium.SLACK))


def reissue(facts: BillDetails, fresh: BillDetails, cause: HoldReason | None = None) -> View:
    return _asking(ActionId.REISSUE, facts, ask_to_reissue(facts, fresh, cause))


def _asking(click: ActionId, facts: BillDetails, question: Question, **more: int) -> View:
    """A block a field, about a bill as it is now; what is sent carries its version."""
    told = [
        rich(bullets(part.sentences)) if isinstance(part, Bullets) else lines(*part)
        for part in question.told
    ]
    return modal(
        question.title,
        [*told, *map(_input, question.fields)],
        callback_id=click,
        submit=question.submit,
        metadata=pack(bill=facts.id, version=facts.version, **more),
        close="Cancel",
    )


def _input(field: Field) -> Block:
    if field.kind == "choice":
        return select_input(field.name, field.label, field.options)
    if field.kind == "number":
        return number_input(field.name, field.label, field.hint)
    return text_input(field.name, field.label, field.hint, optional=field.optional)
