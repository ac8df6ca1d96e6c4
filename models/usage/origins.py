"""Where figures came from: which pull of a source, which file, or who wrote them down, and why."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.context import Source
from models.named_people import PersonRef
from models.people.users import User, person_ref
from models.period import Period
from models.usage.pulls import UsagePull
from models.usage.sources import UsageSource
from models.usage.usage import Usage


@dataclass(frozen=True)
class FigureOrigin:
    """Who recorded a figure as it stands, when and from where. `pulled_from` names the source that
    was asked for it, by the pull `pull_id`, and `file` the file that it stood in; without either
    somebody wrote it down.
    """

    by: PersonRef
    at: datetime
    source: Source
    reason: str | None = None
    file: str | None = None
    pulled_from: str | None = None
    pulled_from_id: int | None = None
    pull_id: int | None = None


async def origin_of(session: AsyncSession, customer_id: int, period: Period) -> FigureOrigin | None:
    """That of one month's figure; None where there is none, or it was recorded before this was
    kept.
    """
    return (await origins_of(session, customer_id, period, period)).get(period)


async def origins_of(
    session: AsyncSession, customer_id: int, first: Period, last: Period
) -> Mapping[Period, FigureOrigin]:
    """Those of a customer's months that have one."""
    months = [(period.year, period.month) for period in first.through(last)]
    query = (
        with_origin(sa.select(Usage, User, UsageSource.name, UsageSource.id))
        .where(Usage.customer_id == customer_id)
        .where(sa.tuple_(Usage.year, Usage.month).in_(months))
    )
    return {
        Period(usage.year, usage.month): origin
        for usage, by, *pulled_from in await session.execute(query)
        if (origin := read_origin(usage, by, *pulled_from))
    }


def with_origin(query: sa.Select[*tuple[Any, ...]]) -> sa.Select[*tuple[Any, ...]]:
    """A query of `Usage`, joined with who recorded it and the source that it was pulled from."""
    return (
        query.select_from(Usage)
        .outerjoin(User, User.id == Usage.recorded_by)
        .outerjoin(UsagePull, UsagePull.id == Usage.pull_id)
        .outerjoin(UsageSource, UsageSource.id == UsagePull.source_id)
    )


def read_origin(
    usage: Usage, by: User | None, pulled_from: str | None, pulled_from_id: int | None
) -> FigureOrigin | None:
    if usage.recorded_from is None or usage.recorded_at is None or by is None:
        return None
    return FigureOrigin(
        by=person_ref(by),
        at=usage.recorded_at,
        source=Source(usage.recorded_from),
        reason=usage.recorded_reason,
        file=usage.recorded_file,
        pulled_from=pulled_from,
        pulled_from_id=pulled_from_id,
        pull_id=usage.pull_id,
    )
