"""Whoever goes away names somebody who decides in their place."""

from datetime import timedelta

import pytest

from models.actions.absence import end_lost_delegations
from models.context import Source, system_context
from models.people.permissions import Role
from models.people.users import add_user
from models.settings import BillingSettings
from tests.bot.helpers import rows
from tests.handlers.conftest import Bills
from tests.harness.slack_people import Team, labels, read, said
from tests.harness.waiting import until


@pytest.mark.parametrize("who", ["<@ULEE>", "@lee", "Lee"])
async def test_a_delegate_gets_the_card_and_decides_in_their_place(
    team: Team, october: Bills, who: str
) -> None:
    kims = await team.kim.card(october.acme)
    told = await team.kim.types(f"/bill away until 2026-11-20 {who}")
    assert told["text"].startswith(
        "You are away up to and including 20 November 2026."
        " Meanwhile Lee (CSM) decides in your place."
    )
    card = await team.lee.card(october.acme)
    assert "Waits for Lee (CSM), in the place of Kim (CSM) who is away" in said(card)
    await until(lambda: "in the place of Kim" in said(team.again(kims)))
    await team.lee.clicks("bill:approve", on=card)
    await until(lambda: "for Kim (CSM) who is away" in said(team.again(kims)))
    history = await team.ana.types(f"/bill history #{october.acme}")
    assert "approved $250.00 in Slack, for Kim (CSM) who is away" in said(history)


async def test_whoever_is_back_decides_again(team: Team, october: Bills) -> None:
    assert "were not away" in (await team.kim.types("/bill back"))["text"]
    await team.kim.types("/bill away until 2026-11-20 Lee")
    assert "Welcome back" in (await team.kim.types("/bill back"))["text"]
    shown = await team.kim.types(f"/bill show #{october.acme}")
    assert "Waits for Kim (CSM)" in said(shown)


async def test_a_delegate_is_told_in_whose_place_they_decide_and_when_that_is_over(
    team: Team, october: Bills
) -> None:
    await team.kim.types("/bill away until 2026-11-20 Lee")
    told = await team.lee.told("Kim (CSM) is away")
    assert "up to and including 20 November 2026. Meanwhile you decide in their place" in read(told)
    await team.kim.types("/bill away until 2026-11-20 Sam")
    await team.sam.told("Kim (CSM) is away")
    await team.lee.told("You do not decide in the place of Kim (CSM) any more.")
    await team.kim.types("/bill back")
    await team.sam.told("You do not decide in the place of Kim (CSM) any more.")
    await team.kim.types("/bill away until 2026-11-20 Lee")
    await team.lee.types("/bill away until 2026-11-10 Sam")
    await team.kim.told("Lee (CSM) is away too. Meanwhile Sam (Sales) decides in your place.")


async def test_who_is_away_is_told_until_when_and_who_decides(team: Team, october: Bills) -> None:
    await team.kim.types("/bill away until 2026-11-20 Lee")
    told = (await team.kim.types("/bill away"))["text"]
    assert "away up to and including" in told and "Lee (CSM) decides in your place" in told
    await team.kim.types("/bill back")
    assert "Write until when" in (await team.kim.types("/bill away"))["text"]


NO_ABSENCE = (
    ("UKIM", "", "Write until when"),
    ("UKIM", "until tomorrow Lee", "Write until when"),
    ("UKIM", "until 2026-11-31 Lee", "there is no such day"),
    ("UKIM", "until 2026-11-01 Lee", "from today on"),
    ("UKIM", "", "meanwhile: /bill away until 2026-11-16 @Lee."),
    ("ULEE", "", "meanwhile: /bill away until 2026-11-16 @Kim."),
    ("UKIM", "2026-11-20 Nobody", "Countersign does not know anybody called “Nobody”. Mention"),
    ("UKIM", "2026-11-20 <@UNEW>", "That person has no role in Countersign"),
    ("UKIM", "2026-11-20 <@UGUS>", "anybody but guests of the workspace"),
    ("UKIM", "2026-11-20 Max", "Max may not approve bills"),
    ("UKIM", "2026-11-20 Kim", "Name somebody else"),
    ("UANA", "2026-11-20 Lee", "Your role is Finance"),
)


async def test_what_is_no_absence_is_refused_in_a_sentence(
    team: Team, subtests: pytest.Subtests
) -> None:
    for user, typed, told in NO_ABSENCE:
        with subtests.test(user=user, typed=typed):
            assert told in (await team.person(user).types(f"/bill away {typed}"))["text"]


@pytest.mark.parametrize("typed", ["@Priya", "Pryia Nair", "“@priya”"])
async def test_a_colleague_by_half_a_name_is_offered_and_taken_with_a_click(
    team: Team, october: Bills, typed: str
) -> None:
    async with team.db.transaction() as session:
        await add_user(session, "Priya Nair", Role.CSM, "UPRIYA")
    asked = await team.kim.types(f"/bill away until 2026-11-20 {typed}")
    assert "Did you mean one of these?" in asked["text"]
    assert labels(asked) == ["Priya Nair"]
    await team.kim.clicks("Priya Nair", on=asked)
    assert "Priya Nair (CSM) decides in your place" in read(team.again(asked))


async def test_a_status_in_slack_lets_lee_decide_in_kims_place_until_it_ends(
    team: Team, october: Bills
) -> None:
    await team.kim.types("/bill away until 2026-11-20 Lee")
    await team.kim.types("/bill back")
    card = await team.kim.card(october.acme)
    ends = int((team.clock() + timedelta(days=2)).timestamp())
    vacation = {"status_emoji": ":palm_tree:", "status_text": "Vacationing"}
    await team.sandbox.change_user("UKIM", status_expiration=ends, **vacation)
    await team.kim.told("By your status in Slack you are away up to and including 4 November 2026.")
    await until(lambda: "Waits for Lee (CSM), in the place of Kim" in said(team.again(card)))
    await team.sandbox.change_user("UKIM", status_emoji="", status_text="", status_expiration=0)
    await until(lambda: "Waits for Kim (CSM)" in said(team.again(card)))


async def test_finance_hears_who_left_slack_and_who_of_them_is_back(
    team: Team, october: Bills
) -> None:
    await team.kim.types("/bill away until 2026-11-20 Lee")
    await team.sandbox.change_user("ULEE", deleted=True)
    told = await team.ana.told("Lee (CSM) has left Slack, and can do nothing in Countersign")
    await team.sandbox.change_user("ULEE", title="Gone")
    await team.sandbox.change_user("ULEE", deleted=False)
    await team.ana.told("Lee (CSM) is back in Slack, and switched off in Countersign still.")
    await team.sandbox.change_user("ULEE", title="Back")
    assert sum(read(told) == read(one) for one in team.ana.messages()) == 1
    async with team.db.transaction() as session:
        at = await system_context(session, team.clock(), Source.CLOCK, BillingSettings())
        await end_lost_delegations(session, at)
    await team.kim.told("Lee (CSM) may not approve bills any more, so nobody decides in your place")
    await team.ana.told("decided in the place of Kim (CSM), who is away.")


async def test_where_somebody_is_comes_from_slack_when_they_type_and_when_they_move(
    team: Team, october: Bills
) -> None:
    await team.kim.types("/bill help")
    before = await rows(team.db, "select slack_zone from users where name = 'Kim'")
    assert [tuple(row) for row in before] == [("Etc/UTC",)]
    await team.sandbox.change_user("UKIM", tz="Asia/Kathmandu")
    moved = "select from users where name = 'Kim' and slack_zone = 'Asia/Kathmandu'"
    await until(lambda: rows(team.db, moved))
