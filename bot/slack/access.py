"""What Slack says of the bot itself: who it is, what it may do, where it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime

from bot.slack.client import SlackClient, ask_slack, response_to

SCOPES = frozenset(
    {
        "app_mentions:read",
        "channels:history",
        "channels:read",
        "chat:write",
        "commands",
        "files:read",
        "files:write",
        "groups:history",
        "groups:read",
        "im:history",
        "im:write",
        "users:read",
        "users:read.email",
    }
)
"""What `manifest.yml` asks for."""

PAGE_CHANNELS = 999
MOST_PAGES = 50


@dataclass(frozen=True)
class TokenAccess:
    """What the bot's token gives, as far as Slack told: its scopes, and the time on its clock."""

    scopes: frozenset[str] | None
    clock: datetime | None


async def find_access(slack: SlackClient) -> TokenAccess:
    """Raises SlackError where the token lets nobody in, or Slack does not answer."""
    answer = await response_to(slack.asking.auth_test())
    heads = {name.lower(): value for name, value in answer.headers.items()}
    told = heads.get("x-oauth-scopes")
    scopes = None if told is None else frozenset(one.strip() for one in told.split(","))
    return TokenAccess(scopes, _read_clock(heads))


def _read_clock(heads: Mapping[str, str]) -> datetime | None:
    try:
        return parsedate_to_datetime(heads["date"])
    except (KeyError, ValueError):
        return None


async def joined_channels(slack: SlackClient) -> dict[str, bool]:
    """The channels that the bot is in, by id, and whether each is archived."""
    found: dict[str, bool] = {}
    cursor: str | None = None
    for _ in range(MOST_PAGES):
        page = await ask_slack(
            slack.asking.users_conversations(
                types="public_channel,private_channel", limit=PAGE_CHANNELS, cursor=cursor
            )
        )
        found |= {one["id"]: bool(one.get("is_archived")) for one in page["channels"]}
        cursor = page.get("response_metadata", {}).get("next_cursor")
        if not cursor:
            break
    return found
