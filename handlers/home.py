"""App Home: what waits for whoever opens it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from handlers.ask import House, identify, noted
from handlers.requests import Answer, Json, Request, SlackFace
from handlers.views import home, kit
from handlers.views.kit import View
from models.errors import Refusal
from models.people.permissions import Permission
from models.people.users import find_by_slack
from models.queries.bill_list import Page, bills_waiting_for
from models.queries.bill_loader import load_bill_details

LISTED = 15


@dataclass(frozen=True)
class Opened(Request):
    """Somebody looks at their Home tab."""

    @property
    def user_id(self) -> str:
        return str(self.body["event"]["user"])

    @property
    def team_ids(self) -> set[str]:
        return set()

    async def give(self, slack: SlackFace, answers: Sequence[Answer]) -> Json:
        """The tab that is drawn is the answer."""
        del slack, answers
        return {}


async def opened(house: House, body: Mapping[str, Any]) -> None:
    if body["event"].get("tab", "home") == "home":
        await publish(house, Opened(body))


async def publish(house: House, request: Request) -> None:
    """Draw the Home tab of whoever asks, as things stand now. What fails is logged, no more."""
    try:
        await house.slack.publish_home(request.user_id, await _view(house, request))
    except Exception:
        noted("Home was not drawn", request)


async def _view(house: House, request: Request) -> View:
    try:
        await identify(house, request)
    except Refusal as refusal:
        return kit.home([kit.says(refusal.sentence)])
    return await _drawn(house, request.user_id)


async def _drawn(house: House, slack_user_id: str) -> View:
    async with house.db.transaction() as session:
        user = await find_by_slack(session, slack_user_id, house.team_id)
        if user is None or not user.may(Permission.SEE):
            return home.inbox(None, Page((), 0, ()), [], house.now())
        waiting = await bills_waiting_for(session, user, limit=LISTED)
        drawn = [line.id for line in waiting.lines[: home.IN_PLACE]]
        return home.inbox(user, waiting, await load_bill_details(session, drawn), house.now())
