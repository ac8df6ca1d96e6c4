"""Going away and coming back, for whoever's word bills need."""

from fastapi import APIRouter

from handlers.api.fields import Asked, Day, Id
from handlers.api.users import Person, person_of
from handlers.http.gate import ApiRoute, Asking, open_to
from models.actions.absence import DELEGATE, mark_away, mark_back
from models.errors import Invalid
from models.people.permissions import Permission
from models.people.users import find_person

router = APIRouter(route_class=ApiRoute)


class Away(Asked):
    """`until`: the last day away. Meanwhile the person of `delegate_id` decides in one's place."""

    until: Day
    delegate_id: Id


@router.put("/absence")
@open_to(Permission.GO_AWAY)
async def go_away(context: Asking, asked: Away) -> Person:
    """Be away up to and including a day, or up to another one than before."""
    delegate = await find_person(context.session, asked.delegate_id)
    if delegate is None:
        raise Invalid("There is nobody with that id.", DELEGATE)
    await mark_away(context.session, context, asked.until, delegate)
    return person_of(context.user)


@router.delete("/absence", status_code=204)
@open_to(Permission.GO_AWAY)
async def come_back(context: Asking) -> None:
    """Decide oneself again."""
    await mark_back(context.session, context)
