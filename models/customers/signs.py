"""Whether documents can be drawn with what is written of a customer."""

import unicodedata
from bisect import bisect_right
from functools import cache
from pathlib import Path

from models.customers.customers import Customer, CustomerRef
from models.errors import NextStep, Step, WrongState

TABLE = Path(__file__).with_name("signs.txt")
"""The signs that the shipped fonts have: `tools/font_signs.py` writes it, and a test holds it."""

WRITTEN = ("name", "billing_address", "tax_id", "tax_note")
"""What documents show of a customer as it is written."""

MOST_TOLD = 5


def check_can_be_written(customer: Customer | CustomerRef) -> None:
    """Refuses a customer with signs that no font has, in what documents show."""
    for field, text in zip(WRITTEN, customer.written, strict=True):
        missing = unwritable(text)[:MOST_TOLD]
        if missing:
            signs, codes = "".join(missing), " ".join(f"U+{ord(one):04X}" for one in missing)
            raise WrongState(
                f"No document can be drawn for {customer.name}: no font has “{signs}” ({codes}), "
                f"which stands in its {field}.",
                [NextStep(Step.MEND_SIGNS, customer_id=customer.id)],
            )


def can_be_written(*texts: str | None) -> bool:
    return not any(unwritable(text) for text in texts)


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
