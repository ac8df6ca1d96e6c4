"""What a decision did, told to whoever took it, with Undo where it can be undone."""

from collections.abc import Callable

from handlers.slack.blocks import buttons
from handlers.slack.blocks.block_kit import (
    SlackMessage,
    actions,
    lines,
    message,
    paragraph,
    sentence_message,
)
from handlers.wording.addresses import bill_address
from handlers.wording.bill_text import (
    amount,
    amount_due,
    reject_reason,
    short_title,
    where_it_stands,
)
from handlers.wording.change_text import corrected
from handlers.wording.formatting import calls, slash
from handlers.wording.history_text import reassigned_text, undone_text
from handlers.wording.questions import reads_reasons
from handlers.wording.rich_text import Sentence, bold, code, fallback_text
from models.bills.states import Verb
from models.people.users import User
from models.queries.bill_details import BillDetails
from models.queries.history import HistoryEntry


def decided(facts: BillDetails, reader: User) -> SlackMessage:
    """What the `reader` just decided by a dialog, and where the bill stands since."""
    entry = facts.last_decision
    tells = _DID.get(entry.verb) if entry else None
    if entry is None or tells is None:
        return sentence_message(f"Bill #{facts.id}, {short_title(facts)}. {where_it_stands(facts)}")
    did = tells(facts, entry)
    return message(
        fallback_text(*did),
        [
            lines([bold(short_title(facts)), f" · #{facts.id}, {amount(facts)}"], did),
            *([] if entry.verb in _SAYS_ALL else [paragraph(where_it_stands(facts))]),
            *actions(*buttons.undo_buttons(facts, reader)),
        ],
    )


def bill_reassigned(facts: BillDetails) -> SlackMessage:
    """Who is asked instead, told to whoever decided that."""
    told = [reassigned_text(entry, facts.currency) for entry in facts.reassigned]
    return message(
        fallback_text(where_it_stands(facts)),
        [lines([bold(short_title(facts)), f" · #{facts.id}, {amount(facts)}"], *told)],
    )


def _released(facts: BillDetails, entry: HistoryEntry) -> Sentence:
    return [bold("Released.")]


def _revised(facts: BillDetails, entry: HistoryEntry) -> Sentence:
    units = entry.adjusted_units
    by_hand = "" if units is None else f" {calls(units)} were set by hand."
    return [bold("Revised: "), f"{corrected(entry.changes, facts.currency)}.{by_hand}"]


def _rejected(facts: BillDetails, entry: HistoryEntry) -> Sentence:
    return [bold(f"Rejected{reject_reason(entry)}."), f" {reads_reasons(facts)} reads why at once."]


def _undone(facts: BillDetails, entry: HistoryEntry) -> Sentence:
    assert entry.reverses is not None
    return [bold("Undone: "), *undone_text(entry, entry.reverses, facts.currency, "your"), "."]


def _made_void(facts: BillDetails, entry: HistoryEntry) -> Sentence:
    again = code(slash(f"bill reissue #{facts.id}"))
    return [bold("Made void."), " The month is not billed again by itself; ", again, " does that."]


_DID: dict[Verb, Callable[[BillDetails, HistoryEntry], Sentence]] = {
    Verb.RELEASE: _released,
    Verb.REVISE: _revised,
    Verb.REJECT: _rejected,
    Verb.UNDO: _undone,
    Verb.VOID: _made_void,
}

_SAYS_ALL = frozenset({Verb.REJECT, Verb.VOID})
"""What was decided is where the bill stands."""


def invoice_coming(name_: str) -> SlackMessage:
    """To whoever asked for a document."""
    return sentence_message(f"{name_} comes to your direct messages with Countersign.")


def invoice_missed(bill_id: int, name_: str) -> SlackMessage:
    """To whoever asked for a document that Slack did not take."""
    page = bill_address(bill_id)
    told = f"Slack did not take {name_}. Nothing else came of it."
    return sentence_message(told, *([" It is on the bill’s page: ", page, "."] if page else []))


def bill_voided(facts: BillDetails, credit: BillDetails) -> SlackMessage:
    """To whoever made a bill void that had gone out: the credit that is to be sent."""
    what = f"Bill #{facts.id}, {short_title(facts)}, is void."
    return sentence_message(
        f"{what} The credit for it is ",
        bold(f"#{credit.id}, {amount_due(credit)}"),
        ". It goes to the customer once you send it, now or with ",
        code(slash(f"bill send #{credit.id}")),
        ".",
        buttons=[buttons.send_button(credit)],
    )


def bill_reissued(facts: BillDetails) -> SlackMessage:
    """To whoever billed a month again: the bill that stands in the void one's place."""
    return sentence_message(
        f"Bill #{facts.id}, {short_title(facts)}, {amount(facts)}, stands for the month now."
        f" {where_it_stands(facts)}"
    )
