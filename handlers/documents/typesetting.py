"""Pages into PDF by typst, and nothing else: light enough for a process that only does this."""

from datetime import UTC, date, datetime, time
from functools import cache
from importlib import resources
from pathlib import Path

import typst

TEMPLATE = "invoice.typ"
FONT_PACKAGES = (
    "fontpkg_noto_sans",
    *("justmytype_intl_cjk", "justmytype_intl_rtl"),
    *("justmytype_intl_sea", "justmytype_intl_south_asia", "justmytype_intl_africa"),
)
"""Noto's, under the SIL Open Font License: no font of the machine is looked at."""


class NotTypeset(Exception):
    """What typst says of a template or a text that it cannot set."""


def typeset(folder: Path, page: str, issued_on: date) -> bytes:
    """The template in `folder`, filled with a page as JSON: PDF/A-3b and PDF/UA-1 at once, the same
    bytes each time. Raises NotTypeset.
    """
    try:
        content = _compiler(folder).compile(
            format="pdf",
            sys_inputs={"invoice": page},
            pdf_standards=["a-3b", "ua-1"],
            timestamp=datetime.combine(issued_on, time(), UTC),
        )
    except typst.TypstError as error:
        raise NotTypeset(str(error)) from None
    assert isinstance(content, bytes)
    return content


@cache
def _compiler(folder: Path) -> typst.Compiler:
    """Kept as long as the process runs: it takes longer to make than a hundred pages to set."""
    return typst.Compiler(
        str(folder / TEMPLATE),
        root=str(folder),
        font_paths=[str(resources.files(package)) for package in FONT_PACKAGES],
        ignore_system_fonts=True,
    )
