"""One request of the browser side: who asks, whether they may, its transaction, its answer.

The answer follows the commit, and a refusal rolls back. Each route says who may ask, by `open_to`;
one that does not cannot be added. What a role may not do is refused before anything is read of
what was asked, so that a refusal tells nothing of what there is.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass
from enum import Enum, auto
from functools import partial
from typing import Annotated, Any, TypeVar

import structlog
from fastapi import Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from handlers.http.bodies import whole_body
from handlers.http.clean_request import CleanRequest
from handlers.http.content_types import refuse_charset, refuse_other_kind
from handlers.http.cookies import bearer_token, session_token
from handlers.http.errors import NotByScript, NotSignedIn, Unforeseen
from handlers.http.faults import NAMED_TWICE, UNKNOWN_NAME
from handlers.http.ids import refuse_unknown
from handlers.http.names import names_known
from handlers.http.once import Key, answered, keep, key_of_form, key_of_request
from handlers.http.refused import follow_refusal
from handlers.http.same_site import refuse_foreign
from handlers.http.services import HttpServices, services_of
from handlers.request_log import with_reference
from models.context import Context, Source
from models.db.columns import Session
from models.db.database import Database
from models.db.locks import busy_after_waiting
from models.errors import Invalid, Refusal, TooSlow
from models.people.api_tokens import find_api_token
from models.people.permissions import Permission
from models.people.secret_tokens import TokenKind
from models.people.sessions import WebSession, find_session
from models.people.users import User, person_ref
from models.people.who_can import require

log = structlog.get_logger()


class Access(Enum):
    """Who may ask, where no permission is needed."""

    ANYBODY = auto()
    SIGNED_IN = auto()
    IN_PERSON = auto()
    """Whoever is signed in themselves, not a script by a token."""


Rule = Permission | Access
Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])
Answering = Callable[[Request], Awaitable[Response]]
Opened = Callable[[Database], AbstractAsyncContextManager[Session]]


def open_to(
    rule: Rule, *, own_transactions: bool = False, holds_secret: bool = False
) -> Callable[[Endpoint], Endpoint]:
    """Say who may ask for what this endpoint answers.

    `own_transactions`: it takes a `Calling` and opens them itself, since it does slow things
    between them that must not hold a connection. `holds_secret`: its answer is kept nowhere.
    """

    def marked(endpoint: Endpoint) -> Endpoint:
        endpoint.open_to = rule  # type: ignore[attr-defined]
        endpoint.own_transactions = own_transactions  # type: ignore[attr-defined]
        endpoint.holds_secret = holds_secret  # type: ignore[attr-defined]
        return endpoint

    return marked


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Whoever asks, as they were found. `device` None: nobody is signed in, or a script asks by a
    token of its own.
    """

    services: HttpServices
    request: Request
    source: Source
    user: User | None
    device: WebSession | None

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Session]:
        """One of the endpoint's own; refuses as Busy what somebody else is in the way of."""
        with busy_after_waiting():
            async with self.services.db.transaction() as session:
                yield session


@dataclass(frozen=True, kw_only=True)
class Visit(Caller):
    """A request inside its transaction, of whoever it may be."""

    session: Session


@dataclass(frozen=True, kw_only=True)
class HttpContext(Context):
    """A request inside its transaction, of somebody who is signed in."""

    services: HttpServices
    session: Session
    request: Request
    device: WebSession | None


def _caller(request: Request) -> Caller:
    caller: Caller = request.state.caller
    return caller


def _visit(request: Request) -> Visit:
    visit: Visit = request.state.visit
    return visit


def _context(visit: Annotated[Visit, Depends(_visit)]) -> HttpContext:
    if visit.user is None:
        raise NotSignedIn
    return HttpContext(
        user=visit.user,
        now=visit.services.now(),
        source=visit.source,
        settings=visit.services.billing,
        services=visit.services,
        session=visit.session,
        request=visit.request,
        device=visit.device,
    )


class AnsweredLater(Exception):
    """What was begun is rolled back; `meanwhile` is done, in transactions of its own, and then
    `draw` answers in another.
    """

    def __init__(
        self,
        meanwhile: Callable[[], Awaitable[None]],
        draw: Callable[[HttpContext], Awaitable[Response]],
    ) -> None:
        super().__init__()
        self.meanwhile = meanwhile
        self.draw = draw


Calling = Annotated[Caller, Depends(_caller)]
Visiting = Annotated[Visit, Depends(_visit)]
Asking = Annotated[HttpContext, Depends(_context)]


class GatedRoute(APIRoute):
    """A route through the gate, for one medium."""

    source: Source

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, endpoint, **options)
        if not hasattr(endpoint, "open_to"):
            raise TypeError(f"{endpoint.__name__} does not say whom it is open to")
        self.rule: Rule = endpoint.open_to
        self.own_transactions: bool = getattr(endpoint, "own_transactions", False)
        self.holds_secret: bool = getattr(endpoint, "holds_secret", False)

    def get_route_handler(self) -> Any:
        inner = self.strictly(super().get_route_handler())

        async def handle(asked: Request) -> Response:
            with with_reference() as reference:
                return await self._answer(asked, inner, reference)

        return handle

    async def _answer(self, asked: Request, inner: Any, reference: str) -> Response:
        request = CleanRequest(asked.scope, asked.receive)
        try:
            return await self.let_through(request, inner)
        except Refusal as refused:
            if isinstance(refused, TooSlow):
                log.warning("A request took too long", route=self.path)
            await follow_refusal(request, refused, self.source)
            raise
        except (HTTPException, RequestValidationError, ClientDisconnect):
            raise
        except Exception as error:
            log.exception("A request failed", reference=reference, route=self.path)
            raise Unforeseen(reference) from error

    def passes_over_unknown(self) -> bool:
        return False

    def strictly(self, inner: Answering) -> Answering:
        """`inner`, refusing names in the query that it does not know, or reads twice: a filter that
        is misspelt does not answer everything, nor one of two that contradict each other half.
        """

        async def answer(request: Request) -> Response:
            looks = request.query_params and not self.passes_over_unknown()
            if looks and (faults := _faults_of_query(request)):
                raise RequestValidationError(faults)
            return await inner(request)

        return answer

    async def let_through(self, request: Request, inner: Answering) -> Response:
        """The answer of `inner`, which has the body whole, inside of a short transaction."""
        self.refuse_elsewhere(request)
        # Before a connection is taken, so that nobody who writes slowly keeps one.
        request._body = await whole_body(request)
        if self.own_transactions:
            return await self._without_transaction(request, inner)
        return await self.answer(request, self.once(inner))

    def once(self, inner: Answering) -> Answering:
        """The same, where what comes again by its key is not done again."""
        return inner

    def refuse_elsewhere(self, request: Request) -> None:
        """Refuse what another site's page sent in the name of whoever is signed in here."""
        if self.source is Source.WEB or bearer_token(request) is None:
            refuse_foreign(request)

    async def answer(
        self, request: Request, inner: Answering, opened: Opened = Database.transaction
    ) -> Response:
        """The answer of `inner` inside of a transaction, `opened` on the database."""
        try:
            return await self._in_transaction(request, inner, opened)
        except AnsweredLater as later:
            meanwhile, draw = later.meanwhile, later.draw
        await meanwhile()

        async def drawn(request: Request) -> Response:
            return await draw(_context(request.state.visit))

        return await self._in_transaction(request, drawn, Database.transaction)

    async def _without_transaction(self, request: Request, inner: Answering) -> Response:
        services = services_of(request)
        with busy_after_waiting():
            async with services.db.transaction() as session:
                user, device = await _whoever_may(request, session, self.rule)
        caller = Caller(
            services=services, request=request, source=self.source, user=user, device=device
        )
        request.state.caller = caller
        return await _read(request, inner, caller.transaction)

    async def _in_transaction(self, request: Request, inner: Answering, opened: Opened) -> Response:
        services = services_of(request)
        with busy_after_waiting():
            async with opened(services.db) as session:
                user, device = await _whoever_may(request, session, self.rule)
                request.state.visit = Visit(
                    services=services,
                    session=session,
                    request=request,
                    source=self.source,
                    user=user,
                    device=device,
                )
                return await _read(request, inner, lambda: nullcontext(session))


class KeyedRoute(GatedRoute):
    """A route where what comes again by its key is done once."""

    async def key(self, visit: Visit, user: User) -> Key | None:
        """The key that the request came with, if any."""
        raise NotImplementedError

    def once(self, inner: Answering) -> Answering:
        if self.own_transactions or self.rule is Access.ANYBODY:
            return inner
        return partial(self._once, inner)

    async def _once(self, inner: Answering, request: Request) -> Response:
        visit: Visit = request.state.visit
        key = await self.key(visit, visit.user) if visit.user else None
        if key is None:
            return await inner(request)
        before = await answered(visit.session, request, key)
        if before is not None:
            return before
        response = await inner(request)
        await keep(visit.session, key, response)
        return response


class ApiRoute(KeyedRoute):
    source = Source.API

    async def key(self, visit: Visit, user: User) -> Key | None:
        return await key_of_request(
            visit.session, visit.request, user, holds_secret=self.holds_secret
        )


class PageRoute(KeyedRoute):
    source = Source.WEB

    async def key(self, visit: Visit, user: User) -> Key | None:
        return await key_of_form(visit.request, user, holds_secret=self.holds_secret)

    def passes_over_unknown(self) -> bool:
        """Where there are no filters: links from elsewhere bring along what they like."""
        return not self.dependant.query_params or self.rule is Access.ANYBODY


def _faults_of_query(request: Request) -> list[dict[str, Any]]:
    known, asked = names_known(request)["query"], request.query_params
    kinds = {name: UNKNOWN_NAME for name in asked if name not in known} or {
        name: NAMED_TWICE for name in asked if len(asked.getlist(name)) > 1
    }
    return [
        {"type": kind, "loc": ("query", name), "msg": "", "input": None}
        for name, kind in kinds.items()
    ]


async def _read(
    request: Request,
    inner: Answering,
    looking: Callable[[], AbstractAsyncContextManager[Session]],
) -> Response:
    """What the route answers. Of what cannot be read, that it is about nothing is said first."""
    try:
        refuse_charset(request)
        return await inner(request)
    except (RequestValidationError, HTTPException) as refused:
        if isinstance(refused, HTTPException) and refused.status_code not in (400, 415):
            raise
        async with looking() as session:
            await refuse_unknown(session, request.path_params)
        if isinstance(refused, RequestValidationError):
            refuse_other_kind(refused)
            raise
        if refused.status_code == 415:
            raise
        raise Invalid("The body is not JSON that can be read.", "body") from refused


async def _whoever_may(
    request: Request, session: Session, rule: Rule
) -> tuple[User | None, WebSession | None]:
    user, device = await _whoever_asks(request, session)
    request.state.reader = person_ref(user) if user else None
    await _check(session, user, device, rule)
    return user, device


async def _whoever_asks(
    request: Request, session: Session
) -> tuple[User | None, WebSession | None]:
    token = bearer_token(request) or session_token(request)
    if not token:
        return None, None
    now = services_of(request).now()
    if token.startswith(TokenKind.SCRIPT):
        return await find_api_token(session, token, now), None
    return await find_session(session, token, now) or (None, None)


async def _check(
    session: Session, user: User | None, device: WebSession | None, rule: Rule
) -> None:
    if rule is Access.ANYBODY:
        return
    if user is None:
        raise NotSignedIn
    if rule is Access.IN_PERSON and device is None:
        raise NotByScript
    if isinstance(rule, Permission):
        await require(session, user, rule)
