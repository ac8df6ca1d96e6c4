"""Each row of the page of golden cases, through the real month end."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.bills.bill import Bill
from models.customers.customers import Customer
from models.people.users import User
from models.period import Period
from tests.architecture.pages import Table, page
from tests.harness.cast import People
from tests.harness.scene import act, add_customer, generate
from tests.harness.terms import change_terms

PAGE = page("docs/reference/golden-cases.md")
CHANGED_ON = datetime(2026, 11, 2, 9, tzinfo=UTC)
BILLED_ON = datetime(2027, 1, 4, 9, tzinfo=UTC)
ONE_MONTH = {
    *("case", "used", "limit", "price", "currency", "start", "end", "proration"),
    *("month", "units", "amount"),
}
CHANGED = {
    *("case", "used", "limit", "price", "start", "from", "new limit", "new price"),
    *("month", "units", "amount"),
}


@dataclass(frozen=True)
class Case:
    """A row by the names of its columns; `-` is nothing."""

    cells: dict[str, str]

    def text(self, column: str) -> str | None:
        cell = self.cells.get(column, "-")
        return None if cell == "-" else cell

    def number(self, column: str) -> Decimal | None:
        cell = self.text(column)
        return Decimal(cell.replace(",", "")) if cell else None

    def calls(self, column: str) -> int | None:
        cell = self.number(column)
        return None if cell is None else int(cell)

    def day(self, column: str) -> date | None:
        cell = self.text(column)
        return date.fromisoformat(cell) if cell else None

    @property
    def name(self) -> str:
        return self.cells["case"]

    @property
    def month(self) -> Period:
        return Period.parse(self.cells["month"])

    @property
    def told(self) -> tuple[str, str]:
        return self.cells["units"], self.cells["amount"]


def cases_of(table: Table) -> list[Case]:
    """A cell too many or too few in a row is an error."""
    return [Case(dict(zip(table.head, row, strict=True))) for row in table.rows]


CASES = [case for table in PAGE.tables for case in cases_of(table)]


def test_every_line_of_every_table_is_a_case_of_its_own() -> None:
    assert [set(table.head) for table in PAGE.tables] == [ONE_MONTH, CHANGED]
    lines = [line for line in PAGE.text.splitlines() if line.lstrip().startswith("|")]
    assert len(CASES) == len(lines) - 2 * len(PAGE.tables)
    assert len({case.name for case in CASES}) == len(CASES)


async def test_each_case_comes_to_what_the_page_says(session: AsyncSession, people: People) -> None:
    customers = {case.name: await customer_of(session, case, people.ana) for case in CASES}
    for month in sorted({case.month for case in CASES}):
        await generate(session, act(people.ana, BILLED_ON), month)
    bills = await bills_of_cases(session)
    came_to = {}
    for case in CASES:
        customer = customers[case.name]
        bill = bills.pop((customer.id, case.month), None)
        units = bill.overage_units if bill else await units_of(session, customer, case.month)
        came_to[case.name] = ("-" if units is None else f"{units:,}", amount_of(bill))
    assert came_to == {case.name: case.told for case in CASES}
    assert bills == {}


async def customer_of(session: AsyncSession, case: Case, finance: User) -> Customer:
    """With its usage, and with other terms where the case has them."""
    customer = await add_customer(
        session,
        case.name,
        case.calls("used"),
        case.month,
        monthly_api_limit=case.calls("limit"),
        overage_unit_cost=case.number("price"),
        currency=case.text("currency") or "USD",
        start_date=case.day("start"),
        end_date=case.day("end"),
        limit_proration=case.text("proration") or "full",
    )
    limit, asked = case.calls("new limit"), case.text("from")
    if limit is not None:
        month = Period.parse(asked) if asked else None
        by = act(finance, CHANGED_ON)
        await change_terms(session, customer.id, by, limit, case.number("new price"), month)
    return customer


async def bills_of_cases(session: AsyncSession) -> dict[tuple[int, Period], Bill]:
    bills = (await session.scalars(sa.select(Bill))).all()
    return {(bill.customer_id, bill.period): bill for bill in bills}


async def units_of(session: AsyncSession, customer: Customer, month: Period) -> int | None:
    """Where there is no bill; None where no usage is recorded either."""
    query = sa.text(
        "select overage_units from overages"
        " where customer_id = :id and year = :year and month = :month"
    )
    values = {"id": customer.id, "year": month.year, "month": month.month}
    units: int | None = await session.scalar(query, values)
    return units


def amount_of(bill: Bill | None) -> str:
    """To the last digit, as it is stored."""
    if bill is None:
        return "none"
    if bill.hold_reason is not None:
        return f"held: {bill.hold_reason}"
    return f"{bill.overage_amount:,f}"
