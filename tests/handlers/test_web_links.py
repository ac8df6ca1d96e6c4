"""`/bill web`: a link that signs in whoever typed it, and is told to nobody else."""

import sqlalchemy as sa
from structlog.testing import capture_logs

from handlers.wording.addresses import use_public_url
from models.people.sign_in_links import SignInLink, use_sign_in_link
from tests.harness.browser_side import PUBLIC_URL
from tests.harness.slack_people import NOW, Json, Team, acts, said
from tests.harness.waiting import until


def link_in(answer: Json) -> str:
    (row,) = [block for block in answer["blocks"] if block["type"] == "actions"]
    (url,) = [one["url"] for one in row["elements"] if one["action_id"] == "page:open"]
    return str(url)


async def test_kim_gets_a_link_that_only_she_sees(team: Team) -> None:
    with capture_logs() as logs:
        answer = await team.kim.types("/bill web")
    assert answer["ephemeral_user"] == team.kim.slack_id
    link = link_in(answer)
    assert link.startswith(f"{PUBLIC_URL}/sign-in/csl_")
    token = link.rpartition("/")[2]
    assert token not in answer["text"]
    assert token not in repr(logs)
    async with team.db.transaction() as session:
        assert (await use_sign_in_link(session, token, NOW)).name == "Kim"


async def test_a_click_on_the_link_says_nothing_in_slack_and_uses_nothing_up(team: Team) -> None:
    answer = await team.kim.types("/bill web")
    assert await team.kim.clicks("Open the web pages", on=answer) == []
    async with team.db.transaction() as session:
        links = (await session.scalars(sa.select(SignInLink))).all()
        assert [link.slack_user_id for link in links] == [team.kim.slack_id]


async def test_written_to_the_bot_it_is_answered_alike(team: Team) -> None:
    await team.sandbox.message("UKIM", team.kim.dm, "web")
    await until(lambda: team.kim.whispers(team.kim.dm))
    (answer,) = team.kim.whispers(team.kim.dm)
    assert link_in(answer).startswith(f"{PUBLIC_URL}/sign-in/csl_")


async def test_somebody_without_a_role_gets_no_link(team: Team) -> None:
    answer = await team.new.types("/bill web")
    assert acts(answer) == ["access:request"]
    assert "sign-in" not in said(answer)


async def test_without_pages_it_is_said_that_there_are_none(team: Team) -> None:
    use_public_url("")
    assert "There are no web pages here." in (await team.kim.types("/bill web"))["text"]


async def test_what_a_customer_used_leads_to_its_page(team: Team) -> None:
    private = await team.kim.types("/usage acme")
    await team.kim.clicks("Share here", on=private)
    for told in (private, team.messages("CBILLS")[-1]):
        assert link_in(told).startswith(f"{PUBLIC_URL}/customers/")
