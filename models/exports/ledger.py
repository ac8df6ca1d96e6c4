"""What is booked of each document, and which export of the ledger it went out with.

An export that is to hold only what none before had claims its entries first, and is written of
those: whatever is issued meanwhile is left for the next one.
"""

import zlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any, BinaryIO
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.bills.invoice_data import InvoiceData
from models.db.locks import lock_for_import
from models.db.statistics import analyze
from models.errors import NotFound
from models.exports.formats import LedgerFormat
from models.money import Taxed, round_amount
from models.period import Period
from models.queries.scope import EVERYTHING, Scope

EACH_ROWS = 1000
MOST_NAMED = 100
PART_BYTES = 1 << 20


@dataclass(frozen=True)
class LedgerScope:
    """Which documents are meant: those of a month's bills or of one, dated in a month, in a
    currency. `claimed_by` instead: those that an export has claimed.
    """

    bills: Scope = EVERYTHING
    dated: Period | None = None
    currency: str | None = None
    claimed_by: int | None = None


@dataclass(frozen=True)
class LedgerEntry:
    """One document, or a reversal: the same turned round, of one that never went out.

    `facts` are what it said when it was issued; `dated` the day under which it is booked.
    """

    facts: InvoiceData
    customer_id: int
    dated: date
    is_reversal: bool

    @cached_property
    def sums(self) -> Taxed:
        """What the customer owes by it, below zero what is taken back, to the currency's smallest
        unit.
        """
        return Taxed(*map(self._signed, self.facts.sums))

    def _signed(self, amount: Decimal) -> Decimal:
        rounded = round_amount(amount, self.facts.currency)
        turned = rounded.copy_negate() if self.is_reversal else rounded
        return turned or abs(turned)


@dataclass(frozen=True)
class LedgerSpan:
    """How many entries there are, from which day to which, in which currencies by their codes."""

    entries: int
    first: date | None
    last: date | None
    currencies: tuple[str, ...]


_WANTED = """
from ledger_entries(:zone) e
where (cast(:bill_id as bigint) is null or e.bill_id = :bill_id)
  and (cast(:year as int) is null or e.year = :year and e.month = :month)
  and (cast(:first as date) is null or e.dated between :first and :last)
  and (cast(:currency as text) is null or e.currency = :currency)
"""
_CLAIMED = """
from ledger_entries(:zone) e
join ledger_export_entries x on x.bill_id = e.bill_id and x.is_reversal = e.is_reversal
where x.export_id = :claimed_by
"""


@dataclass(frozen=True)
class Ledger:
    """What is booked of the documents that are meant, as a transaction sees them. `zone`: that of
    days.
    """

    session: AsyncSession
    scope: LedgerScope
    zone: ZoneInfo

    async def claim(self, form: LedgerFormat) -> "Ledger | None":
        """Begin an export of what none before of this format had; None where there is nothing.

        It is one at a time: whoever comes second waits, and finds what is left.
        """
        await lock_for_import(self.session, "ledger_exports")
        claiming = await self.session.execute(sa.text(_CLAIM), self._values | {"format": form})
        begun = claiming.one_or_none()
        if begun is None:
            return None
        await analyze(self.session, begun.entries, ["ledger_export_entries"])
        return replace(self, scope=LedgerScope(claimed_by=begun.id))

    async def span(self) -> LedgerSpan:
        query = f"""
            select count(*), min(e.dated), max(e.dated),
                   coalesce(array_agg(distinct e.currency order by e.currency), '{{}}')
            {self._told}"""
        found = (await self.session.execute(sa.text(query), self._values)).one()
        return LedgerSpan(found[0], found[1], found[2], tuple(found[3]))

    async def entries(self) -> AsyncIterator[LedgerEntry]:
        """By day, then by number, a reversal after what it reverses."""
        query = f"""
            select e.facts, e.customer_id, e.dated, e.is_reversal {self._told}
            order by e.dated, length(e.number), e.number collate "C", e.is_reversal"""
        rows = await self.session.stream(
            sa.text(query), self._values, execution_options={"yield_per": EACH_ROWS}
        )
        async for facts, customer_id, dated, is_reversal in rows:
            yield LedgerEntry(InvoiceData.from_json(facts), customer_id, dated, is_reversal)

    async def untold(self) -> list[str]:
        """The numbers of documents of old that do not tell what they say, so that nothing can be
        booked of them; the first hundred.
        """
        query = f"""
            select distinct e.number {_WANTED} and e.facts is null
            order by e.number limit {MOST_NAMED}"""
        return list(await self.session.scalars(sa.text(query), self._values))

    async def in_other_currencies(self) -> dict[str, int]:
        """How many documents are left out by currency, where the scope has only one."""
        if self.scope.currency is None:
            return {}
        query = f"""
            select e.currency, count(*) {_WANTED} and not e.is_reversal and e.currency <> :only
            group by e.currency order by e.currency"""
        values = self._values | {"currency": None, "only": self.scope.currency}
        found = await self.session.execute(sa.text(query), values)
        return dict(map(tuple, found))

    @property
    def _told(self) -> str:
        wanted = _WANTED if self.scope.claimed_by is None else _CLAIMED
        return f"{wanted} and e.facts is not null"

    @property
    def _values(self) -> dict[str, Any]:
        dated = self.scope.dated
        return {
            **self.scope.bills.values,
            "zone": self.zone.key,
            "first": dated and dated.first_day,
            "last": dated and dated.last_day,
            "currency": self.scope.currency,
            "claimed_by": self.scope.claimed_by,
        }


# Sorted, so that all are found before the first is written: a table that grows while it is looked
# through, without statistics, turned 5 seconds into half an hour.
_CLAIM = f"""
with new as (
    select e.bill_id, e.is_reversal {_WANTED}
      and e.facts is not null
      and not exists (
          select from ledger_export_entries x
          where x.format = :format and x.bill_id = e.bill_id and x.is_reversal = e.is_reversal)
    order by e.bill_id, e.is_reversal
), begun as (
    insert into ledger_exports (format, entries, sha256)
    select :format, 0, '' where exists (select from new) returning id
), claimed as (
    insert into ledger_export_entries (export_id, format, bill_id, is_reversal)
    select begun.id, :format, new.bill_id, new.is_reversal from begun, new)
select id, (select count(*) from new) as entries from begun
"""


async def keep_export(
    session: AsyncSession, export_id: int, file: BinaryIO, entries: int, sha256: str
) -> None:
    """Keep the file that was written of what was claimed, to be had again as it is."""
    values = {"id": export_id, "entries": entries, "sha256": sha256}
    await session.execute(_WRITTEN, values)
    packed = zlib.compressobj()
    part = 0
    while content := file.read(PART_BYTES):
        part += 1
        await _keep_part(session, export_id, part, packed.compress(content))
    await _keep_part(session, export_id, part + 1, packed.flush())


async def _keep_part(session: AsyncSession, export_id: int, part: int, content: bytes) -> None:
    if content:
        values = {"id": export_id, "part": part, "content": content}
        await session.execute(_KEEP_PART, values)


_WRITTEN = sa.text("update ledger_exports set entries = :entries, sha256 = :sha256 where id = :id")
_KEEP_PART = sa.text("insert into ledger_export_parts values (:id, :part, :content)")


@dataclass(frozen=True)
class KeptExport:
    id: int
    format: LedgerFormat
    entries: int
    sha256: str


async def kept_export(session: AsyncSession, export_id: int | None) -> KeptExport:
    """That with this number, or the last one; refuses where there is none."""
    query = sa.text("""
        select id, format, entries, sha256 from ledger_exports
        where cast(:id as bigint) is null or id = :id order by id desc limit 1""")
    found = (await session.execute(query, {"id": export_id})).one_or_none()
    if found is None:
        which = "" if export_id is None else f" {export_id}"
        raise NotFound(f"There is no export{which} of the ledger.")
    return KeptExport(found.id, LedgerFormat(found.format), found.entries, found.sha256)


async def last_export(session: AsyncSession, form: LedgerFormat) -> int | None:
    query = sa.text("select max(id) from ledger_exports where format = :format")
    last: int | None = await session.scalar(query, {"format": form})
    return last


async def kept_file(session: AsyncSession, export_id: int) -> AsyncIterator[bytes]:
    """The file of an export, byte for byte as it was written."""
    query = sa.text("select content from ledger_export_parts where export_id = :id order by part")
    unpacked = zlib.decompressobj()
    async for (content,) in await session.stream(
        query, {"id": export_id}, execution_options={"yield_per": 1}
    ):
        yield unpacked.decompress(content)
    yield unpacked.flush()
