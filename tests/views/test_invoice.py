"""Documents as customers read them, and the mails they come with."""

import io
import re
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from handlers.documents.bill_email import BillEmail
from handlers.documents.printer import TEMPLATES, InvoicePrinter
from handlers.documents.samples import samples
from handlers.wording.invoice_page import invoice_page
from handlers.wording.number_format import NO_BREAK, NumberFormat
from models.bills.documents import PDF, CannotBeDrawn
from models.bills.invoice_data import BilledCalls, InvoiceData, Proration
from models.bills.states import BillKind
from models.money import taxed
from models.period import Period
from models.settings import Company
from models.usage.usage import UsageMonth
from tests.harness.pdf import pdf_text
from tests.views.samples import NAMES

MERIDIAN = Company(
    "Meridian API AG", "5 Bay Road, 8001 Zürich", "CH", "CHE-987.654.321", 30, "IBAN CH93 0076"
)
YEAR = tuple(
    UsageMonth(Period(2025, 11).plus(month), calls, 1_000_000, "USD")
    for month, calls in enumerate([*[700_000] * 4, None, *[900_000] * 6, 1_250_000])
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
    months=YEAR,
)
CREDIT: dict[str, Any] = {
    "kind": BillKind.CREDIT,
    "number": "CN-2026-000007",
    "overage_units": -250_000,
    "amount": Decimal("-1000.00"),
    "refers_to": ("2026-000123",),
}
BILLED = BilledCalls("2026-000123", 250_000, Decimal("0.004"), Decimal("1000.00"))
ADJUSTMENT: dict[str, Any] = {
    "kind": BillKind.ADJUSTMENT,
    "number": "2026-000124",
    "api_usage": 1_300_000,
    "overage_units": 50_000,
    "amount": Decimal("200.00"),
    "refers_to": ("2026-000123",),
    "billed": (BILLED,),
}


def issued(**changes: Any) -> InvoiceData:
    """With the tax on its amount."""
    facts = replace(ACME, **changes)
    tax = taxed(facts.amount, facts.tax_rate_percent, facts.currency).tax
    return replace(facts, tax=changes.get("tax", tax))


def page(**changes: Any) -> dict[str, Any]:
    return invoice_page(issued(**changes))


def printed(**changes: Any) -> str:
    return pdf_text(InvoicePrinter().draw(issued(**changes)).content)


def sums(**changes: Any) -> dict[str, str]:
    return dict(page(**changes)["sums"])


def calls(**changes: Any) -> dict[str, str]:
    return {what: calls for what, calls, _ in page(**changes)["rows"]}


def amounts(**changes: Any) -> dict[str, str]:
    return {what: amount for what, _, amount in page(**changes)["rows"] if amount}


# -- what stands there --------------------------------------------------------------------


def test_an_invoice_reads_from_who_to_whom_to_what_is_due() -> None:
    lines = printed().splitlines()
    in_order = (
        *("Invoice", "From", "Meridian API AG", "5 Bay Road", "8001 Zürich", "Switzerland"),
        *("Tax ID CHE-987.654.321", "To", "Acme Corp", "1 Example Street", "10115 Berlin"),
        *("Germany", "Tax ID DE123456789", "Number2026-000123", "Date3 November 2026"),
        *("Due3 December 2026", "ForAPI calls in October 2026", "Calls used1,250,000"),
        *("Calls included1,000,000", "Calls over the limit250,000"),
        *("250,000 calls × $0.004$1,000.00", "Net$1,000.00", "Tax 8.1 %$81.00"),
        *("Total due$1,081.00", "Please pay $1,081.00 by 3 December 2026, and name 2026-000123."),
        "IBAN CH93 0076",
    )
    squeezed = [line.replace(" ", "") for line in lines]
    places = [squeezed.index(one.replace(" ", "")) for one in in_order]
    assert places == sorted(places)


def test_it_is_due_so_many_days_after_its_date() -> None:
    assert dict(page(payment_days=0)["about"])["Due"] == "3 November 2026"
    assert dict(page(payment_days=90)["about"])["Due"] == "1 February 2027"


def test_without_a_tax_rate_the_customers_note_says_why() -> None:
    note = "Reverse charge: the recipient accounts for the tax."
    free = {"tax_rate_percent": Decimal(0), "tax_note": note}
    assert sums(**free) == {"Net": "$1,000.00", "Tax 0 %": "$0.00", "Total due": "$1,000.00"}
    assert page(**free)["notes"][0] == note
    assert page(tax_rate_percent=Decimal(0))["notes"][0] == "No tax is charged."
    assert note not in page(tax_note=note)["notes"]


def test_a_prorated_limit_says_how_it_came_about() -> None:
    share = Proration(3100, 21, 31)
    assert "3,100 × 21/31 days = 2,100" in calls(limit_calls=2100, proration=share)
    share = Proration(1000, 10, 31)
    assert "1,000 × 10/31 days = 323, rounded up" in calls(limit_calls=323, proration=share)


def test_a_credit_note_names_what_it_takes_back_and_asks_for_nothing() -> None:
    both = {"refers_to": ("2026-000123", "2026-000124"), "credited_before": ("CN-2026-000006",)}
    text = printed(**CREDIT | both)
    assert "Credit note" in text.splitlines()
    assert "2026-000123 and 2026-000124" in text
    assert dict(page(**CREDIT | both)["about"])["Less"] == "CN-2026-000006"
    assert calls(**CREDIT)["Calls credited"] == "−250,000"
    assert sums(**CREDIT)["Total credited"] == "−$1,081.00"
    assert "We credit you with $1,081.00. There is nothing to pay." in text
    assert not {"Due", "IBAN CH93 0076"} & {*text.split("\n")}


def test_an_adjustment_shows_what_was_billed_before_and_now_and_the_difference() -> None:
    assert dict(page(**ADJUSTMENT)["about"])["Adjusts"] == "2026-000123"
    assert page(**ADJUSTMENT)["rows"][2:] == [
        ("Calls over the limit", "300,000", ""),
        ("300,000 calls × $0.004", "", "$1,200.00"),
        ("Billed by 2026-000123: 250,000 calls × $0.004", "−250,000", "−$1,000.00"),
        ("Calls billed in addition", "50,000", ""),
    ]
    assert sums(**ADJUSTMENT)["Net"] == "$200.00"
    cost = Decimal("0.0007")
    dinar = {"currency": "KWD", "overage_units": 2, "unit_cost": cost, "amount": Decimal("0.001")}
    one = BilledCalls("2026-000123", 1, cost, Decimal("0.001"))
    assert amounts(**ADJUSTMENT | dinar | {"billed": (one,)}) == {
        f"3 calls × KWD{NO_BREAK}0.0007": f"KWD{NO_BREAK}0.002",
        f"Billed by 2026-000123: 1 call × KWD{NO_BREAK}0.0007": f"−KWD{NO_BREAK}0.001",
    }


def test_a_credit_over_several_documents_shows_what_each_had_billed() -> None:
    """One of them at another price, and one a credit itself."""
    dearer = BilledCalls("2026-000124", 50_000, Decimal("0.005"), Decimal("500.00"))
    credited = BilledCalls("CN-2026-000006", -20_000, Decimal("0.005"), Decimal("-100.00"))
    all_of_it = {
        "kind": BillKind.CREDIT, "api_usage": 1_280_000, "unit_cost": Decimal("0.005"),
        "overage_units": -280_000, "amount": Decimal("-1400.00"),
        "billed": (BILLED, dearer, credited),
    }  # fmt: skip
    assert page(**all_of_it)["rows"][2:] == [
        ("Calls over the limit", "280,000", ""),
        ("Calls billed now", "0", ""),
        ("Billed by 2026-000123: 250,000 calls × $0.004", "−250,000", "−$1,000.00"),
        ("Billed by 2026-000124", "−50,000", "−$500.00"),
        ("Credited by CN-2026-000006: 20,000 calls × $0.005", "20,000", "$100.00"),
        ("Calls credited", "−280,000", ""),
    ]
    assert sums(**all_of_it)["Net"] == "−$1,400.00"


def test_a_correction_of_many_documents_names_every_one_of_them_also_in_its_mail() -> None:
    numbers = [f"2026-{number:06}" for number in range(1, 21)]
    many = {**CREDIT, "refers_to": numbers[:15], "credited_before": numbers[5:]}
    about = dict(page(**many)["about"])
    assert about["Credits"].replace(" and ", ", ").split(", ") == numbers[:15]
    assert about["Less"].replace(" and ", ", ").split(", ") == numbers[5:]
    assert f"which corrects {about['Credits']}." in BillEmail.about(issued(**many)).text


def test_an_invoice_that_stands_for_another_names_it() -> None:
    assert dict(page(refers_to=("2026-000099",))["about"])["Replaces"] == "2026-000099"


def test_a_difference_that_is_no_multiplication_is_not_written_as_one() -> None:
    odd = {"kind": BillKind.ADJUSTMENT, "overage_units": 0, "amount": Decimal("12.34")}
    assert amounts(**odd) == {"Difference to what was billed before": "$12.34"}


def test_units_that_finance_set_by_hand_stand_beside_those_counted() -> None:
    fewer = {"overage_units": 200_000, "amount": Decimal("800.00")}
    told = calls(**fewer)
    assert (told["Calls over the limit"], told["Calls billed"]) == ("250,000", "200,000")
    assert amounts(**fewer) == {"200,000 calls × $0.004": "$800.00"}


def test_the_tax_is_the_one_that_was_issued() -> None:
    assert sums(tax=Decimal("80.99"))["Total due"] == "$1,080.99"


def test_an_amount_of_any_length_is_asked_for_to_the_last_digit() -> None:
    much = Decimal("9" * 40 + ".05")
    facts = {"amount": much, "tax_rate_percent": Decimal(0)}
    assert f"Please pay ${much:,} by 3 December 2026" in page(**facts)["notes"][1]
    assert f"Total due: ${much:,}, by" in BillEmail.about(issued(**facts)).text


def test_all_that_a_customer_reads_has_the_figures_of_its_locale() -> None:
    much = YEAR[-1].calls
    assert much
    fewer = replace(YEAR[-2], calls=40_000)
    german = issued(locale="de_DE", months=(*YEAR[:-2], fewer, YEAR[-1]))
    finding = invoice_page(german)["chart"]["finding"]
    assert "made 1.250.000 calls in October 2026, 3.025 % more" in finding
    assert "with 1.000.000 included" in finding
    assert "Total due: 1.081,00\xa0$, by" in BillEmail.about(german).text
    assert "12,50,000 calls" in page(locale="hi_IN")["chart"]["finding"]


# -- figures ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("locale", "currency", "value", "written"),
    [
        ("en", "USD", "-1000.50", "−$1,000.50"),
        ("de_DE", "EUR", "1234567.50", "1.234.567,50 €"),
        ("de_CH", "CHF", "1234.50", "CHF 1’234.50"),
        ("fr_FR", "EUR", "1234.50", "1 234,50 €"),
        ("ja_JP", "JPY", "94588", "￥94,588"),
        ("en", "KWD", "1216.125", "KWD 1,216.125"),
        ("en", "IQD", "1.250", "IQD 1.250"),
        ("sv_SE", "HUF", "5.50", "5,50 HUF"),
        ("en", "USD", "-0.00", "$0.00"),
        ("en", "USD", "9" * 60 + ".05", f"${int('9' * 60):,}.05"),
    ],
)
def test_amounts_are_written_as_the_customer_writes_them_with_isos_digits(
    locale: str, currency: str, value: str, written: str
) -> None:
    found = NumberFormat(locale).amount(Decimal(value), currency)
    assert found.translate({0xA0: " ", 0x202F: " "}) == written


def test_a_price_and_a_rate_have_all_their_decimals() -> None:
    assert NumberFormat("de_DE").percent(Decimal("7.73750")) == "7,7375 %"
    assert NumberFormat("en").percent(Decimal(20)) == "20 %"
    assert NumberFormat("en").price(Decimal("0.0000000001"), "USD") == "$0.0000000001"
    assert NumberFormat("de_DE").price(Decimal("0.5000000000"), "EUR") == "0,50\xa0€"


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


def test_what_a_document_says_is_read_back_as_it_was_kept() -> None:
    awkward = replace(
        ACME, amount=Decimal("0.10"), unit_cost=Decimal("0.0000000001"), customer='"\\\n株 \u2028',
        refers_to=("2026-000001",), proration=Proration(3, 2, 1),
        billed=(BilledCalls("2026-000001", 1, None, Decimal("0.10")),),
    )  # fmt: skip
    assert InvoiceData.from_json(awkward.as_json()) == awkward


# -- the file -----------------------------------------------------------------------------


def test_the_same_facts_make_the_same_bytes() -> None:
    first = InvoicePrinter().draw(ACME)
    assert first.media_type == PDF
    assert InvoicePrinter().draw(replace(ACME, number="2026-000124")).content != first.content
    assert InvoicePrinter().draw(ACME) == first


def test_it_says_that_it_is_pdf_a_and_pdf_ua_and_describes_its_chart() -> None:
    content = InvoicePrinter().draw(ACME).content
    reader = PdfReader(io.BytesIO(content))
    catalog = reader.trailer["/Root"]
    xmp = catalog["/Metadata"].get_data().decode()
    assert "<pdfaid:part>3</pdfaid:part>" in xmp
    assert "<pdfaid:conformance>B</pdfaid:conformance>" in xmp
    assert "<pdfuaid:part>1</pdfuaid:part>" in xmp
    assert (catalog["/Lang"], catalog["/MarkInfo"]["/Marked"]) == ("en", True)
    assert reader.metadata and reader.metadata.title == "Invoice 2026-000123"
    alternatives = [one for one in _alternatives(catalog["/StructTreeRoot"]) if one]
    assert any("Acme Corp made 1,250,000 calls in October 2026" in one for one in alternatives)


def _alternatives(node: Any) -> list[str]:
    node = node.get_object() if hasattr(node, "get_object") else node
    if isinstance(node, list):
        return [one for child in node for one in _alternatives(child)]
    if not isinstance(node, dict):
        return []
    return [str(node.get("/Alt", "")), *_alternatives(node.get("/K", []))]


@pytest.mark.parametrize(
    "called",
    [
        *NAMES.values(),
        *("W" * 300, "株式会社" * 40, "a\r\nb\x00\u202ec", "شركة المثال للتجارة", "한국 주식회사"),
        *("בע״מ דוגמה", "บริษัท ตัวอย่าง", "उदाहरण लिमिटेड", "Ελλάδα ΑΕ", "ООО «Пример»", "ምሳሌ"),
        *("შპს მაგალითი", "Օրինակ ՍՊԸ", "ઉદાહરણ", "ਉਦਾਹਰਣ", "ಉದಾಹರಣೆ", "ഉദാഹരണം", "ଉଦାହରଣ", "උදාහරණය"),
        *("Rocket 🚀 Labs", "👍🏽 ❤️ 🇩🇪", "Star ★ ⚖ Law"),
    ],
)  # fmt: skip
def test_names_of_many_scripts_and_any_length_are_drawn_within_the_page(called: str) -> None:
    facts = issued(
        customer=called, billing_address=called, tax_id=called, tax_note=called,
        tax_rate_percent=Decimal(0),
        company=replace(MERIDIAN, name=called, address=called, payment_note=called),
    )  # fmt: skip
    assert InvoicePrinter().draw(facts).content.startswith(b"%PDF-1.7")


def test_a_word_that_fits_a_line_is_found_whole_and_a_longer_one_stays_within_its_column() -> None:
    company = "Hohenlohe-Schillingsfürst"
    works = "Donaudampfschifffahrtsgesellschaft"
    name, long = f"{company} {works} 株式会社東京コーポレーション", "W" * 90
    facts = issued(customer=name, billing_address=f"{long}\nBeteiligungsgesellschaft 1")
    reader = PdfReader(io.BytesIO(InvoicePrinter().draw(facts).content))
    text = reader.pages[0].extract_text()
    found = {word: text.count(word) for word in (company, works, "Beteiligungsgesellschaft")}
    assert found == {company: 2, works: 2, "Beteiligungsgesellschaft": 1}
    cut = {line.strip() for line in text.splitlines() if "\u200b" in line}
    assert set("".join(cut)) == {"W", "\u200b"}
    shown = text.replace("\u200b", "").splitlines()
    runs = [len(line.strip()) for line in shown if line.startswith("WW")]
    assert sum(runs) == 90
    assert max(runs) < 30


@pytest.mark.parametrize("called", ["شركة المثال 2020 Ltd", "Ltd 2020 שלום"])
def test_a_name_is_read_in_one_direction_wherever_it_stands(called: str) -> None:
    page_ = page(customer=called, billing_address=f"{called}\nRoad 5", tax_note=called)
    isolated = f"\u2068{called}\u2069"
    assert page_["customer"]["name"] == isolated
    assert page_["customer"]["lines"][:2] == [isolated, "Road 5"]
    assert page_["chart"]["finding"].startswith(f"{isolated} made")


def test_how_to_pay_is_read_in_one_piece_where_a_page_ends_and_goes_on_where_it_fills_one() -> None:
    full = replace(MERIDIAN, address="\n".join(f"{n} Road" for n in range(30)))
    long = replace(MERIDIAN, payment_note="\n".join(f"Note {n}." for n in range(70)))
    pages = [
        [one.extract_text() for one in PdfReader(io.BytesIO(document.content)).pages]
        for document in (InvoicePrinter().draw(issued(company=one)) for one in (full, long))
    ]
    (asks,) = (page for page in pages[0] if "Please pay" in page)
    assert "IBAN CH93 0076" in asks
    assert any("Note 69." in page for page in pages[1])
    assert "Please pay" in pages[1][0]


def test_a_sign_that_no_font_has_is_named_with_where_it_stands() -> None:
    with pytest.raises(CannotBeDrawn, match=r"“𐤀” \(U\+10900\), which stands in COMPANY_ADDRESS\."):
        InvoicePrinter().draw(issued(company=replace(MERIDIAN, address="1 𐤀 Road")))
    with pytest.raises(CannotBeDrawn, match="the customer's name and the customer's note on tax"):
        InvoicePrinter().draw(issued(customer="A 𐤀", tax_note="𐤀", tax_rate_percent=Decimal(0)))
    places = "the customer's name and the customer's billing address"
    with pytest.raises(CannotBeDrawn, match=rf"“𐤀𐤁𐤂” \(.*\), which stand in {places}"):
        InvoicePrinter().draw(issued(customer="𐤀𐤁", billing_address="1 𐤂 Road"))
    places = "the customer's name and the customer's billing address"
    with pytest.raises(CannotBeDrawn, match=rf"“𐤀𐤁𐤂” \(.*\), which stand in {places}"):
        InvoicePrinter().draw(issued(customer="𐤀𐤁", billing_address="1 𐤂 Road"))


def test_without_any_usage_known_there_is_no_chart() -> None:
    empty = tuple(replace(month, calls=None) for month in YEAR)
    for months in ((), empty):
        assert page(months=months)["chart"] is None
        assert "Usage of twelve months" not in printed(months=months)


def test_a_chart_tells_what_is_over_and_what_is_not_known() -> None:
    columns = page()["chart"]["columns"]
    assert (columns[-1]["within"], columns[-1]["over"], columns[-1]["limit"]) == (0.8, 0.2, 0.8)
    assert [column["known"] for column in columns].count(False) == 1
    assert [column["year"] for column in columns if column["year"]] == ["2025", "2026"]


def test_months_before_the_contract_are_blank_in_the_chart_and_no_question() -> None:
    new = tuple(replace(month, calls=None, in_contract=False) for month in YEAR[:6])
    assert [one["in_contract"] for one in page(months=(*new, *YEAR[6:]))["chart"]["columns"]] == (
        [False] * 6 + [True] * 6
    )
    known = [replace(month, calls=1) for month in YEAR[6:]]
    assert "?" not in printed(months=(*new, *known))
    assert "?" in printed(months=(*(replace(one, in_contract=True) for one in new), *known))


def test_a_template_of_ones_own_takes_the_place_of_ours(tmp_path: Path) -> None:
    ours = (TEMPLATES / "invoice.typ").read_text(encoding="utf-8")
    own = ours.replace("page-of.noun)", '"Rechnung / " + page-of.noun)')
    (tmp_path / "invoice.typ").write_text(own, encoding="utf-8")
    assert "Rechnung / Invoice" in pdf_text(InvoicePrinter(tmp_path).draw(ACME).content)
    nameless = re.sub(r"font: \(.*?\)", 'font: "Nothing"', ours, count=1, flags=re.DOTALL)
    (tmp_path / "invoice.typ").write_text(nameless, encoding="utf-8")
    with pytest.raises(CannotBeDrawn, match="no text on its pages"):
        InvoicePrinter(tmp_path).draw(ACME)
    (tmp_path / "invoice.typ").write_text("#page-of.nothing", encoding="utf-8")
    with pytest.raises(CannotBeDrawn, match=r"cannot draw it: .* \(invoice\.typ:\d+:\d+\)"):
        InvoicePrinter(tmp_path).draw(ACME)


def test_what_is_tried_at_the_start_is_one_of_each_kind() -> None:
    tried = samples(MERIDIAN)
    assert {one.kind for one in tried} == {*BillKind}
    for one in tried:
        assert InvoicePrinter().draw(one).content


# -- the mail -----------------------------------------------------------------------------


def test_a_mail_says_what_it_brings() -> None:
    email = BillEmail.about(ACME)
    assert email.subject == "Invoice 2026-000123 from Meridian API AG for October 2026"
    text = email.text
    assert "Dear Acme Corp," in text
    assert "Total due: $1,081.00, by 3 December 2026." in text


def test_a_mail_with_a_credit_note_says_what_it_corrects() -> None:
    credit = issued(**CREDIT)
    assert BillEmail.about(credit).subject.startswith("Credit note CN-2026-000007 from")
    text = BillEmail.about(credit).text
    assert "which corrects 2026-000123." in text
    assert "Total credited: $1,081.00." in text
