"""Slack does what it is asked and its answer is lost, or it brings the same click twice: what
people see.
"""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from handlers.slack.request import LATE, PERHAPS_OPEN
from models.db.database import Database
from tests.harness.cast import KIM, People
from tests.harness.slack_people import Seen, Team, labels, read
from tests.stories.october import FOREVER, approve, card_in, generated, october, recorded, shows

USAGE = "/usage Acme Corp 2026-10"
LOST: list[dict[str, Any]] = [
    {"kind": "lost_response", "times": 1},
    {"kind": "lost_response", "times": FOREVER},
    {"kind": "error", "status": 503, "effect": True, "times": 1},
]

IMPATIENT_S = 5.0
"""How long Slack waits where no answer is what is tested."""


def _id(fault: dict[str, Any]) -> str:
    return "-".join(str(value) for value in fault.values())


@pytest.fixture
async def team(db: Database, people: People) -> AsyncIterator[Team]:
    async with october(db, people) as (opened, _):
        yield opened


def shared(team: Team) -> list[Seen]:
    """The figures that everybody sees in Acme's channel."""
    return [one for one in team.messages("CACME") if "Usage: Acme Corp" in read(one)]


# -- answers -----------------------------------------------------------------------------------


async def test_usage_is_answered_once(team: Team, subtests: pytest.Subtests) -> None:
    for lost in LOST:
        with subtests.test(**lost):
            await team.sandbox.fault(clear=True)
            await team.sandbox.fault(method="response_url", **lost)
            assert "Usage: Acme Corp" in read(await team.kim.types(USAGE, "CACME"))
            assert team.sandbox.seen_twice() == []


async def test_shared_figures_stand_once_and_are_not_offered_again(
    team: Team, subtests: pytest.Subtests
) -> None:
    for lost in LOST:
        with subtests.test(**lost):
            await team.sandbox.fault(clear=True)
            private, before = await team.kim.types(USAGE, "CACME"), len(shared(team))
            await team.sandbox.fault(method="response_url", **lost)
            assert await team.kim.clicks("Share here", on=private) == []
            assert len(shared(team)) == before + 1
            told = team.again(private)
            assert "did not say whether everybody was shown this" in read(told)
            assert "Share here" not in labels(told)


async def test_where_sharing_was_heard_of_nothing_is_said(team: Team) -> None:
    private = await team.kim.types(USAGE, "CACME")
    await team.kim.clicks("Share here", on=private)
    assert len(shared(team)) == 1
    assert "did not say" not in read(team.again(private))


async def test_a_late_click_is_told_once_what_was_decided(team: Team) -> None:
    await generated(team)
    old = card_in(team, team.kim.dm)
    await approve(team, KIM)
    await team.sandbox.fault(method="response_url", kind="lost_response", times=FOREVER)
    [told] = await team.kim.clicks("Approve", on=old)
    assert "You approved this bill" in read(told)


async def test_a_reply_that_reads_like_a_decision_is_answered_once(team: Team) -> None:
    await generated(team)
    await team.sandbox.fault(method="chat.postEphemeral", kind="lost_response", times=FOREVER)
    await team.kim.replies("approve", to=card_in(team, team.kim.dm))
    assert len(team.kim.whispers()) == 1


# -- dialogs -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "lost",
    [*(one for one in LOST if one["times"]), {"kind": "cut"}, {"kind": "error", "status": 500}],
    ids=_id,
)
async def test_nobody_is_told_that_an_open_dialog_did_not_open(
    team: Team, lost: dict[str, Any]
) -> None:
    await generated(team)
    await team.sandbox.fault(method="views.open", **lost)
    assert await team.kim.clicks("Reject", on=card_in(team, team.kim.dm)) == []
    assert len(team.kim.dialogs) == 1
    await team.kim.submits(reason_code="limit_wrong", reason="Their limit is 500,000.")
    assert (await recorded(team))["reject"] == 1


async def test_who_may_see_a_dialog_is_told_that_nobody_knows(team: Team) -> None:
    await generated(team)
    await team.sandbox.fault(method="views.open", kind="lost_response", times=FOREVER)
    [told] = await team.kim.clicks("Reject", on=card_in(team, team.kim.dm))
    assert read(told).count(PERHAPS_OPEN) == 2  # as text, and in the blocks
    assert len(team.kim.dialogs) == 1


async def test_who_sees_no_dialog_is_told_so(team: Team) -> None:
    await generated(team)
    await team.sandbox.fault(method="views.open", kind="error", error="expired_trigger_id")
    [told] = await team.kim.clicks("Reject", on=card_in(team, team.kim.dm))
    assert LATE in read(told)
    assert team.kim.dialogs == []


async def test_a_moment_of_rate_limit_is_not_noticed(team: Team) -> None:
    await generated(team)
    await team.sandbox.fault(method="views.open", kind="ratelimited", retry_after=0)
    assert await team.kim.clicks("Reject", on=card_in(team, team.kim.dm)) == []
    assert len(team.kim.dialogs) == 1


async def test_home_is_drawn(team: Team, subtests: pytest.Subtests) -> None:
    await generated(team)
    for lost in [*LOST, {"kind": "cut", "times": 1}]:
        with subtests.test(**lost):
            team.sandbox.slack.surfaces.homes.clear()
            await team.sandbox.fault(clear=True)
            await team.sandbox.fault(method="views.publish", **lost)
            await team.kim.opens_home()
            assert "Acme Corp" in read(team.kim.home)


# -- the same twice ------------------------------------------------------------------------------


async def test_what_comes_twice_is_answered_once(team: Team) -> None:
    await generated(team)
    await team.sandbox.fault(envelopes="duplicate", times=FOREVER)
    private = await team.kim.types(USAGE, "CACME")
    await team.kim.clicks("Share here", on=private)
    assert len(shared(team)) == 1
    assert await approve(team, KIM) == []
    assert await team.lee.clicks("Reject", on=card_in(team, team.lee.dm)) == []
    assert len(team.lee.dialogs) == 1
    await team.lee.submits(reason_code="limit_wrong", reason="Their limit is 500,000.")
    [done] = team.lee.dialogs
    assert read(done).count("Rejected") == 1
    assert await recorded(team) == {"generate": 2, "approve": 1, "reject": 1}


async def test_who_cannot_be_asked_about_is_told_to_try_again(team: Team) -> None:
    await generated(team)
    await team.sandbox.fault(method="users.info", kind="error", status=500, times=FOREVER)
    [told] = await approve(team, KIM)
    assert "Slack does not say who you are" in read(told)
    assert "reference" not in read(told)
    await team.sandbox.fault(clear=True)
    assert await approve(team, KIM) == []
    assert (await recorded(team))["approve"] == 1


async def test_a_reply_whose_author_cannot_be_asked_about_is_recorded_later(
    db: Database, people: People
) -> None:
    async with october(db, people, ack_s=IMPATIENT_S) as (team, _):
        await generated(team)
        await team.sandbox.fault(method="users.info", kind="error", status=500, times=3)
        said = await team.kim.replies("They doubled it", to=card_in(team, team.kim.dm))
        assert not said["acked"]
        await shows(team, "CACME", "They doubled it")
        assert (await recorded(team))["comment"] == 1


async def test_the_first_request_needs_no_answer_about_the_bot_itself(team: Team) -> None:
    await team.sandbox.fault(method="auth.test", kind="error", status=500, times=FOREVER)
    assert "Usage: Acme Corp" in read(await team.kim.types(USAGE, "CACME"))
