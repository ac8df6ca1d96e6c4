"""Steps that change what bills rest on: usage, terms, people, contracts."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from models.actions.absence import end_absences as end_past_absences
from models.actions.absence import mark_away, mark_back
from models.actions.access import deactivate, grant_role
from models.actions.recalculate import recalculate
from models.actions.reroute import reroute_open_bills
from models.customers.customers import Customer
from models.people.permissions import Role
from models.people.users import User
from models.period import Period
from models.schedule.reminders import escalate
from models.schedule.reminders import remind as remind_approvers
from models.usage.usage import record_usage
from tests.harness.terms import change_terms as set_terms
from tests.lives import golden
from tests.lives.moves import TermsAsked, Turn
from tests.lives.scene import APPROVERS, CURRENCIES, ROLES

LIMITS = (1000, 100, 0, 250)
PRICES = (*map(Decimal, ("0.10", "0.25", "0.0040", "1.005", "0.3333333333", "0")), None)


async def record(turn: Turn) -> Any:
    """Usage of a month that has a bill, or of one that may get one; its bills are seen to."""
    act = await turn.act(turn.finance())
    customer_id, period = month_of_a_bill(turn)
    booked = golden.booked(turn.scene.ledger, customer_id, period)
    turn.told = (booked, period)
    done = await record_usage(turn.session, booked, period, turn.lot.calls, act, "Counted again")
    return done and await _settle(turn)


def month_of_a_bill(turn: Turn) -> tuple[int, Period]:
    """Mostly one whose bill stands."""
    scene, pick = turn.scene, turn.lot.pick
    live = [bill for bill in scene.seen if bill.status != "void"]
    if live and not turn.lot.stray:
        bill = live[-1 - pick % len(live)]
        return bill.customer_id, Period(bill.year, bill.month)
    return scene.customers[pick % len(scene.customers)], scene.month.plus(
        (-1, -2, -1, 0, -2, 1)[pick % 6]
    )


async def _settle(turn: Turn) -> Any:
    turn.scene.unsettled.clear()
    turn.told = await recalculate(turn.session, await turn.act(turn.who))
    return turn.told


async def change_terms(turn: Turn) -> Any:
    """From now on, or from a month that was, or is to come; now and then in another currency."""
    lot, scene = turn.lot, turn.scene
    act = await turn.act(turn.finance())
    ahead = (None, None, -3, -2, -1, 0, 1, 2)[lot.calls % 8]
    customer_id = scene.customers[lot.pick % len(scene.customers)]
    currency = (None, None, *CURRENCIES)[lot.calls // 8 % 5]
    limit, price = LIMITS[lot.pick % len(LIMITS)], PRICES[lot.calls % len(PRICES)]
    month = None if ahead is None else scene.month.plus(ahead)
    shown = scene.ledger.customer[customer_id].currency
    turn.asked = TermsAsked(customer_id, month, currency or shown, limit, price)
    change = await set_terms(turn.session, customer_id, act, limit, price, month, currency or shown)
    scene.unsettled.clear()
    turn.told = change.recalculated
    return turn.told


async def go_away(turn: Turn) -> Any:
    who = APPROVERS[turn.lot.pick % 4]
    delegate = (
        APPROVERS[turn.lot.calls % 4] if not turn.lot.stray else tuple(ROLES)[turn.lot.calls % 8]
    )
    act = await turn.act(who)
    until = act.today + timedelta(days=turn.lot.calls % 3)
    delegate_user = await turn.session.get_one(User, turn.scene.ids[delegate])
    await mark_away(turn.session, act, until, delegate_user)
    await _hand_over(turn)
    return True


async def come_back(turn: Turn) -> Any:
    away = [u.id for u in turn.scene.ledger.users if u.away_until is not None]
    likely = turn.scene.names[away[turn.lot.pick % len(away)]] if away else "kim"
    back = await mark_back(turn.session, await turn.act(likely))
    await _hand_over(turn)
    return back or None


async def end_absences(turn: Turn) -> Any:
    return await end_past_absences(turn.session, await turn.act("system")) or None


async def remind(turn: Turn) -> Any:
    """Whoever is due, in their hours; and Finance hears."""
    act = await turn.act("system")
    reminded, _ = await remind_approvers(turn.session, act)
    escalated, _ = await escalate(turn.session, act)
    return reminded + escalated or None


async def leave(turn: Turn) -> Any:
    """Somebody leaves the company for good, or until they are given a role again."""
    who = APPROVERS[turn.lot.pick % 4] if turn.lot.calls % 4 else "bob"
    await deactivate(turn.session, f"U{who.upper()}")
    await _hand_over(turn)
    return True


async def give_role(turn: Turn) -> Any:
    """To whoever has none or was away; the role they once had."""
    gone = [u for u in turn.scene.ledger.users if not u.active or u.role is None]
    gone = [u for u in gone if u.id != turn.scene.ids["system"]]
    if not gone:
        return None
    user = gone[turn.lot.pick % len(gone)]
    role = ROLES[turn.scene.names[user.id]] or Role.CSM
    await grant_role(turn.session, user.id, role, await turn.act(turn.finance()))
    await _hand_over(turn)
    return True


async def change_role(turn: Turn) -> Any:
    who = (*APPROVERS, "bob")[turn.lot.pick % 5]
    role = (Role.CSM, Role.SALES, ROLES[who], ROLES[who])[turn.lot.calls % 4]
    user = await turn.session.get_one(User, turn.scene.ids[who])
    if user.role == role:
        return None
    user.role = role
    await _hand_over(turn)
    return True


async def assign(turn: Turn) -> Any:
    """A customer is given other approvers, or another policy."""
    customer = await _a_customer(turn)
    ids, calls = turn.scene.ids, turn.lot.calls
    customer.csm_id = (ids["kim"], ids["lee"], None)[calls % 3]
    customer.sales_id = (ids["sam"], ids["sue"], None)[calls // 3 % 3]
    customer.require_csm_approval = bool(calls // 9 % 2)
    customer.require_sales_approval = bool(calls // 18 % 2)
    customer.second_approval_above = (None, Decimal(50))[calls // 36 % 2]
    await _hand_over(turn)
    return True


async def rewrite_contract(turn: Turn) -> Any:
    """A customer's contract begins or ends on another day, is mistyped, or is renewed."""
    customer = await _a_customer(turn)
    today, calls = turn.scene.today, turn.lot.calls
    dates = (
        *((None, None), (today - timedelta(days=40), None), (today, None)),
        *((None, today + timedelta(days=3)), (None, today - timedelta(days=370))),
        (today - timedelta(days=40), today + timedelta(days=3)),
        *(_renewed(customer, timedelta(days=1 + calls // 9 % 40)),) * 2,
        (customer.start_date, customer.end_date),
    )
    customer.start_date, customer.end_date = dates[calls % len(dates)]
    customer.limit_proration = ("full", "daily", "daily")[calls // 81 % 3]
    customer.updated_at = turn.scene.now
    await _hand_over(turn)
    return await _settle(turn)


def _renewed(customer: Customer, gap: timedelta) -> tuple[Any, Any]:
    """After the contract that it has, or one that ends where it never did."""
    ended = customer.end_date
    return (ended + gap, None) if ended else (None, customer.updated_at.date() + gap)


async def _a_customer(turn: Turn) -> Customer:
    scene = turn.scene
    turn.who = "ana"
    customer_id = scene.customers[turn.lot.pick % len(scene.customers)]
    return await turn.session.get_one(Customer, customer_id, with_for_update={"key_share": True})


async def _hand_over(turn: Turn) -> None:
    await turn.session.flush()
    await reroute_open_bills(turn.session, await turn.scene.act(turn.session, turn.who or "system"))
