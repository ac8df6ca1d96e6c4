"""From a corrected figure to the customer's mailbox, and back again."""

from collections.abc import AsyncIterator

import pytest
import sqlalchemy as sa

from models.actions.recalculate import recalculate
from models.context import Context, Source
from models.customers.customers import Customer
from models.period import Period
from models.usage.usage import record_usage
from sandbox.fake_slack.shapes import JsonObject
from sandbox.story import Story, element, labels, read, told
from tests.conftest import People
from tests.stories.conftest import ANA, KIM, TEAM, sign_up
from tests.stories.test_main_job import generate

OCTOBER = Period(2026, 10)
DELAY_MINUTES = 5


@pytest.fixture
async def story(database_url: str, people: People) -> AsyncIterator[Story]:
    """Acme needs its CSM, Kim; it has an address for bills, and October is generated."""
    async with told(database_url, TEAM, send_delay_minutes=DELAY_MINUTES) as opened:
        async with opened.db.transaction() as session:
            await sign_up(
                session,
                "Acme Corp",
                csm_id=people.kim.id,
                require_csm_approval=True,
                billing_email="billing@acme.example",
            )
        await generate(opened)
        yield opened


async def used(story: Story, people: People, calls: int) -> None:
    """Ana records other usage for October, from the command line."""
    async with story.db.transaction() as session:
        act = Context(people.ana, story.clock(), Source.CLI)
        acme = (await session.scalars(sa.select(Customer.id))).one()
        await record_usage(session, acme, OCTOBER, calls, act, "They found a loop in their job.")
        await recalculate(session, act)


async def approved(story: Story, of: str = "Acme Corp") -> JsonObject:
    """Kim approves what waits; returns the card."""
    card = await story.card(KIM, of)
    await story.click(KIM, card, "Approve")
    await reads(story, KIM, card, "Approved by Kim")
    return card


async def reads(story: Story, user: str, card: JsonObject, *words: str) -> None:
    channel = story.sandbox.dm(user)
    await story.until(lambda: all(one in read(story.again(card, channel)) for one in words))


async def send(story: Story, what: str) -> JsonObject:
    """Ana previews and sends; returns what she is told then."""
    preview = await story.type(ANA, f"/bill send {what}")
    assert "Nothing has been sent yet." in read(preview)
    await story.click(ANA, preview, "sending:go")
    return story.again(preview, story.sandbox.dm(ANA))


async def over(story: Story, card: JsonObject, number: str) -> JsonObject:
    """The delay passes, and the mail of that number arrives; returns it."""
    story.clock.travel(minutes=DELAY_MINUTES + 1)
    await reads(story, KIM, card, f"Sent as {number}")
    (mail,) = [one for one in story.sandbox.mail() if number in one["subject"]]
    return mail


async def dialog(story: Story, user: str, line: str) -> JsonObject:
    """Type a command that opens a dialog; returns it."""
    command, _, text = line.partition(" ")
    done = await story.sandbox.command(user, story.sandbox.dm(user), command, text)
    assert done == {"ok": True, "message": None}, done
    return story.dialog(user)


async def press(story: Story, user: str, label: str) -> None:
    """Click a button in the open dialog."""
    view = story.dialog(user)
    clicked = element(view, label)
    assert (await story.sandbox.interact(user, None, None, clicked, view_id=view["id"]))["ok"]


async def status(story: Story, bill_id: int) -> str:
    async with story.db.transaction() as session:
        query = sa.text("select status from bills where id = :id")
        return str(await session.scalar(query, {"id": bill_id}))


async def test_a_bill_is_called_back_within_its_delay_and_then_goes_out(story: Story) -> None:
    card = await approved(story)
    assert "1 bill is on its way" in read(await send(story, "#1"))
    await reads(story, KIM, card, "Goes out ", "billing@acme.example")

    assert "sending" in read(await dialog(story, ANA, "/bill undo #1"))
    await story.submit(ANA, reason="Their address is changing.")
    assert await status(story, 1) == "approved"
    story.clock.travel(minutes=DELAY_MINUTES + 1)

    again = await send(story, "2026-10")
    assert "1 bill is on its way" in read(again)
    assert await status(story, 1) == "sending"
    mail = await over(story, card, "2026-000001")
    assert mail["to"] == ["billing@acme.example"]
    assert [len(story.sandbox.mail()), await status(story, 1)] == [1, "sent"]
    history = read(await story.type(ANA, "/bill history #1"))
    assert "issued the bill as 2026-000001" in history
    assert "delivered the bill to billing@acme.example" in history


async def test_corrected_usage_asks_for_approval_of_what_it_comes_to(
    story: Story, people: People
) -> None:
    card = await approved(story)
    old = await story.type(ANA, "/bill show #1")
    await used(story, people, 440_000)
    await reads(
        story,
        KIM,
        card,
        "Usage was corrected from 450,000 to 440,000 calls",
        "$34,000.00",
        "Approve",
    )
    assert "1 bill has other figures now" in await news(story, "other figures")
    [refused] = await story.click(KIM, card, "Approve")
    assert "usage was corrected from 450,000 to 440,000 calls" in read(refused)
    assert "so the amount is now $34,000.00" in read(refused)
    assert "nothing was approved" in read(refused)
    assert "Send" in labels(old)
    await story.click(KIM, story.again(card, story.sandbox.dm(KIM)), "Approve")
    await reads(story, KIM, card, "Approved by Kim", "$34,000.00")


async def news(story: Story, words: str) -> str:
    """What Ana is told by itself, as soon as she is."""
    await story.until(lambda: any(words in read(m) for m in story.messages(ANA)))
    return next(read(m) for m in story.messages(ANA) if words in read(m))


async def test_a_sent_bill_is_made_void_and_its_credit_note_goes_out(story: Story) -> None:
    card = await approved(story)
    await send(story, "#1")
    await over(story, card, "2026-000001")

    asked = await dialog(story, ANA, "/bill void Acme Corp 2026-10")
    assert "a credit over the whole standing amount is made:  -$35,000.00" in read(asked)
    answer = await story.submit(ANA, reason="Agreed on the phone.")
    assert "#2, -$35,000.00" in read(answer["view"])
    assert labels(answer["view"]) == ["Send"]
    await reads(story, KIM, card, "Made void by Ana", "Agreed on the phone.")

    await press(story, ANA, "Send")
    assert await status(story, 2) == "sending"
    story.clock.travel(minutes=DELAY_MINUTES + 1)
    await story.until(
        lambda: any("CN-2026-000001" in one["subject"] for one in story.sandbox.mail())
    )
    await reads(story, KIM, card, "Credited with #2 (CN-2026-000001): -$35,000.00")

    await dialog(story, ANA, "/bill reissue #1")
    answer = await story.submit(ANA, reason="The new contract holds.")
    assert "Bill #3, Acme Corp, October 2026, $35,000.00, stands for the month now" in read(
        answer["view"]
    )
    assert "Takes the place of #1 (2026-000001), which is void." in read(
        await story.card(KIM, "· #3")
    )


async def test_late_usage_becomes_a_correction_of_its_own(story: Story, people: People) -> None:
    card = await approved(story)
    await send(story, "#1")
    await over(story, card, "2026-000001")

    await used(story, people, 460_000)
    assert "#2 Acme Corp, October 2026 adjustment, $1,000.00" in await news(story, "is proposed")
    more = await approved(story, "October 2026 adjustment")
    assert "Corrects #1 (2026-000001): billed $35,000.00 so far" in read(more)
    assert "the month now comes to $36,000.00" in read(more)
    await send(story, "#2")
    await over(story, more, "2026-000002")


async def test_what_could_not_be_delivered_is_told_and_sent_again_under_its_number(
    story: Story,
) -> None:
    card = await approved(story)
    await story.sandbox.fault(mail="reject", error="no such mailbox")
    await send(story, "#1")
    story.clock.travel(minutes=DELAY_MINUTES + 1)
    assert "no such mailbox" in await news(story, "could not be delivered")
    await reads(story, KIM, card, "Could not be delivered", "Its number, 2026-000001, stays.")
    notice = next(m for m in story.messages(ANA) if "could not be delivered" in read(m))
    [answer] = await story.click(ANA, notice, "Send again")
    assert "is on its way to billing@acme.example" in read(answer)
    await reads(story, KIM, card, "Sent as 2026-000001")
    assert len(story.sandbox.mail()) == 1


async def test_wrong_units_are_revised_by_hand_and_decided_by_somebody_else(story: Story) -> None:
    card = await story.card(KIM, "Acme Corp")
    asked = await dialog(story, ANA, "/bill revise #1")
    assert "Calls to bill over the limit" in read(asked)
    refused = await story.submit(ANA, units="0", reason="A test run.")
    assert "from 1 to 450,000" in refused["errors"]["units"]
    await story.submit(ANA, units="300000", reason="A test run of theirs.")
    await reads(story, KIM, card, "Revised by Ana", "A test run of theirs.", "$30,000.00")
