"""The buttons of a bill: judged in the database at the click, and again when a dialog is sent."""

import asyncio
from typing import Any

import pytest
from structlog.testing import capture_logs

from handlers.slack import home
from tests.handlers.conftest import Bills
from tests.handlers.office import Office, acts, said
from tests.sandbox.slack_bot import until

REASON = {"reason_code": "limit_wrong", "reason": "The limit was raised in September."}


async def test_the_csm_approves_on_the_card_and_every_card_says_so(
    office: Office, october: Bills
) -> None:
    dm = office.sandbox.dm("UKIM")
    card = await office.card("UKIM", october.acme)
    assert await office.click("UKIM", card, "bill:approve", dm) == []
    assert (await office.bill(october.acme)).status == "approved"
    await until(lambda: "approved by Kim" in office.again(card, dm)["text"])
    assert acts(office.again(card, dm)) == ["bill:send", "bill:undo", "bill:more"]


async def test_a_card_that_only_the_clicker_sees_is_drawn_anew_at_once(
    office: Office, october: Bills
) -> None:
    card = await office.type("UKIM", f"/bill show #{october.acme}")
    await office.click("UKIM", card, "bill:approve")
    assert "approved by Kim" in office.again(card)["text"]


async def test_a_second_click_changes_nothing_and_is_told_who_decided(
    office: Office, october: Bills
) -> None:
    first = await office.type("ULEE", f"/bill show #{october.bolt}")
    second = await office.type("USAM", f"/bill show #{october.bolt}")
    await office.click("ULEE", first, "bill:approve")
    (told,) = await office.click("USAM", second, "bill:approve")
    assert "Lee (Customer Success) approved this bill a moment ago" in told["text"]
    assert "approved by Lee" in office.again(second)["text"]
    assert await office.verbs(october.bolt) == ["generate", "approve"]


async def test_a_stale_click_on_a_posted_card_is_refused_privately(
    office: Office, october: Bills
) -> None:
    dm = office.sandbox.dm("UKIM")
    card = await office.card("UKIM", october.acme)
    old = {"type": "button", "action_id": "bill:approve", "value": _value(october.acme, 9)}
    (told,) = await office.forge("UKIM", card, old, dm)
    assert "Nothing more was recorded" in told["text"]
    assert await office.verbs(october.acme) == ["generate"]


def _value(bill_id: int, version: int = 1) -> str:
    return f'{{"bill":{bill_id},"version":{version}}}'


async def test_the_wrong_role_and_the_wrong_person_are_refused_at_the_click(
    office: Office, october: Bills
) -> None:
    card = await office.type("UANA", f"/bill show #{october.acme}")
    assert acts(card) == ["bill:more"]
    for act in ("bill:approve", "bill:reject"):
        forged = {"type": "button", "action_id": act, "value": _value(october.acme)}
        for user, sentence in (
            ("UANA", "Your role is Finance"),
            ("UMAX", "Your role is Manager"),
            ("ULEE", "Only its CSM, Kim, may"),
        ):
            (told,) = await office.forge(user, card, forged)
            assert sentence in told["text"], (user, act)
            assert office.dialogs(user) == []
    assert await office.verbs(october.acme) == ["generate"]


async def test_a_rejection_takes_a_reason_code_and_words(office: Office, october: Bills) -> None:
    card = await office.type("UKIM", f"/bill show #{october.acme}")
    await office.click("UKIM", card, "bill:reject")
    assert (await office.bill(october.acme)).status == "pending"
    assert (await office.send("UKIM", **REASON))["response_action"] is None
    rejected = (await office.actions(october.acme))[-1]
    assert (rejected.action, rejected.comment) == ("reject", REASON["reason"])
    assert rejected.snapshot["reason_code"] == "limit_wrong"


async def test_words_that_are_only_spaces_are_refused_beside_their_field(
    office: Office, october: Bills
) -> None:
    card = await office.type("UKIM", f"/bill show #{october.acme}")
    await office.click("UKIM", card, "bill:reject")
    answer = await office.send("UKIM", **{**REASON, "reason": "      "})
    assert answer["errors"] == {"reason": "A reason is needed."}
    assert await office.verbs(october.acme) == ["generate"]


async def test_a_dialog_that_is_stale_when_sent_explains_itself(
    office: Office, october: Bills
) -> None:
    sam, lee = [await office.type(user, f"/bill show #{october.bolt}") for user in ("USAM", "ULEE")]
    await office.click("USAM", sam, "bill:reject")
    await office.click("ULEE", lee, "bill:approve")
    assert (await office.send("USAM", **REASON))["response_action"] == "update"
    assert "Lee (Customer Success) approved this bill" in said(office.dialog("USAM"))
    assert (await office.bill(october.bolt)).status == "approved"


async def test_the_role_is_judged_again_when_a_dialog_is_sent(
    office: Office, october: Bills
) -> None:
    card = await office.type("UKIM", f"/bill show #{october.acme}")
    await office.click("UKIM", card, "bill:reject")
    dialog = office.dialog("UKIM")
    values = {block: {"value": entered} for block, entered in REASON.items()}
    answer = await office.sandbox.submit("ULEE", dialog["id"], values)
    assert "Only its CSM, Kim, may reject this bill" in said(answer["view"])
    assert await office.verbs(october.acme) == ["generate"]


async def test_an_approval_is_taken_back_with_a_reason(office: Office, october: Bills) -> None:
    card = await office.type("UKIM", f"/bill show #{october.acme}")
    await office.click("UKIM", card, "bill:approve")
    await office.click("UKIM", office.again(card), "bill:undo")
    assert "the approval" in said(office.dialog("UKIM"))
    await office.send("UKIM", reason="I looked at the wrong month.")
    assert (await office.bill(october.acme)).status == "pending"
    assert await office.verbs(october.acme) == ["generate", "approve", "undo"]


async def test_undo_by_command_opens_the_dialog_or_says_why_not(
    office: Office, october: Bills
) -> None:
    refused = await office.type("UKIM", f"/bill undo #{october.acme}")
    assert "no decision on this bill" in refused["text"]
    card = await office.type("UKIM", f"/bill show #{october.acme}")
    await office.click("UKIM", card, "bill:approve")
    refused = await office.type("USAM", f"/bill undo #{october.acme}")
    assert "Only whoever decided, or Finance" in refused["text"]
    assert await office.type("UANA", f"/bill undo #{october.acme}") == {}
    await office.send("UANA", reason="Too early.")
    assert (await office.bill(october.acme)).status == "pending"


async def test_finance_releases_a_held_bill(office: Office, october: Bills) -> None:
    await office.hold(october.bolt)
    refused = await office.type("UKIM", f"/bill release #{october.bolt}")
    assert "only Finance may release" in refused["text"]
    assert await office.type("UANA", "/bill release bolt ltd 2026-10") == {}
    assert (await office.send("UANA", reason="Checked."))["response_action"] is None
    assert (await office.bill(october.bolt)).status == "pending"
    refused = await office.type("UANA", f"/bill release #{october.bolt}")
    assert "Nothing more was recorded" in refused["text"]


async def test_a_decision_on_home_is_seen_there_at_once(office: Office, october: Bills) -> None:
    await office.sandbox.open_home("UKIM")
    home = office.sandbox.views("UKIM")["home"]
    assert "Acme Corp" in said(home)
    await office.on_home("UKIM", "bill:approve")
    assert (await office.bill(october.acme)).status == "approved"
    await until(lambda: "Acme Corp" not in said(office.sandbox.views("UKIM")["home"]))


async def test_a_rejection_begun_on_home_is_seen_there_once_it_is_sent(
    office: Office, october: Bills
) -> None:
    await office.sandbox.open_home("UKIM")
    await office.on_home("UKIM", "bill:reject")
    await office.send("UKIM", **REASON)
    await until(lambda: "Acme Corp" not in said(office.sandbox.views("UKIM")["home"]))


async def test_history_and_usage_of_a_bill_on_home_open_in_a_dialog(
    office: Office, october: Bills
) -> None:
    await office.sandbox.open_home("UKIM")
    for see, words in (("history", "generated the bill"), ("usage", "1,500")):
        option = {"value": f'{{"bill":{october.acme},"see":"{see}"}}'}
        await office.on_home("UKIM", "bill:more", selected_option=option)
        assert words in said(office.dialog("UKIM"))


async def test_a_click_on_home_is_received_before_home_is_drawn_again(
    office: Office, october: Bills, monkeypatch: pytest.MonkeyPatch
) -> None:
    await office.sandbox.open_home("UKIM")
    drawn = asyncio.Event()
    publish = home.publish

    async def later(*given: Any) -> None:
        await drawn.wait()
        await publish(*given)

    monkeypatch.setattr(home, "publish", later)
    await office.on_home("UKIM", "bill:approve")
    assert (await office.bill(october.acme)).status == "approved"
    assert "Acme Corp" in said(office.sandbox.views("UKIM")["home"])
    drawn.set()
    await office.services.background.drain(5.0)
    assert "Acme Corp" not in said(office.sandbox.views("UKIM")["home"])


async def test_whatever_is_slow_the_receipt_comes_before_slack_gives_up(
    office: Office, october: Bills, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def stuck(*_: object, **__: object) -> None:
        await asyncio.Event().wait()

    card = await office.type("UKIM", f"/bill show #{october.acme}")
    monkeypatch.setattr("handlers.slack.bill.approve_bill", stuck)
    start = asyncio.get_running_loop().time()
    with capture_logs():
        (told,) = await office.click("UKIM", card, "bill:approve")
    assert asyncio.get_running_loop().time() - start < 3
    assert "too slow just now" in told["text"]
    assert (await office.bill(october.acme)).status == "pending"


async def test_a_card_that_misled_somebody_is_drawn_again_though_it_seems_current(
    office: Office, october: Bills
) -> None:
    dm = office.sandbox.dm("UKIM")
    card = dict(await office.card("UKIM", october.acme))
    for user, version in (("UKIM", 9), ("ULEE", 1)):
        stands = office.sandbox.workspace.conversations[dm].messages[card["ts"]]
        stands["text"] = "A drawing of another time"
        old = {
            "type": "button",
            "action_id": "bill:approve",
            "value": _value(october.acme, version),
        }
        await office.forge(user, card, old, dm)
        await until(lambda: office.again(card, dm)["text"] == card["text"])


async def test_only_a_card_with_a_thread_speaks_of_one(office: Office, october: Bills) -> None:
    assert "Reply in the thread" in said(await office.card("UKIM", october.acme))
    private = await office.type("UKIM", f"/bill show #{october.acme}")
    assert "Reply in the thread" not in said(private)
    await office.click("UKIM", private, "bill:approve")
    assert "Reply in the thread" not in said(office.again(private))
