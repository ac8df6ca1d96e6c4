"""Under which category of value added tax a document falls, by the code list UNTDID 5305."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from models.bills.invoice_data import IssuedTerms
from models.regions import COUNTRIES

_MEMBERS = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK"
EUROPEAN_UNION = frozenset(_MEMBERS.split())
_PREFIXES: dict[str, tuple[str, ...]] = {"GR": ("EL",), "GB": ("GB", "XI"), "SS": (), "XK": ()}
"""How the VAT ids of a country begin where not by its own two letters; the rules know of none in
South Sudan and Kosovo.
"""

NO_TAX = "No tax is charged."


class TaxId(StrEnum):
    """A tax number that a category asks for, as people call it."""

    SELLER = "the company's tax number"
    SELLER_VAT = "the company's VAT id"
    CUSTOMER_VAT = "the customer's VAT id"


TAX_ID_CURES = {
    TaxId.SELLER: "Set COMPANY_TAX_ID.",
    TaxId.SELLER_VAT: "Set COMPANY_TAX_ID to one that begins with the country, as in DE123456789.",
    TaxId.CUSTOMER_VAT: "Give the customer a tax_id that begins with its country, as in "
    "DE123456789.",
}


@dataclass(frozen=True)
class TaxCategory:
    """`code` of UNTDID 5305. `words` in a tax note that name it. `note` stands for a note that is
    missing, `reason_code` (VATEX) says the same to programs. `needs`: the tax numbers that an
    invoice has to have.
    """

    code: str
    called: str
    words: tuple[str, ...] = ()
    note: str = NO_TAX
    reason_code: str | None = None
    needs: tuple[TaxId, ...] = (TaxId.SELLER,)


STANDARD = TaxCategory("S", "standard rate")
REVERSE_CHARGE = TaxCategory(
    "AE",
    "reverse charge",
    (
        *("reverse charge", "reverse-charge", "steuerschuldnerschaft", "autoliquidation"),
        *("inversione contabile", "inversión del sujeto pasivo", "verlegd", "odwrotne obciążenie"),
        *("omvänd skattskyldighet", "omvendt betalingspligt", "autoliquidação", "autoliquidacao"),
        *("käännetty verovelvollisuus", "přenesení daňové povinnosti", "taxare inversă"),
        *("article 196", "art. 196", "article 194", "art. 194"),
    ),
    "No tax is charged: reverse charge.",
    "VATEX-EU-AE",
    (TaxId.SELLER, TaxId.CUSTOMER_VAT),
)
INTRA_COMMUNITY = TaxCategory(
    "K",
    "intra-Community supply",
    (
        *("intra-community", "intracommunity", "intra community", "innergemeinschaftlich"),
        *("intracommunautair", "intracomunitari", "article 138", "art. 138"),
    ),
    reason_code="VATEX-EU-IC",
    needs=(TaxId.SELLER_VAT, TaxId.CUSTOMER_VAT),
)
ZERO_RATED = TaxCategory("Z", "zero rate", ("zero-rated", "zero rated", "zero rate", "nullsatz"))
OUT_OF_SCOPE = TaxCategory(
    "O",
    "not subject to tax",
    (
        *("outside the scope", "out of scope", "not subject to", "not taxable", "nicht steuerbar"),
        *("hors champ", "fuori campo", "no sujet"),
    ),
    reason_code="VATEX-EU-O",
)
EXEMPT = TaxCategory(
    "E",
    "exempt",
    (
        *("exempt", "steuerfrei", "steuerbefrei", "kleinunternehmer", "exonér", "exoner"),
        *("franchise", "esente", "exent", "vrijgesteld"),
    ),
)

BY_NOTE = (REVERSE_CHARGE, INTRA_COMMUNITY, ZERO_RATED, OUT_OF_SCOPE, EXEMPT)
"""In this order: a note may call reverse charge "exempt" besides."""


def tax_category(terms: IssuedTerms) -> TaxCategory | None:
    """By rate, the words of the tax note, countries and VAT ids; None where they do not tell."""
    if terms.tax_rate_percent:
        return STANDARD
    note = (terms.tax_note or "").strip()
    named = next((one for one in BY_NOTE if _names(note, one)), None)
    return named or _by_country(terms, note)


def _names(note: str, category: TaxCategory) -> bool:
    return any(re.search(rf"\b{re.escape(word)}", note, re.IGNORECASE) for word in category.words)


def _by_country(terms: IssuedTerms, note: str) -> TaxCategory | None:
    seller, customer = terms.company.country, terms.country
    if seller == customer:
        return EXEMPT if note else ZERO_RATED
    if not {seller, customer} <= EUROPEAN_UNION:
        return OUT_OF_SCOPE
    if vat_id(terms.tax_id, terms.country):
        return REVERSE_CHARGE
    return EXEMPT if note else None


def shown_tax_note(terms: IssuedTerms) -> str:
    """What a document without tax says about that."""
    category = tax_category(terms)
    return (terms.tax_note or "").strip() or (category.note if category else NO_TAX)


def missing_tax_ids(terms: IssuedTerms, category: TaxCategory) -> Iterator[TaxId]:
    """The tax numbers that the category asks for, and that are not there."""
    company = terms.company
    there = {
        TaxId.SELLER: company.tax_id,
        TaxId.SELLER_VAT: vat_id(company.tax_id, company.country),
        TaxId.CUSTOMER_VAT: vat_id(terms.tax_id, terms.country),
    }
    return (one for one in category.needs if not there[one])


def vat_id(tax_id: str | None, country: str | None) -> str | None:
    """The tax number without blanks and signs, where it is a VAT id: it begins with its country,
    or, of one in the European Union, with another in it.
    """
    bare = re.sub(r"[\W_]", "", tax_id or "").upper()
    if country is None or re.fullmatch(r"[A-Z]{2}(?=.*\d)[A-Z0-9]{2,18}", bare) is None:
        return None
    countries = EUROPEAN_UNION if country in EUROPEAN_UNION else COUNTRIES & {country}
    prefixes = {prefix for one in countries for prefix in _PREFIXES.get(one, (one,))}
    return bare if bare[:2] in prefixes else None
