"""The demo company: who works there, whom it bills, and what has happened so far.

The month before last is billed, and its bills stand in every state there is so far. Last month's
usage is in, and waits for somebody to type the command.
"""

import unicodedata
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.actions.approve import approve_bill, reject_bill
from models.actions.comment import add_comment
from models.batches.bill_run import run_step, start_bill_run
from models.bills.bill import Bill, bill_of_month
from models.bills.states import RejectReason
from models.context import Context, Source
from models.customers.customers import Customer
from models.db.database import Database
from models.people.permissions import Role
from models.people.users import User, add_user
from models.period import Period
from models.settings import BillingSettings
from models.usage.usage import Usage
from sandbox.fake_slack.shapes import JsonObject

ZONE = ZoneInfo("UTC")
SETTINGS = {
    "MAIL_FROM": "Meridian Billing <billing@meridian.example>",
    "SEND_DELAY_MINUTES": "1",
    "COMPANY_NAME": "Meridian API AG",
    "COMPANY_ADDRESS": "5 Bay Road, 8001 Zürich",
    "COMPANY_COUNTRY": "CH",
    "COMPANY_TAX_ID": "CHE-987.654.321 MWST",
    "PAYMENT_NOTE": "To IBAN CH93 0076 2011 6238 5295 7.",
}
"""The bot's settings in the sandbox, where the environment has no others."""


@dataclass(frozen=True)
class Colleague:
    slack_id: str
    handle: str
    name: str
    role: Role | None
    title: str
    guest: bool = False

    @property
    def email(self) -> str:
        return f"{self.handle}@meridian.example"


@dataclass(frozen=True)
class Account:
    """A customer, and its calls in the month before last and in the last one; None: no figure."""

    name: str
    csm: str
    limit_calls: int
    unit_cost: str | None
    usage: tuple[int | None, int | None]
    sales: str | None = None
    currency: str = "USD"
    asks_csm: bool = False
    asks_sales: bool = False
    starts: date = date(2024, 1, 1)
    channel: str | None = None
    address: str = "1 Example Street, Springfield"
    country: str = "US"
    tax_id: str | None = None
    tax_rate_percent: str = "0"
    tax_note: str | None = None

    @property
    def domain(self) -> str:
        """As in `dune.example`: mail servers need not take more than ASCII."""
        first = unicodedata.normalize("NFD", self.name.split()[0].lower())
        return f"{first.encode('ascii', 'ignore').decode()}.example"


DANA, KIM, PRIYA, SAM, MAX, NORA, GIL = (
    Colleague("U0DANA", "dana", "Dana Ortiz", Role.FINANCE, "Head of finance"),
    Colleague("U0KIM", "kim", "Kim Lee", Role.CSM, "Customer success"),
    Colleague("U0PRIYA", "priya", "Priya Nair", Role.CSM, "Customer success"),
    Colleague("U0SAM", "sam", "Sam Okafor", Role.SALES, "Account executive"),
    Colleague("U0MAX", "max", "Max Weber", Role.MANAGER, "Managing director"),
    Colleague("U0NORA", "nora", "Nora Quist", None, "New in finance, no role yet"),
    Colleague("U0GIL", "gil", "Gil Prentice", None, "Guest from an agency", guest=True),
)
STAFF = (DANA, KIM, PRIYA, SAM, MAX, NORA, GIL)

ACCOUNTS = (
    Account("Acme Corp", "Kim Lee", 1_000_000, "0.004", (1_205_000, 1_250_000), asks_csm=True,
            channel="C0ACME", address="200 Harbor Avenue, Boston MA 02110",
            tax_note="Services used outside Switzerland: no Swiss VAT."),
    Account("Blue Heron Logistics", "Kim Lee", 250_000, "0.0125", (310_400, 298_750)),
    Account("Cobalt & Sons", "Priya Nair", 500_000, "0.006", (910_000, 1_480_000),
            sales="Sam Okafor", asks_csm=True, asks_sales=True, country="CH",
            address="Seestrasse 12, 8002 Zürich", tax_id="CHE-123.456.789", tax_rate_percent="8.1"),
    Account("Düne Energie GmbH", "Priya Nair", 2_000_000, "0.0018", (2_640_512, 2_801_337),
            currency="EUR", address="Hafenstraße 4, 20457 Hamburg", country="DE",
            tax_id="DE123456789", tax_note="Reverse charge: the recipient accounts for the VAT."),
    Account("Fern <Field> Studio", "Kim Lee", 50_000, "0.02", (48_900, 71_250)),
    Account("Kobe Robotics", "Priya Nair", 800_000, "0.35", (1_012_345, 1_100_000),
            sales="Sam Okafor", currency="JPY", asks_sales=True,
            address="3-1 Minatojima, Kobe 650-0045", country="JP"),
    Account("Larkspur Health", "Kim Lee", 400_000, None, (455_000, 466_000)),
    Account("Mirqab Tidal", "Priya Nair", 120_000, "0.0045", (180_001, 204_113), currency="KWD",
            address="Block 2, Kuwait City", country="KW"),
    Account("Old Harbour Foods", "Kim Lee", 75_000, "0.03", (81_200, None)),
)  # fmt: skip


def workspace() -> JsonObject:
    """The demo company's Slack."""
    everybody = [colleague.slack_id for colleague in STAFF if not colleague.guest]
    return {
        "users": [
            {
                "id": colleague.slack_id,
                "name": colleague.handle,
                "real_name": colleague.name,
                "email": colleague.email,
                "title": colleague.title,
                "is_restricted": colleague.guest,
            }
            for colleague in STAFF
        ],
        "channels": [
            {"id": "C0GENERAL", "name": "general", "members": [*everybody, GIL.slack_id]},
            {"id": "C0BILLING", "name": "billing", "members": everybody},
            {
                "id": "C0ACME",
                "name": "acme-corp",
                "is_private": True,
                "members": [DANA.slack_id, KIM.slack_id, SAM.slack_id],
            },
        ],
    }


async def load(db: Database, now: datetime) -> str:
    """Fill a migrated database with the demo company; returns the command to type next."""
    last = Period.last_closed(now, ZONE)
    before = last.plus(-1)
    async with db.long_transaction() as session:
        people = await _add_people(session)
        await _add_customers(session, people, before, last)
    began = datetime.combine(last.first_day, time(9), UTC) + timedelta(days=1)
    async with db.long_transaction() as session:
        act = Context(people[DANA.name], began, Source.SLACK)
        run = await start_bill_run(session, before, act, ZONE)
        await run_step(session, run, BillingSettings(approvals_channel="C0BILLING"), began)
    async with db.long_transaction() as session:
        await _decide_bills(session, people, before, began + timedelta(hours=3))
    return f"/bill generate {last}"


async def _add_people(session: AsyncSession) -> dict[str, User]:
    return {
        colleague.name: await add_user(
            session, colleague.name, colleague.role, colleague.slack_id, colleague.email
        )
        for colleague in STAFF
        if colleague.role is not None
    }


async def _add_customers(
    session: AsyncSession, people: dict[str, User], before: Period, last: Period
) -> None:
    for account in ACCOUNTS:
        customer = Customer(
            name=account.name,
            csm_id=people[account.csm].id,
            sales_id=people[account.sales].id if account.sales else None,
            billing_email=f"billing@{account.domain}",
            billing_address=account.address,
            country=account.country,
            tax_id=account.tax_id,
            tax_rate_percent=Decimal(account.tax_rate_percent),
            tax_note=account.tax_note,
            currency=account.currency,
            monthly_api_limit=account.limit_calls,
            overage_unit_cost=Decimal(account.unit_cost) if account.unit_cost else None,
            start_date=account.starts,
            require_csm_approval=account.asks_csm,
            require_sales_approval=account.asks_sales,
            slack_channel_id=account.channel,
        )
        session.add(customer)
        await session.flush()
        for period, calls in zip((before, last), account.usage, strict=True):
            if calls is not None:
                session.add(
                    Usage(
                        customer_id=customer.id,
                        year=period.year,
                        month=period.month,
                        api_usage=calls,
                    )
                )


async def _decide_bills(
    session: AsyncSession, people: dict[str, User], period: Period, now: datetime
) -> None:
    """One bill approved, one rejected, one half approved, one talked about; the rest wait."""

    async def bill_of(name: str) -> Bill:
        named = await session.scalars(sa.select(Customer).where(Customer.name == name))
        return await bill_of_month(session, named.one().id, period)

    def by(colleague: Colleague, minutes: int) -> Context:
        return Context(people[colleague.name], now + timedelta(minutes=minutes), Source.SLACK)

    acme = await bill_of("Acme Corp")
    await add_comment(
        session, acme.id, by(KIM, 4), "Their batch job ran twice on the 14th; I asked them."
    )
    await approve_bill(session, acme.id, acme.version, by(KIM, 21))
    cobalt = await bill_of("Cobalt & Sons")
    await approve_bill(session, cobalt.id, cobalt.version, by(PRIYA, 35))
    heron = await bill_of("Blue Heron Logistics")
    await reject_bill(
        session,
        heron.id,
        heron.version,
        by(KIM, 50),
        RejectReason.CREDIT_PROMISED,
        "We promised them the first 50,000 calls over the limit for free.",
    )
