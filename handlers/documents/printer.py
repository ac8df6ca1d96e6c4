"""Documents as PDF, the same bytes for the same facts."""

import json
import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from handlers.documents.invoice_page import invoice_page
from handlers.documents.typesetting import NotTypeset, typeset
from handlers.wording.formatting import clean, listing
from models.bills.documents import PDF, CannotBeDrawn, Drawn
from models.bills.invoice_data import InvoiceData

TEMPLATES = Path(__file__).parent / "templates"

Typeset = Callable[[Path, str, date], Awaitable[bytes]]
"""What `typeset` does, done somewhere else; raises as it does."""


class InvoicePrinter:
    """Draws documents by the template in a folder; our own, where none is named."""

    def __init__(self, folder: Path = TEMPLATES) -> None:
        self._folder = folder

    def draw(self, facts: InvoiceData) -> Drawn:
        """Here and now: nothing else happens in this process meanwhile.

        Raises CannotBeDrawn where a name or an address has signs that no font has.
        """
        with _told(facts):
            return Drawn(typeset(self._folder, _page(facts), facts.issued_on), PDF)

    async def draw_elsewhere(self, facts: InvoiceData, typeset: Typeset) -> Drawn:
        """The same, while others go on."""
        with _told(facts):
            return Drawn(await typeset(self._folder, _page(facts), facts.issued_on), PDF)


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
