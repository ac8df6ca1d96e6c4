"""Sources of usage, and what came of asking them, as the JSON API tells them."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from handlers.http.faults import MONTH
from models.context import Source
from models.period import Period
from models.queries.sources import MonthOfSource, PullLine, SourceDetails, SourceLine
from models.usage.drivers import missing_driver
from models.usage.pulls import PullOutcome, UsagePull
from models.usage.sources import UsageSource


class SourceAnswer(BaseModel):
    """A source of usage. `last_pull_id`: the last time that it was asked, for which month, and
    what came of it; `underway`: the months that it is being asked for now.
    """

    id: int
    name: str
    engine: str
    url: str
    query_hash: str
    created_by: int
    created_at: datetime
    updated_at: datetime
    switched_off_at: datetime | None
    last_pull_id: int | None
    last_period: str | None
    last_outcome: PullOutcome | None
    last_started_at: datetime | None
    underway: list[str]


class SourcesAnswer(BaseModel):
    sources: list[SourceAnswer]


class SourceMonthAnswer(BaseModel):
    """A month to ask a source for. `pull_id`: the latest time that it was, and what came of it;
    `held_pull_id`: what waits for somebody's word.
    """

    period: str = Field(pattern=MONTH, examples=["2026-10"])
    year: int
    month: int
    pull_id: int | None
    outcome: PullOutcome | None
    held_pull_id: int | None
    underway: bool


class WholeSourceAnswer(SourceAnswer):
    """A source with what it is asked, the arguments of its driver, and its months, the latest
    first. `missing_driver`: what to install where that is not here.
    """

    query: str
    connect_args: dict[str, Any]
    missing_driver: str | None
    months: list[SourceMonthAnswer]


class AskedAnswer(BaseModel):
    """A month that a source is being asked for."""

    source_id: int
    period: str = Field(pattern=MONTH, examples=["2026-10"])
    year: int
    month: int


class PullAnswer(BaseModel):
    """A time that a source was asked for a month, between the two instants `starts_at`, included,
    and `ends_at`, excluded. `rows` in all came to `total` calls, with a `checksum` that is the same
    for the same rows. `added` to `overlapping` count customers, and `faults` the rows that cannot
    be usage; null where nothing was counted. `source`: from where it was asked for.
    """

    id: int
    source_id: int
    period: str = Field(pattern=MONTH, examples=["2026-10"])
    year: int
    month: int
    outcome: PullOutcome
    reason: str | None
    rows: int | None
    total: int | None
    checksum: str | None
    added: int | None
    changed: int | None
    unchanged: int | None
    to_zero: int | None
    recorded: int | None
    days_changed: int | None
    unknown: int | None
    missing: int | None
    overlapping: int | None
    faults: int | None
    engine: str
    engine_version: str | None
    query_hash: str
    starts_at: datetime
    ends_at: datetime
    started_at: datetime
    duration_ms: int
    stakeholder_id: int
    stakeholder: str
    source: Source


class PullsAnswer(BaseModel):
    """A page of the times that a source was asked, the latest first. `next_cursor` asks for the
    page after it; null on the last one.
    """

    pulls: list[PullAnswer]
    next_cursor: str | None


class ChangeAnswer(BaseModel):
    """A figure that changes; `before` is null where nothing was recorded."""

    customer: str
    before: int | None
    after: int


class OverlapAnswer(BaseModel):
    """Another source that the figures of so many `customers` came from, and when it was pulled."""

    source: str
    pulled_at: datetime
    customers: int
    names: list[str]


class RefusedRowAnswer(BaseModel):
    """A row that cannot be usage, by its number, or where that is 0 the answer as a whole."""

    line: int
    column: str
    reason: str
    customer: str | None


class WholePullAnswer(PullAnswer):
    """With the first of what somebody has to look at: the `biggest` changes, customers by name that
    are unknown here or missing there or that another source tells of as well, and rows that are
    `refused`.
    """

    biggest: list[ChangeAnswer]
    unknown_names: list[str]
    missing_names: list[str]
    overlaps: list[OverlapAnswer]
    refused: list[RefusedRowAnswer]


def source_answer(line: SourceLine) -> SourceAnswer:
    return SourceAnswer(**_columns(line.source, line.last, line.underway))


def whole_source(facts: SourceDetails) -> WholeSourceAnswer:
    last = facts.pulls[0].pull if facts.pulls else None
    underway = [one.period for one in facts.months if one.is_underway]
    return WholeSourceAnswer(
        **_columns(facts.source, last, underway),
        query=facts.source.query,
        connect_args=facts.source.connect_args,
        missing_driver=missing_driver(facts.source.engine) or None,
        months=[_month(one) for one in facts.months],
    )


def _columns(
    source: UsageSource, last: UsagePull | None, underway: Sequence[Period]
) -> dict[str, Any]:
    return {
        **{name: getattr(source, name) for name in _OF_SOURCE},
        "last_pull_id": last and last.id,
        "last_period": last and str(last.period),
        "last_outcome": last and last.outcome,
        "last_started_at": last and last.started_at,
        "underway": [str(period) for period in sorted(underway)],
    }


_OF_SOURCE = tuple(
    name for name in SourceAnswer.model_fields if not name.startswith(("last_", "underway"))
)


def _month(one: MonthOfSource) -> SourceMonthAnswer:
    return SourceMonthAnswer(
        period=str(one.period),
        year=one.period.year,
        month=one.period.month,
        pull_id=one.latest.id if one.latest else None,
        outcome=PullOutcome(one.latest.outcome) if one.latest else None,
        held_pull_id=one.held_id,
        underway=one.is_underway,
    )


def asked_answer(source_id: int, period: Period) -> AskedAnswer:
    return AskedAnswer(
        source_id=source_id, period=str(period), year=period.year, month=period.month
    )


def pull_answer(line: PullLine) -> PullAnswer:
    return PullAnswer(**_facts(line))


def whole_pull(line: PullLine) -> WholePullAnswer:
    found = line.pull.found
    return WholePullAnswer(
        **_facts(line),
        biggest=list(_changes(found.get("changed", ()))),
        unknown_names=found.get("unknown", ()),
        missing_names=found.get("missing", ()),
        overlaps=found.get("overlaps", ()),
        refused=found.get("refused", ()),
    )


def _changes(found: Sequence[Sequence[Any]]) -> Iterator[ChangeAnswer]:
    for customer, before, after in found:
        yield ChangeAnswer(customer=customer, before=before, after=after)


def _facts(line: PullLine) -> dict[str, Any]:
    pull = line.pull
    return {
        **{name: getattr(pull, name) for name in _OF_PULL},
        **{name: pull.counts.get(name) for name in _COUNTED},
        "faults": pull.counts.get("refused"),
        "period": str(pull.period),
        "stakeholder_id": line.by.id,
        "stakeholder": line.by.name,
    }


_COUNTED = (
    *("added", "changed", "unchanged", "to_zero", "recorded", "days_changed", "unknown", "missing"),
    "overlapping",
)
_OF_PULL = tuple(
    name
    for name in PullAnswer.model_fields
    if name not in {*_COUNTED, "faults", "period", "stakeholder_id", "stakeholder"}
)
