"""`/bill away` and `/bill back`: who decides in somebody's place meanwhile."""

import re
from datetime import date, timedelta

from handlers.slack.answers import Answer, Reply
from handlers.slack.blocks.access import away_noted, back_noted
from handlers.slack.blocks.block_kit import SlackMessage
from handlers.slack.context import RequestContext
from handlers.slack.parsing import first_mention
from handlers.wording.formatting import slash
from models.actions.absence import mark_away, mark_back
from models.dates import read_day, split_day
from models.errors import Invalid, NotAllowed, Unreadable
from models.people.permissions import Permission
from models.people.stand_ins import nobody_called, stand_ins
from models.people.users import User, find_by_name, find_by_slack, person_ref
from models.people.who_can import require, who_gives_roles
from models.text import unquoted

EXAMPLE = timedelta(days=14)
_UNTIL = re.compile(r"\b(?:until|till)\b", re.IGNORECASE)


async def away(context: RequestContext, typed: str) -> Answer:
    """`until DATE @person`, in any order: that person decides in the asker's place up to then."""
    await require(context.session, context.user, Permission.GO_AWAY)
    if not typed and (standing := await _as_it_is(context)):
        return Reply(standing)
    day, called = split_day(_UNTIL.sub(" ", typed, count=1).strip())
    if day is None or not called:
        raise Invalid(await _how(context))
    until, delegate = await _day(context, day), await _meant(context, called)
    await mark_away(context.session, context, until, delegate)
    return Reply(away_noted(person_ref(delegate), until))


async def _as_it_is(context: RequestContext) -> SlackMessage | None:
    """Until when whoever asks is away already, and who decides meanwhile; None where they are not,
    or nobody does.
    """
    user = context.user
    if user.away_until is None or user.delegate_id is None or not user.is_away(context.today):
        return None
    delegate = await context.session.get_one(User, user.delegate_id)
    return away_noted(person_ref(delegate), user.away_until)


async def _how(context: RequestContext) -> str:
    """With an example that would work as it stands."""
    able = await stand_ins(context.session, context.user, context.today)
    colleague = able[0].name if able else "somebody"
    example = slash(f"bill away until {context.today + EXAMPLE} @{colleague}")
    return f"Write until when, and who decides meanwhile: `{example}`."


async def back(context: RequestContext, _: str) -> Answer:
    return Reply(back_noted(await mark_back(context.session, context)))


async def _day(context: RequestContext, typed: str) -> date:
    try:
        return read_day(typed)
    except Unreadable as refused:
        raise Invalid(f"“{typed}” {refused.reason}. {await _how(context)}") from None


async def _meant(context: RequestContext, typed: str) -> User:
    """Whoever was mentioned, else whoever is called that."""
    slack_id = first_mention(context.request.body.get("text", ""))
    if slack_id:
        found = await find_by_slack(context.session, slack_id, context.services.team_id)
        if found is None or found.role is None:
            raise await _without_a_role(context)
        return found
    named = await find_by_name(context.session, unquoted(unquoted(typed).removeprefix("@")))
    if named is None:
        near = await stand_ins(context.session, context.user, context.today)
        with context.naming(unquoted(typed)):
            raise nobody_called(unquoted(typed), near)
    if named.role is None:
        raise await _without_a_role(context)
    return named


async def _without_a_role(context: RequestContext) -> NotAllowed:
    return NotAllowed(NO_ROLE, who_can=await who_gives_roles(context.session))


NO_ROLE = (
    "That person has no role in Countersign, so they cannot decide in your place. Finance can give"
    " one to anybody but guests of the workspace; or mention somebody who may approve."
)
