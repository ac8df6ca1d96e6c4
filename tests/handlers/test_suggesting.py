"""Dialogs that name a customer offer names while somebody types, and go on with the one chosen."""

from typing import Any

import sqlalchemy as sa

from models.customers.customers import Customer
from models.customers.search import suggest_customers
from models.db.database import Database
from tests.handlers.conftest import Bills
from tests.handlers.test_recording import recorded
from tests.harness.cast import People
from tests.harness.record import bill_of
from tests.harness.slack_people import Json, Team, read

MANY = sa.text("""
    insert into customers (name, monthly_api_limit)
    select 'Package ' || md5(n::text), 1 from generate_series(1, 1000) n
""")


async def offered(team: Team, typed: str, user: str = "UANA", **other: Any) -> list[Json]:
    """What the field in Ana's dialog offers."""
    asked = {"action_id": "value", "block_id": "customer", "value": typed} | other
    view = team.ana.dialog["id"]
    answer = await team.sandbox.suggest(user, view_id=view, **asked)
    assert answer["ok"], answer
    options: list[Json] = answer["options"]
    return options


def texts(options: list[Json]) -> list[str]:
    return [one["text"]["text"] for one in options]


async def test_ana_records_a_month_of_whom_she_finds_by_a_part_of_the_name(
    team: Team, october: Bills
) -> None:
    await team.ana.types("/usage record")
    assert texts(await offered(team, "ltd")) == ["Bolt Ltd"]
    assert texts(await offered(team, "akme corp")) == ["Acme Corp"]
    [acme] = await offered(team, "ac")
    refused = await team.ana.submits(customer=acme, calls="1.5k")
    assert refused["errors"].keys() == {"calls"}
    await team.ana.submits(customer=acme, calls="1300")
    asked = team.ana.dialog
    for told in ("Acme Corp, October 2026", "1,300, until now 1,500.", "asks for approval again"):
        assert told in read(asked), told
    assert (await recorded(team))["Acme Corp", "2026-10"] == 1500
    await team.ana.submits()
    assert "Acme Corp, October 2026, 1,300 calls of 1,000 included" in read(team.ana.dialog)
    bill = await bill_of(team.db, october.acme)
    assert (bill.overage_amount, bill.version) == (150, 2)


async def test_a_month_that_nothing_moves_with_is_recorded_from_the_dialog_at_once(
    team: Team,
) -> None:
    await team.ana.types("/usage record")
    [bolt] = await offered(team, "Bolt")
    september = {"text": {"type": "plain_text", "text": "September 2026"}, "value": "2026-09"}
    await team.ana.submits(customer=bolt, month=september, calls="7")
    assert "Bolt Ltd, September 2026, 7 calls of 1,000 included" in read(team.ana.dialog)
    assert (await recorded(team))["Bolt Ltd", "2026-9"] == 7


async def test_ana_chooses_whom_to_edit(team: Team) -> None:
    await team.ana.types("/customer edit")
    [acme] = await offered(team, "acme")
    await team.ana.submits(customer=acme)
    assert team.ana.dialog["callback_id"] == "customer:edit"
    assert "Acme Corp" in str(team.ana.dialog["blocks"][0])
    await team.ana.submits(monthly_api_limit="1200", valid_from="2026-12")
    assert "is saved." in read(team.ana.dialog)


async def test_only_those_who_see_customers_are_offered_any(team: Team) -> None:
    await team.ana.types("/usage record")
    for user in ("UNEW", "UGUS", "UFAR"):
        assert await offered(team, "acme", user) == []
    assert await offered(team, "acme", block_id="reason") == []
    assert len(await offered(team, "acme", "UMAX")) == 1
    forged = {"customer": {"value": {"text": {"type": "plain_text", "text": "x"}, "value": "99"}}}
    for user in ("UMAX", "UGUS"):
        await team.sandbox.submit(user, team.ana.dialog["id"], {**forged, "calls": {"value": "5"}})
    gone = await team.sandbox.submit("UANA", team.ana.dialog["id"], {**forged, "calls": "5"})
    assert "That customer is not here." in read(gone["view"])
    await team.ana.types("/usage record")
    for value in ("x", "9" * 30, "-1"):
        forged["customer"]["value"]["value"] = value
        answer = await team.sandbox.submit("UANA", team.ana.dialog["id"], {**forged, "calls": "5"})
        assert answer["errors"]["customer"] == "Choose a customer."
    assert len(await recorded(team)) == 2


async def test_awkward_names_fit_and_are_told_apart(team: Team) -> None:
    async with team.db.transaction() as session:
        session.add_all(
            Customer(name=f"{'W' * 90}{at} <!channel> *b*", monthly_api_limit=1)
            for at in range(120)
        )
    await team.ana.types("/usage record")
    options = await offered(team, "www")
    assert len(options) == len(set(texts(options))) == 100
    assert all(len(text) <= 75 for text in texts(options))
    assert {one["text"]["type"] for one in options} == {"plain_text"}
    for typed in ("<!channel>", "\u202e", " ", "%", "'; drop", "W" * 3000):
        await offered(team, typed)


async def test_a_former_name_finds_the_customer_of_today_among_many(
    db: Database, people: People, customers: None
) -> None:
    async with db.transaction() as session:
        await session.execute(MANY)
        ids = list(await session.scalars(sa.select(Customer.id).order_by(Customer.id).limit(2)))
        await session.execute(
            sa.text("update customers set name = 'Zenith' where id = :id"), {"id": ids[0]}
        )
    async with db.transaction() as session:
        found = await suggest_customers(session, "acme", 100)
        assert [(one.customer_id, one.name, one.found_as) for one in found] == [
            (ids[0], "Zenith", "Acme Corp")
        ]
        assert len(await suggest_customers(session, "a", 100)) == 100
        assert len({one.customer_id for one in await suggest_customers(session, "", 100)}) == 100
        assert await suggest_customers(session, "qqqqqq", 100) == []
