"""Documents as PDF, the same bytes for the same facts."""

import json
import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from handlers.documents.e_invoice import NoEInvoice, written_e_invoice
from handlers.documents.invoice_page import invoice_page
from handlers.documents.typesetting import NotTypeset, Typeset, typeset
from handlers.wording.formatting import clean, listing
from models.bills.documents import PDF, CannotBeDrawn, Drawn
from models.bills.invoice_data import InvoiceData

TEMPLATES = Path(__file__).parent / "templates"

Work = tuple[Path, str, date, bytes | None]
"""What `typeset` is given."""

TypesetElsewhere = Callable[[Path, str, date, bytes | None], Awaitable[Typeset]]
"""What `typeset` does, done somewhere else; raises as it does."""


class InvoicePrinter:
    """Draws documents by the template in a folder; our own, where none is named."""

    def __init__(self, folder: Path = TEMPLATES, *, e_invoices: bool = False) -> None:
        """With `e_invoices` each document is one too, where it can be."""
        self._folder = folder
        self._e_invoices = e_invoices

    def draw(self, facts: InvoiceData) -> Drawn:
        """Here and now: nothing else happens in this process meanwhile.

        Raises CannotBeDrawn where a name or an address has signs that no font has.
        """
        work, refusal = self._work(facts)
        with _told(facts):
            return _drawn(typeset(*work), refusal)

    async def draw_elsewhere(self, facts: InvoiceData, typeset: TypesetElsewhere) -> Drawn:
        """The same, while others go on."""
        work, refusal = self._work(facts)
        with _told(facts):
            return _drawn(await typeset(*work), refusal)

    def _work(self, facts: InvoiceData) -> tuple[Work, str | None]:
        """With why it can be no e-invoice, where it was to be one."""
        e_invoice, refusal = None, None
        if self._e_invoices:
            try:
                e_invoice = written_e_invoice(facts)
            except NoEInvoice as why:
                refusal = str(why)
        return (self._folder, _page(facts), facts.issued_on, e_invoice), refusal


def _drawn(document: Typeset, refusal: str | None) -> Drawn:
    if document.broken_rules:
        refusal = f"The rules of EN 16931 do not allow it: {' '.join(document.broken_rules)}"
    return Drawn(document.content, PDF, refusal)


def _page(facts: InvoiceData) -> str:
    return json.dumps(invoice_page(facts), ensure_ascii=False)


@contextmanager
def _told(facts: InvoiceData) -> Iterator[None]:
    try:
        yield
    except NotTypeset as error:
        raise CannotBeDrawn(_cause(facts, str(error))) from error


_NO_FONT = re.compile(r'the text `"(.+?)"` could not be displayed')
_ESCAPED = re.compile(r"\\u\{([0-9a-f]+)\}")


def _cause(facts: InvoiceData, error: str) -> str:
    """Why, and what to do."""
    found = _NO_FONT.search(error)
    if found is None:
        return f"The template cannot draw it: {error.splitlines()[0]}"
    signs = _ESCAPED.sub(lambda code: chr(int(code[1], 16)), found[1])
    where = listing([label for label, text in _written(facts) if signs in (text or "")])
    codes = " ".join(f"U+{ord(sign):04X}" for sign in signs)
    return (
        f"No font has “{clean(signs)}” ({codes}), which stands in {where or 'the document'}. "
        "Write it in other letters, and send the bill again."
    )


def _written(facts: InvoiceData) -> Iterator[tuple[str, str | None]]:
    """What people wrote, and where that is kept."""
    company = facts.company
    yield "the customer's name", facts.customer
    yield "the customer's billing_address", facts.billing_address
    yield "the customer's tax_id", facts.tax_id
    yield "the customer's tax_note", facts.tax_note
    yield "COMPANY_NAME", company.name
    yield "COMPANY_ADDRESS", company.address
    yield "COMPANY_TAX_ID", company.tax_id
    yield "PAYMENT_NOTE", company.payment_note
