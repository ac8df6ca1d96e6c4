"""What became of the bills that somebody sent together, as far as it is known by now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.batches.bulk_send import HAPPENED, SendReport, send_list, send_report
from models.batches.send_failures import FailedBills, failed_bills
from models.batches.send_preview import LINE
from models.money import add_up
from models.outbox.mail_pause import find_pause
from models.queries.bill_details import BillDetails
from models.queries.bill_list import BillLine, bill_line
from models.queries.bill_loader import load_bill_details
from models.queries.totals import Total

NAMED_SENT = 5


class Fate(StrEnum):
    """`in_delay` and `waiting`, for its turn, without a number: it can still be called
    back. `dry_run`: all was done but the mailing.
    `called_back` also says that figures changed. `unheard`: nobody can tell whether it arrived.
    `came_back`: the mail server took it, and it is
    reported not to have arrived. `void`: it never left.
    """

    IN_DELAY = "in_delay"
    WAITING = "waiting"
    ON_ITS_WAY = "on_its_way"
    UNHEARD = "unheard"
    DELIVERED = "delivered"
    FAILED = "failed"
    CAME_BACK = "came_back"
    DRY_RUN = "dry_run"
    VOID = "void"
    CALLED_BACK = "called_back"


@dataclass(frozen=True)
class BulkSendOutcome:
    """How many bills of a list came to which `fates`, and by name a few: first those that may have
    arrived and those on their way, then the others, the biggest of each currency.

    The last of those `in_delay` goes out at `due`. `failed`: why some did; `retry`: the list by
    which these were sent once more. `came_back`: the biggest of those that may have arrived all
    the same, each of which somebody decides on by itself.
    """

    report: SendReport
    fates: Mapping[Fate, int]
    totals: tuple[Total, ...]
    due: datetime | None
    named: tuple[BillDetails, ...]
    failed: tuple[FailedBills, ...] = ()
    retry: int | None = None
    came_back: tuple[BillDetails, ...] = ()
    mail_waits: str | None = None

    @property
    def bills(self) -> int:
        return sum(self.fates.values())

    @property
    def going(self) -> int:
        """How many of them are neither delivered nor Finance's to decide on."""
        return self.to_call_back + self.fates.get(Fate.ON_ITS_WAY, 0)

    @property
    def to_call_back(self) -> int:
        return self.fates.get(Fate.IN_DELAY, 0) + self.fates.get(Fate.WAITING, 0)

    @property
    def can_retry(self) -> bool:
        return bool(self.failed) and self.report.ended


@dataclass(frozen=True)
class BillsBeingSent:
    """The bills of a list that is being sent, a few of them by name."""

    bills: int
    totals: tuple[Total, ...]
    named: tuple[BillLine, ...]


async def listed(session: AsyncSession, list_id: int) -> BillsBeingSent:
    """What somebody was shown to send, and is sent by and by."""
    values = {"list_id": list_id, "most": NAMED_SENT}
    sums = (await session.execute(_LISTED, values)).all()
    named = (await session.execute(_FIRST_LISTED, values)).all()
    return BillsBeingSent(
        sum(row.bills for row in sums),
        tuple(Total(row.currency, row.bills, row.amount, row.taxed) for row in sums),
        tuple(bill_line(row, row.name, row.with_tax) for row in named),
    )


_LISTED = sa.text("""
select b.currency, count(*) as bills, sum(b.overage_amount) as amount,
       bool_or(c.tax_rate_percent <> 0) as taxed
from send_list_bills l join bills b on b.id = l.bill_id join customers c on c.id = b.customer_id
where l.list_id = :list_id group by b.currency order by b.currency
""")

_FIRST_LISTED = sa.text(f"""
select {LINE} from (
    select b.id, b.currency, row_number() over (
        partition by b.currency order by abs(b.overage_amount) desc, b.id) as place
    from send_list_bills l join bills b on b.id = l.bill_id
    where l.list_id = :list_id) ranked
join bills b using (id) join customers c on c.id = b.customer_id
order by place, ranked.currency limit :most
""")


async def outcome_of(session: AsyncSession, list_id: int, report: SendReport) -> BulkSendOutcome:
    """Of a list that has ended; of one that goes on, of those bills that were sent so far."""
    values = {"list_id": list_id, "most": NAMED_SENT}
    found = (await session.execute(_FATES, values)).all()
    fates = {fate: sum(row.bills for row in found if row.fate == fate) for fate in Fate}
    totals = {
        currency: [row for row in found if row.currency == currency]
        for currency in sorted({row.currency for row in found})
    }
    first = list(await session.scalars(_FIRST, values))
    pause = await find_pause(session)
    return BulkSendOutcome(
        report=report,
        fates={fate: count for fate, count in fates.items() if count},
        totals=tuple(
            Total(
                one,
                sum(row.bills for row in rows),
                add_up(row.amount for row in rows),
                any(row.taxed for row in rows),
            )
            for one, rows in totals.items()
        ),
        due=max((row.due for row in found if row.fate == Fate.IN_DELAY), default=None),
        named=tuple(await load_bill_details(session, first)),
        failed=await failed_bills(session, list_id) if fates[Fate.FAILED] else (),
        retry=(await send_list(session, list_id)).facts.get("retry"),
        mail_waits=pause.cause if pause else None,
        came_back=tuple(await _came_back(session, values)) if fates[Fate.CAME_BACK] else (),
    )


async def _came_back(session: AsyncSession, values: dict[str, int]) -> list[BillDetails]:
    return await load_bill_details(session, list(await session.scalars(_CAME_BACK, values)))


async def outcome_of_list(session: AsyncSession, list_id: int) -> BulkSendOutcome:
    return await outcome_of(session, list_id, await send_report(session, list_id))


async def lists_about(session: AsyncSession, bill_ids: Sequence[int]) -> list[int]:
    """Posted messages about lists with any of these bills, but for those to be redrawn anyway."""
    return list(await session.scalars(_ABOUT, {"bill_ids": list(bill_ids)}))


_ABOUT = sa.text("""
select distinct m.id
from send_list_bills l join messages m on m.id = l.list_id
where l.bill_id = any(:bill_ids) and m.state = 'posted'
  and not exists (
      select from procrastinate_jobs j where j.lock = 'card:' || m.id and j.status = 'todo')
order by m.id
""")


async def told_by_lists(
    session: AsyncSession, recipient: str, action_ids: Sequence[int]
) -> set[int]:
    """Those of these failures that the summary of a list tells that person, by which the bill had
    been sent.
    """
    values = {"recipient": recipient, "actions": list(action_ids)}
    return set(await session.scalars(_TOLD_BY_LISTS, values))


_TOLD_BY_LISTS = sa.text("""
select f.id from bill_actions f
join lateral (
    select s.bill_version from bill_actions s
    where s.bill_id = f.bill_id and s.action = 'send' and s.id < f.id
    order by s.id desc limit 1) s on true
join send_list_bills l on l.bill_id = f.bill_id and l.version + 1 = s.bill_version
join messages m on m.id = l.list_id and m.kind = 'sending' and m.recipient = :recipient
    and m.state in ('waiting', 'sending', 'posted')
where f.id = any(:actions)
""")


_SENT_BILLS = f"""
{HAPPENED}
join lateral (
    select (d.snapshot ->> 'due')::timestamptz as at, d.created_at as since
    from bill_actions d where d.bill_id = b.id and d.snapshot ? 'due'
    order by d.id desc limit 1) due on true
where shown.list_id = :list_id and a.id is not null
"""

# Sent without a delay, a bill is issued as soon as somebody gets to it.
_FATE = """
case
    when b.status = 'sending' and b.number is null and due.at > due.since then 'in_delay'
    when b.status = 'sending' and b.number is null then 'waiting'
    when b.status = 'sending' and can_be_sent(b) then 'unheard'
    when b.status = 'sending' then 'on_its_way'
    when b.status = 'sent' and can_be_sent(b) then 'came_back'
    when b.status = 'sent' or b.status = 'void' and exists (
        select from bill_actions t where t.bill_id = b.id and t.action = 'deliver') then 'delivered'
    when b.status = 'void' then 'void'
    when b.status = 'approved' then coalesce((
        select case when f.snapshot ? 'dry_run' then 'dry_run' else 'failed' end
        from bill_actions f
        where f.bill_id = b.id and f.action = 'send_failed' and f.bill_version = b.version),
        'called_back')
    else 'called_back' end"""

_FATES = sa.text(f"""
select {_FATE} as fate,
    b.currency, count(*) as bills, sum(b.overage_amount) as amount, max(due.at) as due,
    bool_or((select c.tax_rate_percent <> 0 from customers c where c.id = b.customer_id)) as taxed
from {_SENT_BILLS}
group by 1, 2
""")

# What nothing else names comes first where somebody may have to do something, and what has arrived
# last; of one fate as the preview ranks the biggest, currency by currency.
_FIRST = sa.text(f"""
with told as (
    select b.id, b.currency, b.overage_amount, coalesce(array_position(array[
        'unheard', 'in_delay', 'waiting', 'on_its_way', 'called_back', 'void', 'dry_run',
        'failed', 'came_back'], {_FATE}), 10) as rank
    from {_SENT_BILLS}),
ranked as (
    select id, rank, currency, row_number() over (
        partition by rank, currency order by abs(overage_amount) desc, id) as place
    from told)
select id from ranked order by rank, place, currency limit :most
""")

_CAME_BACK = sa.text(f"""
select id from (
    select b.id, b.currency, row_number() over (
        partition by b.currency order by abs(b.overage_amount) desc, b.id) as place
    from {_SENT_BILLS} and b.status = 'sent' and can_be_sent(b)) ranked
order by place, currency limit :most
""")
