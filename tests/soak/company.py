"""A company of any size in which everybody has bills to sign off, and where each card belongs."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy.ext.asyncio import AsyncSession

from models.customers.customers import Customer
from models.people.permissions import Role
from models.people.users import User
from models.period import Period
from models.usage.usage import Usage
from sandbox.fake_slack.sandbox import Sandbox
from sandbox.fake_slack.shapes import JsonObject

FINANCE = "UFINANCE"
CHANNELS = 4
COPIED = 50
"""One customer in so many has a channel, to which a copy of the card goes."""
SALES_SHARE = 10
"""One approver in so many sells; the others look after customers."""


@dataclass(frozen=True)
class Company:
    """`bills` customers over their limit, shared out among `approvers` people.

    Each bill needs the customer's CSM. As many again as the salespeople can take, like their
    colleagues, need a salesperson too. Nobody gets so many that they become a digest.
    """

    bills: int
    approvers: int

    @property
    def sellers(self) -> int:
        return max(1, self.approvers // SALES_SHARE)

    @property
    def carers(self) -> int:
        return self.approvers - self.sellers

    @property
    def doubly_signed(self) -> int:
        """How many bills, the first ones, need a salesperson besides."""
        return self.sellers * self.bills // self.approvers

    def workspace(self) -> JsonObject:
        users = [FINANCE, *map(_carer, range(self.carers)), *map(_seller, range(self.sellers))]
        return {
            "users": [{"id": user, "name": user.lower()} for user in users],
            "channels": [
                {"id": _channel(index), "name": _channel(index).lower(), "members": [FINANCE]}
                for index in range(CHANNELS)
            ],
        }

    def places(self, index: int) -> Iterator[str]:
        """Where the card of a customer's bill belongs, by Slack id."""
        yield _carer(index % self.carers)
        if index < self.doubly_signed:
            yield _seller(index % self.sellers)
        if index % COPIED == 0:
            yield _channel(index // COPIED % CHANNELS)

    async def furnish(self, session: AsyncSession, period: Period) -> None:
        """Hire everybody, sign the customers up, and record what they used that month."""
        session.add(User(name="Finance", role=Role.FINANCE, slack_user_id=FINANCE))
        carers = _hired(Role.CSM, map(_carer, range(self.carers)))
        sellers = _hired(Role.SALES, map(_seller, range(self.sellers)))
        session.add_all([*carers, *sellers])
        await session.flush()
        customers = [self._customer(index, carers, sellers) for index in range(self.bills)]
        session.add_all(customers)
        await session.flush()
        month = {"year": period.year, "month": period.month}
        session.add_all(
            Usage(customer_id=customer.id, api_usage=150_000 + index, **month)
            for index, customer in enumerate(customers)
        )

    def _customer(self, index: int, carers: list[User], sellers: list[User]) -> Customer:
        both = index < self.doubly_signed
        copied = index % COPIED == 0
        return Customer(
            name=customer_name(index),
            monthly_api_limit=100_000,
            overage_unit_cost=Decimal("0.01"),
            csm_id=carers[index % self.carers].id,
            require_csm_approval=True,
            sales_id=sellers[index % self.sellers].id if both else None,
            require_sales_approval=both,
            slack_channel_id=_channel(index // COPIED % CHANNELS) if copied else None,
        )

    def expected(self, sandbox: Sandbox, bill_ids: dict[str, int]) -> Counter[tuple[int, str]]:
        """Each bill in each of its conversations once; `bill_ids` by the customers' names."""
        return Counter(
            (bill_ids[customer_name(index)], conversation_of(sandbox, place))
            for index in range(self.bills)
            for place in self.places(index)
            if customer_name(index) in bill_ids
        )


def customer_name(index: int) -> str:
    return f"Customer {index:05}"


def conversation_of(sandbox: Sandbox, slack_id: str) -> str:
    return sandbox.dm(slack_id) if slack_id.startswith("U") else slack_id


def _carer(index: int) -> str:
    return f"UCARE{index:04}"


def _seller(index: int) -> str:
    return f"USELL{index:04}"


def _channel(index: int) -> str:
    return f"CSHARED{index}"


def _hired(role: Role, slack_ids: Iterator[str]) -> list[User]:
    return [User(name=f"Person {one}", role=role, slack_user_id=one) for one in slack_ids]
