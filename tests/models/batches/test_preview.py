"""What a preview says is what the run then does, for whatever data."""

import itertools
from collections import Counter
from datetime import date
from decimal import Decimal
from random import Random

import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncSession

from models.batches.bill_run import run_step, start_bill_run
from models.batches.bill_run_preview import NAMED_HELD, BillRunPreview, preview_run
from models.batches.bill_run_report import run_report
from models.bills.bill import Bill
from models.bills.states import HoldReason
from models.people.permissions import Role
from models.people.users import User, add_user
from models.queries.totals import Total
from models.settings import BillingSettings
from tests.harness.cast import People
from tests.harness.scene import (
    NOW,
    OCTOBER,
    ZONE,
    act,
    add_customer,
    generate,
    prove,
    record_usage,
)

SEPTEMBER = OCTOBER.plus(-1)
CURRENCIES = ["USD", "USD", "EUR", "JPY", "KWD"]
PRICES = [None, "0", "0.0000000001", "0.001", "0.10", "0.10", "12.5"]
NUMBERS = itertools.count()


async def a_customer(session: AsyncSession, chance: Random, crew: list[User], by: User) -> None:
    """A customer of any kind, perhaps with a bill of September, or of October already."""
    price = chance.choice(PRICES)
    customer = await add_customer(
        session,
        f"Customer {next(NUMBERS)}",
        chance.choice([None, 0, 50, 99, 100, 101, 110, 150, 100_000]),
        monthly_api_limit=chance.choice([0, 100, 100]),
        overage_unit_cost=None if price is None else Decimal(price),
        currency=chance.choice(CURRENCIES),
        limit_proration=chance.choice(["full", "daily"]),
        start_date=chance.choice([None, None, date(2026, 10, 20), date(2026, 11, 1)]),
        csm_id=chance.choice([None, *(user.id for user in crew)]),
        sales_id=chance.choice([None, *(user.id for user in crew)]),
        require_csm_approval=chance.random() < 0.3,
        require_sales_approval=chance.random() < 0.3,
    )
    if chance.random() < 0.5:
        await record_usage(session, customer, SEPTEMBER, chance.choice([101, 150, 1_000]))
        await generate(session, act(by), SEPTEMBER, customer_id=customer.id)
    if chance.random() < 0.15:
        await generate(session, act(by), customer_id=customer.id)


async def made_after(session: AsyncSession, last_id: int) -> tuple[Counter[str], dict[str, Total]]:
    """The bills made since: how many are held by cause, and the rest by currency."""
    held: Counter[str] = Counter()
    totals: dict[str, Total] = {}
    for bill in await session.scalars(sa.select(Bill).where(Bill.id > last_id)):
        await prove(session, bill.id)
        if bill.hold_reason is not None:
            held[bill.hold_reason] += 1
            continue
        so_far = totals.get(bill.currency, Total(bill.currency, 0, Decimal(0)))
        assert bill.overage_amount is not None
        amount = so_far.amount + bill.overage_amount
        totals[bill.currency] = Total(bill.currency, so_far.bills + 1, amount)
    return held, totals


@given(st.integers(0, 2**62))
@settings(deadline=None, max_examples=8, suppress_health_check=[*HealthCheck])
async def test_the_run_does_what_its_preview_said(
    session: AsyncSession, people: People, seed: int
) -> None:
    chance = Random(seed)
    async with session.begin_nested() as attempt:
        gone = await add_user(session, "Ira", Role.CSM)
        gone.active = False
        crew = [people.kim, people.sam, gone, await add_user(session, "Nia", None)]
        for _ in range(chance.randrange(1, 15)):
            await a_customer(session, chance, crew, people.ana)
        factor = chance.choice([None, 1, 2.5])
        seen = await preview_run(session, OCTOBER, jump_factor=factor)
        last_id = await session.scalar(sa.select(sa.func.coalesce(sa.func.max(Bill.id), 0))) or 0
        await compare(
            session,
            people.ana,
            seen,
            last_id,
            BillingSettings(None, factor, chance.randrange(1, 5)),
        )
        await attempt.rollback()


async def compare(
    session: AsyncSession, by: User, seen: BillRunPreview, last_id: int, settings: BillingSettings
) -> None:
    run_id = await start_bill_run(session, OCTOBER, act(by), ZONE)
    while not (await run_step(session, run_id, settings, NOW)).ended:
        pass
    told = await run_report(session, run_id)
    held, totals = await made_after(session, last_id)
    assert {HoldReason(cause): count for cause, count in held.items()} == seen.held == told.held
    assert tuple(totals[code] for code in sorted(totals)) == seen.totals == told.totals
    assert seen.held_customers == told.held_customers
    assert {cause: min(count, NAMED_HELD) for cause, count in seen.held.items()} == {
        cause: len(names) for cause, names in seen.held_customers.items()
    }
    assert seen.bills == sum(total.bills for total in totals.values())
    assert told.added == seen.to_make
    assert (told.jumps, told.by_rule) == (seen.jumps, seen.by_rule)
    assert (told.existing, told.missing, told.missing_count) == (
        seen.existing,
        seen.missing,
        seen.missing_count,
    )
    again = await preview_run(session, OCTOBER, jump_factor=settings.jump_factor)
    assert (again.to_make, again.existing) == (0, seen.existing + seen.to_make)
    # Amounts that come to nothing stay unbilled, and are counted again.
    assert (again.zero, again.usages, again.missing) == (seen.zero, seen.usages, seen.missing)
    assert {big.amount for big in again.biggest} == set()
