"""What can be clicked under a bill as it stands, by one reader or by many: judged at the click."""

from collections.abc import Callable

from handlers.slack.blocks.action_ids import ActionId, pack
from handlers.slack.blocks.block_kit import Element, button, confirm, drawn_for, option, overflow
from handlers.wording.addresses import bill_address
from handlers.wording.bill_text import amount, approvers_text, called, short_title
from handlers.wording.formatting import listing
from handlers.wording.questions import approve_question, send_question, words_of
from models.bills.states import OPEN, TRANSITIONS, State, Verb
from models.people.permissions import ROLE_PERMISSIONS, Permission
from models.people.users import User
from models.queries.allowed_verbs import allowed_verbs, possible_verbs
from models.queries.bill_details import BillDetails


def bill_buttons(facts: BillDetails, reader: User | None = None) -> list[Element]:
    """What can be done with the bill as it stands, then the menu of what else there is.

    For a `reader` what they may do; for many readers what anybody may, see `who_may`.
    """
    verbs = _verbs(facts, reader)
    aside = _ASIDE | ({Verb.REVISE} if facts.status in OPEN else set())
    row = [draw(facts) for verb, draw in _BUTTONS.items() if verb in verbs - aside]
    if reader is None:
        row = [_for_authors(facts, one) for one in row]
    elif not reader.can(Permission.SEE):
        return row
    return [*row, *invoice_buttons(facts), _menu(facts, verbs & aside, reader)]


def invoice_buttons(facts: BillDetails) -> list[Element]:
    """What brings the document, where there is one."""
    if facts.number is None:
        return []
    label = f"Invoice {facts.number}: {_what(facts)}"
    return [button(ActionId.INVOICE, "Invoice", pack(bill=facts.id), label=label)]


def undo_buttons(facts: BillDetails, reader: User, words: str = "Undo") -> list[Element]:
    """Undo alone, where this person has something to undo."""
    return [_undo(facts, words)] if Verb.UNDO in allowed_verbs(facts, reader) else []


def who_may(facts: BillDetails) -> str:
    """Whose the buttons are that many see: "Approve and Reject: Kim Lee (CSM)."."""
    words: dict[str, list[str]] = {}
    verbs = possible_verbs(facts)
    for verb in _BUTTONS:
        if verb in verbs:
            words.setdefault(_whose(facts, verb), []).append(words_of(facts, verb))
    return " ".join(f"{listing(those)}: {whose}." for whose, those in words.items())


def _whose(facts: BillDetails, verb: Verb) -> str:
    if verb in (Verb.APPROVE, Verb.REJECT):
        return approvers_text(facts.needed)
    permission = Permission.UNDO_ANY if verb is Verb.UNDO else TRANSITIONS[verb].permission
    able = [role for role, permissions in ROLE_PERMISSIONS.items() if permission in permissions]
    return listing(["whoever decided", *able] if verb is Verb.UNDO else able, "or")


def _verbs(facts: BillDetails, reader: User | None) -> frozenset[Verb]:
    return possible_verbs(facts) if reader is None else allowed_verbs(facts, reader)


def _value(facts: BillDetails) -> str:
    return pack(bill=facts.id, version=facts.version)


def _what(facts: BillDetails) -> str:
    return f"{short_title(facts)}, {amount(facts)}"


def _approve(facts: BillDetails) -> Element:
    ask = confirm("Approve this bill?", approve_question(facts), "Approve")
    label = f"Approve #{facts.id}: {amount(facts)}"
    return button(ActionId.APPROVE, "Approve", _value(facts), "primary", ask=ask, label=label)


def _reject(facts: BillDetails) -> Element:
    label = f"Reject #{facts.id}: {_what(facts)}"
    return button(ActionId.REJECT, "Reject", _value(facts), "danger", label=label)


def _release(facts: BillDetails) -> Element:
    label = f"Release #{facts.id}: {_what(facts)}"
    return button(ActionId.RELEASE, "Release", _value(facts), label=label)


def send_button(facts: BillDetails, *, is_one: bool = True, list_id: int | None = None) -> Element:
    """Sends this version; one that could not be delivered is sent again under its number. One of
    several says which it is, and that of a list's answer of which list.
    """
    words = words_of(facts, Verb.SEND)
    of_list = {} if list_id is None else {"list": list_id}
    return button(
        ActionId.SEND,
        words if is_one else f"{words} {called(facts)}",
        pack(bill=facts.id, version=facts.version, **of_list),
        ask=confirm("Send this bill?", send_question(facts), "Send"),
        label=f"{words} {called(facts)}: {amount(facts)}",
    )


def arrived_button(facts: BillDetails, *, is_one: bool = True) -> Element:
    """Asks who says that it has arrived. One of several says which it is."""
    words = words_of(facts, Verb.DELIVER)
    return button(
        ActionId.DELIVER,
        words if is_one else f"{words} {called(facts)}",
        _value(facts),
        label=f"{words} {called(facts)}: {amount(facts)}",
    )


def revise_button(facts: BillDetails) -> Element:
    label = f"Revise #{facts.id}: {amount(facts)}"
    return button(ActionId.REVISE, "Revise", _value(facts), label=label)


def void_button(facts: BillDetails) -> Element:
    return button(ActionId.VOID, "Void", _value(facts), label=f"Void #{facts.id}: {amount(facts)}")


def _reissue(facts: BillDetails) -> Element:
    label = f"Reissue #{facts.id}: {_what(facts)}"
    return button(ActionId.REISSUE, "Reissue", _value(facts), label=label)


def _reassign(facts: BillDetails) -> Element:
    label = f"Reassign #{facts.id}: {_what(facts)}"
    return button(ActionId.REASSIGN, "Reassign", _value(facts), label=label)


def _undo(facts: BillDetails, words: str = "Undo") -> Element:
    label = f"Undo the last decision on #{facts.id}"
    return button(ActionId.UNDO, words, _value(facts), label=label)


_BUTTONS: dict[Verb, Callable[[BillDetails], Element]] = {
    Verb.APPROVE: _approve,
    Verb.REJECT: _reject,
    Verb.RELEASE: _release,
    Verb.DELIVER: arrived_button,
    Verb.SEND: send_button,
    Verb.REVISE: revise_button,
    Verb.REISSUE: _reissue,
    Verb.UNDO: _undo,
    Verb.VOID: void_button,
    Verb.REASSIGN: _reassign,
}
"""In the order in which they stand."""

_ASIDE = frozenset({Verb.VOID})
"""For exceptions, and so in the menu; a bill that is rejected waits to be revised."""


def _for_authors(facts: BillDetails, one: Element) -> Element:
    """While others still have to decide, Undo is drawn for those who have decided only."""
    authors = [entry.by.slack_user_id for entry in facts.decisions if entry.by.slack_user_id]
    partial = facts.status is State.PENDING and one["action_id"] == ActionId.UNDO
    return drawn_for(one, authors) if partial and authors else one


def _menu(facts: BillDetails, verbs: frozenset[Verb], reader: User | None) -> Element:
    """The three dots: what can be looked at, and what Finance can do besides."""

    def see(words: str, what: str, url: str | None = None) -> Element:
        return option(words, pack(bill=facts.id, see=what), url)

    page = bill_address(facts.id)
    places = [see("History", "history"), see("Customer usage", "usage")]
    places += [see("Web page", "page", page)] if page else []
    links = facts.number is not None and (reader is None or reader.can(Permission.SEND))
    places += [see("Customer's link", "link")] if links else []
    places += [see(words_of(facts, verb), verb.value) for verb in _BUTTONS if verb in verbs]
    return overflow(ActionId.MORE, places)
