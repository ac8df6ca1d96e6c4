"""The HTTP side: health, readiness, pages and JSON API, and Slack's signed requests where there is
no socket.
"""

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any, get_args

import structlog
import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from slack_bolt.adapter.starlette.async_handler import to_starlette_response
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.signature import Clock, SignatureVerifier
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from bot.slack.hearing import hear, read_body
from handlers.api.app import PREFIX, add_api
from handlers.api.problems import problem_of
from handlers.http.bodies import whole_body
from handlers.http.errors import Ending, Stalled, TooLarge, headers_of, status_of
from handlers.http.headers import SecurityHeaders
from handlers.http.heads import HeadAsGet
from handlers.http.methods import methods_at
from handlers.http.services import HttpServices
from handlers.web.app import add_pages
from handlers.web.errors import error_page

log = structlog.get_logger()
SMALL = 500
GONE = 499
"""What nobody reads: whoever asked went away before they had asked all of it."""
Reasons = Callable[[], Awaitable[list[str]]]


def make_web_app(reasons: Reasons) -> FastAPI:
    """`/health`: this process is alive. `/ready`: it can do its work, or the `reasons` why not."""
    web = FastAPI(
        title="Countersign", docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False
    )

    @web.get("/health", include_in_schema=False)
    async def health() -> dict[str, str]:
        return {"status": "alive"}

    @web.get("/ready", include_in_schema=False)
    async def ready() -> JSONResponse:
        missing = await reasons()
        body = {"ready": not missing, "reasons": missing}
        return JSONResponse(body, status_code=503 if missing else 200)

    web.add_exception_handler(ClientDisconnect, _gone)
    return web


async def _gone(_: Request, __: Exception) -> Response:
    log.info("A client went away while it asked")
    return Response(status_code=GONE)


def serve_people(web: FastAPI, services: HttpServices) -> None:
    """Answer with pages, and under `/api` with JSON; so too where a request is refused."""
    web.state.services = services
    web.add_middleware(GZipMiddleware, minimum_size=SMALL, compresslevel=6)
    web.add_middleware(SecurityHeaders, is_secure=services.is_secure)
    web.add_middleware(HeadAsGet)
    add_api(web)
    add_pages(web)

    async def refused(request: Request, error: Any) -> Response:
        is_api = request.url.path.startswith(f"{PREFIX}/")
        answer = problem_of(request, error) if is_api else error_page(request, error)
        if answer.status_code == 405:
            answer.headers["Allow"] = methods_at(request)
        return answer

    for kind in get_args(Ending):
        web.add_exception_handler(kind, refused)


def hear_slack(web: FastAPI, bolt: AsyncApp, secret: str, clock: Clock | None = None) -> None:
    """Let Slack's requests in at `/slack/events`, before anything that `web` does by then.

    Nothing of a body is decoded or parsed before its size and its signature are known to be right:
    413 for what is too large, 408 for what does not come to its end, 401 for what Slack did not
    sign with `secret` within five minutes of `clock`, 400 for what is signed and cannot be read.
    """
    verifier = SignatureVerifier(secret, clock or Clock())

    async def events(request: Request) -> Response:
        try:
            body = await whole_body(request)
        except (TooLarge, Stalled) as refused:
            return Response(status_code=status_of(refused), headers=headers_of(refused))
        if not _is_signed(request, body, verifier):
            return Response(status_code=401)
        try:
            said = read_body(body, request.headers.get("content-type", ""))
        except (ValueError, RecursionError) as error:
            log.warning("signed request cannot be read", cause=type(error).__name__)
            return Response(status_code=400)
        return to_starlette_response(await hear(bolt, said, request.headers))

    web.add_middleware(_SlackFirst, hear=events)


class _SlackFirst:
    """Slack goes by all that is done for browsers, which is a tenth of a click."""

    def __init__(self, app: ASGIApp, hear: Callable[[Request], Awaitable[Response]]) -> None:
        self._app = app
        self._hear = hear

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != "/slack/events":
            await self._app(scope, receive, send)
            return
        answer = await self._answer(Request(scope, receive))
        await answer(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        if request.method != "POST":
            return Response(status_code=405, headers={"Allow": "POST"})
        try:
            return await self._hear(request)
        except ClientDisconnect as error:
            return await _gone(request, error)


def _is_signed(request: Request, body: bytes, verifier: SignatureVerifier) -> bool:
    try:
        return verifier.is_valid_request(body, dict(request.headers))
    except (TypeError, ValueError):  # a time, a signature or a body that Slack never writes
        return False


class _Server(uvicorn.Server):
    """Signals are the program's business; `up` is set once requests are accepted."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.up.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class WebServer:
    """Serves `web` on one port."""

    def __init__(
        self, web: FastAPI, host: str, port: int, trusted_proxies: Sequence[str] = ()
    ) -> None:
        """Takes the port at once; OSError if it cannot be had. Port 0 takes a free one.

        Of these proxies, by address or network, it is believed whom they ask for.
        """
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.create_server((host, port), family=family, backlog=2048)
        # Else head and body of an answer are 40 ms apart: asyncio asks for this only where the
        # socket's protocol is named.
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        config = uvicorn.Config(
            web,
            http="httptools",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=bool(trusted_proxies),
            forwarded_allow_ips=list(trusted_proxies),
        )
        self._server = _Server(config)
        self._task: asyncio.Task[None] | None = None

    @property
    def port(self) -> int:
        return int(self._socket.getsockname()[1])

    async def start(self) -> None:
        self._task = asyncio.create_task(self._server.serve([self._socket]), name="web")
        await self._server.up.wait()

    async def stop(self, deadline_s: float) -> None:
        """Accept no more, let requests end, and cut those that do not in time."""
        self._server.config.timeout_graceful_shutdown = max(1, round(deadline_s))
        self._server.should_exit = True
        if self._task is None:
            self._socket.close()
        else:
            await self._task
