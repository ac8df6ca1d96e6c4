"""What states, reasons and sources are called: one table an enum."""

from models.bills.states import Cause, HoldReason, NotSent, RejectReason, State, Verb
from models.context import Source
from models.people.permissions import Role

ROLE_SHORT = {Role.CSM: "CSM"}

STATE_WORDS = {
    State.HELD: "held",
    State.PENDING: "waiting for approval",
    State.APPROVED: "approved",
    State.REJECTED: "rejected",
    State.SENDING: "being sent",
    State.SENT: "sent",
    State.VOID: "void",
}

HOLD_CAUSES = {
    HoldReason.OUTSIDE_CONTRACT: "the usage falls outside the customer’s contract dates",
    HoldReason.NO_PRICE: "the customer has no overage price",
    HoldReason.NO_APPROVER: "nobody could approve it",
    HoldReason.JUMP: "the amount is several times the customer’s last one",
}

HOLD_SHORT = {
    HoldReason.OUTSIDE_CONTRACT: "outside the contract",
    HoldReason.NO_PRICE: "no price",
    HoldReason.NO_APPROVER: "no approver",
    HoldReason.JUMP: "a jump",
}

HOLD_CURES = {
    HoldReason.OUTSIDE_CONTRACT: "With the right dates it goes on by itself; or release it.",
    HoldReason.NO_PRICE: "With a price from its month on it goes on by itself.",
    HoldReason.NO_APPROVER: "Give somebody the role that is needed, then release it.",
    HoldReason.JUMP: "Check the usage, then release it.",
}

NOT_SENT_WORDS = {
    NotSent.STATE: "it is {state}",
    NotSent.OUTDATED: "its usage or terms have changed, so it needs approval again",
    NotSent.NO_ADDRESS: "its customer has no billing e-mail address",
    NotSent.BAD_ADDRESS: "what its customer has as an e-mail address is none",
    NotSent.NO_FONT: "no font has {signs}",
    NotSent.NOT_ITS_TURN: "what it corrects has not gone out yet",
    NotSent.BUSY: "somebody else was changing it all the while: send it once more",
    NotSent.CHANGED: "it changed after you were shown it: it is {state} now",
}

REJECT_WORDS = {
    RejectReason.USAGE_WRONG: "the usage is wrong",
    RejectReason.LIMIT_WRONG: "the limit is wrong",
    RejectReason.PRICE_WRONG: "the price is wrong",
    RejectReason.CREDIT_PROMISED: "a credit was promised",
    RejectReason.OTHER: "another reason",
}

CAUSE_WORDS = {
    Cause.LATE_USAGE: ", because the usage of a month that had gone out was corrected",
    Cause.VOID: ", because the bill that it takes back was made void",
    Cause.VOID_WITH: ", because the bill that it corrects was made void",
    Cause.NO_OVERAGE: ", because usage and terms leave nothing to bill",
}
"""What Countersign did by itself, as the end of a sentence that says what."""

SOURCE_WORDS = {
    Source.SLACK: "in Slack",
    Source.WEB: "on the web",
    Source.API: "through the API",
    Source.CLI: "from the command line",
    Source.CLOCK: "on schedule",
}

PLACES = frozenset({Source.SLACK, Source.WEB, Source.API})
"""Where people act: what follows from that, Countersign does by itself, and in no such place."""

KIND_WORDS = {"overage": "", "adjustment": " adjustment", "credit": " credit"}

BUTTONS = {
    Verb.APPROVE: "Approve",
    Verb.REJECT: "Reject",
    Verb.RELEASE: "Release",
    Verb.DELIVER: "It arrived",
    Verb.SEND: "Send",
    Verb.REVISE: "Revise",
    Verb.REISSUE: "Reissue",
    Verb.UNDO: "Undo",
    Verb.VOID: "Void",
    Verb.REASSIGN: "Reassign",
}
"""What a decision is called where it is clicked, in the order in which they stand."""

PARTICIPLES = {
    Verb.APPROVE: "approved",
    Verb.REJECT: "rejected",
    Verb.RELEASE: "released",
    Verb.REVISE: "revised",
    Verb.SEND: "sent",
    Verb.DELIVER: "written down",
    Verb.UNDO: "undone",
    Verb.VOID: "made void",
    Verb.REISSUE: "billed",
    Verb.REASSIGN: "reassigned",
}
"""What a bill was not, where a decision came too late."""
