"""Who there is to do what bills need, and which channels they are shown in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.people.permissions import Role

NAMED = 5
MOST_CHANNELS = 1_000


@dataclass(frozen=True)
class RoleMap:
    """How many active people have each role, and how many customers ask for the approval of each.

    `without_slack`: approvers whom no card reaches in Slack, the first by name. `unmet`: of the
    Slack ids asked about, those that are nobody's of Finance.
    """

    people: Mapping[Role, int]
    asked_for: Mapping[Role, int]
    without_slack: tuple[str, ...]
    count_without_slack: int
    unmet: tuple[str, ...]


async def load_role_map(session: AsyncSession, finance_slack_ids: Sequence[str] = ()) -> RoleMap:
    """`finance_slack_ids`: who is meant to belong to Finance."""
    found = (await session.execute(_ROLES, {"named": NAMED})).one()
    values = {"ids": list(finance_slack_ids), "finance": Role.FINANCE}
    unmet = (await session.scalars(_UNMET, values)).all() if finance_slack_ids else ()
    return RoleMap(
        people={role: found.people.get(role, 0) for role in Role},
        asked_for={
            Role.CSM: found.csm_asked_for,
            Role.SALES: found.sales_asked_for,
        },
        without_slack=tuple(found.named),
        count_without_slack=found.without_slack,
        unmet=tuple(unmet),
    )


async def used_channels(session: AsyncSession) -> dict[str, str]:
    """The channels that customers have, by id, each with the first of its customers by name."""
    found = await session.execute(_CHANNELS, {"most": MOST_CHANNELS})
    return {row.slack_channel_id: row.customer for row in found}


_ROLES = sa.text("""
with approvers as (
    select name from users
    where active and role in ('Customer Success', 'Sales') and slack_user_id is null
)
select coalesce((select jsonb_object_agg(role, people) from (
           select role, count(*) as people from users
           where active and role is not null group by role) r), '{}') as people,
       (select count(*) from customers where require_csm_approval) as csm_asked_for,
       (select count(*) from customers where require_sales_approval) as sales_asked_for,
       (select count(*) from approvers) as without_slack,
       array(select name from approvers order by name limit :named) as named
""")

_UNMET = sa.text("""
select id from unnest(cast(:ids as text[])) with ordinality as meant (id, place)
where not exists (
    select from users u where u.slack_user_id = meant.id and u.active and u.role = :finance)
order by place
""")

_CHANNELS = sa.text("""
select slack_channel_id, min(name) as customer from customers
where slack_channel_id is not null group by 1 order by 1 limit :most
""")
