"""`/bill away` and `/bill back`: who decides in somebody's place meanwhile."""

import re
from datetime import date

from handlers.slack.blocks.access import away_noted, back_noted
from handlers.slack.context import RequestContext
from handlers.slack.parsing import first_mention
from handlers.slack.request import Answer, Reply
from handlers.wording.formatting import slash
from models.actions.absence import mark_away, mark_back
from models.errors import Invalid, NotFound
from models.people.permissions import Permission
from models.people.users import User, find_by_name, find_by_slack, person_ref

_ASKED = re.compile(r"(?:until\s+)?(\d{4}-\d{1,2}-\d{1,2})\s+(\S.*)", re.ASCII | re.IGNORECASE)


async def away(context: RequestContext, typed: str) -> Answer:
    """`until DATE @person`: that person decides in the asker's place, up to that day."""
    context.user.require(Permission.GO_AWAY)
    asked = _ASKED.fullmatch(typed)
    if asked is None:
        raise Invalid(_how())
    until, delegate = _day(asked[1]), await _meant(context, asked[2])
    await mark_away(context.session, context, until, delegate)
    return Reply(away_noted(person_ref(delegate), until))


def _how() -> str:
    example = slash("bill away until 2026-12-24 @Kim Lee")
    return f"Write until when, and who decides meanwhile: `{example}`."


async def back(context: RequestContext, _: str) -> Answer:
    return Reply(back_noted(await mark_back(context.session, context)))


def _day(typed: str) -> date:
    try:
        return date(*map(int, typed.split("-")))
    except ValueError as error:
        raise Invalid(f"“{typed}” is no day. {_how()}") from error


async def _meant(context: RequestContext, typed: str) -> User:
    """Whoever was mentioned, else whoever is called that."""
    slack_id = first_mention(context.request.body.get("text", ""))
    found = (
        await find_by_slack(context.session, slack_id, context.services.team_id)
        if slack_id
        else await find_by_name(context.session, typed.removeprefix("@"))
    )
    if found is None:
        raise NotFound("Countersign does not know that person. Mention somebody who may approve.")
    return found
