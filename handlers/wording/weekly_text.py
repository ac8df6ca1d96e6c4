"""What Finance reads each week, sentence by sentence."""

from collections.abc import Iterator

from handlers.wording.addresses import page_address
from handlers.wording.formatting import (
    bill_count,
    counted,
    listing,
    name,
    number,
    period_name,
    slash,
    totals,
)
from handlers.wording.labels import HOLD_SHORT, REJECT_WORDS
from handlers.wording.month_text import NOT_GENERATED, age_text, billed_told, compared
from handlers.wording.rich_text import Link, Part, Sentence, bold, code
from models.queries.weekly_digest import WeeklyDigest

CLEAR = "No bill waits for approval, is held or is rejected, and no usage is missing."


def weekly_told(facts: WeeklyDigest) -> str:
    """The week in one sentence."""
    if facts.is_clear:
        return CLEAR
    told = [
        f"{bill_count(facts.waiting)} waiting" if facts.waiting else "",
        f"{number(sum(facts.held.values()))} held" if facts.held else "",
        f"{number(sum(facts.rejected.values()))} rejected" if facts.rejected else "",
        f"{counted(facts.missing.count, 'customer')} without usage" if facts.missing.count else "",
    ]
    return f"{listing([one for one in told if one])}."


def weekly_sentences(facts: WeeklyDigest) -> Iterator[Sentence]:
    """What somebody has to do something about, each with where; then what was billed."""
    if facts.waiting:
        yield _waiting(facts)
    if facts.held:
        causes = [f"{HOLD_SHORT[cause]} ({number(count)})" for cause, count in facts.held.items()]
        yield [bold("Held: "), f"{listing(causes)}. ", _list_of("held")]
    if facts.rejected:
        reasons = [
            f"{REJECT_WORDS[reason]} ({number(count)})" for reason, count in facts.rejected.items()
        ]
        yield [bold("Rejected: "), f"{listing(reasons)}. ", _list_of("rejected")]
    if facts.missing.count:
        yield _missing(facts)
    yield from _billed(facts)


def _waiting(facts: WeeklyDigest) -> Sentence:
    worth = f", {totals(facts.totals)}" if facts.totals else ""
    ages = [f"{number(one.bills)} for {age_text(one)}" for one in facts.ages if one.bills]
    told = f"{bill_count(facts.waiting)}{worth}: {listing(ages)}. "
    return [bold("Waiting for approval: "), told, _list_of("waiting", "pending")]


def _missing(facts: WeeklyDigest) -> Sentence:
    names = [name(customer, 80) for _, customer in facts.missing.first]
    more = (facts.missing.count or 0) - len(names)
    told = listing([*names, f"{number(more)} more"] if more > 0 else names, most=len(names) + 1)
    month = period_name(facts.month)
    return [
        bold("Not billed, as usage is missing: "),
        f"{counted(facts.missing.count or 0, 'customer')} in contract in {month}: {told}. ",
        _place(month, f"/month/{facts.month}", f"bill generate {facts.month}"),
    ]


def _billed(facts: WeeklyDigest) -> Iterator[Sentence]:
    for one in facts.billed.currencies:
        told = billed_told(facts.month, one.amounts[-1], one.currency)
        yield [bold(f"Billed in {one.currency}: "), f"{told}{compared(one)}."]
    if not facts.billed.currencies:
        told = "no bill" if facts.is_generated else NOT_GENERATED
        yield [bold("Billed: "), f"{period_name(facts.month)}: {told}."]


def _list_of(state: str, status: str = "") -> Part:
    return _place("The list", f"/dashboard?status={status or state}", f"bill list {state}")


def _place(words: str, path: str, command: str) -> Part:
    """A page, or where there are none the command that shows the same."""
    address = page_address(path)
    return code(slash(command)) if address is None else Link(words, address)
