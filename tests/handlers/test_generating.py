"""`/bill generate`: nothing happens before somebody has seen what would."""

import json
from typing import Any

import pytest
import sqlalchemy as sa

from models.usage.usage import Usage
from tests.harness.slack_people import Team, acts, carried, said


async def test_a_month_is_previewed_privately_before_anything_is_made(team: Team) -> None:
    preview = await team.ana.types("/bill generate 2026-10")
    assert "2 bills for approval" in preview["text"]
    assert acts(preview) == ["run:generate", "run:cancel"]
    assert await _bills(team) == 0


async def test_generate_makes_the_bills_and_tells_who_asked_in_their_dm(team: Team) -> None:
    preview = await team.ana.types("/bill generate")
    await team.ana.clicks("run:generate", on=preview)
    assert "Generating the bills of October 2026" in team.again(preview)["text"]
    assert acts(team.again(preview)) == []
    await team.ana.told("2 bills made")
    assert await _bills(team) == 2


async def test_a_click_that_is_delivered_twice_is_one_run_and_one_message(team: Team) -> None:
    preview = await team.ana.types("/bill generate")
    await team.sandbox.fault(envelopes="duplicate", times=1)
    await team.ana.forges(_generate(preview), on=preview)
    await team.ana.forges(_generate(preview), on=preview)
    await team.ana.told("2 bills made")
    assert "Generating the bills" in team.again(preview)["text"]
    async with team.db.transaction() as session:
        counts = "select (select count(*) from bill_runs), (select count(*) from messages where {})"
        told = sa.text(counts.format("kind = 'run'"))
        assert (await session.execute(told)).one() == (1, 1)


async def test_a_second_preview_adds_nothing(team: Team) -> None:
    first, second = [await team.ana.types("/bill generate") for _ in range(2)]
    await team.ana.clicks("run:generate", on=first)
    await team.ana.told("2 bills made")
    await team.ana.clicks("run:generate", on=second)
    shown = said(team.again(second))
    assert "has changed since it was shown. Nothing was generated" in shown
    assert "There is nothing to generate for October 2026." in shown
    assert acts(team.again(second)) == []
    assert await _bills(team) == 2


@pytest.mark.parametrize(
    "meanwhile",
    [
        "update usages set api_usage = api_usage + 1 where month = 10 and year = 2026",
        "update customer_terms set overage_unit_cost = null",
        "delete from usages where customer_id = (select min(customer_id) from usages)",
    ],
)
async def test_an_old_preview_generates_only_what_it_shows(team: Team, meanwhile: str) -> None:
    preview = await team.ana.types("/bill generate 2026-10")
    async with team.db.transaction() as session:
        await session.execute(sa.text(meanwhile))
    await team.ana.clicks("run:generate", on=preview)
    anew = team.again(preview)
    assert "has changed since it was shown. Nothing was generated" in said(anew)
    assert await _bills(team) == 0
    await team.ana.clicks("run:generate", on=anew)
    assert "Generating the bills of October 2026" in said(team.again(anew))


async def test_a_button_that_does_not_say_what_it_showed_shows_it_first(team: Team) -> None:
    preview = await team.ana.types("/bill generate 2026-10")
    older = {**_generate(preview), "value": '{"period":"2026-10"}'}
    await team.ana.forges(older, on=preview)
    assert "2 bills for approval" in said(team.again(preview))
    assert await _bills(team) == 0


def _generate(preview: dict[str, Any]) -> dict[str, Any]:
    value = json.dumps(carried(preview, "run:generate"))
    return {"type": "button", "action_id": "run:generate", "value": value}


async def test_cancel_leaves_nothing_behind(team: Team) -> None:
    preview = await team.ana.types("/bill generate 2026-10 acme")
    assert carried(preview, "run:cancel")["customer"] == await _acme(team)
    await team.ana.clicks("run:cancel", on=preview)
    assert "Cancelled" in team.again(preview)["text"]
    assert await _bills(team) == 0


async def test_a_month_that_is_not_over_is_refused_with_the_day_it_can_run(team: Team) -> None:
    refused = await team.ana.types("/bill generate 2026-11")
    assert "1 December 2026" in refused["text"]


async def test_what_looks_like_a_month_but_is_none_is_named(team: Team) -> None:
    for typed in ("2026-13", "2026-10-31", "2026-1x"):
        refused = await team.ana.types(f"/bill generate {typed}")
        assert "is not a month" in refused["text"], typed


async def test_only_finance_generates_at_the_command_and_at_the_button(team: Team) -> None:
    refused = await team.kim.types("/bill generate 2026-10")
    assert "only Finance may generate bills" in refused["text"]
    preview = await team.ana.types("/bill generate 2026-10")
    (answer,) = await team.kim.forges(_generate(preview), on=preview)
    assert "only Finance may generate bills" in said(answer)
    assert await _bills(team) == 0


async def test_an_unknown_customer_is_answered_with_those_it_could_be(team: Team) -> None:
    asked = await team.ana.types("/bill generate 2026-10 acm corp")
    assert "No customer is called “acm corp”" in asked["text"]
    await team.ana.clicks("choose", on=asked)
    assert "Acme Corp" in said(team.again(asked))
    assert carried(team.again(asked), "run:generate")["customer"] == await _acme(team)


async def test_what_was_previewed_is_generated_though_the_customer_is_renamed(
    team: Team,
) -> None:
    preview = await team.ana.types("/bill generate 2026-10 acme")
    async with team.db.transaction() as session:
        rename = "update customers set name = 'Acme Corp Old' where name = 'Acme Corp'"
        await session.execute(sa.text(rename))
        clone = (
            "insert into customers (name, monthly_api_limit, overage_unit_cost)"
            " values ('Acme Corp New', 1000, 1) returning id"
        )
        other = await session.scalar(sa.text(clone))
        session.add(Usage(customer_id=other, year=2026, month=10, api_usage=9000))
    await team.ana.clicks("run:generate", on=preview)
    await team.ana.told("1 bill made")
    async with team.db.transaction() as session:
        of = list(await session.scalars(sa.text("select customer_id from bills")))
    assert of == [await _id_of(team, "Acme Corp Old")]


async def _acme(team: Team) -> int:
    return await _id_of(team, "Acme Corp")


async def _id_of(team: Team, name: str) -> int:
    async with team.db.transaction() as session:
        query = sa.text("select id from customers where name = :name")
        return int(await session.scalar(query, {"name": name}) or 0)


async def _bills(team: Team) -> int:
    async with team.db.transaction() as session:
        return int(await session.scalar(sa.text("select count(*) from bills")) or 0)
