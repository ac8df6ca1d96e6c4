"""The mail with which a document goes out: what it says, as text and as HTML."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import jinja2

from handlers.wording.document_text import DOCUMENT_KINDS, every_number, linked, written_day
from handlers.wording.formatting import name, period_name
from handlers.wording.number_format import DEFAULT_LOCALE, NumberFormat
from models.bills.invoice_data import InvoiceData
from models.bills.states import BillKind


@dataclass(frozen=True)
class BillEmail:
    """The figures that matter, for whoever opens no attachments. `comes_to` is the one sentence
    that stands out where type can; `linked` says what is at `address`, where there is one.
    """

    subject: str
    greeting: str
    announces: str
    comes_to: str
    linked: str
    address: str | None
    regards: str
    company: str

    @classmethod
    def about(cls, facts: InvoiceData) -> "BillEmail":
        """Says of a document what it says itself."""
        kind, due = DOCUMENT_KINDS[facts.kind], facts.due_on
        figures = NumberFormat(facts.locale or DEFAULT_LOCALE)
        gross = figures.amount(facts.sums.gross.copy_abs(), facts.currency)
        link = facts.link
        company, month = name(facts.company.name), period_name(facts.period)
        return cls(
            subject=f"{kind.noun.capitalize()} {facts.number} from {company} for {month}",
            greeting=f"Dear {name(facts.customer)},",
            announces=f"Attached is {kind.noun} {facts.number} for API calls in "
            f"{month}{_refers(facts)}.",
            comes_to=f"{kind.total}: {gross}" + (f", by {written_day(due)}." if due else "."),
            linked=linked(link) if link else "",
            address=link.address if link else None,
            regards="Kind regards",
            company=company,
        )

    @property
    def text(self) -> str:
        closing = f"{self.regards}\n{self.company}\n"
        seen = (f"{self.linked}\n{self.address}",) if self.address else ()
        return "\n\n".join((self.greeting, self.announces, self.comes_to, *seen, closing))

    @property
    def html(self) -> str:
        """The same words, as a page that needs nothing else."""
        return _template().render(email=self)


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
    )
    return environment.get_template("bill_email.html.jinja")


def _refers(facts: InvoiceData) -> str:
    if not facts.refers_to:
        return ""
    verb = "replaces" if facts.kind == BillKind.OVERAGE else "corrects"
    return f", which {verb} {every_number(facts.refers_to)}"
