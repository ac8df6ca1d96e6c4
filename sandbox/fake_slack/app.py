"""A sandbox behind its ports: every route put together, and the servers that listen."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from sandbox.fake_slack.api.downloads import Downloads
from sandbox.fake_slack.api.front_door import SlackApi
from sandbox.fake_slack.api.response_urls import ResponseUrlApi
from sandbox.fake_slack.control import control_routes
from sandbox.fake_slack.page_api import PageApi
from sandbox.fake_slack.sandbox import Sandbox

_LARGEST_BODY = 100_000_000


@asynccontextmanager
async def serve(
    sandbox: Sandbox, *, host: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[Sandbox]:
    """The sandbox with its ports open, for as long as the block lasts. With port 0 a free one is
    chosen; `base_url` names it. Raises OSError for a port that cannot be had."""
    page = PageApi(sandbox)
    runner = web.AppRunner(_application(sandbox, page), access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        sandbox.base_url = f"http://{host}:{runner.addresses[0][1]}"
        await sandbox.smtp.start(host)
        yield sandbox
    finally:
        await sandbox.stop()
        page.stop()
        await runner.cleanup()


def _application(sandbox: Sandbox, page: PageApi) -> web.Application:
    application = web.Application(client_max_size=_LARGEST_BODY)
    for routes in (
        SlackApi(sandbox.slack, sandbox.rates, sandbox.faults).routes(),
        sandbox.sockets.routes(),
        ResponseUrlApi(sandbox.slack, sandbox.faults).routes(),
        Downloads(sandbox.slack).routes(),
        control_routes(sandbox),
        page.routes(),
    ):
        application.add_routes(routes)
    return application
