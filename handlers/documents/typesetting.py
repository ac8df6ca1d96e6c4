"""Pages into PDF by typst, and nothing else: light enough for a process that only does this."""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import typst

from handlers.documents.cii import FILE_NAME
from models.late import Late

if TYPE_CHECKING:
    from handlers.documents import e_invoice_rules as rules
    from handlers.documents import factur_x
else:
    rules = Late("handlers.documents.e_invoice_rules")
    factur_x = Late("handlers.documents.factur_x")

TEMPLATE = "invoice.typ"
MAIN = f"""
#{{
  if "e-invoice" in sys.inputs {{
    pdf.attach(
      "{FILE_NAME}", bytes(sys.inputs.e-invoice),
      mime-type: "text/xml", relationship: "alternative", description: "E-invoice",
    )
  }}
  include "{TEMPLATE}"
}}
""".encode()
"""So that no template has to see to it. Given anew each time: a compiler forgets it after one."""

FONT_PACKAGES = (
    "fontpkg_noto_sans",
    *("justmytype_intl_cjk", "justmytype_intl_rtl"),
    *("justmytype_intl_sea", "justmytype_intl_south_asia", "justmytype_intl_africa"),
    "manimgx_fonts",
)
"""Noto's, under the SIL Open Font License: no font of the machine is looked at."""


class NotTypeset(Exception):
    """What typst says of a template or a text that it cannot set."""


class Typeset(NamedTuple):
    """A PDF. `broken_rules`: why it has no e-invoice in it, where one was given."""

    content: bytes
    broken_rules: Sequence[str] = ()


def typeset(folder: Path, page: str, issued_on: date, e_invoice: bytes | None = None) -> Typeset:
    """The template in `folder`, filled with a page as JSON: PDF/A-3b and PDF/UA-1 at once, the same
    bytes each time. With an e-invoice it is Factur-X besides, unless that breaks rules.

    Raises NotTypeset.
    """
    inputs = {"invoice": page}
    if e_invoice is None:
        return Typeset(_compiled(folder, inputs, issued_on))
    broken = rules.broken_rules(e_invoice)
    if broken:
        return Typeset(_compiled(folder, inputs, issued_on), broken)
    attached = _compiled(folder, {**inputs, "e-invoice": e_invoice.decode()}, issued_on)
    return Typeset(factur_x.declared(attached))


def prepare_rules() -> None:
    """Raises whatever keeps e-invoices from being checked in this process."""
    rules.prepare()


def _compiled(folder: Path, inputs: dict[str, str], issued_on: date) -> bytes:
    try:
        content = _compiler(folder).compile(
            MAIN,
            format="pdf",
            sys_inputs=inputs,
            pdf_standards=["a-3b", "ua-1"],
            timestamp=datetime.combine(issued_on, time(), UTC),
        )
    except typst.TypstError as error:
        raise NotTypeset(f"{error}{_place(error, folder)}") from None
    assert isinstance(content, bytes)
    if b"/BaseFont" not in content:
        raise NotTypeset("there is no text on its pages; is there a font of the name it asks for?")
    return content


_PLACE = re.compile(r"┌─ (.+?):(\d+:\d+)$", re.MULTILINE)


def _place(error: typst.TypstError, folder: Path) -> str:
    """As in " (invoice.typ:12:4)": file, line and column, where typst names them, which it does as
    seen from where the program runs.
    """
    found = _PLACE.search(error.diagnostic or "")
    if found is None:
        return ""
    file, within = Path(found[1]).resolve(), folder.resolve()
    return f" ({file.relative_to(within) if file.is_relative_to(within) else file}:{found[2]})"


@cache
def _compiler(folder: Path) -> typst.Compiler:
    """Kept as long as the process runs: it takes longer to make than a hundred pages to set."""
    return typst.Compiler(
        root=str(folder),
        font_paths=[str(resources.files(package)) for package in FONT_PACKAGES],
        ignore_system_fonts=True,
    )
