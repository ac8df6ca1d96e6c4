"""Files that people give the bot in a dialog, brought from Slack."""

from typing import Any

import aiohttp
import structlog
from yarl import URL

from bot.slack.client import CONNECT_S, SlackClient, SlackError, ask_slack
from handlers.slack.answers import NotBrought, SlackFile
from handlers.wording.formatting import number

log = structlog.get_logger()
BRING_S, SILENT_S = 60.0, 10.0
CHUNK_BYTES = 1 << 16
SLACKS_FILES = URL("https://files.slack.com")
_SIGN_IN = "text/html"
_GONE = frozenset({"file_not_found", "file_deleted"})

GONE = "Slack does not have that file any more. Choose it again."
ELSEWHERE = "That file is not kept in Slack itself. Choose one from your computer."
NO_SCOPE = (
    "Slack does not let Countersign read files: the app lacks the scope files:read. Whoever looks "
    "after Countersign has to install it again, with its new manifest."
)
NO_ANSWER = "Slack did not hand over that file just now. Please try again."


async def bring_file(slack: SlackClient, file_id: str, most_bytes: int) -> SlackFile:
    """A file by its id, of at most so many bytes. Raises NotBrought.

    The token goes to the Web API and to Slack's files alone, over an address that the Web API has
    told and that leads nowhere else: neither by what a payload says nor by a redirect.
    """
    told = await _told(slack, file_id)
    if told.get("is_external") or told.get("mode") == "external":
        raise NotBrought(ELSEWHERE)
    if int(told.get("size") or 0) > most_bytes:
        raise NotBrought(_too_large(most_bytes))
    address = _address(told)
    if address is None or not _is_slacks(address, slack.base_url):
        log.warning("a file of Slack's stands at a foreign address", host=address and address.host)
        raise NotBrought(ELSEWHERE)
    return SlackFile(str(told.get("name") or ""), await _content(slack, address, most_bytes))


async def _told(slack: SlackClient, file_id: str) -> dict[str, Any]:
    try:
        answer = await ask_slack(slack.asking.files_info(file=file_id))
    except SlackError as trouble:
        if trouble.code in _GONE:
            raise NotBrought(GONE) from None
        raise NotBrought(NO_SCOPE if trouble.code == "missing_scope" else NO_ANSWER) from trouble
    file: dict[str, Any] = answer["file"]
    return file


def _address(told: dict[str, Any]) -> URL | None:
    try:
        return URL(str(told.get("url_private_download") or told.get("url_private") or ""))
    except ValueError:
        return None


def _is_slacks(address: URL, base_url: str) -> bool:
    """Whether it is the Web API's own scheme, host and port, or that of Slack's files."""
    hosts = {URL(base_url).origin(), SLACKS_FILES.origin()}
    is_whole = bool(address.scheme and address.host)
    return is_whole and address.origin() in hosts


async def _content(slack: SlackClient, address: URL, most_bytes: int) -> bytes:
    limits = aiohttp.ClientTimeout(total=BRING_S, connect=CONNECT_S, sock_read=SILENT_S)
    asking = slack.session.get(
        address,
        headers={"Authorization": f"Bearer {slack.token}"},
        allow_redirects=False,
        timeout=limits,
    )
    try:
        async with asking as answer:
            _refuse_no_file(answer)
            content = bytearray()
            async for chunk in answer.content.iter_chunked(CHUNK_BYTES):
                content += chunk
                if len(content) > most_bytes:
                    raise NotBrought(_too_large(most_bytes))
    except (aiohttp.ClientError, TimeoutError) as error:
        log.warning("a file was not brought", cause=type(error).__name__)
        raise NotBrought(NO_ANSWER) from None
    return bytes(content)


def _refuse_no_file(answer: aiohttp.ClientResponse) -> None:
    """Whoever may not read a file is sent to a page where people sign in."""
    if answer.status in (404, 410):
        raise NotBrought(GONE)
    if 300 <= answer.status < 400 or answer.content_type == _SIGN_IN:
        raise NotBrought(NO_SCOPE)
    if answer.status != 200:
        raise NotBrought(NO_ANSWER)


def _too_large(most_bytes: int) -> str:
    return f"That file is too large: at most {number(most_bytes // 1_000_000)} MB are taken."
