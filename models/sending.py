"""From an approved bill to the customer's mailbox: send, issue, deliver, send_failed.

`send` starts a delay in which it can be called back. `issue` takes the number and makes the
document, for good. Then `deliver` or `send_failed` says what the mail server made of it.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from models import announce, bills, settling
from models.base import Base
from models.bills import Bill, BillAction, BillKind, State, Verb
from models.case import Act, Case, Move, by_itself, newer_figures, open_case
from models.customers import Customer
from models.dossier import InvoiceFacts
from models.people import Role, with_role
from models.refusals import WrongState

PLAIN_TEXT = "text/plain; charset=utf-8"
SERIES = {BillKind.CREDIT: "credit"}
FORMS = {"invoice": "{year}-{last:06}", "credit": "CN-{year}-{last:06}"}


class Document(Base):
    """What was issued for a bill, just as it goes out; `sha256` in hex. Never changed."""

    __tablename__ = "documents"

    bill_id: Mapped[int] = mapped_column(sa.BigInteger, sa.ForeignKey("bills.id"), primary_key=True)
    number: Mapped[str] = mapped_column(unique=True)
    media_type: Mapped[str]
    content: Mapped[bytes] = mapped_column(sa.LargeBinary)
    sha256: Mapped[str] = mapped_column(server_default=sa.FetchedValue())
    created_at: Mapped[datetime]


async def send(session: AsyncSession, bill_id: int, version: int, act: Act) -> BillAction:
    """Start the send delay of an approved bill; until it ends, `undo` calls it back.

    Refuses where there is no mail server or no address to send to. One that has its number
    already keeps it, and its document, and goes out at once.
    """
    case = await open_case(session, bill_id, Verb.SEND, act, version)
    refuse_send(case, act)
    at = act.send_due if case.bill.number is None else act.now
    action = await case.record(
        Verb.SEND, act, Move(State.SENDING), snapshot={"due": at.isoformat()}
    )
    await announce.bill_to_issue(session, bill_id, act.now, at)
    return action


def refuse_send(case: Case, act: Act) -> None:
    """Why this bill could not go out at all."""
    refuse_without_mail(act)
    if not (case.customer.billing_email or "").strip():
        raise WrongState(
            f"{case.customer.name} has no billing e-mail address. Give it one first, in the column "
            "billing_email of `countersign import customers FILE.csv`."
        )


def refuse_without_mail(act: Act) -> None:
    if not act.rules.can_mail:
        raise WrongState(
            "There is no mail server to send bills with. Whoever looks after Countersign sets "
            "`SMTP_URL` and `MAIL_FROM`."
        )


async def issue(
    session: AsyncSession, bill_id: int, act: Act, draw: Callable[[InvoiceFacts], str]
) -> bool:
    """Take the bill's number, and store its document as `draw` makes it; then it can be mailed.

    False where there is nothing to issue: it was called back, its delay has been started anew, or
    usage or terms have changed, which makes it a new version for approval instead. A bill that
    failed before has its number and document, and goes out with those.
    """
    bill = await _locked_with_customer(session, bill_id)
    if bill.status != State.SENDING:
        return False
    issue_at = await due(session, bill_id)
    if act.now < issue_at:
        await announce.bill_to_issue(session, bill_id, act.now, issue_at)
        return False
    if await newer_figures(session, bill) is not None:
        await settling.settle(session, act, [bill_id])
        return False
    if await _is_issued(session, bill):
        await announce.bill_to_deliver(session, bill_id)
        return True
    automatic = await by_itself(session, act)
    case = await open_case(session, bill_id, Verb.ISSUE, automatic)
    number = case.bill.number or await _next_number(session, case.bill, act)
    facts = await _facts(session, case.bill, case.customer, number, act.today)
    document = Document(
        bill_id=bill_id,
        number=number,
        media_type=PLAIN_TEXT,
        content=draw(facts).encode(),
        created_at=act.now,
    )
    session.add(document)
    await session.flush()
    await session.refresh(document)
    await case.record(
        Verb.ISSUE,
        automatic,
        Move(State.SENDING, {"number": number}),
        snapshot={"number": number, "sha256": document.sha256},
    )
    await announce.bill_to_deliver(session, bill_id)
    return True


async def _locked_with_customer(session: AsyncSession, bill_id: int) -> Bill:
    """The bill, after its customer: terms that change now either come before, or spare this month.

    Both are locked in this order, as by whoever changes terms and then settles the bills.
    """
    bill = await bills.get(session, bill_id)
    customer = sa.select(Customer.id).where(Customer.id == bill.customer_id)
    await session.execute(customer.with_for_update(read=True))
    return await bills.get(session, bill_id, lock=True)


async def due(session: AsyncSession, bill_id: int) -> datetime:
    """When the bill that is being sent was, or is, to be issued."""
    actions = await bills.actions_of(session, bill_id)
    return next(
        datetime.fromisoformat(action.snapshot["due"])
        for action in reversed(actions)
        if "due" in action.snapshot
    )


async def _is_issued(session: AsyncSession, bill: Bill) -> bool:
    return bill.number is not None and await session.get(Document, bill.id) is not None


async def _next_number(session: AsyncSession, bill: Bill, act: Act) -> str:
    """The next of its series; the series' row stays locked until this is committed or gone."""
    kind = SERIES.get(BillKind(bill.kind), "invoice")
    values = {"kind": kind, "year": act.today.year}
    last = await session.scalar(_TAKE, values)
    return FORMS[kind].format(year=act.today.year, last=last)


_TAKE = sa.text("""
insert into number_series as s (kind, year, last) values (:kind, :year, 1)
on conflict (kind, year) do update set last = s.last + 1
returning last
""")


async def letter(session: AsyncSession, bill_id: int, act: Act) -> InvoiceFacts | None:
    """What is to be mailed; None where the bill is not on its way out any more."""
    bill = await bills.get(session, bill_id)
    document = await session.get(Document, bill_id)
    if bill.status != State.SENDING or document is None:
        return None
    customer = await session.get_one(Customer, bill.customer_id)
    issued_on = document.created_at.astimezone(act.rules.zone).date()
    facts = await _facts(session, bill, customer, document.number, issued_on)
    return replace(facts, content=document.content.decode())


async def deliver(
    session: AsyncSession, bill_id: int, act: Act, answer: str, to: str | None = None
) -> BillAction | None:
    """The mail server took it: the bill is sent, `to` these addresses.

    None where that is recorded already.
    """
    bill = await bills.get(session, bill_id, lock=True)
    document = await session.get(Document, bill_id)
    if bill.status != State.SENDING or document is None:
        return None
    case = await open_case(session, bill_id, Verb.DELIVER, act)
    told = {"answer": answer[:500], "sha256": document.sha256, "to": to}
    return await case.record(Verb.DELIVER, act, Move(State.SENT), snapshot=told)


async def send_failed(
    session: AsyncSession, bill_id: int, act: Act, cause: str
) -> BillAction | None:
    """It cannot be delivered: the bill is approved again, keeps its number, and Finance is told."""
    bill = await bills.get(session, bill_id, lock=True)
    if bill.status != State.SENDING or bill.number is None:
        return None
    case = await open_case(session, bill_id, Verb.SEND_FAILED, act)
    action = await case.record(
        Verb.SEND_FAILED, act, Move(State.APPROVED), snapshot={"failure": cause[:1000]}
    )
    finance = await with_role(session, Role.FINANCE)
    await announce.not_sent(session, bill_id, action.id, finance)
    return action


async def _facts(
    session: AsyncSession, bill: Bill, customer: Customer, number: str, issued_on: date
) -> InvoiceFacts:
    adjusted = await session.get(Bill, bill.adjusts_id) if bill.adjusts_id else None
    return InvoiceFacts(
        bill_id=bill.id,
        number=number,
        kind=BillKind(bill.kind),
        issued_on=issued_on,
        customer=customer.name,
        billing_address=customer.billing_address,
        billing_email=customer.billing_email,
        cc_emails=customer.cc_emails,
        country=customer.country,
        tax_id=customer.tax_id,
        tax_rate_percent=customer.tax_rate_percent,
        tax_note=customer.tax_note,
        payment_days=customer.payment_days,
        period=bill.period,
        api_usage=bill.api_usage,
        limit_calls=bill.monthly_api_limit,
        overage_units=bill.overage_units,
        unit_cost=bill.overage_unit_cost,
        amount=bill.overage_amount or Decimal(0),
        currency=bill.currency,
        adjusts_number=adjusted.number if adjusted else None,
    )
