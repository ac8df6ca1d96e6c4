"""The one order in which everything is locked, and waiting for locks no longer than is allowed.

Whoever locks in this order never waits for somebody who waits for them. Three rules go with it:

- Rows are locked FOR NO KEY UPDATE or FOR SHARE. A foreign key, which locks what it refers to FOR
  KEY SHARE, then waits for nobody; what else is unique in a table that others refer to is held by
  a partial index, since those do not count as keys.
- Of one table all rows that a transaction changes are locked at once, in the order of their ids.
- Messages and jobs are left for the end of the transaction, see `put_off`.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from psycopg.errors import DeadlockDetected, LockNotAvailable, QueryCanceled, UniqueViolation
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from models.errors import Busy, Collision, TooSlow

LOCK_ORDER = (
    ("scheduled_work",),
    ("sessions", "api_tokens", "sign_in_links", "access_attempts", "kept_answers"),
    ("bill_runs",),
    ("users",),
    (
        *("customers", "customer_terms", "former_contracts", "customer_names"),
        *("customer_changes", "customer_edits"),
    ),
    ("usage_sources", "usage_pulls"),
    ("usages", "usage_changes", "usage_days", "usage_alerts"),
    ("mailbox_readings",),
    ("bills",),
    (
        *("bill_actions", "approvals", "documents", "number_series", "billed_contracts"),
        *("thread_replies", "deliveries", "received_mails", "month_totals", "reassignments"),
        "usage_links",
    ),
    ("ledger_exports", "ledger_export_entries", "ledger_export_parts"),
    ("webhooks", "webhook_secrets"),
    ("webhook_deliveries", "webhook_attempts"),
    ("mail_pause",),
    ("paces",),
    ("homes",),
    ("messages",),
    ("procrastinate_jobs",),
)
"""What stands in one line is locked by whoever holds what it belongs to."""


@contextmanager
def busy_after_waiting() -> Iterator[None]:
    """Refuse as Busy where somebody else was in the way: a lock was waited for in vain, or they did
    the same at the same moment; as TooSlow where a statement went on for longer than it may.
    """
    try:
        yield
    except DBAPIError as error:
        refused = next((busy for kind, busy in _IN_THE_WAY if isinstance(error.orig, kind)), None)
        if refused is None:
            raise
        raise refused from error


_IN_THE_WAY = (
    (LockNotAvailable, Busy),
    (DeadlockDetected, Busy),
    (UniqueViolation, Collision),
    (QueryCanceled, TooSlow),
)


async def lock_for_import(session: AsyncSession, table: str) -> None:
    """From here to the end of the transaction nobody else writes to the table."""
    with busy_after_waiting():
        await session.execute(sa.text(f"lock table {table} in share row exclusive mode"))


async def lock_for_write(session: AsyncSession, table: str) -> None:
    """Wait for an import into the table that is under way, before anything of it is read or locked.

    Whoever locked a row of it first, and wrote to it then, would wait for an import that waits
    for that very row.
    """
    with busy_after_waiting():
        await session.execute(sa.text(f"lock table {table} in row exclusive mode"))
