"""Alerts: the usage of a running month is near its limit, heading over it, or unusual."""

from collections.abc import Iterable, Sequence
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.context import Context
from models.db.database import AtCommit, put_off
from models.outbox.jobs import defer_posts
from models.outbox.messages import MessageKind
from models.outbox.notifications import BUNDLING_S
from models.period import Period


class AlertKind(StrEnum):
    """The first four: so many percent of the month's limit were reached."""

    NEAR = "75"
    CLOSE = "90"
    REACHED = "100"
    FAR_OVER = "120"
    FORECAST = "forecast"
    SPIKE = "spike"
    DROP = "drop"


UNUSUAL_TIMES = 3
"""So many times as much as usual is a spike; as little as one of so many parts is a drop."""

USUAL_MONTHS = 3
"""Usual is the median of the six months before, if so many of them at least are recorded."""

WORTH_PERCENT = 10
"""Below this part of the limit nothing is a spike or a drop."""


async def raise_alerts(session: AsyncSession, context: Context, customer_ids: Sequence[int]) -> int:
    """Write down what is new about the running month of these customers, and promise its messages:
    to the customer's channel, else the CSM, else the salesperson. Returns how much is new.

    Of a month each kind is found once, however the figures go up and down. Of a muted customer
    nothing is found.
    """
    running = Period.of(context.today)
    values = {
        "year": running.year,
        "month": running.month,
        "zone": str(context.settings.zone),
        "customer_ids": list(customer_ids),
        "now": context.now,
        **_RULES,
    }
    found = [(alert_id, values["zone"]) for alert_id in await session.scalars(_RAISE, values)]
    await put_off(session, AtCommit.ADD_MESSAGES, _tell, found)
    return len(found)


async def customers_with_usage(
    session: AsyncSession, context: Context, after: int, most: int
) -> Sequence[int]:
    """Those with a figure of the running month, behind the id `after`, `most` of them."""
    running = Period.of(context.today)
    values = {"year": running.year, "month": running.month, "after": after, "most": most}
    return (await session.scalars(_WITH_USAGE, values)).all()


_WITH_USAGE = sa.text("""
select customer_id from usages where year = :year and month = :month and customer_id > :after
order by customer_id limit :most
""")


async def _tell(session: AsyncSession, found: Iterable[tuple[int, str]]) -> None:
    """One message to each recipient, or what waits to be told them takes more in."""
    alerts = list(found)
    values = {
        "alert_ids": [alert_id for alert_id, _ in alerts],
        "zone": alerts[0][1],
        "kind": MessageKind.USAGE_ALERTS,
    }
    recipients = set((await session.scalars(_TELL, values)).all())
    await defer_posts(session, recipients, BUNDLING_S)


_RULES = {
    "unusual_times": UNUSUAL_TIMES,
    "usual_months": USUAL_MONTHS,
    "worth_percent": WORTH_PERCENT,
}

_RAISE = sa.text("""
with figures as (
    select o.customer_id, o.api_usage::numeric as used, o.monthly_api_limit::numeric as included,
           f.likely::numeric as likely, f.usual::numeric as usual, f.months
    from overages o
    join customers c
        on c.id = o.customer_id and not c.alerts_muted and c.merged_into_id is null
    left join usage_forecasts(:year, :month, :zone) f on f.customer_id = o.customer_id
    where o.year = :year and o.month = :month and o.active_days > 0
      and o.customer_id = any(:customer_ids)
),
found as (
    select customer_id, percent::text as kind
    from figures cross join unnest(array[75, 90, 100, 120]) as percent
    where case when included > 0 then used * 100 >= included * percent
               else used > 0 and percent = 100 end
    union all
    select customer_id, 'forecast' from figures where used < included and likely > included
    union all
    select customer_id, case when likely > usual then 'spike' else 'drop' end
    from figures
    where months >= :usual_months and greatest(likely, usual) * 100 >= included * :worth_percent
      and (likely >= usual * :unusual_times or likely * :unusual_times <= usual)
      and greatest(likely, usual) > 0
)
insert into usage_alerts (customer_id, year, month, kind, created_at)
select customer_id, :year, :month, kind, :now from found order by customer_id, kind
on conflict do nothing
returning id
""")

# Whoever is named and away is stood in for. What waits to be told takes more in.
_TELL = sa.text("""
with told as (
    select a.id, to_char(make_date(a.year, a.month, 1), 'YYYY-MM') as month,
           coalesce('channel:' || r.slack_channel_id,
                    'user:' || coalesce(csm_delegate.id, csm.id, sales_delegate.id, sales.id))
           as recipient
    from usage_alerts a
    join approval_rules r on r.customer_id = a.customer_id
    left join users csm on csm.id = r.csm_id and csm.slack_user_id is not null
    left join users csm_delegate
        on csm_delegate.id = r.csm_delegate_id and csm_delegate.slack_user_id is not null
    left join users sales on sales.id = r.sales_id and sales.slack_user_id is not null
    left join users sales_delegate
        on sales_delegate.id = r.sales_delegate_id and sales_delegate.slack_user_id is not null
    where a.id = any(:alert_ids)
),
waiting as materialized (
    select m.id, m.recipient, m.facts ->> 'month' as month from messages m
    where m.kind = :kind and m.state = 'waiting'
      and m.recipient in (select recipient from told)
    order by m.id for no key update
),
added as (
    insert into messages (key, kind, recipient, facts)
    select 'usage-alerts:' || min(t.id) || ':' || t.recipient, :kind, t.recipient,
           jsonb_build_object('month', t.month, 'zone', cast(:zone as text))
    from told t
    where t.recipient is not null and not exists (
        select from waiting w where w.recipient = t.recipient and w.month = t.month)
    group by t.recipient, t.month
    returning id, recipient, facts ->> 'month' as month
)
update usage_alerts a set message_id = m.id
from told t
join (select * from waiting union all select * from added) m using (recipient, month)
where a.id = t.id
returning m.recipient
""")
