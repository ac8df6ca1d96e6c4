"""From an approved bill to the customer's mailbox: send, issue, deliver, send_failed.

`send` starts a delay in which it can be called back. `issue` takes the number and makes the
document, for good. Then `deliver` or `send_failed` says what the mail server made of it.
"""

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.actions.loaded_bill import Change, LoadedBill, load_for
from models.actions.next_steps import checks
from models.actions.recalculate import recalculate
from models.bills.bill import Bill, get_bill
from models.bills.deliveries import Missing, forget_delivery, write_missing
from models.bills.documents import (
    CannotBeDrawn,
    Document,
    Draw,
    Drawn,
    issue_due,
    issued_document,
    new_mail_id,
)
from models.bills.figures import newer_figures
from models.bills.history import BillAction
from models.bills.invoice_data import InvoiceData, invoice_data
from models.bills.numbers import likely_number, take_number
from models.bills.states import BillKind, State, Verb
from models.context import Context, as_system
from models.customers.contracts import keep_billed_contract
from models.customers.customers import Customer
from models.errors import NextStep, Step, Unreadable, WrongState
from models.mailboxes import mailboxes
from models.outbox.jobs import defer_copies, defer_delivery, defer_issue
from models.outbox.notifications import notify_not_sent
from models.people.permissions import Role
from models.people.users import users_with_role
from models.text import remark_text

COPIES_AFTER_S = 600
"""So long a server that refused somebody for now is left alone; most take it by then."""


async def send_bill(
    session: AsyncSession, bill_id: int, version: int, context: Context, words: str | None = None
) -> BillAction:
    """Start the send delay of an approved bill; until it ends, `undo` calls it back.

    Refuses where there is no mail server or no address to send to. One that has its number
    already keeps it, and its document, and goes out at once.
    """
    loaded = await load_for(session, bill_id, Verb.SEND, context, version)
    await check_send(loaded, context)
    at = context.send_due if loaded.bill.number is None else context.now
    action = await loaded.record(
        Verb.SEND,
        context,
        Change(State.SENDING),
        comment=remark_text(words),
        snapshot={"due": at.isoformat()},
    )
    await defer_issue(session, bill_id, context.now, at)
    return action


@checks(Verb.SEND)
async def check_send(loaded: LoadedBill, context: Context) -> None:
    """Why this bill could not go out at all."""
    check_can_mail(context)
    if not (loaded.customer.billing_email or "").strip():
        raise WrongState(
            f"{loaded.customer.name} has no billing e-mail address.",
            [NextStep(Step.IMPORT_BILLING_EMAIL)],
        )
    await _check_corrected_is_out(loaded, context)


async def _check_corrected_is_out(loaded: LoadedBill, context: Context) -> None:
    """Nobody gets a correction of what they never got."""
    if loaded.bill.adjusts_id is None:
        return
    first = await loaded.session.scalar(_WAITS_FOR, {"bill_id": loaded.bill.id})
    if first is None:
        return
    corrected = await get_bill(loaded.session, first)
    steps = [NextStep(Verb.SEND, first)] if corrected.status == State.APPROVED else []
    raise WrongState(
        f"This corrects {corrected.number}, bill #{first}, which has not gone out yet: that one "
        "comes first.",
        steps,
    )


_WAITS_FOR = sa.text("select waits_for(b) from bills b where b.id = :bill_id")


def check_can_mail(context: Context) -> None:
    if not context.settings.can_mail:
        raise WrongState(
            "There is no mail server to send bills with.", [NextStep(Step.SET_MAIL_SERVER)]
        )


async def issue_bill(session: AsyncSession, bill_id: int, context: Context, draw: Draw) -> bool:
    """Take the bill's number, and store its document as `draw` makes it; then it can be mailed.

    False where there is nothing to issue: it was called back, its delay has been started anew, or
    usage or terms have changed, which makes it a new version for approval instead. What cannot be
    drawn, or has no address to go to, gets no number, and is back with Finance. A bill that failed
    after it was issued has its number and document, and goes out with those.
    """
    bill = await _locked_with_customer(session, bill_id)
    if bill.status != State.SENDING or not await _is_ready(session, bill, context):
        return False
    if bill.number is None or await issued_document(session, bill_id) is None:
        automatic = await as_system(session, context)
        try:
            await _check_addresses(session, bill)
            await _issue(session, bill, automatic, draw)
        except (CannotBeDrawn, Unreadable) as error:
            await _send_failed(session, bill_id, automatic, str(error))
            return False
    await defer_delivery(session, bill_id)
    return True


async def _check_addresses(session: AsyncSession, bill: Bill) -> None:
    """What nobody could be mailed at takes no number; raises Unreadable."""
    customer = await session.get_one(Customer, bill.customer_id)
    for text in filter(None, (customer.billing_email, customer.cc_emails)):
        try:
            mailboxes(text)
        except ValueError:
            raise Unreadable(text, "is not an e-mail address") from None


async def _is_ready(session: AsyncSession, bill: Bill, context: Context) -> bool:
    """Whether the delay is over, and the figures are still those of usage and terms."""
    issue_at = await issue_due(session, bill.id)
    if context.now < issue_at:
        await defer_issue(session, bill.id, context.now, issue_at)
        return False
    if await newer_figures(session, bill) is not None:
        await recalculate(session, context, [bill.id])
        return False
    return True


async def _issue(session: AsyncSession, bill: Bill, automatic: Context, draw: Draw) -> None:
    loaded = await load_for(session, bill.id, Verb.ISSUE, automatic)
    facts, drawn = await _drawn(session, loaded.bill, automatic, draw)
    document = Document(
        bill_id=bill.id,
        number=facts.number,
        media_type=drawn.media_type,
        content=drawn.content,
        facts=facts.as_json(),
        mail_id=await new_mail_id(session, facts.number),
        created_at=automatic.now,
    )
    session.add(document)
    await session.flush()
    await session.refresh(document)
    if bill.kind == BillKind.OVERAGE:
        await keep_billed_contract(session, bill.id, bill.customer_id, bill.period)
    await loaded.record(
        Verb.ISSUE,
        automatic,
        Change(State.SENDING, {"number": facts.number}),
        snapshot={
            "number": facts.number,
            "sha256": document.sha256,
            "facts_sha256": document.facts_sha256,
        },
    )


async def _drawn(
    session: AsyncSession, bill: Bill, automatic: Context, draw: Draw
) -> tuple[InvoiceData, Drawn]:
    """Drawn before its number is taken, and once more only where somebody else got that number:
    so nobody waits at the series for a drawing, and what cannot be drawn takes no number.
    """
    likely = bill.number or await likely_number(session, bill, automatic)
    facts = await invoice_data(session, bill, likely, automatic.today, automatic)
    drawn = await draw(facts)
    number = bill.number or await take_number(session, bill, automatic)
    if number != likely:
        facts = replace(facts, number=number)
        drawn = await draw(facts)
    return facts, drawn


async def _locked_with_customer(session: AsyncSession, bill_id: int) -> Bill:
    """The bill, after its customer: terms that change now either come before, or spare this month.

    Both are locked in this order, as by whoever changes terms and then settles the bills.
    """
    bill = await get_bill(session, bill_id)
    customer = sa.select(Customer.id).where(Customer.id == bill.customer_id)
    await session.execute(customer.with_for_update(read=True))
    return await get_bill(session, bill_id, lock=True)


async def mark_delivered(
    session: AsyncSession,
    bill_id: int,
    context: Context,
    answer: str,
    to: str | None = None,
    missing: Sequence[Missing] = (),
) -> BillAction | None:
    """The mail server took it: the bill is sent, `to` these addresses and not to those `missing`.

    None where that is recorded already.
    """
    bill = await get_bill(session, bill_id, lock=True)
    document = await issued_document(session, bill_id)
    if bill.status != State.SENDING or document is None:
        return None
    loaded = await load_for(session, bill_id, Verb.DELIVER, context)
    told: dict[str, Any] = {"answer": answer[:500], "sha256": document.sha256, "to": to}
    if missing:
        told["missing"] = [asdict(one) for one in missing]
        await write_missing(session, bill_id, missing)
    else:
        await forget_delivery(session, bill_id)
    if any(one.later for one in missing):
        await defer_copies(session, bill_id, COPIES_AFTER_S)
    return await loaded.record(Verb.DELIVER, context, Change(State.SENT), snapshot=told)


async def mark_send_failed(
    session: AsyncSession, bill_id: int, context: Context, cause: str
) -> BillAction | None:
    """It cannot be delivered: the bill is approved again, keeps its number, and Finance is told."""
    bill = await get_bill(session, bill_id, lock=True)
    if bill.status != State.SENDING or bill.number is None:
        return None
    return await _send_failed(session, bill_id, context, cause)


async def _send_failed(
    session: AsyncSession, bill_id: int, context: Context, cause: str
) -> BillAction:
    loaded = await load_for(session, bill_id, Verb.SEND_FAILED, context)
    await forget_delivery(session, bill_id)
    action = await loaded.record(
        Verb.SEND_FAILED, context, Change(State.APPROVED), snapshot={"failure": cause[:1000]}
    )
    finance = await users_with_role(session, Role.FINANCE)
    await notify_not_sent(session, bill_id, action.id, finance)
    return action
