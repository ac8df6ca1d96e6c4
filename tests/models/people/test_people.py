"""People as the database keeps them."""

import pytest

from models.actions.access import welcome
from models.db.database import Database
from models.errors import Invalid, NotAllowed
from models.people.permissions import Role
from models.people.users import add_user, find_by_slack, users_with_role
from tests.harness.cast import People


async def test_a_slack_account_is_known_by_its_id_and_keeps_its_workspace(
    db: Database, people: People
) -> None:
    async with db.transaction() as session:
        first = await find_by_slack(session, "UKIM", "T1")
        assert first is not None
        assert first.id == people.kim.id
    async with db.transaction() as session:
        with pytest.raises(NotAllowed):
            await find_by_slack(session, "UKIM", "T2")
        assert await find_by_slack(session, "UNOBODY", "T1") is None


async def test_adding_somebody_again_changes_the_role_and_keeps_the_rest(
    db: Database, people: People
) -> None:
    async with db.transaction() as session:
        again = await add_user(session, "Kim", Role.SALES)
    assert (again.id, again.slack_user_id, again.email) == (
        people.kim.id,
        "UKIM",
        "kim@example.com",
    )
    async with db.transaction() as session:
        assert [user.name for user in await users_with_role(session, Role.SALES)] == ["Kim", "Sam"]


async def test_a_second_slack_account_of_one_name_is_refused(db: Database, people: People) -> None:
    async with db.transaction() as session:
        with pytest.raises(Invalid, match="Somebody else is called Kim"):
            await add_user(session, "Kim", Role.SALES, "UOTHER")


REFUSED = [
    ("Kim\nLee", "UNEW", "name", "on one line"),
    ("Kim\u2028Lee", None, "name", "on one line"),
    ("system", None, "name", "the command line are called"),
    ("x" * 201, None, "name", "1 to 200"),
    ("  ", None, "name", "1 to 200"),
    *(
        ("Eve", malformed, "slack_user_id", "is not a Slack member id")
        for malformed in ("@eve", "ueve", "U", "U" * 31, "U EVE", "UEVE\n", "CEVE", "ÜEVE")
    ),
]


async def test_a_name_of_two_lines_and_what_is_no_slack_id_are_refused(
    db: Database, people: People
) -> None:
    async with db.transaction() as session:
        for name, slack_id, field, words in REFUSED:
            with pytest.raises(Invalid, match=words) as refused:
                await add_user(session, name, Role.SALES, slack_id)
            assert refused.value.field == field
        assert [user.name for user in await users_with_role(session, Role.SALES)] == ["Sam"]


async def test_a_profile_with_a_line_break_in_its_name_is_welcome_on_one_line(
    db: Database, people: People
) -> None:
    async with db.transaction() as session:
        eve = await welcome(session, "UEVE", "T1", " Eve\n of\tOslo ", None)
        assert eve.name == "Eve of Oslo"
        assert (await add_user(session, eve.name, Role.SALES, "UEVE")).id == eve.id
