"""Generating a month's bills: the preview, the progress, the result."""

from collections.abc import Mapping, Sequence

from handlers.slack.blocks.action_ids import ActionId, pack
from handlers.slack.blocks.block_kit import (
    Block,
    SlackMessage,
    actions,
    bullets,
    button,
    header,
    lines,
    message,
    paragraph,
    rich,
    sentence_message,
    table,
)
from handlers.wording.bill_text import amount, bill_count, jumps_text
from handlers.wording.formatting import (
    by_currency,
    counted,
    listing,
    name,
    number,
    period_name,
    person,
    sentence,
    slash,
    totals,
)
from handlers.wording.labels import HOLD_CAUSES, HOLD_SHORT
from handlers.wording.rich_text import Sentence, bold, code, fallback_text
from handlers.wording.text_chart import progress_bar
from models.batches.bill_run_preview import BillRunPreview, ProposedBill
from models.batches.bill_run_report import BillRunReport
from models.bills.states import HoldReason
from models.period import Period

NAMED_MISSING = 10


def run_preview(facts: BillRunPreview, customer_id: int | None = None) -> SlackMessage:
    """What generating would do; `Generate` only where there is something to generate.

    `customer_id`: of the one customer that was asked for, which the buttons carry.
    """
    told = _outcome(facts)
    return message(
        fallback_text(told),
        [
            header(_title("Preview", facts.period, facts.customer)),
            paragraph(told),
            *_causes(facts.held, facts.held_customers),
            *_biggest(facts.biggest),
            *_listed([*_left_out(facts), *_missing_of(facts)]),
            *_buttons(facts, customer_id),
        ],
    )


def _title(what: str, period: Period, customer: str | None) -> str:
    whose = f", {name(customer, 100)}" if customer else ""
    return f"{what}: {period_name(period)}{whose}"


def _outcome(facts: BillRunPreview) -> str:
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


def _causes(
    held: Mapping[HoldReason, int], customers: Mapping[HoldReason, Sequence[str]]
) -> list[Block]:
    told: list[Sentence] = [
        [
            bold(f"{bill_count(count)} held"),
            f": {HOLD_CAUSES[cause]}{_whose(customers.get(cause, ()), count)}",
        ]
        for cause, count in held.items()
        if count
    ]
    return _listed(told)


def _whose(names: Sequence[str], count: int) -> str:
    """As in " (Acme Corp, Beta Ltd and 3 more)"."""
    return f" ({_named(names, count)})" if names else ""


def _named(names: Sequence[str], count: int) -> str:
    """The first names of so many customers, and how many more there are."""
    shown = [name(one, 80) for one in names]
    more = [f"{number(count - len(shown))} more"] if count > len(shown) else []
    return listing([*shown, *more], most=len(shown) + 1)


def _biggest(biggest: Sequence[ProposedBill]) -> list[Block]:
    if not biggest:
        return []
    rows = [[name(bill.customer), amount(bill), _fate(bill)] for bill in biggest]
    head = f"Biggest bills{by_currency(bill.currency for bill in biggest)}"
    return [table([head, "Amount", "Would be"], rows, right=[1])]


def _fate(bill: ProposedBill) -> str:
    if bill.hold_reason:
        return f"held: {HOLD_SHORT[bill.hold_reason]}"
    return "waiting, a jump" if bill.jumps else "waiting"


def _left_out(facts: BillRunPreview) -> list[Sentence]:
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
        how = code("countersign import usage FILE.csv")
        told.append([f"No usage is recorded for {_what(facts)}. It is brought in with ", how, "."])
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


def _jumps(count: int) -> list[Sentence]:
    return [[f"{jumps_text(count)}."]] if count else []


def _missing_of(facts: BillRunPreview) -> list[Sentence]:
    """Of one customer alone that is said already."""
    if facts.customer and not facts.usages:
        return []
    return _missing(facts.missing, facts.missing_count)


def _missing(names: Sequence[str], count: int) -> list[Sentence]:
    if not count:
        return []
    whose = counted(count, "customer")
    named = _named(names[:NAMED_MISSING], count)
    return [[f"No usage is recorded for {whose} in contract: {named}."]]


def _listed(told: Sequence[Sentence]) -> list[Block]:
    return [rich(bullets(told))] if told else []


def _buttons(facts: BillRunPreview, customer_id: int | None) -> list[Block]:
    if not facts.to_make:
        return []
    value = pack(period=str(facts.period), customer=customer_id)
    words = f"Generate {bill_count(facts.to_make)}"
    return actions(
        button(ActionId.GENERATE, "Generate", value, "primary", label=words),
        button(ActionId.CANCEL, "Cancel", value),
    )


def run_preview_promised(period: Period) -> SlackMessage:
    return sentence_message(
        f"Working out what {period_name(period)} would make. The preview comes to your direct"
        " messages with Countersign; nothing is generated before you say so there."
    )


def run_started(period: Period) -> SlackMessage:
    return sentence_message(
        f"Generating the bills of {period_name(period)}. Progress is in your direct messages"
        " with Countersign."
    )


def run_cancelled(period: Period) -> SlackMessage:
    return sentence_message(f"Cancelled: no bills of {period_name(period)} were generated.")


def run_progress(run: BillRunReport) -> SlackMessage:
    """One message that is redrawn while the run goes on."""
    if run.finished_at is not None or run.failure:
        return run_summary(run)
    looked = f"{number(run.done)} of {counted(run.customers, 'customer')} looked at"
    month = period_name(run.period)
    told = f"Generating the bills of {month}: {looked}, {bill_count(run.added)} made."
    return message(
        fallback_text(told),
        [
            header(_title("Generating", run.period, run.customer)),
            lines(
                [progress_bar(run.done, run.customers)],
                [f"{looked}, {bill_count(run.added)} made"],
            ),
        ],
    )


def run_summary(run: BillRunReport) -> SlackMessage:
    """What a run has done, or why it failed."""
    told = _result(run)
    title = "Stopped" if run.failure else "Generated"
    notes = [*_notes(run), *_missing(run.missing, run.missing_count)]
    return message(
        fallback_text(told),
        [
            header(_title(title, run.period, run.customer)),
            paragraph(told),
            *_causes(run.held, run.held_customers),
            *_listed(notes),
            paragraph(f"Run by {person(run.by)}, ", run.started_at, *_next(run)),
        ],
    )


def _notes(run: BillRunReport) -> list[Sentence]:
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


def _result(run: BillRunReport) -> str:
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


def _next(run: BillRunReport) -> Sentence:
    if run.failure:
        return [". Run it again: bills that were made are not made twice."]
    return [". To see them, type ", code(slash(f"bill list {run.period}")), "."]
