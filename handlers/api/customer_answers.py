"""Customers and their terms as the JSON API tells them, and as it is told them."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any

from pydantic import BaseModel, Field

from handlers.api.fields import WHOLE, Asked, Id, Money, Text
from handlers.http.faults import MONTH
from models.customers.terms import Terms
from models.db.columns import MOST_CALLS
from models.imports.column_kinds import MAX_TEXT
from models.period import Period
from models.queries.customer_records import CustomerRecord

Typed = Annotated[str, Field(max_length=MAX_TEXT)]
Number = Annotated[int, Field(ge=0, le=MOST_CALLS), WHOLE]
Exact = Annotated[str, Field(max_length=60, examples=["0.0040"])]
"""An amount as text, since no other number in JSON is exact."""


class CustomerFields(Asked):
    """What a customer is given, by the names of its columns: null or "" empties one.

    `csm` and `sales` are names; `csm_id` and `sales_id` say the same by id. `valid_from` is the
    month from which another currency, limit or price holds; without it, the running one.
    """

    name: Typed | None = None
    csm: Typed | None = None
    csm_id: Id | None = None
    sales: Typed | None = None
    sales_id: Id | None = None
    billing_address: Typed | None = None
    billing_email: Typed | None = None
    cc_emails: Typed | None = None
    country: Typed | None = None
    tax_id: Typed | None = None
    tax_rate_percent: Exact | None = None
    tax_note: Typed | None = None
    locale: Typed | None = None
    payment_days: Number | None = None
    currency: Typed | None = None
    monthly_api_limit: Number | None = None
    overage_unit_cost: Exact | None = None
    valid_from: Annotated[str, Field(max_length=30, examples=["2026-10"])] | None = None
    start_date: Typed | None = None
    end_date: Typed | None = None
    require_csm_approval: bool | None = None
    require_sales_approval: bool | None = None
    auto_approve_below: Exact | None = None
    second_approval_above: Exact | None = None
    rules_currency: Typed | None = None
    limit_proration: Typed | None = None
    slack_channel_id: Typed | None = None
    alerts_muted: bool | None = None

    @property
    def texts(self) -> dict[str, str]:
        """What is given, as a file would have it; ids apart."""
        given = self.model_dump(exclude_unset=True, exclude={"csm_id", "sales_id", "reason"})
        return {name: _text(value) for name, value in given.items()}


class CustomerEdits(CustomerFields):
    """What is changed of a customer; `reason` is kept with what stood there before."""

    reason: Text | None = None


class NewCustomer(CustomerFields):
    """A customer needs a name and the calls included in a month."""

    name: Annotated[str, Field(min_length=1, max_length=300)]
    monthly_api_limit: Number


class TermsAnswer(BaseModel):
    """Currency, limit and price from a month on, until later ones take over."""

    valid_from: str = Field(pattern=MONTH, examples=["2026-10"])
    currency: str
    monthly_api_limit: int
    overage_unit_cost: Money | None


class CustomerAnswer(BaseModel):
    """A customer, with the terms in force today."""

    id: int
    name: str
    csm_id: int | None
    csm: str | None
    sales_id: int | None
    sales: str | None
    billing_address: str | None
    country: str | None
    tax_id: str | None
    tax_rate_percent: Money
    tax_note: str | None
    locale: str | None
    payment_days: int | None
    billing_email: str | None
    cc_emails: str | None
    currency: str
    monthly_api_limit: int
    overage_unit_cost: Money | None
    start_date: date | None
    end_date: date | None
    require_csm_approval: bool
    require_sales_approval: bool
    auto_approve_below: Money | None
    second_approval_above: Money | None
    rules_currency: str | None
    limit_proration: str
    slack_channel_id: str | None
    alerts_muted: bool
    merged_into_id: int | None
    created_at: datetime
    updated_at: datetime


class WholeCustomer(CustomerAnswer):
    """With all its terms, oldest first. `version` changes with anything of it."""

    version: str
    terms: list[TermsAnswer]


class CustomersAnswer(BaseModel):
    """A page of the list; `next_cursor` continues it, where there is more."""

    customers: list[CustomerAnswer]
    next_cursor: str | None


def customer_answer(record: CustomerRecord) -> CustomerAnswer:
    return CustomerAnswer(**_columns(record))


def whole_customer(record: CustomerRecord, terms: Sequence[Terms], version: str) -> WholeCustomer:
    each = [
        TermsAnswer(
            valid_from=str(Period.of(one.valid_from)),
            currency=one.currency,
            monthly_api_limit=one.monthly_api_limit,
            overage_unit_cost=one.overage_unit_cost,
        )
        for one in terms
    ]
    return WholeCustomer(**_columns(record), terms=each, version=version)


_OWN = CustomerAnswer.model_fields.keys() - {"csm", "sales"}


def _columns(record: CustomerRecord) -> dict[str, Any]:
    own = {name: getattr(record.customer, name) for name in _OWN}
    return own | {"csm": record.csm, "sales": record.sales}


def _text(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
