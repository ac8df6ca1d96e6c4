#!/usr/bin/env bash
# typst 0.15.2: it takes signs from fonts of its own unasked, and leaves text out where it has none.
#
# Expected: `ignore_system_fonts=True` leaves the fonts that one gives, and under PDF/UA-1 what none of
#   them has is refused, so that a table of their signs tells beforehand what can be set.
# Found: the library has fonts in it (Libertinus, New Computer Modern, DejaVu Sans Mono), and takes a
#   sign from these wherever the font that was asked for lacks it: mathematics, Braille, Coptic,
#   Cherokee, arrows. With `fallback: false` such a sign is refused, but where no font has the name
#   that was asked for, the page comes out empty, with no error and by PDF/UA-1 too.
# Cure: `fallback: false` beside `font:`, and a look at the text of a first page.
# Output when it was written:
#   typst 0.15.2
#     font: "Libertinus Serif": set in LibertinusSerif-Regular and NewCMMath-Regular
#     font: "Libertinus Serif", fallback: false: refused
#     font: "Nothing", fallback: false: an empty page
#
# Needs a package index. Exits with 1 where another release does otherwise.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check typst==0.15.2 pypdf==7.1.1
"$folder/venv/bin/python" - <<'PYTHON'
import io
import sys
from importlib.metadata import version

import typst
from pypdf import PdfReader


def outcome(settings: str) -> str:
    page = f'#set document(title: "x")\n#set text(lang: "en", {settings})\nAcme \u22ca'
    try:
        content = typst.compile(page.encode(), pdf_standards=["ua-1"], ignore_system_fonts=True)
    except typst.TypstError:
        return "refused"
    resources = PdfReader(io.BytesIO(content)).pages[0]["/Resources"]
    if "/Font" not in resources:
        return "an empty page"
    names = {font["/BaseFont"] for font in resources["/Font"].values()}
    plain = sorted(name.partition("+")[2].removesuffix("-Identity-H") for name in names)
    return f"set in {' and '.join(plain)}"


print(f"typst {version('typst')}")
asked = ('"Libertinus Serif"', '"Libertinus Serif", fallback: false', '"Nothing", fallback: false')
found = [outcome(f"font: {one}") for one in asked]
for one, what in zip(asked, found, strict=True):
    print(f"  font: {one}: {what}")
as_told = ["set in LibertinusSerif-Regular and NewCMMath-Regular", "refused", "an empty page"]
sys.exit(0 if found == as_told else 1)
PYTHON
