"""The main job, told by the people who do it."""

from collections.abc import Sequence

import pytest
import sqlalchemy as sa

from models.db.database import Database
from sandbox.fake_slack.shapes import JsonObject
from sandbox.story import Story, labels, read
from tests.conftest import People
from tests.stories.conftest import ANA, KIM, LEE, MAX, NEW, SAM, sign_up


async def generate(story: Story, month: str = "2026-10") -> JsonObject:
    """Ana generates a month; returns the summary she is left with."""
    preview = await story.type(ANA, f"/bill generate {month}")
    await story.click(ANA, preview, "Generate")
    await story.until(lambda: any("made for" in read(m) for m in story.messages(ANA)))
    return next(m for m in story.messages(ANA) if "made for" in read(m))


async def recorded(db: Database) -> Sequence[str]:
    async with db.transaction() as session:
        return (await session.scalars(sa.text("select action from bill_actions order by id"))).all()


@pytest.fixture
async def acme(story: Story, people: People) -> None:
    """Acme needs its CSM, Kim, and has a channel of its own."""
    async with story.db.transaction() as session:
        await sign_up(
            session,
            "Acme Corp",
            csm_id=people.kim.id,
            require_csm_approval=True,
            slack_channel_id="CACME",
        )


@pytest.mark.usefixtures("acme")
async def test_a_month_is_previewed_generated_and_approved(story: Story) -> None:
    preview = await story.type(ANA, "/bill generate 2026-10")
    assert "$35,000.00" in read(preview)
    assert labels(preview) == ["Generate", "Cancel"]
    assert await recorded(story.db) == []

    await generate(story)
    card = await story.card(KIM, "Acme Corp")
    assert "350,000 over × $0.10 = $35,000.00" in read(card)
    assert "Waits for Kim (CSM)" in read(card)
    await story.until(lambda: len(story.sandbox.messages("CACME")) == 1)

    assert await story.click(KIM, card, "Approve") == []
    copies = [(story.sandbox.dm(KIM), card), ("CACME", story.sandbox.messages("CACME")[0])]
    for channel, copy in copies:
        await story.until(
            lambda c=channel, m=copy: "Approved by Kim" in read(story.again(m, c))  # type: ignore[misc]
        )
        assert "Approve" not in labels(story.again(copy, channel))

    history = read(await story.type(ANA, "/bill history Acme Corp 2026-10"))
    assert history.index("generated") < history.index("approved $35,000.00")
    assert await recorded(story.db) == ["generate", "approve"]


@pytest.mark.usefixtures("acme")
async def test_the_csm_rejects_and_finance_sees_why(story: Story) -> None:
    await generate(story)
    card = await story.card(KIM, "Acme Corp")
    await story.click(KIM, card, "Reject")
    refused = await story.submit(KIM, reason_code="limit_wrong", reason="  ")
    assert "reason" in str(refused["errors"])
    await story.submit(KIM, reason_code="limit_wrong", reason="Their limit is 500,000 since May.")
    await story.until(
        lambda: any("Their limit is 500,000 since May." in read(m) for m in story.messages(ANA))
    )
    told = next(m for m in story.messages(ANA) if "Their limit" in read(m))
    assert "Acme Corp" in read(told)
    assert await recorded(story.db) == ["generate", "reject"]


@pytest.mark.usefixtures("acme")
async def test_a_thread_reply_is_a_comment_on_every_copy(story: Story) -> None:
    await generate(story)
    card = await story.card(KIM, "Acme Corp")
    dm = story.sandbox.dm(KIM)
    said = await story.sandbox.message(KIM, dm, "They doubled <their> batch & I asked", card["ts"])
    await story.until(
        lambda: "They doubled <their> batch & I asked" in read(story.sandbox.messages("CACME")[0])
    )
    await story.sandbox.edit(KIM, dm, said["ts"], "They tripled it")
    await story.until(lambda: "They tripled it" in read(story.sandbox.messages("CACME")[0]))
    await story.sandbox.delete(KIM, dm, said["ts"])
    await story.until(lambda: "tripled" not in read(story.sandbox.messages("CACME")[0]))
    assert await recorded(story.db) == ["generate", "comment", "comment_edit", "comment_delete"]
    history = read(await story.type(SAM, "/bill history #1"))
    assert "They doubled <their> batch & I asked" in history
    assert "They tripled it" in history


@pytest.mark.usefixtures("acme")
async def test_whoever_comes_late_is_told_who_was_first(story: Story) -> None:
    await generate(story)
    card = await story.card(KIM, "Acme Corp")
    await story.click(KIM, card, "Approve")
    story.clock.travel(minutes=2)
    [told] = await story.click(KIM, card, "Approve")
    assert "You approved this bill 2 minutes ago" in read(told)
    assert await recorded(story.db) == ["generate", "approve"]


@pytest.mark.usefixtures("acme")
async def test_only_those_whose_word_counts_may_decide(story: Story) -> None:
    await generate(story)
    card = await story.card(KIM, "Acme Corp")
    refusals = {
        ANA: "Your role is Finance",
        LEE: "Only its CSM, Kim, may approve",
        SAM: "Only its CSM, Kim, may approve",
        MAX: "Your role is Manager",
        NEW: "role",
    }
    for user, sentence in refusals.items():
        [told] = await story.click(user, card, "Approve", channel=story.sandbox.dm(KIM))
        assert sentence in read(told), user
        assert told["ephemeral_user"] == user
    assert await recorded(story.db) == ["generate"]


@pytest.mark.usefixtures("acme")
async def test_an_approval_is_taken_back_and_the_bill_waits_again(story: Story) -> None:
    await generate(story)
    card = await story.card(KIM, "Acme Corp")
    dm = story.sandbox.dm(KIM)
    await story.click(KIM, card, "Approve")
    await story.until(lambda: "Undo" in labels(story.again(card, dm)))
    await story.click(KIM, story.again(card, dm), "Undo")
    await story.submit(KIM, reason="I looked at the wrong month.")
    await story.until(lambda: "Approve" in labels(story.again(card, dm)))
    history = read(await story.type(ANA, "/bill history #1"))
    assert "I looked at the wrong month." in history
    assert await recorded(story.db) == ["generate", "approve", "undo"]


async def test_a_held_bill_is_released_with_a_reason_and_reaches_its_csm(
    story: Story, people: People
) -> None:
    async with story.db.transaction() as session:
        customer = await sign_up(session, "Late Starter", csm_id=people.kim.id)
        customer.start_date = sa.cast("2026-12-01", sa.Date)  # type: ignore[assignment]
    await generate(story)
    assert story.cards(KIM) == []
    shown = await story.type(ANA, "/bill show #1")
    assert "contract" in read(shown)
    await story.click(ANA, shown, "Release")
    await story.submit(ANA, reason="They signed early.")
    card = await story.card(KIM, "Late Starter")
    assert "Approve" in labels(card)
    assert await recorded(story.db) == ["generate", "release"]


async def test_a_newcomer_asks_for_access_and_finance_grants_it(story: Story) -> None:
    told = await story.type(NEW, "/bill list")
    await story.click(NEW, told, "Request access")
    await story.until(lambda: any("New" in read(m) for m in story.messages(ANA)))
    request = next(m for m in story.messages(ANA) if "New" in read(m))
    grants = [label for label in labels(request) if "Sales" in label]
    await story.click(ANA, request, grants[0])
    await story.until(lambda: any("Sales" in read(m) for m in story.messages(NEW)))
    assert "bill" in read(await story.type(NEW, "/bill list")).lower()


@pytest.mark.usefixtures("acme")
async def test_a_month_generated_again_adds_nothing_and_says_so(story: Story) -> None:
    await generate(story)
    again = await story.type(ANA, "/bill generate 2026-10")
    assert "Generate" not in labels(again)
    assert "already" in read(again)
    early = await story.type(ANA, "/bill generate 2026-11")
    assert "2026-12-01" in read(early)
    assert await recorded(story.db) == ["generate"]


HOSTILE = (
    "<!channel>",
    "*bold* _it_ ~s~ `code`",
    "@scope/name",
    "<https://example.com|Acme>",
    "x" * 200,
    "🦊 Füchse & Söhne",
    "شركة الاختبار",
)


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_name_is_shown_as_it_was_typed(story: Story, people: People, name: str) -> None:
    async with story.db.transaction() as session:
        await sign_up(session, name, csm_id=people.kim.id)
    await generate(story)
    await story.until(lambda: bool(story.cards(KIM)))
    [card] = story.cards(KIM)
    assert name in _plain_texts(card)
    history = await story.type(KIM, "/bill history #1")
    assert name in _plain_texts(history)
    assert name in _plain_texts(await story.type(KIM, f"/usage {name}"))
    await story.click(KIM, card, "Reject")
    assert name in _plain_texts(story.dialog(KIM))


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
