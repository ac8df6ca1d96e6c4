"""Sources of usage: what they are asked, asking them, and what came of it."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from pydantic import Field, StrictBool

from handlers.api.fields import Asked, Month, OfMonth
from handlers.api.source_answers import (
    AskedAnswer,
    PullAnswer,
    PullsAnswer,
    SourceAnswer,
    SourcesAnswer,
    WholePullAnswer,
    WholeSourceAnswer,
    asked_answer,
    pull_answer,
    source_answer,
    whole_pull,
    whole_source,
)
from handlers.http.csv_files import AS_CSV, csv_list
from handlers.http.gate import ApiRoute, Asking, HttpContext, open_to
from handlers.http.ids import PathId
from models.people.permissions import Permission
from models.period import Period
from models.queries.sources import (
    SHOWN_PULLS,
    PullFilter,
    all_pulls,
    find_pull,
    list_pulls,
    list_sources,
    source_details,
)
from models.usage.pull_requests import ask_source
from models.usage.pulls import PullOutcome
from models.usage.source_address import MAX_ADDRESS_CHARS
from models.usage.source_query import MAX_QUERY_CHARS
from models.usage.sources import (
    NAME_CHARS,
    add_source,
    change_source,
    find_source,
    switch_off_source,
)

router = APIRouter(route_class=ApiRoute)
LARGEST_PAGE = 200

Name = Annotated[str, Field(min_length=1, max_length=NAME_CHARS)]
Address = Annotated[
    str,
    Field(
        min_length=1,
        max_length=MAX_ADDRESS_CHARS,
        description="As SQLAlchemy has it, with the name of a setting in the place of each secret.",
        examples=["postgresql://reader:${WAREHOUSE_PASSWORD}@warehouse/events"],
    ),
]
SqlQuery = Annotated[
    str,
    Field(
        min_length=1,
        max_length=MAX_QUERY_CHARS,
        description="One SELECT of customer and calls, and perhaps day, of what happened from"
        " `:month_start` on and before `:month_end`.",
    ),
]
ConnectArgs = Annotated[
    dict[str, Any], Field(description="What the driver is told beside the address.")
]


class SourceRequest(Asked):
    name: Name
    url: Address
    query: SqlQuery
    connect_args: ConnectArgs = Field(default_factory=dict)


class SourceChange(Asked):
    """What is to be changed. A source that is changed is asked again, unless `switched_off`."""

    url: Address | None = None
    query: SqlQuery | None = None
    connect_args: ConnectArgs | None = None
    switched_off: StrictBool | None = None


class PullRequest(OfMonth):
    """The month to ask for. `anyway`: also where the answer takes much away, for which it would be
    held otherwise.
    """

    anyway: StrictBool = False


class PullsWanted(Asked):
    month: Month | None = None
    outcome: PullOutcome | None = None

    @property
    def filter(self) -> PullFilter:
        return PullFilter(Period.parse(self.month) if self.month else None, self.outcome)


class PullQuery(PullsWanted):
    cursor: str | None = Field(
        None, pattern=r"^[1-9]\d{0,17}$", description="`next_cursor` of the page before"
    )
    limit: int = Field(SHOWN_PULLS, ge=1, le=LARGEST_PAGE)


@router.get("/sources")
@open_to(Permission.KEEP_BOOKS)
async def find_sources(context: Asking) -> SourcesAnswer:
    """All sources of usage, by name, those that are switched off too."""
    return SourcesAnswer(sources=[one async for one in _sources(context)])


@router.get("/sources.csv", response_class=StreamingResponse, responses=AS_CSV)
@open_to(Permission.KEEP_BOOKS)
async def sources_as_csv(context: Asking) -> StreamingResponse:
    """The same as CSV."""
    return await csv_list("sources", SourceAnswer, _sources(context))


async def _sources(context: HttpContext) -> AsyncIterator[SourceAnswer]:
    for one in await list_sources(context.session):
        yield source_answer(one)


@router.post("/sources", status_code=201)
@open_to(Permission.KEEP_BOOKS)
async def create_source(context: Asking, asked: SourceRequest) -> WholeSourceAnswer:
    """Keep a query, and the engine that is asked it. Once a month was pulled, that is done each day
    by itself.
    """
    source = await add_source(context.session, context=context, **asked.model_dump())
    return await _answer(context, source.id)


@router.get("/sources/{source_id}")
@open_to(Permission.KEEP_BOOKS)
async def show_source(context: Asking, source_id: PathId) -> WholeSourceAnswer:
    """A source with what it is asked, and its months."""
    return await _answer(context, source_id)


async def _answer(context: HttpContext, source_id: int) -> WholeSourceAnswer:
    return whole_source(await source_details(context.session, source_id, context))


@router.patch("/sources/{source_id}")
@open_to(Permission.KEEP_BOOKS)
async def edit_source(context: Asking, source_id: PathId, asked: SourceChange) -> WholeSourceAnswer:
    """Change what it is asked and where, switch it off, or on again."""
    await change_source(context.session, source_id, context, **asked.model_dump())
    return await _answer(context, source_id)


@router.delete("/sources/{source_id}", status_code=204)
@open_to(Permission.KEEP_BOOKS)
async def remove_source(context: Asking, source_id: PathId) -> None:
    """Ask it no more, which is to switch it off. What it told stays."""
    await switch_off_source(context.session, source_id, context)


@router.post("/sources/{source_id}/check", status_code=202)
@open_to(Permission.KEEP_BOOKS)
async def check_month(context: Asking, source_id: PathId, asked: OfMonth) -> AskedAnswer:
    """Ask it for a month, and only say what would change: that is among its pulls a moment
    later.
    """
    await ask_source(context.session, source_id, asked.period, context, is_check=True)
    return asked_answer(source_id, asked.period)


@router.post("/sources/{source_id}/pull", status_code=202)
@open_to(Permission.KEEP_BOOKS)
async def pull_month(context: Asking, source_id: PathId, asked: PullRequest) -> AskedAnswer:
    """Ask it for a month, and take in what it answers, all of it or nothing: what came of it is
    among its pulls a moment later.
    """
    await ask_source(context.session, source_id, asked.period, context, anyway=asked.anyway)
    return asked_answer(source_id, asked.period)


@router.get("/sources/{source_id}/pulls")
@open_to(Permission.KEEP_BOOKS)
async def find_pulls(
    context: Asking, source_id: PathId, asked: Annotated[PullQuery, Query()]
) -> PullsAnswer:
    """The times that it was asked, the latest first."""
    await find_source(context.session, source_id)
    before = int(asked.cursor) if asked.cursor else None
    found = await list_pulls(context.session, source_id, asked.filter, before, most=asked.limit + 1)
    shown = found[: asked.limit]
    more = str(shown[-1].pull.id) if len(found) > asked.limit else None
    return PullsAnswer(pulls=[pull_answer(one) for one in shown], next_cursor=more)


@router.get("/sources/{source_id}/pulls.csv", response_class=StreamingResponse, responses=AS_CSV)
@open_to(Permission.KEEP_BOOKS)
async def pulls_as_csv(
    context: Asking, source_id: PathId, asked: Annotated[PullsWanted, Query()]
) -> StreamingResponse:
    """All of them as CSV."""
    await find_source(context.session, source_id)
    found = all_pulls(context.session, source_id, asked.filter)
    return await csv_list("pulls", PullAnswer, (pull_answer(one) async for one in found))


@router.get("/sources/{source_id}/pulls/{pull_id}")
@open_to(Permission.KEEP_BOOKS)
async def show_pull(context: Asking, source_id: PathId, pull_id: PathId) -> WholePullAnswer:
    """One of them, with the first of what somebody has to look at."""
    return whole_pull(await find_pull(context.session, source_id, pull_id))
