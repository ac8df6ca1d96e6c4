"""Numbers and days as people write them: read where certain, refused where not."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.dates import read_day
from models.errors import Unreadable
from models.numerals import read_decimal, read_whole
from models.text import trimmed, unquoted

MOST = 2**63 - 1
CERTAIN = [
    *("1250000", "1’250’000", "1'250'000", "1 250 000", "1\u00a0250\u00a0000"),
    *("1\u202f250\u202f000", "1\u2009250\u2009000", "1_250_000", "1,250,000", "1.250.000"),
    *("12,50,000", "1250000.0", "1250000,00", "1.250.000,00", "1,250,000.00", "+1250000"),
    *(
        "1.250000E+06",
        "１２５００００",
        "١٢٥٠٠٠٠",
        "1250000\u200b",
        "1\u200b250\u2060000",
        "\u200e1250000 ",
        "'1250000",
    ),
]


@pytest.mark.parametrize("typed", CERTAIN)
def test_a_whole_number_that_is_certain_is_read(typed: str) -> None:
    assert read_whole(typed, MOST) == 1_250_000


REFUSED = [
    ("1.250", "could be 1250 or 1.250; write 1250"),
    ("1,250", "could be 1250 or 1.250; write 1250"),
    ("1.25E+06", "scientific notation, as a spreadsheet shortens numbers: 1250000"),
    ("1,25E+06", "scientific notation, as a spreadsheet shortens numbers: 1250000"),
    ("1e999", "out of all bounds"),
    ("1250000.5", "is not a whole number"),
    ("12,500,00", "separators where no thousands end"),
    ("1,250.000,00", "separators where no thousands end"),
    ("2026 10", "separators where no thousands end"),
    ("(1250)", "is negative"),
    ("1250-", "is negative"),
    ("−1250", "is negative"),
    ("$1250", "has a currency sign"),
    ("1.2M", "is not a number alone"),
    ("1250 calls", "is not a number alone"),
    ("10²", "is not a number"),
    ("½", "is not a number"),
    ("12:50", "is not a number"),
    ("", "is not a number"),
    ("9" * 200, "is too long"),
    ("9223372036854775808", "is too big; the most is 9223372036854775807"),
]


@pytest.mark.parametrize(("typed", "why"), REFUSED)
def test_a_number_that_is_not_certain_is_refused_saying_what_it_is(typed: str, why: str) -> None:
    with pytest.raises(Unreadable) as refused:
        read_whole(typed, MOST)
    assert why in refused.value.reason


@given(st.integers(0, MOST), st.sampled_from([",", ".", " ", "’", "\u202f"]))
def test_thousands_mean_the_number_they_group_unless_they_could_be_decimals(
    number: int, mark: str
) -> None:
    typed = f"{number:,}".replace(",", mark)
    if 1_000 <= number < 1_000_000 and mark in ",.":
        with pytest.raises(Unreadable, match="could be"):
            read_whole(typed, MOST)
    else:
        assert read_whole(typed, MOST) == number


PRICES = [
    ("0.002", "0.002"),
    ("0,002", "0.002"),
    (".5", "0.5"),
    ("0.00200000000000", "0.002"),
    ("1e-3", "0.001"),
    ("1,25E-05", "0.0000125"),
    ("1,234.5", "1234.5"),
    ("1.234,5", "1234.5"),
    ("-0", "0"),
]


@pytest.mark.parametrize("point_is_decimal", [True, False])
@pytest.mark.parametrize(("typed", "price"), PRICES)
def test_a_price_is_read_with_either_decimal_sign(
    typed: str, price: str, point_is_decimal: bool
) -> None:
    read = read_decimal(typed, decimals=10, point_is_decimal=point_is_decimal)
    assert f"{read:f}" == price


def test_a_point_before_three_digits_is_a_decimal_one_where_nobody_writes_commas() -> None:
    assert read_decimal("1.125", decimals=10) == Decimal("1.125")
    for typed in ("1.125", "1,125"):
        with pytest.raises(Unreadable, match=r"could be 1125 or 1\.125; write 1125, or 1\.1250"):
            read_decimal(typed, decimals=10, point_is_decimal=False)


@given(st.decimals(0, 10**15 - 1, places=10))
def test_a_price_as_it_is_exported_is_read_back(price: Decimal) -> None:
    assert read_decimal(f"{price:f}", decimals=10) == price


def test_the_example_in_a_refusal_is_of_the_kind_that_was_asked_for() -> None:
    with pytest.raises(Unreadable, match=r"as in 0\.0025"):
        read_decimal("19 percent", decimals=6)
    with pytest.raises(Unreadable, match="as in 19 or"):
        read_decimal("19 percent", decimals=6, example="19 or 8.1")


DAYS = [
    *("2026-10-31", "2026/10/31", "31.10.2026", "31/10/2026", "10/31/2026", "31 Oct 2026"),
    *("October 31, 2026", "31-Oct-2026", "2026-10-31 00:00:00", "2026-10-31T00:00:00Z"),
]


@pytest.mark.parametrize("typed", DAYS)
def test_a_day_that_is_certain_is_read(typed: str) -> None:
    assert read_day(typed) == date(2026, 10, 31)


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("02/01/2026", "either number could be the day"),
        ("31.02.2026", "there is no such day"),
        ("2026-02-29", "there is no such day"),
        ("31.10.26", "is not a date"),
        ("46326", "is not a date"),
    ],
)
def test_a_day_that_is_not_certain_is_refused(typed: str, why: str) -> None:
    with pytest.raises(Unreadable) as refused:
        read_day(typed)
    assert why in refused.value.reason
    assert "2026-10-31" in refused.value.reason


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ('"Acme Corp"', "Acme Corp"),
        ("“Acme Corp”", "Acme Corp"),
        ("„Acme Corp“", "Acme Corp"),
        ("« Acme Corp »", "Acme Corp"),
        ("'Acme Corp'", "Acme Corp"),
        ("„Acme Corp”", "Acme Corp"),
        ('„Acme Corp"', "Acme Corp"),
        ('“Acme Corp"', "Acme Corp"),
        ("”Acme Corp”", "Acme Corp"),
        ("»Acme Corp«", "Acme Corp"),
        ("「Acme」", "Acme"),
        ('Acme "2"', 'Acme "2"'),
        ("'Acme's'", "'Acme's'"),
        ("‘t Hooft", "‘t Hooft"),
        ('" "', '" "'),
        ('"Acme" and "Bolt"', '"Acme" and "Bolt"'),
        ("’s-Hertogenbosch", "’s-Hertogenbosch"),
        ('"', '"'),
        ('""', '""'),
    ],
)
def test_quotation_marks_around_a_name_are_no_part_of_it(typed: str, name: str) -> None:
    assert unquoted(typed) == name


def test_what_nobody_sees_at_an_end_is_no_part_of_a_text() -> None:
    flag = "\U0001f3f4\U000e0067\U000e0062\U000e007f"
    assert trimmed(f"\ufeff\u00a0Acme{flag}\u200b\u00ad\t") == f"Acme{flag}"
