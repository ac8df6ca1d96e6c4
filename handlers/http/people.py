"""What Finance changes about people, asked by page and API: Slack says whose account an id is."""

from handlers.http.gate import HttpContext
from models.actions.people import PersonEdit, edit_person
from models.errors import Invalid, NotAllowed, NotFound
from models.people.users import User
from models.queries.people import get_person
from models.slack_ids import read_member_id

ACCOUNT = "slack_user_id"


async def change_person(context: HttpContext, user_id: int, edit: PersonEdit) -> User:
    """As `edit_person`. Refuses besides, beside its field, a Slack account that is none or that may
    not use Countersign; where Slack does not answer, nothing is changed.
    """
    typed = edit.given.get(ACCOUNT)
    if typed:
        await _refuse_no_member(context, user_id, read_member_id(typed))
    return await edit_person(context.session, user_id, edit, context)


async def _refuse_no_member(context: HttpContext, user_id: int, slack_user_id: str) -> None:
    ask, user = context.services.slack_member, await get_person(context.session, user_id)
    if ask is None or user.slack_user_id == slack_user_id:
        return
    try:
        await ask(slack_user_id)
    except (NotAllowed, NotFound) as refused:
        raise Invalid(refused.sentence, ACCOUNT) from refused
