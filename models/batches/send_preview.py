"""What sending bills would do, before it is done; the list of what would go out is kept."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypedDict

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.actions.send import check_can_mail
from models.batches.lists import new_list as shown_list
from models.bills.states import NotSent, State
from models.context import Context
from models.customers.signs import can_be_written, unwritten_signs
from models.outbox.mail_pause import find_pause
from models.outbox.messages import MessageKind, add_messages
from models.people.permissions import Permission
from models.people.who_can import require
from models.period import Period
from models.queries.bill_list import BillLine, bill_line
from models.queries.totals import Total


@dataclass(frozen=True)
class OutgoingBill:
    """A bill that somebody asked to send: to which address it goes, or why it is kept.

    `signs`: those that no font has, and where they stand, where that is why.
    """

    line: BillLine
    to: str | None = None
    kept: NotSent | None = None
    signs: str = ""


@dataclass(frozen=True)
class SendPreview:
    """What sending would do: so many `bills` go out, and `kept` by state cannot.

    `id` names the list of those that go out as it was shown, None where none can; `period`: of all
    approved bills of it. `at_once` of the bills have their numbers from before.
    `mail_waits`: why no mail goes out now. `biggest` and `stay` are a few of the ones and of the
    others, of these first what Finance can mend.
    """

    id: int | None
    period: Period | None
    bills: int
    at_once: int
    totals: tuple[Total, ...]
    biggest: tuple[OutgoingBill, ...]
    kept: dict[State, int]
    stay: tuple[OutgoingBill, ...]
    delay_minutes: float
    mail_waits: str | None = None


class SendFacts(TypedDict):
    """What a preview needs to know of the settings."""

    delay_minutes: float
    own_template: bool


def facts_of(context: Context) -> SendFacts:
    settings = context.settings
    return {"delay_minutes": settings.send_delay_minutes, "own_template": settings.own_template}


BIGGEST = 5
NAMED = 10

LINE = """
b.id, b.version, c.name, b.year, b.month, b.status, b.hold_reason, b.overage_amount,
b.currency, b.created_at, b.kind, b.number, nullif(trim(c.billing_email), '') as address,
total_due(b) as with_tax
"""

WRITTEN = "array[c.name, c.billing_address, c.tax_id, c.tax_note] as written"

_NAMED = "b.id = any(:bill_ids)"

_OF_MONTH = """
b.year = :year and b.month = :month and b.status in ('held', 'pending', 'rejected', 'approved')"""

# Of many thousand bills the figures are not compared here: each is looked at when it is sent.
_IS_OUTDATED = {
    _NAMED: "exists (select from outdated_bills o where o.id = b.id)",
    _OF_MONTH: "false",
}

_ASKED = """
asked as materialized (
    select b.id, b.version, b.status, b.currency, b.overage_amount, b.number,
           c.tax_rate_percent <> 0 as taxed,
           case when can_be_sent(b) is not true then 'state'
                when nullif(trim(c.billing_email), '') is null then 'no_address'
                when b.number is null and b.adjusts_id is null
                     and c.id = any(:unwritten) then 'no_font'
                when b.adjusts_id is not null and waits_for(b) is not null then 'not_its_turn'
                when {outdated} then 'outdated' end as kept
    from bills b join customers c on c.id = b.customer_id
    where {which})"""

_STORE = f"""
with {_ASKED},
stored as (
    insert into send_list_bills (list_id, bill_id, version)
    select :list_id, id, version from asked where kept is null order by id)
select kept, status, currency, count(*) as bills, sum(overage_amount) as amount,
       count(number) as numbered, bool_or(taxed) as taxed
from asked group by kept, status, currency order by currency, status
"""

# What Finance can mend comes first, then what waits for others, then what is out.
_STAY = f"""
with {_ASKED}
select {LINE}, a.kept, {WRITTEN}
from asked a join bills b on b.id = a.id join customers c on c.id = b.customer_id
where a.kept is not null
order by a.kept = 'state', array_position('{{{{rejected,held,pending}}}}', b.status), b.id
limit {NAMED}
"""

# As `biggest` of totals.py ranks them: the first of each currency, then the second, and so on.
_BIGGEST = sa.text(f"""
with ranked as (
    select b.id, b.currency,
           row_number() over (
               partition by b.currency order by abs(b.overage_amount) desc, b.id) as place,
           count(*) over (partition by b.currency) as bills
    from send_list_bills l join bills b on b.id = l.bill_id
    where l.list_id = :list_id
),
first as (select * from ranked order by place, bills desc, currency limit {BIGGEST})
select {LINE}, null as kept, {WRITTEN}
from first join bills b using (id) join customers c on c.id = b.customer_id
order by bills desc, first.currency, place
""")


async def preview_send(
    session: AsyncSession,
    context: Context,
    bill_ids: Sequence[int] = (),
    period: Period | None = None,
) -> SendPreview:
    """What sending these bills, or those of a month, would do; the list of them is kept.

    Refuses whoever may not send, and everything where there is no mail server.
    """
    list_id = await new_list(session, context)
    return await fill_list(session, list_id, facts_of(context), bill_ids, period)


async def is_quick(session: AsyncSession, period: Period, most: int) -> bool:
    """Whether a month has no more bills to look at than so many."""
    values = {"year": period.year, "month": period.month, "limit": most + 1}
    return int(await session.scalar(_BILLS, values) or 0) <= most


_BILLS = sa.text(f"select count(*) from (select from bills b where {_OF_MONTH} limit :limit) found")


async def new_list(session: AsyncSession, context: Context) -> int:
    """A list that nobody is told about as long as it is not begun; refused as `preview_send` is."""
    await require(session, context.user, Permission.SEND)
    check_can_mail(context)
    return (await shown_list(session, MessageKind.SENDING, context.user, count=0)).id


async def fill_list(
    session: AsyncSession,
    list_id: int,
    known: SendFacts,
    bill_ids: Sequence[int] = (),
    period: Period | None = None,
) -> SendPreview:
    """Put into a list that was not shown yet what would go out; said again, it is filled anew."""
    which = _OF_MONTH if period else _NAMED
    asked = {"which": which, "outdated": _IS_OUTDATED[which]}
    values: dict[str, Any] = (
        {"year": period.year, "month": period.month} if period else {"bill_ids": list(bill_ids)}
    )
    unwritten = () if known["own_template"] else await _unwritten(session, which, values)
    values |= {"unwritten": list(unwritten)}
    of_list = {"list_id": list_id}
    await session.execute(_EMPTY, of_list)
    sums = (await session.execute(sa.text(_STORE.format(**asked)), values | of_list)).all()
    stay = (await session.execute(sa.text(_STAY.format(**asked)), values)).all()
    ready = [row for row in sums if row.kept is None]
    pause = await find_pause(session)
    bills = sum(row.bills for row in ready)
    await session.execute(_COUNTED, of_list | {"count": bills})
    return SendPreview(
        id=list_id if bills else None,
        period=period,
        bills=bills,
        at_once=sum(row.numbered for row in ready),
        totals=tuple(Total(row.currency, row.bills, row.amount, row.taxed) for row in ready),
        biggest=tuple(map(_outgoing, await session.execute(_BIGGEST, of_list))),
        kept=_by_state(sums),
        stay=tuple(map(_outgoing, stay)),
        delay_minutes=known["delay_minutes"],
        mail_waits=pause.cause if pause else None,
    )


async def _unwritten(session: AsyncSession, which: str, values: dict[str, Any]) -> list[int]:
    """The customers of whom a document would be drawn with signs that no font has."""
    found = await session.execute(sa.text(_BEYOND_ASCII.format(which=which)), values)
    return [row.id for row in found if not can_be_written(*row.written)]


_BEYOND_ASCII = f"""
select c.id, {WRITTEN}
from customers c cross join concat(c.name, c.billing_address, c.tax_id, c.tax_note) as all_of_it
where octet_length(all_of_it) <> length(all_of_it) and exists (
    select from bills b
    where b.customer_id = c.id and b.number is null and b.adjusts_id is null and {{which}})
"""

_EMPTY = sa.text("delete from send_list_bills where list_id = :list_id")
_COUNTED = sa.text("""
update messages set facts = facts || jsonb_build_object('count', cast(:count as integer))
where id = :list_id
""")


def _by_state(sums: Sequence[Any]) -> dict[State, int]:
    kept: Counter[State] = Counter()
    for row in sums:
        if row.kept is not None:
            kept[State(row.status)] += row.bills
    return dict(kept)


def _outgoing(row: Any) -> OutgoingBill:
    line = bill_line(row, row.name, row.with_tax)
    return outgoing_bill(line, row, NotSent(row.kept) if row.kept else None)


def outgoing_bill(line: BillLine, row: Any, kept: NotSent | None) -> OutgoingBill:
    """`row` has its customer's address, and what documents show as it is written."""
    is_unwritten = kept is NotSent.NO_FONT
    signs = unwritten_signs(row.written, "its customer’s") if is_unwritten else ""
    return OutgoingBill(line, row.address, kept, signs)


async def promise_send_preview(session: AsyncSession, period: Period, context: Context) -> None:
    """What sending a month would do is worked out by a job, and told to whoever asked.

    Refused as `preview_send` is.
    """
    list_id = await new_list(session, context)
    facts = {"list": list_id, "month": str(period), **facts_of(context)}
    key = f"send-preview:{list_id}"
    await add_messages(session, MessageKind.SEND_PREVIEW, key, [context.user], facts)
