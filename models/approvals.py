"""Which approvals a bill needs, who can give them, and which of them stand."""

from collections.abc import Iterable
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base
from models.bills import Approval
from models.people import Role, User

PART_ROLES: dict[str, frozenset[Role]] = {
    "csm": frozenset({Role.CSM}),
    "sales": frozenset({Role.SALES}),
    "any": frozenset({Role.CSM, Role.SALES}),
}
"""Which roles can meet a requirement of a bill."""


class StandingApproval(Base):
    """An approval that stands. The key lets each requirement be met once, whoever clicks when."""

    __tablename__ = "approvals"

    bill_id: Mapped[int] = mapped_column(sa.BigInteger, sa.ForeignKey("bills.id"), primary_key=True)
    part: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(sa.BigInteger, sa.ForeignKey("users.id"))
    action_id: Mapped[int] = mapped_column(sa.BigInteger, sa.ForeignKey("bill_actions.id"))


class Desk(NamedTuple):
    """Whose word a customer's bills need: the persons named who can give it, if any."""

    csm_id: int | None
    sales_id: int | None
    require_csm_approval: bool
    require_sales_approval: bool


DESKS = sa.table(
    "desks",
    sa.column("customer_id", sa.BigInteger),
    sa.column("csm_id", sa.BigInteger),
    sa.column("sales_id", sa.BigInteger),
    sa.column("require_csm_approval", sa.Boolean),
    sa.column("require_sales_approval", sa.Boolean),
    sa.column("asks_csm", sa.Boolean),
    sa.column("asks_sales", sa.Boolean),
)
"""The view that says it for every customer at once."""

_DESK = [DESKS.c[name] for name in Desk._fields]


async def desks_of(session: AsyncSession, customer_ids: Iterable[int]) -> dict[int, Desk]:
    query = sa.select(DESKS.c.customer_id, *_DESK).where(DESKS.c.customer_id.in_(customer_ids))
    return {customer_id: Desk(*desk) for customer_id, *desk in await session.execute(query)}


def required_parts(desk: Desk) -> tuple[str, ...]:
    """The approvals that a bill of this customer needs: those asked for, else any one."""
    asked = (("csm", desk.require_csm_approval), ("sales", desk.require_sales_approval))
    return tuple(part for part, required in asked if required) or ("any",)


def named_for(part: str, desk: Desk) -> int | None:
    """The one person whose approval counts for `part`; None where anybody of the role may."""
    return {"csm": desk.csm_id, "sales": desk.sales_id, "any": None}[part]


def can_meet(part: str, desk: Desk, user: User) -> bool:
    return user.role in PART_ROLES[part] and named_for(part, desk) in (None, user.id)


async def stand(session: AsyncSession, bill_id: int, approvals: Iterable[Approval]) -> None:
    """Write down which approvals of a bill stand now."""
    await session.execute(sa.delete(StandingApproval).where(StandingApproval.bill_id == bill_id))
    rows = [
        {"bill_id": bill_id, "part": a.part, "user_id": a.user_id, "action_id": a.action_id}
        for a in approvals
    ]
    if rows:
        await session.execute(sa.insert(StandingApproval), rows)
