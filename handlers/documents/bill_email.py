"""The mail with which a document goes out: its subject and its text."""

from handlers.documents.invoice import DOCUMENT_KINDS, Company, due_on, sums, written_day
from handlers.wording.formatting import money, name, period_name
from models.bills.documents import InvoiceData


def email_subject(facts: InvoiceData, company: Company) -> str:
    """As in "Invoice 2026-000123 from Meridian for October 2026"."""
    noun = DOCUMENT_KINDS[facts.kind].noun.capitalize()
    return f"{noun} {facts.number} from {name(company.name)} for {period_name(facts.period)}"


def email_text(facts: InvoiceData, company: Company) -> str:
    """The figures that matter, for whoever opens no attachments."""
    kind, due = DOCUMENT_KINDS[facts.kind], due_on(facts, company)
    gross = money(abs(sums(facts).gross), facts.currency)
    comes_to = f"{kind.total}: {gross}" + (f", by {written_day(due)}." if due else ".")
    about = f", which corrects {facts.adjusts_number}" if facts.adjusts_number else ""
    return "\n\n".join(
        (
            f"Dear {name(facts.customer)},",
            f"Attached is {kind.noun} {facts.number} for API calls in "
            f"{period_name(facts.period)}{about}.",
            comes_to,
            f"Kind regards\n{name(company.name)}\n",
        )
    )
