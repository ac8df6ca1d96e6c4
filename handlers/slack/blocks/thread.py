"""What is said to somebody who replied in a thread."""

from handlers.slack.blocks.action_ids import ActionId, pack
from handlers.slack.blocks.block_kit import SlackMessage, button, confirm, sentence_message
from handlers.wording.bill_text import amount, short_title, status_text
from handlers.wording.questions import approve_question
from handlers.wording.refusals import Medium, refusal_parts
from models.bills.states import Verb
from models.errors import Refusal
from models.queries.bill_details import BillDetails


def not_recorded(refused: Refusal, what: str = "reply") -> SlackMessage:
    """To whoever replied in a card's thread, or edited a reply, and may not comment."""
    return sentence_message(unrecorded(what), " ", *refusal_parts(refused, Medium.SLACK))


def unrecorded(what: str) -> str:
    return f"Your {what} was not recorded on the bill."


def decides_nothing(facts: BillDetails) -> SlackMessage:
    """To whoever replied "approve" under a bill that is for others to decide on."""
    return sentence_message(
        "Your reply is kept as a comment, and decides nothing: ",
        f"bill #{facts.id}, {short_title(facts)}, {status_text(facts)}.",
    )


_DECISION = {
    Verb.APPROVE: ("approve", "Approve", ActionId.APPROVE),
    Verb.REJECT: ("reject", "Reject", ActionId.REJECT),
}


def reads_like_a_decision(facts: BillDetails, verb: Verb) -> SlackMessage:
    """To whoever replied "approve" in a thread: a comment decides nothing, this button does."""
    do, words, click = _DECISION[verb]
    value = pack(bill=facts.id, version=facts.version)
    context = (
        confirm(f"{words} this bill?", approve_question(facts), words)
        if click is ActionId.APPROVE
        else None
    )
    return sentence_message(
        "Your reply is kept as a comment, and decides nothing yet. ",
        f"To {do} bill #{facts.id}, {short_title(facts)}, {amount(facts)}, click the button.",
        buttons=[button(click, words, value, "primary" if context else "danger", ask=context)],
    )
