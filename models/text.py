"""Texts from outside: trimmed, bounded, without what only stands around them."""

import re
import unicodedata
from collections.abc import Callable

from models.errors import Invalid, Unreadable

REASON_CHARS = 3_000

_BLANK = "".join(chr(code) for code in range(0x3001) if chr(code).isspace())
_CONTROLS = "".join(map(chr, (*range(0x01, 0x20), *range(0x7F, 0xA0))))
_INVISIBLE = "".join(
    map(
        chr,
        (
            *(0x00AD, 0x034F, 0x061C, 0x180E, 0xFEFF),
            *range(0x200B, 0x2010),
            *range(0x202A, 0x202F),
            *range(0x2060, 0x2070),
        ),
    )
)
_EDGES = _BLANK + _CONTROLS + _INVISIBLE
_WIDE = "".join(map(chr, range(0xFF01, 0xFF5F)))
_PLAIN = str.maketrans(_WIDE, "".join(map(chr, range(0x21, 0x7F))), _INVISIBLE)

_QUOTES = {
    **{'"': '"“”', "“": '”"', "„": '“”"', "‟": '”"', "”": '”"', "＂": "＂"},
    **{"'": "'‘’", "‘": "’'", "‚": "‘’'"},
    **{"«": "»", "»": "«»", "‹": "›", "›": "‹›", "「": "」", "『": "』"},
}
"""What closes where each mark opens, in any language, and where a program turned one of a pair."""

_PLACEHOLDERS = frozenset(
    (
        *("na", "nav", "none", "null", "nil", "nan"),
        *("nothing", "empty", "blank", "unknown", "undefined", "missing"),
        *("unspecified", "nd", "tbd", "tba", "tbc", "todo"),
        *("test", "tests", "dummy", "placeholder", "later", "tofollow"),
        *("same", "ditto", "dito", "idem", "asabove", "sameasabove"),
        *("seeabove", "above", "seebelow", "notavailable", "notapplicable", "notknown"),
        *("notset", "notyet", "notgiven", "notspecified", "notprovided", "noaddress"),
        *("nobillingaddress", "noemail", "nomail", "notaxid", "novat", "novatid"),
        *("notaxnumber", "ka", "keine", "keiner", "keines", "kein"),
        *("keineangabe", "keineangaben", "keineadresse", "unbekannt", "entfällt", "sieheoben"),
        *("wieoben", "nichtvorhanden", "nvt", "geen", "onbekend", "zieboven"),
        *("aucun", "aucune", "inconnu", "inconnue", "sansobjet", "voircidessus"),
        *("ninguno", "ninguna", "desconocido", "desconocida", "noaplica", "nodisponible"),
        *("nessuno", "nessuna", "sconosciuto", "sconosciuta", "nondisponibile"),
    )
)
"""What people write where there is nothing, by its letters alone."""

_SPREADSHEET_ERRORS = frozenset(
    (
        *("#n/a", "#ref!", "#value!", "#name?", "#div/0!", "#num!", "#null!"),
        *("#spill!", "#calc!", "#error!", "########"),
    )
)


def trimmed(text: str) -> str:
    """The text without blanks, controls and signs that nobody sees at either end."""
    return text.strip(_EDGES)


def plain_form(text: str) -> str:
    """A code or a number, trimmed, without signs that nobody sees, in letters of the usual width
    and with the digits of ASCII, whatever script they are of.
    """
    digits = (str(unicodedata.decimal(char, char)) for char in trimmed(text))
    return "".join(digits).translate(_PLAIN)


def unquoted(text: str) -> str:
    """The text without the pair of quotation marks that it stands in, straight or not."""
    kept = trimmed(text)
    inner = trimmed(kept[1:-1])
    if not inner or kept[-1] not in _QUOTES.get(kept[0], ""):
        return kept
    return kept if kept[0] in inner or kept[-1] in inner else inner


def cleaned_name(typed: str) -> str:
    """A name as it is kept, wherever it comes from: without the pairs of quotation marks that it
    stands in, and without what nobody sees at its ends.
    """
    name = unquoted(typed)
    return name if name == typed else cleaned_name(name)


def split_end(
    text: str, is_one: Callable[[str], bool], most_words: int, *, last_first: bool = False
) -> tuple[str | None, str]:
    """Words at either end of a text that are what is looked for, and what else stands there."""
    for count in range(most_words, 0, -1):
        first, last = text.split(maxsplit=count), text.rsplit(maxsplit=count)
        ends = [
            (" ".join(first[:count]), "".join(first[count:]).strip()),
            (" ".join(last[-count:]), "".join(last[:-count]).strip()),
        ]
        for words, rest in reversed(ends) if last_first else ends:
            if is_one(words):
                return words, rest
    return None, text


def refuse_placeholder(text: str) -> None:
    """Refuse what only stands for nothing, such as `n/a`, once or several times: left empty it
    would say so.
    """
    refuse_spreadsheet_error(text)
    if text and all(map(_stands_for_nothing, re.split(r"[\n\r,;]+", text))):
        raise Unreadable(text, "is a placeholder; leave it empty where there is none")


def _stands_for_nothing(text: str) -> bool:
    letters = "".join(filter(str.isalnum, plain_form(text))).casefold()
    return letters in _PLACEHOLDERS or not letters.strip("x") or not letters.strip("0")


def refuse_spreadsheet_error(text: str) -> None:
    """Refuse what a spreadsheet writes where a formula failed."""
    if text.startswith("#") and text.casefold() in _SPREADSHEET_ERRORS:
        raise Unreadable(text, "is a spreadsheet's error; mend the formula there")


FORMULA = r"^'*[\s\u00a0\u3000\ufeff]*[-=+@＝＋－＠]|^'*[\t\r\n]"
"""What a spreadsheet would take for a formula, also after blanks and in wide letters; and the same
with apostrophes before it, so that each text has one form with a guard. Read alike by Python and
PostgreSQL.
"""


def guarded(text: str) -> str:
    """The text with an apostrophe before it where a spreadsheet would take it for a formula."""
    return f"'{text}" if re.search(FORMULA, text) else text


def without_guard(text: str) -> str:
    """What stood there before an apostrophe was put before it as a guard."""
    return trimmed(text[1:]) if text.startswith("'") and re.search(FORMULA, text) else text


def reason_text(text: str | None) -> str:
    """Why somebody does something, in their own words; refuses none at all."""
    return bounded_text(text, REASON_CHARS, "A reason", "reason")


def remark_text(text: str | None) -> str | None:
    """What somebody says along with what they do; None where that is nothing."""
    return bounded_text(text, REASON_CHARS, "A comment", "comment") if text else None


def bounded_text(text: str | None, limit_chars: int, what: str, field: str) -> str:
    """A text from outside, trimmed; refuses an empty one and one over the limit.

    What PostgreSQL cannot keep is left out (NUL) or marked (half a surrogate pair).
    """
    kept = (text or "").replace("\x00", "").encode(errors="replace").decode()
    stripped = kept.strip()
    if not stripped:
        raise Invalid(f"{what} is needed.", field)
    if len(stripped) > limit_chars:
        size = f"{len(stripped):,}"
        raise Invalid(f"{what} has at most {limit_chars:,} characters; this has {size}.", field)
    return stripped


_ALIKE = frozenset({"LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE"})
"""Alphabets with letters that look the same, as Unicode's names of letters begin."""


def mixes_alphabets(text: str) -> bool:
    """Whether one of its words has letters of two alphabets that look alike."""
    return any(
        len({unicodedata.name(sign, "").split(" ")[0] for sign in word} & _ALIKE) > 1
        for word in text.split()
    )
