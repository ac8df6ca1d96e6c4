"""Bills and their actions as the JSON API tells them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from handlers.api.fields import Money
from handlers.api.usage_answers import (
    BilledDayAnswer,
    OriginAnswer,
    billed_day_answers,
    origin_answer,
)
from handlers.http.faults import MONTH
from models.bills.bill import Bill
from models.bills.states import BillKind, HoldReason, RejectReason, State, Verb
from models.context import Source
from models.money import round_amount
from models.queries.bill_details import BillDetails, MissingApproval
from models.queries.bill_list import ListedBill
from models.queries.history import HistoryEntry
from models.usage.days import CountedDay
from models.usage.origins import FigureOrigin


class BillAnswer(BaseModel):
    """A bill, by the names of its columns. Amounts are net, in `currency`, as strings."""

    id: int
    customer_id: int
    customer: str
    period: str = Field(pattern=MONTH, examples=["2026-10"])
    year: int
    month: int
    kind: BillKind
    api_usage: int
    monthly_api_limit: int
    overage_units: int
    overage_unit_cost: Money | None
    overage_amount: Money | None
    currency: str
    status: State
    hold_reason: HoldReason | None
    version: int
    number: str | None
    replaces_id: int | None
    adjusts_id: int | None
    created_at: datetime
    updated_at: datetime


class ActionAnswer(BaseModel):
    """What was done to a bill. `changes`: each figure that it moved, before and after;
    `corrected_by`: after whose correction of usage or terms Countersign did it; `to`: where a
    letter went or did not, `answer`: what a mail server said of it; `of_copy`: it is a
    report about somebody copied in, and not about the bill; `mailed_by`: whom a mail names
    as its writer, which proves nothing; `link_of`: the customer by whose link it was asked;
    `no_e_invoice`: why the document that was issued is none,
    where one was asked for.
    """

    id: int
    bill_id: int
    bill_version: int
    action: Verb
    stakeholder_id: int
    stakeholder: str
    acted_for_id: int | None
    acted_for: str | None
    corrected_by_id: int | None
    corrected_by: str | None
    asked_id: int | None
    asked: str | None
    instead_of_id: int | None
    instead_of: str | None
    source: Source
    comment: str | None
    to: str | None
    answer: str | None
    of_copy: bool
    mailed_by: str | None
    link_of: str | None
    no_e_invoice: str | None
    reason_code: RejectReason | None
    reverses_id: int | None
    changes: dict[str, list[Any]]
    created_at: datetime


class NeededAnswer(BaseModel):
    """An approval that is still missing, and who can give it: nobody named means anybody who has
    the role. `slot`: the CSM's, the salesperson's, or any one.
    """

    slot: str
    role: str | None
    people: list[str]


class WholeBillAnswer(BillAnswer):
    """A bill with its story. `allowed`: what whoever asks may do with it as it stands. `origin`:
    where the recorded usage of its month came from, and `days` that month day by day, where a
    source told them.
    """

    origin: OriginAnswer | None
    days: list[BilledDayAnswer]
    needed: list[NeededAnswer]
    allowed: list[Verb]
    actions: list[ActionAnswer]


class BillsAnswer(BaseModel):
    """A page of bills, those that wait for somebody first, and each the oldest first.
    `next_cursor` asks for the page after it; null on the last one.
    """

    bills: list[BillAnswer]
    next_cursor: str | None


def bills_answer(found: Sequence[ListedBill], cursor: str | None) -> BillsAnswer:
    bills = [BillAnswer(**_columns(one.bill, one.customer)) for one in found]
    return BillsAnswer(bills=bills, next_cursor=cursor)


def whole_bill(
    bill: Bill,
    facts: BillDetails,
    history: Sequence[HistoryEntry],
    allowed: Sequence[Verb],
    origin: FigureOrigin | None,
    days: Sequence[CountedDay],
) -> WholeBillAnswer:
    return WholeBillAnswer(
        **_columns(bill, facts.customer),
        origin=origin_answer(origin),
        days=billed_day_answers(days),
        needed=[_needed(one) for one in facts.needed],
        allowed=list(allowed),
        actions=[action_answer(entry, bill.id) for entry in history],
    )


def _columns(bill: Bill, customer: str) -> dict[str, Any]:
    amount = bill.overage_amount
    return {
        **{name: getattr(bill, name) for name in _SAME},
        "customer": customer,
        "period": str(bill.period),
        "overage_amount": None if amount is None else round_amount(amount, bill.currency),
    }


_SAME = tuple(
    name for name in BillAnswer.model_fields if name not in ("customer", "period", "overage_amount")
)


def action_answer(entry: HistoryEntry, bill_id: int) -> ActionAnswer:
    return ActionAnswer(
        id=entry.id,
        bill_id=bill_id,
        bill_version=entry.version,
        action=entry.verb,
        stakeholder_id=entry.by.id,
        stakeholder=entry.by.name,
        **_people(entry),
        source=entry.source,
        comment=entry.comment,
        to=entry.to,
        answer=entry.answer or entry.failure,
        of_copy=entry.of_copy,
        mailed_by=entry.mailed_by,
        link_of=entry.link_of,
        no_e_invoice=entry.no_e_invoice,
        reason_code=entry.reject_reason,
        reverses_id=entry.reverses.id if entry.reverses else None,
        changes={name: list(moved) for name, moved in entry.changes.items()},
        created_at=entry.at,
    )


_PEOPLE = ("acted_for", "corrected_by", "asked", "instead_of")


def _people(entry: HistoryEntry) -> dict[str, Any]:
    """Those that an action names, each by id and name."""
    told: dict[str, Any] = {}
    for name in _PEOPLE:
        one = getattr(entry, name)
        told |= {f"{name}_id": one.id if one else None, name: one.name if one else None}
    return told


def _needed(missing: MissingApproval) -> NeededAnswer:
    people = [one.name for one in (*missing.people, missing.delegate) if one is not None]
    return NeededAnswer(slot=missing.slot, role=missing.role, people=people)
