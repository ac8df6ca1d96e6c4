"""Signs that the fonts of documents have, as far as is known before one is drawn."""

import pytest

from handlers.documents.printer import InvoicePrinter
from models.bills.documents import CannotBeDrawn
from models.customers.signs import TABLE, unwritable
from tests.views.test_invoice import issued
from tools.font_signs import as_table, font_signs


def test_the_table_has_the_signs_of_the_fonts_that_are_shipped() -> None:
    assert TABLE.read_text() == as_table(font_signs()), "run `python -m tools.font_signs`"


DRAWN = (
    *("Société Générale", "Nguyễn", "Nguyê\u0303n", "株式会社ナノ", "ｶﾞ", "გიორგი", "Երևան"),
    *("مُحَمَّد", "שָׁלוֹם", "क्ष्म", "ကြွ", "한글", "A\u200dB", "\u00adA", "禰\U000e0100"),
    *("❤\ufe0f", "👩\u200d👩\u200d👧", "👍🏽", "🇩🇪", "\ufa70"),
)
NOT_DRAWN = ("A 𐤀", "ߒߞߏ", "ދިވެހި", "ᏣᎳᎩ", "≠≤ ∄", "𠀋 𪜈")


@pytest.mark.parametrize("name", DRAWN)
def test_what_is_written_can_be_drawn(name: str) -> None:
    assert not unwritable(name)
    InvoicePrinter().draw(issued(customer=name))


@pytest.mark.parametrize("name", NOT_DRAWN)
def test_what_cannot_be_drawn_is_known_before(name: str) -> None:
    with pytest.raises(CannotBeDrawn, match=f"“[{''.join(unwritable(name))}]"):
        InvoicePrinter().draw(issued(customer=name))
