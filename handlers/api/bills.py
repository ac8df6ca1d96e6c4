"""Bills: the list, one with its story, and what is decided on it."""

import re
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from fastapi.responses import StreamingResponse
from pydantic import Field, create_model

from handlers.api.bill_answers import BillsAnswer, WholeBillAnswer, bills_answer, whole_bill
from handlers.api.fields import (
    LARGEST_EXACT,
    Asked,
    CommentText,
    Id,
    MonthAsked,
    Text,
    Units,
    Version,
    year_and_month,
)
from handlers.api.if_match import ANY, IfMatch, etag, named
from handlers.http.csv_files import AS_CSV, CSV, csv_book
from handlers.http.decisions import DECISIONS, DecisionField, DecisionRoute, Given, comment, decide
from handlers.http.gate import ApiRoute, Asking, HttpContext, open_to
from handlers.http.ids import PathId
from handlers.http.refused import Deciding
from models.actions.comment import delete_comment, edit_comment, own_comment
from models.bills.bill import get_bill
from models.bills.documents import PDF, issued_pdf
from models.bills.states import RejectReason, State, Verb
from models.errors import Stale
from models.exports.formats import Table
from models.people.permissions import Permission
from models.period import FIRST_YEAR, LAST_YEAR
from models.queries.allowed_verbs import allowed_verbs
from models.queries.bill_list import CURSOR, BillFilter, list_bills
from models.queries.bill_loader import load_bill_details
from models.queries.history import load_history
from models.queries.scope import Scope
from models.usage.days import counted_days, days_of
from models.usage.origins import origin_of

router = APIRouter(route_class=ApiRoute)
PAGE_BILLS, LARGEST_PAGE = 50, 200


class BillsWanted(Asked):
    """Which bills are asked for: those that fit all that is given. A `month` as in `2026-10`, or by
    its number, of any year or of `year`.
    """

    status: State | None = None
    customer_id: int | None = Field(None, ge=1, le=LARGEST_EXACT)
    csm_id: int | None = Field(None, ge=1, le=LARGEST_EXACT)
    year: int | None = Field(None, ge=FIRST_YEAR, le=LAST_YEAR)
    month: MonthAsked | None = None

    @property
    def filter(self) -> BillFilter:
        year, month = year_and_month(self.year, self.month)
        return BillFilter(
            status=self.status,
            customer_id=self.customer_id,
            csm_id=self.csm_id,
            year=year,
            month=month,
        )


class BillQuery(BillsWanted):
    cursor: str | None = Field(None, pattern=CURSOR, description="`next_cursor` of the page before")
    limit: int = Field(PAGE_BILLS, ge=1, le=LARGEST_PAGE)


@router.get("/bills.csv", response_class=StreamingResponse, responses=AS_CSV)
@open_to(Permission.SEE)
async def bills_as_csv(
    context: Asking, asked: Annotated[BillsWanted, Query()]
) -> StreamingResponse:
    """All of the list as CSV, which a spreadsheet opens safely."""
    return await csv_book(context, Table.BILLS, Scope(bills=asked.filter))


@router.get("/bills", response_model=BillsAnswer, responses=AS_CSV)
@open_to(Permission.SEE)
async def find_bills(
    context: Asking, asked: Annotated[BillQuery, Query()], response: Response
) -> BillsAnswer | StreamingResponse:
    """The bills that fit all that is given, those that wait for somebody first. Whoever accepts
    `text/csv` alone gets all of the list like that.
    """
    if context.request.headers.get("accept", "").partition(";")[0].strip().lower() == CSV:
        return await bills_as_csv(context, asked)
    found = await list_bills(context.session, asked.filter, after=asked.cursor, limit=asked.limit)
    if found.after:
        more = context.request.url.include_query_params(cursor=found.after)
        response.headers["Link"] = f'<{more.path}?{more.query}>; rel="next"'
    return bills_answer(found.bills, found.after)


@router.get(
    "/bills/{bill_id}/invoice.pdf",
    response_class=Response,
    responses={200: {"content": {PDF: {"schema": {"type": "string", "format": "binary"}}}}},
)
@open_to(Permission.SEE)
async def invoice(context: Asking, bill_id: PathId) -> Response:
    """The document just as it was issued, where that is a PDF."""
    await get_bill(context.session, bill_id)
    document = await issued_pdf(context.session, bill_id)
    headers = {"Content-Disposition": f'inline; filename="{document.number}.pdf"'}
    return Response(document.content, media_type=PDF, headers=headers)


@router.get("/bills/{bill_id}")
@open_to(Permission.SEE)
async def show_bill(context: Asking, bill_id: PathId, response: Response) -> WholeBillAnswer:
    """A bill with its actions, oldest first. The ETag is its version."""
    return await _answer(context, bill_id, response)


async def _answer(context: HttpContext, bill_id: int, response: Response) -> WholeBillAnswer:
    bill = await get_bill(context.session, bill_id)
    (facts,) = await load_bill_details(context.session, [bill_id])
    history = await load_history(context.session, bill_id)
    origin = await origin_of(context.session, facts.customer_id, facts.period)
    used = await days_of(context.session, facts.customer_id, facts.period)
    days = counted_days(facts.period, used, facts.limit_calls)
    response.headers["ETag"] = etag(bill.version)
    allowed = sorted(allowed_verbs(facts, context.user))
    return whole_bill(bill, facts, history, allowed, origin, days)


_FIELDS: dict[DecisionField, Any] = {
    DecisionField.REASON: Text,
    DecisionField.REASON_CODE: RejectReason,
    DecisionField.COMMENT: Text,
    DecisionField.UNITS: Units,
    DecisionField.ACTION_ID: Id,
    DecisionField.USER_ID: Id,
}


async def _refuse_other(
    context: HttpContext, bill_id: int, if_match: str | None, version: int
) -> None:
    """Refuse where the header names other versions than the body; of both the older was seen."""
    tags = named(if_match)
    if {ANY, etag(version)} & tags:
        return
    await get_bill(context.session, bill_id)
    seen = [int(tag[1:-1]) for tag in tags if _VERSION_TAG.fullmatch(tag)]
    context.request.state.deciding = Deciding(bill_id, min((version, *seen)))
    raise Stale("`If-Match` does not have the ETag of `version`, so nothing was done.")


_VERSION_TAG = re.compile(r'"[1-9]\d{0,9}"', re.ASCII)


def _body(verb: Verb, decision: DecisionRoute) -> type[Asked]:
    """What the decision takes, as the table has it."""
    fields: dict[str, Any] = {"version": (Version, ...)}
    fields |= {part.value: (_FIELDS[part], ...) for part in decision.needs}
    fields |= {part.value: (_FIELDS[part] | None, None) for part in decision.may_have}
    body: type[Asked] = create_model(f"{verb.title()}Request", __base__=Asked, **fields)
    return body


Endpoint = Callable[..., Awaitable[WholeBillAnswer]]


def _deciding(verb: Verb, decision: DecisionRoute) -> Endpoint:
    async def decided(
        context: Asking,
        bill_id: PathId,
        asked: Any,
        response: Response,
        if_match: IfMatch = None,
    ) -> WholeBillAnswer:
        await _refuse_other(context, bill_id, if_match, asked.version)
        made = await decide(context, bill_id, verb, Given(**asked.model_dump()))
        shown = made if verb is Verb.REISSUE and made else bill_id
        return await _answer(context, shown, response)

    decided.__name__ = f"{verb.value}_bill"
    decided.__doc__ = _TOLD[verb]
    decided.__annotations__["asked"] = _body(verb, decision)
    return open_to(decision.permission)(decided)


_TOLD: dict[Verb, str] = {
    Verb.APPROVE: "Give an approval that the bill waits for.",
    Verb.REJECT: "Reject a bill that waits for approval.",
    Verb.UNDO: "Take back a decision: your own, or as Finance the last one.",
    Verb.REVISE: "Work the figures out anew, or set the calls to bill. Approvals fall.",
    Verb.SEND: "Send an approved bill: it goes out once the delay is over. One that has gone out "
    "and is reported not to have arrived goes out again, the same document, to today's address. So "
    "does the very letter of one that may have arrived.",
    Verb.DELIVER: "Say that a bill has arrived whose letter the mail server was not heard to take.",
    Verb.VOID: "Make a bill void. What had gone out is credited.",
    Verb.RELEASE: "Let a held bill go on; with a reason where the cause still stands.",
    Verb.REISSUE: "Bill the month of a void bill again; answers the new bill.",
    Verb.REASSIGN: "Ask somebody else for an approval that is missing, of this bill alone.",
}

for _verb, _decision in DECISIONS.items():
    router.patch(f"/bills/{{bill_id}}/{_verb.value}")(_deciding(_verb, _decision))


class CommentRequest(Asked):
    comment: CommentText


@router.post("/bills/{bill_id}/comments", status_code=201)
@open_to(Permission.COMMENT)
async def add_comment(
    context: Asking, bill_id: PathId, asked: CommentRequest, response: Response
) -> WholeBillAnswer:
    """Add a comment, which shows on every card of the bill; its version stays."""
    await comment(context, bill_id, asked.comment)
    return await _answer(context, bill_id, response)


@router.patch("/bills/{bill_id}/comments/{comment_id}")
@open_to(Permission.COMMENT)
async def change_comment(
    context: Asking, bill_id: PathId, comment_id: PathId, asked: CommentRequest, response: Response
) -> WholeBillAnswer:
    """Change a comment of one's own. The record keeps what it said before."""
    await own_comment(context.session, bill_id, comment_id, context)
    await edit_comment(context.session, comment_id, context, asked.comment)
    return await _answer(context, bill_id, response)


@router.delete("/bills/{bill_id}/comments/{comment_id}", status_code=204)
@open_to(Permission.COMMENT)
async def take_comment_back(context: Asking, bill_id: PathId, comment_id: PathId) -> None:
    """Take back a comment of one's own. The record keeps what it said."""
    await own_comment(context.session, bill_id, comment_id, context)
    await delete_comment(context.session, comment_id, context)
