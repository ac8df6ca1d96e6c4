"""What is asked before a decision, as the dialog of any medium shows it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from handlers.wording.bill_text import (
    amount,
    amount_due,
    bill_reference,
    hold_cause,
    month_of,
    multiplication,
    net_and_due,
    short_title,
    usage_text,
    waits_for,
)
from handlers.wording.change_text import changes_between, corrected
from handlers.wording.formatting import delay, listing, name, person, sentence, slash
from handlers.wording.history_text import decision_text
from handlers.wording.labels import BUTTONS, REJECT_WORDS
from handlers.wording.refusals import Medium
from handlers.wording.rich_text import Bullets, Sentence, bold, code
from models.bills.states import BillKind, HoldReason, State, Verb
from models.money import add_up
from models.named_people import PersonRef
from models.people.users import SYSTEM
from models.queries.bill_details import BillDetails, RelatedBill
from models.queries.history import HistoryEntry

UNITS = "units"
ASKED = "user_id"
REASON_CODE = "reason_code"
REASON = "reason"
Options = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Field:
    """What is to be entered, under its name; `options`: pairs of words and value to choose from."""

    name: str
    label: str
    hint: str = ""
    kind: Literal["text", "number", "choice"] = "text"
    optional: bool = False
    options: Options = ()


@dataclass(frozen=True)
class Question:
    """`told`: paragraphs, each of one or several lines, and lists; `about`: the id of the action
    that it is about, if it is about one.
    """

    title: str
    submit: str
    told: tuple[Sequence[Sentence] | Bullets, ...]
    fields: tuple[Field, ...] = ()
    about: int | None = None


def ask_to_reject(facts: BillDetails) -> Question:
    """Asks for a reason code and words."""
    codes = tuple((words[:1].upper() + words[1:], code) for code, words in REJECT_WORDS.items())
    reads = f"{reads_reasons(facts)} reads this at once, and it stays in the bill’s history."
    return Question(
        "Reject this bill",
        "Reject",
        (_which(facts), _sum(facts)),
        (
            Field(REASON_CODE, "What is wrong?", kind="choice", options=codes),
            Field(REASON, "Tell Finance more", reads),
        ),
    )


def reads_reasons(facts: BillDetails) -> str:
    """Who is told at once why a bill is rejected."""
    by = facts.generated_by
    return "Finance" if by.name == SYSTEM else f"{name(by.name, 80)}, who generated the bill,"


def ask_to_undo(
    facts: BillDetails, entry: HistoryEntry, wait_minutes: float | None = None
) -> Question:
    """Names the decision that would be taken back, and asks why.

    `wait_minutes` where that starts the sending again: so long afterwards the bill goes out.
    """
    again = "" if wait_minutes is None else f" {_sends_again(wait_minutes)}"
    taken_back: Sentence = ["This takes back ", *decision_text(entry, facts.currency), ".", again]
    told = (_which(facts), [taken_back])
    return Question("Undo a decision", "Undo", told, (WHY,), about=entry.id)


def _sends_again(minutes: float) -> str:
    if minutes <= 0:
        return "The bill is sent again, and goes out at once."
    return (
        f"The bill is sent again, and goes out {delay(minutes)} after that; until then it can be"
        " called back."
    )


WHY = Field(REASON, "Why?", "Everybody who can see the bill can read this.")


def ask_to_release(facts: BillDetails, still_stands: bool = True) -> Question:
    """Says why the bill is held; asks for a reason, which is required where the cause stands."""
    stands = "" if still_stands else " That is settled now."
    why_not: Sentence = [f"{hold_text(facts)}{stands}"]
    after = "After this the bill waits for its approvals."
    return Question(
        "Release this bill",
        "Release",
        (_which(facts, f", {amount(facts)}"), [why_not]),
        (Field(REASON, "Why may it go on?", after, optional=not still_stands),),
    )


def hold_text(facts: BillDetails) -> str:
    return f"It is held because {hold_cause(facts.hold_reason)}."


def ask_to_revise(facts: BillDetails, fresh: BillDetails) -> Question:
    """Shows the bill as it is and as usage and terms give it now (`fresh`), and asks why.

    The calls to bill, which may stay empty, can be set by hand.
    """
    kind = BillKind(facts.kind)
    moved = changes_between(facts, fresh)
    told = corrected(moved, facts.currency, WOULD) if moved else NO_OTHER
    holds = AGREED_NO_MORE if fresh.waived_units != facts.waived_units else ""
    anew: list[Sentence] = [["By usage and terms as they are now: "], *_sum(fresh)]
    outcome: Sentence = [
        bold(sentence(told)),
        holds,
        " After this the bill waits for its approvals anew.",
    ]
    return Question(
        "Revise this bill",
        "Revise",
        (
            _which(facts),
            [["On the bill: "], *_sum(facts)],
            *([anew] if moved else []),
            [outcome],
        ),
        (Field(UNITS, _UNITS_LABEL[kind], _UNITS_HINT[kind], kind="number", optional=True), WHY),
    )


WOULD = "which comes to"
AGREED_NO_MORE = " The calls agreed on hold no longer, unless you write them again."
NO_OTHER = "usage and terms still give the figures that are on the bill"

_UNITS_LABEL = {
    BillKind.OVERAGE: "Calls to bill over the limit",
    BillKind.ADJUSTMENT: "Calls to bill more",
    BillKind.CREDIT: "Calls to bill more",
}

_UNITS_HINT = {
    BillKind.OVERAGE: "Left empty, they are what usage and limit give. Written, they stay agreed.",
    BillKind.ADJUSTMENT: "Below zero those to credit. Left empty, they are what is still to bill.",
    BillKind.CREDIT: "Below zero those to credit. Left empty, they are what is still to credit.",
}


def _which(facts: BillDetails, more: str = "") -> Sequence[Sentence]:
    return [[bold(short_title(facts)), f" · #{facts.id}{more}"]]


def _sum(facts: BillDetails) -> list[Sentence]:
    return [[usage_text(facts)], multiplication(facts)]


def ask_to_void(facts: BillDetails, medium: Medium) -> Question:
    """Says what becomes of the bill and of what has gone out, and asks why."""
    does = Bullets(tuple(_what_voiding_does(facts, medium)))
    return Question(
        "Make this bill void", "Make void", (_which(facts, f", {amount_due(facts)}"), does), (WHY,)
    )


def _what_voiding_does(facts: BillDetails, medium: Medium) -> Iterator[Sentence]:
    credit, numbers = amount_gone_out(facts), [one.number or "" for one in _gone_out(facts)]
    if credit:
        over = bold(_credit_over(facts))
        out = f"{listing(numbers)} {'has' if len(numbers) == 1 else 'have'} gone out"
        yield [f"{out}, so a credit over the whole standing amount is made: ", over, "."]
        yield ["Nobody has to approve the credit. It goes to the customer once you send it."]
    elif numbers:
        yield ["What has gone out is taken back in full already, so no credit is made."]
    else:
        yield ["Nothing of it has gone out, so nothing is sent."]
    if facts.number:
        yield [f"The number {facts.number} stays in the series, as void."]
    others = [number for number in numbers if number != facts.number]
    if others:
        yield [f"{listing(others)} {'stays' if len(others) == 1 else 'stay'} in it as sent."]
    for one in facts.corrections:
        if one.status not in (State.SENT, State.VOID):
            yield [f"Its correction, {bill_reference(one)}, becomes void with it."]
    if facts.kind == BillKind.OVERAGE:
        typed = code(slash(f"bill reissue #{facts.id}"))
        again = typed if medium is Medium.SLACK else "Reissue"
        yield ["The month is not billed again by itself; ", again, " does that."]


def _credit_over(facts: BillDetails) -> str:
    due = [one.with_tax for one in _gone_out(facts)]
    known = [one for one in due if one is not None]
    total = -add_up(known) if len(known) == len(due) else None
    return net_and_due(-amount_gone_out(facts), total, facts.currency)


def amount_gone_out(facts: BillDetails) -> Decimal:
    """What the customer has been sent of this bill and its corrections, taken together."""
    return add_up(one.amount or Decimal(0) for one in _gone_out(facts))


def _gone_out(facts: BillDetails) -> list[BillDetails | RelatedBill]:
    parts: list[BillDetails | RelatedBill] = [facts, *facts.corrections]
    return [one for one in parts if one.status is State.SENT and one.amount]


def ask_to_reissue(
    facts: BillDetails, fresh: BillDetails, cause: HoldReason | None = None
) -> Question:
    """Shows the figures of the bill that would stand in the place of the void one, and the `cause`
    for which it would be held, and asks why.
    """
    begins = (
        f"is held because {hold_cause(cause)}"
        if cause
        else "waits for its approvals like any other"
    )
    return Question(
        "Bill the month again",
        "Reissue",
        (
            _which(facts, " is void"),
            [["The new bill, by usage and terms as they are now: "], *_sum(fresh)],
            [[f"It {begins}."]],
        ),
        (WHY,),
    )


def ask_to_reassign(facts: BillDetails, able: Sequence[PersonRef]) -> Question:
    """Says whom the bill waits for, and asks who of those `able` is to decide instead."""
    waits: Sentence = [bold(waits_for(facts.needed)) if facts.needed else hold_text(facts)]
    for_this: Sentence = ["This is for this bill alone: its customer keeps its approvers."]
    people = tuple((person(one), str(one.id)) for one in able)
    return Question(
        "Ask somebody else",
        "Reassign",
        (_which(facts, f", {amount(facts)}"), [waits, for_this]),
        (Field(ASKED, "Who is to decide?", kind="choice", options=people), REMARK),
    )


REMARK = Field("comment", "Comment", "It stays in the bill’s history.", optional=True)


def approve_question(facts: BillDetails, room: int = 220) -> str:
    """The amount comes first, so that no name can push it out of sight."""
    return _for_whom(amount(facts), facts, room)


def _for_whom(told: str, facts: BillDetails, room: int) -> str:
    return f"{told} for {month_of(facts)}, to {name(facts.customer, room)}."


def send_question(facts: BillDetails, room: int = 150) -> str:
    """The same of sending; one that has its number goes out at once."""
    told = _for_whom(amount_due(facts), facts, room)
    to = f"to {name(facts.goes_to or 'no address', room)}"
    if facts.status is State.SENT:
        return f"{told} The same document goes out again at once {to}, and cannot be called back."
    if facts.may_have_arrived:
        return f"{told} The same letter goes out again at once {to}. {TWICE}"
    return f"{told}{' It goes out at once, and cannot be called back.' if facts.number else ''}"


TWICE = (
    "Whoever has it already gets it twice, as one message by its Message-ID, and owes it once. It "
    "cannot be called back."
)


def ask_by_whose_word(facts: BillDetails) -> Question:
    """Asks who says that a bill has arrived whose letter nobody was heard to take."""
    told: list[Sentence] = [
        ["The bill is sent then, as if the mail server had said so, and is not mailed again."],
        ["This cannot be undone. What has gone out can be made void, which makes a credit."],
    ]
    which = _which(facts, f", {facts.number}, {amount_due(facts)}")
    return Question("It has arrived", "It arrived", (which, told), (BY_WHOSE_WORD,))


BY_WHOSE_WORD = Field(
    REASON,
    "Who says so?",
    "As in: their accounts department, by telephone. It stays in the history.",
)


def is_sent_again(facts: BillDetails) -> bool:
    """Whether sending it repeats what failed, what did not arrive, or what may have."""
    return bool(facts.failure) or facts.status in (State.SENDING, State.SENT)


def words_of(facts: BillDetails, verb: Verb) -> str:
    """What the button of a decision says."""
    return "Send again" if verb is Verb.SEND and is_sent_again(facts) else BUTTONS[verb]
