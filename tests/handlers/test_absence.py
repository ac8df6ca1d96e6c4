"""Whoever goes away names somebody who decides in their place."""

import pytest

from tests.handlers.conftest import Bills
from tests.handlers.office import Office, said
from tests.sandbox.slack_bot import until


@pytest.mark.parametrize("who", ["<@ULEE>", "@lee", "Lee"])
async def test_a_delegate_gets_the_card_and_decides_in_their_place(
    office: Office, october: Bills, who: str
) -> None:
    kims = await office.card("UKIM", october.acme)
    told = await office.type("UKIM", f"/bill away until 2026-11-20 {who}")
    assert told["text"].startswith(
        "You are away up to and including 20 November 2026."
        " Meanwhile Lee (CSM) decides in your place."
    )
    card = await office.card("ULEE", october.acme)
    assert "Waits for Lee (CSM), in the place of Kim (CSM) who is away" in said(card)
    dm = office.sandbox.dm("UKIM")
    await until(lambda: "in the place of Kim" in said(office.again(kims, dm)))
    await office.click("ULEE", card, "bill:approve", office.sandbox.dm("ULEE"))
    await until(lambda: "for Kim (CSM) who is away" in said(office.again(kims, dm)))
    history = await office.type("UANA", f"/bill history #{october.acme}")
    assert "approved $250.00 in Slack, for Kim (CSM) who is away" in said(history)


async def test_whoever_is_back_decides_again(office: Office, october: Bills) -> None:
    assert "were not away" in (await office.type("UKIM", "/bill back"))["text"]
    await office.type("UKIM", "/bill away until 2026-11-20 Lee")
    assert "Welcome back" in (await office.type("UKIM", "/bill back"))["text"]
    shown = await office.type("UKIM", f"/bill show #{october.acme}")
    assert "Waits for Kim (CSM)" in said(shown)


@pytest.mark.parametrize(
    ("user", "typed", "told"),
    [
        ("UKIM", "", "Write until when"),
        ("UKIM", "until tomorrow Lee", "Write until when"),
        ("UKIM", "until 2026-11-31 Lee", "is no day"),
        ("UKIM", "until 2026-11-01 Lee", "from today on"),
        ("UKIM", "2026-11-20 Nobody", "does not know that person"),
        ("UKIM", "2026-11-20 <@UNEW>", "does not know that person"),
        ("UKIM", "2026-11-20 Max", "Max may not approve bills"),
        ("UKIM", "2026-11-20 Kim", "Name somebody else"),
        ("UANA", "2026-11-20 Lee", "Your role is Finance"),
    ],
)
async def test_what_is_no_absence_is_refused_in_a_sentence(
    office: Office, user: str, typed: str, told: str
) -> None:
    assert told in (await office.type(user, f"/bill away {typed}"))["text"]
