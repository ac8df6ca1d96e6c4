"""Usage: what is recorded."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from handlers.api.fields import Asked
from handlers.http.csv_files import AS_CSV, csv_book
from handlers.http.faults import MONTH
from handlers.http.gate import ApiRoute, Asking, open_to
from handlers.http.ids import LARGEST_ID
from models.context import Source
from models.errors import Invalid
from models.exports.formats import Table
from models.people.permissions import Permission
from models.period import Period
from models.queries.scope import Scope
from models.queries.usage_list import CURSOR, RecordedUsage, recorded_usage
from models.usage.origins import FigureOrigin

router = APIRouter(route_class=ApiRoute)
PAGE_ROWS, LARGEST_PAGE = 100, 1000

Month = Annotated[str, Field(pattern=MONTH, examples=["2026-10"])]


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
    cursor: str | None = Field(None, pattern=CURSOR, description="`next_cursor` of the page before")
    limit: int = Field(PAGE_ROWS, ge=1, le=LARGEST_PAGE)


class OriginAnswer(BaseModel):
    """Where a figure as it stands came from: who recorded it, when, from where and why; the `file`
    that it stood in, or the source that it was `pulled_from`.
    """

    source: Source
    stakeholder_id: int
    stakeholder: str
    recorded_at: datetime
    reason: str | None
    file: str | None
    pulled_from: str | None


class UsageAnswer(BaseModel):
    """The calls of one customer in one month. `origin` is null where it was recorded before that
    was kept.
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
    return UsageListAnswer(usage=[_answer(one) for one in shown], next_cursor=more)


@router.get("/usage.csv", response_class=StreamingResponse, responses=AS_CSV)
@open_to(Permission.SEE)
async def usage_as_csv(
    context: Asking, asked: Annotated[UsageFilter, Query()]
) -> StreamingResponse:
    """The same as CSV with every change of a figure, which an import reads back unchanged."""
    first, last = asked.months
    ids = (asked.customer_id,) if asked.customer_id else None
    return await csv_book(context, Table.USAGE, Scope(customer_ids=ids, first=first, last=last))


def _answer(one: RecordedUsage) -> UsageAnswer:
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
        origin=_origin(one.origin) if one.origin else None,
    )


def _origin(origin: FigureOrigin) -> OriginAnswer:
    return OriginAnswer(
        source=origin.source,
        stakeholder_id=origin.by.id,
        stakeholder=origin.by.name,
        recorded_at=origin.at,
        reason=origin.reason,
        file=origin.file,
        pulled_from=origin.pulled_from,
    )
