"""Which bills wait for a person."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.elements import ColumnElement

from models.bills.approvers import APPROVERS, REASSIGNMENTS
from models.bills.bill import Bill
from models.bills.states import State
from models.customers.customers import Customer
from models.people.permissions import Role
from models.people.users import User
from models.period import Period

WAITING = frozenset({State.HELD, State.PENDING})
"""States in which a bill waits for somebody."""

Conditions = tuple[ColumnElement[bool], ...]


@dataclass(frozen=True)
class Selection:
    """Bills in one of these `states` of which all of `where` is true, and `asks` of their ids.

    To ask that of a bill takes long, so it is asked last, and of no more than are looked for.
    `months`: with any, only bills of these, each of which is looked through by itself; `customers`:
    ids of customers, of whom the same is true.
    """

    states: frozenset[State]
    where: Conditions = ()
    asks: Callable[[ColumnElement[int]], ColumnElement[bool]] | None = None
    months: tuple[Period, ...] = ()
    customers: sa.Select[int] | None = None


async def waiting_for(session: AsyncSession, user: User) -> Selection:
    """Of Finance a release is asked, of an approver their word.

    For a manager, whose word nothing waits for, it is all that waits for anybody.
    """
    if not user.active:
        return Selection(frozenset())
    if user.role == Role.FINANCE:
        return Selection(frozenset({State.HELD}))
    if user.role == Role.MANAGER:
        return Selection(WAITING)
    others = (await session.execute(_OTHERS, {"user_id": user.id})).one()
    asks = _asks_sales(user, others) if user.role == Role.SALES else _asks_csm(user, others)
    reassigned = sa.select(Bill.customer_id).join(REASSIGNMENTS, REASSIGNMENTS.c.bill_id == Bill.id)
    reassigned = reassigned.where(REASSIGNMENTS.c.user_id.in_([user.id, *others.away]))
    customers = sa.union_all(sa.select(Customer.id).where(sa.or_(*asks)), reassigned)
    maybe = Bill.customer_id.in_(customers)
    return Selection(frozenset({State.PENDING}), (maybe,), partial(_is_asked, user))


async def still_waiting(
    session: AsyncSession, bill_ids: Sequence[int], user: User | None
) -> Sequence[int]:
    """Those of these bills that wait for an approval, of this person if one is named; the oldest
    first.
    """
    values = {"bill_ids": list(bill_ids), "user_id": user.id if user else None}
    return (await session.scalars(_STILL_WAITING, values)).all()


_STILL_WAITING = sa.text("""
select b.id from bills b
where b.id = any(:bill_ids) and b.status = 'pending' and exists (
    select from approvers a
    where a.bill_id = b.id and a.given_action_id is null
      and (cast(:user_id as bigint) is null or a.user_id is null
           or :user_id in (a.user_id, a.delegate_id)))
order by b.created_at, b.id
""")


def _is_asked(user: User, bill_id: ColumnElement[int]) -> ColumnElement[bool]:
    own = sa.and_(
        APPROVERS.c.role == user.role,
        sa.or_(APPROVERS.c.user_id.is_(None), APPROVERS.c.user_id == user.id),
    )
    return sa.exists().where(
        APPROVERS.c.bill_id == bill_id,
        APPROVERS.c.given_action_id.is_(None),
        sa.or_(own, APPROVERS.c.delegate_id == user.id),
    )


# In whose place somebody decides; who is still named for a role that they have not any more, or
# whom Slack cannot reach, so that others are asked; and whether Customer Success can be reached.
_OTHERS = sa.text("""
select array(select id from users where delegate_id = :user_id) as away,
       array(select id from users u where (not active or slack_user_id is null
                       or role is distinct from 'Customer Success')
                and exists (select from customers where csm_id = u.id)) as unasked_csms,
       array(select id from users u where (not active or slack_user_id is null
                       or role is distinct from 'Sales')
                and exists (select from customers where sales_id = u.id)) as unasked_sales,
       exists (select from users where active and role = 'Customer Success'
               and slack_user_id is not null) as has_csm
""")


def _asks_csm(user: User, others: Any) -> Conditions:
    """Customers of whose bills somebody of Customer Success may be asked: each by an index."""
    csm, sales = Customer.csm_id, Customer.sales_id
    needed = sa.or_(
        Customer.require_csm_approval,
        Customer.second_approval_above.is_not(None),
        sales.is_(None),
    )
    return (
        csm.in_([user.id, *others.away, *others.unasked_csms]),
        sales.in_(others.away),
        sa.and_(csm.is_(None), needed),
        sa.and_(csm.is_(None), sales.in_(others.unasked_sales)),
    )


def _asks_sales(user: User, others: Any) -> Conditions:
    """The same of Sales, who are asked for any approval where there is no Customer Success."""
    csm, sales = Customer.csm_id, Customer.sales_id
    needed = sa.or_(Customer.require_sales_approval, Customer.second_approval_above.is_not(None))
    return (
        sales.in_([user.id, *others.away, *others.unasked_sales]),
        csm.in_(others.away),
        sa.and_(sales.is_(None), needed) if others.has_csm else sales.is_(None),
    )
