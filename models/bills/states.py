"""The states of a bill, the verbs, and the table of what may happen."""

from dataclasses import dataclass
from enum import StrEnum

from models.people.permissions import Permission


class State(StrEnum):
    HELD = "held"
    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    SENDING = "sending"
    SENT = "sent"
    VOID = "void"


class Verb(StrEnum):
    GENERATE = "generate"
    REISSUE = "reissue"
    HOLD = "hold"
    RELEASE = "release"
    APPROVE = "approve"
    AUTO_APPROVE = "auto_approve"
    REJECT = "reject"
    COMMENT = "comment"
    COMMENT_EDIT = "comment_edit"
    COMMENT_DELETE = "comment_delete"
    UNDO = "undo"
    REVISE = "revise"
    INVALIDATE = "invalidate"
    SEND = "send"
    ISSUE = "issue"
    DELIVER = "deliver"
    SEND_FAILED = "send_failed"
    BOUNCE = "bounce"
    VOID = "void"
    REASSIGN = "reassign"
    REMIND = "remind"
    ESCALATE = "escalate"


class BillKind(StrEnum):
    """What a bill is: a month's overage, or what corrects it once it has gone out."""

    OVERAGE = "overage"
    ADJUSTMENT = "adjustment"
    CREDIT = "credit"


class HoldReason(StrEnum):
    OUTSIDE_CONTRACT = "outside_contract"
    NO_PRICE = "no_price"
    NO_APPROVER = "no_approver"
    JUMP = "jump"


class RejectReason(StrEnum):
    USAGE_WRONG = "usage_wrong"
    LIMIT_WRONG = "limit_wrong"
    PRICE_WRONG = "price_wrong"
    CREDIT_PROMISED = "credit_promised"
    OTHER = "other"


class NotSent(StrEnum):
    """Why a bill does not go out when it is asked for."""

    STATE = "state"
    OUTDATED = "outdated"
    NO_ADDRESS = "no_address"
    BAD_ADDRESS = "bad_address"
    NO_FONT = "no_font"
    NOT_ITS_TURN = "not_its_turn"
    CHANGED = "changed"
    BUSY = "busy"


class Cause(StrEnum):
    """Why Countersign moved a bill by itself, as a snapshot keeps it."""

    VOID = "void"
    VOID_WITH = "void_with"
    NO_OVERAGE = "no_overage"
    LATE_USAGE = "late_usage"


@dataclass(frozen=True)
class Transition:
    """From where a verb may be done, where it leads, and which permission it takes.

    `to` None: the bill stays where it is. `back`: it returns to where the reversed action found it.
    `permission` None: it is for its author, whatever role they have by now.
    """

    start: frozenset[State]
    to: State | None
    permission: Permission | None
    back: bool = False


ANYWHERE = frozenset(State)
NEW: frozenset[State] = frozenset()
OPEN = frozenset({State.HELD, State.PENDING})
UNSETTLED = ANYWHERE - {State.SENT, State.VOID}
"""What has not gone out, and is not void."""

TRANSITIONS: dict[Verb, Transition] = {
    Verb.GENERATE: Transition(NEW, State.PENDING, Permission.GENERATE),
    Verb.REISSUE: Transition(frozenset({State.VOID}), State.PENDING, Permission.REISSUE),
    Verb.HOLD: Transition(
        frozenset({State.PENDING, State.APPROVED}), State.HELD, Permission.AUTOMATE
    ),
    Verb.RELEASE: Transition(frozenset({State.HELD}), State.PENDING, Permission.RELEASE),
    Verb.APPROVE: Transition(frozenset({State.PENDING}), State.APPROVED, Permission.APPROVE),
    Verb.AUTO_APPROVE: Transition(frozenset({State.PENDING}), State.APPROVED, Permission.AUTOMATE),
    Verb.REJECT: Transition(frozenset({State.PENDING}), State.REJECTED, Permission.REJECT),
    Verb.COMMENT: Transition(ANYWHERE, None, Permission.COMMENT),
    Verb.COMMENT_EDIT: Transition(ANYWHERE, None, Permission.COMMENT),
    Verb.COMMENT_DELETE: Transition(ANYWHERE, None, None),
    Verb.UNDO: Transition(ANYWHERE, None, Permission.UNDO_OWN, back=True),
    Verb.REVISE: Transition(OPEN | {State.REJECTED}, State.PENDING, Permission.REVISE),
    Verb.INVALIDATE: Transition(
        OPEN | {State.APPROVED, State.SENDING}, State.PENDING, Permission.AUTOMATE
    ),
    Verb.SEND: Transition(
        frozenset({State.APPROVED, State.SENDING, State.SENT}), State.SENDING, Permission.SEND
    ),
    Verb.ISSUE: Transition(frozenset({State.SENDING}), State.SENDING, Permission.AUTOMATE),
    Verb.DELIVER: Transition(frozenset({State.SENDING}), State.SENT, Permission.SAY_ARRIVED),
    Verb.SEND_FAILED: Transition(frozenset({State.SENDING}), State.APPROVED, Permission.AUTOMATE),
    Verb.BOUNCE: Transition(ANYWHERE, None, Permission.AUTOMATE),
    Verb.VOID: Transition(ANYWHERE - {State.VOID}, State.VOID, Permission.VOID),
    Verb.REASSIGN: Transition(OPEN, None, Permission.REASSIGN),
    Verb.REMIND: Transition(frozenset({State.PENDING}), None, Permission.AUTOMATE),
    Verb.ESCALATE: Transition(frozenset({State.PENDING}), None, Permission.AUTOMATE),
}
"""Whatever is not in this table cannot happen.

`reissue` makes a bill that takes the void one's place. A `generate` or an `invalidate` with a cause
leads to `held`, and an `invalidate` that leaves no overage is recorded as `void`. What is sent is
sent again where it is reported not to have arrived; a `send_failed` of that leads back to `sent`.
What is being sent is so where nobody can tell whether it has arrived.
"""

REMARKS = frozenset(
    {
        *(Verb.COMMENT, Verb.COMMENT_EDIT, Verb.COMMENT_DELETE, Verb.BOUNCE),
        *(Verb.REASSIGN, Verb.REMIND, Verb.ESCALATE),
    }
)
"""Verbs that leave a bill and its approvals as they are."""

NEW_FIGURES = frozenset({Verb.REVISE, Verb.INVALIDATE})
ON_FIGURES = frozenset({Verb.APPROVE, Verb.REJECT, Verb.RELEASE, Verb.SEND})
"""Verbs that say yes or no to figures, which therefore have to be those of today."""
