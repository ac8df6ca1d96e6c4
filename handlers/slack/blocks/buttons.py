"""What can be clicked under a bill as it stands: the same for everybody, judged at the click."""

from handlers.slack.blocks.action_ids import ActionId, pack
from handlers.slack.blocks.block_kit import Element, button, confirm, overflow
from handlers.wording.bill_text import amount, month_of, short_title
from handlers.wording.formatting import name
from models.bills.states import OPEN, TRANSITIONS, BillKind, State, Verb
from models.people.users import User
from models.queries.bill_details import BillDetails

UNDOABLE = frozenset({State.APPROVED, State.REJECTED, State.SENDING, State.VOID})

_VERBS = {
    ActionId.APPROVE: Verb.APPROVE,
    ActionId.REJECT: Verb.REJECT,
    ActionId.RELEASE: Verb.RELEASE,
    ActionId.REVISE: Verb.REVISE,
    ActionId.SEND: Verb.SEND,
    ActionId.UNDO: Verb.UNDO,
    ActionId.VOID: Verb.VOID,
    ActionId.REISSUE: Verb.REISSUE,
}


def bill_buttons(facts: BillDetails, reader: User | None = None) -> list[Element]:
    """What can be done with the bill as it stands, then the menu of what else there is.

    For a `reader` without what their role never lets them do.
    """
    value = pack(bill=facts.id, version=facts.version)
    decisions = [*_decide(facts, value), *_undo(facts, value)]
    mine = [one for one in decisions if _may(reader, one["action_id"])]
    return [*mine, _more(facts, reader)]


def _may(reader: User | None, click: ActionId) -> bool:
    right = TRANSITIONS[_VERBS[click]].permission
    return reader is None or right is None or reader.can(right)


def _decide(facts: BillDetails, value: str) -> list[Element]:
    what = f"{short_title(facts)}, {amount(facts)}"
    if facts.status is State.PENDING:
        reject = button(
            ActionId.REJECT, "Reject", value, "danger", label=f"Reject #{facts.id}: {what}"
        )
        return [_approve(facts, value), reject]
    if facts.status is State.HELD and facts.amount is not None:
        return [button(ActionId.RELEASE, "Release", value, label=f"Release #{facts.id}: {what}")]
    if facts.status is State.APPROVED:
        return [send_button(facts)]
    if facts.status is State.REJECTED:
        return [revise_button(facts)]
    if _can_reissue(facts):
        return [button(ActionId.REISSUE, "Reissue", value, label=f"Reissue #{facts.id}: {what}")]
    return []


def _approve(facts: BillDetails, value: str) -> Element:
    context = confirm("Approve this bill?", approve_question(facts), "Approve")
    label = f"Approve #{facts.id}: {amount(facts)}"
    return button(ActionId.APPROVE, "Approve", value, "primary", ask=context, label=label)


def approve_question(facts: BillDetails, room: int = 220) -> str:
    """The amount comes first, so that no name can push it out of sight."""
    return f"{amount(facts)} for {month_of(facts)}, to {name(facts.customer, room)}."


def send_button(facts: BillDetails) -> Element:
    """Sends this version; one that could not be delivered is sent again under its number."""
    words = "Send again" if facts.failure else "Send"
    once = " It goes out at once, and cannot be called back." if facts.number else ""
    return button(
        ActionId.SEND,
        words,
        pack(bill=facts.id, version=facts.version),
        ask=confirm("Send this bill?", f"{approve_question(facts, 150)}{once}", "Send"),
        label=f"{words} #{facts.id}: {amount(facts)}",
    )


def revise_button(facts: BillDetails) -> Element:
    value = pack(bill=facts.id, version=facts.version)
    return button(ActionId.REVISE, "Revise", value, label=f"Revise #{facts.id}: {amount(facts)}")


def void_button(facts: BillDetails) -> Element:
    value = pack(bill=facts.id, version=facts.version)
    return button(ActionId.VOID, "Void", value, label=f"Void #{facts.id}: {amount(facts)}")


def _undo(facts: BillDetails, value: str) -> list[Element]:
    """While others still have to decide, only those who have decided are shown Undo."""
    if not facts.decisions:
        return []
    label = f"Undo the last decision on #{facts.id}"
    if facts.status in UNDOABLE:
        return [button(ActionId.UNDO, "Undo", value, label=label)]
    authors = [entry.by.slack_user_id for entry in facts.decisions if entry.by.slack_user_id]
    if facts.status is State.PENDING and authors:
        return [button(ActionId.UNDO, "Undo", value, label=label, seen_by=authors)]
    return []


def _more(facts: BillDetails, reader: User | None) -> Element:
    """The three dots: what can be looked at, and what Finance can do besides."""
    places = [("History", "history"), ("Customer usage", "usage")]
    if facts.status in OPEN and not _balances(facts) and _may(reader, ActionId.REVISE):
        places.append(("Revise", "revise"))
    if _can_be_void(facts) and _may(reader, ActionId.VOID):
        places.append(("Void", "void"))
    return overflow(ActionId.MORE, [(words, pack(bill=facts.id, see=see)) for words, see in places])


def _can_be_void(facts: BillDetails) -> bool:
    if facts.status is State.VOID or _balances(facts):
        return False
    if facts.status is State.SENDING:
        return facts.number is None
    return facts.status is not State.SENT or facts.kind != BillKind.CREDIT


def _balances(facts: BillDetails) -> bool:
    """Whether it takes back a bill that is void, which nobody can stop."""
    return facts.adjusts is not None and facts.adjusts.status is State.VOID


def _can_reissue(facts: BillDetails) -> bool:
    overage = facts.kind == BillKind.OVERAGE
    return facts.status is State.VOID and overage and facts.replaced_by is None
