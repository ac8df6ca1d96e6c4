"""The demo company: who works there, whom it bills, and what has happened so far.

A year of usage is in. The month before last is billed, and its bills stand in every state there is
so far; the last one waits for somebody to type the command.
"""

import unicodedata
from collections.abc import Iterator
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
MONTHS = 12
FOUNDED = date(2024, 1, 1)
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
    """A customer, and its calls month by month up to the last one; None: no figure.

    Whoever has fewer than `MONTHS` of them became a customer with the first.
    """

    name: str
    csm: str
    limit_calls: int
    unit_cost: str | None
    usage: tuple[int | None, ...]
    sales: str | None = None
    currency: str = "USD"
    asks_csm: bool = False
    asks_sales: bool = False
    channel: str | None = None
    address: str = "1 Example Street, Springfield"
    country: str = "US"
    tax_id: str | None = None
    tax_rate_percent: str = "0"
    tax_note: str | None = None

    def calls(self, last: Period) -> Iterator[tuple[Period, int]]:
        """The months that have a figure."""
        first = last.plus(1 - len(self.usage))
        for ago, calls in enumerate(self.usage):
            if calls is not None:
                yield first.plus(ago), calls

    def starts(self, last: Period) -> date:
        is_new = len(self.usage) < MONTHS
        return last.plus(1 - len(self.usage)).first_day if is_new else FOUNDED

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
    # Grows, month by month.
    Account("Acme Corp", "Kim Lee", 1_000_000, "0.004",
            (905_000, 948_000, 870_000, 912_000, 968_000, 1_004_500, 1_041_000, 1_078_000,
             1_102_000, 1_151_000, 1_205_000, 1_250_000), asks_csm=True,
            channel="C0ACME", address="200 Harbor Avenue, Boston MA 02110",
            tax_note="Services used outside Switzerland: no Swiss VAT."),
    # Has a season of parcels, two months of it.
    Account("Blue Heron Logistics", "Kim Lee", 250_000, "0.0125",
            (388_100, 421_900, 262_300, 241_700, 255_900, 289_300, 251_200, 238_600,
             229_400, 247_800, 310_400, 298_750)),
    # Jumps in the last month.
    Account("Cobalt & Sons", "Priya Nair", 500_000, "0.006",
            (612_000, 655_000, 640_000, 702_000, 688_000, 731_000, 745_000, 802_000,
             795_000, 858_000, 910_000, 1_480_000),
            sales="Sam Okafor", asks_csm=True, asks_sales=True, country="CH",
            address="Seestrasse 12, 8002 Zürich", tax_id="CHE-123.456.789", tax_rate_percent="8.1"),
    # Heats: high in one half of the year, low in the other.
    Account("Düne Energie GmbH", "Priya Nair", 2_000_000, "0.0018",
            (3_420_118, 3_655_204, 3_702_977, 3_388_410, 2_954_006, 2_512_733, 2_201_459,
             1_984_120, 1_902_648, 2_105_390, 2_640_512, 2_801_337),
            currency="EUR", address="Hafenstraße 4, 20457 Hamburg", country="DE",
            tax_id="DE123456789", tax_note="Reverse charge: the recipient accounts for the VAT."),
    # Comes over its limit for the first time.
    Account("Fern <Field> Studio", "Kim Lee", 50_000, "0.02",
            (31_200, 28_400, 35_900, 41_100, 39_800, 44_300, 47_250, 46_100,
             43_900, 45_500, 48_900, 71_250)),
    # Has dropped to two thirds, since a plant went elsewhere.
    Account("Kobe Robotics", "Priya Nair", 800_000, "0.35",
            (1_702_880, 1_655_410, 1_688_300, 1_720_000, 1_693_750, 1_581_900, 1_322_640,
             1_105_210, 1_048_900, 1_020_330, 1_012_345, 1_100_000),
            sales="Sam Okafor", currency="JPY", asks_sales=True,
            address="3-1 Minatojima, Kobe 650-0045", country="JP"),
    # Has no price yet.
    Account("Larkspur Health", "Kim Lee", 400_000, None,
            (212_000, 231_500, 248_000, 266_400, 290_100, 318_700, 345_000, 371_200,
             398_600, 431_000, 455_000, 466_000)),
    # Is new.
    Account("Mirqab Tidal", "Priya Nair", 120_000, "0.0045",
            (96_400, 141_870, 180_001, 204_113), currency="KWD",
            address="Block 2, Kuwait City", country="KW"),
    # Has not reported the last month.
    Account("Old Harbour Foods", "Kim Lee", 75_000, "0.03",
            (74_100, 79_800, 71_050, 69_900, 73_300, 76_800, 80_450, 84_900,
             88_200, 86_150, 81_200, None)),
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
        await _add_customers(session, people, last)
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


async def _add_customers(session: AsyncSession, people: dict[str, User], last: Period) -> None:
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
            start_date=account.starts(last),
            require_csm_approval=account.asks_csm,
            require_sales_approval=account.asks_sales,
            slack_channel_id=account.channel,
        )
        session.add(customer)
        await session.flush()
        session.add_all(
            Usage(
                customer_id=customer.id,
                year=month.year,
                month=month.month,
                api_usage=calls,
                recorded_by=people[DANA.name].id,
                recorded_at=datetime.combine(month.plus(1).first_day, time(8), UTC),
                recorded_from=Source.WEB,
                recorded_file=f"usage-{month}.csv",
                recorded_calls=calls,
            )
            for month, calls in account.calls(last)
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
