"""How the program's work stands, as far as the database tells."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.db.revision import Schema, find_schema
from models.outbox.mail_pause import find_pause
from models.outbox.mailbox import find_reading

MOST_COUNTED = 1_000
CAUSES = 5
LATELY = timedelta(days=31)
ALIVE_S = 30
"""A worker that has given no sign for so long is taken for dead."""


@dataclass(frozen=True)
class Server:
    """The database's server, as it answers before anything is asked of our tables. `number`: its
    version as PostgreSQL counts it, such as 170005.
    """

    version: str
    number: int
    schema: Schema


async def load_server(session: AsyncSession) -> Server:
    found = (await session.execute(_SERVER)).one()
    return Server(found.version, int(found.number), await find_schema(session))


async def database_clock(session: AsyncSession) -> datetime:
    """What the time is where the database runs."""
    clock: datetime = (await session.execute(sa.select(sa.func.clock_timestamp()))).scalar_one()
    return clock


_SERVER = sa.text("""
select split_part(current_setting('server_version'), ' ', 1) as version,
       current_setting('server_version_num') as number
""")


@dataclass(frozen=True)
class MailHealth:
    """`stopped`: why no letter goes out, `since` when. Of the mailbox that replies and reports come
    to, where one is set: when it was last `read_at`, and why it is `unread` since `unread_since`.
    What `needs_somebody` does not end by waiting.
    """

    stopped: str | None = None
    since: datetime | None = None
    needs_somebody: bool = False
    has_mailbox: bool = False
    read_at: datetime | None = None
    unread: str | None = None
    unread_since: datetime | None = None
    unread_needs_somebody: bool = False


@dataclass(frozen=True)
class Health:
    """`waiting` messages are promised and not posted, `since` when the oldest is; `failed` ones are
    given up, the most frequent `causes` with how many each. `sending`: bills on their way, `late`
    of which should have gone out; `undelivered`: those that could not be, with a number or without.
    `pdf_alone`: documents of the last month that are no e-invoices although these were asked for,
    and `pdf_causes` why. Up to `MOST_COUNTED` of each are counted.
    """

    workers: int
    waiting: int
    since: datetime | None
    failed: int
    causes: tuple[tuple[str, int], ...]
    sending: int
    late: int
    undelivered: int
    pdf_alone: int = 0
    pdf_causes: tuple[tuple[str, int], ...] = ()
    mail: MailHealth = MailHealth()


_COUNTS = sa.text("""
select (select count(*) from procrastinate_workers
        where last_heartbeat > clock_timestamp() - make_interval(secs => :alive)) as workers,
       (select count(*) from (
            select from messages where state in ('waiting', 'sending') limit :most) w) as waiting,
       (select created_at from messages where state in ('waiting', 'sending')
        order by id limit 1) as since,
       (select count(*) from (
            select from bills where status = 'sending' limit :most) s) as sending,
       (select count(*) from (
            select from bills where status = 'sending' and updated_at < :long_ago limit :most) l)
       as late,
       (select count(*) from (
            select from bills b where b.status = 'approved' and exists (
                select from bill_actions f
                where f.bill_id = b.id and f.bill_version = b.version
                  and f.action = 'send_failed' and not f.snapshot ? 'dry_run')
            limit :most) u)
       as undelivered
""")

_FAILED = sa.text("""
select failure, count(*) as messages, sum(count(*)) over () as failed
from (select coalesce(failure, 'unknown') as failure from messages
      where state = 'failed' and ts is null limit :most) given_up
group by failure order by 2 desc, 1 limit :causes
""")


# Amounts are not what several have in common.
_PDF_ALONE = sa.text(r"""
select cause, count(*) as documents, sum(count(*)) over () as total
from (select regexp_replace(
          snapshot ->> 'no_e_invoice', '\m\d[\d.,]*(?= [A-Z]{3}\M)', 'An amount in') as cause
      from bill_actions
      where action = 'issue' and snapshot ? 'no_e_invoice' and created_at > :since limit :most) d
group by cause order by 2 desc, 1 limit :causes
""")


async def load_health(
    session: AsyncSession, now: datetime, send_delay_minutes: float, mailbox: str | None = None
) -> Health:
    """What is on its way, what is stuck, and who works on it. `mailbox`: the name of the one that
    is set to be read.
    """
    long_ago = now - timedelta(minutes=send_delay_minutes + 15)
    values = {"alive": ALIVE_S, "most": MOST_COUNTED, "long_ago": long_ago, "causes": CAUSES}
    counts = (await session.execute(_COUNTS, values)).one()
    failed = (await session.execute(_FAILED, values)).all()
    alone = (await session.execute(_PDF_ALONE, {**values, "since": now - LATELY})).all()
    return Health(
        workers=counts.workers,
        waiting=counts.waiting,
        since=counts.since,
        failed=int(failed[0].failed) if failed else 0,
        causes=tuple((row.failure, row.messages) for row in failed),
        sending=counts.sending,
        late=counts.late,
        undelivered=counts.undelivered,
        pdf_alone=int(alone[0].total) if alone else 0,
        pdf_causes=tuple((row.cause, row.documents) for row in alone),
        mail=await _mail(session, mailbox),
    )


async def _mail(session: AsyncSession, mailbox: str | None) -> MailHealth:
    told = MailHealth(has_mailbox=mailbox is not None)
    pause = await find_pause(session)
    if pause is not None:
        needs = pause.needs_somebody
        told = replace(told, stopped=pause.cause, since=pause.since, needs_somebody=needs)
    reading = await find_reading(session, mailbox) if mailbox is not None else None
    if reading is None:
        return told
    return replace(
        told,
        read_at=reading.read_at,
        unread=reading.trouble,
        unread_since=reading.since,
        unread_needs_somebody=reading.needs_somebody,
    )
