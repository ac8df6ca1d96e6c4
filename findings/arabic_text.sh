#!/usr/bin/env bash
# typst 0.15.2: an Arabic name is drawn right, and read back from the PDF as other letters.
#
# Expected: under PDF/UA-1, which asks for a Unicode value of every glyph, the text that is read back
#   is the text that was set, as with Hebrew or with an Arabic word of letters without dots.
# Found: Noto Sans Arabic draws a letter as its stroke and its dots, two glyphs that other letters
#   share. Each glyph is written with the one text that it first stood for, and no `ActualText` says
#   what a pair of them means: letters come back doubled, changed and in another order. Neither
#   `ua-1` nor `a-3b` refuses it. PDFium and pypdf read the same wrong letters.
# Cure: none here. Do not take such a PDF's text for the name; keep the name beside it
#   (an e-invoice does), or set it in a font that has each letter as one glyph.
# Output when it was written:
#   typst 0.15.2
#     '\u05e9\u05dc\u05d5\u05dd' by pypdf: the same letters
#     '\u05e9\u05dc\u05d5\u05dd' by PDFium: the same letters
#     '\u0645\u062d\u0645\u062f' by pypdf: the same letters
#     '\u0645\u062d\u0645\u062f' by PDFium: the same letters
#     '\u0634\u0631\u0643\u0629' by pypdf: '\u0629\u0631\u0643\u0629\u0634 \u0634'
#     '\u0634\u0631\u0643\u0629' by PDFium: '\u0634\u0634 \u0629 \u0631\u0643\u0629'
#     '\u0645\u0624\u0633\u0633\u0629 \u0627\u0644\u062e\u0644\u064a\u062c' by pypdf: '\u062c\u062c\u064a\u0644\u064a\u062e \u0627\u0644\u062e\u0629\u0633\u0633\u0629\u0624\u0645\u0624'
#     '\u0645\u0624\u0633\u0633\u0629 \u0627\u0644\u062e\u0644\u064a\u062c' by PDFium: '\u0624\u0645\u0624 \u0629 \u0633\u0633\u0629 \u062e \u0627\u0644\u062e \u064a\u0644\u064a \u062c\u062c'
#
# Needs a package index. Exits with 1 where another release does otherwise.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    typst==0.15.2 pypdf==7.1.1 pypdfium2==5.5.0 justmytype-intl-rtl==0.1.0
"$folder/venv/bin/python" - "$folder" <<'PYTHON'
import io
import sys
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import pypdf
import pypdfium2
import typst

PAGE = """#set document(title: "name")
#set text(lang: "{language}", font: "{font}", fallback: false)
{name}
"""
fonts = Path(find_spec("justmytype_intl_rtl").submodule_search_locations[0]) / "fonts"
place = Path(sys.argv[1]) / "name.typ"


def set_in_pdf(name: str, language: str, font: str) -> bytes:
    place.write_text(PAGE.format(name=name, language=language, font=font))
    return typst.compile(
        str(place), font_paths=[str(fonts)], ignore_system_fonts=True, pdf_standards=["ua-1"]
    )


def letters(text: str) -> list[str]:
    """Whatever their order: extractors differ in how they turn a line round."""
    return sorted(text.replace(" ", "").strip())


def read(pdf: bytes) -> dict[str, str]:
    return {
        "pypdf": pypdf.PdfReader(io.BytesIO(pdf)).pages[0].extract_text().strip(),
        "PDFium": pypdfium2.PdfDocument(pdf)[0].get_textpage().get_text_bounded().strip(),
    }


NAMES = (
    ("שלום", "he", "Noto Sans Hebrew", True),
    ("محمد", "ar", "Noto Sans Arabic", True),
    ("شركة", "ar", "Noto Sans Arabic", False),
    ("مؤسسة الخليج", "ar", "Noto Sans Arabic", False),
)
print("typst", version("typst"))
changed = False
for name, language, font, is_kept in NAMES:
    for reader, text in read(set_in_pdf(name, language, font)).items():
        kept = letters(text) == letters(name)
        changed |= kept != is_kept
        print(f"  {ascii(name)} by {reader}: {'the same letters' if kept else ascii(text)}")
sys.exit(changed)
PYTHON
