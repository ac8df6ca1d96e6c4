"""Asks slack_sdk to post one message, to a server that takes it and hangs up before it answers."""

import asyncio
import os
import sys

import aiohttp
from slack_sdk.version import __version__
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

os.environ.pop("HTTP_PROXY", None)
os.environ.pop("HTTPS_PROXY", None)
taken = 0


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


async def take_and_hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Read one request to its end, count it, and cut the connection."""
    global taken  # noqa: PLW0603
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
    await reader.readexactly(length)
    taken += 1
    writer.transport.abort()


async def posts(url: str, how: str) -> int:
    """How many messages one call leaves behind."""
    global taken  # noqa: PLW0603
    taken = 0
    none = {"retry_handlers": []} if how.endswith("none") else {}
    try:
        if how.startswith("method"):
            client = AsyncWebClient(token="xoxb-1", base_url=f"{url}/api/", **none)
            await client.chat_postMessage(channel="C1", text="once?")
        else:
            await AsyncWebhookClient(f"{url}/response/1", **none).send(text="once?")
    except (aiohttp.ClientError, OSError) as error:
        say(f"  {how}: raises {type(error).__name__} in the end")
    return taken


async def main() -> int:
    server = await asyncio.start_server(take_and_hang_up, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    url = f"http://{host}:{port}"
    expected = {"method, default": 2, "method, none": 1, "address, default": 2, "address, none": 1}
    found = {how: await posts(url, how) for how in expected}
    server.close()
    say(f"slack_sdk {__version__}, aiohttp {aiohttp.__version__}; messages after one call:")
    for how, count in found.items():
        say(f"  {how}: {count}")
    if found == expected:
        return 0
    say(f"That is not what was found before: {expected}")
    return 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
