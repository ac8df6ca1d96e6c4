"""Slack refuses blocks that it took before: nobody loses a button for good."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from models.db.database import Database
from tests.harness.cast import KIM, People
from tests.harness.slack_people import Json, Team, labels, read
from tests.harness.waiting import until
from tests.stories.october import (
    FOREVER,
    approve,
    card_in,
    generated,
    october,
    places,
    rows,
    settled,
    shows,
)

REFUSAL = {"kind": "error", "error": "invalid_blocks"}
ACMES = """
select channel from messages
where kind = 'card' and bill_id = (select bill_id from messages where channel = 'CACME')
order by id
"""


@pytest.fixture
async def team(db: Database, people: People) -> AsyncIterator[Team]:
    async with october(db, people) as (opened, _):
        yield opened


def once_kim_approved(team: Team) -> dict[str, set[str]]:
    """Where Acme's card stands, and what can be clicked there."""
    return {
        team.kim.dm: {"Undo"},
        team.sam.dm: {"Approve", "Reject"},
        "CACME": {"Approve", "Reject", "Undo"},
    }


async def shows_all_of_it(team: Team, place: str, buttons: set[str]) -> None:
    await shows(team, place, "Approved by", "Kim", "450,000")
    await until(lambda: buttons <= set(labels(card_in(team, place))))


def seen_by(card: Json) -> list[Any]:
    """For whom each button of the card is drawn, where not for all."""
    buttons = [one for block in card["blocks"] for one in block.get("elements", [])]
    return [one["visible_to_user_ids"] for one in buttons if "visible_to_user_ids" in one]


@pytest.mark.parametrize("times", range(1, 6))
async def test_a_card_that_is_refused_keeps_all_it_says_and_all_its_buttons(
    team: Team, times: int
) -> None:
    await generated(team)
    await team.sandbox.fault(method="chat.update", **REFUSAL, times=times)
    await approve(team, KIM)
    for place, buttons in once_kim_approved(team).items():
        await shows_all_of_it(team, place, buttons)


async def test_a_card_is_drawn_whole_again_at_the_next_redraw(team: Team) -> None:
    await generated(team)
    before = [row.channel for row in await rows(team.db, ACMES)].index("CACME")
    await team.sandbox.fault(method="chat.update", **REFUSAL, after=before)
    await approve(team, KIM)
    for place, buttons in once_kim_approved(team).items():
        await shows_all_of_it(team, place, buttons)
    assert seen_by(card_in(team, "CACME")) == []
    await team.kim.replies("They doubled it", to=card_in(team, team.kim.dm))
    await shows(team, "CACME", "They doubled it")
    assert seen_by(card_in(team, "CACME")) == [[KIM]]


async def test_buttons_that_are_refused_for_a_while_come_back_by_themselves(team: Team) -> None:
    await generated(team)
    await team.sandbox.fault(method="chat.update", **REFUSAL, times=FOREVER)
    await approve(team, KIM)
    await team.sandbox.fault(clear=True)
    for place, buttons in once_kim_approved(team).items():
        await shows_all_of_it(team, place, buttons)


@pytest.mark.parametrize("times", range(1, 6))
async def test_a_card_posted_ever_plainer_is_a_card_in_the_end(team: Team, times: int) -> None:
    await team.sandbox.fault(method="chat.postMessage", **REFUSAL, times=times)
    preview = await team.ana.types("/bill generate 2026-10")
    await team.ana.clicks("Generate", on=preview)
    await settled(team)
    for place in places(team):
        await shows(team, place, "450,000")
        assert "Approve" in labels(card_in(team, place))


async def test_home_is_drawn_more_plainly_with_its_buttons(team: Team) -> None:
    await generated(team)
    await team.kim.opens_home()
    whole = set(labels(team.kim.home))
    for times in (1, 2):
        await team.sandbox.fault(
            method="views.publish", kind="error", error="invalid_arguments", times=times
        )
        await team.kim.opens_home()
        assert set(labels(team.kim.home)) == whole != set()
        assert "Acme Corp" in read(team.kim.home)


async def test_an_answer_with_buttons_keeps_them(team: Team) -> None:
    for times in (1, 2):
        await team.sandbox.fault(method="response_url", **REFUSAL, times=times)
        told = await team.kim.types("/usage Acme Corp 2026-10", "CACME")
        assert "Share here" in labels(told), times
        assert "450,000" in read(told), times


async def test_a_dialog_is_opened_more_plainly_with_its_fields(team: Team) -> None:
    await generated(team)
    await team.sandbox.fault(method="views.open", kind="error", error="invalid_arguments")
    await team.kim.clicks("Reject", on=card_in(team, team.kim.dm))
    sent = await team.kim.submits(reason_code="limit_wrong", reason="Their limit is 500,000.")
    assert sent["ok"], sent
    await shows(team, "CACME", "Rejected by")
