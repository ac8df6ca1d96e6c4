"""From an approved bill to the customer's mailbox: send, deliver, send_failed.

`send` starts a delay in which it can be called back, which `issue` ends, for good. Then `deliver`
or `send_failed` says what the mail server made of it.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.actions.loaded_bill import Change, LoadedBill, load_each_for, load_for, record_each
from models.actions.next_steps import STANDS, WHY_NOT
from models.bills.bill import get_bill
from models.bills.deliveries import (
    Missing,
    forget_delivery,
    may_have_arrived,
    repeat_now,
    write_missing,
)
from models.bills.documents import issued_sha256s
from models.bills.history import BillAction, has_arrived_once, has_come_back
from models.bills.states import State, Verb
from models.context import Context
from models.customers.mail_addresses import check_mail_addresses, copies_alone
from models.customers.signs import check_can_be_written
from models.errors import NextStep, Step, WrongState
from models.outbox.jobs import Task, defer_issue, defer_send_copies, hasten
from models.outbox.notifications import notify_delivered, notify_not_sent
from models.text import reason_text, remark_text

CROWD_REDRAWN_AFTER_S = 1
"""What arrives in a crowd is drawn together."""

COPIES_AFTER_S = 600
"""So long a server that refused somebody for now is left alone; most take it by then."""


async def send_bill(
    session: AsyncSession, bill_id: int, version: int, context: Context, words: str | None = None
) -> BillAction:
    """Start the send delay of an approved bill; until it ends, `undo` calls it back.

    Refuses where there is no mail server or no address to send to. One that has its number
    already keeps it, and its document, and goes out at once; one that has gone out does so where it
    is reported not to have arrived, and one on its way where nobody can tell: as the same letter.
    """
    loaded = await load_for(session, bill_id, Verb.SEND, context, version)
    await check_send(loaded, context)
    if loaded.bill.status == State.SENDING:
        await repeat_now(session, bill_id)
        await hasten(session, (Task.DELIVER,), bill_id)
        return await loaded.record(
            Verb.SEND,
            context,
            Change(State.SENDING),
            comment=remark_text(words),
            snapshot={"repeats": True},
        )
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


async def check_send(loaded: LoadedBill, context: Context) -> None:
    """Why this bill could not go out at all."""
    status = State(loaded.bill.status)
    if status is State.SENT and not has_come_back(loaded.actions):
        raise WrongState(ARRIVED, earlier=await loaded.last_action(context))
    if status is State.SENDING and not await may_have_arrived(loaded.session, loaded.bill.id):
        raise WrongState(ON_ITS_WAY, earlier=await loaded.last_action(context))
    check_can_mail(context)
    check_mail_addresses(loaded.customer)
    is_drawn_anew = loaded.bill.number is None and loaded.bill.adjusts_id is None
    if is_drawn_anew and not context.settings.own_template:
        check_can_be_written(loaded.customer)
    await _check_corrected_is_out(loaded, context)


ARRIVED = (
    "It has gone out, and only what was reported not to have arrived is sent again. To bring "
    "somebody the document, mail it by hand."
)
ON_ITS_WAY = f"{STANDS[State.SENDING]}, and {WHY_NOT[Verb.SEND]}."


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


@dataclass(frozen=True)
class Delivered:
    """The mail server's `answer` to a bill's letter, which went `to` these addresses and not to
    those `missing`.
    """

    bill_id: int
    answer: str
    to: str | None = None
    missing: tuple[Missing, ...] = ()


async def mark_each_delivered(
    session: AsyncSession, context: Context, delivered: Sequence[Delivered]
) -> dict[int, BillAction]:
    """The mail server took these: the bills are sent. By bill what was recorded, without those of
    which that is recorded already.
    """
    told = {one.bill_id: one for one in delivered}
    loaded = await load_each_for(session, list(told), Verb.DELIVER, context)
    sha256s = await issued_sha256s(session, list(told))
    going = [one for one in loaded if one.bill.id in sha256s]
    for one in going:
        if told[one.bill.id].missing:
            await _note_missing(session, told[one.bill.id])
    arrived = [one.bill.id for one in going if not told[one.bill.id].missing]
    await forget_delivery(session, *arrived)
    moves = [
        (one, Change(State.SENT), _delivery(one, told[one.bill.id], sha256s[one.bill.id]))
        for one in going
    ]
    redraw_s = CROWD_REDRAWN_AFTER_S if len(moves) > 1 else None
    recorded = await record_each(Verb.DELIVER, context, moves, redraw_s)
    actions = {one.bill_id: one for one in recorded}
    await notify_delivered(session, {bill_id: one.id for bill_id, one in actions.items()})
    return actions


async def _note_missing(session: AsyncSession, told: Delivered) -> None:
    await write_missing(session, told.bill_id, told.missing)
    if any(one.later for one in told.missing):
        await defer_send_copies(session, told.bill_id, COPIES_AFTER_S)


def _delivery(loaded: LoadedBill, told: Delivered, sha256: str) -> dict[str, Any]:
    """What the action says of it."""
    missing = [asdict(one) for one in told.missing]
    return {
        "answer": told.answer[:500],
        "sha256": sha256,
        "to": told.to,
        "copies": copies_alone(loaded.customer),
        **({"missing": missing} if missing else {}),
    }


async def confirm_arrival(
    session: AsyncSession, bill_id: int, version: int, context: Context, words: str
) -> BillAction:
    """It has arrived, by the word of whom the `words` name: the bill is sent.

    Refuses where the mail server's own answer is known, or still to come.
    """
    loaded = await load_for(session, bill_id, Verb.DELIVER, context, version)
    await check_arrival(loaded, context)
    told = {
        "by_word": True,
        "sha256": (await issued_sha256s(session, [bill_id])).get(bill_id),
        "to": loaded.customer.billing_email,
        "copies": copies_alone(loaded.customer),
    }
    await forget_delivery(session, bill_id)
    action = await loaded.record(
        Verb.DELIVER, context, Change(State.SENT), comment=reason_text(words), snapshot=told
    )
    await notify_delivered(session, {bill_id: action.id})
    return action


async def check_arrival(loaded: LoadedBill, context: Context) -> None:
    """Only where nobody heard whether the letter was taken does a person's word count."""
    if not await may_have_arrived(loaded.session, loaded.bill.id):
        raise WrongState(NO_DOUBT, earlier=await loaded.last_action(context))


NO_DOUBT = f"{STANDS[State.SENDING]}, and {WHY_NOT[Verb.DELIVER]}."


async def mark_send_failed(
    session: AsyncSession, bill_id: int, context: Context, cause: str, to: str | None = None
) -> BillAction | None:
    """It cannot be delivered `to` these: the bill is where it was before it was sent, keeps its
    number, and Finance is told.
    """
    loaded = await _issued_and_under_way(session, bill_id, context)
    return await return_to_finance(loaded, context, cause, to) if loaded else None


async def mark_not_mailed(
    session: AsyncSession, bill_id: int, context: Context, to: str
) -> BillAction | None:
    """A dry run did all but mail it `to` these: the bill is where it was, its number kept."""
    loaded = await _issued_and_under_way(session, bill_id, context)
    if loaded is None:
        return None
    await forget_delivery(session, bill_id)
    told = {"failure": DRY_RUN, "dry_run": True, "to": to}
    return await loaded.record(Verb.SEND_FAILED, context, _back(loaded), snapshot=told)


def _back(loaded: LoadedBill) -> Change:
    """Approved, or sent: what went out before has gone out, whatever became of it afterwards."""
    return Change(State.SENT if has_arrived_once(loaded.actions) else State.APPROVED)


DRY_RUN = "It was a dry run: all was done but the mailing."


async def _issued_and_under_way(
    session: AsyncSession, bill_id: int, context: Context
) -> LoadedBill | None:
    bill = await get_bill(session, bill_id, lock=True)
    if bill.status != State.SENDING or bill.number is None:
        return None
    return await load_for(session, bill_id, Verb.SEND_FAILED, context)


async def return_to_finance(
    loaded: LoadedBill, context: Context, cause: str, to: str | None = None
) -> BillAction:
    """It does not go out, for this cause: the bill is where it was, and Finance is told. `to`: whom
    its letter was for, if there was one.
    """
    bill_id = loaded.bill.id
    await forget_delivery(loaded.session, bill_id)
    told = {"failure": cause[:1000], **({"to": to} if to else {})}
    action = await loaded.record(Verb.SEND_FAILED, context, _back(loaded), snapshot=told)
    await notify_not_sent(loaded.session, bill_id, action.id)
    return action
