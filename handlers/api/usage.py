"""Usage: what is recorded."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from handlers.api.fields import Asked, Month
from handlers.api.usage_answers import DayAnswer, OriginAnswer, day_answers, origin_answer
from handlers.http.csv_files import AS_CSV, csv_book
from handlers.http.gate import ApiRoute, Asking, open_to
from handlers.http.ids import LARGEST_ID
from models.errors import Invalid
from models.exports.formats import Table
from models.people.permissions import Permission
from models.period import Period
from models.queries.scope import Scope
from models.queries.usage_list import CURSOR, RecordedUsage, recorded_usage
from models.usage.days import DaysOfMonths, days_of_each

router = APIRouter(route_class=ApiRoute)
PAGE_ROWS, LARGEST_PAGE = 100, 1000


class UsageFilter(Asked):
    """Which usage is asked for: what fits all that is given, both months included."""

    customer_id: int | None = Field(None, ge=1, le=LARGEST_ID)
    first: Month | None = Field(None, alias="from")
    last: Month | None = Field(None, alias="to")

    @property
    def months(self) -> tuple[Period | None, Period | None]:
        first = Period.parse(self.first) if self.first else None
        last = Period.parse(self.last) if self.last else None
        if first and last and last < first:
            raise Invalid("The last month is before the first one.", "to")
        return first, last


class UsageQuery(UsageFilter):
    days: bool = Field(False, description="Whether to tell the days of each month as well")
    cursor: str | None = Field(None, pattern=CURSOR, description="`next_cursor` of the page before")
    limit: int = Field(PAGE_ROWS, ge=1, le=LARGEST_PAGE)


class UsageAnswer(BaseModel):
    """The calls of one customer in one month. `origin` is null where it was recorded before that
    was kept; `days` where they were not asked for, and empty where no source told them.
    """

    id: int
    customer_id: int
    customer: str
    period: Month
    year: int
    month: int
    api_usage: int
    created_at: datetime
    updated_at: datetime
    origin: OriginAnswer | None
    days: list[DayAnswer] | None


class UsageListAnswer(BaseModel):
    """A page of the list; `next_cursor` continues it, where there is more. What is not recorded
    is not in it.
    """

    usage: list[UsageAnswer]
    next_cursor: str | None


@router.get("/usage")
@open_to(Permission.SEE)
async def find_usage(context: Asking, asked: Annotated[UsageQuery, Query()]) -> UsageListAnswer:
    """Recorded usage, by customer and month."""
    found = await recorded_usage(
        context.session, asked.customer_id, *asked.months, asked.cursor, asked.limit + 1
    )
    shown = found[: asked.limit]
    more = shown[-1].cursor if len(found) > asked.limit else None
    months = [(one.customer_id, one.period) for one in shown] if asked.days else None
    days = await days_of_each(context.session, months) if months is not None else None
    return UsageListAnswer(usage=[_answer(one, days) for one in shown], next_cursor=more)


@router.get("/usage.csv", response_class=StreamingResponse, responses=AS_CSV)
@open_to(Permission.SEE)
async def usage_as_csv(
    context: Asking, asked: Annotated[UsageFilter, Query()]
) -> StreamingResponse:
    """The same as CSV with every change of a figure, which an import reads back unchanged."""
    first, last = asked.months
    ids = (asked.customer_id,) if asked.customer_id else None
    return await csv_book(context, Table.USAGE, Scope(customer_ids=ids, first=first, last=last))


def _answer(one: RecordedUsage, days: DaysOfMonths | None) -> UsageAnswer:
    return UsageAnswer(
        id=one.id,
        customer_id=one.customer_id,
        customer=one.customer,
        period=str(one.period),
        year=one.period.year,
        month=one.period.month,
        api_usage=one.calls,
        created_at=one.created_at,
        updated_at=one.updated_at,
        origin=origin_answer(one.origin),
        days=None if days is None else day_answers(days.get((one.customer_id, one.period), ())),
    )
