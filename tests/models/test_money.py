"""The arithmetic of a bill, in Python and in the view `overages`, held to each other."""

from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from models import money
from models.currencies import MINOR_UNITS
from models.customers.customers import Customer
from models.customers.terms import Terms
from models.db.database import Database
from models.period import Period
from tests.harness.scene import OCTOBER, add_customer, record_usage

BIGINT = 2**63 - 1


class Overage(NamedTuple):
    """A row of the view."""

    monthly_api_limit: int
    overage_units: int
    overage_amount: Decimal | None
    active_days: int


_OVERAGE = sa.text("""
select monthly_api_limit, overage_units, overage_amount, active_days from overages
where customer_id = :id and year = :year and month = :month
""")


async def overage_of(session: AsyncSession, customer: Customer, period: Period) -> Overage:
    values = {"id": customer.id, "year": period.year, "month": period.month}
    return Overage(*(await session.execute(_OVERAGE, values)).one())


# used, included, price of a call, currency, calls over, amount
GOLDEN = [
    (450_000, 100_000, "0.10", "USD", 350_000, "35000.00"),
    (800_000, 400_000, "0.07", "USD", 400_000, "28000.00"),
    (1_250_000, 1_000_000, "0.0040", "USD", 250_000, "1000.00"),
    # As many as are included is none over; one more is one.
    (100_000, 100_000, "0.10", "USD", 0, "0.00"),
    (100_001, 100_000, "0.10", "USD", 1, "0.10"),
    (0, 100_000, "0.10", "USD", 0, "0.00"),
    (7, 0, "0.10", "USD", 7, "0.70"),
    (150_000, 100_000, "0", "USD", 50_000, "0.00"),
    # Half a minor unit goes up, and anything less does not: 0, 2, 3 and 4 digits.
    (1, 0, "0.5", "JPY", 1, "1"),
    (1, 0, "0.4999999999", "JPY", 1, "0"),
    (3, 0, "0.5", "JPY", 3, "2"),
    (1, 0, "0.005", "USD", 1, "0.01"),
    (1, 0, "0.0049999999", "USD", 1, "0.00"),
    (3, 0, "0.335", "USD", 3, "1.01"),
    (1, 0, "0.0005", "KWD", 1, "0.001"),
    (1, 0, "0.0004999999", "KWD", 1, "0.000"),
    (5, 0, "0.2001", "KWD", 5, "1.001"),
    (1, 0, "0.00005", "CLF", 1, "0.0001"),
    (1, 0, "0.0000499999", "CLF", 1, "0.0000"),
    # Rounded once, at the end: call by call this would be nothing, or twice as much.
    (1_000_000, 0, "0.0000000001", "USD", 1_000_000, "0.00"),
    (100_000_000, 0, "0.0000000001", "USD", 100_000_000, "0.01"),
    (123_456_789, 0, "0.0123456789", "USD", 123_456_789, "1524157.88"),
    # Beyond what a float can count, and beyond 28 digits.
    (2**53 + 1, 0, "0.0000000001", "USD", 2**53 + 1, "900719.93"),
    (2**53 + 1, 2**53, "1", "JPY", 1, "1"),
    (BIGINT, 0, "0.1", "USD", BIGINT, "922337203685477580.70"),
    (BIGINT, 1, "98765.0123456789", "KWD", BIGINT - 1, "910946453088751474727618.032"),
]


@pytest.mark.parametrize(("used", "included", "price", "currency", "over", "amount"), GOLDEN)
def test_a_golden_case_in_python(
    used: int, included: int, price: str, currency: str, over: int, amount: str
) -> None:
    computed = money.overage_amount(max(0, used - included), Decimal(price), currency)
    assert str(computed) == amount


async def test_the_golden_cases_in_the_database(session: AsyncSession) -> None:
    for number, (used, included, price, currency, over, amount) in enumerate(GOLDEN):
        customer = await add_customer(
            session,
            f"Customer {number}",
            used,
            monthly_api_limit=included,
            overage_unit_cost=Decimal(price),
            currency=currency,
        )
        overage = await overage_of(session, customer, OCTOBER)
        assert (overage.overage_units, str(overage.overage_amount)) == (over, amount)


async def test_without_a_price_there_is_no_amount(session: AsyncSession) -> None:
    customer = await add_customer(session, overage_unit_cost=None)
    assert await overage_of(session, customer, OCTOBER) == (100_000, 50_000, None, 31)


@pytest.mark.parametrize("column", ["overage_unit_cost", "auto_approve_below"])
@pytest.mark.parametrize("number", ["NaN", "Infinity", "-0.01"])
async def test_money_is_a_number_and_not_negative(db: Database, column: str, number: str) -> None:
    async with db.transaction() as session:
        with pytest.raises(DBAPIError, match="violates check constraint"):
            customer: dict[str, Any] = {column: Decimal(number)}
            await add_customer(session, **customer)
        await session.rollback()


async def test_a_price_has_ten_decimals_at_most(db: Database) -> None:
    async with db.transaction() as session:
        with pytest.raises(DBAPIError, match="violates check constraint"):
            await add_customer(session, overage_unit_cost=Decimal("0.00000000001"))
        await session.rollback()


LEAP = Period(2024, 2)
FEBRUARY = Period(2023, 2)

# how, included, contract from, contract to, month, limit in force, active days
PRORATION = [
    ("full", 28_000, "2024-02-15", None, LEAP, 28_000, 15),
    ("daily", 28_000, "2024-02-15", None, LEAP, 14_483, 15),
    ("daily", 28_000, "2023-02-15", None, FEBRUARY, 14_000, 14),
    ("daily", 29, "2024-02-29", "2024-02-29", LEAP, 1, 1),
    ("daily", 100, "2026-10-31", "2026-10-31", OCTOBER, 4, 1),
    ("daily", 100, "2026-10-01", "2026-10-01", OCTOBER, 4, 1),
    ("daily", 100, "2020-01-01", "2026-10-10", OCTOBER, 33, 10),
    ("daily", 100, "2026-10-11", "2026-10-20", OCTOBER, 33, 10),
    ("daily", 100, "2026-10-01", "2026-10-31", OCTOBER, 100, 31),
    ("daily", 100, "2026-10-02", None, OCTOBER, 97, 30),
    ("daily", 100, None, "2026-10-30", OCTOBER, 97, 30),
    ("daily", 100, None, None, OCTOBER, 100, 31),
    # No active day at all: the day before, the day after.
    ("daily", 100, "2026-11-01", None, OCTOBER, 0, 0),
    ("daily", 100, "2020-01-01", "2026-09-30", OCTOBER, 0, 0),
    ("full", 100, "2026-11-01", None, OCTOBER, 100, 0),
    ("full", 100, "2026-10-31", "2026-10-31", OCTOBER, 100, 1),
    # Rounded up to a whole call, never to one too many.
    ("daily", 0, "2026-10-31", None, OCTOBER, 0, 1),
    ("daily", 1, "2026-10-31", None, OCTOBER, 1, 1),
    ("daily", 31, "2026-10-31", None, OCTOBER, 1, 1),
    ("daily", 32, "2026-10-31", None, OCTOBER, 2, 1),
    ("daily", BIGINT, "2026-10-31", None, OCTOBER, 297528130221121801, 1),
    ("daily", BIGINT, None, None, OCTOBER, BIGINT, 31),
]


async def test_a_part_of_a_month_has_a_part_of_the_limit(session: AsyncSession) -> None:
    for number, (how, included, start, end, month, limit, days) in enumerate(PRORATION):
        customer = await add_customer(
            session,
            f"Customer {number}",
            BIGINT,
            month,
            monthly_api_limit=included,
            limit_proration=how,
            start_date=date.fromisoformat(start) if start else None,
            end_date=date.fromisoformat(end) if end else None,
        )
        overage = await overage_of(session, customer, month)
        assert (overage.monthly_api_limit, overage.active_days) == (limit, days), PRORATION[number]
        assert overage.overage_units == BIGINT - limit


async def test_limits_and_prices_are_those_in_force_in_that_month(session: AsyncSession) -> None:
    """The first terms hold before themselves too; each holds until the next."""
    customer = await add_customer(session, used=None, start_date=date(2026, 3, 15))
    for valid_from, limit, price in ((date(2026, 6, 1), 120, "0.2"), (date(2026, 9, 1), 90, None)):
        session.add(
            Terms(
                customer_id=customer.id,
                valid_from=valid_from,
                currency="USD",
                monthly_api_limit=limit,
                overage_unit_cost=Decimal(price) if price else None,
            )
        )
    in_force = {
        "2025-12": (100_000, "5000.00"),
        "2026-02": (100_000, "5000.00"),
        "2026-03": (100_000, "5000.00"),
        "2026-05": (100_000, "5000.00"),
        "2026-06": (120, "29976.00"),
        "2026-08": (120, "29976.00"),
        "2026-09": (90, None),
        "2027-12": (90, None),
    }
    for month, (limit, amount) in in_force.items():
        period = Period.parse(month)
        await record_usage(session, customer, period, 150_000)
        overage = await overage_of(session, customer, period)
        told = None if overage.overage_amount is None else str(overage.overage_amount)
        assert (overage.monthly_api_limit, told) == (limit, amount), month


Contract = tuple[date | None, date | None]


def in_order(start: date | None, end: date | None) -> Contract:
    return (end, start) if start and end and end < start else (start, end)


days = st.dates(date(2024, 1, 1), date(2024, 4, 30)) | st.none()
calls = st.integers(0, 200) | st.integers(0, BIGINT)
prices = st.builds(
    lambda digits, places: Decimal(digits).scaleb(-places),
    st.integers(0, 10**15),
    st.integers(0, 10),
)
months = st.tuples(
    calls,
    calls,
    prices,
    st.sampled_from(sorted(MINOR_UNITS)),
    st.booleans(),
    st.builds(in_order, days, days),
)


@given(st.lists(months, min_size=1, max_size=40))
@settings(deadline=None, max_examples=15, suppress_health_check=[*HealthCheck])
async def test_the_database_and_python_agree_on_every_amount(
    session: AsyncSession, drawn: list[tuple[int, int, Decimal, str, bool, Contract]]
) -> None:
    async with session.begin_nested() as attempt:
        for number, (used, included, price, currency, daily, (start, end)) in enumerate(drawn):
            customer = await add_customer(
                session,
                f"Customer {number}",
                used,
                LEAP,
                monthly_api_limit=included,
                overage_unit_cost=price,
                currency=currency,
                limit_proration="daily" if daily else "full",
                start_date=start,
                end_date=end,
            )
            overage = await overage_of(session, customer, LEAP)
            limit, days = prorated(included, start, end) if daily else (included, overage[3])
            assert overage[:2] == (limit, max(0, used - limit))
            assert overage.active_days == days
            amount = money.overage_amount(overage.overage_units, price, currency)
            assert overage.overage_amount == amount
            assert Fraction(amount) == half_up(overage.overage_units * Fraction(price), currency)
        await attempt.rollback()


@given(st.integers(-BIGINT, BIGINT), prices, st.sampled_from(sorted(MINOR_UNITS)))
@settings(deadline=None, suppress_health_check=[*HealthCheck])
async def test_an_amount_is_the_same_in_sql_and_in_python(
    session: AsyncSession, units: int, price: Decimal, currency: str
) -> None:
    values = {"units": units, "price": price, "currency": currency}
    amount = await session.scalar(_AMOUNT, values)
    computed = money.overage_amount(units, price, currency)
    assert (amount, amount.as_tuple().exponent) == (computed, computed.as_tuple().exponent)


_AMOUNT = sa.text("""
select amount(cast(:units as bigint), :price, minor_units) from currencies where code = :currency
""")


def prorated(included: int, start: date | None, end: date | None) -> tuple[int, int]:
    """The limit of a February of 29 days, and the days active in it, counted one by one."""
    days = [LEAP.first_day.replace(day=day) for day in range(1, 30)]
    active = sum((start or day) <= day <= (end or day) for day in days)
    return -(-included * active // 29), active


def half_up(amount: Fraction, currency: str) -> Fraction:
    unit = 10 ** MINOR_UNITS[currency]
    return Fraction((2 * amount * unit + 1) // 2, unit)
