"""What somebody's Home could show, made up."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from handlers.slack.blocks.home import home_view
from models.batches.approval_offers import ApprovalOffer
from models.batches.approve_under import Waiting
from models.batches.bulk_approve import ApprovalOutcome, ApprovalReport
from models.bills.states import HoldReason, RejectReason, State
from models.currencies import MINOR_UNITS
from models.outbox.homes import HomePlace
from models.people.permissions import Role
from models.people.users import User
from models.queries.ageing import Age, AllWaiting
from models.queries.bill_details import BillDetails
from models.queries.bill_list import Page
from models.queries.home import HomeFacts
from models.queries.month_board import MissingUsage, MonthBoard, StateCount
from models.queries.months_billed import CurrencyMonths, MonthsBilled
from models.queries.recent_decisions import RecentDecision
from models.queries.totals import Total
from models.queries.weekly_digest import WeeklyDigest
from tests.views import samples
from tests.views.samples import BILL, BILLS, NOON, OCTOBER


def home(user: User, waiting: Page, bills: Sequence[BillDetails] = (), **more: Any) -> Any:
    """The tab as it is drawn for this person."""
    return home_view(
        HomeFacts(user, NOON, more.pop("place", HomePlace()), waiting, OCTOBER, bills, **more)
    )


def full_home(facts: BillDetails, role: Role = Role.CSM) -> Any:
    """All that one tab can show: a page in the middle of many, and everything there is below it."""
    user = replace_role(role)
    line = samples.bill_line(facts)
    waiting = Page((line,) * 15, 500, samples.page(1).totals, "next")
    own = samples.entry(samples.APPROVED.verb, samples.KIM, id=7, amount=Decimal("1000.00"))
    decided = replace(BILLS["approved"], id=99, customer=facts.customer)
    watches = role in (Role.MANAGER, Role.FINANCE)
    return home(
        user,
        waiting,
        [] if role == Role.MANAGER else [replace(facts, id=n) for n in range(1, 16)],
        place=HomePlace("before", 2),
        recent=[RecentDecision(decided, own, can_undo=True)] * 5,
        board=board(facts) if watches else None,
        all_waiting=AllWaiting(board(facts).ages, None) if watches else None,
        billed=billed() if role == Role.MANAGER else None,
    )


def replace_role(role: Role) -> User:
    """Kim, had she this role."""
    return User(id=samples.KIM.id, name=samples.KIM.name, role=role, active=True)


def board(facts: BillDetails = BILL) -> MonthBoard:
    totals = (Total("EUR", 3, Decimal("90.50")), Total("USD", 9, Decimal(1000)))
    return MonthBoard(
        period=OCTOBER,
        generated=20,
        standing=totals,
        without_amount=1,
        states=tuple(StateCount(state, 2, totals) for state in State),
        held={HoldReason.NO_PRICE: 1, HoldReason.JUMP: 1},
        longest_held=(samples.bill_line(facts),),
        biggest=(samples.bill_line(facts),) * 5,
        ages=(Age(0, 3, 3, totals), Age(3, 7, 1, totals), Age(14, None, 0, ())),
        missing=MissingUsage(13, tuple((n, facts.customer) for n in range(12))),
    )


def billed() -> MonthsBilled:
    periods = tuple(OCTOBER.plus(-ago) for ago in reversed(range(12)))
    amounts = (None, *(Decimal(1000 * n) for n in range(11)))
    return MonthsBilled(periods, tuple(CurrencyMonths(code, amounts) for code in ("USD", "EUR")))


def week(facts: BillDetails = BILL) -> WeeklyDigest:
    of_month = board(facts)
    return WeeklyDigest(
        month=OCTOBER,
        waiting=4,
        totals=of_month.standing,
        ages=of_month.ages,
        held=of_month.held,
        rejected=dict.fromkeys(RejectReason, 2),
        missing=of_month.missing,
        billed=billed(),
        is_generated=True,
    )


def clear_week() -> WeeklyDigest:
    nothing = {"waiting": 0, "totals": (), "ages": (), "held": {}, "rejected": {}}
    return replace(week(), **nothing, missing=MissingUsage(0))  # type: ignore[arg-type]


def offers() -> tuple[ApprovalOffer, ...]:
    return tuple(
        ApprovalOffer(n, code, Decimal("1234567890123.45"), 2000, Decimal("9876543210987.65"))
        for n, code in enumerate(("USD", "EUR", "KWD", "GBP", "CHF"))
    )


def waiting() -> tuple[Waiting, ...]:
    """In every currency there is."""
    most = Decimal("1234567890123.45")
    return tuple(Waiting(code, 1 + at, Decimal(1), most) for at, code in enumerate(MINOR_UNITS))


def approvals(facts: BillDetails = BILL, count: int = 3, **changes: Any) -> ApprovalReport:
    line = samples.bill_line(facts)
    left = ApprovalOutcome(line, left_out="Sam Ito (Sales) approved this bill 5 minutes ago.")
    known: dict[str, Any] = {
        "bills": count,
        "approved": count - 1,
        "awaited": 1,
        "left_out": 1,
        "ended": True,
        "totals": (Total("USD", count - 1, Decimal(2000)),),
        "outcomes": (left, ApprovalOutcome(line, awaited=True), ApprovalOutcome(line)),
    }
    return ApprovalReport(**{**known, **changes})
