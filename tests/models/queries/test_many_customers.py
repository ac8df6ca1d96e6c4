"""Of thousands of customers, a list looks at those that it shows and counts."""

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from models.queries.customer_list import MOST_COUNTED, CustomerFilter, list_customers
from tests.harness.reading import rows_read
from tests.harness.scene import OCTOBER
from tests.models.conftest import CUSTOMERS

SHOWN = 51


@pytest.mark.parametrize(
    ("name", "found"), [("", MOST_COUNTED + 1), (f"R {CUSTOMERS}", 1), ("nobody", 0)]
)
async def test_customers_are_looked_up_where_they_are_shown_and_counted_without(
    company: AsyncSession, name: str, found: int
) -> None:
    wanted = CustomerFilter(name=name)
    page = await list_customers(company, wanted, OCTOBER)
    assert (len(page.lines), page.count) == (min(found, SHOWN - 1), found)
    read = await rows_read(company, lambda: list_customers(company, wanted, OCTOBER))
    most = 12 if name else MOST_COUNTED + 1 + 4 * SHOWN
    assert read["customers"] <= most, read
