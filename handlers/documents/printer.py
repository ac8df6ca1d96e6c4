"""Documents as PDF, the same bytes for the same facts."""

import json
import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from handlers.documents.e_invoice import NoEInvoice, written_e_invoice
from handlers.documents.typesetting import NotTypeset, Typeset, typeset
from handlers.wording.formatting import clean, listing
from handlers.wording.invoice_page import invoice_page
from models.bills.documents import PDF, CannotBeDrawn, Drawn
from models.bills.invoice_data import InvoiceData
from models.customers.signs import WRITTEN, quoted_signs, told_signs

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
        with _told(facts, is_ours=self._folder == TEMPLATES):
            return _drawn(typeset(*work), refusal)

    async def draw_elsewhere(self, facts: InvoiceData, typeset: TypesetElsewhere) -> Drawn:
        """The same, while others go on."""
        work, refusal = self._work(facts)
        with _told(facts, is_ours=self._folder == TEMPLATES):
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
def _told(facts: InvoiceData, *, is_ours: bool) -> Iterator[None]:
    try:
        yield
    except NotTypeset as error:
        raise CannotBeDrawn(_cause(facts, str(error), is_ours=is_ours)) from error


_NO_FONT = re.compile(r'the text `"(.+?)"` could not be displayed')
_ESCAPED = re.compile(r"\\u\{([0-9a-f]+)\}")


def _cause(facts: InvoiceData, error: str, *, is_ours: bool) -> str:
    """Why, and what to do. Typst names the first; of our own template the fonts are known."""
    found = _NO_FONT.search(error)
    if found is None:
        return f"The template cannot draw it: {error.splitlines()[0]}"
    first = _ESCAPED.sub(lambda code: chr(int(code[1], 16)), found[1])
    signs = (told_signs(_written(facts)) if is_ours else "") or _first_sign(facts, first)
    return f"No font has {clean(signs)}. Write it in other letters, and send the bill again."


def _first_sign(facts: InvoiceData, signs: str) -> str:
    where = listing([label for label, text in _written(facts) if signs in (text or "")])
    return f"{quoted_signs(signs)}, which stands in {where or 'the document'}"


def _written(facts: InvoiceData) -> Iterator[tuple[str, str | None]]:
    """What people wrote, and where that is kept."""
    company = facts.company
    theirs = (facts.customer, facts.billing_address, facts.tax_id, facts.tax_note)
    for place, text in zip(WRITTEN.values(), theirs, strict=True):
        yield f"the customer's {place}", text
    yield "COMPANY_NAME", company.name
    yield "COMPANY_ADDRESS", company.address
    yield "COMPANY_TAX_ID", company.tax_id
    yield "PAYMENT_NOTE", company.payment_note
