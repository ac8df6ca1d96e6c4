"""How a running month looks: what was used, what it is heading for, and what was found about it."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.period import Period
from models.usage.alerts import AlertKind


@dataclass(frozen=True)
class Forecast:
    """The calls by the end of the month; between `low` and `high` are four in five months.

    `share` of the month had passed at `recorded_at`. `amount` is what `likely` calls would be
    billed, before tax, None without a price. `usual` is the median of the `months` before that are
    recorded.
    """

    share: float
    recorded_at: datetime
    likely: int
    low: int
    high: int
    amount: Decimal | None
    months: int
    usual: int | None
    uses_history: bool


@dataclass(frozen=True)
class MonthOutlook:
    """`forecast` None: too early in the month, nothing used, or the figure came after its end.

    `alerts` are those that were asked for.
    """

    customer_id: int
    customer: str
    period: Period
    calls: int
    limit_calls: int
    currency: str
    forecast: Forecast | None
    alerts: frozenset[AlertKind] = field(default_factory=frozenset)


async def outlook_of(
    session: AsyncSession, customer_id: int, period: Period, zone: ZoneInfo
) -> MonthOutlook | None:
    """One customer's month; None where no usage is recorded for it, or it is not in contract."""
    found = await _outlooks(session, period, zone, {customer_id: ()})
    return found[0] if found else None


async def alerted_outlooks(
    session: AsyncSession, message_id: int, period: Period, zone: ZoneInfo, most: int
) -> tuple[list[MonthOutlook], int]:
    """The customers whose alerts a message tells, those that are worst first, `most` of them; and
    how many there are.
    """
    found = await session.execute(_ALERTS, {"message_id": message_id})
    kinds = {customer_id: [AlertKind(one) for one in kinds] for customer_id, kinds in found}
    worst = sorted(kinds, key=lambda one: _weight(kinds[one]))
    return await _outlooks(session, period, zone, {one: kinds[one] for one in worst[:most]}), len(
        kinds
    )


def _weight(kinds: Sequence[AlertKind]) -> int:
    order = (*_WORST_FIRST, *AlertKind)
    return min(order.index(one) for one in kinds)


_WORST_FIRST = (
    *(AlertKind.FAR_OVER, AlertKind.REACHED, AlertKind.FORECAST, AlertKind.CLOSE),
    *(AlertKind.SPIKE, AlertKind.DROP, AlertKind.NEAR),
)

_ALERTS = sa.text("""
select customer_id, array_agg(kind) from usage_alerts where message_id = :message_id
group by customer_id order by customer_id
""")


async def _outlooks(
    session: AsyncSession,
    period: Period,
    zone: ZoneInfo,
    asked: dict[int, Sequence[AlertKind]],
) -> list[MonthOutlook]:
    values = {
        "customer_ids": list(asked),
        "year": period.year,
        "month": period.month,
        "zone": str(zone),
    }
    return [
        MonthOutlook(
            row.customer_id,
            row.name,
            period,
            row.api_usage,
            row.monthly_api_limit,
            row.currency,
            _forecast(row),
            frozenset(asked[row.customer_id]),
        )
        for row in await session.execute(_OUTLOOKS, values)
    ]


def _forecast(row: sa.Row[*tuple[object, ...]]) -> Forecast | None:
    told = row._mapping
    if told["likely"] is None:
        return None
    return Forecast(**{one.name: told[one.name] for one in fields(Forecast)})


_OUTLOOKS = sa.text("""
select o.customer_id, c.name, o.api_usage, o.monthly_api_limit, o.currency, f.share, f.recorded_at,
       f.likely, f.low, f.high, f.months, f.usual, f.uses_history,
       amount(greatest(0, f.likely - o.monthly_api_limit), o.overage_unit_cost, cur.minor_units)
           as amount
from unnest(cast(:customer_ids as bigint[])) with ordinality as asked (id, place)
join overages o on o.customer_id = asked.id and o.year = :year and o.month = :month
join customers c on c.id = o.customer_id
join currencies cur on cur.code = o.currency
left join usage_forecasts(:year, :month, :zone) f on f.customer_id = o.customer_id
where o.active_days > 0
order by asked.place
""")
