"""A source of usage that was asked once, without a warehouse behind it."""

from datetime import timedelta
from decimal import Decimal

from sqlalchemy.ext.asyncio import AsyncSession

from models.context import Context
from models.period import Period
from models.usage.pulls import Answer, Asking, PullEnd, PullOutcome, UsagePull, record_pull
from models.usage.sources import add_source

QUERY = """select customer, sum(calls) as calls from events
where happened >= :month_start and happened < :month_end group by customer"""


async def asked_source(session: AsyncSession, by: Context, month: Period) -> UsagePull:
    """What it answered waits for Finance's word."""
    url = "postgresql://reader:${WAREHOUSE_PASSWORD}@127.0.0.1/events"
    source = await add_source(session, "Events", url, QUERY, by)
    answer = Answer("18.4", timedelta(seconds=2.4), 212, Decimal(81_500_000), "2f6c1ab9")
    why = "31 of 212 customers with recorded calls would have none."
    counts = {"added": 0, "changed": 40, "unchanged": 141, "to_zero": 31, "unknown": 1}
    overlap = {"source": "Archive", "customers": 1, "names": ["Acme Corp"]}
    found = {
        "unknown": ["Nobody Ltd"],
        "overlaps": [overlap | {"pulled_at": by.now.isoformat()}],
    }
    end = PullEnd(PullOutcome.HELD, why, counts | {"overlapping": 1}, found)
    return await record_pull(session, Asking(source, month, by), answer, end)
