"""PDF read by somebody else's reader."""

import io

from pypdf import PdfReader


def pdf_text(content: bytes) -> str:
    """What stands on its pages, with plain blanks and without signs that nobody sees."""
    pages = PdfReader(io.BytesIO(content)).pages
    text = "\n".join(page.extract_text() for page in pages)
    return text.translate({0xA0: " ", 0x202F: " ", 0x200B: None, 0x200F: None, 0x200E: None})


def attachments(content: bytes) -> dict[str, bytes]:
    """The files within a PDF by their names."""
    return {name: one for name, (one,) in PdfReader(io.BytesIO(content)).attachments.items()}
