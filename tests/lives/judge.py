"""What one step may have done: judged from the ledger before it and the ledger after it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from models.bills.replay import BillState
from models.errors import Refusal
from models.period import Period
from tests.lives import golden
from tests.lives.judge_books import check_document_says, check_usage_stays, judge_books
from tests.lives.judge_pulls import judge_pull, judge_question
from tests.lives.laws import check_nothing_is_forgotten, check_rules_keep_their_currency
from tests.lives.ledger import Ledger, Row, figures
from tests.lives.letters import check_repeat, check_word
from tests.lives.moves import Turn
from tests.lives.names import check_names_are_kept
from tests.lives.scene import Scene


@dataclass(frozen=True)
class Taken:
    """A step that was taken. `result` None: it was allowed, and there was nothing to do.

    `cut`: the connection broke before it was committed.
    """

    name: str
    turn: Turn
    result: Any = None
    refusal: Refusal | None = None
    cut: bool = False

    @property
    def outcome(self) -> str:
        if self.cut:
            return "cut"
        if self.refusal is not None:
            return f"refused: {type(self.refusal).__name__}"
        return "nothing" if self.result is None else "done"


def judge(taken: Taken, scene: Scene, before: Ledger, after: Ledger) -> None:
    if taken.refusal is not None or taken.cut:
        assert before.differences(after) == [], f"what was {taken.outcome} wrote something"
        return
    turn = taken.turn
    assert not (turn.versioned and turn.lot.behind), "a click on another version counted"
    check_nothing_is_forgotten(before, after)
    check_rules_keep_their_currency(before, after)
    check_names_are_kept(before, after)
    check_usage_stays(before, after, taken.name)
    judge_books(taken.name, turn, taken.result, before, after)
    if taken.name == "pull":
        judge_pull(turn.told, before, after)
    if taken.name == "ask_by_link":
        judge_question(turn.told, before, after)
    new = after.bill_actions[len(before.bill_actions) :]
    for action in new:
        _JUDGES.get(action.action, _nothing)(scene, before, after, action)
    _check_holds(scene, before, after, new)
    check_rejected_bills_stay(before, after, new)


def _nothing(scene: Scene, before: Ledger, after: Ledger, action: Row) -> None:
    pass


def _approved(scene: Scene, before: Ledger, after: Ledger, action: Row) -> None:
    """By somebody who can, and complete only with every part that is needed."""
    bill, slot = before.bill[action.bill_id], action.snapshot["part"]
    assert action.stakeholder_id in golden.able(before, bill, slot, scene.today)
    parts = golden.needed(before.customer[bill.customer_id], bill.overage_amount, bill.currency)
    assert slot in parts
    given = {one for one, *_ in after.approved_by[bill.id]}
    complete = given >= set(parts)
    assert after.bill[bill.id].status == ("approved" if complete else "pending")
    people = [user_id for _, user_id, _ in after.approved_by[bill.id]]
    assert len(people) == len(set(people)), "one person approved in two roles"
    if bill.customer_id not in scene.unsettled:
        return
    now = golden.fresh(before, bill.customer_id, Period(bill.year, bill.month))
    assert now is not None
    assert before.balances(bill) or golden.basis_of(bill) == now.basis


def _rejected(scene: Scene, before: Ledger, after: Ledger, action: Row) -> None:
    bill = before.bill[action.bill_id]
    parts = golden.needed(before.customer[bill.customer_id], bill.overage_amount, bill.currency)
    able = [golden.able(before, bill, slot, scene.today) for slot in parts]
    assert action.stakeholder_id in set().union(*able)


def _auto_approved(scene: Scene, before: Ledger, after: Ledger, action: Row) -> None:
    bill = after.bill[action.bill_id]
    assert bill.version == 2
    if action.snapshot["rule"] == "void":
        assert after.balances(bill)
    else:
        assert golden.passes_by_rule(after, bill, scene.settings.jump_factor)


def _undone(scene: Scene, before: Ledger, after: Ledger, action: Row) -> None:
    """What stood before the decision stands again: state, approvals and figures."""
    was, now = before.bill[action.bill_id], after.bill[action.bill_id]
    assert was.number is None, "what is issued was undone"
    standing, reversed_id = before.standing[was.id], action.reverses_id
    assert reversed_id in {decision.action_id for decision in standing.decisions}
    if standing.decisions[-1].action_id != reversed_id:
        assert now.status == "pending"
        assert figures(now) == figures(was)
        left = {one for one in before.approved_by[was.id] if one[2] != reversed_id}
        assert after.approved_by[was.id] == left
        return
    found = scene.moments[reversed_id]
    if found is None:
        return
    assert (now.status, now.hold_reason) == (found.bill.status, found.bill.hold_reason)
    assert figures(now) == figures(found.bill)
    assert after.approved_by[was.id] == found.approvals


def _issued(scene: Scene, before: Ledger, after: Ledger, action: Row) -> None:
    """Only what was approved, rests on the figures of now, and could no longer be called back."""
    bill = before.bill[action.bill_id]
    assert bill.status == "sending"
    due = [a.snapshot["due"] for a in before.actions[bill.id] if "due" in a.snapshot][-1]
    assert action.created_at.isoformat() >= due or scene.now.isoformat() >= due
    year = action.snapshot["number"].removeprefix("CN-")[:4]
    assert int(year) == scene.today.year
    assert is_signed_off(before, bill)
    period = Period(bill.year, bill.month)
    now = golden.fresh(before, bill.customer_id, period)
    assert now is not None
    assert before.balances(bill) or golden.basis_of(bill) == now.basis
    if bill.kind == "overage":
        customer, kept = before.customer[bill.customer_id], after.billed_contract[bill.id]
        days = golden.active_days(before, customer, period)
        assert (kept.contract_days, kept.limit_proration) == (days, customer.limit_proration)
    check_document_says(before, after, bill.id, scene.today)


def is_signed_off(ledger: Ledger, bill: Row) -> bool:
    """By people, or by a rule that stands."""
    if ledger.approved_by[bill.id]:
        return True
    standing: BillState | None = ledger.standing[bill.id]
    by_rule = {a.id for a in ledger.actions[bill.id] if a.action == "auto_approve"}
    stand = {decision.action_id for decision in standing.decisions} if standing else set()
    return bool(by_rule & stand) or ledger.balances(bill)


def _generated(scene: Scene, before: Ledger, after: Ledger, action: Row) -> None:
    bill = after.bill[action.bill_id]
    if action.action == "reissue" or after.balances(bill):
        return
    if bill.kind != "overage":
        cause = golden.cause_of_correction(after, bill, new=True)
        assert action.snapshot["after"]["hold_reason"] == cause
        return
    period = Period(bill.year, bill.month)
    jump = scene.settings.jump_factor
    cause = golden.cause(before, bill.customer_id, period, jump, new=True)
    assert action.snapshot["after"]["hold_reason"] == cause
    same = [b for b in before.bills if b.kind == "overage" and _month(b) == _month(bill)]
    assert not same, "a month was generated twice"


def _month(bill: Row) -> tuple[int, int, int]:
    return bill.customer_id, bill.year, bill.month


def _invalidated(scene: Scene, before: Ledger, after: Ledger, action: Row) -> None:
    was, now = before.bill[action.bill_id], after.bill[action.bill_id]
    assert was.status in ("held", "pending", "approved", "sending")
    assert was.number is None
    outside = was.status == "sending" and now.hold_reason == "outside_contract"
    inside = was.hold_reason == "outside_contract" and now.hold_reason != "outside_contract"
    assert outside or inside or golden.basis_of(was) != golden.basis_of(now), "nothing had changed"
    assert not after.approved_by[now.id]


def _reassigned(scene: Scene, before: Ledger, after: Ledger, action: Row) -> None:
    """Somebody who could give an approval that is missing, and who was not asked before."""
    bill, told = before.bill[action.bill_id], action.snapshot
    slot, asked = told["part"], before.user[told["asked"]]
    assert bill == after.bill[bill.id]
    assert bill.status in ("held", "pending")
    assert before.user[action.stakeholder_id].role == "Finance"
    assert slot in golden.needed(
        before.customer[bill.customer_id], bill.overage_amount, bill.currency
    )
    assert asked.active and asked.role in golden.ROLE_OF.get(slot, golden.EITHER)
    assert asked.id not in golden.made_by(before, bill)
    spoken = {(one, user_id) for one, user_id, _ in before.approved_by[bill.id]}
    assert slot not in {one for one, _ in spoken}
    assert asked.id not in {user_id for _, user_id in spoken}
    assert told["instead_of"] != asked.id


def _reminded(scene: Scene, before: Ledger, after: Ledger, action: Row) -> None:
    """Somebody who can give an approval that is missing, and not again on the day they were."""
    bill, told = before.bill[action.bill_id], action.snapshot["reminded"]
    assert bill == after.bill[bill.id]
    assert bill.status == "pending"
    assert told
    parts = golden.needed(before.customer[bill.customer_id], bill.overage_amount, bill.currency)
    missing = set(parts) - {slot for slot, *_ in before.approved_by[bill.id]}
    able = {
        user.id
        for slot in missing
        for user in before.users
        if user.role in golden.ROLE_OF.get(slot, golden.EITHER)
    }
    stand_ins = {before.user[one].delegate_id for one in able}
    people = {int(one.removeprefix("user:")) for one in told if one.startswith("user:")}
    assert people <= able | stand_ins
    day = action.created_at.date()
    earlier = [a for a in before.actions[bill.id] if a.action == "remind"]
    same_day = [a for a in earlier if a.created_at.date() == day]
    assert not {one for a in same_day for one in a.snapshot["reminded"]} & set(told) or any(
        a.action == "reassign" for a in before.actions[bill.id]
    )
    assert day.weekday() < 5 or scene.settings.zone.key != "UTC"


def _escalated(scene: Scene, before: Ledger, after: Ledger, action: Row) -> None:
    """What has waited for ten working days, and so for fourteen."""
    bill = before.bill[action.bill_id]
    assert bill == after.bill[bill.id]
    assert bill.status == "pending"
    assert action.created_at - before.actions[bill.id][0].created_at >= timedelta(days=13)


_JUDGES = {
    "remind": _reminded,
    "escalate": _escalated,
    "reassign": _reassigned,
    "approve": _approved,
    "send": lambda _, before, after, action: check_repeat(before, after, action),
    "deliver": lambda _, before, after, action: check_word(before, after, action),
    "reject": _rejected,
    "auto_approve": _auto_approved,
    "undo": _undone,
    "issue": _issued,
    "generate": _generated,
    "reissue": _generated,
    "invalidate": _invalidated,
}


def _check_holds(scene: Scene, before: Ledger, after: Ledger, new: Iterable[Row]) -> None:
    """A pending bill that an invalidation left so has no cause to be held."""
    for action in new:
        bill = after.bill[action.bill_id]
        if action.action != "invalidate" or bill.version != action.bill_version:
            continue
        if bill.kind != "overage":
            assert bill.hold_reason == golden.cause_of_correction(after, bill)
            continue
        period = Period(bill.year, bill.month)
        jump = scene.settings.jump_factor
        cause = golden.cause(after, bill.customer_id, period, jump, bill=bill)
        if cause != "jump" and bill.hold_reason != "jump":
            assert bill.hold_reason == cause


def check_rejected_bills_stay(before: Ledger, after: Ledger, new: Iterable[Row]) -> None:
    moved = {action.bill_id: action.action for action in new}
    for was in before.bills:
        if was.status == "rejected" and after.bill[was.id] != was:
            assert moved[was.id] in ("undo", "revise", "void")
