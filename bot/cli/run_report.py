"""A month's generation in words and in JSON, before it is done and after."""

from collections.abc import Iterable, Iterator
from typing import Any

from handlers.wording.formatting import bill_count
from handlers.wording.labels import HOLD_CAUSES
from handlers.wording.run_text import jumps_text
from models.batches.bill_run_preview import BillRunPreview
from models.batches.bill_run_report import BillRunReport
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
    made = f"{preview.period}: {bill_count(preview.to_make)} would be generated."
    return [made, *_figures(preview)] + (
        [f"  {preview.zero:,} over the limit by an amount that rounds to zero"]
        if preview.zero
        else []
    )


def run_lines(run: BillRunReport) -> list[str]:
    made = f"{bill_count(run.added)} generated" if run.added else "nothing to generate"
    return [f"{run.period}: {made}.", *_figures(run)]


def _figures(facts: BillRunPreview | BillRunReport) -> Iterator[str]:
    for total in facts.totals:
        yield f"  {total.currency} {total.amount:,} in {bill_count(total.bills)} to approve"
    if facts.by_rule:
        yield f"  {facts.by_rule:,} of them approved at once by their customer's own rule"
    if facts.jumps:
        yield f"  {jumps_text(facts.jumps)}"
    for cause, count in facts.held.items():
        customers = facts.held_customers.get(cause, ())
        named = ", ".join((*customers, "…") if count > len(customers) else customers)
        yield f"  {count:,} held: {HOLD_CAUSES[cause]} ({named})"
    if facts.existing:
        yield f"  {bill_count(facts.existing)} of this month existed already"
    if facts.missing_count:
        more = ", …" if facts.missing_count > len(facts.missing) else ""
        yield (
            f"  {facts.missing_count:,} in contract without any usage recorded: "
            f"{', '.join(facts.missing)}{more}"
        )


def _totals(totals: Iterable[Total]) -> dict[str, str]:
    return {total.currency: str(total.amount) for total in totals}
