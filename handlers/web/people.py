"""People, for Finance: who waits for a role, and everybody's role and Slack account."""

from collections.abc import Mapping
from typing import Annotated
from urllib.parse import urlencode

import structlog
from fastapi import APIRouter, Query, Response

from handlers.http.errors import NotByScript
from handlers.http.gate import Asking, HttpContext, PageRoute, open_to
from handlers.http.ids import PathId
from handlers.http.people import change_person
from handlers.web.forms import Form, Typed, shown_again
from handlers.web.live import live_people
from handlers.web.notices import see
from handlers.web.rendering import page
from handlers.wording.formatting import name
from models.actions.access import decline_access
from models.actions.people import PersonEdit, make_way_in
from models.db.names import MOST_KEY
from models.errors import Invalid, NotFound
from models.people.permissions import Permission, Role
from models.people.users import NAME_CHARS, User
from models.queries.people import absent, find_people, get_person, waiting_for_role
from models.text import mixes_alphabets

log = structlog.get_logger()
router = APIRouter(route_class=PageRoute)
PATH = "/people"


@router.get(PATH)
@open_to(Permission.GIVE_ROLES)
async def people(
    context: Asking,
    q: Annotated[str, Query(max_length=NAME_CHARS)] = "",
    after: Annotated[str, Query(max_length=MOST_KEY)] = "",
) -> Response:
    """Everybody by name, a hundred at a time, below those who wait for a role."""
    live = await live_people(context)
    looked_for = q.strip()
    found = await find_people(context.session, looked_for, after)
    waiting = [] if looked_for or after else await waiting_for_role(context.session)
    more = {"q": looked_for, "after": found.after}
    return page(
        context.request,
        "people.html.jinja",
        live=live,
        people=found.people,
        absent=await absent(context.session, found.people, context.today),
        waiting=waiting,
        mixes_alphabets=mixes_alphabets,
        looked_for=looked_for,
        first=f"{PATH}?{urlencode({'q': looked_for})}" if after else None,
        after=f"{PATH}?{urlencode(more)}" if found.after else None,
    )


@router.get(f"{PATH}/{{user_id}}")
@open_to(Permission.GIVE_ROLES)
async def person(context: Asking, user_id: PathId) -> Response:
    """One person, to be changed."""
    return await _draw(context, await _known(context, user_id), Form())


@router.post(f"{PATH}/{{user_id}}")
@open_to(Permission.GIVE_ROLES)
async def change(context: Asking, user_id: PathId, typed: Typed) -> Response:
    """Change role, Slack account and whether somebody may do anything."""
    user = await _known(context, user_id)

    async def again(context: HttpContext, form: Form) -> Response:
        return await _draw(context, user, form)

    async with shown_again(context, typed, again):
        given = {
            "role": _role(typed.get("role", "")),
            "active": "active" in typed,
            "slack_user_id": typed.get("slack_user_id", "").strip() or None,
        }
        user = await change_person(context, user_id, _changed(user, given))
    return see(context.request, PATH, f"{name(user.name)} is changed.")


@router.get(f"{PATH}/{{user_id}}/role")
@open_to(Permission.GIVE_ROLES)
async def asked_for_role(context: Asking, user_id: PathId) -> Response:
    """Which role somebody gets who waits for one, if any; who has one is changed instead."""
    user = await _known(context, user_id)
    if user.role is not None:
        return see(context.request, f"{PATH}/{user.id}")
    return _draw_request(context, user, Form())


@router.post(f"{PATH}/{{user_id}}/link")
@open_to(Permission.GIVE_ROLES, holds_secret=True)
async def make_link(context: Asking, user_id: PathId) -> Response:
    """A one-time link for somebody without Slack. The answer shows it, and nothing does later."""
    if context.device is None:
        raise NotByScript
    user, token = await make_way_in(context.session, user_id, context)
    log.info("Finance made a sign-in link", made_for=user.id, by=context.user.id)
    address = f"{context.services.public_url}/sign-in/{token}"
    return page(context.request, "person_link.html.jinja", person=user, address=address)


@router.post(f"{PATH}/{{user_id}}/role")
@open_to(Permission.GIVE_ROLES)
async def give_role(context: Asking, user_id: PathId, typed: Typed) -> Response:
    """Give a role to somebody who waits for one."""
    user = await _known(context, user_id)

    async def again(context: HttpContext, form: Form) -> Response:
        return _draw_request(context, user, form)

    async with shown_again(context, {"role": "", **typed}, again):
        role = _role(typed.get("role", ""))
        if role is None:
            raise Invalid("Name a role.", "role")
        user = await change_person(context, user_id, PersonEdit({"role": role}))
    return see(context.request, PATH, f"{name(user.name)} is {role} now.")


def _draw_request(context: HttpContext, user: User, form: Form) -> Response:
    roles = [("", "Choose one"), *((role.value, role.value) for role in Role)]
    return page(context.request, "give_role.html.jinja", person=user, form=form, roles=roles)


@router.post(f"{PATH}/{{user_id}}/decline")
@open_to(Permission.GIVE_ROLES)
async def decline(context: Asking, user_id: PathId) -> Response:
    """Give no role to somebody who waits for one; in Slack they are told."""
    user = await decline_access(context.session, user_id, context)
    return see(
        context.request, PATH, f"{name(user.name)} gets no role, and can ask again tomorrow."
    )


async def _known(context: HttpContext, user_id: int) -> User:
    user = await get_person(context.session, user_id)
    if user.is_system:
        raise NotFound("That person is not here.")
    return user


def _role(typed: str) -> Role | None:
    if typed and typed not in set(Role):
        raise Invalid("That is no role.", "role")
    return Role(typed) if typed else None


def _changed(user: User, given: Mapping[str, object]) -> PersonEdit:
    """What of a form is not as it is: who takes a role away does not switch somebody back on."""
    return PersonEdit({key: value for key, value in given.items() if getattr(user, key) != value})


async def _draw(context: HttpContext, user: User, form: Form) -> Response:
    roles = [("", "No role"), *((role.value, role.value) for role in Role)]
    away = await absent(context.session, [user], context.today)
    return page(
        context.request,
        "person.html.jinja",
        person=user,
        is_away=user.id in away,
        delegate=away.get(user.id),
        form=form,
        roles=roles,
    )
