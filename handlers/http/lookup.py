"""Where a name leads, asked before something is kept that will be connected to."""

import asyncio
import socket
from collections.abc import Collection
from contextlib import suppress
from ipaddress import ip_address
from urllib.parse import urlsplit

from models.webhooks.addresses import read_address, refuse_private

LOOK_UP_S = 1.0


async def refuse_private_name(address: str, allowed_hosts: Collection[str]) -> None:
    """Refuse an address whose name leads to a private place today.

    A name that is not found, or not soon enough, is for later: each connection asks again.
    """
    host = urlsplit(read_address(address, allowed_hosts)).hostname or ""
    found = []
    with suppress(OSError, UnicodeError, TimeoutError):
        async with asyncio.timeout(LOOK_UP_S):
            loop = asyncio.get_running_loop()
            found = await loop.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    refuse_private(host, {ip_address(one[4][0]) for one in found}, allowed_hosts)
