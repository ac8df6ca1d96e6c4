"""Entries for DATEV: a posting batch of its format (EXTF 700, posting batches 13).

By what DATEV publishes: its own checking program cannot be run here. Euros alone, since another
currency takes a rate of exchange, which no document has; and days have no year, so a file is of one
financial year.
"""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from handlers.ledgers.booking import Booking, on_one_line
from handlers.ledgers.programs import Batch, Program
from handlers.wording.tax_categories import vat_id
from models.errors import Invalid
from models.exports.formats import LedgerFormat
from models.exports.ledger_accounts import AccountForm, Part

AUTOMATIC = "automatic"
EURO = "EUR"
TEXT_CHARS = 60
MOST = Decimal("9999999999.99")


def _pairs(first: str, second: str, count: int) -> tuple[str, ...]:
    return tuple(f"{one} {at}" for at in range(1, count + 1) for one in (first, second))


COLUMNS = (
    *("Umsatz (ohne Soll/Haben-Kz)", "Soll/Haben-Kennzeichen", "WKZ Umsatz", "Kurs"),
    *("Basis-Umsatz", "WKZ Basis-Umsatz", "Konto", "Gegenkonto (ohne BU-Schlüssel)"),
    *("BU-Schlüssel", "Belegdatum", "Belegfeld 1", "Belegfeld 2", "Skonto", "Buchungstext"),
    *("Postensperre", "Diverse Adressnummer", "Geschäftspartnerbank", "Sachverhalt"),
    *("Zinssperre", "Beleglink"),
    *_pairs("Beleginfo - Art", "Beleginfo - Inhalt", 8),
    *("KOST1 - Kostenstelle", "KOST2 - Kostenstelle", "Kost-Menge"),
    *("EU-Land u. UStID (Bestimmung)", "EU-Steuersatz (Bestimmung)", "Abw. Versteuerungsart"),
    *("Sachverhalt L+L", "Funktionsergänzung L+L", "BU 49 Hauptfunktionstyp"),
    *("BU 49 Hauptfunktionsnummer", "BU 49 Funktionsergänzung"),
    *_pairs("Zusatzinformation - Art", "Zusatzinformation- Inhalt", 20),
    *("Stück", "Gewicht", "Zahlweise", "Forderungsart", "Veranlagungsjahr"),
    *("Zugeordnete Fälligkeit", "Skontotyp", "Auftragsnummer", "Buchungstyp"),
    *("USt-Schlüssel (Anzahlungen)", "EU-Land (Anzahlungen)", "Sachverhalt L+L (Anzahlungen)"),
    *("EU-Steuersatz (Anzahlungen)", "Erlöskonto (Anzahlungen)", "Herkunft-Kz", "Buchungs GUID"),
    *("KOST-Datum", "SEPA-Mandatsreferenz", "Skontosperre", "Gesellschaftername"),
    *("Beteiligtennummer", "Identifikationsnummer", "Zeichnernummer", "Postensperre bis"),
    *("Bezeichnung SoBil-Sachverhalt", "Kennzeichen SoBil-Buchung", "Festschreibung"),
    *("Leistungsdatum", "Datum Zuord. Steuerperiode", "Fälligkeit", "Generalumkehr (GU)"),
    *("Steuersatz", "Land", "Abrechnungsreferenz", "BVV-Position"),
    *("EU-Land u. UStID (Ursprung)", "EU-Steuersatz (Ursprung)", "Abw. Skontokonto"),
)


def _check(batch: Batch) -> None:
    span = batch.span
    if span.first and span.last and _year_of(span.first, batch) != _year_of(span.last, batch):
        raise Invalid(
            f"DATEV's days have no year, and these are of {span.first:%Y-%m} to {span.last:%Y-%m},"
            " in two financial years. Export one month at a time with --dated."
        )


def _year_of(day: date, batch: Batch) -> date:
    """When its financial year began."""
    month, first = map(int, batch.setting(Part.YEAR_BEGINS, "01-01").split("-"))
    begins = day.replace(month=month, day=first)
    return begins if begins <= day else begins.replace(year=begins.year - 1)


def _head(batch: Batch) -> str:
    """Made on the day of its latest entry, so that the same entries make the same file."""
    first, last = batch.span.first or date(2000, 1, 1), batch.span.last or date(2000, 1, 1)
    fields = (
        *('"EXTF"', "700", "21", '"Buchungsstapel"', "13", f"{last:%Y%m%d}000000000", ""),
        *('"CS"', '""', '""', batch.setting(Part.CONSULTANT), batch.setting(Part.CLIENT)),
        *(f"{_year_of(last, batch):%Y%m%d}", batch.setting(Part.ACCOUNT_DIGITS, "4")),
        *(f"{first:%Y%m%d}", f"{last:%Y%m%d}", '"Countersign"', '""', "1", "0", "0", '"EUR"'),
        *("", '""', "", "", '""', "", "", '""', '""'),
    )
    return f"{';'.join(fields)}\n{';'.join(COLUMNS)}\n"


def _entry(booking: Booking, batch: Batch) -> str:
    """Net and tax against the customer; or both at once, where DATEV works out the tax. What comes
    to nothing is no posting.
    """
    return "".join(_line(booking, account, amount) for account, amount in _amounts(booking))


def _amounts(booking: Booking) -> Iterator[tuple[str, Decimal]]:
    is_split = booking.tax and booking.tax_account != AUTOMATIC
    if amount := booking.net if is_split else booking.gross:
        yield booking.revenue, amount
    if is_split:
        yield booking.tax_account, booking.tax


def _line(booking: Booking, account: str, amount: Decimal) -> str:
    if abs(amount) > MOST:
        raise Invalid(f"{booking.number} comes to more than the {MOST:f} that DATEV takes.")
    facts = booking.facts
    is_net = account == booking.revenue
    told = {
        "Umsatz (ohne Soll/Haben-Kz)": f"{abs(amount):f}".replace(".", ","),
        "Soll/Haben-Kennzeichen": _text("S" if amount > 0 else "H"),
        "WKZ Umsatz": _text(EURO),
        "Konto": booking.receivable,
        "Gegenkonto (ohne BU-Schlüssel)": account,
        "BU-Schlüssel": _text(booking.tax_key.zfill(4)) if booking.tax_key and is_net else "",
        "Belegdatum": f"{booking.entry.dated:%d%m}",
        "Belegfeld 1": _text(facts.number),
        "Buchungstext": _text(_words(booking)),
        "EU-Land u. UStID (Bestimmung)": _text(_vat_id(booking)),
        "Festschreibung": "0",
        "Fälligkeit": f"{booking.due_on:%d%m%Y}",
    }
    return ";".join(told.get(column, "") for column in COLUMNS) + "\n"


def _text(text: str) -> str:
    doubled = text.replace('"', '""')
    return f'"{doubled}"'


def _words(booking: Booking) -> str:
    """Whose it is by number too, since a name may be cut, or have signs that the file cannot."""
    facts = booking.facts
    month = f"{facts.period}{' Storno' if booking.entry.is_reversal else ''}"
    beside = f" #{booking.entry.customer_id} {month}"
    return f"{on_one_line(facts.customer)[: TEXT_CHARS - len(beside)]}{beside}"


def _vat_id(booking: Booking) -> str:
    """Of a customer who owes the tax; it is asked for in the recapitulative statement."""
    facts = booking.facts
    return (not facts.tax_rate_percent and vat_id(facts.tax_id, facts.country)) or ""


def _told(booking: Booking) -> str | None:
    if not booking.net and not booking.tax:
        return f"{booking.number} comes to nothing, which DATEV does not take: it has no posting."
    if booking.tax_account == AUTOMATIC and booking.is_taxed_otherwise:
        return (
            f"The tax of {booking.number} is {booking.tax:f}, a sum of taxes that were rounded"
            " before; DATEV works it out anew. Give the tax an account instead of “automatic”."
        )
    return None


_NUMBER = AccountForm(r"[1-9]\d{3,8}", "a number of 4 to 9 digits")

DATEV = Program(
    LedgerFormat.DATEV,
    {
        Part.CONSULTANT: AccountForm(r"[1-9]\d{3,6}", "a consultant's number from 1001 to 9999999"),
        Part.CLIENT: AccountForm(r"[1-9]\d{0,4}", "a client's number from 1 to 99999"),
        Part.RECEIVABLE: _NUMBER,
        Part.REVENUE: _NUMBER,
        Part.TAX: AccountForm(rf"[1-9]\d{{3,8}}|{AUTOMATIC}", f"{_NUMBER.told}, or {AUTOMATIC}"),
        Part.TAX_KEY: AccountForm(r"\d{1,4}", "a key of 1 to 4 digits", optional=True),
        Part.ACCOUNT_DIGITS: AccountForm(r"[4-8]", "a number from 4 to 8", optional=True),
        Part.YEAR_BEGINS: AccountForm(
            r"(0[1-9]|1[0-2])-(0[1-9]|1\d|2[0-8])", "a day as in 01-01", optional=True
        ),
    },
    _head,
    _entry,
    _check,
    _told,
    currency=EURO,
    encoding="cp1252",
    newline="\r\n",
)
