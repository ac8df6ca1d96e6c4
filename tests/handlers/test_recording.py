"""Finance writes down in Slack what a customer used in a month."""

import pytest
import sqlalchemy as sa

from models.customers.customers import Customer
from models.customers.names import CustomerName
from tests.handlers.conftest import Bills
from tests.harness.record import bill_of
from tests.harness.slack_people import Json, Team, acts, labels, read, said


async def recorded(team: Team) -> dict[tuple[str, str], int]:
    """What is on record, by customer and month."""
    query = sa.text(
        "select c.name, u.year || '-' || u.month as month, u.api_usage"
        " from usages u join customers c on c.id = u.customer_id"
    )
    async with team.db.transaction() as session:
        rows = await session.execute(query)
        return {(name, month): calls for name, month, calls in rows}


@pytest.mark.parametrize(
    ("typed", "calls"),
    [
        ("Acme Corp 2026-09 900", 900),
        ("acme sep 2026 1,250,000", 1_250_000),
        ("“Acme Corp” 09/2026: 1 250 000 calls.", 1_250_000),
        ("Acme Sep-26 250 000", 250_000),
        ("acme 2026 sep 1250", 1250),
        ("acme september 0", 0),
    ],
)
async def test_a_month_that_nothing_moves_with_is_recorded_at_once(
    team: Team, typed: str, calls: int
) -> None:
    told = await team.ana.types(f"/usage record {typed}")
    included = f"{calls:,} calls of 1,000 included"
    assert f"Recorded: Acme Corp, September 2026, {included}" in told["text"]
    assert (await recorded(team))["Acme Corp", "2026-9"] == calls
    again = await team.ana.types(f"/usage record {typed}")
    assert "were recorded already. Nothing was changed." in again["text"]


async def test_another_figure_moves_the_bill_once_ana_agrees_and_only_once(
    team: Team, october: Bills
) -> None:
    asked = await team.ana.types("/usage record acme 2026-10 1300")
    assert "1,300, until now 1,500." in read(asked)
    for told in (f"#{october.acme}", "$250.00", "$150.00", "asks for approval again"):
        assert told in said(asked)
    assert (await recorded(team))["Acme Corp", "2026-10"] == 1500
    await team.ana.clicks("Record usage", on=asked)
    done = team.again(asked)
    assert "Acme Corp, October 2026, 1,300 calls of 1,000 included, 300 over" in read(done)
    assert labels(done) == []
    bill = await bill_of(team.db, october.acme)
    assert bill.overage_amount == 150
    await team.ana.forges(_button(asked, "usage:record"), on=asked)
    assert "were recorded already" in read(team.again(asked))
    assert (await bill_of(team.db, october.acme)).version == bill.version


def _button(message: Json, action_id: str) -> Json:
    [row] = [block for block in message["blocks"] if block["type"] == "actions"]
    [one] = [one for one in row["elements"] if one["action_id"] == action_id]
    return {**one, "block_id": row["block_id"]}


async def test_what_has_changed_since_is_shown_and_not_recorded(team: Team, october: Bills) -> None:
    asked = await team.ana.types("/usage record acme 2026-10 1300")
    async with team.db.transaction() as session:
        await session.execute(sa.text("update usages set api_usage = 1400"))
    await team.ana.clicks("Record usage", on=asked)
    anew = team.again(asked)
    assert "Something has changed since you looked. Nothing was written" in read(anew)
    assert "1,300, until now 1,400." in read(anew)
    await team.ana.clicks("Cancel", on=anew)
    assert "nothing was recorded for Acme Corp, October 2026" in read(team.again(asked))
    assert (await recorded(team))["Acme Corp", "2026-10"] == 1400


async def test_only_finance_records_typed_or_clicked(team: Team, october: Bills) -> None:
    asked = await team.ana.types("/usage record acme 2026-10 1300")
    before = await recorded(team)
    for user in ("UKIM", "USAM", "UMAX", "UGUS", "UFAR", "UNEW"):
        person = team.person(user)
        told = await person.types("/usage record acme 2026-10 1300")
        assert "usage:record" not in acts(told)
        assert await person.forges(_button(asked, "usage:record"), on=asked)
    assert await recorded(team) == before


UNREADABLE = (
    ("acme", "Write whose calls, of which month, and how many. As in /usage record Acme Corp"),
    ("acme 2026-10", "Write whose calls"),
    ("acme 5", "Write whose calls"),
    ("2026-10 5", "Write whose calls"),
    ("acme 2026-10 lots", "Write whose calls"),
    ("acme 2026-13 5", "2026-13 is not a month"),
    ("acme 2026-10 1.5", "is not a whole number"),
    ("acme 2026-10 1.250", "could be 1250 or 1.250; write 1250"),
    ("acme 2026-10 -5", "is negative"),
    ("acme 2026-10 1.25M", "is not a number alone"),
    ("acme 2026-12 5", "December 2026 has not begun yet"),
)


async def test_what_cannot_be_read_is_refused_and_nothing_recorded(
    team: Team, subtests: pytest.Subtests
) -> None:
    for typed, told in UNREADABLE:
        with subtests.test(typed=typed, told=told):
            before = await recorded(team)
            assert told in (await team.ana.types(f"/usage record {typed}"))["text"]
            assert await recorded(team) == before


async def test_a_name_that_fits_two_is_chosen_and_recorded(team: Team) -> None:
    async with team.db.transaction() as session:
        session.add(Customer(name="Acme Labs", monthly_api_limit=10))
    asked = await team.ana.types("/usage record acme 2026-09 900")
    assert labels(asked) == ["Acme Corp", "Acme Labs"]
    await team.ana.clicks("Acme Labs", on=asked)
    assert (await recorded(team))["Acme Labs", "2026-9"] == 900


async def test_a_month_of_a_customer_that_was_merged_stays_its_own(team: Team) -> None:
    async with team.db.transaction() as session:
        acme = await session.scalar(sa.select(Customer).where(Customer.name == "Acme Corp"))
        assert acme
        old = Customer(name="Old Acme", monthly_api_limit=10, merged_into_id=acme.id)
        session.add(old)
        await session.flush()
        await session.execute(
            sa.text(
                "insert into usages (customer_id, year, month, api_usage) values (:id, 2026, 8, 5)"
            ),
            {"id": old.id},
        )
        assert await session.scalar(
            sa.select(CustomerName.customer_id).where(CustomerName.name == "Old Acme")
        )
    asked = await team.ana.types("/usage record old acme 2026-08 7")
    await team.ana.clicks("Record usage", on=asked)
    await team.ana.types("/usage record old acme 2026-09 8")
    found = await recorded(team)
    assert (found["Old Acme", "2026-8"], found["Acme Corp", "2026-9"]) == (7, 8)


async def test_a_customer_that_is_called_like_the_command_is_still_found(team: Team) -> None:
    async with team.db.transaction() as session:
        session.add(Customer(name="Record Labels", monthly_api_limit=10))
    assert "Usage: Record Labels" in read(await team.kim.types("/usage record labels"))
