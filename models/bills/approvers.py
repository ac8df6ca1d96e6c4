"""Who may approve a bill: which approvals it needs, and whose word counts for each."""

from collections.abc import Iterable
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from models.db.columns import Base
from models.people.permissions import Role
from models.people.users import User

SLOT_ROLES: dict[str, frozenset[Role]] = {
    "csm": frozenset({Role.CSM}),
    "sales": frozenset({Role.SALES}),
    "any": frozenset({Role.CSM, Role.SALES}),
}
"""Which roles can meet a requirement of a bill."""


class GivenApproval(Base):
    """An approval that stands. The key lets each requirement be met once, whoever clicks when."""

    __tablename__ = "approvals"

    bill_id: Mapped[int] = mapped_column(sa.BigInteger, sa.ForeignKey("bills.id"), primary_key=True)
    slot: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(sa.BigInteger, sa.ForeignKey("users.id"))
    action_id: Mapped[int] = mapped_column(sa.BigInteger, sa.ForeignKey("bill_actions.id"))


class Approvers(NamedTuple):
    """Whose word a bill needs: the persons named who can give it, if any, and on whose desk it
    lands. A stand-in is the delegate of somebody named who is away.
    """

    csm_id: int | None
    sales_id: int | None
    csm_stand_in_id: int | None
    sales_stand_in_id: int | None
    needs_csm: bool
    needs_sales: bool
    asks_csm: bool
    asks_sales: bool
    undecidable: bool


APPROVERS = sa.table(
    "desks",
    sa.column("bill_id", sa.BigInteger),
    sa.column("csm_id", sa.BigInteger),
    sa.column("sales_id", sa.BigInteger),
    sa.column("csm_stand_in_id", sa.BigInteger),
    sa.column("sales_stand_in_id", sa.BigInteger),
    sa.column("needs_csm", sa.Boolean),
    sa.column("needs_sales", sa.Boolean),
    sa.column("asks_csm", sa.Boolean),
    sa.column("asks_sales", sa.Boolean),
    sa.column("undecidable", sa.Boolean),
)
"""The view that says it for every bill at once."""

_DESKS_OF = sa.text(f"""
select bill_id, {", ".join(Approvers._fields)} from desks_of(cast(:bill_ids as bigint[]))
""")


async def approvers_of(session: AsyncSession, bill_ids: Iterable[int]) -> dict[int, Approvers]:
    found = await session.execute(_DESKS_OF, {"bill_ids": list(bill_ids)})
    return {bill_id: Approvers(*approvers) for bill_id, *approvers in found}


def required_slots(approvers: Approvers) -> tuple[str, ...]:
    """The approvals that the bill needs: those asked for, else any one."""
    asked = (("csm", approvers.needs_csm), ("sales", approvers.needs_sales))
    return tuple(slot for slot, required in asked if required) or ("any",)


def named_for(slot: str, approvers: Approvers) -> int | None:
    """The one person whose approval counts for `slot`; None where anybody of the role may."""
    return {"csm": approvers.csm_id, "sales": approvers.sales_id, "any": None}[slot]


def delegate_for(slot: str, approvers: Approvers) -> tuple[int | None, int | None]:
    """Who is away and would be asked for `slot`, and who acts in their place."""
    csm, sales = (
        (approvers.csm_id, approvers.csm_stand_in_id),
        (approvers.sales_id, approvers.sales_stand_in_id),
    )
    asked = {"csm": csm, "sales": sales, "any": csm if approvers.asks_csm else sales}[slot]
    return asked if asked[1] is not None else (None, None)


def can_fill(slot: str, approvers: Approvers, user: User) -> bool:
    """Whether this person's word counts for `slot`, their own or for somebody who is away."""
    own = user.role in SLOT_ROLES[slot] and named_for(slot, approvers) in (None, user.id)
    return own or delegate_for(slot, approvers)[1] == user.id


def acted_for(slot: str, approvers: Approvers, user: User) -> int | None:
    """In whose place this person meets `slot`; None where it is their own."""
    away, delegate = delegate_for(slot, approvers)
    return away if delegate == user.id and away != user.id else None
