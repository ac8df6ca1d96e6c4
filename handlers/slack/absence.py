"""`/bill away` and `/bill back`: who decides in somebody's place meanwhile."""

import re
from datetime import date

from handlers.slack.answers import Answer, Reply
from handlers.slack.blocks.access import away_noted, back_noted
from handlers.slack.context import RequestContext
from handlers.slack.parsing import first_mention
from handlers.wording.formatting import slash
from models.actions.absence import mark_away, mark_back
from models.dates import read_day, split_day
from models.errors import Invalid, NotFound, Unreadable
from models.people.permissions import Permission
from models.people.users import User, find_by_name, find_by_slack, person_ref
from models.text import unquoted

_UNTIL = re.compile(r"\b(?:until|till)\b", re.IGNORECASE)


async def away(context: RequestContext, typed: str) -> Answer:
    """`until DATE @person`, in any order: that person decides in the asker's place up to then."""
    context.user.require(Permission.GO_AWAY)
    day, called = split_day(_UNTIL.sub(" ", typed, count=1).strip())
    if day is None or not called:
        raise Invalid(_how())
    until, delegate = _day(day), await _meant(context, called)
    await mark_away(context.session, context, until, delegate)
    return Reply(away_noted(person_ref(delegate), until))


def _how() -> str:
    example = slash("bill away until 2026-12-24 @Kim Lee")
    return f"Write until when, and who decides meanwhile: `{example}`."


async def back(context: RequestContext, _: str) -> Answer:
    return Reply(back_noted(await mark_back(context.session, context)))


def _day(typed: str) -> date:
    try:
        return read_day(typed)
    except Unreadable as refused:
        raise Invalid(f"“{typed}” {refused.reason}. {_how()}") from None


async def _meant(context: RequestContext, typed: str) -> User:
    """Whoever was mentioned, else whoever is called that."""
    slack_id = first_mention(context.request.body.get("text", ""))
    found = (
        await find_by_slack(context.session, slack_id, context.services.team_id)
        if slack_id
        else await find_by_name(context.session, unquoted(unquoted(typed).removeprefix("@")))
    )
    if found is None:
        raise NotFound("Countersign does not know that person. Mention somebody who may approve.")
    return found
