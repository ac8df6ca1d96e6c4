"""People: making an account, seeing who there is, and what Finance changes about them."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field, SecretStr, StrictBool

from handlers.api.fields import Asked
from handlers.http.csv_files import AS_CSV, csv_book
from handlers.http.faults import SEEN
from handlers.http.gate import Access, ApiRoute, Asking, Calling, open_to
from handlers.http.ids import PathId
from handlers.http.people import change_person
from handlers.http.signing_in import sign_up
from models.actions.people import PersonEdit
from models.db.names import MOST_KEY
from models.exports.formats import Table
from models.people.permissions import Permission, Role
from models.people.users import NAME_CHARS, User
from models.people.who_can import require
from models.queries.people import PAGE, find_people, get_person
from models.queries.scope import Scope

router = APIRouter(route_class=ApiRoute)
LONGEST_PASSWORD = 1000
EMAIL = {"format": "email"}


class Person(BaseModel):
    """Somebody; `role` null: none yet, so they may do nothing.

    `away_until`: their last day away, null for whoever is here, 9999-12-31 where it is not known;
    meanwhile the person of `delegate_id` decides in their place, or nobody.
    """

    model_config = ConfigDict(from_attributes=True)

    id: int
    name: str
    email: str | None
    role: Role | None
    active: bool
    slack_user_id: str | None
    away_until: date | None
    delegate_id: int | None


class People(BaseModel):
    """By name. `next_cursor` asks for the page after it; null on the last one."""

    users: list[Person]
    next_cursor: str | None


class PeopleQuery(Asked):
    """Which people are asked for, `q`: those with this in their name or e-mail address."""

    q: str = Field("", max_length=NAME_CHARS)
    cursor: str = Field(
        "",
        max_length=MOST_KEY,
        description="`next_cursor` of the page before",
    )
    limit: int = Field(PAGE, ge=1, le=PAGE)


class NewAccount(Asked):
    """What people say of themselves: a role is Finance's to give."""

    name: Annotated[str, Field(min_length=1, max_length=NAME_CHARS, pattern=SEEN)]
    email: Annotated[str, Field(min_length=3, max_length=320, json_schema_extra=EMAIL)]
    password: Annotated[SecretStr, Field(min_length=12, max_length=LONGEST_PASSWORD)]


class Edit(Asked):
    """What is left out stays as it is."""

    role: Role | None = None
    active: StrictBool = True
    slack_user_id: Annotated[str, Field(pattern=r"^[UW][A-Z0-9]{1,29}$")] | None = None


def person_of(user: User) -> Person:
    return Person.model_validate(user)


@router.post("/users", status_code=201, responses={429: {}})
@open_to(Access.ANYBODY, own_transactions=True)
async def create(caller: Calling, account: NewAccount, response: Response) -> Person:
    """Make an account. It has no role until Finance gives one; the very first is Finance's."""
    user = await sign_up(caller, account.name, account.email, account.password.get_secret_value())
    response.headers["Location"] = f"/api/users/{user.id}"
    return person_of(user)


@router.get("/users")
@open_to(Permission.GIVE_ROLES)
async def people(context: Asking, asked: Annotated[PeopleQuery, Query()]) -> People:
    """Everybody that fits, by name."""
    found = await find_people(context.session, asked.q, asked.cursor, asked.limit)
    return People(users=[person_of(user) for user in found.people], next_cursor=found.after)


@router.get("/users.csv", response_class=StreamingResponse, responses=AS_CSV)
@open_to(Permission.GIVE_ROLES)
async def people_as_csv(context: Asking) -> StreamingResponse:
    """Everybody as CSV, which an import reads back unchanged."""
    return await csv_book(context, Table.PEOPLE, Scope())


@router.get("/users/{user_id}")
@open_to(Access.SIGNED_IN)
async def person(context: Asking, user_id: PathId) -> Person:
    """Oneself, or with a role anybody."""
    if user_id == context.user.id:
        return person_of(context.user)
    await require(context.session, context.user, Permission.SEE)
    return person_of(await get_person(context.session, user_id))


@router.patch("/users/{user_id}")
@open_to(Permission.GIVE_ROLES)
async def change(context: Asking, user_id: PathId, edit: Edit) -> Person:
    """Give or take a role, switch somebody off or on, link their Slack account or none."""
    given = edit.model_dump(exclude_unset=True)
    return person_of(await change_person(context, user_id, PersonEdit(given)))
