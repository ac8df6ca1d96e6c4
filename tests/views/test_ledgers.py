"""Entries as accounting programs read them: three of these run here, of others the format holds."""

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from handlers.documents.samples import samples
from handlers.ledgers.booking import TAXES
from handlers.ledgers.datev import COLUMNS
from handlers.ledgers.file import PROGRAMS, LedgerFile
from handlers.ledgers.programs import Batch
from handlers.ledgers.spreadsheets import XERO_COLUMNS
from models.bills.states import BillKind
from models.errors import Invalid
from models.exports.formats import LedgerFormat
from models.exports.ledger import LedgerEntry, LedgerSpan
from models.exports.ledger_accounts import Accounts, BadAccounts, Booked, Part, default_accounts
from models.settings import Company
from models.text import FORMULA
from tests.architecture.pages import page
from tests.harness.accounting import REAL, balances, sums, totals
from tests.views.samples import NAMES

[SAMPLE, *_] = samples(Company("Meridian AG"))
AWKWARD = (
    *NAMES.values(),
    *(
        "* Star",
        "! Bang",
        "(2026-000001) Paren",
        "a;b",
        "a|b",
        "a  ; b",
        "tab\there",
        "line\nbreak",
    ),
    *("=1+1", "@SUM(A1)", "-2", "'=x", "[2026-01-01]", "{lot} @ 5", "株式会社 漢字", "end \\", '"'),
)
Postings = list[tuple[str, Decimal, str]]


def entry(
    number: str = "2026-000001",
    net: str = "1000.00",
    tax: str = "190.00",
    currency: str = "EUR",
    *,
    is_reversal: bool = False,
    **said: Any,
) -> LedgerEntry:
    kind = BillKind.CREDIT if net.startswith("-") else BillKind.OVERAGE
    money = {"amount": Decimal(net), "tax": Decimal(tax), "currency": currency}
    rate = {"tax_rate_percent": Decimal(19) if Decimal(tax) else Decimal(0)}
    facts = replace(SAMPLE, **({"number": number, "kind": kind} | money | rate | said))
    return LedgerEntry(facts, 7, facts.issued_on, is_reversal)


def written(
    form: LedgerFormat, entries: Sequence[LedgerEntry], accounts: Accounts | None = None
) -> tuple[LedgerFile, bytes]:
    days = [one.dated for one in entries]
    currencies = tuple(sorted({one.facts.currency for one in entries}))
    span = LedgerSpan(len(entries), min(days), max(days), currencies)
    file, program = io.BytesIO(), PROGRAMS[form]
    made = LedgerFile(program, Batch(span, accounts or default_accounts(program.parts)), file)
    made.begin()
    for one in entries:
        made.add(one)
    made.finish()
    return made, file.getvalue()


def listed(**accounts: str) -> Accounts:
    return Accounts({(Part(part), None, None, None): name for part, name in accounts.items()})


def awkward_documents() -> list[LedgerEntry]:
    """Names that mean something to a program, and amounts of every exponent, size and sign."""
    amounts = (
        *(("1000.00", "190.00", "EUR"), ("-1000.00", "-190.00", "EUR"), ("35000", "0", "JPY")),
        *(("0.00", "0.00", "USD"), ("1234.567", "61.728", "KWD"), ("-0.001", "0.000", "KWD")),
        *(("12.3456", "0.0000", "CLF"), ("92233720368547758070000.01", "0.01", "USD")),
        ("0", "0", "JPY"),
    )
    made = [
        entry(f"2026-{at:06}", *amounts[at % len(amounts)], customer=name)
        for at, name in enumerate(AWKWARD, 1)
    ]
    return [*made, replace(made[2], is_reversal=True), entry("CN-2026-000001", "-5.00", "-0.95")]


def our_own_sums(entries: Sequence[LedgerEntry], accounts: Accounts) -> Postings:
    """By the amounts of the documents alone."""
    of = {part: accounts.of_file(part) or "" for part in (Part.RECEIVABLE, Part.REVENUE, Part.TAX)}
    found: Postings = []
    for one in entries:
        said, sign = one.facts, -1 if one.is_reversal else 1
        gross = said.amount + said.tax
        found += [(of[Part.RECEIVABLE], sign * gross, said.currency)]
        found += [(of[Part.REVENUE], -sign * said.amount, said.currency)]
        found += [(of[Part.TAX], -sign * said.tax, said.currency)]
    return found


@pytest.mark.parametrize("form", REAL)
def test_the_program_itself_adds_up_what_awkward_documents_come_to(
    form: LedgerFormat, tmp_path: Path
) -> None:
    entries, accounts = awkward_documents(), default_accounts(PROGRAMS[form].parts)
    made, content = written(form, entries)
    file = tmp_path / "entries"
    file.write_bytes(content)
    found = balances(form, file)
    assert found == sums(our_own_sums(entries, accounts))
    assert set(totals(found).values()) == {Decimal(0)}
    assert made.entries == len(entries)


ACCOUNTS = (
    *(
        "assets",
        "Assets:Receivable",
        "aktiva:forderungen (eur)",
        "10000",
        "1:2:3",
        "a b:c d",
        "a  b",
    ),
    *("(a:b)", "[a:b]", "a;b", "a ;b", "; a", "* a", "! a", "= a", "~ a", "@ a", "a @ b", "a = b"),
    *(
        "a:",
        ":a",
        "a::b",
        "a|b",
        "a{b}",
        "a\tb",
        "a\nb",
        "資産:売掛金",
        "Assets:Ä1",
        "Assets:ä",
        '"a"',
    ),
    *(
        "Assets",
        "Assets:a",
        "Assets:A_b",
        "Assets:A-b",
        "Assets:A--",
        "Assets:1",
        "Aktiva:A",
        "a:b ",
    ),
    *(
        "include",
        "account",
        "P",
        "2026-11-03",
        "-5",
        "5 EUR",
        "#a",
        "%a",
        "a#b",
        "a.b",
        "Assets:-A",
    ),
)
"""Some of which each program takes."""


@pytest.mark.parametrize("form", REAL)
def test_an_account_that_is_taken_is_that_account_in_the_program(
    form: LedgerFormat, tmp_path: Path
) -> None:
    program = PROGRAMS[form]
    pattern = program.parts[Part.RECEIVABLE].pattern
    taken = [one for one in ACCOUNTS if re.fullmatch(pattern, one)]
    accounts = default_accounts(program.parts)
    accounts.of |= {(Part.RECEIVABLE, at, None, None): one for at, one in enumerate(taken)}
    entries = [replace(entry(), customer_id=at) for at in range(len(taken))]
    file = tmp_path / "entries"
    file.write_bytes(written(form, entries, accounts)[1])
    revenue, tax = (accounts.of_file(part) for part in (Part.REVENUE, Part.TAX))
    assert set(balances(form, file)) == {*taken, revenue, tax}
    assert len(taken) >= 5


def test_currencies_are_told_each_by_itself() -> None:
    made, _ = written(LedgerFormat.LEDGER, awkward_documents()[:6])
    assert {currency: f"{amount.gross:f}" for currency, amount in made.sums.items()} == {
        **{"EUR": "-1190.00", "JPY": "35000", "USD": "0.00"},
        **{"KWD": "1296.294", "CLF": "12.3456"},
    }


def test_names_that_read_alike_are_told_apart_by_the_customers_number() -> None:
    for form in (LedgerFormat.HLEDGER, LedgerFormat.LEDGER):
        _, content = written(form, [entry(customer="a;b"), entry(customer="a,b")])
        assert content.decode().count("a,b") == 2
        assert content.decode().count("customer:") == 2


DATEV = {
    **{"consultant": "1001", "client": "42", "receivable": "10000"},
    **{"revenue": "8400", "tax": "1776"},
}


def datev(*entries: LedgerEntry, **accounts: str) -> tuple[list[str], list[dict[str, str]]]:
    _, content = written(LedgerFormat.DATEV, entries, listed(**DATEV | accounts))
    assert content.count(b"\n") == content.count(b"\r\n")
    head, names, *rows = csv.reader(io.StringIO(content.decode("cp1252")), delimiter=";")
    assert tuple(names) == COLUMNS
    return head, [dict(zip(names, row, strict=True)) for row in rows]


SHOWN = (
    *("Umsatz (ohne Soll/Haben-Kz)", "Soll/Haben-Kennzeichen", "Konto"),
    *("Gegenkonto (ohne BU-Schlüssel)", "Belegdatum", "Belegfeld 1", "Fälligkeit"),
)


def shown(row: dict[str, str]) -> tuple[str, ...]:
    return tuple(row[column] for column in SHOWN)


def test_datev_is_told_net_and_tax_each_on_its_account() -> None:
    head, rows = datev(entry(), entry("CN-2026-000001", "-10.00", "-1.90"))
    assert (len(head), len(COLUMNS)) == (31, 125)
    assert head[:6] == ["EXTF", "700", "21", "Buchungsstapel", "13", "20261103000000000"]
    assert head[10:16] == ["1001", "42", "20260101", "4", "20261103", "20261103"]
    assert list(map(shown, rows)) == [
        ("1000,00", "S", "10000", "8400", "0311", "2026-000001", "03122026"),
        ("190,00", "S", "10000", "1776", "0311", "2026-000001", "03122026"),
        ("10,00", "H", "10000", "8400", "0311", "CN-2026-000001", "03112026"),
        ("1,90", "H", "10000", "1776", "0311", "CN-2026-000001", "03112026"),
    ]


def test_datev_works_out_the_tax_where_the_account_says_so() -> None:
    [row] = datev(entry(), tax="automatic", tax_key="3")[1]
    assert (row["Umsatz (ohne Soll/Haben-Kz)"], row["BU-Schlüssel"]) == ("1190,00", "0003")
    made, _ = written(
        LedgerFormat.DATEV,
        [entry(tax="190.01"), entry("2026-000002", "0.00", "0.00")],
        listed(**DATEV | {"tax": "automatic"}),
    )
    assert ["190.01" in made.told[0], "comes to nothing" in made.told[1]] == [True, True]


def test_datev_is_told_whose_it_is_though_it_has_no_signs_for_the_name() -> None:
    _, rows = datev(*(entry(customer=name) for name in ("株式会社", 'Zoë "Z" & Söhne;', "x" * 200)))
    texts = [row["Buchungstext"] for row in rows[::2]]
    assert texts[:2] == ["???? #7 2026-10", 'Zoë "Z" & Söhne; #7 2026-10']
    assert len(texts[2]) == 60
    assert texts[2].endswith("x #7 2026-10")


def test_datev_takes_one_financial_year_and_ten_digits() -> None:
    next_year = replace(entry(), dated=date(2027, 1, 1))
    with pytest.raises(Invalid, match="two financial years"):
        datev(entry(), next_year)
    assert datev(entry(), next_year, year_begins="07-01")[0][12] == "20260701"
    with pytest.raises(Invalid, match="more than"):
        datev(entry(net="10000000000.00", tax="0.00"))


def test_datev_learns_the_vat_id_of_whoever_owes_the_tax() -> None:
    said = {"tax": "0.00", "tax_id": "FR 40 303265045", "country": "FR"}
    [row] = datev(entry(**said))[1]
    assert row["EU-Land u. UStID (Bestimmung)"] == "FR40303265045"


def spreadsheet(
    form: LedgerFormat, *entries: LedgerEntry, **accounts: str
) -> tuple[LedgerFile, list[dict[str, str]]]:
    made, content = written(form, entries, listed(**accounts))
    return made, list(csv.DictReader(io.StringIO(content.decode(), newline="")))


XERO = {"revenue": "200", "tax": "20% (VAT on Income)"}
BOOKS = {"receivable": "Accounts Receivable (A/R)", "revenue": "Sales:Overage", "tax": "VAT"}


def test_xero_is_told_an_invoice_a_line() -> None:
    void = replace(entry(), is_reversal=True)
    made, rows = spreadsheet(
        LedgerFormat.XERO, entry(), entry("2026-000002", tax="190.01"), void, **XERO
    )
    assert tuple(rows[0]) == XERO_COLUMNS
    first = rows[0]
    assert (first["*InvoiceDate"], first["*DueDate"]) == ("03/11/2026", "03/12/2026")
    assert (first["*UnitAmount"], first["TaxAmount"], first["Total"]) == (
        "1000.00",
        "190.00",
        "1190.00",
    )
    assert (first["*AccountCode"], first["*TaxType"], first["Currency"]) == (*XERO.values(), "EUR")
    assert (rows[2]["*InvoiceNumber"], rows[2]["*UnitAmount"]) == ("2026-000001-VOID", "-1000.00")
    assert ["2026-000002 is 190.01 EUR" in told for told in made.told] == [True]


def test_xero_wants_to_be_told_of_no_tax_too() -> None:
    with pytest.raises(BadAccounts) as refused:
        written(LedgerFormat.XERO, [entry(tax="0.00", tax_note="Exempt")], listed(revenue="200"))
    assert str(refused.value.flaws[0]).startswith("line 2, account: is missing: 2026-000001 to ")
    assert str(refused.value.flaws[0]).endswith("Add a line such as tax,,EUR,exempt,ACCOUNT")


def test_a_journal_of_quickbooks_balances_entry_by_entry() -> None:
    entries = [*awkward_documents()]
    _, rows = spreadsheet(LedgerFormat.QUICKBOOKS, *entries, **BOOKS)
    found = sums(
        (
            row["JournalNo"],
            Decimal(row["Debits"] or 0) - Decimal(row["Credits"] or 0),
            row["Currency"],
        )
        for row in rows
    )
    assert found == {}
    assert len({row["JournalNo"] for row in rows}) == len(entries)
    assert all(bool(row["Debits"]) != bool(row["Credits"]) for row in rows)
    assert {row["JournalDate"] for row in rows} == {"11/03/2026"}
    assert {row["AccountName"] for row in rows} == set(BOOKS.values())


@pytest.mark.parametrize(
    ("form", "accounts", "column"),
    [(LedgerFormat.XERO, XERO, "*ContactName"), (LedgerFormat.QUICKBOOKS, BOOKS, "Name")],
)
def test_no_name_is_a_formula_and_two_names_stay_two(
    form: LedgerFormat, accounts: dict[str, str], column: str
) -> None:
    names = [name for name in AWKWARD if name.isprintable()]
    _, rows = spreadsheet(form, *(entry(customer=name) for name in names), **accounts)
    cells = {row[column] for row in rows}
    assert len(cells) == len(set(names))
    assert not [one for one in cells if re.search(FORMULA, one) and not one.startswith("'")]


EUROPE = Booked(7, "EUR", Decimal("19.00"), None)


@pytest.mark.parametrize(
    ("lines", "chosen"),
    [
        ([(None, None, None), (None, None, "EUR")], 1),
        ([(None, None, "EUR"), (None, Decimal(19), None)], 1),
        ([(None, Decimal(19), "EUR"), (7, None, None)], 1),
        ([(7, None, None), (7, None, "EUR"), (None, Decimal(19), "EUR")], 1),
        ([(8, None, None), (None, Decimal(7), None), (None, None, "USD")], None),
    ],
)
def test_of_the_lines_that_fit_the_one_counts_that_says_most(
    lines: list[tuple[Any, ...]], chosen: int | None
) -> None:
    accounts = Accounts({(Part.REVENUE, *line): str(at) for at, line in enumerate(lines)})
    assert accounts.account(Part.REVENUE, EUROPE) == (None if chosen is None else str(chosen))


def test_what_the_tax_is_called_counts_before_its_rate_of_nothing() -> None:
    lines = {"reverse charge": "8336", Decimal(0): "8200"}
    accounts = Accounts({(Part.REVENUE, None, tax, None): to for tax, to in lines.items()})
    none = Booked(7, "EUR", Decimal(0), "reverse charge")
    assert accounts.account(Part.REVENUE, none) == "8336"
    assert accounts.account(Part.REVENUE, replace(none, tax="exempt")) == "8200"


GUIDE = page("docs/how-to/hand-over-to-accounting.md")
EXAMPLE = entry("2026-000123", customer="Acme GmbH")


@pytest.mark.parametrize("form", [*REAL, LedgerFormat.QUICKBOOKS])
def test_the_guide_shows_what_is_written_as_text(form: LedgerFormat) -> None:
    chosen = listed(**BOOKS) if form is LedgerFormat.QUICKBOOKS else None
    _, content = written(form, [EXAMPLE], chosen)
    shown_entry = content.decode() if chosen else content.decode().partition("\n\n")[2]
    shown_entry = shown_entry or content.decode().lstrip("\n")
    assert shown_entry in GUIDE.text


def test_the_guide_shows_each_field_that_is_filled() -> None:
    _, [net, tax] = datev(EXAMPLE)
    _, [invoice] = spreadsheet(LedgerFormat.XERO, EXAMPLE, **XERO)
    tables = {table.heading: table.rows for table in GUIDE.tables}
    filled = [(name, net[name], tax[name]) for name in COLUMNS if net[name]]
    assert [tuple(map(_bare, row)) for row in tables["DATEV"]] == filled
    assert [tuple(map(_bare, row)) for row in tables["Xero"]] == [
        (name, invoice[name]) for name in XERO_COLUMNS if invoice[name]
    ]


def _bare(cell: str) -> str:
    return cell.strip("`")


def test_the_guide_names_every_part_that_any_program_has() -> None:
    tables = {table.heading: table.rows for table in GUIDE.tables}
    told = {part.strip("`") for row in tables["Your accounts"] for part in row[0].split(", ")}
    assert told == {part for program in PROGRAMS.values() for part in program.parts} == set(Part)
    assert all(f"`{tax}`" in GUIDE.text for tax in TAXES)
