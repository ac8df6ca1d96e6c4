"""Sources of usage with what came of asking them."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.context import Context
from models.errors import NotFound
from models.named_people import PersonRef
from models.people.users import User, person_ref
from models.period import Period
from models.usage.pull_notices import TO_DO
from models.usage.pull_requests import pulls_underway
from models.usage.pulls import (
    PullOutcome,
    UsagePull,
    last_pulls,
    last_pulls_of_months,
    tried_sources,
)
from models.usage.sources import UsageSource, find_source, sources

SHOWN_PULLS, LONG_PAGE = 50, 200


@dataclass(frozen=True)
class SourceLine:
    """A source, how it went the last time, and the months that it is being asked for."""

    source: UsageSource
    last: UsagePull | None
    underway: Sequence[Period]


@dataclass(frozen=True)
class MonthOfSource:
    """The latest time that a source was asked for a month; the pull `held_id` is what it answered
    last, checks apart, if that waits for somebody's word.
    """

    period: Period
    latest: UsagePull | None
    held_id: int | None
    is_underway: bool


@dataclass(frozen=True)
class PullLine:
    """A time that a source was asked, and who asked."""

    pull: UsagePull
    by: PersonRef


@dataclass(frozen=True)
class SourceDetails:
    """A source, the months that one would ask for, the latest first, and its latest pulls.
    `is_tried`: whether the clock asks it, since a month was taken in by its query as it is now.
    """

    source: UsageSource
    is_tried: bool
    months: Sequence[MonthOfSource]
    pulls: Sequence[PullLine]


@dataclass(frozen=True)
class PullNotice:
    """A time that a source was asked; `settled`: a later time, which has brought the month in."""

    pull: UsagePull
    source: UsageSource
    settled: UsagePull | None

    @property
    def needs_somebody(self) -> bool:
        """Whether nothing was taken in, and nothing has been since."""
        is_on = self.source.switched_off_at is None
        return is_on and self.settled is None and self.pull.outcome in TO_DO

    @property
    def is_month_over(self) -> bool:
        """Whether the month was over when it was asked for."""
        return self.pull.started_at >= self.pull.ends_at


async def load_pull_notice(session: AsyncSession, pull_id: int) -> PullNotice:
    pull = await session.get_one(UsagePull, pull_id)
    source = await session.get_one(UsageSource, pull.source_id)
    later = (
        sa.select(UsagePull)
        .where(
            UsagePull.source_id == pull.source_id,
            UsagePull.year == pull.year,
            UsagePull.month == pull.month,
            UsagePull.id > pull.id,
            UsagePull.outcome.in_((PullOutcome.APPLIED, PullOutcome.UNCHANGED)),
        )
        .order_by(UsagePull.id)
        .limit(1)
    )
    settled = None if pull.outcome not in TO_DO else (await session.scalars(later)).one_or_none()
    return PullNotice(pull, source, settled)


async def list_sources(session: AsyncSession) -> list[SourceLine]:
    """All there are, those that are switched off too."""
    underway = await pulls_underway(session)
    latest = await last_pulls(session)
    return [
        SourceLine(
            source,
            latest.get(source.id),
            sorted(period for source_id, period in underway if source_id == source.id),
        )
        for source in await sources(session, every=True)
    ]


async def source_details(
    session: AsyncSession, source_id: int, context: Context, another: Period | None = None
) -> SourceDetails:
    """`another`: a month that is shown as well."""
    source = await find_source(session, source_id)
    underway = await pulls_underway(session)
    pulls = await last_pulls_of_months(session)
    latest = await last_pulls_of_months(session, with_checks=True)
    current = Period.of(context.today)
    shown = {current.plus(-ago) for ago in range(context.settings.lookback_months + 1)}
    shown |= {period for owner, period in [*latest, *underway] if owner == source_id}
    shown |= {another} if another else set()
    return SourceDetails(
        source,
        source_id in {one.id for one in await tried_sources(session)},
        [
            MonthOfSource(
                period,
                latest.get((source_id, period)),
                held_id=_held(pulls.get((source_id, period))),
                is_underway=(source_id, period) in underway,
            )
            for period in sorted(shown, reverse=True)
        ],
        await list_pulls(session, source_id, PullFilter()),
    )


def _held(pull: UsagePull | None) -> int | None:
    return pull.id if pull is not None and pull.outcome == PullOutcome.HELD else None


@dataclass(frozen=True)
class PullFilter:
    """Which times that a source was asked are meant: those that fit all that is given."""

    period: Period | None = None
    outcome: PullOutcome | None = None


async def list_pulls(
    session: AsyncSession,
    source_id: int,
    wanted: PullFilter,
    before: int | None = None,
    most: int = SHOWN_PULLS,
) -> list[PullLine]:
    """The latest first; `before`: only earlier ones than the pull of that id."""
    found = (
        sa.select(UsagePull, User)
        .join(User, User.id == UsagePull.pulled_by)
        .where(UsagePull.source_id == source_id)
        .order_by(UsagePull.id.desc())
        .limit(most)
    )
    if wanted.period is not None:
        year, month = wanted.period.year, wanted.period.month
        found = found.where(UsagePull.year == year, UsagePull.month == month)
    if wanted.outcome is not None:
        found = found.where(UsagePull.outcome == wanted.outcome)
    if before is not None:
        found = found.where(UsagePull.id < before)
    return [PullLine(pull, person_ref(user)) for pull, user in await session.execute(found)]


async def all_pulls(
    session: AsyncSession, source_id: int, wanted: PullFilter
) -> AsyncIterator[PullLine]:
    """The same, however many they are."""
    before = None
    while found := await list_pulls(session, source_id, wanted, before, LONG_PAGE):
        for line in found:
            yield line
        before = found[-1].pull.id


async def find_pull(session: AsyncSession, source_id: int, pull_id: int) -> PullLine:
    """Refuses what is none of this source's."""
    found = (
        sa.select(UsagePull, User)
        .join(User, User.id == UsagePull.pulled_by)
        .where(UsagePull.source_id == source_id, UsagePull.id == pull_id)
    )
    row = (await session.execute(found)).one_or_none()
    if row is None:
        raise NotFound("There is no such pull.")
    return PullLine(row[0], person_ref(row[1]))


async def state_of_sources(session: AsyncSession) -> str:
    """Something that differs as soon as a source is changed, asked, or has answered."""
    return await session.scalar(_STATE) or "none"


_STATE = sa.text("""
select md5(concat_ws('|',
    (select string_agg(concat_ws(' ', id, updated_at), ',' order by id) from usage_sources),
    (select string_agg(id::text, ',') from (
        select id from usage_pulls order by id desc limit 50) latest),
    (select string_agg(id::text, ',' order by id) from procrastinate_jobs
     where task_name = 'pull_usage' and status in ('todo', 'doing'))))
""")
