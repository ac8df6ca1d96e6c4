"""What the machine that the program runs on has to give: room, and a way in from outside."""

import shutil
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp

from bot.what_to_do import WHAT_TO_DO
from handlers.wording.health_text import Check, Standing, good

MIB = 1024 * 1024
LITTLE_ROOM, NO_ROOM = 2048 * MIB, 256 * MIB
MAKE_ROOM = "Make room, or move COUNTERSIGN_DATA, or the database, to where there is some."
NOT_REACHED = (
    "If people reach it, it is only this machine that cannot. Else start countersign serve, and "
    "have that address lead to it."
)
ALIVE = {"status": "alive"}


async def disk_check(data: Path) -> list[Check]:
    """Whether the embedded database's files have room to grow."""
    left = shutil.disk_usage(data).free
    told = f"{left // MIB:,} MB are left where the embedded database keeps its files."
    if left >= LITTLE_ROOM:
        return [good("Disk", told)]
    standing = Standing.BAD if left < NO_ROOM else Standing.WAIT
    return [Check("Disk", standing, told, MAKE_ROOM)]


async def address_check(public_url: str | None) -> list[Check]:
    """Whether the pages are where links lead to."""
    if public_url is None:
        told = "Links in Slack and in mail lead to this machine alone."
        return [Check("Address", Standing.WAIT, told, f"PUBLIC_URL: {WHAT_TO_DO['PUBLIC_URL']}")]
    try:
        answer = await _health_at(public_url)
    except (aiohttp.ClientError, TimeoutError, OSError, UnicodeError) as error:
        told = f"PUBLIC_URL cannot be reached from here ({type(error).__name__})."
        return [Check("Address", Standing.WAIT, told, NOT_REACHED)]
    if answer != ALIVE:
        told = "Something else than Countersign answers at PUBLIC_URL."
        return [Check("Address", Standing.WAIT, told, NOT_REACHED)]
    return [_encrypted(public_url)]


async def _health_at(public_url: str) -> object:
    """What is answered there; None for what is no JSON."""
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{public_url}/health", allow_redirects=False) as answer,
    ):
        try:
            return await answer.json() if answer.status == 200 else None
        except (ValueError, aiohttp.ContentTypeError):
            return None


def _encrypted(public_url: str) -> Check:
    parts = urlsplit(public_url)
    if parts.scheme == "https" or parts.hostname in ("localhost", "127.0.0.1", "::1"):
        return good("Address", "The pages are where links lead to.")
    told = "The pages are where links lead to, and anybody on the way can read along."
    return Check("Address", Standing.WAIT, told, "Put a proxy with https:// before them.")
