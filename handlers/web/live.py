"""What open pages ask every second or two: whether they are still true."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Response

from handlers.http.gate import Asking, HttpContext, PageRoute, open_to
from handlers.http.ids import LARGEST_ID, PathId
from models.people.permissions import Permission
from models.period import Period
from models.queries.newest import newest_actions, state_of_customer, state_of_people
from models.queries.sources import state_of_sources
from models.webhooks.reading import state_of_delivery, state_of_webhooks

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


async def live_customer(context: HttpContext, customer_id: int) -> Live:
    """For the page of a customer: usage is that of the last two years."""
    since = Period.of(context.today).plus(-24).first_day
    version = await state_of_customer(context.session, customer_id, since)
    return Live(f"/live/customers/{customer_id}", version)


@router.get("/live/customers/{customer_id}")
@open_to(Permission.SEE)
async def customer(context: Asking, customer_id: PathId) -> Response:
    """Another tag once anything about the customer has changed."""
    return still_true(context, (await live_customer(context, customer_id)).version)


async def live_people(context: HttpContext) -> Live:
    return Live("/live/people", await state_of_people(context.session))


@router.get("/live/people")
@open_to(Permission.GIVE_ROLES)
async def people(context: Asking) -> Response:
    """Another tag once anybody asked for a role, got one, went away or came back."""
    return still_true(context, (await live_people(context)).version)


async def live_sources(context: HttpContext) -> Live:
    return Live("/live/sources", await state_of_sources(context.session))


@router.get("/live/sources")
@open_to(Permission.KEEP_BOOKS)
async def sources(context: Asking) -> Response:
    """Another tag once a source is changed, asked, or has answered."""
    return still_true(context, (await live_sources(context)).version)


async def live_webhooks(context: HttpContext, webhook_id: int | None = None) -> Live:
    version = await state_of_webhooks(context.session, webhook_id)
    return Live(f"/live/webhooks?webhook={webhook_id}" if webhook_id else "/live/webhooks", version)


@router.get("/live/webhooks")
@open_to(Permission.KEEP_WEBHOOKS)
async def webhooks(context: Asking, webhook: Known = None) -> Response:
    """Another tag once a webhook has changed or, of one, a delivery."""
    return still_true(context, (await live_webhooks(context, webhook)).version)


async def live_delivery(context: HttpContext, delivery_id: int) -> Live:
    version = await state_of_delivery(context.session, delivery_id)
    return Live(f"/live/deliveries/{delivery_id}", version)


@router.get("/live/deliveries/{delivery_id}")
@open_to(Permission.KEEP_WEBHOOKS)
async def delivery(context: Asking, delivery_id: PathId) -> Response:
    """Another tag once the delivery was tried."""
    return still_true(context, (await live_delivery(context, delivery_id)).version)


def live_health(now: datetime) -> Live:
    """All of it is looked at anew every minute: what is amiss leaves no trace to ask for."""
    return Live("/live/health", f"{now:%Y%m%d%H%M}")


@router.get("/live/health")
@open_to(Permission.SEE_SETTINGS)
async def health(context: Asking) -> Response:
    """Another tag every minute."""
    return still_true(context, live_health(context.now).version)


def still_true(context: HttpContext, version: str) -> Response:
    """Whether that is what the page was drawn from that asks."""
    tag = f'"{version}"'
    is_known = context.request.headers.get("if-none-match") == tag
    return Response(status_code=304 if is_known else 204, headers={"ETag": tag})
