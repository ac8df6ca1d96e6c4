"""Currency and price move together, by month; amounts are compared within one currency alone."""

from decimal import Decimal
from io import BytesIO
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.actions.approve import approve_bill
from models.actions.recalculate import recalculate
from models.actions.void import reissue_bill
from models.batches.bill_run_preview import preview_run
from models.bills.bill import Bill, bill_of_month, get_bill
from models.bills.hold_rules import hold_reason_of
from models.bills.states import State
from models.context import Context
from models.customers.customers import Customer
from models.customers.terms import show_terms_of_today, terms_history
from models.errors import Invalid
from models.imports.files import import_customers
from models.outbox.notifications import Recalculation
from models.queries.bill_loader import load_bill_details
from models.usage.usage import usage_months
from tests.harness.billing import MAIL, correct_usage, go_out, later, void
from tests.harness.cast import People
from tests.harness.scene import OCTOBER, act, add_customer, bill_for, generate, prove, record_usage
from tests.harness.terms import change_terms

SEPTEMBER, NOVEMBER, DECEMBER = OCTOBER.plus(-1), OCTOBER.plus(1), OCTOBER.plus(2)
HEAD = (
    "name,csm,sales,billing_address,billing_email,currency,monthly_api_limit,overage_unit_cost,"
    "start_date,end_date,require_csm_approval,require_sales_approval"
)


async def import_row(
    session: AsyncSession, by: Context, currency: str, price: str, **more: str
) -> Recalculation:
    """What `countersign import customers` does with a row of Acme Corp."""
    head = ",".join((HEAD, *more))
    told = f"Acme Corp,,,,b@acme.example,{currency},100000,{price},,,no,no"
    row = ",".join((told, *more.values()))
    await import_customers(session, BytesIO(f"{head}\n{row}\n".encode()), by.user, by.now)
    return await recalculate(session, by)


async def september_sent_october_approved(
    session: AsyncSession, people: People
) -> tuple[Bill, Bill]:
    customer = await add_customer(session, used=450_000, **MAIL)
    await record_usage(session, customer, SEPTEMBER, 150_000)
    bills = []
    for period in (SEPTEMBER, OCTOBER):
        await generate(session, act(people.ana), period)
        bill = await bill_of_month(session, customer.id, period)
        await approve_bill(session, bill.id, bill.version, act(people.kim))
        bills.append(bill)
    await go_out(session, people, bills[0])
    return bills[0], bills[1]


async def terms_of(session: AsyncSession, customer_id: int) -> list[tuple[str, str, str]]:
    return [
        (f"{one.valid_from:%Y-%m}", one.currency, f"{one.overage_unit_cost}")
        for one in await terms_history(session, customer_id)
    ]


async def test_another_currency_begins_with_its_price_and_leaves_the_months_before_it(
    session: AsyncSession, people: People
) -> None:
    """October's 35,000 dollars are no 35,000 yen."""
    september, october = await september_sent_october_approved(session, people)
    by = later(act(people.ana), hours=1)
    assert await import_row(session, by, "JPY", "15") == Recalculation()
    await session.refresh(october)
    assert (october.currency, october.overage_amount) == ("USD", Decimal("35000.00"))
    assert october.status == State.APPROVED
    assert (await terms_of(session, october.customer_id))[1:] == [("2026-11", "JPY", "15")]
    customer = await session.get_one(Customer, october.customer_id, populate_existing=True)
    assert customer.currency == "JPY"
    await record_usage(session, customer, NOVEMBER, 100_010)
    await generate(session, later(by, days=30), NOVEMBER)
    november = await bill_of_month(session, customer.id, NOVEMBER)
    assert (november.currency, november.overage_amount) == ("JPY", Decimal(150))
    (late,) = (await correct_usage(session, by, customer.id, 150_100, SEPTEMBER)).proposed
    extra = await get_bill(session, late)
    assert (extra.currency, extra.overage_amount) == ("USD", Decimal("10.00"))
    for one in (september, october, november, extra):
        await prove(session, one.id)


async def test_a_month_made_void_and_billed_again_keeps_its_currency(
    session: AsyncSession, people: People
) -> None:
    september, _ = await september_sent_october_approved(session, people)
    by = later(act(people.ana), hours=1)
    await import_row(session, by, "JPY", "15")
    credit = await void(session, september, people.ana)
    assert credit is not None
    assert (credit.currency, credit.overage_amount) == ("USD", Decimal("-5000.00"))
    again = await get_bill(
        session, await reissue_bill(session, september.id, september.version, by, "Once more")
    )
    assert (again.currency, again.overage_amount) == ("USD", Decimal("5000.00"))


async def test_a_currency_from_a_month_named_or_planned_takes_its_months_alone(
    session: AsyncSession, people: People
) -> None:
    _, october = await september_sent_october_approved(session, people)
    by = later(act(people.ana), hours=1)
    with pytest.raises(Invalid, match="from 2026-10 on"):
        await change_terms(
            session, october.customer_id, by, 100_000, Decimal(15), SEPTEMBER, currency="JPY"
        )
    with pytest.raises(Invalid, match="not a currency"):
        await change_terms(session, october.customer_id, by, 1, None, currency="Yen")
    await change_terms(
        session, october.customer_id, by, 100_000, Decimal("0.05"), DECEMBER, currency="KWD"
    )
    customer = await session.get_one(Customer, october.customer_id)
    assert customer.currency == "USD"
    done = await import_row(session, by, "JPY", "15", valid_from="2026-10")
    assert done.invalidated == (october.id,)
    await session.refresh(october)
    assert (october.currency, october.overage_amount) == ("JPY", Decimal(5_250_000))
    assert [currency for _, currency, _ in await terms_of(session, customer.id)] == [
        *("USD", "JPY", "KWD")
    ]
    assert await show_terms_of_today(session, DECEMBER.first_day) == 1
    await session.refresh(customer)
    assert customer.currency == "KWD"


RULES: dict[str, Any] = {
    "auto_approve_below": Decimal(20_000),
    "second_approval_above": Decimal(30_000),
}
AGAIN = {"auto_approve_below": "20000", "second_approval_above": "30000"}


@pytest.mark.parametrize(
    ("given", "rules_currency", "passes", "both"),
    [
        ({}, "JPY", False, True),
        (AGAIN, "JPY", False, True),
        (AGAIN | {"rules_currency": "USD"}, "USD", True, False),
        (AGAIN | {"auto_approve_below": "500"}, "USD", False, False),
        (AGAIN | {"second_approval_above": "100"}, "USD", False, True),
    ],
    ids=["not given", "as they were", "in words", "below changed", "above changed"],
)
async def test_a_rule_keeps_the_currency_that_it_was_written_in(
    session: AsyncSession,
    people: People,
    given: dict[str, str],
    rules_currency: str,
    passes: bool,
    both: bool,
) -> None:
    """5,000 dollars are not below 20,000 yen, though the number is."""
    customer = await add_customer(session, used=None, currency="JPY", **RULES)
    by = act(people.ana)
    await import_row(session, by, "USD", "0.10", **given)
    await session.refresh(customer)
    assert (customer.rules_currency or customer.currency) == rules_currency
    await record_usage(session, customer, NOVEMBER, 150_000)
    seen = await preview_run(session, NOVEMBER)
    assert seen.by_rule == int(passes)
    await generate(session, later(by, days=30), NOVEMBER)
    bill = await bill_of_month(session, customer.id, NOVEMBER)
    assert bill.status == (State.APPROVED if passes else State.PENDING)
    (facts,) = await load_bill_details(session, [bill.id])
    assert [one.slot for one in facts.needed] == (
        [] if passes else ["csm", "sales"] if both else ["any"]
    )


async def test_a_rule_that_is_back_in_its_currency_compares_again(
    session: AsyncSession, people: People
) -> None:
    customer = await add_customer(session, used=150_000, **RULES)
    by = act(people.ana)
    await import_row(session, by, "JPY", "15")
    await session.refresh(customer)
    assert customer.rules_currency == "USD"
    await generate(session, by)
    october = await bill_of_month(session, customer.id, OCTOBER)
    assert (october.currency, october.status) == ("USD", State.APPROVED)
    await import_row(session, by, "USD", "0.10")
    await session.refresh(customer)
    assert customer.rules_currency is None


async def test_a_small_correction_in_another_currency_than_the_rule_waits_for_people(
    session: AsyncSession, people: People
) -> None:
    bill = await bill_for(session, act(people.ana), **(MAIL | RULES))
    await go_out(session, people, bill)
    by = later(act(people.ana), hours=1)
    await import_row(
        session, by, "JPY", "15", auto_approve_below="90000", second_approval_above="90001"
    )
    (late,) = (await correct_usage(session, by, bill.customer_id, 150_100)).proposed
    extra = await get_bill(session, late)
    assert (extra.currency, extra.overage_amount) == ("USD", Decimal("10.00"))
    assert extra.status == State.PENDING


async def test_a_jump_is_one_within_its_currency_alone(
    session: AsyncSession, people: People
) -> None:
    september, october = await september_sent_october_approved(session, people)
    del september, october
    by = later(act(people.ana), hours=1)
    await import_row(session, by, "JPY", "15")
    customer_id = (await session.scalars(sa.select(Customer.id))).one()
    customer = await session.get_one(Customer, customer_id)
    await record_usage(session, customer, NOVEMBER, 150_000)
    assert await hold_reason_of(session, customer_id, NOVEMBER, 2) is None
    await import_row(session, by, "USD", "1.00", valid_from="2026-12")
    await record_usage(session, customer, DECEMBER, 450_000)
    assert await hold_reason_of(session, customer_id, DECEMBER, 2) == "jump"


async def test_each_month_of_a_trend_and_of_usage_says_its_currency_and_its_prorated_limit(
    session: AsyncSession, people: People
) -> None:
    _, october = await september_sent_october_approved(session, people)
    by = later(act(people.ana), hours=1)
    await import_row(session, by, "JPY", "15", valid_from="2026-10", limit_proration="daily")
    (facts,) = await load_bill_details(session, [october.id])
    assert [(one.currency, one.amount) for one in facts.trend[-2:]] == [
        ("USD", Decimal("5000.00")),
        ("JPY", Decimal(5_250_000)),
    ]
    customer = await session.get_one(Customer, october.customer_id)
    customer.start_date = OCTOBER.last_day
    await session.flush()
    months = await usage_months(session, customer.id, SEPTEMBER, NOVEMBER)
    assert [(one.limit_calls, one.currency) for one in months] == [
        (100_000, "USD"),
        (3_226, "JPY"),
        (100_000, "JPY"),
    ]


async def test_the_biggest_of_a_month_are_ranked_within_each_currency(
    session: AsyncSession, people: People
) -> None:
    del people
    for number, (currency, used) in enumerate(
        [("USD", n) for n in (150_000, 140_000, 130_000, 120_000)]
        + [("JPY", n) for n in (9_150_000, 9_140_000, 9_130_000)]
        + [("KWD", 101_000)]
    ):
        await add_customer(session, f"Customer {number}", used, currency=currency)
    seen = await preview_run(session, OCTOBER)
    assert [(one.currency, one.amount) for one in seen.biggest] == [
        ("USD", Decimal("5000.00")),
        ("USD", Decimal("4000.00")),
        ("JPY", Decimal(905_000)),
        ("JPY", Decimal(904_000)),
        ("KWD", Decimal("100.000")),
    ]
