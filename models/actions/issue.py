"""Bills whose delay is over get their number and their document, for good."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.actions.loaded_bill import Change, LoadedBill, load_each_for, record_each
from models.actions.recalculate import recalculate
from models.actions.send import return_to_finance
from models.bills.bill import Bill
from models.bills.documents import (
    CannotBeDrawn,
    Document,
    Draw,
    Drawn,
    installation_id,
    issued_document,
)
from models.bills.history import due_by
from models.bills.invoice_data import InvoiceData, background_of, invoice_data
from models.bills.numbers import likely_numbers, take_numbers
from models.bills.states import State, Verb
from models.bills.usage_links import NewLink, keep_links, new_link
from models.context import Context, as_system
from models.customers.contracts import keep_billed_contracts
from models.customers.customers import Customer
from models.customers.mail_addresses import check_mail_addresses
from models.db.locks import busy_after_waiting
from models.errors import Unreadable, WrongState
from models.outbox.jobs import defer_deliver, defer_issue

REDRAWN_AFTER_S = 2


async def issue_bills(
    session: AsyncSession, bill_ids: Sequence[int], context: Context, draw: Draw
) -> list[int]:
    """Take the numbers of these bills, in this order, and store their documents as `draw` makes
    them. Returns those that can be mailed then.

    There is nothing to issue where it was called back, its delay has been started anew, or usage
    or terms have changed, which makes it a new version for approval instead. What cannot be drawn,
    or has no address to go to, gets no number, and is back with Finance. A bill that failed after
    it was issued has its number and document, and goes out with those.
    """
    automatic = await as_system(session, context)
    customers = await _lock_customers(session, bill_ids)
    ready = [
        loaded
        for loaded in await load_each_for(session, bill_ids, Verb.ISSUE, automatic)
        if await _is_ready(loaded, context)
    ]
    new = [loaded for loaded in ready if not await _is_issued(loaded)]
    bills = [loaded.bill for loaded in new]
    links = {bill.id: link for bill in bills if (link := new_link(automatic))}
    sheets, causes = await _drawn(session, bills, customers, links, automatic, draw)
    documents = await _store(session, sheets, automatic)
    issued_links = {bill_id: link for bill_id, link in links.items() if bill_id in sheets}
    await keep_links(session, issued_links, automatic)
    await _record([one for one in new if one.bill.id in sheets], sheets, documents, automatic)
    for loaded in new:
        if loaded.bill.id in causes:
            await return_to_finance(loaded, automatic, causes[loaded.bill.id])
    issued = [one.bill.id for one in ready if one.bill.id not in causes]
    for bill_id in issued:
        await defer_deliver(session, bill_id)
    return issued


_CUSTOMERS = "select customer_id from bills where id = any(:bill_ids)"


async def _lock_customers(session: AsyncSession, bill_ids: Sequence[int]) -> dict[int, Customer]:
    """By id, before their bills: terms that change now either come before, or spare this month.
    Both are locked in this order, as by whoever changes terms and then recalculates the bills.
    """
    customers = sa.select(Customer).where(Customer.id.in_(sa.text(f"({_CUSTOMERS})")))
    locking = customers.order_by(Customer.id).with_for_update(read=True)
    locking = locking.execution_options(populate_existing=True)
    with busy_after_waiting():
        found = await session.scalars(locking, {"bill_ids": list(bill_ids)})
    return {customer.id: customer for customer in found}


async def _is_ready(loaded: LoadedBill, context: Context) -> bool:
    """Whether the delay is over, and the figures are still those of usage and terms."""
    bill = loaded.bill
    due = due_by(loaded.actions)
    if context.now < due:
        await defer_issue(loaded.session, bill.id, context.now, due)
        return False
    if loaded.newer_figures is not None:
        await recalculate(loaded.session, context, [bill.id])
        return False
    return True


async def _is_issued(loaded: LoadedBill) -> bool:
    bill = loaded.bill
    return bill.number is not None and await issued_document(loaded.session, bill.id) is not None


@dataclass(frozen=True)
class _Sheet:
    """What is to be stored for a bill: what the document says, and how it is drawn."""

    facts: InvoiceData
    drawn: Drawn


async def _drawn(
    session: AsyncSession,
    bills: Sequence[Bill],
    customers: Mapping[int, Customer],
    links: Mapping[int, NewLink],
    automatic: Context,
    draw: Draw,
) -> tuple[dict[int, _Sheet], dict[int, str]]:
    """Drawn before their numbers are taken, and once more only where somebody else got one of them,
    or one that was to come before cannot be drawn: so nobody waits at the series for a drawing, and
    what cannot be drawn takes no number. By bill, and why not.
    """
    likely = await likely_numbers(session, bills, automatic)
    background = await background_of(session, bills)
    facts: dict[int, InvoiceData] = {}
    causes: dict[int, str] = {}
    for bill, number in zip(bills, likely, strict=True):
        try:
            # Those of a customer that was merged at this moment are another's by now.
            owner = bill.customer_id
            known = owner in customers
            customer = customers[owner] if known else await session.get_one(Customer, owner)
            check_mail_addresses(customer)
            told = await invoice_data(session, bill, number, automatic.today, automatic, background)
            link = links.get(bill.id)
            facts[bill.id] = replace(told, link=link.as_issued if link else None)
        except (Unreadable, WrongState) as refused:
            causes[bill.id] = str(refused)
    sheets = await _draw_all(facts, draw, causes)
    able = [bill for bill in bills if bill.id in sheets]
    numbers = await take_numbers(session, able, automatic)
    others = {
        bill.id: replace(sheets[bill.id].facts, number=number)
        for bill, number in zip(able, numbers, strict=True)
        if sheets[bill.id].facts.number != number
    }
    return sheets | await _draw_all(others, draw), causes


async def _draw_all(
    facts: Mapping[int, InvoiceData], draw: Draw, causes: dict[int, str] | None = None
) -> dict[int, _Sheet]:
    """All at once. Why one could not be drawn is put into `causes`, or raised without these."""
    drawing = (draw(one) for one in facts.values())
    sheets: dict[int, _Sheet] = {}
    for bill_id, drawn in zip(
        facts, await asyncio.gather(*drawing, return_exceptions=True), strict=True
    ):
        if isinstance(drawn, CannotBeDrawn) and causes is not None:
            causes[bill_id] = str(drawn)
        elif isinstance(drawn, BaseException):
            raise drawn
        else:
            sheets[bill_id] = _Sheet(facts[bill_id], drawn)
    return sheets


async def _store(
    session: AsyncSession, sheets: Mapping[int, _Sheet], automatic: Context
) -> dict[int, Document]:
    here = await installation_id(session)
    documents = {
        bill_id: Document(
            bill_id=bill_id,
            number=sheet.facts.number,
            media_type=sheet.drawn.media_type,
            content=sheet.drawn.content,
            facts=sheet.facts.as_json(),
            mail_id=f"{sheet.facts.number}.{here}",
            sender=automatic.settings.mail_from,
            created_at=automatic.now,
        )
        for bill_id, sheet in sheets.items()
    }
    session.add_all(documents.values())
    await session.flush()
    return documents


async def _record(
    issued: Sequence[LoadedBill],
    sheets: Mapping[int, _Sheet],
    documents: Mapping[int, Document],
    automatic: Context,
) -> None:
    """Their cards are drawn a little later, with what comes of the letters."""
    if not issued:
        return
    await keep_billed_contracts(issued[0].session, [one.bill.id for one in issued])
    moves = [
        (one, _numbered(sheets[one.bill.id]), _issue(sheets[one.bill.id], documents[one.bill.id]))
        for one in issued
    ]
    await record_each(Verb.ISSUE, automatic, moves, REDRAWN_AFTER_S)


def _numbered(sheet: _Sheet) -> Change:
    return Change(State.SENDING, {"number": sheet.facts.number})


def _issue(sheet: _Sheet, document: Document) -> dict[str, Any]:
    """What the action says of it."""
    refused = sheet.drawn.no_e_invoice
    return {
        "number": sheet.facts.number,
        "sha256": document.sha256,
        "facts_sha256": document.facts_sha256,
        **({"no_e_invoice": refused} if refused else {}),
    }
