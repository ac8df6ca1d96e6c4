"""Customers in Slack: the list of them."""

from models.customers.customers import Customer
from tests.harness.slack_people import Team, acts, read, said


async def test_customers_are_listed_by_name_with_what_they_used(team: Team) -> None:
    listed = await team.kim.types("/customer list")
    assert "2 customers, by name, with what they used in October 2026." in read(listed)
    for told in ("Acme Corp Kim 1,500 (500 over) 1,000 $0.50", "Bolt Ltd nobody 1,500"):
        assert told in read(listed)
    assert acts(listed) == []
    one = await team.max.types("/customer list “COR”")
    assert "1 customer, by name" in read(one)
    assert "Bolt" not in said(one)
    assert "Customers like “xyz”: none." in (await team.kim.types("/customer list xyz"))["text"]


async def test_a_long_list_goes_on_in_the_same_private_answer(team: Team) -> None:
    async with team.db.transaction() as session:
        session.add_all(Customer(name=f"Zoo {at:02}", monthly_api_limit=10) for at in range(30))
    first = await team.kim.types("/customer list zoo")
    assert "30 customers" in read(first)
    assert ("Zoo 19" in said(first), "Zoo 20" in said(first)) == (True, False)
    await team.kim.clicks("Next page", on=first)
    second = team.again(first)
    assert ("Zoo 19" in said(second), "Zoo 29" in said(second)) == (False, True)
    assert acts(second) == []
    assert team.messages("CBILLS") == []


async def test_strangers_are_shown_no_customer(team: Team) -> None:
    for user in ("UNEW", "UGUS", "UFAR"):
        assert "Acme" not in said(await team.person(user).types("/customer list"))
