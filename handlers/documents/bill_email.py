"""The mail with which a document goes out: its subject and its text."""

from handlers.documents.invoice import DOCUMENT_KINDS, written_day
from handlers.wording.formatting import listing, money, name, period_name
from models.bills.invoice_data import InvoiceData
from models.bills.states import BillKind


def email_subject(facts: InvoiceData) -> str:
    """As in "Invoice 2026-000123 from Meridian for October 2026"."""
    noun = DOCUMENT_KINDS[facts.kind].noun.capitalize()
    return f"{noun} {facts.number} from {name(facts.company.name)} for {period_name(facts.period)}"


def email_text(facts: InvoiceData) -> str:
    """The figures that matter, for whoever opens no attachments."""
    kind, due = DOCUMENT_KINDS[facts.kind], facts.due_on
    gross = money(facts.sums.gross.copy_abs(), facts.currency)
    comes_to = f"{kind.total}: {gross}" + (f", by {written_day(due)}." if due else ".")
    return "\n\n".join(
        (
            f"Dear {name(facts.customer)},",
            f"Attached is {kind.noun} {facts.number} for API calls in "
            f"{period_name(facts.period)}{_about(facts)}.",
            comes_to,
            f"Kind regards\n{name(facts.company.name)}\n",
        )
    )


def _about(facts: InvoiceData) -> str:
    if not facts.refers_to:
        return ""
    verb = "replaces" if facts.kind == BillKind.OVERAGE else "corrects"
    return f", which {verb} {listing(facts.refers_to)}"
