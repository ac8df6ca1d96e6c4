"""On which account each part of an entry goes, as an accountant lists it in a spreadsheet.

A line names a part of an entry and its account, and may name the customer, the currency and the tax
that it is for. Of the lines that fit an entry the one counts that says most: that of its customer
before that of its tax, and that before that of its currency.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from itertools import product
from typing import BinaryIO

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.currencies import MINOR_UNITS
from models.errors import Unreadable
from models.imports.csv_reader import CsvReader
from models.imports.rows import BadRows, Flaw, Flaws, is_sound
from models.numerals import read_decimal


class Part(StrEnum):
    """What a line of accounts is about: a part of an entry, or something that a whole file has."""

    RECEIVABLE = "receivable"
    REVENUE = "revenue"
    TAX = "tax"
    TAX_KEY = "tax_key"
    DATES = "dates"
    CONSULTANT = "consultant"
    CLIENT = "client"
    ACCOUNT_DIGITS = "account_digits"
    YEAR_BEGINS = "year_begins"


OF_A_FILE = frozenset(
    (Part.DATES, Part.CONSULTANT, Part.CLIENT, Part.ACCOUNT_DIGITS, Part.YEAR_BEGINS)
)


@dataclass(frozen=True)
class AccountForm:
    """What an account may look like in a program; `told` says so to people. `default`: what counts
    where no line says anything. `optional`: it may be left out.
    """

    pattern: str
    told: str
    default: str | None = None
    optional: bool = False


@dataclass(frozen=True)
class Booked:
    """What an account is chosen by. `tax`: what the tax of an entry without any is called."""

    customer_id: int
    currency: str
    rate_percent: Decimal
    tax: str | None


class BadAccounts(BadRows):
    """The file of accounts has faults, so nothing was exported."""

    undone = "Nothing was exported"


Tax = Decimal | str | None
_Key = tuple[Part, int | None, Tax, str | None]


@dataclass
class Accounts:
    """The lines of such a file. `lines`: how many it has, its header among them."""

    of: dict[_Key, str] = field(default_factory=dict)
    lines: int = 1

    def account(self, part: Part, booked: Booked) -> str | None:
        """None where no line says it."""
        called: list[Tax] = [booked.tax.casefold()] if booked.tax else []
        taxes = (*called, booked.rate_percent, None)
        choices = product((booked.customer_id, None), taxes, (booked.currency, None))
        found = (self.of.get((part, *choice)) for choice in choices)
        return next((account for account in found if account is not None), None)

    def of_file(self, part: Part) -> str | None:
        return self.of.get((part, None, None, None))


def default_accounts(forms: Mapping[Part, AccountForm]) -> Accounts:
    """Those that a program has where nobody says anything."""
    defaults = {part: form.default for part, form in forms.items() if form.default is not None}
    return Accounts({(part, None, None, None): account for part, account in defaults.items()})


COLUMNS = ("part", "customer", "currency", "tax", "account")
_NEEDED = {"part", "account"}


async def read_accounts(
    session: AsyncSession,
    file: BinaryIO,
    forms: Mapping[Part, AccountForm],
    taxes: Collection[str],
) -> Accounts:
    """Read a file of accounts for a program that has these parts, and `taxes` by these names.

    Raises BadAccounts, which names every line, column and reason.
    """
    try:
        rows = CsvReader(file)
        _check_columns(rows)
        lines = [
            (line, dict(zip(rows.header, values, strict=True))) for line, values in rows.read()
        ]
    except BadRows as bad:
        raise BadAccounts(bad.flaws) from None
    customers = await _customers(session, [one.get("customer", "") for _, one in lines])
    reader = _Reader(forms, {tax.casefold() for tax in taxes}, customers, rows.flaws)
    accounts = reader.read(lines)
    if rows.flaws.total:
        raise BadAccounts(rows.flaws)
    return accounts


def _check_columns(rows: CsvReader) -> None:
    missing = sorted(_NEEDED - {*rows.header})
    unknown = [name for name in rows.header if name not in COLUMNS]
    known = ", ".join(COLUMNS)
    flaws = [
        *(Flaw(rows.header_line, name, "the column is missing") for name in missing),
        *(Flaw(rows.header_line, name, f"is none of the columns {known}") for name in unknown),
        *(
            Flaw(rows.header_line, name, "stands there twice")
            for name in {name for name in rows.header if rows.header.count(name) > 1}
        ),
    ]
    if flaws:
        raise BadAccounts(flaws)


async def _customers(session: AsyncSession, names: list[str]) -> dict[str, int]:
    """By each name that any customer has or had."""
    query = sa.text("""
        select n.name, coalesce(c.merged_into_id, c.id) as id
        from unnest(cast(:names as text[])) n (name)
        join customer_names k on k.name_key = name_key(n.name)
        join customers c on c.id = k.customer_id""")
    wanted = sorted({name for name in names if name and is_sound(name)})
    found = await session.execute(query, {"names": wanted})
    return {row.name: row.id for row in found}


@dataclass(frozen=True)
class _Reader:
    forms: Mapping[Part, AccountForm]
    taxes: Collection[str]
    customers: Mapping[str, int]
    flaws: Flaws

    def read(self, lines: list[tuple[int, dict[str, str]]]) -> Accounts:
        accounts = Accounts(lines=max((line for line, _ in lines), default=1))
        first: dict[_Key, int] = {}
        for line, values in lines:
            wrong = [Flaw(line, column, reason) for column, reason in self._wrong(values)]
            self.flaws.add(*wrong)
            if wrong:
                continue
            key = self._key(values)
            if key in first:
                self.flaws.add(Flaw(line, "", f"says the same as line {first[key]}"))
            first.setdefault(key, line)
            accounts.of[key] = values["account"]
        return accounts

    def _key(self, values: Mapping[str, str]) -> _Key:
        return (
            Part(values["part"].casefold()),
            self.customers.get(values.get("customer", "")),
            self._tax(values.get("tax", "")),
            values.get("currency", "").upper() or None,
        )

    def _wrong(self, values: Mapping[str, str]) -> Iterator[tuple[str, str]]:
        form = self._form(values["part"])
        if form is None:
            yield "part", f"is none of {', '.join(self.forms)}"
        elif not values["account"]:
            yield "account", "is missing"
        elif not re.fullmatch(form.pattern, values["account"]):
            yield "account", f"“{values['account']}” is not {form.told}"
        yield from self._wrong_conditions(values)

    def _wrong_conditions(self, values: Mapping[str, str]) -> Iterator[tuple[str, str]]:
        customer, currency = values.get("customer", ""), values.get("currency", "")
        conditions = {"customer": customer, "currency": currency, "tax": values.get("tax", "")}
        if values["part"].casefold() in OF_A_FILE:
            for column in (column for column, value in conditions.items() if value):
                yield column, "is left empty here: it is the same for the whole file"
            return
        if customer and customer not in self.customers:
            yield "customer", f"no customer has the name “{customer}”"
        if currency and currency.upper() not in MINOR_UNITS:
            yield "currency", f"“{currency}” is no currency of ISO 4217"
        try:
            self._tax(conditions["tax"])
        except Unreadable as refused:
            yield "tax", f"{refused} It is a rate as in 19, or {', '.join(sorted(self.taxes))}"

    def _form(self, part: str) -> AccountForm | None:
        named = part.casefold()
        return self.forms.get(Part(named)) if named in self.forms else None

    def _tax(self, typed: str) -> Tax:
        if not typed:
            return None
        word = typed.casefold()
        return word if word in self.taxes else read_decimal(typed.rstrip("% "), decimals=6)
