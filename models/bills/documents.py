"""What was issued for a bill, and what a document says."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from models.bills.bill import Bill
from models.bills.states import BillKind
from models.customers.customers import Customer
from models.db.columns import Base
from models.period import Period

PLAIN_TEXT, PDF = "text/plain; charset=utf-8", "application/pdf"


class Document(Base):
    """What was issued for a bill, just as it goes out; `sha256` in hex. Never changed."""

    __tablename__ = "documents"

    bill_id: Mapped[int] = mapped_column(sa.BigInteger, sa.ForeignKey(Bill.id), primary_key=True)
    number: Mapped[str] = mapped_column(unique=True)
    media_type: Mapped[str]
    content: Mapped[bytes] = mapped_column(sa.LargeBinary)
    sha256: Mapped[str] = mapped_column(server_default=sa.FetchedValue())
    created_at: Mapped[datetime]

    @property
    def text(self) -> str:
        return self.content.decode()


async def issued_document(session: AsyncSession, bill_id: int) -> Document | None:
    """What was issued for this bill; None where nothing was yet."""
    return await session.get(Document, bill_id)


async def stored_document(session: AsyncSession, bill_id: int) -> Document | None:
    """What was issued for a bill; None before that."""
    return await session.get(Document, bill_id)


@dataclass(frozen=True)
class InvoiceData:
    """What an invoice or a credit note says. `amount` is net, in `currency`.

    `adjusts_number`: the number of the bill that this one corrects. `content`: the document as it
    was stored, None while it is being drawn.
    """

    bill_id: int
    number: str
    kind: BillKind
    issued_on: date
    customer: str
    billing_address: str | None
    billing_email: str | None
    cc_emails: str | None
    country: str | None
    tax_id: str | None
    tax_rate_percent: Decimal
    tax_note: str | None
    payment_days: int | None
    period: Period
    api_usage: int
    limit_calls: int
    overage_units: int
    unit_cost: Decimal | None
    amount: Decimal
    currency: str
    adjusts_number: str | None = None
    content: str | None = None


async def invoice_data(
    session: AsyncSession, bill: Bill, customer: Customer, number: str, issued_on: date
) -> InvoiceData:
    adjusted = await session.get(Bill, bill.adjusts_id) if bill.adjusts_id else None
    return InvoiceData(
        bill_id=bill.id,
        number=number,
        kind=BillKind(bill.kind),
        issued_on=issued_on,
        customer=customer.name,
        billing_address=customer.billing_address,
        billing_email=customer.billing_email,
        cc_emails=customer.cc_emails,
        country=customer.country,
        tax_id=customer.tax_id,
        tax_rate_percent=customer.tax_rate_percent,
        tax_note=customer.tax_note,
        payment_days=customer.payment_days,
        period=bill.period,
        api_usage=bill.api_usage,
        limit_calls=bill.monthly_api_limit,
        overage_units=bill.overage_units,
        unit_cost=bill.overage_unit_cost,
        amount=bill.overage_amount or Decimal(0),
        currency=bill.currency,
        adjusts_number=adjusted.number if adjusted else None,
    )
