"""The buttons of a bill: judged in the database at the click, and again when a dialog is sent."""

import asyncio
from typing import Any

import pytest
from structlog.testing import capture_logs

from handlers.slack import home
from handlers.slack.context import APOLOGY_S, WORK_S
from models.actions.comment import add_comment
from models.context import Context, Source
from models.people.users import find_by_name, find_by_slack
from tests.handlers.conftest import Bills, card_in_channel, hold
from tests.harness.record import actions_of, bill_of, verbs_of
from tests.harness.running import Listeners
from tests.harness.slack_people import NOW, Team, acts, inbox, labels, read, said
from tests.harness.waiting import until

SLACK_WAITS_S = 3.0
REASON = {"reason_code": "limit_wrong", "reason": "The limit was raised in September."}


async def test_the_csm_approves_on_the_card_and_every_card_says_so(
    team: Team, october: Bills
) -> None:
    card = await team.kim.card(october.acme)
    assert await team.kim.clicks("bill:approve", on=card) == []
    assert (await bill_of(team.db, october.acme)).status == "approved"
    await until(lambda: "approved by Kim" in team.again(card)["text"])
    assert acts(team.again(card)) == ["bill:undo", "bill:more"]


async def test_each_sees_the_buttons_that_are_theirs_and_many_read_whose_they_are(
    team: Team, october: Bills
) -> None:
    """Acme’s bill is for Kim to approve, so Lee can do nothing about it."""
    shared = await card_in_channel(team, october.acme)
    assert acts(shared) == ["bill:approve", "bill:reject", "bill:reassign", "bill:more"]
    assert "Approve and Reject: Kim (CSM). Revise, Void and Reassign: Finance." in said(shared)
    own = await team.kim.card(october.acme)
    assert acts(own) == ["bill:approve", "bill:reject", "bill:more"]
    assert "Finance." not in said(own)
    lees = acts(await team.lee.types(f"/bill show #{october.acme}"))
    assert lees == ["bill:more", "answer:share"]
    await team.kim.clicks("Approve", on=own)
    await until(lambda: "bill:send" in acts(team.again(shared)))
    assert "Send and Void: Finance. Undo: whoever decided or Finance." in said(team.again(shared))
    await until(lambda: acts(team.again(own)) == ["bill:undo", "bill:more"])


async def test_a_card_that_only_the_clicker_sees_is_drawn_anew_at_once(
    team: Team, october: Bills
) -> None:
    card = await team.kim.types(f"/bill show #{october.acme}")
    await team.kim.clicks("bill:approve", on=card)
    assert "approved by Kim" in team.again(card)["text"]


async def test_a_second_click_changes_nothing_and_is_told_who_decided(
    team: Team, october: Bills
) -> None:
    first = await team.lee.types(f"/bill show #{october.bolt}")
    second = await team.sam.types(f"/bill show #{october.bolt}")
    await team.lee.clicks("bill:approve", on=first)
    (told,) = await team.sam.clicks("bill:approve", on=second)
    assert "Lee (CSM) approved this bill a moment ago" in told["text"]
    assert "approved by Lee" in team.again(second)["text"]
    assert await verbs_of(team.db, october.bolt) == ["generate", "approve"]


async def test_a_stale_click_on_a_posted_card_is_refused_privately(
    team: Team, october: Bills
) -> None:
    card = await team.kim.card(october.acme)
    old = {"type": "button", "action_id": "bill:approve", "value": _value(october.acme, 9)}
    (told,) = await team.kim.forges(old, on=card)
    assert told["text"] == "This bill has no version 9; it is at 1."
    assert await verbs_of(team.db, october.acme) == ["generate"]


def _value(bill_id: int, version: int = 1) -> str:
    return f'{{"bill":{bill_id},"version":{version}}}'


async def test_the_wrong_role_and_the_wrong_person_are_refused_at_the_click(
    team: Team, october: Bills
) -> None:
    card = await team.ana.types(f"/bill show #{october.acme}")
    assert acts(card) == ["bill:reassign", "bill:more", "answer:share"]
    for act in ("bill:approve", "bill:reject"):
        forged = {"type": "button", "action_id": act, "value": _value(october.acme)}
        for user, sentence in (
            ("UANA", "Your role is Finance"),
            ("UMAX", "Your role is Manager"),
            ("ULEE", "Only its CSM may"),
        ):
            (told,) = await team.person(user).forges(forged, on=card)
            assert sentence in told["text"], (user, act)
            assert told["text"].endswith("this bill. Ask <@UKIM>.") or user != "ULEE"
            assert told["text"].endswith("bills. Ask <@UKIM>.") or user == "ULEE"
            assert team.person(user).dialogs == []
    assert await verbs_of(team.db, october.acme) == ["generate"]


async def test_a_rejection_takes_a_reason_code_and_words(team: Team, october: Bills) -> None:
    card = await team.kim.types(f"/bill show #{october.acme}")
    await team.kim.clicks("bill:reject", on=card)
    assert (await bill_of(team.db, october.acme)).status == "pending"
    assert (await team.kim.submits(**REASON))["response_action"] == "update"
    assert "Rejected: the limit is wrong." in read(team.kim.dialog)
    assert "Ana, who generated the bill, reads why at once." in read(team.kim.dialog)
    assert read(team.kim.dialog).count("the limit is wrong") == 1
    rejected = (await actions_of(team.db, october.acme))[-1]
    assert (rejected.action, rejected.comment) == ("reject", REASON["reason"])
    assert rejected.snapshot["reason_code"] == "limit_wrong"


async def test_words_that_are_only_spaces_are_refused_beside_their_field(
    team: Team, october: Bills
) -> None:
    card = await team.kim.types(f"/bill show #{october.acme}")
    await team.kim.clicks("bill:reject", on=card)
    answer = await team.kim.submits(**{**REASON, "reason": "      "})
    assert answer["errors"] == {"reason": "A reason is needed."}
    assert await verbs_of(team.db, october.acme) == ["generate"]


async def test_a_dialog_that_is_stale_when_sent_explains_itself(team: Team, october: Bills) -> None:
    sam, lee = [
        await team.person(user).types(f"/bill show #{october.bolt}") for user in ("USAM", "ULEE")
    ]
    await team.sam.clicks("bill:reject", on=sam)
    await team.lee.clicks("bill:approve", on=lee)
    assert (await team.sam.submits(**REASON))["response_action"] == "update"
    assert "Lee (CSM) approved this bill" in said(team.sam.dialog)
    assert (await bill_of(team.db, october.bolt)).status == "approved"


async def test_the_role_is_judged_again_when_a_dialog_is_sent(team: Team, october: Bills) -> None:
    card = await team.kim.types(f"/bill show #{october.acme}")
    await team.kim.clicks("bill:reject", on=card)
    dialog = team.kim.dialog
    values = {block: {"value": entered} for block, entered in REASON.items()}
    answer = await team.sandbox.submit("ULEE", dialog["id"], values)
    assert "Only its CSM may reject this bill. Ask " in said(answer["view"])
    assert await verbs_of(team.db, october.acme) == ["generate"]


async def test_an_approval_is_taken_back_with_a_reason(team: Team, october: Bills) -> None:
    card = await team.kim.types(f"/bill show #{october.acme}")
    await team.kim.clicks("bill:approve", on=card)
    await team.kim.clicks("bill:undo", on=team.again(card))
    assert "the approval" in said(team.kim.dialog)
    await team.kim.submits(reason="I looked at the wrong month.")
    assert (await bill_of(team.db, october.acme)).status == "pending"
    assert await verbs_of(team.db, october.acme) == ["generate", "approve", "undo"]


async def test_what_a_dialog_did_is_said_in_its_place_and_can_be_undone_there(
    team: Team, october: Bills
) -> None:
    card = await team.kim.card(october.acme)
    await team.kim.clicks("Reject", on=card)
    await team.kim.submits(**REASON)
    await team.kim.presses("Undo", on=team.kim.dialog)
    await team.kim.submits(reason="I looked at the wrong month.")
    done = read(team.kim.dialog)
    assert "Undone:  your own rejection of $250.00, made " in done
    assert "It waits for Kim (CSM)." in done
    assert labels(team.kim.dialog) == ["Undo"]
    assert await verbs_of(team.db, october.acme) == ["generate", "reject", "undo"]
    assert team.kim.whispers(team.kim.dm) == []


async def test_what_was_begun_on_home_and_undone_in_the_dialog_is_seen_there(
    team: Team, october: Bills
) -> None:
    await team.kim.opens_home()
    await team.kim.presses("bill:reject", on=team.kim.home)
    await team.kim.submits(**REASON)
    await until(lambda: "Acme Corp" not in inbox(team.kim.home))
    await team.kim.presses("Undo", on=team.kim.dialog)
    await team.kim.submits(reason="I looked at the wrong month.")
    await until(lambda: "Acme Corp" in inbox(team.kim.home))


async def test_undo_by_command_opens_the_dialog_or_says_why_not(team: Team, october: Bills) -> None:
    refused = await team.kim.types(f"/bill undo #{october.acme}")
    assert "no decision on this bill" in refused["text"]
    card = await team.kim.types(f"/bill show #{october.acme}")
    await team.kim.clicks("bill:approve", on=card)
    refused = await team.sam.types(f"/bill undo #{october.acme}")
    assert "Only whoever decided, or Finance" in refused["text"]
    assert await team.ana.types(f"/bill undo #{october.acme}") == {}
    await team.ana.submits(reason="Too early.")
    assert (await bill_of(team.db, october.acme)).status == "pending"


async def test_finance_releases_a_held_bill(team: Team, october: Bills) -> None:
    await hold(team.db, october.bolt)
    refused = await team.kim.types(f"/bill release #{october.bolt}")
    assert "only Finance may release" in refused["text"]
    assert await team.ana.types("/bill release bolt ltd 2026-10") == {}
    assert (await team.ana.submits(reason="Checked."))["response_action"] == "update"
    assert "Released." in read(team.ana.dialog)
    assert "It waits for anybody in Customer Success or Sales." in read(team.ana.dialog)
    assert (await bill_of(team.db, october.bolt)).status == "pending"
    refused = await team.ana.types(f"/bill release #{october.bolt}")
    assert "You released this bill a moment ago. It waits for approval" in refused["text"]


async def test_a_decision_on_home_is_seen_there_at_once(team: Team, october: Bills) -> None:
    await team.kim.opens_home()
    assert "Acme Corp" in inbox(team.kim.home)
    await team.kim.presses("bill:approve", on=team.kim.home)
    assert (await bill_of(team.db, october.acme)).status == "approved"
    await until(lambda: "Acme Corp" not in inbox(team.kim.home))


async def test_a_rejection_begun_on_home_is_seen_there_once_it_is_sent(
    team: Team, october: Bills
) -> None:
    await team.kim.opens_home()
    await team.kim.presses("bill:reject", on=team.kim.home)
    await team.kim.submits(**REASON)
    await until(lambda: "Acme Corp" not in inbox(team.kim.home))


async def test_history_and_usage_of_a_bill_on_home_open_in_a_dialog(
    team: Team, october: Bills
) -> None:
    await team.kim.opens_home()
    for see, words in (("history", "generated the bill"), ("usage", "1,500")):
        option = {"value": f'{{"bill":{october.acme},"see":"{see}"}}'}
        await team.kim.presses("bill:more", on=team.kim.home, selected_option=option)
        assert words in said(team.kim.dialog)


async def test_history_and_usage_open_where_the_card_is_that_was_clicked(
    team: Team, october: Bills
) -> None:
    card = await team.kim.card(october.acme)
    for see, words in (("history", "generated the bill"), ("usage", "1,500")):
        option = {"value": f'{{"bill":{october.acme},"see":"{see}"}}'}
        assert await team.kim.clicks("bill:more", on=card, selected_option=option) == []
        assert words in said(team.kim.dialog)
        assert team.kim.dialog["title"]["text"] == see.capitalize()


async def test_a_long_history_is_paged_in_its_dialog(team: Team, october: Bills) -> None:
    card = await team.kim.card(october.acme)
    async with team.db.transaction() as session:
        kim = await find_by_slack(session, "UKIM", team.sandbox.team_id)
        assert kim is not None
        act = Context(kim, NOW, Source.SLACK)
        for number in range(50):
            await add_comment(session, october.acme, act, f"No {number}.")
    option = {"value": f'{{"bill":{october.acme},"see":"history"}}'}
    await team.kim.clicks("bill:more", on=card, selected_option=option)
    assert "No 49." in said(team.kim.dialog)
    await team.kim.presses("Show 11 entries before these", on=team.kim.dialog)
    assert "generated the bill" in said(team.kim.dialog)
    assert "No 49." not in said(team.kim.dialog)
    await team.kim.presses("Show 40 entries after these", on=team.kim.dialog)
    assert "No 49." in said(team.kim.dialog)


async def test_a_click_on_home_is_received_before_home_is_drawn_again(
    team: Team, listeners: Listeners, october: Bills, monkeypatch: pytest.MonkeyPatch
) -> None:
    await team.kim.opens_home()
    drawn = asyncio.Event()
    publish = home.publish

    async def later(*given: Any) -> None:
        await drawn.wait()
        await publish(*given)

    monkeypatch.setattr(home, "publish", later)
    await team.kim.presses("bill:approve", on=team.kim.home)
    assert (await bill_of(team.db, october.acme)).status == "approved"
    assert "Acme Corp" in inbox(team.kim.home)
    drawn.set()
    await listeners.services.background.drain(5.0)
    assert "Acme Corp" not in inbox(team.kim.home)


async def test_whatever_is_slow_the_receipt_comes_before_slack_gives_up(
    team: Team, listeners: Listeners, october: Bills, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def stuck(*_: object, **__: object) -> None:
        await asyncio.Event().wait()

    card = await team.kim.types(f"/bill show #{october.acme}")
    monkeypatch.setattr("handlers.slack.bill.approve_bill", stuck)
    object.__setattr__(listeners.services, "work_s", 0.2)
    with capture_logs():
        (told,) = await team.kim.clicks("bill:approve", on=card)
    assert WORK_S + APOLOGY_S < SLACK_WAITS_S
    assert "too slow just now" in told["text"]
    assert (await bill_of(team.db, october.acme)).status == "pending"


async def test_a_card_that_misled_somebody_is_drawn_again_though_it_seems_current(
    team: Team, october: Bills
) -> None:
    dm = team.kim.dm
    card = await team.kim.card(october.acme)
    drawn = card["text"]
    for user, version in (("UKIM", 9), ("ULEE", 1)):
        stands = team.sandbox.workspace.conversations[dm].messages[card["ts"]]
        stands["text"] = "A drawing of another time"
        old = {
            "type": "button",
            "action_id": "bill:approve",
            "value": _value(october.acme, version),
        }
        await team.person(user).forges(old, on=card)
        await until(lambda: team.again(card)["text"] == drawn)


async def test_only_a_card_with_a_thread_speaks_of_one(team: Team, october: Bills) -> None:
    assert "Reply in the thread" in said(await team.kim.card(october.acme))
    private = await team.kim.types(f"/bill show #{october.acme}")
    assert "Reply in the thread" not in said(private)
    await team.kim.clicks("bill:approve", on=private)
    assert "Reply in the thread" not in said(team.again(private))


async def test_finance_asks_lee_instead_of_kim_whose_card_says_so(
    team: Team, october: Bills
) -> None:
    kims = await team.kim.card(october.acme)
    shown = await team.ana.types(f"/bill show #{october.acme}")
    await team.ana.clicks("bill:reassign", on=shown)
    assert "Lee (CSM)" in str(team.ana.dialog)
    assert "Sam" not in str(team.ana.dialog)
    async with team.db.transaction() as session:
        lee = await find_by_name(session, "Lee")
    assert lee
    answer = await team.ana.submits(user_id=str(lee.id), comment="Kim is at a fair.")
    assert answer["response_action"] == "update"
    assert "asked Lee (CSM) to decide instead of Kim (CSM) in Slack" in read(team.ana.dialog)
    card = await team.lee.card(october.acme)
    assert "Waits for Lee (CSM)" in said(card)
    await until(lambda: "Kim is at a fair." in said(team.again(kims)))
    assert "bill:approve" not in acts(team.again(kims))
    await team.lee.clicks("bill:approve", on=card)
    await until(lambda: "Approved by Lee (CSM)" in said(team.again(kims)))
