"""Revise, void, reissue: what Finance does to a bill that is not right as it is."""

from dataclasses import replace
from decimal import Decimal
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models import approvals, bills, cards, figures, money, snapshots
from models.bills import Bill, BillAction, BillKind, Cause, HoldReason, State, Verb
from models.case import Act, Case, Move, balances, by_itself, corrects_void_bill, open_case, reason
from models.figures import Figures
from models.refusals import Invalid, WrongState
from models.workflow import hold, refuse_issued

RULE_VOID = "void"
"""The rule by which the credit for a voided bill is approved: the voiding itself."""


class Voided(NamedTuple):
    """The voiding, and the credit made for what had gone out."""

    action: BillAction
    credit_id: int | None


async def revise(
    session: AsyncSession,
    bill_id: int,
    version: int,
    act: Act,
    words: str,
    units: int | None = None,
) -> BillAction:
    """Take the figures anew from usage and terms, or adjust the units; earlier approvals fall.

    `units` over the limit that are to be billed, of a credit below zero. Refuses where nothing is
    left to bill, where nothing would change, and more than was used or had been billed.
    """
    case = await open_case(session, bill_id, Verb.REVISE, act, version)
    now = await refuse_revise(case)
    if units is not None:
        now = _adjusted(case, now, units)
    columns: dict[str, Any] = now.as_columns() | _kind(case.bill, now)
    if case.bill.status == State.PENDING and _is(case.bill, columns):
        raise Invalid("The bill has these figures already, so nothing was changed.", "units")
    action = await case.record(
        Verb.REVISE,
        act,
        Move(State.PENDING, columns),
        comment=reason(words),
        snapshot={"adjusted_units": units} if units is not None else None,
    )
    await approvals.fall(session, [bill_id], act.now)
    await cards.of_bill(session, bill_id, act.rules.approvals_channel)
    return action


async def refuse_revise(case: Case) -> Figures:
    """The figures that usage and terms give now; refuses where they make no bill."""
    refuse_issued(case)
    if await balances(case.session, case.bill):
        raise WrongState("This credit is for a bill that is void, and has its amount from it.")
    now = await figures.taken_now(case.session, case.bill.id)
    if now is None or _is_nothing(case.bill, now):
        raise WrongState(
            "Usage and terms leave nothing to bill any more. "
            f"Void it instead, with `/bill void #{case.bill.id}`."
        )
    _refuse_no_price(now)
    return now


def _is_nothing(bill: Bill, now: Figures) -> bool:
    """Units agreed on may have been rounded on their own: then an amount is left of no units."""
    nothing_over = bill.kind == BillKind.OVERAGE and now.overage_units == 0
    return nothing_over or now.overage_amount == 0


def _refuse_no_price(now: Figures) -> None:
    if now.overage_amount is None:
        raise WrongState(
            "The customer has no overage price for that month, so there is no amount. "
            "Give it a price from that month on first."
        )


def _adjusted(case: Case, now: Figures, units: int) -> Figures:
    corrects = case.bill.kind != BillKind.OVERAGE
    if not corrects and not 0 < units <= now.api_usage:
        most = f"{now.api_usage:,}"
        raise Invalid(f"Write a number of calls from 1 to {most}, which is what was used.", "units")
    if corrects:
        _refuse_too_many(now, units)
    assert now.overage_unit_cost is not None
    amount = money.overage_amount(units, now.overage_unit_cost, now.currency)
    if amount == 0:
        raise Invalid("So few calls come to nothing once they are rounded.", "units")
    return replace(now, overage_units=units, overage_amount=amount)


def _refuse_too_many(now: Figures, units: int) -> None:
    """With a correction a month comes to no less than nothing, and to no more than was used or,
    if that is more, was billed.
    """
    billed = max(0, now.api_usage - now.monthly_api_limit) - now.overage_units
    most, least = max(now.api_usage - billed, 0), -billed
    if units == 0 or not least <= units <= most:
        raise Invalid(
            f"Write the calls to bill more, at most {most:,}, or below zero those to credit, at "
            f"most {billed:,}.",
            "units",
        )


def _kind(bill: Bill, now: Figures) -> dict[str, Any]:
    """A correction is a credit as long as it is below zero."""
    if bill.kind == BillKind.OVERAGE:
        return {}
    return {"kind": _kind_of(now.overage_amount)}


def _kind_of(amount: Decimal | None) -> BillKind:
    return BillKind.CREDIT if amount is not None and amount < 0 else BillKind.ADJUSTMENT


def _is(bill: Bill, columns: dict[str, Any]) -> bool:
    return all(getattr(bill, name) == value for name, value in columns.items())


async def void(session: AsyncSession, bill_id: int, version: int, act: Act, words: str) -> Voided:
    """Make a bill void, with a reason; its number stays in the series.

    What has gone out of it, and of its corrections, is credited as a whole: the credit is approved
    by this voiding, and Finance sends it like any other bill. Corrections that have not gone out
    are void with it.
    """
    case = await open_case(session, bill_id, Verb.VOID, act, version)
    corrections = await refuse_void(case, lock=True)
    for one in corrections:
        if one.status not in (State.SENT, State.VOID):
            await _void_by_itself(session, one.id, act, Cause.VOID_WITH, bill_id)
    action = await case.record(Verb.VOID, act, Move(State.VOID), comment=reason(words))
    units, amount = (await session.execute(_BILLED, {"bill_id": bill_id})).one()
    if not amount:
        return Voided(action, None)
    return Voided(action, await _credit(case, act, action, units, amount))


_BILLED = sa.text("select units, amount from billed(:bill_id)")


async def _void_by_itself(
    session: AsyncSession, bill_id: int, act: Act, cause: Cause, because_of: int
) -> None:
    """Make a bill void as `system`, because of what was done to another one."""
    automatic = await by_itself(session, act)
    case = await open_case(session, bill_id, Verb.VOID, automatic)
    snapshot = {"cause": cause, "bill": because_of}
    await case.record(Verb.VOID, automatic, Move(State.VOID), snapshot=snapshot)


async def refuse_void(case: Case, *, lock: bool = False) -> list[Bill]:
    """The corrections of this bill; refuses what is on its way out or cannot be void."""
    bill = case.bill
    if bill.status == State.SENDING and bill.number is not None:
        raise WrongState(_on_its_way(bill))
    if await balances(case.session, bill):
        raise WrongState(
            "This credit is for a bill that had gone out and is void now, so the customer has to "
            f"get it. Send it with `/bill send #{bill.id}`."
        )
    if bill.kind == BillKind.CREDIT and bill.status == State.SENT:
        raise WrongState(
            "A credit note that has gone out stays. To bill more again, record the right usage: "
            "the difference is proposed as an adjustment. Or void the bill that it corrects."
        )
    if await corrects_void_bill(case.session, bill):
        raise WrongState("The bill that this one corrects is void, and all of it was credited.")
    await _refuse_under_newer(case)
    corrections = await _corrections(case.session, bill.id, lock)
    for one in corrections:
        if one.status == State.SENDING and one.number is not None:
            raise WrongState(f"Its correction comes first. {_on_its_way(one)}")
    return corrections


async def _refuse_under_newer(case: Case) -> None:
    """An open correction is the difference to all that was issued, and so rests on it."""
    bill = case.bill
    if bill.adjusts_id is None or bill.number is None:
        return
    corrections = await _corrections(case.session, bill.adjusts_id, lock=False)
    newer = next(
        (one for one in corrections if one.number is None and one.status != State.VOID), None
    )
    if newer is not None:
        raise WrongState(
            f"Bill #{newer.id} corrects the same month and rests on this one. First see it "
            f"through, or stop it with `/bill void #{newer.id}`."
        )


def _on_its_way(bill: Bill) -> str:
    return f"Bill #{bill.id} is on its way out as {bill.number}. See first whether it arrives."


async def _corrections(session: AsyncSession, bill_id: int, lock: bool) -> list[Bill]:
    """Adjustments and credits of a bill, locked in the order of their ids."""
    query = sa.select(Bill).where(Bill.adjusts_id == bill_id).order_by(Bill.id)
    query = query.execution_options(populate_existing=True)
    return list(await session.scalars(query.with_for_update() if lock else query))


async def _credit(case: Case, act: Act, voiding: BillAction, units: int, amount: Decimal) -> int:
    """The bill that takes back what went out; nobody is asked about it once more."""
    told = {"cause": Cause.VOID, "void": voiding.id}
    columns = {
        "kind": _kind_of(-amount),
        "adjusts_id": case.bill.id,
        "api_usage": case.bill.api_usage,
        "monthly_api_limit": case.bill.monthly_api_limit,
        "overage_units": -units,
        "overage_unit_cost": case.bill.overage_unit_cost,
        "overage_amount": -amount,
        "currency": case.bill.currency,
    }
    credit = await _made(case, act, Verb.GENERATE, columns, told)
    automatic = await by_itself(case.session, act)
    opened = await open_case(case.session, credit.id, Verb.AUTO_APPROVE, automatic)
    await opened.record(
        Verb.AUTO_APPROVE, automatic, Move(State.APPROVED), snapshot={"rule": RULE_VOID, **told}
    )
    return credit.id


async def reissue(session: AsyncSession, bill_id: int, version: int, act: Act, words: str) -> int:
    """Bill a month again whose bill is void, with the figures of now; returns the new bill's id.

    Refuses corrections, which are proposed by themselves, and a month that has a live bill.
    """
    case = await open_case(session, bill_id, Verb.REISSUE, act, version)
    await bills.lock_month(session, case.bill)
    now = await refuse_reissue(case)
    columns = now.as_columns() | {"replaces_id": bill_id}
    bill = await _made(case, act, Verb.REISSUE, columns, {}, reason(words))
    await cards.relatives_changed(session, [bill.id])
    if (await approvals.desks_of(session, [bill.id]))[bill.id].undecidable:
        automatic = await by_itself(session, act)
        await hold(session, bill.id, automatic, HoldReason.NO_APPROVER)
    await cards.of_bill(session, bill.id, act.rules.approvals_channel)
    return bill.id


async def refuse_reissue(case: Case) -> Figures:
    """The figures that the new bill would have."""
    bill = case.bill
    if bill.kind != BillKind.OVERAGE:
        raise WrongState(
            "A correction is not billed again: where figures still differ, it is proposed anew."
        )
    standing = await bills.of_month(case.session, bill.customer_id, bill.period)
    if standing.status != State.VOID:
        raise WrongState(f"Bill #{standing.id} stands for this month already.")
    now = await figures.taken_now(case.session, bill.id)
    if now is None or _is_nothing(bill, now):
        raise WrongState("Usage and terms leave nothing to bill for this month.")
    _refuse_no_price(now)
    return now


async def _made(
    case: Case,
    act: Act,
    verb: Verb,
    columns: dict[str, Any],
    told: dict[str, Any],
    comment: str | None = None,
) -> Bill:
    """A new pending bill for the month of this one, with the action that it begins with."""
    bill = Bill(
        customer_id=case.bill.customer_id,
        year=case.bill.year,
        month=case.bill.month,
        status=State.PENDING,
        created_at=act.now,
        updated_at=act.now,
        **({"kind": BillKind.OVERAGE} | columns),
    )
    case.session.add(bill)
    await case.session.flush()
    await case.session.refresh(bill)
    action = BillAction(
        bill_id=bill.id,
        bill_version=bill.version,
        stakeholder_id=act.user.id,
        action=verb,
        comment=comment,
        source=act.source,
        snapshot={"after": snapshots.figures(bill), **told},
        created_at=act.now,
        updated_at=act.now,
    )
    case.session.add(action)
    await case.session.flush()
    return bill
