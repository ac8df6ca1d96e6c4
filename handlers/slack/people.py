"""Asking for a role, people and their roles, and a link to the web pages."""

from handlers.slack.answers import Answer, Reply
from handlers.slack.blocks.access import access_asked, access_granted, access_settled, sign_in_link
from handlers.slack.blocks.action_ids import OUT_OF_DATE
from handlers.slack.blocks.block_kit import SlackMessage, under
from handlers.slack.blocks.errors import refusal_message
from handlers.slack.blocks.people_list import (
    PEOPLE,
    PeopleShown,
    not_known_yet,
    people_list,
    role_changed,
)
from handlers.slack.context import RequestContext
from handlers.slack.parsing import first_mention
from handlers.wording.addresses import sign_in_address
from models.actions.access import ask_for_role, decline_access, grant_role
from models.actions.people import PersonEdit, edit_person
from models.actions.reroute import promise_reroute
from models.errors import Invalid, NotFound
from models.people.permissions import Permission, Role
from models.people.sign_in_links import make_sign_in_link
from models.people.users import User, find_by_slack, person_ref
from models.people.who_can import require
from models.queries.people import absent, find_people, get_person, waiting_for_role
from models.text import cleaned_name

PAGE = 10


async def request_access(context: RequestContext) -> Answer:
    """Finance is told; whoever has a role already is told so."""
    if context.user.role is not None and context.user.active:
        return Reply(access_granted(Role(context.user.role)), replace=True)
    if not await ask_for_role(context.session, context.user, context.now):
        raise NotFound(
            "Nobody was asked: Countersign knows nobody of Finance in Slack. Ask whoever runs it to"
            " add you, or somebody of Finance, with `countersign people add`."
        )
    return Reply(access_asked(), replace=True)


async def grant(context: RequestContext) -> Answer:
    """Give a role to somebody who asked; the request is answered where it was clicked."""
    ids = context.ids("user", "role")
    if ids["role"] not in set(Role):
        raise Invalid(OUT_OF_DATE)
    user = await grant_role(context.session, ids["user"], Role(ids["role"]), context)
    await promise_reroute(context.session, context)
    return await _settled(context, user, see=ids.get("see"))


async def decline(context: RequestContext) -> Answer:
    """Give no role to somebody who asked; they are told."""
    ids = context.ids("user")
    user = await decline_access(context.session, ids["user"], context)
    return await _settled(context, user, declined=True, see=ids.get("see"))


async def web(context: RequestContext, _: str) -> Answer:
    """A one-time link that signs whoever asks in to the web pages."""
    token = await make_sign_in_link(context.session, context.user, context.now)
    address = sign_in_address(token)
    if address is None:
        raise NotFound("There are no web pages here.")
    return Reply(sign_in_link(person_ref(context.user), address))


async def _settled(
    context: RequestContext, user: User, *, declined: bool = False, see: str | None = None
) -> Answer:
    told = access_settled(person_ref(user), person_ref(context.user), declined=declined)
    return await _under(context, told) if see == PEOPLE else Reply(told, replace=True)


async def everybody(context: RequestContext, typed: str) -> Answer:
    """`[part of a name or an e-mail address]`, or somebody mentioned: people with their roles."""
    await require(context.session, context.user, Permission.GIVE_ROLES)
    slack_id = first_mention(context.request.body.get("text", ""))
    if slack_id is None:
        return Reply(people_list(await _shown(context, cleaned_name(typed).lstrip("@"))))
    found = await find_by_slack(context.session, slack_id, context.services.team_id)
    if found is None:
        return Reply(not_known_yet(slack_id))
    return Reply(people_list(await _shown(context, found.name)))


async def next_people(context: RequestContext) -> Answer:
    ids = context.ids("page", "text")
    await require(context.session, context.user, Permission.GIVE_ROLES)
    return Reply(people_list(await _shown(context, ids["text"], ids["page"])), replace=True)


async def give_role(context: RequestContext) -> Answer:
    """Give somebody another role, or none; the list is drawn anew where it was chosen, also where
    it cannot be, since the menu shows what was chosen.
    """
    ids = context.ids("user", "role", "page")
    await require(context.session, context.user, Permission.GIVE_ROLES)
    if ids["role"] not in {*Role, ""}:
        raise Invalid(OUT_OF_DATE)
    edit = PersonEdit({"role": Role(ids["role"]) if ids["role"] else None})
    try:
        async with context.session.begin_nested():
            user = await edit_person(context.session, ids["user"], edit, context)
        told = role_changed(user)
    except (Invalid, NotFound) as refused:
        await context.session.refresh(context.user)
        told = refusal_message(refused)
    return await _under(context, told, ids.get("text", ""), ids["page"])


async def _under(
    context: RequestContext, told: SlackMessage, looked_for: str = "", after: int = 0
) -> Answer:
    """The list below what was done; whoever has given up their own role sees it no more."""
    if not context.user.can(Permission.GIVE_ROLES):
        return Reply(told, replace=True)
    shown = await _shown(context, looked_for, after)
    return Reply(under(told, people_list(shown)), replace=True)


async def _shown(context: RequestContext, looked_for: str, after: int = 0) -> PeopleShown:
    session = context.session
    key = (await get_person(session, after)).name_key if after else ""
    found = await find_people(session, looked_for, key, PAGE)
    waiting = [] if looked_for or after else await waiting_for_role(session)
    return PeopleShown(
        found.people,
        waiting,
        await absent(session, found.people, context.today),
        looked_for,
        after,
        found.people[-1].id if found.after else None,
    )
