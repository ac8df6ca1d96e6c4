"""Generating a month's bills: the preview, the progress, the result."""

from collections.abc import Sequence

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
    under,
)
from handlers.wording.bill_text import amount
from handlers.wording.formatting import (
    bill_count,
    by_currency,
    counted,
    name,
    number,
    period_name,
    person,
    slash,
)
from handlers.wording.rich_text import Sentence, code, fallback_text
from handlers.wording.run_text import (
    RUN_CHANGED,
    fate,
    held_causes,
    left_out,
    missing_usage,
    missing_usage_of,
    month_end_told,
    run_notes,
    run_outcome,
    run_result,
)
from handlers.wording.text_chart import progress_bar
from models.batches.bill_run_preview import BillRunPreview, ProposedBill
from models.batches.bill_run_report import BillRunReport
from models.named_people import PersonRef
from models.period import Period


def run_preview(
    facts: BillRunPreview, customer_id: int | None = None, *, month_end: bool = False
) -> SlackMessage:
    """What generating would do; `Generate` only where there is something to generate.

    `customer_id`: of the one customer that was asked for, which the buttons carry. `month_end`:
    they generate the month once, for everybody who has this preview. They carry what was seen.
    """
    told = run_outcome(facts)
    return message(
        fallback_text(told),
        [
            header(_title("Preview", facts.period, facts.customer)),
            paragraph(told),
            *_listed(held_causes(facts.held, facts.held_customers)),
            *_biggest(facts.biggest),
            *_listed([*left_out(facts), *missing_usage_of(facts)]),
            *_buttons(facts, customer_id, month_end),
        ],
    )


def month_end_preview(facts: BillRunPreview) -> SlackMessage:
    """The same to all of Finance, who did not ask."""
    return under(sentence_message(month_end_told(facts)), run_preview(facts, month_end=True))


def run_changed(facts: BillRunPreview, customer_id: int | None, *, month_end: bool) -> SlackMessage:
    """In the place of a preview that was agreed to and holds no more."""
    preview = run_preview(facts, customer_id, month_end=month_end)
    return under(sentence_message(RUN_CHANGED), preview)


def _title(what: str, period: Period, customer: str | None) -> str:
    whose = f", {name(customer, 100)}" if customer else ""
    return f"{what}: {period_name(period)}{whose}"


def _biggest(biggest: Sequence[ProposedBill]) -> list[Block]:
    if not biggest:
        return []
    rows = [[name(bill.customer), amount(bill), fate(bill)] for bill in biggest]
    head = f"Biggest bills{by_currency(bill.currency for bill in biggest)}"
    return [table([head, "Amount", "Would be"], rows, right=[1])]


def _listed(told: Sequence[Sentence]) -> list[Block]:
    return [rich(bullets(told))] if told else []


def _buttons(facts: BillRunPreview, customer_id: int | None, month_end: bool) -> list[Block]:
    if not facts.to_make:
        return []
    value = pack(
        period=str(facts.period),
        customer=customer_id,
        month_end=1 if month_end else None,
        agreed=facts.digest,
    )
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


def run_was_started(period: Period, by: PersonRef) -> SlackMessage:
    """To whoever clicks `Generate` on another's copy of what was told at the month's end."""
    return sentence_message(
        f"{person(by)} was first: the bills of {period_name(period)} are generated once."
    )


def run_cancelled(period: Period) -> SlackMessage:
    return sentence_message(f"Cancelled: no bills of {period_name(period)} were generated.")


def run_progress(run: BillRunReport) -> SlackMessage:
    """One message that is redrawn while the run goes on."""
    if run.has_ended:
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
    told = run_result(run)
    title = "Stopped" if run.failure else "Generated"
    notes = [*run_notes(run), *missing_usage(run.missing, run.missing_count)]
    return message(
        fallback_text(told),
        [
            header(_title(title, run.period, run.customer)),
            paragraph(told),
            *_listed(held_causes(run.held, run.held_customers)),
            *_listed(notes),
            paragraph(f"Run by {person(run.by)}, ", run.started_at, *_next(run)),
        ],
    )


def _next(run: BillRunReport) -> Sentence:
    if run.failure:
        return [". Run it again: bills that were made are not made twice."]
    return [". To see them, type ", code(slash(f"bill list {run.period}")), "."]
