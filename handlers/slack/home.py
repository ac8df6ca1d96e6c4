"""App Home: what it shows to whoever opens it, and where in it they go."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from handlers.slack.answers import Answer, Json, Responder, Unanswered
from handlers.slack.background import log_failure
from handlers.slack.blocks import block_kit
from handlers.slack.blocks.block_kit import View
from handlers.slack.blocks.home import home_view, stranger_home
from handlers.slack.context import RequestContext, Services, identify
from handlers.slack.request import Request
from handlers.slack.selection import selected_bills, with_selected
from handlers.wording.refusals import Medium, refusal_parts
from models.errors import Refusal
from models.outbox.homes import HomePlace, look_at, place_of
from models.people.permissions import Permission
from models.people.users import find_by_slack
from models.period import Period
from models.queries.home import load_home


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


async def turn_page(context: RequestContext) -> None:
    """The page that the button leads to; its beginning where it names none. What was ticked stays
    selected.
    """
    ids = context.ids("page")
    place = await place_of(context.session, context.user.id)
    to = with_selected(place, selected_bills(context, place))
    to = replace(to, after=ids.get("after"), page=ids["page"])
    await look_at(context.session, context.user.id, to)


async def turn_month(context: RequestContext) -> None:
    """The board of the month that the button names."""
    month = Period.parse(context.ids("period")["period"])
    place = await place_of(context.session, context.user.id)
    await look_at(context.session, context.user.id, replace(place, month=str(month)))


async def _draw(services: Services, request: Request) -> None:
    await services.slack.publish_home(request.user_id, await _view(services, request))


async def _view(services: Services, request: Request) -> View:
    try:
        await identify(services, request)
    except Refusal as refusal:
        return block_kit.home_tab([block_kit.paragraph(*refusal_parts(refusal, Medium.SLACK))])
    return await _drawn(services, request)


async def _drawn(services: Services, request: Request) -> View:
    """Whoever opens the tab begins at its beginning, with what they had selected."""
    async with services.db.transaction() as session:
        user = await find_by_slack(session, request.user_id, services.team_id)
        if user is None:
            return stranger_home()
        place = await place_of(session, user.id)
        if isinstance(request, HomeOpened):
            place = HomePlace(selected=place.selected, ticking=place.ticking)
        await look_at(session, user.id, place)
        if not user.can(Permission.SEE):
            return stranger_home()
        return home_view(await load_home(session, user, place, services.now(), services.zone))
