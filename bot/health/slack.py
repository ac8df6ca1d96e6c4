"""Whether Slack lets the bot do what it is there for."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from bot.health.clock import clock_check
from bot.slack.access import SCOPES, TokenAccess, find_access, joined_channels
from bot.slack.client import SlackClient, SlackError
from bot.slack.socket_mode import Socket
from bot.what_to_do import WHAT_TO_DO
from handlers.wording.formatting import listing
from handlers.wording.health_text import Check, Standing, good

NAMED = 5
INSTALL_AGAIN = (
    "Put the scopes of manifest.yml into the app's manifest on api.slack.com, and install it again."
)
UNTOLD = "Mend what is said of Slack and of scopes, then look again."
UNREAD = "Those of customers were not looked at: the database does not tell them."
NO_DATABASE = "Mend what is said of the database, then look again."
INVITE = "Unarchive the channel or invite the bot to it, or name another one."


class SlackChecks:
    """Asks Slack itself."""

    def __init__(
        self, slack: SlackClient, *, socket: Socket | None = None, app_token: str | None = None
    ) -> None:
        """`socket`: the one that is kept up; `app_token`: where there is none, the token that is to
        open one.
        """
        self._slack, self._socket, self._app_token = slack, socket, app_token

    async def __call__(self) -> list[Check]:
        asked_at = datetime.now(UTC)
        try:
            access = await find_access(self._slack)
        except SlackError as trouble:
            return [_turned_away(trouble, "SLACK_BOT_TOKEN")]
        answered_at = datetime.now(UTC)
        return [
            await self._way_in(),
            _scopes(access),
            *clock_check("Slack", access.clock, asked_at, answered_at),
        ]

    async def _way_in(self) -> Check:
        if self._socket is not None and not await self._socket.is_connected():
            told = "Slack answers, and there is no socket: nothing that people do there arrives."
            return Check("Slack", Standing.BAD, told, WHAT_TO_DO["SLACK_APP_TOKEN"])
        if self._app_token is not None:
            try:
                await self._slack.check_app_token(self._app_token)
            except SlackError as trouble:
                return _turned_away(trouble, "SLACK_APP_TOKEN")
        return good("Slack", "Slack answers and knows the bot.")


@dataclass(frozen=True)
class ChannelsInUse:
    """What is posted in: the ids of channels, each with what uses it; `is_whole`: all are known."""

    used: Mapping[str, str]
    is_whole: bool = True


async def channels_check(
    slack: SlackClient, channels_in_use: Callable[[], Awaitable[ChannelsInUse]]
) -> list[Check]:
    """Whether what is posted arrives."""
    known = await channels_in_use()
    used = known.used
    if not used:
        none = good("Channels", "None is set, neither for approvals nor of a customer.")
        return [none if known.is_whole else Check("Channels", Standing.WAIT, UNREAD, NO_DATABASE)]
    try:
        joined = await joined_channels(slack)
    except SlackError as trouble:
        told = f"Slack does not tell which channels the bot is in ({trouble.code})."
        return [Check("Channels", Standing.WAIT, told, UNTOLD)]
    faults = list(_channel_faults(used, joined))
    if faults:
        told = f"No message arrives in {listing(faults, most=NAMED)}."
        return [Check("Channels", Standing.BAD, told, INVITE)]
    them = "the channel that is" if len(used) == 1 else f"all {len(used):,} channels that are"
    told = f"The bot is in {them} posted in."
    if known.is_whole:
        return [good("Channels", told)]
    return [Check("Channels", Standing.WAIT, f"{told} {UNREAD}", NO_DATABASE)]


def _channel_faults(used: Mapping[str, str], joined: Mapping[str, bool]) -> Iterator[str]:
    for channel, user in used.items():
        if channel not in joined:
            yield f"{channel} ({user}: the bot is not in it, or it is not there)"
        elif joined[channel]:
            yield f"{channel} ({user}: it is archived)"


def _turned_away(trouble: SlackError, setting: str) -> Check:
    if not trouble.answered:
        told = f"Slack cannot be reached ({trouble.code})."
        return Check("Slack", Standing.BAD, told, f"SLACK_API_URL: {WHAT_TO_DO['SLACK_API_URL']}")
    told = f"Slack does not let the bot in ({trouble.code})."
    return Check("Slack", Standing.BAD, told, f"{setting}: {WHAT_TO_DO[setting]}")


def _scopes(access: TokenAccess) -> Check:
    if access.scopes is None:
        return Check("Scopes", Standing.WAIT, "Slack does not tell what the bot may do.")
    missing = sorted(SCOPES - access.scopes)
    if missing:
        told = f"The bot may not do all that it does: it lacks {listing(missing)}."
        return Check("Scopes", Standing.BAD, told, INSTALL_AGAIN)
    return good("Scopes", "The bot may do all that it does.")
