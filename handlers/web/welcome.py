"""Signing in and up, by a password or by a one-time link."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse

from handlers.http.cookies import set_session
from handlers.http.errors import headers_of, status_of
from handlers.http.gate import Access, Caller, Calling, PageRoute, Visiting, open_to
from handlers.http.signing_in import NewSession, sign_in, sign_in_by_link, sign_in_new, sign_up
from handlers.web.forms import Form, Typed, refused_form
from handlers.web.next_page import (
    FIRST,
    forget_next,
    next_page,
    remember_next,
    remembered_next,
)
from handlers.web.notices import NO_OFFER, see
from handlers.web.rendering import page
from handlers.wording.formatting import slash
from models.actions.accounts import nobody_is_here
from models.errors import Invalid, InvalidFields, Refusal
from models.people.passwords import FEWEST_CHARS
from models.people.sign_in_links import whose_link

router = APIRouter(route_class=PageRoute)
OF_PASSWORD = ("/account#password", "Set a password to sign in without a link the next time")
OF_NEW = {"name": "new_name", "email": "email", "password": "new_password"}
"""What the fields of a new account are called beside those of signing in, on one page."""


@router.get("/welcome")
@open_to(Access.ANYBODY)
async def welcome(
    visit: Visiting, asked: Annotated[str, Query(alias="next", max_length=2000)] = ""
) -> Response:
    """Where one signs in or makes an account; whoever is signed in goes on."""
    if visit.user is not None:
        return RedirectResponse(next_page(asked), status_code=303)
    answer = _welcome(visit.request, asked, is_first=await nobody_is_here(visit.session))
    if next_page(asked) != FIRST:
        remember_next(visit.request, answer, asked)
    return answer


@router.post("/welcome/sign-in")
@open_to(Access.ANYBODY, own_transactions=True)
async def sign_in_here(caller: Calling, typed: Typed) -> Response:
    """Sign in, and go on to the page that one came for."""
    asked = typed.get("next", "")
    try:
        if not typed.get("name"):
            raise Invalid("Your name is needed.", "name")
        signed = await sign_in(caller, typed["name"], typed.get("password", ""))
    except Refusal as refused:
        known = {"name": typed.get("name", "")}
        return await _refused(caller, asked, refused, known=refused_form(known, refused))
    return _entered(caller.request, signed, next_page(asked))


@router.post("/welcome/sign-up")
@open_to(Access.ANYBODY, own_transactions=True)
async def sign_up_here(caller: Calling, typed: Typed) -> Response:
    """Make an account, and be signed in to it."""
    asked = typed.get("next", "")
    given = [typed.get(field, "") for field in OF_NEW.values()]
    try:
        signed = await sign_in_new(caller, await sign_up(caller, *given))
    except Refusal as refused:
        return await _refused(caller, asked, refused, new=_refused_account(typed, refused))
    role = f" You are {signed.user.role}." if signed.user.role else ""
    return _entered(caller.request, signed, next_page(asked), f"Your account is made.{role}")


@router.get("/sign-in/{token}")
@open_to(Access.ANYBODY)
async def look_at_link(visit: Visiting, token: str) -> Response:
    """Whom a one-time link signs in. Looking uses nothing up: programs that make previews look."""
    user = await whose_link(visit.session, token, visit.services.now())
    return page(visit.request, "sign_in_link.html.jinja", whom=user, reader=None)


@router.post("/sign-in/{token}")
@open_to(Access.ANYBODY, own_transactions=True)
async def use_link(caller: Calling, token: str) -> Response:
    """Sign in by a one-time link, and go on to the page that one came for before."""
    signed = await sign_in_by_link(caller, token)
    has_password = signed.user.password_digest is not None
    offer = NO_OFFER if has_password else OF_PASSWORD
    path = remembered_next(caller.request)
    return _entered(caller.request, signed, path, "You are signed in.", offer)


def _entered(
    request: Request,
    signed: NewSession,
    path: str,
    told: str = "",
    offer: tuple[str, str] = NO_OFFER,
) -> Response:
    answer = see(request, path, told, offer=offer)
    set_session(request, answer, signed.token, signed.browser)
    forget_next(request, answer)
    return answer


async def _refused(caller: Caller, asked: str, refused: Refusal, **forms: Form) -> Response:
    async with caller.transaction() as session:
        is_first = await nobody_is_here(session)
    answer = _welcome(caller.request, asked, status_of(refused), is_first=is_first, **forms)
    answer.headers.update(headers_of(refused))
    return answer


def _refused_account(typed: Mapping[str, str], refused: Refusal) -> Form:
    """The form of a new account again, without the password, and the refusal beside its field."""
    kept = {field: typed.get(field, "") for field in OF_NEW.values()}
    if isinstance(refused, InvalidFields):
        there = {OF_NEW.get(name, name): told for name, told in refused.faults.items()}
        return refused_form(kept, InvalidFields(there))
    if isinstance(refused, Invalid) and refused.field in OF_NEW:
        named = Invalid(refused.sentence, OF_NEW[refused.field], refused.next_steps)
        return refused_form(kept, named)
    return refused_form(kept, refused)


def _welcome(
    request: Request,
    asked: str,
    status: int = 200,
    *,
    is_first: bool,
    known: Form | None = None,
    new: Form | None = None,
) -> Response:
    """`is_first`: nobody has an account yet."""
    return page(
        request,
        "welcome.html.jinja",
        status,
        next=asked if next_page(asked) == asked else "",
        is_first=is_first,
        known=known or Form(),
        new=new or Form(),
        fewest=FEWEST_CHARS,
        command=slash("bill web"),
        reader=None,
    )
