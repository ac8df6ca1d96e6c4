"""Whether documents can be drawn with what is written of a customer."""

import unicodedata
from bisect import bisect_right
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from models.customers.customers import Customer, CustomerRef
from models.errors import NextStep, Step, WrongState

TABLE = Path(__file__).with_name("signs.txt")
"""The signs that the shipped fonts have: `tools/font_signs.py` writes it, and a test holds it."""

WRITTEN = {
    "name": "name",
    "billing_address": "billing address",
    "tax_id": "tax number",
    "tax_note": "note on tax",
}
"""What documents show of a customer as it is written, by its column, and what people call it."""

MOST_TOLD = 5


def check_can_be_written(customer: Customer | CustomerRef) -> None:
    """Refuses a customer with signs that no font has, in what documents show."""
    if not can_be_written(*customer.written):
        raise WrongState(
            f"No document can be drawn for {customer.name}: "
            f"no font has {unwritten_signs(customer.written, 'its')}.",
            [NextStep(Step.MEND_SIGNS)],
        )


def can_be_written(*texts: str | None) -> bool:
    return not any(unwritable(text) for text in texts)


def unwritten_signs(written: Iterable[str | None], whose: str) -> str:
    """Which signs of a customer no font has, and where they stand: as in "“𐤀” (U+10900), which
    stands in its name".
    """
    return told_signs(
        [(f"{whose} {place}", text) for place, text in zip(WRITTEN.values(), written, strict=True)]
    )


def told_signs(texts: Iterable[tuple[str, str | None]]) -> str:
    """The same of any texts, each after what it is called; empty where fonts have all."""
    found = {place: missing for place, text in texts if (missing := unwritable(text))}
    signs = list(dict.fromkeys(sign for missing in found.values() for sign in missing))
    if not signs:
        return ""
    *others, last = found
    where = f"{', '.join(others)} and {last}" if others else last
    return f"{quoted_signs(signs)}, which {'stand' if signs[1:] else 'stands'} in {where}"


def quoted_signs(signs: Iterable[str]) -> str:
    """Signs as they look and by their codes; of many the first."""
    few = list(signs)[:MOST_TOLD]
    return f"“{''.join(few)}” ({' '.join(f'U+{ord(one):04X}' for one in few)})"


def unwritable(text: str | None) -> list[str]:
    """The signs of `text` that no font has, each once."""
    if not text or text.isascii():
        return []
    return [sign for sign in dict.fromkeys(text) if not _is_drawn(sign)]


def _is_drawn(sign: str) -> bool:
    """Also where it is another sign by another code; what has no shape of its own needs none."""
    is_selector = unicodedata.name(sign, "").startswith(_CHOOSES)
    if is_selector or unicodedata.category(sign) in ("Cc", "Cf"):
        return True
    same = unicodedata.normalize("NFD", sign)
    return _has(sign) or (len(same) == 1 and _has(same))


_CHOOSES = "VARIATION SELECTOR"


def _has(sign: str) -> bool:
    firsts, lasts = _ranges()
    place = bisect_right(firsts, ord(sign)) - 1
    return place >= 0 and ord(sign) <= lasts[place]


@cache
def _ranges() -> tuple[list[int], list[int]]:
    pairs = [one.split("-") for one in TABLE.read_text().split()]
    return [int(one[0], 16) for one in pairs], [int(one[-1], 16) for one in pairs]
