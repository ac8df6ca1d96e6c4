"""One's own account: going away, password, devices, tokens for scripts."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta

from fastapi import APIRouter, Response

from handlers.http.errors import NotSignedIn, headers_of, status_of
from handlers.http.gate import Access, Asking, Caller, Calling, HttpContext, PageRoute, open_to
from handlers.http.ids import PathId, read_id
from handlers.http.services import HttpServices
from handlers.http.signing_in import change_password
from handlers.web.forms import Form, Typed, refused_form, shown_again
from handlers.web.notices import see
from handlers.web.rendering import page
from handlers.wording.formatting import day, name
from models.actions.absence import DELEGATE, MOST_DAYS, mark_away, mark_back
from models.actions.accounts import needs_old_password
from models.dates import read_day
from models.db.columns import Session
from models.errors import Invalid, NotFound, Refusal, Unreadable
from models.people.api_tokens import api_tokens_of, make_api_token, revoke_api_token
from models.people.passwords import FEWEST_CHARS
from models.people.permissions import Permission
from models.people.sessions import devices_of, end_device, end_devices
from models.people.stand_ins import stand_ins
from models.people.users import User, find_person
from models.queries.people import absent

router = APIRouter(route_class=PageRoute)
PATH = "/account"


@router.get(PATH)
@open_to(Access.IN_PERSON)
async def account(context: Asking) -> Response:
    """Who one is here, and where one is signed in."""
    return await _account(context)


@router.post(f"{PATH}/away")
@open_to(Permission.GO_AWAY)
async def go_away(context: Asking, typed: Typed) -> Response:
    """Be away up to and including a day; somebody decides in one's place meanwhile."""

    async def again(context: HttpContext, form: Form) -> Response:
        return await _draw(context, context.session, away=form)

    async with shown_again(context, typed, again):
        until = _day(typed.get("until", ""))
        delegate = await _delegate(context, typed.get(DELEGATE, ""))
        await mark_away(context.session, context, until, delegate)
    told = (
        f"You are away up to and including {day(until)}; {name(delegate.name)} decides meanwhile."
    )
    return see(context.request, PATH, told)


def _day(typed: str) -> date:
    try:
        return read_day(typed)
    except Unreadable as refused:
        raise Invalid(f"That {refused.reason}.", "until") from None


async def _delegate(context: HttpContext, typed: str) -> User:
    with suppress(NotFound):
        found = await find_person(context.session, read_id(typed))
        if found is not None:
            return found
    raise Invalid("Choose somebody who may approve bills.", DELEGATE)


@router.post(f"{PATH}/back")
@open_to(Permission.GO_AWAY)
async def come_back(context: Asking) -> Response:
    """Decide oneself again."""
    was_away = await mark_back(context.session, context)
    told = "What needs you comes to you again." if was_away else "You were not away."
    return see(context.request, PATH, told)


@router.post(f"{PATH}/password")
@open_to(Access.IN_PERSON, own_transactions=True)
async def set_another_password(caller: Calling, typed: Typed) -> Response:
    """Set another password, which signs one's other devices out."""
    old, new = typed.get("old_password", ""), typed.get("new_password", "")
    try:
        await change_password(caller, old, new)
    except Refusal as refused:
        form = refused_form({"old_password": "", "new_password": ""}, refused)
        async with caller.transaction() as session:
            answer = await _draw(caller, session, password=form)
        answer.status_code = status_of(refused)
        answer.headers.update(headers_of(refused))
        return answer
    told = "Your password is set. Your other devices are signed out."
    return see(caller.request, PATH, told)


@router.post(f"{PATH}/devices/sign-out")
@open_to(Access.IN_PERSON)
async def sign_others_out(context: Asking) -> Response:
    """Sign out all devices but this one."""
    await end_devices(context.session, context.user.id, keep=context.device)
    return see(context.request, PATH, "Your other devices are signed out.")


@router.post(f"{PATH}/devices/{{device_id}}/sign-out")
@open_to(Access.IN_PERSON)
async def sign_device_out(context: Asking, device_id: PathId) -> Response:
    """Sign out one device."""
    await end_device(context.session, context.user, device_id)
    return see(context.request, PATH, "That device is signed out.")


@router.post(f"{PATH}/tokens")
@open_to(Access.IN_PERSON, holds_secret=True)
async def make_token(context: Asking, typed: Typed) -> Response:
    """Make a token for a script, and show it this once."""
    async with shown_again(context, typed, _account):
        name = typed.get("name", "")
        made, token = await make_api_token(context.session, context.user, name, context.now)
    return await _draw(context, context.session, made=(made.name, token))


@router.post(f"{PATH}/tokens/{{token_id}}/revoke")
@open_to(Access.IN_PERSON)
async def revoke_token(context: Asking, token_id: PathId) -> Response:
    """Revoke one token."""
    await revoke_api_token(context.session, context.user, token_id)
    return see(context.request, PATH, "That token is revoked.")


async def _account(context: HttpContext, form: Form | None = None) -> Response:
    return await _draw(context, context.session, token=form or Form())


async def _draw(
    asked: HttpContext | Caller,
    session: Session,
    *,
    password: Form | None = None,
    token: Form | None = None,
    away: Form | None = None,
    made: tuple[str, str] | None = None,
) -> Response:
    """`made`: the name and the text of a token that was made just now."""
    user, device, now = asked.user, asked.device, asked.services.now()
    if user is None or device is None:
        raise NotSignedIn
    return page(
        asked.request,
        "account.html.jinja",
        user=user,
        device=device,
        devices=await devices_of(session, user, now),
        tokens=await api_tokens_of(session, user),
        asks_old=needs_old_password(user, device, now),
        fewest=FEWEST_CHARS,
        password=password or Form(),
        token=token or Form(),
        made=made,
        now=now,
        absence=await _absence(session, user, _today(asked.services), away or Form()),
    )


@dataclass(frozen=True)
class Absence:
    """`delegate`: who decides meanwhile, if anybody does. `choices`: whom one may name."""

    form: Form
    is_away: bool
    delegate: User | None
    choices: Sequence[tuple[str, str]]
    first: date
    last: date


def _today(services: HttpServices) -> date:
    return services.now().astimezone(services.billing.zone).date()


async def _absence(session: Session, user: User, today: date, form: Form) -> Absence | None:
    """None for whoever decides on nothing."""
    if not user.can(Permission.GO_AWAY):
        return None
    away = await absent(session, [user], today)
    choices = [(str(one.id), name(one.name)) for one in await stand_ins(session, user, today)]
    last = today + timedelta(days=MOST_DAYS)
    return Absence(form, user.id in away, away.get(user.id), choices, today, last)
