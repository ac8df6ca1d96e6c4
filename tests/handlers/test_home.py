"""App Home as its people live with it: decided on, ticked, turned over, and never out of date."""

from typing import Any

import pytest
import sqlalchemy as sa

from models.actions.approve import approve_bill
from models.context import Context, Source
from models.outbox import homes
from models.people.users import find_by_slack
from sandbox.fake_slack.delivery.payloads import view_click
from tests.handlers.conftest import Bills, generate_october
from tests.harness.record import bill_of, verbs_of
from tests.harness.running import Listeners
from tests.harness.slack_people import NOW, Person, Team, box_of, element, inbox, labels, read, said
from tests.harness.waiting import until

MORE = """
with more as (
    insert into customers (name, monthly_api_limit, overage_unit_cost, csm_id, require_csm_approval,
                           currency)
    select 'Customer ' || n, 1000, 0.5, (select csm_id from customers where name = 'Acme Corp'),
           true, case when n > 22 then 'EUR' else 'USD' end
    from generate_series(10, 25) n order by n returning id)
insert into usages (customer_id, year, month, api_usage) select id, 2026, 10, 1500 from more
"""


async def approves_what_is_ticked(person: Person) -> None:
    await person.presses("Approve selected", on=person.home)
    await person.submits()


async def test_kim_approves_what_she_ticked_and_reads_what_became_of_each(
    team: Team, october: Bills
) -> None:
    await team.kim.opens_home()
    await team.kim.ticks(october.acme, october.bolt)
    card = await team.sam.types(f"/bill show #{october.bolt}")
    await team.sam.clicks("bill:approve", on=card)
    await team.kim.presses("Approve selected", on=team.kim.home)
    asked = read(team.kim.dialog)
    assert "1 bill, $250.00. 1 bill has changed since, and will be left out." in asked
    assert f"#{october.acme}, Acme Corp, October 2026: $250.00" in asked
    assert team.kim.dialog["submit"]["text"] == "Approve 1 bill"
    await team.kim.submits()
    told = said(team.kim.dialog)
    assert "Approved 1 of 2 bills, $250.00." in told
    assert f"#{october.acme}, Acme Corp, October 2026, $250.00: approved." in told
    assert (
        f"#{october.bolt}, Bolt Ltd, October 2026, $250.00: left out. Sam (Sales) approved" in told
    )
    assert await verbs_of(team.db, october.bolt) == ["generate", "approve"]
    await until(lambda: "No bill needs you now" in inbox(team.kim.home))
    assert "approved $250.00 in Slack" in read(team.kim.home)
    await team.kim.presses("Undo", on=team.kim.home)
    await team.kim.submits(reason="Too early.")
    await until(lambda: "Acme Corp" in inbox(team.kim.home))


async def test_a_bill_that_changed_since_it_was_ticked_is_left_out_and_named(
    team: Team, october: Bills
) -> None:
    await team.kim.opens_home()
    await team.kim.presses("Select all on this page", on=team.kim.home)
    await until(lambda: "Select none" in labels(team.kim.home))
    async with team.db.transaction() as session:
        await session.execute(sa.text("update usages set api_usage = 1600 where customer_id = 1"))
    await approves_what_is_ticked(team.kim)
    told = said(team.kim.dialog)
    assert "Approved 1 of 2 bills" in told
    assert f"#{october.acme}, Acme Corp, October 2026, $300.00: left out. This bill changed" in told
    assert (await bill_of(team.db, october.acme)).status == "pending"
    await until(lambda: "$300.00" in inbox(team.kim.home))


async def test_what_is_ticked_is_asked_about_with_what_it_comes_to_in_each_currency(
    team: Team, listeners: Listeners
) -> None:
    async with team.db.transaction() as session:
        await session.execute(sa.text(MORE))
    await generate_october(team.db, listeners)
    await team.kim.opens_home()
    await team.kim.ticks(1, 2)
    await team.kim.presses("Next page", on=team.kim.home)
    await until(lambda: "Selected on other pages: 2 bills." in said(team.kim.home))
    await team.kim.presses("Select all on this page", on=team.kim.home)
    await until(lambda: "Select all on this page" not in labels(team.kim.home))
    await team.kim.presses("Approve selected", on=team.kim.home)
    assert "5 bills, €750.00 and $500.00." in read(team.kim.dialog)
    assert len(await verbs_of(team.db, 1)) == 1
    await team.kim.opens_home()
    assert "initial_options" in said(team.kim.home)


async def test_a_double_click_approves_once_and_nothing_ticked_says_what_to_do(
    team: Team, october: Bills
) -> None:
    await team.kim.opens_home()
    approve = element(team.kim.home, "Approve selected")
    await team.kim.presses_element(approve, on=team.kim.home)
    assert "Tick the bills that you want to approve first." in said(team.kim.dialog)
    await until(lambda: "Acme Corp" in inbox(team.kim.home))


async def test_nobody_approves_by_ticks_what_they_may_not(team: Team, october: Bills) -> None:
    """Lee is no CSM of Acme’s, and Ana generated both; the ticks are forged."""
    await team.kim.opens_home()
    ticked = box_of(team.kim.home, october.acme)
    values = {ticked["block_id"]: {"home:tick": {"selected_options": ticked["options"]}}}
    approve = element(team.kim.home, "Approve selected")
    for who, why in (
        (team.lee, "Only its CSM may approve this bill. Ask Kim."),
        (team.ana, "which may not approve bills"),
    ):
        await who.opens_home()
        await team.sandbox.interact(
            who.slack_id, None, None, approve, team.kim.home["id"], values=values
        )
        if who.slack_id == "ULEE":
            await who.submits()
        assert why in said(who.dialog)
    assert await verbs_of(team.db, october.acme) == ["generate"]


async def test_home_is_turned_page_by_page_and_begins_anew_when_a_page_is_done(
    team: Team, listeners: Listeners
) -> None:
    async with team.db.transaction() as session:
        await session.execute(sa.text(MORE))
    await generate_october(team.db, listeners)
    await team.kim.opens_home()
    assert "1 to 15 of 18 bills, the oldest first." in said(team.kim.home)
    await team.kim.presses("Next page", on=team.kim.home)
    await until(lambda: "16 to 18 of 18 bills" in said(team.kim.home))
    assert labels(team.kim.home).count("Approve") == 3
    await team.kim.presses("Select all on this page", on=team.kim.home)
    await until(lambda: "Select none" in labels(team.kim.home))
    await approves_what_is_ticked(team.kim)
    assert "Approved 3 bills, €750.00." in said(team.kim.dialog)
    await until(lambda: "Waiting for you: 15" in said(team.kim.home))
    assert "First page" not in labels(team.kim.home)


async def test_what_is_ticked_stays_selected_while_the_pages_are_turned(
    team: Team, listeners: Listeners
) -> None:
    """Kim ticks two on each of two pages, and looks at something else in between; she thinks better
    of one of them.
    """
    async with team.db.transaction() as session:
        await session.execute(sa.text(MORE))
    await generate_october(team.db, listeners)
    await team.kim.opens_home()
    await team.kim.ticks(1, 2)
    await team.kim.presses("Next page", on=team.kim.home)
    await until(lambda: "Selected on other pages: 2 bills." in said(team.kim.home))
    await team.kim.ticks(17, 18)
    await team.kim.presses("First page", on=team.kim.home)
    await until(lambda: "Selected on other pages: 2 bills." in said(team.kim.home))
    await team.kim.opens_home()
    box = box_of(team.kim.home, 2)
    assert box["initial_options"] == box["options"]
    await team.kim.presses_element(box | {"selected_options": []}, on=team.kim.home)
    await approves_what_is_ticked(team.kim)
    told = said(team.kim.dialog)
    assert "Approved 3 bills, €500.00 and $250.00." in told
    assert [f"#{one}, " in told for one in (1, 2, 17, 18)] == [True, False, True, True]
    await until(lambda: "Waiting for you: 15" in said(team.kim.home))
    assert "initial_options" not in said(team.kim.home)


async def test_what_moves_up_after_a_whole_page_was_approved_is_not_ticked(
    team: Team, listeners: Listeners
) -> None:
    """Nobody has seen it yet. `Select none` takes back what was ticked by hand, too."""
    async with team.db.transaction() as session:
        await session.execute(sa.text(MORE))
    await generate_october(team.db, listeners)
    await team.kim.opens_home()
    await team.kim.ticks(1)
    await team.kim.presses("Select all on this page", on=team.kim.home)
    await until(lambda: "Select none" in labels(team.kim.home))
    assert "Select all on this page" not in labels(team.kim.home)
    await team.kim.presses("Select none", on=team.kim.home)
    await until(lambda: "Select none" not in labels(team.kim.home))
    assert "initial_options" not in said(team.kim.home)
    await team.kim.presses("Select all on this page", on=team.kim.home)
    await until(lambda: "Select none" in labels(team.kim.home))
    await approves_what_is_ticked(team.kim)
    assert "Approved 15 bills" in said(team.kim.dialog)
    await until(lambda: "Waiting for you: 3" in said(team.kim.home))
    assert "initial_options" not in said(team.kim.home)
    await team.kim.presses("Approve selected", on=team.kim.home)
    assert "Tick the bills that you want to approve first." in said(team.kim.dialog)


async def test_a_home_that_is_looked_at_follows_what_others_do(
    team: Team, listeners: Listeners, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kim waits for bills, Max watches the month: neither of them clicks."""
    monkeypatch.setattr(homes, "TOGETHER_S", 0)
    monkeypatch.setattr(homes, "A_MINUTE", 10_000)
    await team.kim.opens_home()
    await team.max.opens_home()
    assert "No bill needs you now" in said(team.kim.home)
    await generate_october(team.db, listeners)
    await until(lambda: "Waiting for you: 2" in said(team.kim.home))
    await until(lambda: "Waiting for somebody: 2" in said(team.max.home))
    async with team.db.transaction() as session:
        lee = await find_by_slack(session, "ULEE", team.sandbox.team_id)
        bolt = await session.scalar(sa.text("select id from bills where customer_id = 2"))
        assert lee is not None
        await approve_bill(session, bolt, 1, Context(lee, NOW, Source.WEB))
    await until(lambda: "Waiting for you: 1" in said(team.kim.home))
    await until(lambda: "Waiting for somebody: 1" in said(team.max.home))


async def test_whoever_is_given_a_role_finds_it_on_their_home(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(homes, "TOGETHER_S", 0)
    await team.new.opens_home()
    await team.new.presses("Request access", on=team.new.home)
    asked = await team.ana.told("asks for access")
    await team.ana.clicks("Sales", on=asked)
    await until(lambda: "No bill needs you now" in said(team.new.home))


async def test_finance_looks_at_the_month_and_at_the_one_before(team: Team, october: Bills) -> None:
    await team.ana.opens_home()
    home = read(team.ana.home)
    assert "October 2026 at a glance" in home
    assert "Waiting for approval" in home
    assert "2 for under 3 days; all of October 2026." in home
    await team.ana.presses("← September 2026", on=team.ana.home)
    await until(lambda: "September 2026 has no bills yet." in said(team.ana.home))
    assert "October 2026 →" in labels(team.ana.home)


@pytest.mark.parametrize(
    "chosen",
    [[{"value": "{}"}], [{"value": "[]"}], [{"value": '{"bill":1,"version":9999999999}'}], None],
)
async def test_forged_ticks_are_answered_and_change_nothing(
    team: Team, listeners: Listeners, october: Bills, chosen: Any
) -> None:
    await team.kim.opens_home()
    slack, home = team.sandbox.slack, team.kim.home
    press = view_click(
        slack, slack.workspace.users["UKIM"], home, element(home, "Approve selected")
    )
    state = {"values": {"any": {"home:tick": {"selected_options": chosen}}}}
    receipt = await listeners.hear({**press, "view": {**home, "state": state}})
    assert receipt.status == 200
    assert read(team.kim.dialog)
    assert await verbs_of(team.db, october.acme) == ["generate"]
