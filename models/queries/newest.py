"""Whether anything has been done since somebody looked: for pages that are open."""

from datetime import date

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

LATEST_ACTIONS = 50


async def newest_actions(session: AsyncSession, bill_id: int | None = None) -> str:
    """Something that differs as soon as more was done to any bill; with an id to that bill and to
    those that correct or replace it. Costs no more with many bills.
    """
    if bill_id is None:
        found = await session.scalar(_OF_ALL, {"latest": LATEST_ACTIONS})
    else:
        found = await session.scalar(_OF_BILL, {"bill_id": bill_id})
    return found or "none"


async def actions_of_list(session: AsyncSession, list_id: int) -> int:
    """How much was ever done to the bills of a list that somebody sends."""
    return int(await session.scalar(_OF_LIST, {"list_id": list_id}) or 0)


_OF_LIST = sa.text("""
select sum(c.actions) from send_list_bills l join bill_chains c using (bill_id)
where l.list_id = :list_id
""")


async def state_of_customer(session: AsyncSession, customer_id: int, since: date) -> str:
    """Something that differs as soon as a customer's details, terms, bills or usage `since` that
    month do.
    """
    values = {"customer_id": customer_id, "since": since}
    return await session.scalar(_OF_CUSTOMER, values) or "none"


async def state_of_people(session: AsyncSession) -> str:
    """Something that differs as soon as anything about anybody does that people are shown."""
    return await session.scalar(_OF_PEOPLE) or "none"


# Whoever began first may commit last, so that the highest id alone would not tell of it.
_OF_ALL = sa.text("""
select md5(string_agg(id::text, ',')) from (
    select id from bill_actions order by id desc limit :latest) latest
""")

_OF_BILL = sa.text("""
with this as (select id, adjusts_id, replaces_id from bills where id = :bill_id),
related as (
    select unnest(array[id, adjusts_id, replaces_id]) as id from this
    union select b.id from bills b join this on b.adjusts_id = this.id
    union select b.id from bills b join this on b.replaces_id = this.id
)
select md5(string_agg(c.last_action_id::text, ',' order by c.bill_id))
from bill_chains c join related r on r.id = c.bill_id
""")

_OF_CUSTOMER = sa.text("""
select md5(concat_ws('|', c,
    (select string_agg(t::text, ',' order by valid_from)
     from customer_terms t where t.customer_id = c.id),
    (select string_agg(k.last_action_id::text, ',' order by b.id)
     from bills b join bill_chains k on k.bill_id = b.id where b.customer_id = c.id),
    (select string_agg(concat_ws(' ', m.first_day, u.api_usage), ',' order by m.first_day)
     from generate_series(cast(:since as date), cast(:since as date) + interval '2 years',
                          interval '1 month') m (first_day)
     join usages u on u.customer_id = c.id
         and u.year = extract(year from m.first_day)::int
         and u.month = extract(month from m.first_day)::int)))
from customers c where c.id = :customer_id
""")

_OF_PEOPLE = sa.text("""
select md5(string_agg(concat_ws('-', id, name, email, role, slack_user_id, active,
                                password_digest is null, away_until, delegate_id), ',' order by id))
from users
""")
