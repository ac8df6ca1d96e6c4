"""What was done to a bill, each action as a sentence."""

from collections.abc import Mapping
from datetime import datetime

from handlers.wording.bill_text import SAID_BY_A_SERVER, reject_reason
from handlers.wording.change_text import differences, units_no_longer
from handlers.wording.formatting import money, name, number, person, plain, sentence
from handlers.wording.labels import CAUSE_WORDS, HOLD_CAUSES, PLACES, SOURCE_WORDS
from handlers.wording.rich_text import Part, Quote, Sentence, Statement, bold
from models.bills.states import Verb
from models.named_people import PersonRef
from models.people.users import SYSTEM
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
    Verb.BOUNCE: "got a report that the bill did not arrive",
    Verb.VOID: "made the bill void",
    Verb.REASSIGN: "asked somebody else",
    Verb.REMIND: "reminded whoever is asked",
    Verb.ESCALATE: "told Finance that nobody has decided yet",
}

_SAID_TO_BE_THERE = "said that the bill has arrived"
_MAILED_AGAIN = "had the letter mailed again"
_COPY_LOST = "got a report that a copy did not arrive"

_WITH_AMOUNT = frozenset({Verb.APPROVE, Verb.AUTO_APPROVE, Verb.REJECT})
_OF_AMOUNT = {Verb.GENERATE: "of", Verb.REISSUE: "with"}

_HELD = {
    Verb.GENERATE: "; held because ",
    Verb.HOLD: " because ",
    Verb.INVALIDATE: "; held because ",
}


def history_text(
    entry: HistoryEntry, written: Mapping[int, datetime], currency: str
) -> list[Statement]:
    """An action as it stands in the story of its bill: when, who and what, what moved, and why.

    `written` tells when the comment was written that an edit or a deletion is about.
    """
    about = written.get(entry.edits) if entry.edits else None
    which: Sentence = [", the one of ", about] if about else []
    told: list[Statement] = [[entry.at, ", ", *history_sentence(entry, currency), *which]]
    moved = differences(entry, currency)
    if moved:
        told.append([sentence("; ".join(moved))])
    if entry.comment:
        told.append(Quote(entry.comment))
    return told


def history_sentence(entry: HistoryEntry, currency: str) -> list[Part]:
    """As in "Kim Lee (CSM) approved $720.00 in Slack, for Ana Ruiz who is away"."""
    who, where = bold(_who(entry)), _where(entry)
    if entry.verb is Verb.UNDO and entry.reverses:
        return [who, f" took back{where} ", *undone_text(entry, entry.reverses, currency)]
    stead = f", for {person(entry.acted_for)} who is away" if entry.acted_for else ""
    why = f"{_held(entry)}{_caused(entry)}{reject_reason(entry)}"
    done = f" {_done(entry, currency)}{where}{stead}{why}"
    return [who, done, *_outcome(entry, currency)]


def _who(entry: HistoryEntry) -> str:
    customer = entry.mailed_by or entry.link_of
    return name(customer) if customer else person(entry.by)


def _where(entry: HistoryEntry) -> str:
    by_mail = entry.mailed_by or entry.verb is Verb.BOUNCE
    if by_mail:
        return " by e-mail"
    if entry.link_of:
        return " by its link"
    by_itself = entry.by.name == SYSTEM and entry.source in PLACES
    return "" if by_itself else f" {SOURCE_WORDS[entry.source]}"


def _held(entry: HistoryEntry) -> str:
    if entry.hold_reason is None or entry.verb not in _HELD:
        return ""
    return f"{_HELD[entry.verb]}{HOLD_CAUSES[entry.hold_reason]}"


def _caused(entry: HistoryEntry) -> str:
    if entry.verb is Verb.INVALIDATE:
        dropped = (
            f"; {units_no_longer(entry.dropped_units)}" if entry.dropped_units is not None else ""
        )
        return f", because {_correction(entry)}{dropped}"
    cause = CAUSE_WORDS[entry.cause] if entry.cause else ""
    after = f", after {_correction(entry)}" if entry.corrected_by else ""
    return cause + (f": #{entry.about}" if entry.cause and entry.about else "") + after


def _correction(entry: HistoryEntry) -> str:
    """As in "Ana Ruiz (Finance) corrected usage or terms"."""
    is_of_figures = entry.changes or entry.verb is Verb.GENERATE
    corrected = "usage or terms" if is_of_figures else "the contract dates"
    if entry.corrected_by is None:
        return f"{corrected} were corrected"
    return f"{person(entry.corrected_by)} corrected {corrected}"


def _done(entry: HistoryEntry, currency: str) -> str:
    if entry.dry_run:
        return f"did all but mail the bill to {entry.to}: it was a dry run"
    done = _done_how(entry)
    if entry.number:
        return f"{done} as {entry.number}"
    if entry.to:
        return f"{done} {'at' if entry.verb is Verb.BOUNCE or entry.by_word else 'to'} {entry.to}"
    if entry.amount is None:
        return done
    told = money(entry.amount, entry.currency or currency)
    if entry.verb in _WITH_AMOUNT:
        return f"{done} {told}"
    return f"{done} {_OF_AMOUNT[entry.verb]} {told}" if entry.verb in _OF_AMOUNT else done


def _done_how(entry: HistoryEntry) -> str:
    if entry.asked:
        stead = f" instead of {person(entry.instead_of)}" if entry.instead_of else ""
        return f"asked {person(entry.asked)} to decide{stead}"
    if entry.of_copy:
        return _COPY_LOST
    if entry.by_word:
        return _SAID_TO_BE_THERE
    return _MAILED_AGAIN if entry.repeats else _DONE[entry.verb]


def _outcome(entry: HistoryEntry, currency: str) -> list[Part]:
    """What an action is about beyond who did it: its rule, its time, the mail server's words."""
    if entry.rule_below is not None:
        below = money(entry.rule_below, entry.currency or currency)
        return [f", by the customer’s own rule: below {below}"]
    if entry.adjusted_units is not None:
        return [f", and set the calls to bill to {number(entry.adjusted_units)}"]
    if entry.due:
        return [", to go out ", entry.due]
    told = (
        (": {}", None if entry.dry_run else entry.failure),
        ("; as a PDF without an e-invoice: {}", entry.no_e_invoice),
        ("; the mail server answered “{}”", entry.answer),
    )
    return [form.format(plain(text, SAID_BY_A_SERVER)) for form, text in told if text]


def reassigned_text(entry: HistoryEntry, currency: str) -> list[Part]:
    """As in "Ana Ruiz (Finance) asked Kim Lee (CSM) to decide instead of Lee Wong (CSM) on the
    web, 3 Nov 09:12.".
    """
    return [*history_sentence(entry, currency), ", ", entry.at, "."]


def undone_text(
    undo: HistoryEntry, reversed_: HistoryEntry, currency: str, whose: str = "their"
) -> list[Part]:
    """What an undo took back, and when the bill goes out where that began its sending again.

    `whose`: "your" where whoever undid it reads this.
    """
    again: list[Part] = ["; the bill goes out ", undo.due] if undo.due else []
    return [*decision_text(reversed_, currency, undo.by, whose), *again]


def decision_text(
    entry: HistoryEntry, currency: str, told_of: PersonRef | None = None, whose: str = "their"
) -> list[Part]:
    """A decision as a thing: "the approval of $720.00 by Kim Lee (CSM), made 3 Nov 09:12".

    In a sentence `told_of` whoever decided, it is "their own approval of $720.00, made 3 Nov
    09:12". An undo has what it took back behind it: "the undo by Kim Lee (CSM), made 3 Nov 09:15,
    which took back the sending ...".
    """
    what = _NOUNS.get(entry.verb, "decision")
    own = told_of is not None and told_of.id == entry.by.id
    if entry.verb is Verb.UNDO and entry.reverses:
        undone = decision_text(entry.reverses, currency)
        by = f"{whose} own undo" if own else f"the undo by {person(entry.by)}"
        return [f"{by}, made ", entry.at, ", which took back ", *undone]
    in_currency = entry.currency or currency
    of = f" of {money(entry.amount, in_currency)}" if entry.amount is not None else ""
    if own:
        return [f"{whose} own {what}{of}, made ", entry.at]
    return [f"the {what}{of} by {person(entry.by)}, made ", entry.at]
