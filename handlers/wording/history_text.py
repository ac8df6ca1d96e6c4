"""What was done to a bill, each action as a sentence."""

from handlers.wording.bill_text import SAID_BY_A_SERVER, reject_reason
from handlers.wording.change_text import units_no_longer
from handlers.wording.formatting import money, number, person, plain
from handlers.wording.labels import HOLD_CAUSES, SOURCE_WORDS
from handlers.wording.rich_text import Part, bold
from models.bills.states import Cause, Verb
from models.people.users import PersonRef
from models.queries.history import HistoryEntry

_NOUNS = {
    Verb.APPROVE: "approval",
    Verb.AUTO_APPROVE: "approval by rule",
    Verb.REJECT: "rejection",
    Verb.RELEASE: "release",
    Verb.REVISE: "revision",
    Verb.SEND: "sending",
    Verb.VOID: "voiding",
    Verb.UNDO: "undo",
}


_DONE = {
    Verb.GENERATE: "generated the bill",
    Verb.REISSUE: "billed the month again",
    Verb.HOLD: "held the bill",
    Verb.RELEASE: "released the bill",
    Verb.APPROVE: "approved",
    Verb.AUTO_APPROVE: "approved",
    Verb.REJECT: "rejected",
    Verb.COMMENT: "commented",
    Verb.COMMENT_EDIT: "edited a comment",
    Verb.COMMENT_DELETE: "deleted a comment",
    Verb.UNDO: "took back a decision",
    Verb.REVISE: "revised the bill",
    Verb.INVALIDATE: "worked the bill out anew",
    Verb.SEND: "sent the bill on its way",
    Verb.ISSUE: "issued the bill",
    Verb.DELIVER: "delivered the bill",
    Verb.SEND_FAILED: "could not deliver the bill",
    Verb.VOID: "made the bill void",
}


_WITH_AMOUNT = frozenset({Verb.APPROVE, Verb.AUTO_APPROVE, Verb.REJECT})


_OF_AMOUNT = {Verb.GENERATE: "of", Verb.REISSUE: "with"}


_HELD = {
    Verb.GENERATE: "; held because ",
    Verb.HOLD: " because ",
    Verb.INVALIDATE: "; held because ",
}


_CAUSES = {
    Cause.LATE_USAGE: ", because the usage of a month that had gone out was corrected",
    Cause.VOID: ", because the bill that it takes back was made void",
    Cause.VOID_WITH: ", because the bill that it corrects was made void",
    Cause.NO_OVERAGE: ", because usage and terms leave nothing to bill",
}


def history_sentence(deed: HistoryEntry, currency: str) -> list[Part]:
    """As in "Kim Lee (CSM) approved $720.00 in Slack, for Ana Ruiz who is away"."""
    who, where = bold(person(deed.by)), SOURCE_WORDS[deed.source]
    if deed.verb is Verb.UNDO and deed.reverses:
        again: list[Part] = ["; the bill goes out ", deed.due] if deed.due else []
        return [
            who,
            f" took back {where} ",
            *decision_text(deed.reverses, currency, deed.by),
            *again,
        ]
    stead = f", for {person(deed.acted_for)} who is away" if deed.acted_for else ""
    done = (
        f" {_done(deed, currency)} {where}{stead}{_held(deed)}{_caused(deed)}{reject_reason(deed)}"
    )
    return [who, done, *_outcome(deed, currency)]


def _held(deed: HistoryEntry) -> str:
    if deed.hold_reason is None or deed.verb not in _HELD:
        return ""
    return f"{_HELD[deed.verb]}{HOLD_CAUSES[deed.hold_reason]}"


def _caused(deed: HistoryEntry) -> str:
    if deed.verb is Verb.INVALIDATE:
        dropped = (
            f"; {units_no_longer(deed.dropped_units)}" if deed.dropped_units is not None else ""
        )
        return f", because usage or terms were corrected{dropped}"
    if deed.cause is None:
        return ""
    return _CAUSES[deed.cause] + (f": #{deed.about}" if deed.about else "")


def _done(deed: HistoryEntry, currency: str) -> str:
    done = _DONE[deed.verb]
    if deed.number:
        return f"{done} as {deed.number}"
    if deed.to:
        return f"{done} to {deed.to}"
    if deed.amount is None:
        return done
    told = money(deed.amount, currency)
    if deed.verb in _WITH_AMOUNT:
        return f"{done} {told}"
    return f"{done} {_OF_AMOUNT[deed.verb]} {told}" if deed.verb in _OF_AMOUNT else done


def _outcome(deed: HistoryEntry, currency: str) -> list[Part]:
    """What a deed is about beyond who did it: its rule, its time, the mail server's words."""
    if deed.rule_below is not None:
        return [f", by the customer’s own rule: below {money(deed.rule_below, currency)}"]
    if deed.adjusted_units is not None:
        return [f", and set the calls to bill to {number(deed.adjusted_units)}"]
    if deed.due:
        return [", to go out ", deed.due]
    if deed.failure:
        return [f": {plain(deed.failure, SAID_BY_A_SERVER)}"]
    if deed.answer:
        return [f"; the mail server answered “{plain(deed.answer, SAID_BY_A_SERVER)}”"]
    return []


def decision_text(
    deed: HistoryEntry, currency: str, told_of: PersonRef | None = None
) -> list[Part]:
    """A decision as a thing: "the approval of $720.00 by Kim Lee (CSM), 3 Nov 09:12".

    In a sentence `told_of` whoever decided, it is "their own approval of $720.00, 3 Nov 09:12". An
    undo has what it took back behind it: "the undo by Kim Lee (CSM), 3 Nov 09:15, of the sending of
    ...".
    """
    what = _NOUNS.get(deed.verb, "decision")
    own = told_of is not None and told_of.id == deed.by.id
    if deed.verb is Verb.UNDO and deed.reverses:
        undone = decision_text(deed.reverses, currency)
        by = "their own undo, " if own else f"the undo by {person(deed.by)}, "
        return [by, deed.at, ", of ", *undone]
    of = f" of {money(deed.amount, currency)}" if deed.amount is not None else ""
    if own:
        return [f"their own {what}{of}, ", deed.at]
    return [f"the {what}{of} by {person(deed.by)}, ", deed.at]
