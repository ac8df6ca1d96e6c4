"""Finance looks after people in Slack: who has which role, and who waits for one."""

import sqlalchemy as sa

from models.people.users import User, add_user
from tests.handlers.conftest import Bills
from tests.harness.cast import People
from tests.harness.slack_people import Json, Team, labels, read


async def roles(team: Team) -> dict[str, str | None]:
    query = sa.select(User.name, User.role).where(User.name != "system")
    async with team.db.transaction() as session:
        return {one.name: one.role for one in await session.execute(query)}


def menu(shown: Json, who: str) -> Json:
    """The menu of roles beside somebody."""
    [line] = [
        block
        for block in shown["blocks"]
        if "accessory" in block and block["text"]["text"].split("\n")[0] == who
    ]
    return {**line["accessory"], "block_id": line["block_id"]}


def choosing(shown: Json, who: str, role: str) -> Json:
    """That menu, and what is chosen in it."""
    has = menu(shown, who)
    [one] = [one for one in has["options"] if one["text"]["text"] == role]
    return {**has, "selected_option": one}


async def test_ana_gives_changes_and_takes_away_roles_in_the_list(
    team: Team, people: People, october: Bills
) -> None:
    shown = await team.ana.types("/bill people")
    assert "kim@example.com" in read(shown)
    assert menu(shown, "Kim")["initial_option"]["text"]["text"] == "Customer Success"
    assert "Kim may do what the chosen role may" in menu(shown, "Kim")["confirm"]["text"]["text"]
    await team.ana.forges(choosing(shown, "Lee", "Sales"), on=shown)
    anew = team.again(shown)
    assert "Lee  is  Sales  now." in read(anew)
    assert menu(anew, "Lee")["initial_option"]["text"]["text"] == "Sales"
    await team.ana.forges(choosing(anew, "Sam", "No role"), on=anew)
    await team.ana.forges(choosing(anew, "Sam", "No role"), on=anew)
    assert "Sam  is  without a role  now." in read(team.again(shown))
    assert await roles(team) == {
        **{"Ana": "Finance", "Kim": "Customer Success", "Lee": "Sales"},
        **{"Sam": None, "Max": "Manager"},
    }
    await team.ana.forges(choosing(anew, "Sam", "Sales"), on=anew)
    await team.sam.told("Your role in Countersign is Sales")


async def test_the_last_of_finance_stays_and_the_list_says_so(team: Team, people: People) -> None:
    shown = await team.ana.types("/bill people ana")
    assert "Kim" not in read(shown)
    await team.ana.forges(choosing(shown, "Ana", "Manager"), on=shown)
    anew = team.again(shown)
    assert "That would leave nobody with the role Finance" in read(anew)
    assert menu(anew, "Ana")["initial_option"]["text"]["text"] == "Finance"
    async with team.db.transaction() as session:
        await add_user(session, "Zoe", "Finance", "UZOE")
    await team.ana.forges(choosing(anew, "Ana", "Manager"), on=anew)
    assert "Ana  is  Manager  now." in read(team.again(shown))
    assert "Kim" not in read(team.again(shown))
    assert (await roles(team))["Ana"] == "Manager"
    (refused,) = await team.ana.forges(choosing(anew, "Ana", "Finance"), on=anew)
    assert "Your role is Manager; only Finance may give people roles." in read(refused)


async def test_ana_answers_who_waits_for_a_role_in_the_list(team: Team, people: People) -> None:
    offer = await team.new.types("/bill")
    await team.new.clicks("Request access", on=offer)
    shown = await team.ana.types("/bill people")
    assert "New waits for a role\nno e-mail address, Slack account UNEW" in read(shown)
    assert labels(shown)[:5] == ["Finance", "Customer Success", "Sales", "Manager", "Decline"]
    await team.ana.clicks("Decline", on=shown)
    assert "declined that  New  gets a role." in read(team.again(shown))
    await team.ana.clicks("Sales", on=team.again(shown))
    assert "New  is Sales now. Settled by Ana (Finance)." in read(team.again(shown))
    assert menu(team.again(shown), "New")["initial_option"]["text"]["text"] == "Sales"
    (late,) = await team.ana.clicks("Manager", on=shown)
    assert "New is Sales already. Nothing was changed." in read(late)


async def test_many_people_make_pages_and_awkward_names_are_only_names(
    team: Team, people: People
) -> None:
    async with team.db.transaction() as session:
        session.add_all(User(name=f"Zoo {at:02} <!channel> *b*", role="Sales") for at in range(20))
        session.add(User(name="Ö" * 180, role="Sales", email=f"{'x' * 200}@example.com"))
    first = await team.ana.types("/bill people zoo")
    assert ("Zoo 09 <!channel> *b*" in read(first), "Zoo 10" in read(first)) == (True, False)
    await team.ana.clicks("Next page", on=first)
    second = team.again(first)
    assert ("Zoo 09" in read(second), "Zoo 19" in read(second)) == (False, True)
    assert "Next page" not in labels(second)
    await team.ana.forges(choosing(second, "Zoo 15 <!channel> *b*", "Manager"), on=second)
    anew = team.again(first)
    assert ("Zoo 09" in read(anew), "Zoo 19" in read(anew)) == (False, True)
    assert (await roles(team))["Zoo 15 <!channel> *b*"] == "Manager"
    assert "mrkdwn" not in str(anew["blocks"])
    assert "Ö" * 70 in read(await team.ana.types("/bill people öö"))


async def test_somebody_who_is_mentioned_or_not_there_is_told(team: Team, people: People) -> None:
    kim = await team.ana.types("/bill people <@UKIM|k.lee>")
    assert "kim@example.com" in read(kim)
    assert "Lee" not in read(kim)
    assert "does not know the Slack account UNEW yet" in read(
        await team.ana.types("/bill people <@UNEW|new>")
    )
    assert "Nobody is called “xyz”" in read(await team.ana.types("/bill people xyz"))


async def test_nobody_but_finance_sees_people_or_gives_roles(team: Team, people: People) -> None:
    shown = await team.ana.types("/bill people")
    forged = choosing(shown, "Kim", "Finance")
    before = await roles(team)
    for user in ("UKIM", "ULEE", "USAM", "UMAX", "UNEW", "UGUS", "UFAR"):
        person = team.person(user)
        assert "example.com" not in read(await person.types("/bill people"))
        (refused,) = await person.forges(forged, on=shown)
        assert refused["blocks"]
    for value in ('{"user":2,"role":"Owner","page":0}', '{"user":1,"role":"","page":0}', "{}"):
        other = {"type": "button", "action_id": "people:role", "block_id": "x", "value": value}
        await team.ana.forges(other, on=shown)
    assert "That person is not here." in read(team.again(shown))
    assert await roles(team) == before
