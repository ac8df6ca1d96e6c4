"""Signing in and out, the devices that somebody is signed in on, and their password."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field, SecretStr

from handlers.api.fields import Asked
from handlers.api.users import LONGEST_PASSWORD, Person, person_of
from handlers.http.cookies import forget_session, set_session
from handlers.http.csv_files import AS_CSV, csv_list
from handlers.http.gate import Access, ApiRoute, Asking, Calling, HttpContext, open_to
from handlers.http.ids import PathId
from handlers.http.signing_in import change_password, sign_in
from models.people.sessions import devices_of, end_device, end_devices, end_session

router = APIRouter(route_class=ApiRoute)
Typed = Annotated[SecretStr, Field(max_length=LONGEST_PASSWORD)]


class Credentials(Asked):
    name: Annotated[str, Field(max_length=LONGEST_PASSWORD)]
    password: Typed


class SignedIn(BaseModel):
    """`token` also works as `Authorization: Bearer TOKEN`."""

    token: str
    user: Person


class Device(BaseModel):
    """A device that somebody is signed in on; `current`: the one that asks."""

    id: int
    label: str
    current: bool
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime


class NewPassword(Asked):
    """`old_password` is not needed by whoever has none, nor for an hour after a one-time link."""

    old_password: Typed = SecretStr("")
    new_password: Annotated[SecretStr, Field(min_length=12, max_length=LONGEST_PASSWORD)]


@router.post("/session", status_code=201, responses={401: {}, 429: {}})
@open_to(Access.ANYBODY, own_transactions=True)
async def sign_in_by_password(caller: Calling, given: Credentials, response: Response) -> SignedIn:
    """Sign in on a new device: the answer has its token, and sets it as a cookie."""
    signed = await sign_in(caller, given.name, given.password.get_secret_value())
    set_session(caller.request, response, signed.token, signed.browser)
    return SignedIn(token=signed.token, user=person_of(signed.user))


@router.get("/session")
@open_to(Access.SIGNED_IN)
async def who_asks(context: Asking) -> Person:
    """Whoever is signed in."""
    return person_of(context.user)


@router.delete("/session", status_code=204)
@open_to(Access.IN_PERSON)
async def sign_out(context: Asking, response: Response) -> None:
    """End the session that this request came by."""
    assert context.device is not None
    await end_session(context.session, context.device)
    forget_session(context.request, response)


@router.get("/sessions")
@open_to(Access.SIGNED_IN)
async def devices(context: Asking) -> list[Device]:
    """The devices that one is signed in on, the last used first."""
    return [one async for one in _devices(context)]


@router.get("/sessions.csv", response_class=StreamingResponse, responses=AS_CSV)
@open_to(Access.SIGNED_IN)
async def devices_as_csv(context: Asking) -> StreamingResponse:
    """The same as CSV."""
    return await csv_list("sessions", Device, _devices(context))


async def _devices(context: HttpContext) -> AsyncIterator[Device]:
    current = context.device.id if context.device else None
    for one in await devices_of(context.session, context.user, context.now):
        yield Device(
            id=one.id,
            label=one.label,
            current=one.id == current,
            created_at=one.created_at,
            last_seen_at=one.last_seen_at,
            expires_at=one.expires_at,
        )


@router.delete("/sessions/{device_id}", status_code=204)
@open_to(Access.IN_PERSON)
async def sign_device_out(context: Asking, device_id: PathId) -> None:
    """Sign out one of one's own devices."""
    await end_device(context.session, context.user, device_id)


@router.delete("/sessions", status_code=204)
@open_to(Access.IN_PERSON)
async def sign_others_out(context: Asking) -> None:
    """Sign out all of one's devices but the one that asks."""
    await end_devices(context.session, context.user.id, keep=context.device)


@router.put("/password", status_code=204, responses={429: {}})
@open_to(Access.IN_PERSON, own_transactions=True)
async def set_another(caller: Calling, given: NewPassword) -> None:
    """Set another password, which signs one's other devices out."""
    await change_password(
        caller, given.old_password.get_secret_value(), given.new_password.get_secret_value()
    )
