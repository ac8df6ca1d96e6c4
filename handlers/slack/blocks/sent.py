"""To whoever sent bills: which they are and how far they have come, with Undo while that works."""

from collections.abc import Sequence

from handlers.slack.blocks.action_ids import ActionId, pack
from handlers.slack.blocks.block_kit import (
    Block,
    Element,
    SlackMessage,
    actions,
    bullets,
    button,
    lines,
    message,
    paragraph,
    rich,
    sentence_message,
)
from handlers.slack.blocks.bulk_send import kept
from handlers.slack.blocks.buttons import send_button, undo_buttons
from handlers.wording.formatting import bill_count, slash, totals
from handlers.wording.rich_text import Sentence, code, fallback_text
from handlers.wording.sent_text import (
    CAME_BACK,
    RETRIED,
    RETRY,
    all_sent_text,
    came_back_lines,
    failure_lines,
    named_lines,
    named_sent,
    one_sent_text,
)
from handlers.wording.text_chart import progress_bar
from models.batches.bulk_send_outcome import BillsBeingSent, BulkSendOutcome, Fate
from models.bills.states import Verb
from models.people.users import User
from models.queries.allowed_verbs import possible_verbs
from models.queries.bill_details import BillDetails

TOO_LATE = "That is done already. "
WITH_COUNTERSIGN = "your direct messages with Countersign"


def one_sent(facts: BillDetails, reader: User) -> SlackMessage:
    """Of one bill, sent by its button."""
    told = one_sent_text(facts)
    return message(fallback_text(*told), [paragraph(*told), *actions(*_undo([facts], reader))])


def list_sent(facts: BulkSendOutcome, reader: User, *, too_late: bool = False) -> SlackMessage:
    """Of a list that was sent; `too_late`: whoever reads it wanted to cancel it."""
    told: Sentence = [TOO_LATE if too_late else "", *all_sent_text(facts)]
    return message(fallback_text(*told), [paragraph(*told), *_which(facts, reader)])


def list_progress(facts: BulkSendOutcome, reader: User) -> SlackMessage:
    """Of a list in a message of its own, which is redrawn as long as its bills move."""
    told, done = all_sent_text(facts), facts.bills - facts.going
    bar = [lines([progress_bar(done, facts.bills)])] if facts.going and facts.bills > 1 else []
    return message(fallback_text(*told), [paragraph(*told), *bar, *_which(facts, reader)])


def _which(facts: BulkSendOutcome, reader: User) -> list[Block]:
    """A few by name, why some failed, and what stays, with what can be done."""
    named = named_sent(facts) if facts.bills > 1 else []
    return [
        *([rich(bullets(named))] if named else []),
        *_failed(facts),
        *_came_back(facts),
        *kept(facts.report.kept, facts.report.by_state),
        *actions(*_undo(facts.named, reader)),
        *_undo_by_command(facts),
    ]


def _failed(facts: BulkSendOutcome) -> list[Block]:
    """Why, and what is done about it."""
    retried = [paragraph(RETRIED)] if facts.retry is not None else []
    if not facts.failed:
        return retried
    retry = button(ActionId.RETRY_LIST, RETRY, pack(list=facts.report.id), "primary")
    return [
        *retried,
        paragraph("What failed:"),
        rich(bullets(failure_lines(facts.failed))),
        *(actions(retry) if facts.can_retry else []),
    ]


def _came_back(facts: BulkSendOutcome) -> list[Block]:
    """Each with a button of its own, which asks."""
    if not facts.came_back:
        return []
    found = facts.came_back
    again = [
        send_button(one, is_one=False, list_id=facts.report.id)
        for one in found
        if Verb.SEND in possible_verbs(one)
    ]
    return [paragraph(CAME_BACK), rich(bullets(came_back_lines(facts))), *actions(*again)]


def list_retried(bills: int, *, too_late: bool = False) -> SlackMessage:
    """Of a list whose failed bills were sent once more; `too_late`: by an earlier click."""
    told = TOO_LATE if too_late else f"Sending {bill_count(bills)} again. "
    of = "it" if bills == 1 else "them"
    return sentence_message(f"{told}What comes of {of} is in {WITH_COUNTERSIGN}.")


def list_going(facts: BillsBeingSent, *, too_late: bool = False) -> SlackMessage:
    """Of a list that is too long to be sent at once: what comes of it is told elsewhere."""
    lead = TOO_LATE if too_late else ""
    told = f"{lead}Sending {bill_count(facts.bills)}: {totals(facts.totals)}."
    where = f"How far it is, and what comes of each, is in {WITH_COUNTERSIGN}."
    return message(
        fallback_text(f"{told} {where}"),
        [paragraph(told), rich(bullets(named_lines(facts))), paragraph(where)],
    )


def _undo(named: Sequence[BillDetails], reader: User) -> list[Element]:
    """For each that can still be called back."""
    due = [one for one in named if one.can_be_called_back]
    return [
        element
        for one in due
        for element in undo_buttons(one, reader, "Undo" if len(named) == 1 else f"Undo #{one.id}")
    ]


def _undo_by_command(facts: BulkSendOutcome) -> list[Block]:
    if facts.to_call_back <= sum(one.can_be_called_back for one in facts.named):
        return []
    told: Sentence = ["To call back another, type ", code(slash("bill undo")), " and its number."]
    return [paragraph(*told)]


def shape(facts: BulkSendOutcome) -> str:
    """What a correction is worth: that some were called back, or that no delay or nobody's way is
    left; then each that Finance had to decide on. Of a long list not how many are on their way.
    """
    fates = facts.fates
    back = f"{fates.get(Fate.CALLED_BACK, 0)} called back, then "
    retried = [f"retried by {facts.retry}"] if facts.retry is not None else []
    if facts.going:
        seen = [fate for fate in (*_MOVING, Fate.UNHEARD, Fate.FAILED) if fate in fates]
        return back + " and ".join([*seen, *retried])
    left = [f"{fates[fate]} {fate}" for fate in _TO_DECIDE if fate in fates]
    return back + (" and ".join([*left, *retried]) or "done")


_MOVING = (Fate.IN_DELAY, Fate.WAITING, Fate.ON_ITS_WAY)
_TO_DECIDE = (Fate.UNHEARD, Fate.FAILED, Fate.CAME_BACK)
