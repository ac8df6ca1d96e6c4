"""A month's generation in words and in JSON, before it is done and after."""

from collections.abc import Iterable, Iterator
from typing import Any

from handlers.wording.bill_text import jumps_text
from handlers.wording.change_text import FOLLOWED
from handlers.wording.labels import HOLD_CAUSES
from models.batches.bill_run_preview import BillRunPreview
from models.batches.bill_run_report import BillRunReport
from models.outbox.notifications import Recalculation
from models.queries.totals import Total


def preview_as_json(preview: BillRunPreview) -> dict[str, Any]:
    return {
        "period": str(preview.period),
        "dry_run": True,
        "customer": preview.customer,
        "bills": preview.to_make,
        "pending": preview.bills,
        "held": preview.held,
        "held_customers": preview.held_customers,
        "totals": _totals(preview.totals),
        "existing": preview.existing,
        "by_rule": preview.by_rule,
        "jumps": preview.jumps,
        "zero": preview.zero,
        "missing_usage": preview.missing_count,
    }


def run_as_json(run: BillRunReport) -> dict[str, Any]:
    return {
        "period": str(run.period),
        "dry_run": False,
        "customer": run.customer,
        "run": run.id,
        "bills": run.added,
        "pending": run.added - sum(run.held.values()),
        "held": run.held,
        "held_customers": run.held_customers,
        "totals": _totals(run.totals),
        "by_rule": run.by_rule,
        "jumps": run.jumps,
        "existing": run.existing,
        "missing_usage": run.missing_count,
    }


def preview_lines(preview: BillRunPreview) -> list[str]:
    made = f"{preview.period}: {_bills(preview.to_make)} would be generated."
    return [made, *_figures(preview)] + (
        [f"  {preview.zero:,} over the limit by an amount that rounds to zero"]
        if preview.zero
        else []
    )


def run_lines(run: BillRunReport) -> list[str]:
    made = f"{_bills(run.added)} generated" if run.added else "nothing to generate"
    return [f"{run.period}: {made}.", *_figures(run)]


def _figures(facts: BillRunPreview | BillRunReport) -> Iterator[str]:
    for total in facts.totals:
        yield f"  {total.currency} {total.amount:,} in {_bills(total.bills)} to approve"
    if facts.by_rule:
        yield f"  {facts.by_rule:,} of them approved at once by their customer's own rule"
    if facts.jumps:
        yield f"  {jumps_text(facts.jumps)}"
    for cause, count in facts.held.items():
        customers = facts.held_customers.get(cause, ())
        named = ", ".join((*customers, "…") if count > len(customers) else customers)
        yield f"  {count:,} held: {HOLD_CAUSES[cause]} ({named})"
    if facts.existing:
        yield f"  {_bills(facts.existing)} of this month existed already"
    if facts.missing_count:
        more = ", …" if facts.missing_count > len(facts.missing) else ""
        yield (
            f"  {facts.missing_count:,} in contract without any usage recorded: "
            f"{', '.join(facts.missing)}{more}"
        )


def _bills(count: int) -> str:
    return "1 bill" if count == 1 else f"{count:,} bills"


def _totals(totals: Iterable[Total]) -> dict[str, str]:
    return {total.currency: str(total.amount) for total in totals}


def recalculation_lines(settled: Recalculation) -> list[str]:
    """What became of bills whose figures had changed; nothing where none had."""
    return [
        f"  {_bills(len(bills))} {FOLLOWED[name]}{named_bills(bills)}"
        for name, bills in settled.outcomes.items()
    ]


NAMED_BILLS = 10


def named_bills(bills: tuple[int, ...]) -> str:
    """As in ": #12, #15 and 3 more"."""
    named = ", ".join(f"#{bill}" for bill in bills[:NAMED_BILLS])
    more = len(bills) - NAMED_BILLS
    return f": {named}" + (f" and {more:,} more" if more > 0 else "")
