"""Documents as customers read them, and the mails they come with."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from handlers.documents.bill_email import email_subject, email_text
from handlers.documents.invoice import WIDTH, invoice_text, width, wrapped
from models.bills.invoice_data import InvoiceData
from models.bills.states import BillKind
from models.money import taxed
from models.period import Period
from models.settings import Company
from tests.views.samples import NAMES

MERIDIAN = Company(
    "Meridian API AG", "5 Bay Road, 8001 Zürich", "CH", "CHE-987.654.321", 30, "IBAN CH93 0076"
)
ACME = InvoiceData(
    bill_id=42,
    number="2026-000123",
    kind=BillKind.OVERAGE,
    issued_on=date(2026, 11, 3),
    customer="Acme Corp",
    billing_address="1 Example Street\n10115 Berlin",
    country="DE",
    tax_id="DE123456789",
    tax_rate_percent=Decimal("8.10"),
    tax_note=None,
    payment_days=30,
    locale=None,
    company=MERIDIAN,
    period=Period(2026, 10),
    api_usage=1_250_000,
    limit_calls=1_000_000,
    overage_units=250_000,
    unit_cost=Decimal("0.004"),
    amount=Decimal("1000.00"),
    tax=Decimal("81.00"),
    currency="USD",
)


def drawn(**changes: Any) -> str:
    """As it is issued, with the tax on it."""
    facts = replace(ACME, **changes)
    tax = taxed(facts.amount, facts.tax_rate_percent, facts.currency).tax
    return invoice_text(replace(facts, tax=changes.get("tax", tax)))


def figure(text: str, label: str) -> str:
    """What stands at the right end of the line that begins with `label`."""
    (line,) = [line for line in text.splitlines() if line.startswith(label)]
    return line.removeprefix(label).strip()


def test_an_invoice_reads_from_who_to_whom_to_what_is_due() -> None:
    assert drawn() == (
        """\
INVOICE 2026-000123
==============================================================================

From       Meridian API AG
           5 Bay Road
           8001 Zürich
           Switzerland
           Tax ID CHE-987.654.321

To         Acme Corp
           1 Example Street
           10115 Berlin
           Germany
           Tax ID DE123456789

Date       3 November 2026
Due        3 December 2026
For        API calls in October 2026

Calls used                                                           1,250,000
Calls included                                                       1,000,000
Calls over the limit                                                   250,000
------------------------------------------------------------------------------
250,000 calls × $0.004                                               $1,000.00

Net                                                                  $1,000.00
Tax 8.1 %                                                               $81.00
------------------------------------------------------------------------------
Total due                                                            $1,081.00

Please pay $1,081.00 by 3 December 2026, and name 2026-000123.
IBAN CH93 0076
"""
    )


def test_it_is_due_so_many_days_after_its_date() -> None:
    assert figure(drawn(payment_days=0), "Due") == "3 November 2026"
    assert figure(drawn(payment_days=90), "Due") == "1 February 2027"


def test_without_a_tax_rate_the_customers_note_says_why() -> None:
    note = "Reverse charge: the recipient accounts for the tax."
    text = drawn(tax_rate_percent=Decimal(0), tax_note=note)
    assert figure(text, "Tax 0 %") == "$0.00"
    assert figure(text, "Total due") == "$1,000.00"
    assert note in text
    assert "No tax is charged." in drawn(tax_rate_percent=Decimal(0))
    assert note not in drawn(tax_note=note)


@pytest.mark.parametrize(
    ("currency", "unit_cost", "net", "tax", "gross"),
    [
        ("JPY", "0.35", "¥87,500", "¥7,088", "¥94,588"),
        ("EUR", "0.0018", "€450.00", "€36.45", "€486.45"),
        ("KWD", "0.0045", "KWD 1,125.000", "KWD 91.125", "KWD 1,216.125"),
    ],
)
def test_each_currency_has_its_own_digits(
    currency: str, unit_cost: str, net: str, tax: str, gross: str
) -> None:
    cost = Decimal(unit_cost)
    text = drawn(currency=currency, unit_cost=cost, amount=250_000 * cost)
    assert figure(text, "Net") == net
    assert figure(text, "Tax 8.1 %") == tax
    assert figure(text, "Total due") == gross
    assert figure(text, "250,000 calls × ").endswith(net)


@pytest.mark.parametrize(
    ("net", "rate", "currency", "tax", "gross"),
    [
        ("0.50", "1", "USD", "0.01", "0.51"),
        ("-0.50", "1", "USD", "-0.01", "-0.51"),
        ("0.49", "1", "USD", "0.00", "0.49"),
        ("10", "25", "JPY", "3", "13"),
        ("0.100", "0.5", "KWD", "0.001", "0.101"),
        (
            "92233720368547758070000000000.05",
            "19",
            "USD",
            "17524406870024074033300000000.01",
            "109758127238571832103300000000.06",
        ),
    ],
)
def test_tax_is_rounded_once_and_half_up(
    net: str, rate: str, currency: str, tax: str, gross: str
) -> None:
    found = taxed(Decimal(net), Decimal(rate), currency)
    assert tuple(map(str, found)) == (net, tax, gross)


CREDIT: dict[str, Any] = {
    "kind": BillKind.CREDIT,
    "number": "CN-2026-000007",
    "overage_units": -250_000,
    "amount": Decimal("-1000.00"),
    "refers_to": ("2026-000123",),
}


def test_a_credit_note_names_what_it_credits_and_asks_for_nothing() -> None:
    text = drawn(**CREDIT)
    assert text.startswith("CREDIT NOTE CN-2026-000007\n")
    assert figure(text, "Credits") == "2026-000123"
    assert figure(text, "Calls credited") == "-250,000"
    assert figure(text, "-250,000 calls × $0.004") == "-$1,000.00"
    assert figure(text, "Tax 8.1 %") == "-$81.00"
    assert figure(text, "Total credited") == "-$1,081.00"
    assert "We credit you with $1,081.00. There is nothing to pay." in text
    assert "Due" not in text
    assert "IBAN" not in text


def test_a_credit_note_names_all_that_it_takes_back_and_what_was_credited_before() -> None:
    text = drawn(
        **CREDIT
        | {"refers_to": ("2026-000123", "2026-000124"), "credited_before": ("CN-2026-000006",)}
    )
    assert "Credits    2026-000123\n           2026-000124\n" in text
    assert figure(text, "Less") == "CN-2026-000006"


def test_an_invoice_that_stands_for_another_names_it() -> None:
    assert figure(drawn(refers_to=("2026-000099",)), "Replaces") == "2026-000099"


def test_the_tax_is_the_one_that_was_issued() -> None:
    text = drawn(tax=Decimal("80.99"))
    assert figure(text, "Tax 8.1 %") == "$80.99"
    assert figure(text, "Total due") == "$1,080.99"


def test_what_a_document_says_is_read_back_as_it_was_kept() -> None:
    awkward = replace(
        ACME, amount=Decimal("0.10"), unit_cost=Decimal("0.0000000001"), customer='"\\\n株 \u2028',
        refers_to=("2026-000001",), tax_note=None,
    )  # fmt: skip
    assert InvoiceData.from_json(awkward.as_json()) == awkward


def test_an_adjustment_names_what_it_adjusts_and_shows_the_difference() -> None:
    text = drawn(
        kind=BillKind.ADJUSTMENT,
        api_usage=1_300_000,
        overage_units=50_000,
        amount=Decimal("200.00"),
        number="2026-000124",
        refers_to=("2026-000123",),
    )
    assert text.startswith("ADJUSTMENT 2026-000124\n")
    assert figure(text, "Adjusts") == "2026-000123"
    assert figure(text, "Calls over the limit") == "300,000"
    assert figure(text, "Calls billed in addition") == "50,000"
    assert figure(text, "50,000 calls × $0.004") == "$200.00"


def test_a_difference_that_is_no_multiplication_is_not_written_as_one() -> None:
    text = drawn(
        kind=BillKind.ADJUSTMENT, overage_units=0, amount=Decimal("12.34"), refers_to=("x",)
    )
    assert figure(text, "Difference to what was billed before") == "$12.34"
    assert "×" not in text


def test_units_that_finance_set_by_hand_stand_beside_those_counted() -> None:
    text = drawn(overage_units=200_000, amount=Decimal("800.00"))
    assert figure(text, "Calls over the limit") == "250,000"
    assert figure(text, "Calls billed") == "200,000"
    assert figure(text, "200,000 calls × $0.004") == "$800.00"


@pytest.mark.parametrize(
    "called", [*NAMES.values(), "W" * 300, "株式会社" * 40, "a\r\nb\x00\u202ec"]
)
def test_no_name_breaks_the_page(called: str) -> None:
    text = drawn(
        customer=called, billing_address=called, tax_id=called, tax_note=called,
        tax_rate_percent=Decimal(0),
        company=replace(MERIDIAN, name=called, address=called, payment_note=called),
    )  # fmt: skip
    assert max(width(line) for line in text.splitlines()) <= WIDTH
    assert not {"\r", "\x00", "\u202e"} & set(text)
    assert figure(text, "Total due") == "$1,000.00"


def test_a_right_to_left_name_leaves_the_line_around_it_in_order() -> None:
    called = NAMES["right to left"]
    assert f"To         \u2068{called}\u2069\n" in drawn(customer=called)


def test_figures_beyond_the_line_take_one_of_their_own() -> None:
    amount = Decimal("9" * 60 + ".00")
    lines = drawn(amount=amount).splitlines()
    at = lines.index("Difference to what was billed before")
    assert lines[at + 1].strip() == f"${amount:,}"


def test_words_wrap_between_them_and_break_where_one_is_too_long() -> None:
    assert wrapped("one two three", 7) == ["one two", "three"]
    assert wrapped("a " + "b" * 9, 4) == ["a", "bbbb", "bbbb", "b"]
    assert wrapped("日本語", 4) == ["日本", "語"]
    assert wrapped("  ", 4) == []


def test_a_mail_says_what_it_brings() -> None:
    assert email_subject(ACME) == "Invoice 2026-000123 from Meridian API AG for October 2026"
    text = email_text(ACME)
    assert "Dear Acme Corp," in text
    assert "Total due: $1,081.00, by 3 December 2026." in text


def test_a_mail_with_a_credit_note_says_what_it_corrects() -> None:
    credit = replace(ACME, **CREDIT, tax=Decimal("-81.00"))
    assert email_subject(credit).startswith("Credit note CN-2026-000007 from")
    text = email_text(credit)
    assert "which corrects 2026-000123." in text
    assert "Total credited: $1,081.00." in text
