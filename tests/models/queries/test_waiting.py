"""What waits for somebody is looked for among few customers, and never among too few."""

import random
from datetime import date

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.customers.customers import Customer
from models.people.permissions import Role
from models.people.users import User
from models.queries.bill_list import bills_waiting_for

COMPANIES, CREW, CUSTOMERS = 16, 6, 40

# A bill a customer, that waits for approval: what the record says of it is not asked here, and the
# transaction never ends.
BILLS = sa.text("""
insert into bills (customer_id, year, month, api_usage, monthly_api_limit, overage_units,
    overage_unit_cost, overage_amount, currency, status)
select id, 2026, 10, 200, 100, 100, 1, 100, currency, 'pending' from customers
""")

REASSIGN = sa.text("""
insert into reassignments (bill_id, slot, user_id)
select b.id, slot, :user_id from bills b cross join unnest(array['csm', 'sales', 'any']) slot
where b.id % :every = 0
on conflict do nothing
""")

ASKED = sa.text("""
select u.id, array_remove(array_agg(distinct a.bill_id order by a.bill_id), null) as bill_ids
from users u
left join approvers a
    on u.active and (a.delegate_id = u.id
                     or a.role = u.role and coalesce(a.user_id, u.id) = u.id)
group by u.id
""")


def member(chance: random.Random, number: int, others: list[User]) -> User:
    """Perhaps gone, out of Slack's reach, or away with somebody in their place."""
    away = chance.random() < 0.6
    return User(
        name=f"Member {number}",
        role=chance.choice((Role.CSM, Role.CSM, Role.SALES, Role.SALES, None)),
        active=chance.random() < 0.85,
        slack_user_id=f"U{number}" if chance.random() < 0.6 else None,
        away_until=date(2026, 11, 9) if away else None,
        delegate_id=chance.choice(others).id if away and others else None,
    )


def customer(chance: random.Random, number: int, crew: list[User]) -> Customer:
    named = (None, None, None, *(one.id for one in crew))
    return Customer(
        name=f"Customer {number}",
        csm_id=chance.choice(named),
        sales_id=chance.choice(named),
        require_csm_approval=chance.random() < 0.3,
        require_sales_approval=chance.random() < 0.3,
        second_approval_above=chance.choice((None, 50, 100)),
        rules_currency=chance.choice((None, None, "JPY")),
        monthly_api_limit=100,
        overage_unit_cost=1,
    )


async def found_company(session: AsyncSession, chance: random.Random) -> list[User]:
    crew: list[User] = []
    for number in range(chance.randint(1, CREW)):
        crew.append(member(chance, number, crew))
        session.add(crew[-1])
        await session.flush()
    session.add_all(customer(chance, number, crew) for number in range(CUSTOMERS))
    await session.flush()
    await session.execute(BILLS)
    for one in crew:
        values = {"user_id": one.id, "every": chance.choice((3, 5, 7))}
        await session.execute(REASSIGN, values)
    return crew


async def test_what_waits_for_somebody_is_what_the_view_of_approvers_asks_of_them(
    session: AsyncSession,
) -> None:
    waited = 0
    for seed in range(COMPANIES):
        async with session.begin_nested() as company:
            crew = await found_company(session, random.Random(seed))
            asked = {row.id: row.bill_ids for row in await session.execute(ASKED)}
            for user in crew:
                page = await bills_waiting_for(session, user, limit=CUSTOMERS)
                assert sorted(line.id for line in page.lines) == asked[user.id], (seed, user.name)
                waited += len(asked[user.id])
            await company.rollback()
    assert waited > 20 * COMPANIES
