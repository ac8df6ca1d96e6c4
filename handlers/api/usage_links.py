"""Links by which customers see what is behind a document, without an account."""

from collections.abc import AsyncIterator
from datetime import datetime

from fastapi import APIRouter
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from handlers.http.csv_files import AS_CSV, csv_list
from handlers.http.gate import ApiRoute, Asking, HttpContext, open_to
from handlers.http.ids import PathId
from models.actions.usage_links import make_link, revoke_links
from models.bills.bill import get_bill
from models.bills.usage_links import links_of
from models.people.permissions import Permission

router = APIRouter(route_class=ApiRoute)
PATH = "/bills/{bill_id}/links"


class NewLinkAnswer(BaseModel):
    """`address` is a secret: whoever has it gets in, until it expires."""

    address: str
    expires_at: datetime


class LinkAnswer(BaseModel):
    id: int
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None


class LinksAnswer(BaseModel):
    links: list[LinkAnswer]


@router.get(PATH)
@open_to(Permission.SEND)
async def find_links(context: Asking, bill_id: PathId) -> LinksAnswer:
    """The links that were ever made to a bill, the oldest first, without their addresses."""
    await get_bill(context.session, bill_id)
    return LinksAnswer(links=[one async for one in _links(context, bill_id)])


@router.get(f"{PATH}.csv", response_class=StreamingResponse, responses=AS_CSV)
@open_to(Permission.SEND)
async def links_as_csv(context: Asking, bill_id: PathId) -> StreamingResponse:
    """The same as CSV."""
    await get_bill(context.session, bill_id)
    return await csv_list("links", LinkAnswer, _links(context, bill_id))


async def _links(context: HttpContext, bill_id: int) -> AsyncIterator[LinkAnswer]:
    for one in await links_of(context.session, bill_id):
        yield LinkAnswer.model_validate(one, from_attributes=True)


@router.post(PATH, status_code=201)
@open_to(Permission.SEND, holds_secret=True)
async def add_link(context: Asking, bill_id: PathId) -> NewLinkAnswer:
    """One more link to what the bill's document says. Its address is told here, and never again."""
    link = await make_link(context.session, bill_id, context)
    return NewLinkAnswer(address=link.address, expires_at=link.expires_at)


@router.delete(PATH, status_code=204)
@open_to(Permission.SEND)
async def withdraw_links(context: Asking, bill_id: PathId) -> None:
    """No link to the bill leads anywhere any more, that in its document neither."""
    await revoke_links(context.session, bill_id, context)
