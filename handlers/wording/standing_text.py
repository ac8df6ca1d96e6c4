"""Where a bill stands, as its card and its page tell it."""

from collections.abc import Callable, Sequence

from handlers.wording.bill_text import (
    agreement_text,
    bill_reference,
    hold_cause,
    reject_reason,
    rule_text,
    waits_for,
)
from handlers.wording.change_text import changes_between, corrected, correction_text
from handlers.wording.formatting import (
    amount_or,
    as_said,
    listing,
    money,
    name,
    person,
    plain,
    sentence,
)
from handlers.wording.history_text import history_sentence, reassigned_text, undone_text
from handlers.wording.labels import HOLD_CURES, STATE_WORDS
from handlers.wording.refusals import Medium, step_parts
from handlers.wording.rich_text import Part, Quote, Sentence, Statement, bold
from models.bills.deliveries import Missing
from models.bills.states import BillKind, HoldReason, State, Verb
from models.errors import NextStep, Step
from models.money import add_up
from models.queries.bill_details import BillDetails, Letter, RelatedBill
from models.queries.history import HistoryEntry

LONGEST_CAUSE = 400
MOST_RELATED = 5
MOST_MISSING = 5


def standing_text(facts: BillDetails, medium: Medium) -> list[Statement]:
    """What has been decided, where the bill is, what is still missing, and where it came from."""
    return [
        *_changed(facts),
        *_decided(facts),
        *_WHERE[facts.status](facts, medium),
        *_reassigned(facts),
        *_without_e_invoice(facts),
        *_related(facts),
        [*_made(facts)],
    ]


def _changed(facts: BillDetails) -> list[Statement]:
    """What moved the figures and who did, for those who saw the ones before."""
    entry = facts.changed
    if entry is None or entry.id in {one.id for one in _decisions(facts)}:
        return []
    told = bold(sentence(correction_text(entry, facts.currency)))
    by = f" Changed by {person(entry.by)}, "
    return [[told, FALLEN if facts.fell else "", by, entry.at, "."]]


FALLEN = " Approvals given before do not count any more."


def _decided(facts: BillDetails) -> list[Statement]:
    told: list[Statement] = []
    for entry in _decisions(facts):
        told.append([*_decision(entry, facts.currency)])
        if entry.changes and entry.verb is Verb.REVISE:
            told.append([sentence(corrected(entry.changes, entry.currency or facts.currency))])
        if entry.comment:
            told.append(Quote(entry.comment))
    return told


def _decisions(facts: BillDetails) -> Sequence[HistoryEntry]:
    """The approvals that stand, and the last decision where it is another one.

    What is on its way out or void says so by itself.
    """
    given = facts.approvals or ((facts.by_rule,) if facts.by_rule else ())
    last = facts.last_decision
    if last is None or last.verb in (Verb.SEND, Verb.VOID) or last in given:
        return given
    return (*given, last)


_HEADLINES = {
    Verb.APPROVE: "Approved",
    Verb.REJECT: "Rejected",
    Verb.RELEASE: "Released",
    Verb.REVISE: "Revised",
}


def _decision(entry: HistoryEntry, currency: str) -> list[Part]:
    """As in "Approved by Kim Lee (CSM) for Ana Ruiz who is away, 3 Nov 09:12"."""
    if entry.verb is Verb.AUTO_APPROVE:
        return [bold(f"Approved {rule_text(entry, currency)}"), ", ", entry.at]
    if entry.reverses:
        undone = undone_text(entry, entry.reverses, currency)
        return [bold(f"Undone by {person(entry.by)}"), ", ", entry.at, ": ", *undone]
    headline = _HEADLINES[entry.verb]
    stead = f" for {person(entry.acted_for)} who is away" if entry.acted_for else ""
    return [
        bold(f"{headline} by {person(entry.by)}"),
        f"{stead}, ",
        entry.at,
        reject_reason(entry),
    ]


def _reassigned(facts: BillDetails) -> list[Statement]:
    told: list[Statement] = []
    for entry in facts.reassigned:
        told.append(reassigned_text(entry, facts.currency))
        if entry.comment:
            told.append(Quote(entry.comment))
    return told


def _pending(facts: BillDetails, _: Medium) -> list[Statement]:
    waits = [bold(waits_for(facts.needed))]
    if facts.both_above is None:
        return [waits]
    above = money(facts.both_above, facts.rules_currency or facts.currency)
    if facts.rules_currency in (None, facts.currency):
        why = f"above {above}"
    else:
        why = f"above {above}, which is no amount in {facts.currency} to compare with"
    return [waits, [f"Needs both its CSM and Sales: {why}."]]


def _held(facts: BillDetails, medium: Medium) -> list[Statement]:
    return [[bold("Held"), f": {hold_cause(facts.hold_reason)}.", *cure_text(facts, medium)]]


def cure_text(facts: BillDetails, medium: Medium) -> list[Part]:
    """What lets a held bill go on."""
    if facts.hold_reason is HoldReason.NO_PRICE:
        return step_parts((NextStep(Step.IMPORT_PRICE),), medium)
    return [f" {HOLD_CURES[facts.hold_reason]}"] if facts.hold_reason else []


def _rejected(facts: BillDetails, _: Medium) -> list[Statement]:
    """A rejected bill keeps its figures, and says where they are not those of today."""
    now = facts.outdated
    if now is None:
        return []
    told = corrected(changes_between(facts, now), facts.currency, "which comes to")
    return [[bold("The figures have changed since"), f": {told}. Revise it to take them."]]


def _approved(facts: BillDetails, _: Medium) -> list[Statement]:
    if not facts.failure:
        return []
    if facts.dry_run:
        told = ": all was done but the mailing. Send it once EMAIL_DRY_RUN is off."
        return [[bold(f"Dry run as {facts.number}"), told]]
    cause = as_said(facts.failure, LONGEST_CAUSE)
    stays = f"Its number, {facts.number}, stays. " if facts.number else ""
    return [
        [bold("Could not be delivered"), f": {cause}"],
        [f"{stays}Mend what was wrong, then send it again."],
    ]


def _sending(facts: BillDetails, _: Medium) -> list[Statement]:
    to = f" to {name(facts.sent_to)}" if facts.sent_to else ""
    if facts.send_due is None:
        number = f" as {facts.number}" if facts.number else ""
        return [[bold(f"On its way out{number}"), f"{to}."], *letter_text(facts.letter)]
    by: Sentence = [f"{to}. Sent by {person(facts.brought.by)}."] if facts.brought else [f"{to}."]
    out: Sentence = [bold("Goes out "), facts.send_due, *by, " Until then it can be called back."]
    return [out, *letter_text(facts.letter)]


def letter_text(letter: Letter) -> list[Statement]:
    """Why a letter is not out yet."""
    if letter.waits:
        cause = as_said(letter.waits, LONGEST_CAUSE)
        return [[bold("No mail goes out now"), f": {cause} It goes out once that is mended."]]
    if letter.trouble is None:
        return []
    cause = as_said(letter.trouble, LONGEST_CAUSE)
    if not letter.unheard:
        return [[bold("Not taken yet"), f": {cause} It is tried again."]]
    told: Sentence = [bold("It may have arrived"), f": {cause}"]
    if letter.next_at is None:
        return [told]
    return [[*told, " It is mailed again, as the same message, ", letter.next_at, "."]]


def _sent(facts: BillDetails, _: Medium) -> list[Statement]:
    at: Sentence = [", ", facts.brought.at] if facts.brought else []
    to = f" to {name(facts.sent_to)}" if facts.sent_to else ""
    sent: Sentence = [bold(f"Sent as {facts.number}" if facts.number else "Sent"), to, *at]
    return [
        sent,
        *_told_to_be_there(facts),
        *missing_text(facts.letter.missing),
        *bounces_text(facts),
    ]


def _told_to_be_there(facts: BillDetails) -> list[Statement]:
    """By whose word it has arrived, where the mail server was not heard to take it."""
    brought = facts.brought
    if brought is None or not brought.by_word:
        return []
    return [[f"It has arrived by the word of {person(brought.by)}."], Quote(brought.comment or "")]


def bounces_text(facts: BillDetails) -> list[Statement]:
    """The latest reports that it, or a copy, did not arrive, each with a mail server's words."""
    return [
        *(_bounce("Reported", one) for one in facts.bounces[-MOST_MISSING:]),
        *(_bounce("A copy is reported", one) for one in facts.lost_copies[-MOST_MISSING:]),
    ]


def _bounce(what: str, report: HistoryEntry) -> Statement:
    lost = bold(f"{what} not to have arrived at {name(report.to or 'its address')}")
    return [lost, ", ", report.at, f": {as_said(report.failure or '', LONGEST_CAUSE)}"]


def missing_text(missing: Sequence[Missing]) -> list[Statement]:
    """To whom a letter did not go, each with the mail server's words."""
    return [
        [
            bold(f"Not {'yet ' if one.later else ''}to {name(one.address)}"),
            f": {as_said(one.answer, LONGEST_CAUSE)}",
        ]
        for one in missing[:MOST_MISSING]
    ]


def _without_e_invoice(facts: BillDetails) -> list[Statement]:
    if facts.no_e_invoice is None:
        return []
    cause = plain(facts.no_e_invoice, LONGEST_CAUSE)
    return [[bold("A PDF without an e-invoice"), f": {cause}"]]


def _void(facts: BillDetails, _: Medium) -> list[Statement]:
    """Who made it void and why; its number stays in the series."""
    entry = facts.brought
    stays = f" Its number, {facts.number}, stays in the series." if facts.number else ""
    if entry is None:
        return [[bold("Void."), stays]]
    why = [Quote(entry.comment)] if entry.comment else []
    made: Sentence = [bold(f"Made void by {person(entry.by)}")]
    told = history_sentence(entry, facts.currency) if entry.cause else made
    return [[*told, ", ", entry.at, ".", stays], *why]


_WHERE: dict[State, Callable[[BillDetails, Medium], list[Statement]]] = {
    State.PENDING: _pending,
    State.HELD: _held,
    State.REJECTED: _rejected,
    State.APPROVED: _approved,
    State.SENDING: _sending,
    State.SENT: _sent,
    State.VOID: _void,
}


def _related(facts: BillDetails) -> list[Statement]:
    """The bills that stand beside this one, by their numbers."""
    told = [*_corrects(facts)]
    agreed = agreement_text(facts)
    if agreed:
        told.append(f"{agreed}.")
    if facts.replaces:
        told.append(f"Takes the place of {bill_reference(facts.replaces)}, which is void.")
    if facts.replaced_by:
        told.append(f"{bill_reference(facts.replaced_by)} stands in its place.")
    told += [
        f"{_corrected_how(facts, one)} {bill_reference(one)}:"
        f" {amount_or(one.amount, one.currency)}, {STATE_WORDS[one.status]}."
        for one in facts.corrections[-MOST_RELATED:]
    ]
    return [[one] for one in told]


def _corrected_how(facts: BillDetails, by: RelatedBill) -> str:
    """A void bill is credited; an adjustment of before may have billed more."""
    is_credit = facts.status is State.VOID and by.kind is BillKind.CREDIT
    return "Credited with" if is_credit else "Corrected by"


def _corrects(facts: BillDetails) -> list[str]:
    if facts.adjusts is None:
        return []
    all_of_them = listing([bill_reference(one) for one in facts.corrected or (facts.adjusts,)])
    if facts.billed is None or facts.amount is None:
        void = "which is" if len(facts.corrected) < 2 else f"since #{facts.adjusts.id} is"
        return [f"Takes back {all_of_them}, {void} void."]
    so_far, now = facts.billed, add_up((facts.billed, facts.amount))
    told = f"billed {money(so_far, facts.currency)} so far"
    return [f"Corrects {all_of_them}: {told}, the month now comes to {money(now, facts.currency)}."]


def _made(facts: BillDetails) -> Sentence:
    made = "Proposed" if facts.billed is not None else "Generated"
    return [f"{made} by ", person(facts.generated_by), ", ", facts.created_at]
