"""A second opinion on which names are one, by Python's own tables of Unicode."""

import re
import unicodedata

_BLANKS = "\t\n\v\f\r\x85"
_UNSEEN = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)


def seen(name: str) -> str:
    """What is left to be told apart: letters without case, in one form, with single blanks."""
    bare = "".join(c for c in name if unicodedata.category(c) != "Cc" or c in _BLANKS)
    bare = unicodedata.normalize("NFKC", _UNSEEN.sub("", bare))
    cased = "".join(_one_case(letter) for letter in bare)
    return " ".join(unicodedata.normalize("NFKC", cased).replace("\u2800", " ").split())


def _one_case(letter: str) -> str:
    """Letter by letter, since `str.upper` also spells some letters out."""
    upper = letter.upper() if len(letter.upper()) == 1 else letter
    lower = upper.lower() if len(upper.lower()) == 1 else upper
    return {"ß": "ss", "ẞ": "ss", "İ": "i"}.get(letter, "ss" if lower == "ß" else lower)
