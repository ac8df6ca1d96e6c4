#!/usr/bin/env bash
# Babel 2.18.0: a currency's letter code runs into the amount, "CHF1.25".
#
# Expected: CLDR's currency spacing puts a no-break space between a currency sign that ends in a
#   letter and the digit behind it, so that English reads "CHF 1.25", as ICU writes it.
# Found: `format_currency` leaves it out wherever the pattern of the locale has the sign directly
#   before the number, as in English and Japanese; where the pattern itself has a space, as in German,
#   it is there. On an invoice "KWD1.250" is read as one word.
# Cure: put the space in by hand where the sign ends in a letter.
# Output when it was written:
#   Babel 2.18.0
#     en_US: KWD1.250, CHF1.25, $1.25
#     de_DE: 1,250 KWD, 1,25 CHF, 1,25 $
#
# Needs a package index. Exits with 1 where another release does otherwise.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check babel==2.18.0
"$folder/venv/bin/python" - <<'PYTHON'
import sys
from decimal import Decimal
from importlib.metadata import version

from babel.numbers import format_currency

written = {
    locale: [format_currency(Decimal("1.25"), code, locale=locale) for code in ("KWD", "CHF", "USD")]
    for locale in ("en_US", "de_DE")
}
print("Babel", version("babel"))
for locale, amounts in written.items():
    print(f"  {locale}:", ", ".join(amounts).replace("\N{NO-BREAK SPACE}", " "))
sys.exit(written["en_US"] != ["KWD1.250", "CHF1.25", "$1.25"])
PYTHON
