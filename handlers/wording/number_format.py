"""Amounts, prices and numbers as whoever gets a document writes them, with ISO 4217's digits."""

import re
from dataclasses import dataclass
from decimal import Decimal, localcontext
from functools import cached_property

from babel import Locale
from babel.numbers import format_decimal, parse_pattern

from handlers.wording.formatting import MINUS
from models.money import minor_units

DEFAULT_LOCALE = "en"
MOST_DECIMALS = 10
NO_BREAK = "\xa0"
MOST_DIGITS = 200
"""More than any number of calls at any price comes to."""

_LETTER_BESIDE_DIGIT = re.compile(r"(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])")


@dataclass(frozen=True)
class NumberFormat:
    """`locale` as in "de_CH"."""

    locale: str

    @cached_property
    def _locale(self) -> Locale:
        return Locale.parse(self.locale)

    def number(self, value: int) -> str:
        return _with_minus(format_decimal(value, locale=self._locale))

    def percent(self, value: Decimal) -> str:
        """As in "8.1 %", with all its decimals."""
        shown = format_decimal(value.normalize(), locale=self._locale, decimal_quantization=False)
        return f"{shown} %"

    def amount(self, value: Decimal, currency: str) -> str:
        digits = minor_units(currency)
        return self._priced(value, currency, (digits, digits))

    def price(self, value: Decimal, currency: str) -> str:
        """A price per call: all its decimals, and no fewer than an amount has."""
        return self._priced(value, currency, (minor_units(currency), MOST_DECIMALS))

    def _priced(self, value: Decimal, currency: str, decimals: tuple[int, int]) -> str:
        """The locale's own pattern, but for its decimals: CLDR gives some currencies fewer."""
        pattern = parse_pattern(self._locale.currency_formats["standard"].pattern)
        pattern.frac_prec = decimals
        with localcontext(prec=MOST_DIGITS):
            shown = pattern.apply(
                value or value.copy_abs(),
                self._locale,
                currency=currency,
                currency_digits=False,
                decimal_quantization=False,
            )
        return _with_minus(_LETTER_BESIDE_DIGIT.sub(NO_BREAK, shown))


def _with_minus(figure: str) -> str:
    """Most locales write a hyphen for it, which breaks a line and is taken for a dash."""
    return figure.replace("-", MINUS)
