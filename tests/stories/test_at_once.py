"""Many people at once, through Slack's front door."""

import asyncio
from collections import Counter
from typing import Any

import pytest
import sqlalchemy as sa

from models.people.permissions import Role
from models.people.users import add_user
from tests.harness.cast import ANA, KIM, MAX, SAM, People
from tests.harness.slack_people import Team, element, read
from tests.harness.waiting import until
from tests.stories.conftest import sign_up
from tests.stories.test_main_job import generate, recorded

# What is told on a slow machine to whoever waited for the bill in vain.
BUSY = "Nothing was done; try again."
CROWD = [f"UCSM{number}" for number in range(50)]


@pytest.fixture
async def crowd(team: Team) -> None:
    """Fifty people of Customer Success, of whom any one may approve."""
    for slack_id in CROWD:
        team.sandbox.add_user(id=slack_id, name=slack_id.lower())
    async with team.db.transaction() as session:
        for slack_id in CROWD:
            await add_user(session, f"Csm {slack_id}", Role.CSM, slack_id)


@pytest.mark.usefixtures("crowd")
async def test_of_fifty_decisions_at_once_one_counts_and_49_hear_whose(
    team: Team, people: People
) -> None:
    async with team.db.transaction() as session:
        await sign_up(session, "Acme Corp", csm_id=people.kim.id)
    await generate(team)
    card = await team.kim.card("Acme Corp")
    approvers, rejecters = CROWD[:25], CROWD[25:]
    place = team.kim.dm

    async def open_dialog(user: str) -> None:
        shown = await team.person(user).types("/bill show #1")
        await team.person(user).clicks("Reject", on=shown)
        assert team.person(user).dialog

    for user in rejecters:
        await open_dialog(user)

    async def approve(user: str) -> Any:
        return await team.sandbox.interact(user, place, card["ts"], element(card, "Approve"))

    async def reject(user: str) -> Any:
        return await team.person(user).submits(reason_code="other", reason="No.")

    answers = await asyncio.gather(
        *(act(user) for pair in zip(approvers, rejecters, strict=True)
          for act, user in zip((approve, reject), pair, strict=True))
    )  # fmt: skip
    assert all(answer["ok"] for answer in answers)
    made = await recorded(team.db)
    assert Counter(made) in (Counter(generate=1, approve=1), Counter(generate=1, reject=1))

    async with team.db.transaction() as session:
        winner = await session.scalar(
            sa.text(
                "select u.name from bill_actions a join users u on u.id = a.stakeholder_id"
                " where a.action <> 'generate'"
            )
        )

    def heard(user: str) -> str:
        views = team.person(user).dialogs if user in rejecters else []
        return " ".join(map(read, views or team.person(user).whispers(place)))

    for user in CROWD:
        if BUSY in heard(user):
            await team.person(user).clicks("Approve", on=card)
            assert str(winner) in read(team.person(user).whispers(place)[-1])
    assert len([user for user in CROWD if str(winner) in heard(user) or BUSY in heard(user)]) == 49


async def test_clicks_of_people_who_may_not_change_nothing(team: Team, people: People) -> None:
    async with team.db.transaction() as session:
        await sign_up(session, "Acme Corp", csm_id=people.kim.id, require_csm_approval=True)
    await generate(team)
    card = await team.kim.card("Acme Corp")
    place = team.kim.dm
    outsiders = [ANA, SAM, MAX] * 5
    told = await asyncio.gather(
        *(
            team.sandbox.interact(user, place, card["ts"], element(card, "Approve"))
            for user in outsiders
        )
    )
    assert all(answer["ok"] for answer in told)
    for user in set(outsiders):
        assert len(team.person(user).whispers(place)) == 5
        assert all("may" in read(whisper) for whisper in team.person(user).whispers(place))
    assert await recorded(team.db) == ["generate"]


async def test_a_required_csm_and_a_required_salesperson_together_both_count(
    team: Team, people: People
) -> None:
    async with team.db.transaction() as session:
        await sign_up(
            session,
            "Acme Corp",
            csm_id=people.kim.id,
            sales_id=people.sam.id,
            require_csm_approval=True,
            require_sales_approval=True,
        )
    await generate(team)
    cards = {user: await team.person(user).card("Acme Corp") for user in (KIM, SAM)}
    answers = await asyncio.gather(
        *(team.person(user).clicks("Approve", on=card) for user, card in cards.items())
    )
    assert answers == [[], []]
    await until(lambda: "Approved" in read(team.kim.messages()[-1]))
    assert sorted(await recorded(team.db)) == ["approve", "approve", "generate"]


async def test_three_runs_of_one_month_at_once_make_no_bill_twice(
    team: Team, people: People
) -> None:
    async with team.db.transaction() as session:
        for number in range(30):
            await sign_up(session, f"Customer {number}", csm_id=people.kim.id)
    previews = [await team.ana.types("/bill generate 2026-10") for _ in range(3)]
    await asyncio.gather(*(team.ana.clicks("Generate", on=preview) for preview in previews))

    def answered() -> int:
        """Runs that have ended, and previews that came too late for what they showed."""
        told = [*team.ana.messages(), *map(team.again, previews)]
        return sum("Run by" in read(one) or "Nothing was generated" in read(one) for one in told)

    await until(lambda: answered() == 3)
    assert Counter(await recorded(team.db)) == Counter(generate=30)
