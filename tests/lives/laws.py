"""What must be true of every bill at every moment, judged from the ledger alone."""

from collections import Counter
from decimal import Decimal
from hashlib import sha256
from itertools import pairwise
from typing import Any

from models.bills.snapshots import column_value
from models.period import Period
from tests.lives import golden
from tests.lives.deliveries import check_deliveries
from tests.lives.ledger import Ledger, Row, figures
from tests.lives.letters import check_letters
from tests.lives.names import check_names
from tests.lives.scene import Scene

UNDECIDED = ("held", "pending", "approved", "sending")


def check_everything(scene: Scene, ledger: Ledger) -> None:
    for bill in ledger.bills:
        check_record(ledger, bill)
        check_document(ledger, bill)
        check_amount(ledger, bill)
        check_freshness(scene, ledger, bill)
        check_month(scene, ledger, bill)
        check_void(ledger, bill)
    check_one_of_each(ledger)
    check_numbers(ledger)
    check_sums(ledger)
    check_days(ledger)
    check_names(ledger)
    check_deliveries(ledger)
    check_letters(ledger)
    check_stand_ins(scene, ledger)


def check_stand_ins(scene: Scene, ledger: Ledger) -> None:
    """Nobody who is away decides in the place of somebody who is."""
    away = {user.id for user in ledger.users if user.away_until and user.away_until >= scene.today}
    assert not [one for one in away if ledger.user[one].delegate_id in away]


def check_record(ledger: Ledger, bill: Row) -> None:
    """The row, its figures, approvals and chain are what the actions tell."""
    actions, told = ledger.actions[bill.id], ledger.standing[bill.id]
    assert (bill.status, bill.version, bill.hold_reason) == (
        told.status,
        told.version,
        told.hold_reason,
    )
    assert {(a.slot, a.user_id, a.action_id) for a in told.approvals} == ledger.approved_by[bill.id]
    asked = {one.slot: one.user_id for one in ledger.reassignments if one.bill_id == bill.id}
    assert asked == golden.instead(ledger, bill)
    snapshots = [a.snapshot["after"] for a in actions if "after" in a.snapshot]
    columns = {name: column_value(name, was) for name, was in snapshots[-1].items()}
    assert columns == {name: getattr(bill, name) for name in columns}
    assert [a.prev_hash for a in actions] == [None, *(a.hash for a in actions[:-1])]
    assert {a.bill_version for a in actions} == set(range(1, bill.version + 1))
    assert all(0 <= b.bill_version - a.bill_version <= 1 for a, b in pairwise(actions))
    [chain] = [row for row in ledger.bill_chains if row.bill_id == bill.id]
    assert (chain.bill_version, chain.actions, chain.last_hash, chain.last_action_id) == (
        bill.version,
        len(actions),
        actions[-1].hash,
        actions[-1].id,
    )


def check_document(ledger: Ledger, bill: Row) -> None:
    """A number has its document, and both `issue` and `deliver` name its hash."""
    document = ledger.document.get(bill.id)
    assert (document is not None) == (bill.number is not None)
    if document is None:
        assert bill.status != "sent"
        return
    assert document.number == bill.number
    assert document.sha256 == sha256(document.content).hexdigest()
    issued = [a for a in ledger.actions[bill.id] if a.action == "issue"]
    assert [a.snapshot["number"] for a in issued] == [bill.number]
    delivered = [a for a in ledger.actions[bill.id] if a.action == "deliver"]
    assert {a.snapshot["sha256"] for a in (*issued, *delivered)} == {document.sha256}
    facts = sha256(document.facts.encode()).hexdigest()
    assert [a.snapshot["facts_sha256"] for a in issued] == [facts]
    _check_letters(ledger.actions[bill.id])
    assert (bill.status == "sent") <= bool(delivered)


def _check_letters(actions: list[Row]) -> None:
    """A letter that was taken is followed by another only where it was reported not to arrive."""
    told = [one.action for one in actions if "of_copy" not in one.snapshot]
    fates = "".join({"deliver": "d", "bounce": "b"}.get(one, "") for one in told)
    assert "dd" not in fates


def check_amount(ledger: Ledger, bill: Row) -> None:
    """Units at their price, rounded once; below zero is a credit, and nothing else is."""
    amount = bill.overage_amount
    if amount is None:
        assert bill.status in ("held", "void")
        assert bill.overage_unit_cost is None
        return
    assert -amount.as_tuple().exponent == golden.MINOR_UNITS[bill.currency]
    assert (bill.kind == "credit") == (amount < 0)
    if bill.kind != "overage":
        return
    over = max(0, bill.api_usage - bill.monthly_api_limit)
    off = golden.left_off(ledger, bill)
    assert bill.waived_units == off
    assert bill.overage_units == golden.billable(over, bill.api_usage, off, 0)
    assert amount == golden.amount_of(bill.overage_units, bill.overage_unit_cost, bill.currency)


def billed(ledger: Ledger, root: Row) -> tuple[int, Decimal]:
    """The units and the amount billed for a month by a bill that stands, and by its corrections."""
    counted = [part for part in ledger.family(root) if ledger.counts(part)]
    amounts = (part.overage_amount for part in counted)
    return sum(part.overage_units for part in counted), sum(amounts, Decimal(0))


def check_freshness(scene: Scene, ledger: Ledger, bill: Row) -> None:
    """What is not issued rests on the usage and terms of now, once its customer is settled."""
    if bill.number is not None or bill.status not in UNDECIDED or ledger.balances(bill):
        return
    if bill.customer_id in scene.unsettled:
        return
    now = golden.fresh(ledger, bill.customer_id, Period(bill.year, bill.month))
    assert now is not None
    assert golden.basis_of(bill) == now.basis
    moved = [one.action for one in ledger.actions[bill.id] if "after" in one.snapshot][-1]
    if bill.hold_reason == "outside_contract" and moved not in ("hold", "undo"):
        assert now.active_days == 0, "held for a contract that covers the month"
    off = golden.left_off(ledger, bill)
    assert bill.waived_units == off
    units, amount = (0, Decimal(0))
    if bill.adjusts_id is not None:
        units, amount = billed(ledger, ledger.bill[bill.adjusts_id])
    month = golden.billable(now.units, now.api_usage, off, units)
    assert bill.overage_units == month - units
    assert bill.kind != "overage" or month > 0, "nothing is left to bill"
    assert bill.overage_amount == _less(amount, now, month)
    assert bill.overage_amount != 0


def _less(billed: Decimal, now: golden.Fresh, units: int) -> Decimal | None:
    """What so many units come to now, less what is billed; None without a price."""
    if now.overage_unit_cost is None:
        return None
    return golden.amount_of(units, now.overage_unit_cost, now.currency) - billed


def check_month(scene: Scene, ledger: Ledger, root: Row) -> None:
    """What was issued for a month and what is proposed for it make what it comes to now."""
    if root.kind != "overage" or root.number is None or root.status == "void":
        return
    parts = ledger.corrections[root.id]
    period = Period(root.year, root.month)
    recent = period >= scene.month.plus(-scene.settings.lookback_months)
    declined = any(slot.status == "rejected" or _voided_by_hand(ledger, slot) for slot in parts)
    if root.customer_id in scene.unsettled or not recent or declined:
        return
    now = golden.fresh(ledger, root.customer_id, period)
    assert now is not None
    proposed = [slot for slot in parts if slot.number is None and slot.status in UNDECIDED]
    units, amount = billed(ledger, root)
    last = ledger.bill_actions[-1].id + 1
    off = (
        golden.left_off(ledger, proposed[0])
        if proposed
        else golden.left_off_of_month(ledger, root, last)
    )
    month = golden.billable(now.units, now.api_usage, off, units)
    total = amount + sum(slot.overage_amount for slot in proposed)
    assert _less(total, now, month) == 0


def _voided_by_hand(ledger: Ledger, slot: Row) -> bool:
    if slot.status != "void":
        return False
    last = [a for a in ledger.actions[slot.id] if "after" in a.snapshot][-1]
    return bool(last.snapshot.get("cause") != "no_overage")


def check_void(ledger: Ledger, root: Row) -> None:
    """Of a void bill all that went out has been credited, and corrections go no further."""
    if root.kind != "overage" or root.status != "void":
        return
    parts = ledger.corrections[root.id]
    assert billed(ledger, root)[1] == 0
    assert all(slot.status in ("sent", "void") for slot in parts if not ledger.balances(slot)), (
        "a correction of a void bill goes on"
    )
    assert sum(ledger.balances(slot) for slot in parts) <= 1


def check_flags(ledger: Ledger, flagged: set[int]) -> None:
    """A bill says that it jumps beside what was billed, or used, before."""
    overages = [bill for bill in ledger.bills if bill.kind == "overage"]
    jumping = {bill.id for bill in overages if golden.is_flagged(ledger, bill)}
    assert flagged == jumping


def check_dues(ledger: Ledger, dues: dict[int, Decimal | None]) -> None:
    """What a customer owes is told with the tax that the document has, or will have."""
    assert dues == {bill.id: golden.total_due(ledger, bill) for bill in ledger.bills}


def check_booked(ledger: Ledger, booked: list[tuple[int, bool, str]]) -> None:
    """Each document goes to the accounts under its number, and is turned round there where what it
    bills counts no more.
    """
    issued = [bill for bill in ledger.bills if bill.number is not None]
    once = [(bill.id, False, bill.number) for bill in issued]
    turned = [(bill.id, True, bill.number) for bill in issued if not ledger.counts(bill)]
    assert booked == sorted(once + turned)


def check_one_of_each(ledger: Ledger) -> None:
    """One live overage bill of a month, and one open correction of a bill."""
    live = [b for b in ledger.bills if b.status != "void"]
    months = Counter((b.customer_id, b.year, b.month) for b in live if b.kind == "overage")
    assert all(count == 1 for count in months.values())
    opened = Counter(b.adjusts_id for b in live if b.kind != "overage" and b.number is None)
    assert all(count == 1 for count in opened.values())
    assert all((b.adjusts_id is None) == (b.kind == "overage") for b in ledger.bills)


def check_numbers(ledger: Ledger) -> None:
    """Gapless per kind and year, and counted as far as they go."""
    numbers: dict[tuple[str, int], list[str]] = {(s.kind, s.year): [] for s in ledger.number_series}
    for document in ledger.documents:
        kind = "credit" if document.number.startswith("CN-") else "invoice"
        assert (kind == "credit") == (ledger.bill[document.bill_id].kind == "credit")
        numbers[kind, int(document.number.removeprefix("CN-")[:4])].append(document.number)
    for series in ledger.number_series:
        form = f"{'CN-' if series.kind == 'credit' else ''}{series.year}-{{:06}}"
        expected = [form.format(place) for place in range(1, series.last + 1)]
        assert sorted(numbers[series.kind, series.year]) == expected


def check_sums(ledger: Ledger) -> None:
    """What is kept of each month is what its bills come to, one by one."""
    kept: Counter[tuple[Any, ...]] = Counter()
    for part in ledger.month_totals:
        key = (part.year, part.month, part.status, part.hold_reason, part.currency, part.made_at)
        kept[*key, "bills"] += part.bills
        kept[*key, "priced"] += part.priced
        kept[*key, "amount"] += part.amount
    for bill in ledger.bills:
        made_at = bill.created_at if bill.status in ("held", "pending") else None
        key = (bill.year, bill.month, bill.status, bill.hold_reason, bill.currency, made_at)
        kept[*key, "bills"] -= 1
        kept[*key, "priced"] -= bill.overage_amount is not None
        kept[*key, "amount"] -= bill.overage_amount or 0
    assert not any(kept.values())


def check_days(ledger: Ledger) -> None:
    """The days of a month, where there are any, are the month; so are those in a document."""
    sums: Counter[tuple[int, Period]] = Counter()
    for (customer_id, day), calls in ledger.days.items():
        sums[customer_id, Period.of(day)] += calls
    assert sums == {month: ledger.used[month] for month in sums}
    for bill_id in ledger.document:
        said = ledger.said(bill_id)
        assert sum(one["calls"] for one in said["days"]) in (0, said["api_usage"])


def check_nothing_is_forgotten(before: Ledger, after: Ledger) -> None:
    """The record is only added to; numbers, documents and issued figures never change."""
    assert after.bill_actions[: len(before.bill_actions)] == before.bill_actions
    assert {*before.documents} <= {*after.documents}
    assert {*before.billed_contracts} <= {*after.billed_contracts}
    for was in before.bills:
        now = after.bill[was.id]
        assert now.version >= was.version
        assert (now.version == was.version) == (now == was)
        if was.number is None:
            continue
        assert (now.number, figures(now)) == (was.number, figures(was))
        if was.kind == "overage" and was.status != "void":
            period = Period(was.year, was.month)
            terms = [_terms(ledger, was.customer_id, period) for ledger in (before, after)]
            assert terms[0] == terms[1], "terms moved a month that is issued"


def check_rules_keep_their_currency(before: Ledger, after: Ledger) -> None:
    """Another currency of a customer says nothing about the amounts in its rules."""
    for was in before.customers:
        now = after.customer[was.id]
        amounts = [(one.auto_approve_below, one.second_approval_above) for one in (was, now)]
        if amounts[0] == amounts[1] != (None, None):
            assert golden.rules_currency(was) == golden.rules_currency(now)


def _terms(ledger: Ledger, customer_id: int, period: Period) -> tuple[Any, ...]:
    held = golden.in_force(ledger, customer_id, period)
    return held.currency, held.monthly_api_limit, held.overage_unit_cost
