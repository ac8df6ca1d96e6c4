"""Each time that a source of usage was asked, and what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, distinct_on
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from models.context import Context
from models.db.columns import Base, Id
from models.errors import NotFound
from models.people.users import User
from models.period import Period
from models.usage.sources import UsageSource, sources


class PullOutcome(StrEnum):
    """`held`: it would take too much away, and waits for somebody's word. `refused`: of rows that
    cannot be usage. `checked`: nothing was to be taken in. Only what is `applied` changed anything.
    """

    APPLIED = "applied"
    UNCHANGED = "unchanged"
    REFUSED = "refused"
    FAILED = "failed"
    HELD = "held"
    CHECKED = "checked"


class UsagePull(Base):
    """One query of a month, from `starts_at` up to `ends_at`, and its answer: `rows` in all, with
    the `total` of their calls, and a `checksum` that is the same for the same rows in any order.

    `counts` are of customers, by what becomes of them; `found` are the first rows that were
    `refused` (`line`, `column`, `reason`, `customer`), names that are `unknown`, customers that are
    `missing`, and those that another source tells of, as `overlaps`.
    """

    __tablename__ = "usage_pulls"

    id: Mapped[Id]
    source_id: Mapped[int] = mapped_column(sa.BigInteger, sa.ForeignKey(UsageSource.id))
    year: Mapped[int]
    month: Mapped[int]
    query_hash: Mapped[str]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    engine: Mapped[str]
    engine_version: Mapped[str | None]
    rows: Mapped[int | None] = mapped_column(sa.BigInteger)
    total: Mapped[Decimal | None] = mapped_column(sa.Numeric)
    checksum: Mapped[str | None]
    duration_ms: Mapped[int] = mapped_column(sa.BigInteger)
    started_at: Mapped[datetime]
    pulled_by: Mapped[int] = mapped_column(sa.BigInteger, sa.ForeignKey(User.id))
    source: Mapped[str]
    outcome: Mapped[str]
    reason: Mapped[str | None]
    counts: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    found: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")

    @property
    def period(self) -> Period:
        return Period(self.year, self.month)


@dataclass(frozen=True)
class Asking:
    """What is asked of a source, by whom and when: `context.now` is when it began. `own_role` is as
    whom Countersign keeps its own tables, which no source is asked as.
    """

    source: UsageSource
    period: Period
    context: Context
    own_role: str | None = None

    @property
    def edges(self) -> tuple[datetime, datetime]:
        """The month's first instant, and the first one after it, in UTC."""
        return self.period.edges(self.context.settings.zone)


@dataclass(frozen=True)
class Answer:
    """How long the engine took, and what is known of it and of its rows."""

    engine_version: str | None = None
    took: timedelta = timedelta()
    rows: int | None = None
    total: Decimal | None = None
    checksum: str | None = None


@dataclass(frozen=True)
class PullEnd:
    """What came of it, why, how many of what, and the first of what somebody has to look at."""

    outcome: PullOutcome
    reason: str | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    found: Mapping[str, Any] = field(default_factory=dict)


async def record_pull(
    session: AsyncSession, asking: Asking, answer: Answer, end: PullEnd
) -> UsagePull:
    starts_at, ends_at = asking.edges
    pull = UsagePull(
        source_id=asking.source.id,
        year=asking.period.year,
        month=asking.period.month,
        query_hash=asking.source.query_hash,
        starts_at=starts_at,
        ends_at=ends_at,
        engine=asking.source.engine,
        engine_version=answer.engine_version,
        rows=answer.rows,
        total=answer.total,
        checksum=answer.checksum,
        duration_ms=round(answer.took / timedelta(milliseconds=1)),
        started_at=asking.context.now,
        pulled_by=asking.context.user.id,
        source=asking.context.source,
        outcome=end.outcome,
        reason=end.reason,
        counts=dict(end.counts),
        found=dict(end.found),
    )
    session.add(pull)
    await session.flush()
    return pull


async def known_pull(session: AsyncSession, pull_id: int) -> UsagePull:
    pull = await session.get(UsagePull, pull_id)
    if pull is None:
        raise NotFound("There is no such pull.")
    return pull


async def last_pulls(session: AsyncSession) -> dict[int, UsagePull]:
    """The latest of each source that was ever asked, by its id."""
    latest = (
        sa.select(UsagePull)
        .ext(distinct_on(UsagePull.source_id))
        .order_by(UsagePull.source_id, UsagePull.id.desc())
    )
    return {pull.source_id: pull for pull in await session.scalars(latest)}


async def last_pulls_of_months(
    session: AsyncSession, *, with_checks: bool = False
) -> dict[tuple[int, Period], UsagePull]:
    """The latest of each source and month, by the source's id and the month."""
    month = (UsagePull.source_id, UsagePull.year, UsagePull.month)
    latest = sa.select(UsagePull).ext(distinct_on(*month)).order_by(*month, UsagePull.id.desc())
    if not with_checks:
        latest = latest.where(UsagePull.outcome != PullOutcome.CHECKED)
    return {(pull.source_id, pull.period): pull for pull in await session.scalars(latest)}


async def tried_sources(session: AsyncSession) -> list[UsageSource]:
    """Those that are on, and of which a month was taken in by the query as it is now: nobody has
    looked at what the others answer.
    """
    taken_in = (PullOutcome.APPLIED, PullOutcome.UNCHANGED)
    found = sa.select(UsagePull.source_id, UsagePull.query_hash).distinct()
    known = {
        tuple(row) for row in await session.execute(found.where(UsagePull.outcome.in_(taken_in)))
    }
    return [one for one in await sources(session) if (one.id, one.query_hash) in known]
