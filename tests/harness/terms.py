"""Another limit or price, as Finance gives it to a customer."""

from decimal import Decimal

from sqlalchemy.ext.asyncio import AsyncSession

from models.actions.edit_customer import edit_customer
from models.actions.keep_books import BookChange
from models.context import Context
from models.period import Period


async def change_terms(
    session: AsyncSession,
    customer_id: int,
    by: Context,
    limit: int,
    price: Decimal | None,
    valid_from: Period | None = None,
    currency: str | None = None,
) -> BookChange:
    """In the form of a customer, so what follows for bills has followed. Without `valid_from` from
    the first month that is possible.
    """
    fields = {
        "monthly_api_limit": str(limit),
        "overage_unit_cost": "" if price is None else format(price, "f"),
        "valid_from": "" if valid_from is None else str(valid_from),
    }
    if currency is not None:
        fields["currency"] = currency
    _, change = await edit_customer(session, customer_id, fields, by)
    return change
