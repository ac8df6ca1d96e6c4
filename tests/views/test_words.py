"""Names, figures and dates as people read them."""

import time
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.wording.formatting import (
    calls,
    clean,
    esc,
    escaped_length,
    listing,
    money,
    name,
    percent_change,
    period_name,
    person,
    plain,
    role_short,
    totals,
    unit_price,
    when,
)
from handlers.wording.formatting import cut as cut_short
from handlers.wording.source_text import outcome_text
from models.currencies import MINOR_UNITS
from models.people.permissions import Role
from models.period import Period
from models.queries.totals import Total
from models.usage.pulls import UsagePull
from tests.views import samples


@pytest.mark.parametrize(
    ("amount", "currency", "told"),
    [
        ("1000", "USD", "$1,000.00"),
        ("1200", "JPY", "¥1,200"),
        ("1.25", "KWD", "KWD 1.250"),
        ("5", "CAD", "CA$5.00"),
        ("5", "AUD", "A$5.00"),
        ("7", "XAF", "XAF 7"),
        ("7", "XOF", "XOF 7"),
        ("12.5", "CHF", "CHF 12.50"),
        ("-12.5", "EUR", "−€12.50"),
        ("0", "ISK", "ISK 0"),
    ],
)
def test_money_is_written_out_with_its_currency(amount: str, currency: str, told: str) -> None:
    assert money(Decimal(amount), currency) == told


def test_no_two_currencies_are_written_alike() -> None:
    told = {currency: money(Decimal(1), currency) for currency in MINOR_UNITS}
    signs = {text.split("1")[0] for text in told.values()}
    assert len(signs) == len(MINOR_UNITS)


@pytest.mark.parametrize(
    ("cost", "currency", "told"),
    [
        ("0.0040", "USD", "$0.004"),
        ("0.1000000000", "USD", "$0.10"),
        ("2", "USD", "$2.00"),
        ("0.0000000001", "USD", "$0.0000000001"),
        ("0.5", "JPY", "¥0.5"),
        ("3", "JPY", "¥3"),
        ("0.5", "KWD", "KWD 0.500"),
    ],
)
def test_a_unit_price_keeps_all_its_digits(cost: str, currency: str, told: str) -> None:
    assert unit_price(Decimal(cost), currency) == told


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("820", "1000", "+22 %"),
        ("1000", "820", "\N{MINUS SIGN}18 %"),
        ("1000", "1000", "no change"),
        ("1000", "1001", "less than 1 % more"),
        ("1000", "999", "less than 1 % less"),
        ("200", "1", "\N{MINUS SIGN}100 %"),
        ("1", "100", "+9,900 %"),
        ("0.01", "1e29", "more than 100 times as much"),
        ("0", "5", None),
        (None, "5", None),
        ("5", None, None),
    ],
)
def test_a_change_is_told_only_where_there_is_something_to_compare(
    before: str | None, after: str | None, told: str | None
) -> None:
    earlier, later = (None if one is None else Decimal(one) for one in (before, after))
    assert percent_change(earlier, later) == told


def test_currencies_are_listed_and_never_added() -> None:
    amounts = [Total("USD", 1, Decimal(10)), Total("JPY", 2, Decimal(9))]
    assert totals(amounts) == "$10.00 and ¥9"
    assert totals([]) == "no amount"


@pytest.mark.parametrize(
    ("items", "told"),
    [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (list("abcd"), "a, b and 2 more")],
)
def test_a_list_is_a_sentence_that_counts_what_it_leaves_out(items: list[str], told: str) -> None:
    assert listing(items, most=2) == told


def test_counts_agree_with_their_nouns() -> None:
    assert [calls(n) for n in (0, 1, 1_250_000)] == ["0 calls", "1 call", "1,250,000 calls"]


def test_a_moment_is_shown_in_the_readers_zone_and_falls_back_to_utc() -> None:
    moment = datetime(2026, 11, 3, 8, 12, tzinfo=ZoneInfo("Europe/Berlin"))
    stamp = int(moment.timestamp())
    assert when(moment) == (f"<!date^{stamp}^{{date_short_pretty}} {{time}}|3 Nov 2026 07:12 UTC>")


def test_months_have_names() -> None:
    assert period_name(Period(2026, 10)) == "October 2026"


def test_people_go_by_name_and_role() -> None:
    assert person(samples.KIM) == "Kim Lee (CSM)"
    assert person(samples.ANA) == "Ana Ruiz (Finance)"
    assert person(samples.CLOCK) == "Countersign"
    assert role_short(None) == ""
    assert role_short(Role.MANAGER) == "Manager"


def test_a_name_in_right_to_left_letters_keeps_the_words_around_it_in_place() -> None:
    assert name("شركة") == "\u2068شركة\u2069"
    assert name("Acme") == "Acme"


def test_a_name_stays_on_its_line() -> None:
    assert name("Acme\r\n\t Corp") == "Acme Corp"


def test_what_cannot_be_seen_is_taken_out() -> None:
    assert clean("a\x00\u202eb\u2066\x7fc\ud800") == "abc"
    assert clean("a\tb\r\nc") == "a\tb\nc"
    assert plain("\u202e\x00 ", 20) == "(blank)"


def test_a_cut_leaves_no_half_of_a_joined_character() -> None:
    family = "👩\u200d👩\u200d👧" * 3
    assert cut_short(family, 5) == "👩\u200d👩…"


@given(st.text(max_size=300), st.integers(10, 200))
def test_cut_text_is_never_longer_than_asked_after_escaping(text: str, limit: int) -> None:
    assert 0 < len(esc(plain(text, limit))) <= limit


@given(st.text(max_size=300), st.integers(10, 200))
def test_cut_text_is_the_beginning_of_what_was_typed(text: str, limit: int) -> None:
    cut = cut_short(text, limit)
    whole = clean(text)
    assert cut == whole or whole.startswith(cut.removesuffix("…"))


@given(st.text())
def test_escaped_text_holds_no_bracket_and_reads_back(text: str) -> None:
    escaped = esc(text)
    assert not set("<>") & set(escaped)
    back = escaped.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    assert back == text
    assert escaped_length(text) == len(escaped)


def test_huge_amounts_keep_every_digit() -> None:
    huge = Decimal("-1234567890123456789012345678901234.56")
    told = "1,234,567,890,123,456,789,012,345,678,901,234.56"
    assert money(huge, "USD") == f"−${told}"
    assert unit_price(huge, "USD") == f"−${told}"


def test_a_name_on_many_lines_costs_no_more_than_its_length() -> None:
    start = time.process_time()
    blanks = " " * 50_000
    assert name(f"a \n\n b{blanks}c", 100_000) == f"a b{blanks}c"
    assert time.process_time() - start < 1


CHECKS = {
    "some": ({"added": 2, "changed": 1, "missing": 3}, "it would be 2 added, 1 changed; 3"),
    "none": ({"added": 0, "unknown": 1, "missing": 9}, "nothing would change; 1 unknown here, 9"),
}


@pytest.mark.parametrize("what", CHECKS)
def test_a_check_says_what_would_change(what: str) -> None:
    counts, told = CHECKS[what]
    pull = UsagePull(outcome="checked", rows=2, total=Decimal(7), counts=counts)
    assert outcome_text(pull) == (
        f"2 rows, 7 calls; {told} in contract, but missing there. Nothing was written."
    )


def test_what_was_refused_or_failed_says_once_that_nothing_changed() -> None:
    refused = UsagePull(outcome="refused", reason="Nothing was taken in: the answer has one fault.")
    assert outcome_text(refused) == refused.reason
    failed = UsagePull(outcome="failed", reason="DuckDB did not answer: no")
    assert outcome_text(failed) == "DuckDB did not answer: no. Nothing was changed."
