"""What is said of sending many bills wherever it is said: what would go out, and what did."""

from collections import Counter
from collections.abc import Mapping, Sequence

from handlers.wording.bill_text import amount, amount_due, short_title
from handlers.wording.formatting import (
    bill_count,
    clean,
    delay,
    listing,
    number,
    period_name,
    totals,
)
from handlers.wording.labels import NOT_SENT_WORDS, STATE_WORDS
from handlers.wording.rich_text import Sentence, bold
from models.batches.bulk_send import SendReport
from models.batches.send_preview import OutgoingBill, SendPreview
from models.bills.states import NotSent, State
from models.queries.bill_list import BillLine


def would_send_text(facts: SendPreview) -> str:
    of = f" of {period_name(facts.period)}" if facts.period else ""
    if not facts.bills:
        return (
            f"No approved bill{of} can go out." if facts.kept else f"There is no bill{of} to send."
        )
    if facts.bills == 1:
        (one,) = facts.biggest
        return f"{short_title(one.line)}, {amount_due(one.line)}, would go to {one.to}. {YET}"
    return f"{bill_count(facts.bills)}{of} would go out: {totals(facts.totals)}. {YET}"


YET = "Nothing has been sent yet."


def going_text(facts: SendPreview) -> str:
    """When they go out; those with a number from before have no delay any more."""
    again = facts.at_once
    later = facts.bills - again
    if not later:
        return at_once(again, "It" if again == 1 else "They")
    who = _others(later) if again else "It" if later == 1 else "They"
    is_paused = facts.mail_waits is not None
    told = delay_text(facts.delay_minutes, later, who, is_paused=is_paused)
    return f"{at_once(again, bill_count(again))} {told}" if again else told


def _others(count: int) -> str:
    return "The other one" if count == 1 else f"The other {number(count)}"


def at_once(count: int, who: str) -> str:
    if count == 1:
        return f"{who} has its number from before: it goes out at once and cannot be called back."
    return f"{who} have their numbers from before: they go out at once and cannot be called back."


def delay_text(minutes: float, count: int, who: str = "It", *, is_paused: bool = False) -> str:
    """When what has no number yet goes out, and for how long a mistake can be mended."""
    goes, waits = ("goes", "waits") if count == 1 else ("go", "wait")
    back = "it can be called back" if count == 1 else "each can be called back"
    if is_paused:
        return f"No mail goes out now: {who.lower()} {waits}, and until then {back} with Undo."
    if minutes <= 0:
        return f"{who} {goes} out at once; {back} with Undo only until it has its number."
    after = f"{delay(minutes)} after you press Send"
    return f"{who} {goes} out {after}; until then {back} with Undo."


def kept_lines(
    stay: Sequence[OutgoingBill], by_state: Mapping[State, int] | None = None
) -> list[Sentence]:
    """What stays where it is, each with its reason; of a long list the rest by state."""
    rest = _unnamed(stay, by_state)
    named = [_kept_line(one) for one in stay]
    return [*named, [f"and {bill_count(rest.total())} more: {_states(rest)}"]] if rest else named


def kept_count(stay: Sequence[OutgoingBill], by_state: Mapping[State, int] | None = None) -> int:
    return len(stay) + _unnamed(stay, by_state).total()


def _unnamed(stay: Sequence[OutgoingBill], by_state: Mapping[State, int] | None) -> Counter[State]:
    return Counter(by_state) - Counter(one.line.status for one in stay)


def _kept_line(one: OutgoingBill) -> Sentence:
    why = NOT_SENT_WORDS[one.kept or NotSent.STATE].format(
        state=_state(one.line), signs=clean(one.signs)
    )
    return [bold(f"#{one.line.id} "), f"{short_title(one.line)}, {amount(one.line)}: {why}"]


def _state(bill: BillLine) -> str:
    issued = f" as {bill.number}" if bill.number and bill.status is not State.APPROVED else ""
    return f"{STATE_WORDS[bill.status]}{issued}"


def _states(counts: Mapping[State, int]) -> str:
    return listing([f"{number(count)} {STATE_WORDS[state]}" for state, count in counts.items()])


def sent_so_far_text(facts: SendReport) -> str:
    """How far a list is that is being sent: "20 of 100 bills on their way"."""
    return f"{number(facts.sent)} of {bill_count(facts.bills)} on their way"
