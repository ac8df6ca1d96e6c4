"""Revise: a bill's figures taken anew, or its units adjusted."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from models import money
from models.actions.approvals import revoke_approvals
from models.actions.loaded_bill import Change, LoadedBill, load_for
from models.actions.next_steps import next_steps
from models.bills.bill import Bill
from models.bills.figures import Figures, billed_so_far, figures_anew
from models.bills.history import BillAction
from models.bills.states import BillKind, State, Verb
from models.context import Context
from models.errors import Invalid, NextStep, Step, WrongState
from models.outbox.cards import add_cards
from models.text import reason_text


def check_not_issued(loaded: LoadedBill) -> None:
    """What has its number keeps its figures and its approvals."""
    if loaded.bill.number is not None:
        raise WrongState(
            f"This bill was issued as {loaded.bill.number}, so its figures stay as they are."
        )


async def revise_bill(
    session: AsyncSession,
    bill_id: int,
    version: int,
    context: Context,
    words: str,
    units: int | None = None,
) -> BillAction:
    """Take the figures anew from usage and terms, or adjust the units; earlier approvals fall.

    `units` over the limit that are to be billed, of a credit below zero: these stay agreed, also
    when usage or terms change. Refuses where nothing is left to bill, where nothing would change,
    and more than was used or had been billed.
    """
    loaded = await load_for(session, bill_id, Verb.REVISE, context, version)
    now = await check_revise(loaded, context)
    if units is not None:
        now = await _adjusted(loaded, now, units)
    columns: dict[str, Any] = now.as_columns() | _kind(loaded.bill, now)
    if loaded.bill.status == State.PENDING and _has(loaded.bill, columns):
        raise Invalid("The bill has these figures already, so nothing was changed.", "units")
    action = await loaded.record(
        Verb.REVISE,
        context,
        Change(State.PENDING, columns),
        comment=reason_text(words),
        snapshot={"adjusted_units": units} if units is not None else None,
    )
    await revoke_approvals(session, [bill_id], context.now)
    await add_cards(session, bill_id, context.settings.approvals_channel)
    return action


async def check_revise(loaded: LoadedBill, context: Context) -> Figures:
    """The figures that usage and terms give now, without what was agreed for this bill; refuses
    where they make no bill.
    """
    check_not_issued(loaded)
    if loaded.is_credit_for_void:
        raise WrongState(
            "This credit is for a bill that is void, and has its amount from it.",
            await next_steps(loaded, context, Verb.SEND),
        )
    now = await figures_anew(loaded.session, loaded.bill.id)
    if now is None or is_nothing_to_bill(loaded.bill, now):
        raise WrongState(
            "Usage and terms leave nothing to bill any more.",
            await next_steps(loaded, context, Verb.VOID, Step.RECORD_USAGE),
        )
    check_has_price(loaded, now)
    return now


def is_nothing_to_bill(bill: Bill, now: Figures) -> bool:
    """Units agreed on may have been rounded on their own: then an amount is left of no units."""
    nothing_over = bill.kind == BillKind.OVERAGE and now.overage_units == 0
    return nothing_over or now.overage_amount == 0


def check_has_price(loaded: LoadedBill, now: Figures) -> None:
    if now.overage_amount is None:
        raise WrongState(
            "The customer has no overage price for that month, so there is no amount.",
            [NextStep(Step.IMPORT_PRICE)],
        )


async def _adjusted(loaded: LoadedBill, now: Figures, units: int) -> Figures:
    """As agreed; of a correction the amount is the difference between what the month comes to and
    what is billed so far, so that the bills of a month add up.
    """
    billed = await billed_so_far(loaded.session, loaded.bill.adjusts_id)
    _check_units(loaded.bill, now, units, billed.units)
    assert now.overage_unit_cost is not None
    month = billed.units + units
    comes_to = money.overage_amount(month, now.overage_unit_cost, now.currency)
    amount = money.add_up((comes_to, billed.amount.copy_negate()))
    if amount == 0:
        raise Invalid("So few calls come to nothing once they are rounded.", "units")
    return replace(
        now,
        overage_units=units,
        overage_amount=amount,
        waived_units=now.units_over_limit - month,
    )


def _check_units(bill: Bill, now: Figures, units: int, billed: int) -> None:
    """A month comes to no less than nothing, and to no more than was used or, if that is more,
    was billed.
    """
    most, least = max(now.api_usage - billed, 0), -billed
    if units != 0 and least <= units <= most:
        return
    if bill.kind == BillKind.OVERAGE:
        told = f"Write a number of calls from 1 to {most:,}, which is what was used."
    else:
        told = (
            f"Write the calls to bill more, at most {most:,}, or below zero those to credit, at "
            f"most {billed:,}."
        )
    raise Invalid(told, "units")


def _kind(bill: Bill, now: Figures) -> dict[str, Any]:
    """A correction is a credit as long as it is below zero."""
    if bill.kind == BillKind.OVERAGE:
        return {}
    return {"kind": correction_kind(now.overage_amount)}


def correction_kind(amount: Decimal | None) -> BillKind:
    return BillKind.CREDIT if amount is not None and amount < 0 else BillKind.ADJUSTMENT


def _has(bill: Bill, columns: dict[str, Any]) -> bool:
    return all(getattr(bill, name) == value for name, value in columns.items())
