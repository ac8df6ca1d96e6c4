"""What open pages ask every second or two: whether they are still true."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query, Response

from handlers.http.gate import Asking, HttpContext, PageRoute, open_to
from handlers.http.ids import LARGEST_ID
from models.people.permissions import Permission
from models.queries.newest import newest_actions

router = APIRouter(route_class=PageRoute)
Known = Annotated[int | None, Query(ge=1, le=LARGEST_ID)]


@dataclass(frozen=True)
class Live:
    """Where an open page asks whether it is still true, and what it was drawn from."""

    address: str
    version: str


NO_ROLE = Live("/access/live", "none")
"""For the page of whoever has no role yet."""


async def live_since(context: HttpContext, bill_id: int | None = None) -> Live:
    """For a page about one bill, or about any number of them; read before what it shows is."""
    version = await newest_actions(context.session, bill_id)
    return Live("/live" if bill_id is None else f"/live?bill={bill_id}", version)


@router.get("/live")
@open_to(Permission.SEE)
async def live(context: Asking, bill: Known = None) -> Response:
    """Nothing but an ETag, which is another one once more was done to the bill, or to any."""
    return still_true(context, await newest_actions(context.session, bill))


def still_true(context: HttpContext, version: str) -> Response:
    """Whether that is what the page was drawn from that asks."""
    tag = f'"{version}"'
    is_known = context.request.headers.get("if-none-match") == tag
    return Response(status_code=304 if is_known else 204, headers={"ETag": tag})
