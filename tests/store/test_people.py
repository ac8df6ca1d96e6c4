"""People as the database keeps them."""

import pytest

from models.base import Database
from models.people import Role, add_person, find_by_slack, with_role
from models.refusals import Invalid, NotAllowed
from tests.conftest import People


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
        again = await add_person(session, "Kim", Role.SALES)
    assert (again.id, again.slack_user_id, again.email) == (
        people.kim.id,
        "UKIM",
        "kim@example.com",
    )
    async with db.transaction() as session:
        assert [user.name for user in await with_role(session, Role.SALES)] == ["Kim", "Sam"]


async def test_a_second_slack_account_of_one_name_is_refused(db: Database, people: People) -> None:
    async with db.transaction() as session:
        with pytest.raises(Invalid, match="Somebody else is called Kim"):
            await add_person(session, "Kim", Role.SALES, "UOTHER")
