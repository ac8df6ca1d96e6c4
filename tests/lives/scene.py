"""A company in the middle of its life: who there is, what the clock says, what has been done."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from models.context import Context, Source
from models.customers.customers import Customer
from models.db.database import Database
from models.people.permissions import Role
from models.people.users import User, add_user, system_user
from models.period import Period
from models.settings import BillingSettings
from models.webhooks.events import Event
from models.webhooks.keeping import add_webhook
from tests.lives.ledger import Ledger, Row

BEGIN = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
ROLES = {
    "ana": Role.FINANCE,
    "bob": Role.FINANCE,
    "kim": Role.CSM,
    "lee": Role.CSM,
    "sam": Role.SALES,
    "sue": Role.SALES,
    "max": Role.MANAGER,
    "nia": None,
}
CAST = (*ROLES, "system")
FINANCE = ("ana", "bob")
APPROVERS = ("kim", "lee", "sam", "sue")
TOLD = (tuple(Event), (Event.PARTLY_APPROVED, Event.SENT, Event.VOIDED))
"""What each webhook asks for."""
CURRENCIES = ("USD", "JPY", "KWD")
CUSTOMERS = ("Café Zürich AG", "Straße 7, GmbH", "Łódź & Co")


class Lot(NamedTuple):
    """What chance has for one step; each verb takes of it what it needs.

    `who` None: somebody who may well do it. `stray`: with any bill, fit or not. `behind`: by how
    many versions the card lags. `cut`: the connection breaks before the step is committed.
    """

    pick: int = 0
    who: str | None = None
    stray: bool = False
    behind: int = 0
    calls: int = 0
    wait: int = 0
    cut: bool = False


class Policy(NamedTuple):
    """What the contract of a customer says."""

    csm: str | None = "kim"
    sales: str | None = "sam"
    needs_csm: bool = False
    needs_sales: bool = False
    auto_below: Decimal | None = None
    second_above: Decimal | None = None
    limit: int = 1000
    price: Decimal | None = Decimal("0.10")
    proration: str = "full"
    start: Any = None
    end: Any = None


@dataclass
class Scene:
    """`unsettled`: customers whose usage was changed with nobody seeing to their bills yet.

    `moments`: how each decision found its bill; None where that was not seen in the crowd.
    `focus`: the bills that all eyes are on, if any.
    """

    db: Database
    settings: BillingSettings
    ids: dict[str, int]
    customers: tuple[int, ...]
    ledger: Ledger
    now: datetime = BEGIN
    unsettled: set[int] = field(default_factory=set)
    moments: dict[int, Any] = field(default_factory=dict)
    focus: frozenset[int] = frozenset()
    told: list[str] = field(default_factory=list)

    @property
    def names(self) -> dict[int, str]:
        return {user_id: name for name, user_id in self.ids.items()}

    @property
    def today(self) -> Any:
        return self.now.astimezone(self.settings.zone).date()

    @property
    def month(self) -> Period:
        return Period.of(self.today)

    def pass_time(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    def choose(self, lot: Lot, fits: Callable[[Row], bool]) -> Row | None:
        """A bill that the verb may well be done to, astray any one; None where there is none."""
        of = [bill for bill in self.seen if lot.stray or fits(bill)]
        return of[-1 - lot.pick % len(of)] if of else None

    @property
    def seen(self) -> list[Row]:
        return [bill for bill in self.ledger.bills if not self.focus or bill.id in self.focus]

    async def act(self, session: AsyncSession, who: str, source: Source = Source.SLACK) -> Context:
        """Whoever acts, as the database knows them now."""
        user = await session.get_one(User, self.ids[who])
        return Context(user, self.now, source, self.settings)


async def set_up(db: Database, policies: tuple[Policy, ...]) -> dict[str, int]:
    """The cast, a customer for each policy, each in a currency of its own, and the webhooks."""
    async with db.transaction() as session:
        people = {
            name: await add_user(session, name.title(), role, f"U{name.upper()}")
            for name, role in ROLES.items()
        }
        ids = {name: user.id for name, user in people.items()}
        ids["system"] = (await system_user(session)).id
        for name, currency, policy in zip(CUSTOMERS, CURRENCIES, policies, strict=False):
            session.add(_customer(name, currency, policy, ids))
        finance = Context(people["ana"], BEGIN, Source.WEB, BillingSettings())
        for events in TOLD:
            await add_webhook(session, finance, "https://8.8.8.8/", events)
        return ids


def _customer(name: str, currency: str, policy: Policy, ids: dict[str, int]) -> Customer:
    return Customer(
        name=name,
        currency=currency,
        billing_email="bills@example.com",
        csm_id=ids[policy.csm] if policy.csm else None,
        sales_id=ids[policy.sales] if policy.sales else None,
        require_csm_approval=policy.needs_csm,
        require_sales_approval=policy.needs_sales,
        auto_approve_below=policy.auto_below,
        second_approval_above=policy.second_above,
        monthly_api_limit=policy.limit,
        overage_unit_cost=policy.price,
        limit_proration=policy.proration,
        start_date=policy.start,
        end_date=policy.end,
    )


def rules_of(jump: float | None, lookback: int, zone: str) -> BillingSettings:
    return BillingSettings(
        jump_factor=jump,
        lookback_months=lookback,
        zone=ZoneInfo(zone),
        public_url="https://billing.example.com",
    )
