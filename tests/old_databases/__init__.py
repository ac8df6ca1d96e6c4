"""Databases as earlier revisions left them: people's books must survive every update.

Each is a file of plain SQL, REVISION.sql.gz, that restores into an empty database, and beside it in
REVISION.json what it holds. `python -m tests.old_databases` makes one of the revision that is
checked out: to be done, and committed, before a migration is added.
"""

import gzip
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.actions.comment import ThreadReply
from models.batches.bill_run import BillRun
from models.bills.bill import Bill
from models.bills.documents import Document
from models.bills.history import BillAction
from models.customers.customers import Customer
from models.customers.terms import Terms
from models.outbox.messages import Message
from models.people.users import User
from models.usage.usage import Usage

FOLDER = Path(__file__).parent
FOR_PSQL_ALONE = ("\\restrict ", "\\unrestrict ")


@dataclass(frozen=True)
class OldDatabase:
    """A dump, named by the revision that it was made at."""

    revision: str

    @property
    def _dump(self) -> Path:
        return FOLDER / f"{self.revision}.sql.gz"

    @property
    def _contents(self) -> Path:
        return FOLDER / f"{self.revision}.json"

    @property
    def contents(self) -> dict[str, Any]:
        """What `contents` said of it when it was made."""
        found: dict[str, Any] = json.loads(self._contents.read_text(encoding="utf-8"))
        return found

    def restore(self, url: str) -> None:
        """Into an empty database."""
        with psycopg.connect(url) as connection:
            connection.execute(gzip.decompress(self._dump.read_bytes()))

    def store(self, dumped: str, contents: dict[str, Any]) -> None:
        """The same database makes the same files."""
        lines = dumped.splitlines(keepends=True)
        kept = "".join(line for line in lines if not line.startswith(FOR_PSQL_ALONE))
        self._dump.write_bytes(gzip.compress(kept.encode(), mtime=0))
        told = json.dumps(contents, indent=1, ensure_ascii=False)
        self._contents.write_text(f"{told}\n", encoding="utf-8")


OLD_DATABASES = [
    OldDatabase(path.name.removesuffix(".sql.gz")) for path in sorted(FOLDER.glob("*.sql.gz"))
]

# What is counted, and by what. Tables by their classes: a table's name may change.
_BY = {
    "users": (User.role,),
    "customers": (Customer.currency,),
    "terms": (Terms.monthly_api_limit,),
    "usages": (Usage.year, Usage.month),
    "bills": (Bill.kind, Bill.status),
    "actions": (BillAction.action,),
    "documents": (Document.media_type,),
    "messages": (Message.kind, Message.state),
    "replies": (ThreadReply.deleted,),
    "runs": (BillRun.source,),
}


async def contents(session: AsyncSession) -> dict[str, Any]:
    """How much there is of what, the numbers that were given, and a digest of the whole record."""
    counts: dict[str, Any] = {}
    for name, columns in _BY.items():
        query = sa.select(*columns, sa.func.count()).group_by(*columns).order_by(*columns)
        rows = await session.execute(query)
        counts[name] = {" ".join(map(str, row[:-1])): row[-1] for row in rows}
    numbers = await session.scalars(sa.select(Document.number).order_by(Document.number))
    hashes = await session.scalars(sa.select(BillAction.hash).order_by(BillAction.id))
    record = hashlib.sha256(b"".join(hashes)).hexdigest()
    return {**counts, "numbers": numbers.all(), "record": record}
