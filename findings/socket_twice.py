"""A server of Socket Mode that says goodbye once, and counts who comes back."""

import asyncio
import sys
from importlib.metadata import version

from aiohttp import web
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.web.async_client import AsyncWebClient

SETTLED_S = 1.5


async def visits(says_goodbye: bool) -> int:
    """How many connections are opened after the server has ended the first of them."""
    opened: list[web.WebSocketResponse] = []

    async def link(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        opened.append(socket)
        await socket.send_json({"type": "hello"})
        async for _ in socket:
            pass
        return socket

    async def connections_open(request: web.Request) -> web.Response:
        return web.json_response({"ok": True, "url": f"ws://{request.host}/link"})

    app = web.Application()
    app.add_routes(
        [web.get("/link", link), web.post("/api/apps.connections.open", connections_open)]
    )
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0]
    slack = AsyncWebClient(base_url=f"http://{host}:{port}/api/")
    client = SocketModeClient(app_token="xapp-1", web_client=slack)
    await client.connect()
    await asyncio.sleep(SETTLED_S)
    if says_goodbye:
        await opened[0].send_json({"type": "disconnect", "reason": "link_disabled"})
    await opened[0].close()
    await asyncio.sleep(SETTLED_S)
    await client.close()
    await runner.cleanup()
    return len(opened) - 1


async def main() -> int:
    counted = [await visits(says_goodbye=False), await visits(says_goodbye=True)]
    sys.stdout.write(
        f"slack_sdk {version('slack_sdk')}\n"
        f"  closed without a word: {counted[0]}\n"
        f"  told of it, and closed: {counted[1]}\n"
    )
    return int(counted != [1, 2])


sys.exit(asyncio.run(main()))
