"""The main job, told by the people who do it."""

from collections.abc import Sequence

import pytest
import sqlalchemy as sa

from handlers.slack.blocks.action_ids import ActionId
from models.db.database import Database
from tests.harness.cast import ANA, LEE, MAX, NEW, SAM, People
from tests.harness.slack_people import Seen, Team, carried, labels, read
from tests.harness.waiting import until
from tests.stories.conftest import sign_up


async def generate(team: Team, month: str = "2026-10") -> Seen:
    """Ana generates a month; returns the summary she is left with."""
    preview = await team.ana.types(f"/bill generate {month}")
    await team.ana.clicks("Generate", on=preview)
    return await team.ana.told("made for")


async def reads(team: Team, message: Seen, *words: str) -> None:
    """Wait until the message says all of that."""
    await until(lambda: all(word in read(team.again(message)) for word in words))


async def recorded(db: Database) -> Sequence[str]:
    async with db.transaction() as session:
        return (await session.scalars(sa.text("select action from bill_actions order by id"))).all()


@pytest.fixture
async def acme(team: Team, people: People) -> None:
    """Acme needs its CSM, Kim, and has a channel of its own."""
    async with team.db.transaction() as session:
        await sign_up(
            session,
            "Acme Corp",
            csm_id=people.kim.id,
            require_csm_approval=True,
            slack_channel_id="CACME",
        )


@pytest.mark.usefixtures("acme")
async def test_a_month_is_previewed_generated_and_approved(team: Team) -> None:
    preview = await team.ana.types("/bill generate 2026-10")
    assert "$35,000.00" in read(preview)
    assert labels(preview) == ["Generate", "Cancel"]
    assert await recorded(team.db) == []

    await generate(team)
    card = await team.kim.card("Acme Corp")
    assert "350,000 over × $0.10 = $35,000.00" in read(card)
    assert "Waits for Kim (CSM)" in read(card)
    await until(lambda: len(team.sandbox.messages("CACME")) == 1)

    assert await team.kim.clicks("Approve", on=card) == []
    copies = [(team.kim.dm, card), ("CACME", team.sandbox.messages("CACME")[0])]
    for channel, copy in copies:
        await reads(team, Seen(copy, channel), "Approved by Kim")
        assert "Approve" not in labels(team.again(Seen(copy, channel)))

    history = read(await team.ana.types("/bill history Acme Corp 2026-10"))
    assert history.index("generated") < history.index("approved $35,000.00")
    assert await recorded(team.db) == ["generate", "approve"]


@pytest.mark.usefixtures("acme")
async def test_the_csm_rejects_and_finance_sees_why(team: Team) -> None:
    await generate(team)
    card = await team.kim.card("Acme Corp")
    await team.kim.clicks("Reject", on=card)
    refused = await team.kim.submits(reason_code="limit_wrong", reason="  ")
    assert "reason" in str(refused["errors"])
    await team.kim.submits(reason_code="limit_wrong", reason="Their limit is 500,000 since May.")
    told = await team.ana.told("Their limit is 500,000 since May.")
    assert "Acme Corp" in read(told)
    assert await recorded(team.db) == ["generate", "reject"]


@pytest.mark.usefixtures("acme")
async def test_a_thread_reply_is_a_comment_on_every_copy(team: Team) -> None:
    await generate(team)
    card = await team.kim.card("Acme Corp")
    dm = team.kim.dm
    said = await team.kim.replies("They doubled <their> batch & I asked", to=card)
    await until(lambda: team.messages("CACME"))
    [copy] = team.messages("CACME")
    await reads(team, copy, "They doubled <their> batch & I asked")
    await team.kim.edits(said["ts"], "They tripled it", dm)
    await reads(team, copy, "They tripled it")
    await team.kim.deletes(said["ts"], dm)
    await until(lambda: "tripled" not in read(team.again(copy)))
    assert await recorded(team.db) == ["generate", "comment", "comment_edit", "comment_delete"]
    history = read(await team.sam.types("/bill history #1"))
    assert "They doubled <their> batch & I asked" in history
    assert "They tripled it" in history


@pytest.mark.usefixtures("acme")
async def test_whoever_comes_late_is_told_who_was_first(team: Team) -> None:
    await generate(team)
    card = await team.kim.card("Acme Corp")
    await team.kim.clicks("Approve", on=card)
    team.clock.travel(minutes=2)
    [told] = await team.kim.clicks("Approve", on=card)
    assert "You approved this bill 2 minutes ago" in read(told)
    assert await recorded(team.db) == ["generate", "approve"]


@pytest.mark.usefixtures("acme")
async def test_only_those_whose_word_counts_may_decide(team: Team) -> None:
    await generate(team)
    card = await team.kim.card("Acme Corp")
    refusals = {
        ANA: "Your role is Finance",
        LEE: "Only its CSM may approve this bill. Ask <@UKIM>.",
        SAM: "Only its CSM may approve this bill. Ask <@UKIM>.",
        MAX: "Your role is Manager",
        NEW: "role",
    }
    for user, sentence in refusals.items():
        [told] = await team.person(user).clicks("Approve", on=card)
        assert sentence in read(told), user
        assert told["ephemeral_user"] == user
    assert await recorded(team.db) == ["generate"]


@pytest.mark.usefixtures("acme")
async def test_an_approval_is_taken_back_and_the_bill_waits_again(team: Team) -> None:
    await generate(team)
    card = await team.kim.card("Acme Corp")
    await team.kim.clicks("Approve", on=card)
    await until(lambda: "Undo" in labels(team.again(card)))
    await team.kim.clicks("Undo", on=team.again(card))
    await team.kim.submits(reason="I looked at the wrong month.")
    await until(lambda: "Approve" in labels(team.again(card)))
    history = read(await team.ana.types("/bill history #1"))
    assert "I looked at the wrong month." in history
    assert await recorded(team.db) == ["generate", "approve", "undo"]


async def test_a_held_bill_is_released_with_a_reason_and_reaches_its_csm(
    team: Team, people: People
) -> None:
    async with team.db.transaction() as session:
        customer = await sign_up(session, "Late Starter", csm_id=people.kim.id)
        customer.start_date = sa.cast("2026-12-01", sa.Date)  # type: ignore[assignment]
    await generate(team)
    assert team.kim.cards() == []
    shown = await team.ana.types("/bill show #1")
    assert "contract" in read(shown)
    await team.ana.clicks("Release", on=shown)
    await team.ana.submits(reason="They signed early.")
    card = await team.kim.card("Late Starter")
    assert "Approve" in labels(card)
    assert await recorded(team.db) == ["generate", "release"]


async def test_a_newcomer_asks_for_access_and_finance_grants_it(team: Team) -> None:
    told = await team.new.types("/bill list")
    await team.new.clicks("Request access", on=told)
    request = await team.ana.told("New")
    grants = [label for label in labels(request) if "Sales" in label]
    await team.ana.clicks(grants[0], on=request)
    await team.new.told("Sales")
    assert "bill" in read(await team.new.types("/bill list")).lower()


@pytest.mark.usefixtures("acme")
async def test_a_month_generated_again_adds_nothing_and_says_so(team: Team) -> None:
    await generate(team)
    again = await team.ana.types("/bill generate 2026-10")
    assert "Generate" not in labels(again)
    assert "already" in read(again)
    early = await team.ana.types("/bill generate 2026-11")
    assert "from 1 December 2026 on" in read(early)
    assert await recorded(team.db) == ["generate"]


HOSTILE = (
    "<!channel>",
    "*bold* _it_ ~s~ `code`",
    "@scope/name",
    "<https://example.com|Acme>",
    "x" * 200,
    "🦊 Füchse & Söhne",
    "شركة الاختبار",
)


async def test_a_name_is_shown_as_it_was_typed(
    team: Team, people: People, subtests: pytest.Subtests
) -> None:
    async with team.db.transaction() as session:
        for name in HOSTILE:
            await sign_up(session, name, csm_id=people.kim.id)
    await generate(team)
    await until(lambda: len(team.kim.cards()) == len(HOSTILE))
    for name in HOSTILE:
        with subtests.test(name=name):
            [card] = [one for one in team.kim.cards() if name in _plain_texts(one)]
            history = await team.kim.types(
                f"/bill history #{carried(card, ActionId.APPROVE)['bill']}"
            )
            assert name in _plain_texts(history)
            assert name in _plain_texts(await team.kim.types(f"/usage {name}"))
            await team.kim.clicks("Reject", on=card)
            assert name in _plain_texts(team.kim.dialog)


def _plain_texts(slot: object) -> str:
    """All text that Slack shows literally: not markup, and not the notification's."""
    if isinstance(slot, dict):
        if slot.get("type") == "mrkdwn":
            return ""
        own = str(slot["text"]) if isinstance(slot.get("text"), str) and "ts" not in slot else ""
        return own + " ".join(_plain_texts(value) for value in slot.values())
    if isinstance(slot, list):
        return " ".join(_plain_texts(one) for one in slot)
    return ""
