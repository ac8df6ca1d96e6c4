"""Documents as PDF: PDF/A-3b and PDF/UA-1 at once, by typst, the same bytes for the same facts."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, time
from functools import cache
from importlib import resources
from pathlib import Path
from threading import Lock

import typst

from handlers.documents.invoice_page import invoice_page
from handlers.wording.formatting import clean, listing
from models.bills.documents import PDF, CannotBeDrawn, Drawn
from models.bills.invoice_data import InvoiceData

TEMPLATES = Path(__file__).parent / "templates"
TEMPLATE = "invoice.typ"
FONT_PACKAGES = (
    "fontpkg_noto_sans",
    *("justmytype_intl_cjk", "justmytype_intl_rtl"),
    *("justmytype_intl_sea", "justmytype_intl_south_asia", "justmytype_intl_africa"),
)
"""Noto's, under the SIL Open Font License: no font of the machine is looked at."""


@cache
def own_printer() -> "InvoicePrinter":
    """Ours, kept as long as the program runs."""
    return InvoicePrinter()


class InvoicePrinter:
    """Draws documents by the template in a folder, with one compiler that is kept."""

    def __init__(self, folder: Path = TEMPLATES) -> None:
        fonts = [str(resources.files(package)) for package in FONT_PACKAGES]
        self._compiler = typst.Compiler(
            str(folder / TEMPLATE),
            root=str(folder),
            font_paths=fonts,
            ignore_system_fonts=True,
        )
        self._one_at_a_time = Lock()

    def draw(self, facts: InvoiceData) -> Drawn:
        """Raises CannotBeDrawn where a name or an address has signs that no font has."""
        midnight = datetime.combine(facts.issued_on, time(), UTC)
        page = json.dumps(invoice_page(facts), ensure_ascii=False)
        try:
            with self._one_at_a_time:
                content = self._compiler.compile(
                    format="pdf",
                    sys_inputs={"invoice": page},
                    pdf_standards=["a-3b", "ua-1"],
                    timestamp=midnight,
                )
        except typst.TypstError as error:
            raise CannotBeDrawn(_cause(facts, error)) from error
        assert isinstance(content, bytes)
        return Drawn(content, PDF)


_NO_FONT = re.compile(r'the text `"(.+?)"` could not be displayed')
_ESCAPED = re.compile(r"\\u\{([0-9a-f]+)\}")


def _cause(facts: InvoiceData, error: typst.TypstError) -> str:
    """Why, and what to do."""
    found = _NO_FONT.search(str(error))
    if found is None:
        return f"The template cannot draw it: {str(error).splitlines()[0]}"
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
