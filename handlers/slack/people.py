"""Asking for a role, giving one, and a link to the web pages."""

from handlers.slack.answers import Answer, Reply
from handlers.slack.blocks.access import access_asked, access_granted, access_settled, sign_in_link
from handlers.slack.blocks.action_ids import OUT_OF_DATE
from handlers.slack.context import RequestContext
from handlers.wording.addresses import sign_in_address
from models.actions.access import ask_for_role, decline_access, grant_role
from models.actions.reroute import promise_reroute
from models.errors import Invalid, NotFound
from models.people.permissions import Role
from models.people.sign_in_links import make_sign_in_link
from models.people.users import User, person_ref


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
    return _settled(user, context.user)


async def decline(context: RequestContext) -> Answer:
    """Give no role to somebody who asked; they are told."""
    user = await decline_access(context.session, context.ids("user")["user"], context)
    return _settled(user, context.user, declined=True)


async def web(context: RequestContext, _: str) -> Answer:
    """A one-time link that signs whoever asks in to the web pages."""
    token = await make_sign_in_link(context.session, context.user, context.now)
    address = sign_in_address(token)
    if address is None:
        raise NotFound("There are no web pages here.")
    return Reply(sign_in_link(person_ref(context.user), address))


def _settled(user: User, by: User, *, declined: bool = False) -> Answer:
    return Reply(access_settled(person_ref(user), person_ref(by), declined=declined), replace=True)
