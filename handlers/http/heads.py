"""HEAD, answered wherever GET is."""

from starlette.types import ASGIApp, Receive, Scope, Send


class HeadAsGet:
    """Asks for the same by GET; the server sends of the answer its headers alone."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "HEAD":
            scope = {**scope, "method": "GET"}
        await self._app(scope, receive, send)
