"""App Home: what waits for whoever opens it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from handlers.slack.answers import Answer, Json, Responder, Unanswered
from handlers.slack.background import log_failure
from handlers.slack.blocks import block_kit
from handlers.slack.blocks.block_kit import View
from handlers.slack.blocks.home import IN_PLACE, home_view
from handlers.slack.context import Services, identify
from handlers.slack.request import Request
from handlers.wording.refusals import Medium, refusal_parts
from models.errors import Refusal
from models.people.permissions import Permission
from models.people.users import find_by_slack
from models.queries.bill_list import Page, bills_waiting_for
from models.queries.bill_loader import load_bill_details

LISTED = 15


@dataclass(frozen=True)
class HomeOpened(Request):
    """Somebody looks at their Home tab."""

    @property
    def user_id(self) -> str:
        return str(self.body["event"]["user"])

    @property
    def team_ids(self) -> set[str]:
        return set()

    async def respond(self, slack: Responder, answers: Sequence[Answer]) -> Json:
        """The tab that is drawn is the answer."""
        del slack, answers
        return {}


async def opened(services: Services, body: Mapping[str, Any]) -> None:
    if body["event"].get("tab", "home") == "home":
        await publish(services, HomeOpened(body))


async def publish(services: Services, request: Request) -> None:
    """Draw the Home tab of whoever asks, as things stand now. What fails is logged, no more."""
    try:
        try:
            await _draw(services, request)
        except Unanswered:
            await _draw(services, request)
    except Exception:
        log_failure("Home was not drawn", request)


async def _draw(services: Services, request: Request) -> None:
    await services.slack.publish_home(request.user_id, await _view(services, request))


async def _view(services: Services, request: Request) -> View:
    try:
        await identify(services, request)
    except Refusal as refusal:
        return block_kit.home_tab([block_kit.paragraph(*refusal_parts(refusal, Medium.SLACK))])
    return await _drawn(services, request.user_id)


async def _drawn(services: Services, slack_user_id: str) -> View:
    async with services.db.transaction() as session:
        user = await find_by_slack(session, slack_user_id, services.team_id)
        if user is None or not user.can(Permission.SEE):
            return home_view(None, Page((), 0, ()), [], services.now())
        waiting = await bills_waiting_for(session, user, limit=LISTED)
        drawn = [line.id for line in waiting.lines[:IN_PLACE]]
        return home_view(user, waiting, await load_bill_details(session, drawn), services.now())
