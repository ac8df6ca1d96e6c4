"""Drawing the Home tabs anew that people look at, when what they show has changed."""

from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

import structlog

from bot.slack.client import SlackError
from handlers.slack.answers import Responder, Unanswered
from handlers.slack.blocks.home import home_view, stranger_home
from models.db.database import Database
from models.outbox.homes import place_of
from models.people.permissions import Permission
from models.people.users import User
from models.queries.home import load_home

log = structlog.get_logger()
TRIES = 3


class HomePublisher:
    """Shows people what their Home is by now. To show it twice does no harm."""

    def __init__(
        self, db: Database, slack: Responder, now: Callable[[], datetime], zone: ZoneInfo
    ) -> None:
        self._db = db
        self._slack = slack
        self._now = now
        self._zone = zone

    async def publish(self, user_id: int, attempts: int) -> None:
        """Draw it where they are; after a few attempts it is left as it is until they open it."""
        async with self._db.transaction() as session:
            user = await session.get_one(User, user_id)
            if user.slack_user_id is None:
                return
            if user.can(Permission.SEE):
                place = await place_of(session, user_id)
                facts = await load_home(session, user, place, self._now(), self._zone)
                view = home_view(facts)
            else:
                view = stranger_home()
        try:
            await self._slack.publish_home(user.slack_user_id, view)
        except (SlackError, Unanswered) as trouble:
            if attempts < TRIES and isinstance(trouble, SlackError):
                raise
            log.info("a Home is left as it is", user=user_id, cause=str(trouble))
