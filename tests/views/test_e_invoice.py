"""E-invoices as programs read them, and the PDFs that hold them."""

import io
from collections import Counter
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from facturx import get_xml_from_pdf
from pdfua import validate

from handlers.documents.e_invoice import MOST, NoEInvoice, written_e_invoice
from handlers.documents.e_invoice_rules import broken_rules
from handlers.documents.printer import TEMPLATES, InvoicePrinter
from handlers.wording.invoice_page import invoice_page
from models.bills.documents import CannotBeDrawn, Drawn
from models.bills.invoice_data import BilledCalls, InvoiceData
from models.bills.states import BillKind
from models.settings import Company
from tests.harness.pdf import pdf_text
from tests.views.e_invoices import DIGITS, LINE, SUMS, TAX, Read, documents, outcome
from tests.views.test_invoice import ADJUSTMENT, BILLED, CREDIT, issued

BERLIN = Company("Meridian API GmbH", "5 Weg, 10115 Berlin", "DE", "DE987654321", 30, "IBAN DE89")
FREE = {"tax_rate_percent": Decimal(0)}
VIENNA = {"country": "AT", "tax_id": "ATU12345678", **FREE}
SELLER, BUYER = "ram:SellerTradeParty", "ram:BuyerTradeParty"


def in_berlin(**changes: Any) -> InvoiceData:
    return issued(**{"company": BERLIN, "tax_rate_percent": Decimal(19), **changes})


def read(**changes: Any) -> Read:
    return Read(written_e_invoice(in_berlin(**changes)))


def refusal(**changes: Any) -> str:
    with pytest.raises(NoEInvoice) as refused:
        written_e_invoice(in_berlin(**changes))
    return str(refused.value)


def drawn(facts: InvoiceData) -> Drawn:
    return InvoicePrinter(e_invoices=True).draw(facts)


# -- what programs read -------------------------------------------------------------------


def test_every_e_invoice_by_chance_keeps_the_rules_and_every_other_has_its_reason() -> None:
    told = Counter(
        (facts.currency, outcome(facts, rated)) for facts, rated in documents(seed=2, count=160)
    )
    assert {category for _, category in told} == {"S", "Z", "E", "O", "AE", "K", "none"}
    assert {currency for currency, category in told if category != "none"} == set(DIGITS)


def test_an_invoice_says_to_programs_what_its_page_says_to_people() -> None:
    acme = read()
    told = {
        "rsm:ExchangedDocument/ram:ID": "2026-000123",
        "rsm:ExchangedDocument/ram:TypeCode": "380",
        "ram:IssueDateTime": "20261103",
        f"{SELLER}/ram:Name": "Meridian API GmbH",
        f"{SELLER}/ram:PostalTradeAddress/ram:LineTwo": "10115 Berlin",
        f"{SELLER}/ram:SpecifiedTaxRegistration/ram:ID": "DE987654321",
        f"{BUYER}/ram:Name": "Acme Corp",
        f"{BUYER}/ram:PostalTradeAddress/ram:CountryID": "DE",
        "ram:SpecifiedTradeProduct/ram:Name": "API calls over the limit, October 2026",
        "ram:ChargeAmount": "0.004",
        "ram:BilledQuantity": "250000",
        "ram:OccurrenceDateTime": "20261031",
        f"{TAX}/ram:RateApplicablePercent": "19",
        f"{SUMS}/ram:TaxBasisTotalAmount": "1000.00",
        f"{SUMS}/ram:TaxTotalAmount": "190.00",
        f"{SUMS}/ram:DuePayableAmount": "1190.00",
        "ram:SpecifiedTradePaymentTerms/ram:Description": "IBAN DE89",
        "ram:DueDateDateTime": "20261203",
        "ram:PaymentReference": "2026-000123",
    }
    assert {path: acme.one(path) for path in told} == told


def test_a_credit_note_is_a_381_above_zero_that_names_what_it_takes_back() -> None:
    numbers = ("2026-000123", "2026-000130")
    credit = read(**{**CREDIT, "refers_to": numbers, "credited_before": ("CN-2026-000003",)})
    assert credit.one("rsm:ExchangedDocument/ram:TypeCode") == "381"
    assert credit.all("ram:InvoiceReferencedDocument/ram:IssuerAssignedID") == list(numbers)
    assert credit.one("ram:IncludedNote/ram:Content") == "Less CN-2026-000003"
    assert credit.one("ram:BilledQuantity") == "250000"
    assert credit.one(f"{SUMS}/ram:GrandTotalAmount") == "1190.00"
    assert (
        credit.one("ram:SpecifiedTradePaymentTerms/ram:Description") == "There is nothing to pay."
    )


def test_what_is_no_product_is_one_piece_at_the_difference() -> None:
    late = read(kind=BillKind.ADJUSTMENT, amount=Decimal("7.25"), refers_to=("2026-000123",))
    assert late.one("rsm:ExchangedDocument/ram:TypeCode") == "380"
    assert (late.one("ram:BilledQuantity"), late.one("ram:ChargeAmount")) == ("1", "7.25")
    assert late.one("ram:SpecifiedTradeProduct/ram:Name").startswith("Difference to what was")
    assert late.one("ram:InvoiceReferencedDocument/ram:IssuerAssignedID") == "2026-000123"


def test_a_credit_takes_back_line_by_line_what_each_document_had_billed() -> None:
    dearer = BilledCalls("2026-000130", 50_000, Decimal("0.005"), Decimal("500.00"))
    less = BilledCalls("CN-2026-000003", -10_000, Decimal("0.005"), Decimal("-50.00"))
    figures = {"overage_units": -290_000, "amount": Decimal("-1450.00")}
    credit = in_berlin(**CREDIT | figures, billed=(BILLED, dearer, less), locale="de_DE")
    xml = written_e_invoice(credit)
    assert broken_rules(xml) == []
    assert Read(xml).all("ram:BilledQuantity") == ["250000", "1", "-10000"]
    assert Read(xml).all(f"{LINE}//ram:LineTotalAmount") == ["1000.00", "500.00", "-50.00"]
    assert Read(xml).all("ram:SpecifiedTradeProduct/ram:Description") == [
        "Billed by 2026-000123",
        "Billed by 2026-000130",
        "Credited by CN-2026-000003",
    ]


def test_an_adjustment_says_what_was_billed_before_and_now_in_the_customers_figures() -> None:
    more = written_e_invoice(in_berlin(**ADJUSTMENT, locale="de_DE"))
    assert broken_rules(more) == []
    assert Read(more).all("ram:SpecifiedTradeProduct/ram:Description") == [
        "1.300.000 calls used, 1.000.000 included",
        "Billed by 2026-000123",
    ]
    assert Read(more).all(f"{LINE}//ram:LineTotalAmount") == ["1200.00", "-1000.00"]


def test_figures_are_written_whole_and_without_an_exponent() -> None:
    cheap = read(unit_cost=Decimal("1.25E-7"), overage_units=8 * 10**12, amount=Decimal(10**6))
    assert cheap.one("ram:ChargeAmount") == "0.000000125"
    assert cheap.one(f"{SUMS}/ram:LineTotalAmount") == "1000000.00"
    yen = read(currency="JPY", amount=Decimal("1000.0000"))
    assert yen.one(f"{SUMS}/ram:GrandTotalAmount") == "1190"
    dinars = read(currency="KWD", amount=Decimal("1000.000"))
    assert dinars.one(f"{SUMS}/ram:GrandTotalAmount") == "1190.00"


def test_an_address_of_many_lines_loses_none() -> None:
    acme = read(billing_address="Acme\nGate 3\nPier 4\n20457 Hamburg", country="XK", tax_id="1")
    there = f"{BUYER}/ram:PostalTradeAddress/ram:"
    lines = [acme.one(there + name) for name in ("LineOne", "LineTwo", "LineThree", "CountryID")]
    assert lines == ["Acme", "Gate 3", "Pier 4, 20457 Hamburg", "1A"]
    assert acme.one(f"{BUYER}/ram:ID") == "1"


@pytest.mark.parametrize(
    ("changes", "reason", "code"),
    [
        ({"tax_note": "Exempt, § 4 Nr. 8"}, "Exempt, § 4 Nr. 8", []),
        (VIENNA, "No tax is charged: reverse charge.", ["VATEX-EU-AE"]),
        ({"country": "US", "tax_id": None}, "No tax is charged.", ["VATEX-EU-O"]),
        ({**VIENNA, "tax_note": "Innergemeinschaftliche Lieferung"}, None, ["VATEX-EU-IC"]),
    ],
)
def test_page_and_e_invoice_give_the_same_reason_for_no_tax(
    changes: dict[str, Any], reason: str | None, code: list[str]
) -> None:
    facts = in_berlin(**{**FREE, **changes})
    said = Read(written_e_invoice(facts))
    assert said.one(f"{TAX}/ram:ExemptionReason") == (reason or facts.tax_note)
    assert said.all(f"{TAX}/ram:ExemptionReasonCode") == code
    assert invoice_page(facts)["notes"][0] == (reason or facts.tax_note)


def test_the_zero_rate_gives_no_reason_but_keeps_the_note() -> None:
    zero = read(**FREE, tax_note="Zero-rated.")
    assert zero.all(f"{TAX}/ram:ExemptionReason") == []
    assert zero.one("ram:IncludedNote/ram:Content") == "Zero-rated."


def test_what_is_not_subject_to_tax_shows_no_vat_id() -> None:
    abroad = read(**FREE, country="US", tax_id="12-3456789")
    assert abroad.all("ram:SpecifiedTaxRegistration") == []
    assert abroad.all(f"{TAX}/ram:RateApplicablePercent") == []
    assert (abroad.one(f"{SELLER}/ram:ID"), abroad.one(f"{BUYER}/ram:ID")) == (
        "DE987654321",
        "12-3456789",
    )


# -- what cannot be one -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"currency": "KWD", "amount": Decimal("1000.005")}, "1000.005 KWD has more than two"),
        ({"currency": "BHD", "amount": Decimal("0.15")}, "0.029 BHD has more than two"),
        ({"country": None}, "The customer has no country."),
        ({"company": replace(BERLIN, country=None)}, "Set COMPANY_COUNTRY."),
        ({"company": replace(BERLIN, tax_id=None)}, "Set COMPANY_TAX_ID."),
        ({**VIENNA, "tax_id": None}, "nothing says why"),
        ({**VIENNA, "tax_id": "n/a", "tax_note": "Reverse charge"}, "needs the customer's VAT id"),
        ({**ADJUSTMENT, "billed": (replace(BILLED, amount=MOST),)}, "Above 70,000,000,000,000"),
        ({"amount": Decimal("70000000000000.01")}, "Above 70,000,000,000,000"),
        ({"tax": Decimal("190.01")}, "Its tax of 190.01 is not 19 % of 1000 USD."),
        ({**CREDIT, "amount": Decimal("1000.00")}, "Only a credit note is below zero."),
    ],
)
def test_what_cannot_be_an_e_invoice_says_why(changes: dict[str, Any], words: str) -> None:
    assert words in refusal(**changes)


def test_a_credit_of_several_takes_back_their_taxes_and_not_much_more() -> None:
    two = {**CREDIT, "refers_to": ("2026-000123", "2026-000130")}
    assert read(**two, tax=Decimal("-189.98")).one(f"{SUMS}/ram:TaxTotalAmount") == "189.98"
    assert "Its tax of -189.97" in refusal(**two, tax=Decimal("-189.97"))


def test_a_credit_whose_taxes_were_all_rounded_away_may_take_tax_the_other_way() -> None:
    """Of two invoices of 0.02 without tax, a credit of 0.03 gave back 0.01 of tax."""
    rest = {"unit_cost": None, "amount": Decimal("-0.01"), "tax": Decimal("0.01")}
    numbers = {"refers_to": ("2026-000123", "2026-000130"), "credited_before": ("CN-2026-1",)}
    credit = written_e_invoice(in_berlin(**{**CREDIT, **rest, **numbers}))
    assert broken_rules(credit) == []
    sums = ("TaxBasisTotalAmount", "TaxTotalAmount", "GrandTotalAmount")
    told = [Read(credit).one(f"{SUMS}/ram:{name}") for name in sums]
    assert told == ["0.01", "-0.01", "0.00"]


def test_schema_and_rules_each_find_what_the_other_does_not() -> None:
    right = written_e_invoice(in_berlin()).decode()
    exponent = right.replace(">0.004<", ">4E-3<")
    wrong_sum = right.replace(">1190.00</ram:GrandTotalAmount>", ">1190.01</ram:GrandTotalAmount>")
    assert broken_rules(right.encode()) == []
    assert any("4E-3" in one for one in broken_rules(exponent.encode()))
    assert any("BR-CO-15" in one for one in broken_rules(wrong_sum.encode()))
    assert broken_rules(right[:-9].encode()) != []
    no_number = broken_rules(right.replace(">19<", ">x<").encode())
    assert any(one.startswith("A rule could not be applied") for one in no_number)
    withdrawn = broken_rules(right.replace("USD", "BGN").encode())
    assert any("InvoiceCurrencyCode" in one for one in withdrawn), withdrawn


# -- the PDF that holds it ----------------------------------------------------------------

SHOWN: dict[str, dict[str, Any]] = {
    "ordinary": {},
    "credit": CREDIT,
    "adjustment": {"kind": BillKind.ADJUSTMENT, "amount": Decimal("7.25"), "unit_cost": None},
    "yen": {"currency": "JPY", "customer": "株式会社 東京"},
    "reverse charge": VIENNA,
    "intra-Community": {**VIENNA, "tax_note": "Intra-Community supply"},
}


@pytest.mark.parametrize("kind", SHOWN)
def test_others_find_nothing_amiss_with_the_pdf_and_take_the_e_invoice_out_of_it(
    kind: str, tmp_path: Path
) -> None:
    facts = in_berlin(**SHOWN[kind])
    document = drawn(facts)
    assert document.no_e_invoice is None
    assert document == drawn(facts)
    name, xml = get_xml_from_pdf(document.content)
    assert (name, xml) == ("factur-x.xml", written_e_invoice(facts))
    file = tmp_path / "invoice.pdf"
    file.write_bytes(document.content)
    assert not validate(str(file)).findings
    with pikepdf.open(file) as pdf:
        assert pdf.check_pdf_syntax() == []
        assert pdf.Root.AF[0].AFRelationship == "/Alternative"
        metadata = pdf.open_metadata()
        assert metadata.pdfa_status == "3B"
        assert (metadata["pdfuaid:part"], metadata["dc:title"]) == (
            "1",
            invoice_page(facts)["title"],
        )
        fx = "{urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#}"
        assert metadata[f"{fx}ConformanceLevel"] == "EN 16931"


def test_without_an_e_invoice_the_pdf_is_as_it_always_was_and_says_why() -> None:
    dinars = in_berlin(currency="KWD", amount=Decimal("1000.005"))
    document = drawn(dinars)
    assert document.content == InvoicePrinter().draw(dinars).content
    assert "more than two digits" in (document.no_e_invoice or "")
    low = drawn(in_berlin(tax_rate_percent=Decimal("0.25")))
    assert "BR-CO-17" in (low.no_e_invoice or "")
    assert not pikepdf.open(io.BytesIO(low.content)).attachments


def test_a_template_of_ones_own_makes_e_invoices_too(tmp_path: Path) -> None:
    ours = (TEMPLATES / "invoice.typ").read_text(encoding="utf-8")
    theirs = ours.replace("page-of.noun)", '"Rechnung / " + page-of.noun)')
    (tmp_path / "invoice.typ").write_text(theirs, encoding="utf-8")
    printer = InvoicePrinter(tmp_path, e_invoices=True)
    document = printer.draw(in_berlin())
    assert get_xml_from_pdf(document.content)[1] == written_e_invoice(in_berlin())
    assert "Rechnung / Invoice" in pdf_text(document.content)
    with pytest.raises(CannotBeDrawn, match="No font has"):
        printer.draw(in_berlin(customer="A 𐤀"))
