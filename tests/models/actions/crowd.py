"""A company in which everybody acts at once: what each may do, by chance, in one transaction."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from io import BytesIO
from random import Random
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.actions.absence import end_absences, mark_away, mark_back
from models.actions.access import deactivate, grant_role
from models.actions.approve import approve_bill, reject_bill
from models.actions.comment import add_comment
from models.actions.hold import release_bill
from models.actions.reassign import reassign_bill
from models.actions.recalculate import follow_customers, recalculate
from models.actions.reroute import reroute_open_bills
from models.actions.revise import revise_bill
from models.actions.undo import undo_decision
from models.actions.void import reissue_bill, void_bill
from models.batches.bill_run import run_step, start_bill_run
from models.batches.bulk_send import send_step, start_send
from models.batches.send_preview import preview_send
from models.bills.states import RejectReason
from models.context import Context, Source
from models.customers.terms import show_terms_of_today
from models.db.database import Database
from models.outbox.cards import redraw_card_at
from models.outbox.delivery import claim, mark_sent, next_due
from models.outbox.messages import Message
from models.people.permissions import Role
from models.people.users import User
from models.settings import BillingSettings
from models.usage.usage import record_usage
from tests.harness.billing import drawn
from tests.harness.files import HEADERS, IMPORTS
from tests.harness.issuing import issue_bill, mark_delivered
from tests.harness.scene import NOW, OCTOBER, ZONE
from tests.harness.terms import change_terms

CUSTOMERS = 40
SETTINGS = BillingSettings("CAPPROVALS", can_mail=True, send_delay_minutes=0, chunk_customers=15)
CROWD = {"Finance": 2, "Customer Success": 6, "Sales": 4}


@dataclass
class Crowd:
    """The ids of everybody and of every customer; `second`: how many have acted so far."""

    people: dict[str, list[int]]
    customers: list[int]
    second: int = field(default=0)

    def now(self) -> Any:
        self.second += 1
        return NOW + timedelta(seconds=self.second)

    async def act(self, session: AsyncSession, role: str, luck: Random) -> Context:
        user = await session.get_one(User, luck.choice(self.people[role]), populate_existing=True)
        return Context(user, self.now(), Source.SLACK, SETTINGS)

    async def approver(self, session: AsyncSession, luck: Random) -> Context:
        return await self.act(session, luck.choice(("Customer Success", "Sales")), luck)

    async def clock(self, session: AsyncSession) -> Context:
        system = (await session.scalars(sa.select(User).where(User.name == "system"))).one()
        return Context(system, self.now(), Source.CLOCK, SETTINGS)


def _id(role: str, number: int) -> str:
    return f"U{role[0]}{number}"


Act = Callable[[Crowd, AsyncSession, Random], Awaitable[Any]]


async def found(db: Database) -> Crowd:
    """A company whose bills of October stand, some of them corrected and some gone out."""
    people: dict[str, list[int]] = {role: [] for role in CROWD}
    async with db.transaction() as session:
        for role, count in CROWD.items():
            users = [
                User(name=f"{role} {n}", role=role, slack_user_id=_id(role, n))
                for n in range(count)
            ]
            session.add_all(users)
            await session.flush()
            people[role] = [user.id for user in users]
        rows = await session.scalars(
            _FOUND,
            {"count": CUSTOMERS, "csm": people["Customer Success"], "sales": people["Sales"]},
        )
        crowd = Crowd(people, sorted(rows))
    async with db.transaction() as session:
        finance = await crowd.act(session, "Finance", Random(0))
        run_id = await start_bill_run(session, OCTOBER, finance, ZONE)
    finished = False
    while not finished:
        async with db.long_transaction() as session:
            finished = (await run_step(session, run_id, SETTINGS, NOW)).ended
    return crowd


_FOUND = sa.text("""
with made as (
    insert into customers (name, monthly_api_limit, overage_unit_cost, billing_email, csm_id,
        sales_id, require_csm_approval, require_sales_approval, slack_channel_id,
        auto_approve_below)
    select 'Customer ' || n, 1000, 0.1, 'bills@example.com',
           (cast(:csm as bigint[]))[1 + n % 6], (cast(:sales as bigint[]))[1 + n % 4],
           n % 3 <> 0, n % 5 = 0, case when n % 4 = 0 then 'CSHARED' end,
           case when n % 7 = 0 then 100000 end
    from generate_series(1, :count) n returning id),
used as (
    insert into usages (customer_id, year, month, api_usage)
    select id, 2026, m, 5000 + 100 * id + m from made cross join generate_series(6, 10) m)
select id from made
""")


async def _bill(session: AsyncSession, luck: Random, *states: str) -> Any:
    """One of those in these states, a few of which everybody likes best."""
    query = sa.text(
        "select id, version, customer_id, number from bills where status = any(:states) order by id"
    )
    bills = (await session.execute(query, {"states": list(states)})).all()
    return luck.choice(bills[: luck.choice((4, 100))]) if bills else None


def on_bill(*states: str, by: str | None) -> Callable[[Any], Act]:
    """An act on a bill in one of these states, by somebody of this role, or by an approver."""

    def wrap(do: Any) -> Act:
        async def acting(crowd: Crowd, session: AsyncSession, luck: Random) -> Any:
            bill = await _bill(session, luck, *states)
            if bill is None:
                return None
            if by == "clock":
                context = await crowd.clock(session)
            elif by:
                context = await crowd.act(session, by, luck)
            else:
                context = await crowd.approver(session, luck)
            return await do(session, bill, context)

        acting.__name__ = do.__name__
        return acting

    return wrap


@on_bill("pending", by=None)
async def approve(session: AsyncSession, bill: Any, by: Context) -> Any:
    return await approve_bill(session, bill.id, bill.version, by)


@on_bill("pending", by=None)
async def reject(session: AsyncSession, bill: Any, by: Context) -> Any:
    return await reject_bill(session, bill.id, bill.version, by, RejectReason.OTHER, "No")


@on_bill("pending", "approved", "rejected", "void", "held", by="Finance")
async def undo(session: AsyncSession, bill: Any, by: Context) -> Any:
    return await undo_decision(session, bill.id, bill.version, by, "Oops")


@on_bill("held", by="Finance")
async def release(session: AsyncSession, bill: Any, by: Context) -> Any:
    return await release_bill(session, bill.id, bill.version, by, "All the same")


@on_bill("held", "pending", "rejected", by="Finance")
async def revise(session: AsyncSession, bill: Any, by: Context) -> Any:
    return await revise_bill(session, bill.id, bill.version, by, "Promised")


@on_bill("pending", "approved", "rejected", "sent", by="Finance")
async def void(session: AsyncSession, bill: Any, by: Context) -> Any:
    return await void_bill(session, bill.id, bill.version, by, "No")


@on_bill("void", by="Finance")
async def reissue(session: AsyncSession, bill: Any, by: Context) -> Any:
    return await reissue_bill(session, bill.id, bill.version, by, "Again")


@on_bill("held", "pending", by="Finance")
async def reassign(session: AsyncSession, bill: Any, by: Context) -> Any:
    crew = (await session.scalars(sa.select(User.id).order_by(User.id))).all()
    return await reassign_bill(session, bill.id, bill.version, by, crew[bill.id % len(crew)])


@on_bill("pending", "approved", "sent", by="Finance")
async def comment(session: AsyncSession, bill: Any, by: Context) -> Any:
    return await add_comment(session, bill.id, by, "Hm")


@on_bill("sending", by="clock")
async def issue(session: AsyncSession, bill: Any, by: Context) -> Any:
    return await issue_bill(session, bill.id, by, drawn)


@on_bill("sending", by="clock")
async def deliver(session: AsyncSession, bill: Any, by: Context) -> Any:
    return await mark_delivered(session, bill.id, by, "250 OK", "bills@example.com")


async def preview(crowd: Crowd, session: AsyncSession, luck: Random) -> Any:
    by = await crowd.act(session, "Finance", luck)
    return (await preview_send(session, by, period=OCTOBER)).id


async def send_month(crowd: Crowd, session: AsyncSession, luck: Random) -> Any:
    """A list that was shown is begun, or gone on with."""
    query = sa.text("select id, recipient from messages where kind = 'sending' order by id desc")
    shown = (await session.execute(query)).first()
    if shown is None:
        return None
    user = await session.get_one(User, int(shown.recipient.removeprefix("user:")))
    by = Context(user, crowd.now(), Source.SLACK, SETTINGS)
    if not await start_send(session, shown.id, by):
        await send_step(session, shown.id, by)
    return shown.id


async def record(crowd: Crowd, session: AsyncSession, luck: Random) -> Any:
    by = await crowd.act(session, "Finance", luck)
    customer, calls = luck.choice(crowd.customers), luck.choice((500, 7000, 9000, 20_000))
    await record_usage(session, customer, OCTOBER, calls, by)
    return await recalculate(session, by)


async def change(crowd: Crowd, session: AsyncSession, luck: Random) -> Any:
    by = await crowd.act(session, "Finance", luck)
    price = Decimal(luck.choice(("0.1", "0.2", "0.3")))
    return await change_terms(session, luck.choice(crowd.customers), by, 1000, price)


async def go_away(crowd: Crowd, session: AsyncSession, luck: Random) -> Any:
    by = await crowd.approver(session, luck)
    others = crowd.people["Customer Success"] + crowd.people["Sales"]
    delegate = await session.get_one(User, luck.choice(others))
    return await mark_away(session, by, by.today + timedelta(days=luck.choice((0, 3))), delegate)


async def come_back(crowd: Crowd, session: AsyncSession, luck: Random) -> Any:
    return await mark_back(session, await crowd.approver(session, luck))


async def leave(crowd: Crowd, session: AsyncSession, luck: Random) -> Any:
    by = await crowd.act(session, "Finance", luck)
    gone = await session.get_one(User, luck.choice(crowd.people["Customer Success"]))
    await deactivate(session, gone.slack_user_id or "")
    return await reroute_open_bills(session, by)


async def give_role(crowd: Crowd, session: AsyncSession, luck: Random) -> Any:
    by = await crowd.act(session, "Finance", luck)
    user = (await session.scalars(sa.select(User).where(sa.not_(User.active)).limit(1))).first()
    if user is None:
        return None
    await grant_role(session, user.id, Role.CSM, by)
    return await reroute_open_bills(session, by)


async def _load(session: AsyncSession, kind: str, by: Context, rows: Iterable[Any]) -> None:
    lines = [HEADERS[kind], *(",".join(map(str, row)) for row in rows)]
    await IMPORTS[kind](session, BytesIO("\n".join(lines).encode()), by.user, by.now)


async def load_people(crowd: Crowd, session: AsyncSession, luck: Random) -> Any:
    """Some get other roles and other names."""
    by = await crowd.clock(session)
    rows = [
        (
            f"{role} {n}{luck.choice(('', ' II'))}",
            "",
            luck.choice((role, role, "Sales")),
            _id(role, n),
        )
        for role, count in CROWD.items()
        if role != "Finance"
        for n in range(count)
    ]
    await _load(session, "people", by, rows)
    return await reroute_open_bills(session, by)


async def load_customers(crowd: Crowd, session: AsyncSession, luck: Random) -> Any:
    """Other prices, and others who look after them."""
    by = await crowd.clock(session)
    names = list(await session.scalars(sa.select(User.name).where(User.role == Role.CSM)))
    rows = [
        (f"Customer {n}", luck.choice(["", *names]), "", "", "bills@example.com", "USD", 1000,
         luck.choice(("0.1", "0.2")), "", "", luck.choice(("true", "false")), "false")
        for n in luck.sample(range(1, CUSTOMERS + 1), 20)
    ]  # fmt: skip
    await _load(session, "customers", by, rows)
    return await follow_customers(session, by)


async def load_usage(crowd: Crowd, session: AsyncSession, luck: Random) -> Any:
    by = await crowd.clock(session)
    rows = [
        (f"Customer {n}", 2026, 10, luck.choice((700, 5000, 8000, 12_000)))
        for n in luck.sample(range(1, CUSTOMERS + 1), 15)
    ]
    await _load(session, "usage", by, rows)
    return await recalculate(session, by)


async def generate(crowd: Crowd, session: AsyncSession, luck: Random) -> Any:
    by = await crowd.act(session, "Finance", luck)
    run_id = await start_bill_run(session, OCTOBER.plus(-luck.randint(0, 4)), by, ZONE)
    return await run_step(session, run_id, SETTINGS, by.now)


async def end_past_absences(crowd: Crowd, session: AsyncSession, luck: Random) -> Any:
    by = await crowd.clock(session)
    return await end_absences(session, replace(by, now=by.now + timedelta(days=1)))


async def settle(crowd: Crowd, session: AsyncSession, luck: Random) -> Any:
    by = await crowd.clock(session)
    await show_terms_of_today(session, by.today)
    return await recalculate(session, by)


async def claim_due(crowd: Crowd, session: AsyncSession, luck: Random) -> Any:
    """As the worker does before it asks Slack."""
    recipients = list(
        await session.scalars(
            sa.text("select distinct recipient from messages where state = 'waiting'")
        )
    )
    if not recipients:
        return None
    message = await next_due(session, luck.choice(recipients))
    return None if message is None else await claim(session, message)


async def note_sent(crowd: Crowd, session: AsyncSession, luck: Random) -> Any:
    """As it does afterwards, in a transaction of its own."""
    claimed = (await session.scalars(sa.select(Message).where(Message.state == "sending"))).all()
    if not claimed:
        return None
    message = luck.choice(claimed)
    return await mark_sent(session, message, "C1", f"{message.id}.1", 1)


async def click_an_old_card(crowd: Crowd, session: AsyncSession, luck: Random) -> Any:
    """One that is then drawn again, and its bill worked out anew."""
    cards = (
        await session.execute(
            sa.text(
                "select channel, ts, bill_id from messages where ts <> '' and bill_id is not null"
            )
        )
    ).all()
    if not cards:
        return None
    card = luck.choice(cards)
    await redraw_card_at(session, card.channel, card.ts)
    return await recalculate(session, await crowd.clock(session), [card.bill_id])


ACTS: tuple[Act, ...] = (
    *(approve, issue, deliver) * 3, *(reject, undo, release, revise, void, reissue, comment),
    reassign,
    *(preview, send_month, record, change, go_away, come_back, leave, give_role, generate),
    *(load_people, load_customers, load_usage) * 2,
    *(end_past_absences, settle, claim_due, note_sent, click_an_old_card),
)  # fmt: skip
