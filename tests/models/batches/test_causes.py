"""Why a bill is held when it is made, and which cause is named where several apply."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.actions.void import void_bill
from models.batches.bill_run_preview import preview_run
from models.bills.bill import bill_of_month
from models.bills.history import actions_of
from models.bills.hold_rules import hold_reason_of
from models.bills.snapshots import bill_snapshot
from models.bills.states import HoldReason, State
from models.context import Context, Source
from models.customers.customers import Customer
from models.people.permissions import Role
from models.people.users import User, add_user
from models.period import Period
from models.settings import BillingSettings
from tests.harness.cast import People
from tests.harness.scene import (
    NOW,
    OCTOBER,
    act,
    add_customer,
    generate,
    record_usage,
)

SEPTEMBER = OCTOBER.plus(-1)

LATE = {"start_date": date(2026, 11, 1)}
OVER = {"end_date": date(2026, 9, 30)}
FREE = {"overage_unit_cost": None}

# What the customer is like, and the cause of the hold; None: it waits for approval.
CAUSES: list[tuple[dict[str, Any], HoldReason | None]] = [
    ({}, None),
    (LATE, HoldReason.OUTSIDE_CONTRACT),
    (OVER, HoldReason.OUTSIDE_CONTRACT),
    ({"start_date": date(2026, 10, 31)}, None),
    ({"end_date": date(2026, 10, 1)}, None),
    ({"start_date": date(2026, 10, 31), "end_date": date(2026, 10, 31)}, None),
    (FREE, HoldReason.NO_PRICE),
    (FREE | LATE, HoldReason.NO_PRICE),
    # By whom it could be approved: Kim is CSM and Sam in Sales. Ira and Ivo are switched off, Nia
    # has no role any more, Max is a manager.
    ({"csm": "kim", "require_csm_approval": True}, None),
    ({"csm": "ira", "require_csm_approval": True}, HoldReason.NO_APPROVER),
    ({"csm": "nia", "require_csm_approval": True}, HoldReason.NO_APPROVER),
    ({"csm": "max", "require_csm_approval": True}, HoldReason.NO_APPROVER),
    ({"csm": "sam", "require_csm_approval": True}, HoldReason.NO_APPROVER),
    ({"require_csm_approval": True}, None),
    ({"sales": "sam", "require_sales_approval": True}, None),
    ({"sales": "ivo", "require_sales_approval": True}, HoldReason.NO_APPROVER),
    ({"sales": "nia", "require_sales_approval": True}, HoldReason.NO_APPROVER),
    ({"sales": "kim", "require_sales_approval": True}, HoldReason.NO_APPROVER),
    ({"require_sales_approval": True}, None),
    ({"csm": "kim", "sales": "ivo", "require_csm_approval": True}, None),
    (
        {
            "csm": "kim",
            "sales": "ivo",
            "require_csm_approval": True,
            "require_sales_approval": True,
        },
        HoldReason.NO_APPROVER,
    ),
    ({"csm": "ira", "sales": "ivo"}, None),
    ({"csm": "nia", "sales": "nia"}, None),
    (LATE | {"csm": "ira", "require_csm_approval": True}, HoldReason.OUTSIDE_CONTRACT),
    (FREE | {"csm": "ira", "require_csm_approval": True}, HoldReason.NO_PRICE),
    # Against 1,000.00 of September; the factor is 5.
    ({"september": 110_000}, None),
    ({"september": 109_999}, HoldReason.JUMP),
    ({"september": 100_001}, HoldReason.JUMP),
    ({"september": 100_000}, None),
    (LATE | {"september": 100_001}, HoldReason.OUTSIDE_CONTRACT),
    (
        {"september": 100_001, "csm": "ira", "require_csm_approval": True},
        HoldReason.NO_APPROVER,
    ),
]


@pytest.fixture
async def crew(session: AsyncSession, people: People) -> dict[str, User]:
    crew = {
        "kim": people.kim,
        "sam": people.sam,
        "max": people.max,
        "nia": await add_user(session, "Nia", None, "UNIA"),
        "ira": await add_user(session, "Ira", Role.CSM, "UIRA"),
        "ivo": await add_user(session, "Ivo", Role.SALES, "UIVO"),
    }
    crew["ira"].active = crew["ivo"].active = False
    await session.flush()
    return crew


async def held_for(
    session: AsyncSession,
    customer: Customer,
    by: Context,
    settings: BillingSettings,
    period: Period = OCTOBER,
) -> str | None:
    """Why the customer's new bill is held, held to what the preview and the cause alone say."""
    factor = settings.jump_factor
    seen = await preview_run(session, period, customer.id, factor)
    cause = await hold_reason_of(session, customer.id, period, factor)
    await generate(session, by, period, settings, customer.id)
    bill = await bill_of_month(session, customer.id, period)
    assert (bill.status == State.HELD) == (bill.hold_reason is not None)
    assert seen.held == ({cause: 1} if cause else {})
    assert (cause, seen.bills) == (bill.hold_reason, 0 if cause else 1)
    return bill.hold_reason


async def test_a_bill_is_held_for_the_first_cause_that_applies(
    session: AsyncSession, people: People, crew: dict[str, User]
) -> None:
    ids = {name: user.id for name, user in crew.items()}
    settings = BillingSettings(jump_factor=5)
    for number, (given, cause) in enumerate(CAUSES):
        columns = dict(given)
        september = columns.pop("september", None)
        named: dict[str, Any] = {
            f"{slot}_id": ids.get(columns.pop(slot, "")) for slot in ("csm", "sales")
        }
        customer = await add_customer(session, f"Customer {number}", **columns, **named)
        if september is not None:
            await record_usage(session, customer, SEPTEMBER, september)
            await generate(session, act(people.ana), SEPTEMBER, settings, customer.id)
        assert await held_for(session, customer, act(people.ana), settings) == cause, given


@pytest.mark.parametrize(
    ("gone", "required", "cause"),
    [
        (["Customer Success"], {"require_csm_approval": True}, HoldReason.NO_APPROVER),
        (["Customer Success"], {"require_sales_approval": True}, None),
        (["Sales"], {"require_sales_approval": True}, HoldReason.NO_APPROVER),
        (["Sales"], {"require_csm_approval": True}, None),
        (["Customer Success"], {}, None),
        (["Sales"], {}, None),
        (["Sales", "Customer Success"], {}, HoldReason.NO_APPROVER),
    ],
)
async def test_a_role_that_nobody_has_holds_what_needs_it(
    session: AsyncSession,
    people: People,
    gone: list[str],
    required: dict[str, Any],
    cause: HoldReason | None,
) -> None:
    await session.execute(sa.update(User).where(User.role.in_(gone)).values(active=False))
    customer = await add_customer(session, **required)
    assert await held_for(session, customer, act(people.ana), BillingSettings()) == cause


async def test_a_jump_is_held_only_where_a_factor_is_set_and_only_beyond_it(
    session: AsyncSession, people: People
) -> None:
    """8.20 in September and 9.43 in October are a factor of 1.15 exactly, which no float is."""
    for number, (factor, cause) in enumerate(
        {None: None, 1.15: None, 1.1499: HoldReason.JUMP, 1: HoldReason.JUMP}.items()
    ):
        price = Decimal("0.01")
        customer = await add_customer(
            session, f"Customer {number}", 100_943, overage_unit_cost=price
        )
        await record_usage(session, customer, SEPTEMBER, 100_820)
        await generate(session, act(people.ana), SEPTEMBER, customer_id=customer.id)
        settings = BillingSettings(jump_factor=factor)
        assert await held_for(session, customer, act(people.ana), settings) == cause, factor


async def test_a_jump_is_measured_by_the_last_bill_that_is_not_void(
    session: AsyncSession, people: People
) -> None:
    customer = await add_customer(session, used=150_000)
    for period, used in ((OCTOBER.plus(-3), 148_000), (SEPTEMBER, 101_000)):
        await record_usage(session, customer, period, used)
        await generate(session, act(people.ana), period)
    september = await bill_of_month(session, customer.id, SEPTEMBER)
    cause = await hold_reason_of(session, customer.id, OCTOBER, 2)
    assert cause == HoldReason.JUMP
    await void_bill(session, september.id, september.version, act(people.ana), "Wrong")
    assert await hold_reason_of(session, customer.id, OCTOBER, 2) is None


async def test_the_action_names_the_cause_and_the_figures(
    session: AsyncSession, people: People
) -> None:
    """Customer 3 of the original data used 350,000 calls before its contract began."""
    january = Period(2017, 1)
    customer = await add_customer(
        session,
        "Customer3",
        350_000,
        january,
        monthly_api_limit=300_000,
        overage_unit_cost=Decimal("0.08"),
        start_date=date(2017, 3, 1),
    )
    by = Context(people.system, NOW, Source.CLI)
    assert await generate(session, by, january) == 1
    bill = await bill_of_month(session, customer.id, january)
    (action,) = await actions_of(session, bill.id)
    assert (action.stakeholder_id, action.source, action.bill_version) == (by.user.id, "cli", 1)
    told = action.snapshot["after"]
    assert told == bill_snapshot(bill)
    assert {
        "status": "held",
        "hold_reason": "outside_contract",
        "api_usage": 350_000,
        "monthly_api_limit": 300_000,
        "overage_units": 50_000,
        "overage_unit_cost": "0.08",
        "overage_amount": "4000.00",
    }.items() <= told.items()
