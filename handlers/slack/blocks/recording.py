"""A month's calls written down: asked first where anything moves with it, then told."""

from collections.abc import Sequence
from dataclasses import dataclass

from handlers.slack.blocks.action_ids import ActionId, pack
from handlers.slack.blocks.block_kit import (
    SlackMessage,
    View,
    actions,
    button,
    header,
    message,
    modal,
    paragraph,
    sentence_message,
)
from handlers.slack.blocks.changes import CHANGED, foreseen_blocks, in_dialog, moved_table
from handlers.slack.blocks.customer_choice import customer_field
from handlers.slack.blocks.inputs import line_input, select_input
from handlers.wording.formatting import calls, name, number, period_name
from handlers.wording.rich_text import Sentence, bold, fallback_text
from models.imports.foreseen import Foreseen
from models.period import Period

TITLE = "Record usage"
MONTH, CALLS = "month", "calls"


@dataclass(frozen=True)
class RecordedMonth:
    """What somebody wants written down, of whom; the limit is that of the month."""

    customer_id: int
    customer: str
    period: Period
    calls: int
    limit_calls: int

    @property
    def title(self) -> str:
        return f"{name(self.customer, 100)}, {period_name(self.period)}"


def recording_asked(month: RecordedMonth, foreseen: Foreseen, *, has_changed: bool) -> SlackMessage:
    """What it would do, and one button; `has_changed`: it does something else than was agreed."""
    ids = {"customer": month.customer_id, "period": str(month.period)}
    return message(
        fallback_text(f"Record {calls(month.calls)} for {month.title}?"),
        [
            header(f"Record usage: {month.title}"),
            *([paragraph(CHANGED)] if has_changed else []),
            *foreseen_blocks(foreseen),
            *actions(
                button(
                    ActionId.RECORD_USAGE,
                    TITLE,
                    _agreement(month, foreseen),
                    "primary",
                    label=f"Record {calls(month.calls)}",
                ),
                button(ActionId.KEEP_USAGE, "Cancel", pack(**ids)),
            ),
        ],
    )


def recording_form(months: Sequence[Period], chosen: Period) -> View:
    """Asks whose calls, of which of the months, and how many."""
    hint = "Nothing is written yet where another figure is on record, or a bill moves."
    return modal(
        TITLE,
        [
            customer_field(),
            select_input(
                MONTH, "Month", [(period_name(one), str(one)) for one in months], str(chosen)
            ),
            line_input(CALLS, "Calls", hint),
        ],
        callback_id=ActionId.RECORD_USAGE,
        submit=TITLE,
        metadata=pack(),
        close="Cancel",
    )


def recording_asked_in_dialog(
    month: RecordedMonth, foreseen: Foreseen, *, has_changed: bool
) -> View:
    """The same as `recording_asked`, in the place of the dialog that asked for it."""
    return modal(
        TITLE,
        [
            header(month.title),
            *([paragraph(CHANGED)] if has_changed else []),
            *in_dialog(foreseen_blocks(foreseen)),
        ],
        callback_id=ActionId.RECORD_USAGE,
        submit=TITLE,
        metadata=_agreement(month, foreseen),
        close="Cancel",
    )


def _agreement(month: RecordedMonth, foreseen: Foreseen) -> str:
    ids = {"customer": month.customer_id, "period": str(month.period)}
    return pack(**ids, calls=month.calls, agreed=foreseen.digest)


def recorded(month: RecordedMonth, foreseen: Foreseen) -> SlackMessage:
    """What was written down, how it stands to the limit, and the bills that moved."""
    if not foreseen.written:
        return sentence_message(
            f"{month.title}: {calls(month.calls)} were recorded already. Nothing was changed."
        )
    told: Sentence = [bold("Recorded: "), f"{month.title}, {calls(month.calls)}{_over(month)}."]
    return message(fallback_text(*told), [paragraph(*told), *moved_table(foreseen)])


def _over(month: RecordedMonth) -> str:
    over = month.calls - month.limit_calls
    included = f" of {number(month.limit_calls)} included"
    return f"{included}, {number(over)} over" if over > 0 else included


def recording_cancelled(customer: str, period: Period) -> SlackMessage:
    return sentence_message(
        f"Cancelled: nothing was recorded for {name(customer)}, {period_name(period)}."
    )
