"""Who people are to Slack: asked of Slack, remembered for minutes, and turned away if need be."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from cachetools import TTLCache

from handlers.slack.answers import Json, Responder, Unanswered
from models.errors import Busy, NotAllowed, NotFound

REMEMBERED = timedelta(minutes=5)
MOST_PEOPLE = 10_000
SLACKBOT = "USLACKBOT"
"""Slack's own, of which it says that it is no bot."""

_TURNED_AWAY = {
    "deleted": "This Slack account is deactivated, so it can do nothing in Countersign.",
    "is_bot": "Bots cannot use Countersign; people can.",
    "is_restricted": "Guests of this workspace cannot use Countersign.",
    "is_ultra_restricted": "Guests of this workspace cannot use Countersign.",
    "is_stranger": "Countersign serves the people of its own workspace only.",
}


_UNANSWERED = (
    "Slack does not say who you are just now, so nothing was done. Please try again in a minute."
)


class SlackUsers:
    """People as Slack describes them, each remembered for five minutes."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._known: TTLCache[str, Json | None, datetime] = TTLCache(MOST_PEOPLE, REMEMBERED, now)

    async def look_up(self, slack: Responder, slack_user_id: str) -> Json:
        """Slack's description of a person; refuses where Slack knows nobody of that id, and as
        Busy where it does not answer.
        """
        try:
            user = self._known[slack_user_id]
        except KeyError:
            user = await self._ask(slack, slack_user_id)
            self._known[slack_user_id] = user
        if user is None:
            raise NotAllowed(_TURNED_AWAY["is_stranger"])
        return user

    @staticmethod
    async def _ask(slack: Responder, slack_user_id: str) -> Json | None:
        try:
            return await slack.user_info(slack_user_id)
        except Unanswered:
            raise Busy(_UNANSWERED) from None

    def forget(self, slack_user_id: str) -> None:
        """Ask Slack again next time."""
        self._known.pop(slack_user_id, None)


ASKED_S = 3.0


async def known_member(
    ask: Callable[[str], Awaitable[Json | None]], team_id: str, slack_user_id: str
) -> Json:
    """Slack's description of a member of this workspace, whom somebody else names, asked of Slack
    now; refuses whoever is none, each kind in its own sentence, and as Busy where Slack does not
    answer in time.
    """
    try:
        async with asyncio.timeout(ASKED_S):
            user = await ask(slack_user_id)
    except (Unanswered, TimeoutError):
        raise Busy(_UNCERTAIN) from None
    if user is None:
        raise NotFound(f"Slack knows nobody with the id {slack_user_id}.")
    check_member(user, team_id)
    return user


_UNCERTAIN = (
    "Slack does not say just now whose account that is, so nothing was changed. Please try again in"
    " a minute."
)


def check_member(user: Json, team_id: str) -> None:
    """Refuse guests, bots, the deactivated, and people of another workspace."""
    for flag, sentence in _TURNED_AWAY.items():
        if user.get(flag):
            raise NotAllowed(sentence)
    if user.get("id") == SLACKBOT:
        raise NotAllowed(_TURNED_AWAY["is_bot"])
    if user.get("team_id", team_id) != team_id:
        raise NotAllowed(_TURNED_AWAY["is_stranger"])


def display_name(user: Json) -> str:
    """What to call somebody."""
    profile = user.get("profile", {})
    names = (profile.get("real_name"), user.get("real_name"), user.get("name"), user.get("id"))
    return next(str(name) for name in names if name)
