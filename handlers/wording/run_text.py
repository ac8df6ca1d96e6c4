"""What is said of a month's generation wherever it is said: what it would make, and has made."""

from collections.abc import Mapping, Sequence

from handlers.wording.addresses import page_address
from handlers.wording.formatting import (
    bill_count,
    counted,
    listing,
    name,
    number,
    period_name,
    sentence,
    slash,
    totals,
)
from handlers.wording.labels import HOLD_CAUSES, HOLD_SHORT
from handlers.wording.rich_text import Link, Sentence, bold, code
from models.batches.bill_run_preview import BillRunPreview, ProposedBill
from models.batches.bill_run_report import BillRunReport
from models.bills.states import HoldReason

NAMED_MISSING = 10


def run_outcome(facts: BillRunPreview) -> str:
    month = period_name(facts.period)
    held = sum(facts.held.values())
    if not facts.to_make:
        whose = f"{name(facts.customer, 80)} in " if facts.customer else ""
        return f"There is nothing to generate for {whose}{month}."
    parts = []
    if facts.bills:
        parts.append(f"{bill_count(facts.bills)} for approval ({totals(facts.totals)})")
    if held:
        parts.append(f"{bill_count(held)} to be held")
    return f"{month} would make {' and '.join(parts)}. Nothing has been generated yet."


RUN_CHANGED = (
    "What this would make has changed since it was shown. Nothing was generated: below is what it "
    "would make now."
)


def month_end_told(facts: BillRunPreview) -> str:
    """Why Finance sees a preview that nobody asked for."""
    over = f"{period_name(facts.period)} is over."
    if facts.usages:
        return over
    return f"{over} Countersign looks again each day whether its usage is there."


def held_causes(
    held: Mapping[HoldReason, int], customers: Mapping[HoldReason, Sequence[str]]
) -> list[Sentence]:
    """A sentence a cause: how many bills are held for it, and the first of whose."""
    return [
        [
            bold(f"{bill_count(count)} held"),
            f": {HOLD_CAUSES[cause]}{_whose(customers.get(cause, ()), count)}",
        ]
        for cause, count in held.items()
        if count
    ]


def _whose(names: Sequence[str], count: int) -> str:
    """As in " (Acme Corp, Beta Ltd and 3 more)"."""
    return f" ({_named(names, count)})" if names else ""


def _named(names: Sequence[str], count: int) -> str:
    """The first names of so many customers, and how many more there are."""
    shown = [name(one, 80) for one in names]
    more = [f"{number(count - len(shown))} more"] if count > len(shown) else []
    return listing([*shown, *more], most=len(shown) + 1)


def fate(bill: ProposedBill) -> str:
    if bill.hold_reason:
        return f"held: {HOLD_SHORT[bill.hold_reason]}"
    return "waiting, a jump" if bill.jumps else "waiting"


def left_out(facts: BillRunPreview) -> list[Sentence]:
    told: list[Sentence] = _by_rule(facts.by_rule, "would be")
    told += _jumps(facts.jumps)
    if facts.existing:
        one = facts.existing == 1
        stays = "exists already and stays as it is" if one else "exist already and stay as they are"
        told.append([f"{bill_count(facts.existing)} of the month {stays}."])
    if facts.zero:
        over = counted(facts.zero, "overage")
        told.append([f"{over} would round to zero and make no bill."])
    if not facts.usages:
        page = page_address("/import")
        or_there: Sentence = [" or on ", Link("the page Import", page)] if page else []
        told.append(
            [
                f"No usage is recorded for {_what(facts)}. It is brought in with ",
                code(slash("usage import")),
                " in Slack",
                *or_there,
                ".",
            ]
        )
    elif facts.is_within_limits:
        who = name(facts.customer, 80) if facts.customer else "Everybody whose usage is recorded"
        told.append([f"{who} stayed within the limit."])
    return told


def _what(facts: BillRunPreview) -> str:
    if facts.customer is None:
        return "the month"
    return f"{name(facts.customer, 80)} in {period_name(facts.period)}"


def _by_rule(count: int, verb: str) -> list[Sentence]:
    """Bills that wait for nobody, because their customer's own rule lets small amounts pass."""
    customers = "its customer’s" if count == 1 else "their customers’"
    told = f"{bill_count(count)} of these {verb} approved at once, by {customers} own rule."
    return [[told]] if count else []


def jumps_text(count: int) -> str:
    """Of the bills just counted, how many should be looked at: "2 of these bills are ..."."""
    if count == 1:
        return "1 of these bills is several times what its customer was billed last"
    return f"{number(count)} of these bills are several times what their customers were billed last"


def _jumps(count: int) -> list[Sentence]:
    return [[f"{jumps_text(count)}."]] if count else []


def missing_usage_of(facts: BillRunPreview) -> list[Sentence]:
    """Of one customer alone that is said already."""
    if facts.customer and not facts.usages:
        return []
    return missing_usage(facts.missing, facts.missing_count)


def missing_usage(names: Sequence[str], count: int) -> list[Sentence]:
    if not count:
        return []
    whose = counted(count, "customer")
    named = _named(names[:NAMED_MISSING], count)
    return [[f"No usage is recorded for {whose} in contract: {named}."]]


def run_notes(run: BillRunReport) -> list[Sentence]:
    told: list[Sentence] = _by_rule(run.by_rule, "were" if run.by_rule > 1 else "was")
    told += _jumps(run.jumps)
    if run.existing:
        were = "it was" if run.existing == 1 else "they were"
        told.append([f"{bill_count(run.existing)} existed already and stayed as {were}."])
    if run.failure:
        told.append([sentence(run.failure)])
    for cause, count in run.undelivered:
        told.append([f"The cards of {bill_count(count)} could not be delivered: {cause}."])
    return told


def run_result(run: BillRunReport) -> str:
    month = period_name(run.period)
    held = sum(run.held.values())
    if run.failure:
        return f"Generating the bills of {month} stopped before its end."
    if not run.added:
        return f"{month} is up to date: no bill was added."
    made = f"{bill_count(run.added)} made for {month}"
    if not held:
        return f"{made}: {totals(run.totals)}." if run.totals else f"{made}."
    worth = f" The others come to {totals(run.totals)}." if run.totals else ""
    return f"{made}, {number(held)} of them held.{worth}"
