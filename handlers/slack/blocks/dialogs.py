"""Dialogs: they ask for the reason of a decision, or tell what became of one."""

from handlers.slack.blocks.action_ids import ActionId, pack
from handlers.slack.blocks.block_kit import (
    Block,
    View,
    bullets,
    lines,
    modal,
    rich,
)
from handlers.slack.blocks.inputs import number_input, select_input, text_input
from handlers.wording.questions import REASON, REASON_CODE, UNITS, Field, Question
from handlers.wording.rich_text import Bullets
from models.queries.bill_details import BillDetails

__all__ = ["REASON", "REASON_CODE", "UNITS"]


def asking(click: ActionId, facts: BillDetails, question: Question) -> View:
    """A block a field, about a bill as it is now; what is sent carries its version."""
    about = {} if question.about is None else {"action": question.about}
    told = [
        rich(bullets(part.sentences)) if isinstance(part, Bullets) else lines(*part)
        for part in question.told
    ]
    return modal(
        question.title,
        [*told, *map(_input, question.fields)],
        callback_id=click,
        submit=question.submit,
        metadata=pack(bill=facts.id, version=facts.version, **about),
        close="Cancel",
    )


def _input(field: Field) -> Block:
    if field.kind == "choice":
        return select_input(field.name, field.label, field.options)
    if field.kind == "number":
        return number_input(field.name, field.label, field.hint)
    return text_input(field.name, field.label, field.hint, optional=field.optional)
