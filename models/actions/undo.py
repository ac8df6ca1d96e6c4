"""Undo: a decision is taken back, and what stood before it stands again, just as it was."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.actions.approvals import set_approvals
from models.actions.loaded_bill import Change, LoadedBill, load_for
from models.actions.next_steps import next_steps
from models.bills.bill import Bill, lock_month
from models.bills.history import BillAction
from models.bills.replay import Decision, gives_back_anothers_word, undoable, without
from models.bills.snapshots import bill_snapshot, column_value, figures_told
from models.bills.states import BillKind, State, Verb
from models.context import Context
from models.errors import NextStep, NotAllowed, Refusal, Stale, Step, WrongState
from models.outbox.cards import add_cards
from models.outbox.jobs import defer_issue
from models.people.permissions import Role
from models.people.users import User
from models.people.who_can import who_of
from models.text import reason_text

GONE = "That decision does not stand any more. Nothing was undone."
STATE_COLUMNS = frozenset({"status", "hold_reason"})
LIVE = frozenset({State.HELD, State.PENDING, State.APPROVED, State.SENDING})


async def undo_decision(
    session: AsyncSession,
    bill_id: int,
    version: int,
    context: Context,
    words: str,
    action_id: int | None = None,
) -> BillAction:
    """Reverse a decision: an author their own while it stands, Finance the last one.

    `action_id` names the decision that the person was looking at; by default the one that is
    theirs to undo. What stood before the decision stands again, figures and approvals too; refused
    where usage or terms give other figures by now, or another live bill stands in its place.
    """
    loaded = await load_for(session, bill_id, Verb.UNDO, context, version)
    if loaded.bill.status == State.VOID:
        await lock_month(session, loaded.bill)
    decision = await check_undo(loaded, context, action_id)
    if action_id is None and _left_the_version(decision):
        raise Stale(GONE)
    back = without(loaded.state, decision.action_id)
    columns = _columns_back(loaded, decision)
    same = back.status is loaded.state.status and not columns
    sends = back.status is State.SENDING
    action = await loaded.record(
        Verb.UNDO,
        context,
        None if same else Change(back.status, columns, back.hold_reason),
        comment=reason_text(words),
        reverses=decision.action_id,
        snapshot={"due": context.send_due.isoformat()} if sends else None,
    )
    await set_approvals(session, bill_id, back.approvals)
    await add_cards(session, bill_id, context.settings.approvals_channel)
    if sends:
        await defer_issue(session, bill_id, context.now, context.send_due)
    return action


async def check_undo(
    loaded: LoadedBill, context: Context, action_id: int | None = None
) -> Decision:
    """The decision that this person may undo now; refuses where there is none, or it cannot be."""
    decision = undoable(loaded.state, context.user)
    if decision is None or action_id not in (None, decision.action_id):
        raise await _no_undo(loaded, context, decision)
    if gives_back_anothers_word(loaded.state, decision, context.user):
        told = "Whoever took back their own approval is the one to give it again."
        author = await who_of(loaded.session, User.id == decision.user_id)
        raise NotAllowed(told, who_can=author)
    if decision is loaded.state.last_decision:
        live = decision.before.status in LIVE
        if live or _columns_back(loaded, decision):
            await _check_figures_before(loaded, decision, context)
        if live or decision.before.status is State.REJECTED:
            await _check_only_live_bill(loaded)
    return decision


def _left_the_version(undone: Decision) -> bool:
    """Whether this undo moved no version, so that the version shown cannot tell if it was seen.

    Asked for without a name, a decision is then not given back: it may be the same click twice.
    """
    return undone.verb is Verb.UNDO and not undone.moved


def _columns_back(loaded: LoadedBill, decision: Decision) -> dict[str, Any]:
    """Figures that the decision moved, as they were before it."""
    if decision is not loaded.state.last_decision or decision.figures is None:
        return {}
    now = bill_snapshot(loaded.bill)
    return {
        name: column_value(name, was)
        for name, was in figures_told(decision.figures).items()
        if name not in STATE_COLUMNS and was != now[name]
    }


async def _check_figures_before(loaded: LoadedBill, decision: Decision, context: Context) -> None:
    if loaded.is_credit_for_void:
        return
    fresh = loaded.figures_now
    before = decision.figures or bill_snapshot(loaded.bill)
    if fresh is None:
        raise WrongState(
            f"What {loaded.customer.name} used in this month counts for the customer that it was "
            "merged into, and is billed there. Nothing was undone."
        )
    if fresh.rest_on_snapshot(before):
        return
    instead = Verb.REISSUE if loaded.bill.status == State.VOID else Verb.REVISE
    raise WrongState(
        "Usage or terms have changed since then, so the figures before that decision are not "
        "right any more. Nothing was undone.",
        await next_steps(loaded, context, instead, Verb.VOID),
    )


async def _check_only_live_bill(loaded: LoadedBill) -> None:
    """Only a void bill's place can have been taken."""
    if loaded.bill.status != State.VOID:
        return
    if loaded.corrects_void:
        raise WrongState(
            "The bill that this one corrects is void by now, so there is nothing to correct. "
            "Nothing was undone."
        )
    query = sa.select(Bill.id).where(Bill.id != loaded.bill.id, Bill.status != State.VOID)
    if loaded.bill.kind == BillKind.OVERAGE:
        same_month = (
            Bill.customer_id == loaded.bill.customer_id,
            Bill.year == loaded.bill.year,
            Bill.month == loaded.bill.month,
            Bill.kind == BillKind.OVERAGE,
        )
        query = query.where(*same_month)
    else:
        query = query.where(Bill.adjusts_id == loaded.bill.adjusts_id, Bill.number.is_(None))
    other = (await loaded.session.scalars(query.limit(1))).first()
    if other is not None:
        raise WrongState(
            f"Bill #{other} stands in the place of this one, and a month is billed only once. "
            f"Nothing was undone; to go back to this one, void #{other} first.",
            [NextStep(Verb.VOID, other)],
        )


async def _no_undo(loaded: LoadedBill, context: Context, decision: Decision | None) -> Refusal:
    """Why nothing can be undone, and what can be done instead."""
    if decision is not None:
        return Stale(GONE)
    if loaded.state.last_decision is None:
        why, instead = _instead(loaded)
        steps = await next_steps(loaded, context, *instead)
        return Stale(why.format(number=loaded.bill.number).strip(), steps)
    last = await loaded.last_action(context)
    can = sa.or_(User.id == loaded.state.last_decision.user_id, User.role == Role.FINANCE)
    who = await who_of(loaded.session, can, Role.FINANCE)
    return NotAllowed("Only whoever decided, or Finance, may undo that.", last, who)


def _instead(loaded: LoadedBill) -> tuple[str, tuple[Verb | Step, ...]]:
    bill = loaded.bill
    if loaded.is_credit_for_void and bill.status == State.APPROVED:
        return f"{_NONE}It was approved when the bill that it credits was made void.", (Verb.SEND,)
    if bill.kind == BillKind.CREDIT and bill.status == State.SENT:
        return "This credit note went out as {number}, and stays.", (Step.RECORD_USAGE,)
    told = _INSTEAD_OF_ISSUED if bill.number is not None else _INSTEAD
    return told[State(bill.status)]


_NONE = "There is no decision on this bill that could be undone. "
_Instead = dict[State, tuple[str, tuple[Verb | Step, ...]]]

_INSTEAD: _Instead = {
    State.HELD: (_NONE, (Verb.RELEASE, Verb.REVISE, Step.IMPORT_PRICE)),
    State.PENDING: (_NONE + "It waits to be approved or rejected.", (Verb.REVISE, Verb.VOID)),
    State.VOID: (_NONE + "Countersign made it void.", (Verb.REISSUE, Step.RECORD_USAGE)),
}
"""Why there is nothing to undo, and what can be done instead. To approve, reject and send are
decisions themselves, so what is where they lead has one to undo.
"""

_INSTEAD_OF_ISSUED: _Instead = {
    State.APPROVED: (
        "This bill was issued as {number} but could not be delivered, so nothing before that can"
        " be undone.",
        (Verb.SEND, Verb.VOID),
    ),
    State.SENDING: (
        "This bill is on its way out as {number}, which cannot be undone. It can be made void"
        " once it has arrived or failed.",
        (),
    ),
    State.SENT: (
        "This bill went out as {number}, which cannot be undone. To make it void makes a credit"
        " note for it.",
        (Verb.VOID, Step.RECORD_USAGE),
    ),
    State.VOID: (
        "This bill had been issued when it was made void, which cannot be undone.",
        (Verb.REISSUE,),
    ),
}
