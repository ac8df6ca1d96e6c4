"""Usage as the JSON API tells it: where a figure came from, and its days."""

from collections.abc import Sequence
from datetime import date, datetime

from pydantic import BaseModel

from models.context import Source
from models.usage.days import CountedDay, UsageDay
from models.usage.origins import FigureOrigin


class OriginAnswer(BaseModel):
    """Where a figure as it stands came from: who recorded it, when, from where and why; the `file`
    that it stood in, or the source that it was `pulled_from`, and by which `pull_id`.
    """

    source: Source
    stakeholder_id: int
    stakeholder: str
    recorded_at: datetime
    reason: str | None
    file: str | None
    pulled_from_id: int | None
    pulled_from: str | None
    pull_id: int | None


class DayAnswer(BaseModel):
    """The calls of one day, as a source told them."""

    day: date
    api_usage: int


class BilledDayAnswer(DayAnswer):
    """`overage_units`: how many of its calls came after the month's limit was reached."""

    overage_units: int


def origin_answer(origin: FigureOrigin | None) -> OriginAnswer | None:
    if origin is None:
        return None
    return OriginAnswer(
        source=origin.source,
        stakeholder_id=origin.by.id,
        stakeholder=origin.by.name,
        recorded_at=origin.at,
        reason=origin.reason,
        file=origin.file,
        pulled_from_id=origin.pulled_from_id,
        pulled_from=origin.pulled_from,
        pull_id=origin.pull_id,
    )


def day_answers(days: Sequence[UsageDay]) -> list[DayAnswer]:
    return [DayAnswer(day=one.day, api_usage=one.calls) for one in days]


def billed_day_answers(days: Sequence[CountedDay]) -> list[BilledDayAnswer]:
    return [
        BilledDayAnswer(day=one.day, api_usage=one.calls, overage_units=one.over_calls)
        for one in days
    ]
