"""Many people at once, through Slack's front door."""

import asyncio
from collections import Counter
from typing import Any

import pytest
import sqlalchemy as sa

from models.people.permissions import Role
from models.people.users import add_user
from sandbox.story import Story, element, read
from tests.conftest import People
from tests.stories.conftest import ANA, KIM, MAX, SAM, sign_up
from tests.stories.test_main_job import generate, recorded

# What is told on a slow machine to whoever waited for the bill in vain.
BUSY = "Nothing was done; try again."
CROWD = [f"UCSM{number}" for number in range(50)]


@pytest.fixture
async def crowd(story: Story) -> None:
    """Fifty people of Customer Success, of whom any one may approve."""
    for slack_id in CROWD:
        story.sandbox.add_user(id=slack_id, name=slack_id.lower())
    async with story.db.transaction() as session:
        for slack_id in CROWD:
            await add_user(session, f"Csm {slack_id}", Role.CSM, slack_id)


@pytest.mark.usefixtures("crowd")
async def test_of_fifty_decisions_at_once_one_counts_and_49_hear_whose(
    story: Story, people: People
) -> None:
    async with story.db.transaction() as session:
        await sign_up(session, "Acme Corp", csm_id=people.kim.id)
    await generate(story)
    card = await story.card(KIM, "Acme Corp")
    approvers, rejecters = CROWD[:25], CROWD[25:]
    place = story.sandbox.dm(KIM)

    async def open_dialog(user: str) -> None:
        shown = await story.type(user, "/bill show #1")
        await story.click(user, shown, "Reject")
        assert story.dialog(user)

    for user in rejecters:
        await open_dialog(user)

    async def approve(user: str) -> Any:
        return await story.sandbox.interact(user, place, card["ts"], element(card, "Approve"))

    async def reject(user: str) -> Any:
        return await story.submit(user, reason_code="other", reason="No.")

    answers = await asyncio.gather(
        *(act(user) for pair in zip(approvers, rejecters, strict=True)
          for act, user in zip((approve, reject), pair, strict=True))
    )  # fmt: skip
    assert all(answer["ok"] for answer in answers)
    made = await recorded(story.db)
    assert Counter(made) in (Counter(generate=1, approve=1), Counter(generate=1, reject=1))

    async with story.db.transaction() as session:
        winner = await session.scalar(
            sa.text(
                "select u.name from bill_actions a join users u on u.id = a.stakeholder_id"
                " where a.action <> 'generate'"
            )
        )

    def heard(user: str) -> str:
        views = story.sandbox.views(user)["stack"] if user in rejecters else []
        return " ".join(map(read, views or story.whispers(user, place)))

    for user in CROWD:
        if BUSY in heard(user):
            await story.click(user, card, "Approve", place)
            assert str(winner) in read(story.whispers(user, place)[-1])
    assert len([user for user in CROWD if str(winner) in heard(user) or BUSY in heard(user)]) == 49


async def test_clicks_of_people_who_may_not_change_nothing(story: Story, people: People) -> None:
    async with story.db.transaction() as session:
        await sign_up(session, "Acme Corp", csm_id=people.kim.id, require_csm_approval=True)
    await generate(story)
    card = await story.card(KIM, "Acme Corp")
    place = story.sandbox.dm(KIM)
    outsiders = [ANA, SAM, MAX] * 5
    told = await asyncio.gather(
        *(
            story.sandbox.interact(user, place, card["ts"], element(card, "Approve"))
            for user in outsiders
        )
    )
    assert all(answer["ok"] for answer in told)
    for user in set(outsiders):
        assert len(story.whispers(user, place)) == 5
        assert all("may" in read(whisper) for whisper in story.whispers(user, place))
    assert await recorded(story.db) == ["generate"]


async def test_a_required_csm_and_a_required_salesperson_together_both_count(
    story: Story, people: People
) -> None:
    async with story.db.transaction() as session:
        await sign_up(
            session,
            "Acme Corp",
            csm_id=people.kim.id,
            sales_id=people.sam.id,
            require_csm_approval=True,
            require_sales_approval=True,
        )
    await generate(story)
    cards = {user: await story.card(user, "Acme Corp") for user in (KIM, SAM)}
    answers = await asyncio.gather(
        *(story.click(user, card, "Approve") for user, card in cards.items())
    )
    assert answers == [[], []]
    await story.until(lambda: "Approved" in read(story.messages(KIM)[-1]))
    assert sorted(await recorded(story.db)) == ["approve", "approve", "generate"]


async def test_three_runs_of_one_month_at_once_make_no_bill_twice(
    story: Story, people: People
) -> None:
    async with story.db.transaction() as session:
        for number in range(30):
            await sign_up(session, f"Customer {number}", csm_id=people.kim.id)
    previews = [await story.type(ANA, "/bill generate 2026-10") for _ in range(3)]
    await asyncio.gather(*(story.click(ANA, preview, "Generate") for preview in previews))
    await story.until(
        lambda: (
            sum("October 2026" in read(m) and "Run by" in read(m) for m in story.messages(ANA)) == 3
        )
    )
    assert Counter(await recorded(story.db)) == Counter(generate=30)
