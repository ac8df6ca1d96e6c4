"""A digest is approved by one click, but for its biggest bills and whatever changed since."""

import sqlalchemy as sa

from models.actions.approve import approve_bill
from models.context import Context, Source
from models.people.users import find_by_slack
from tests.handlers.conftest import generate_october
from tests.harness.running import Listeners
from tests.harness.slack_people import NOW, Seen, Team, element, labels, read, said
from tests.harness.waiting import until

MORE = """
with more as (
    insert into customers (name, monthly_api_limit, overage_unit_cost, csm_id, require_csm_approval)
    select 'Customer ' || to_char(n, 'FM00'), 1000, 0.5,
           (select csm_id from customers where name = 'Acme Corp'), true
    from generate_series(1, 26) n order by n returning id, name)
insert into usages (customer_id, year, month, api_usage)
select id, 2026, 10, 1000 + 100 * right(name, 2)::int from more
"""


async def test_kim_approves_all_but_the_biggest_and_what_changed_is_named(
    team: Team, listeners: Listeners
) -> None:
    """26 bills of $50 to $1,300, and the two of $250: the digest names those from $1,100 on."""
    digest = await _digest(team, listeners)
    assert labels(digest) == ["Approve all under $1,100.00"]
    asked = element(digest, "approving:go")
    assert "Approve 23 bills?" in str(asked["confirm"])
    assert "come to $12,050.00" in str(asked["confirm"])
    async with team.db.transaction() as session:
        lee = await find_by_slack(session, "ULEE", team.sandbox.team_id)
        assert lee is not None
        await session.execute(sa.text("update usages set api_usage = 1600 where customer_id = 1"))
        await approve_bill(session, 2, 1, Context(lee, NOW, Source.WEB))
    (told,) = await team.kim.forges(asked, on=digest)
    assert "Approving 20 of 23 bills." in told["text"]
    outcome = await team.kim.told("Approved 21 of 23 bills, $11,550.00.")
    assert "#1, Acme Corp, October 2026, $300.00: left out. This bill changed" in said(outcome)
    assert "#2, Bolt Ltd, October 2026, $250.00: left out. Lee (CSM) approved" in said(outcome)
    await team.kim.forges(asked, on=digest)
    assert await _states(team) == {"approved": 22, "pending": 6}
    async with team.db.transaction() as session:
        given = "select count(*) from bill_actions where action = 'approve'"
        assert await session.scalar(sa.text(given)) == 22
    await until(lambda: "6 bills of October 2026 wait for you" in team.again(digest)["text"])
    assert labels(team.again(digest)) == ["Approve all under $1,100.00"]


async def test_kim_approves_all_under_an_amount_of_her_own_as_it_was_shown(
    team: Team, listeners: Listeners
) -> None:
    """28 bills on two pages of her Home; of those shown one changes, and Lee approves another."""
    await _digest(team, listeners)
    await team.kim.opens_home()
    await team.kim.presses("Approve under an amount", on=team.kim.home)
    assert "28 bills in USD: from $50.00 to $1,300.00." in said(team.kim.dialog)
    for typed, why in (("lots", "is not a number"), ("50", "No bill that waits for you is under")):
        answered = await team.kim.submits(under=typed)
        assert why in answered["errors"]["under"]
    await team.kim.submits(under="USD 500")
    shown = said(team.kim.dialog)
    assert "11 bills under $500.00, $2,750.00 together. The biggest 5:" in shown
    assert "#11, Customer 09, October 2026: $450.00" in shown
    async with team.db.transaction() as session:
        lee = await find_by_slack(session, "ULEE", team.sandbox.team_id)
        assert lee is not None
        await session.execute(sa.text("update usages set api_usage = 1600 where customer_id = 1"))
        await approve_bill(session, 2, 1, Context(lee, NOW, Source.WEB))
    await team.kim.submits()
    told = said(team.kim.dialog)
    assert "Approved 9 of 11 bills, $2,250.00." in told
    assert "#1, Acme Corp, October 2026, $300.00: left out. This bill changed" in told
    assert "#2, Bolt Ltd, October 2026, $250.00: left out. Lee (CSM) approved" in told
    assert await _states(team) == {"approved": 10, "pending": 18}


async def test_a_digest_is_no_permission(team: Team, listeners: Listeners) -> None:
    """Its button shows what Kim was shown; Sam, Ana and a guest click it all the same."""
    digest = await _digest(team, listeners)
    asked = element(digest, "approving:go")
    for who, why in (
        (team.sam, "somebody else's"),
        (team.ana, "may not approve"),
        (team.gus, "Guests"),
    ):
        (told,) = await who.forges(asked, on=digest)
        assert why in told["text"]
    await team.ana.opens_home()
    await team.kim.opens_home()
    await team.ana.presses_element(
        element(team.kim.home, "Approve under an amount"), on=team.ana.home
    )
    assert "may not approve" in said(team.ana.dialog)
    assert await _states(team) == {"pending": 28}


async def _digest(team: Team, listeners: Listeners) -> Seen:
    async with team.db.transaction() as session:
        await session.execute(sa.text(MORE))
    await generate_october(team.db, listeners)
    digest = await team.kim.told("28 bills of October 2026 wait for you")
    assert "on Countersign" in read(digest)
    return digest


async def _states(team: Team) -> dict[str, int]:
    query = sa.text("select status, count(*) from bills group by status")
    async with team.db.transaction() as session:
        return {row[0]: row[1] for row in await session.execute(query)}
