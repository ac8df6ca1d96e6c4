"""A file for an accounting program, written entry by entry, and what it comes to."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, BinaryIO

from handlers.ledgers.booking import Booking, booked
from handlers.ledgers.datev import DATEV
from handlers.ledgers.plain_text import BEANCOUNT, HLEDGER, LEDGER
from handlers.ledgers.programs import Batch, Program
from handlers.ledgers.spreadsheets import QUICKBOOKS, XERO
from handlers.wording.formatting import name
from models.exports.formats import LedgerFormat
from models.exports.ledger import MOST_NAMED, LedgerEntry
from models.exports.ledger_accounts import OF_A_FILE, BadAccounts, Booked, Part
from models.imports.rows import Flaw
from models.money import Taxed, add_up

PROGRAMS: dict[LedgerFormat, Program] = {
    program.form: program for program in (HLEDGER, LEDGER, BEANCOUNT, DATEV, XERO, QUICKBOOKS)
}


@dataclass
class LedgerFile:
    """What has been written to `file`: how many entries, what they come to by currency, and what
    somebody has to know of some. Currencies are never added to each other.
    """

    program: Program
    batch: Batch
    file: BinaryIO
    entries: int = 0
    sums: dict[str, Taxed] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)
    _digest: Any = field(default_factory=hashlib.sha256)
    _missing: dict[tuple[Part, str, str], str] = field(default_factory=dict)

    def begin(self) -> None:
        """Refuses what cannot stand in one file, and accounts that the whole file needs."""
        self.program.check(self.batch)
        for part, form in self.program.parts.items():
            if part in OF_A_FILE and not form.optional and not self.batch.accounts.of_file(part):
                self._missing[part, "", ""] = "every file has it"
        self._write(self.program.head(self.batch))

    def add(self, entry: LedgerEntry) -> None:
        booking = self._booking(entry)
        self._count(entry)
        if self._missing:
            return
        if (told := self.program.told(booking)) and len(self.told) < MOST_NAMED:
            self.told.append(told)
        self._write(self.program.entry(booking, self.batch))

    def _count(self, entry: LedgerEntry) -> None:
        currency, sums = entry.facts.currency, entry.sums
        before = self.sums.get(currency, Taxed(*(Decimal(0),) * 3))
        self.entries += 1
        self.sums[currency] = Taxed(*(add_up(two) for two in zip(before, sums, strict=True)))

    def finish(self) -> str:
        """Its SHA-256 in hex; raises BadAccounts, which names each line that is missing."""
        if self._missing:
            raise BadAccounts(self._flaws())
        return str(self._digest.hexdigest())

    def _write(self, text: str) -> None:
        lines = text.replace("\n", self.program.newline)
        content = lines.encode(self.program.encoding, "replace")
        self._digest.update(content)
        self.file.write(content)

    def _booking(self, entry: LedgerEntry) -> Booking:
        by = booked(entry)
        is_taxed = bool(entry.facts.tax) or self.program.always_taxed
        return Booking(
            entry,
            receivable=self._account(Part.RECEIVABLE, entry, by),
            revenue=self._account(Part.REVENUE, entry, by),
            tax_account=self._account(Part.TAX, entry, by) if is_taxed else "",
            tax_key=self._account(Part.TAX_KEY, entry, by),
        )

    def _account(self, part: Part, entry: LedgerEntry, by: Booked) -> str:
        form = self.program.parts.get(part)
        if form is None:
            return ""
        account = self.batch.accounts.account(part, by)
        if account is None and not form.optional:
            tax = f"{by.rate_percent.normalize():f}" if by.rate_percent else by.tax or "0"
            self._missing.setdefault(
                (part, by.currency, tax),
                f"{entry.facts.number} to {name(entry.facts.customer)} needs it",
            )
        return account or ""

    def _flaws(self) -> Iterable[Flaw]:
        """On the lines where they could be written, one after the other."""
        first = self.batch.accounts.lines + 1
        for line, ((part, currency, tax), why) in enumerate(self._missing.items(), first):
            example = f"{part},,{currency},{tax},ACCOUNT"
            yield Flaw(line, "account", f"is missing: {why}. Add a line such as {example}")
