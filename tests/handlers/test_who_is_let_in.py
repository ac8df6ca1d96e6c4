"""Who is let in, what is answered to whom, and that nothing is left without a receipt."""

import asyncio
import logging
import time
from typing import Any

import pytest
import sqlalchemy as sa
import structlog
from structlog.contextvars import get_contextvars
from structlog.testing import capture_logs

from handlers.slack.decision_words import decision_in
from handlers.slack.parsing import month_and_rest
from models.people.users import User, find_by_slack
from tests.handlers.conftest import Bills, hold
from tests.harness.record import bill_of, verbs_of
from tests.harness.running import Listeners
from tests.harness.slack_people import Json, Team, acts, element, read, said
from tests.harness.waiting import until

APPROVE = {"type": "button", "action_id": "bill:approve", "value": '{"bill":1,"version":1}'}


async def test_somebody_without_a_role_is_offered_to_ask_for_one(team: Team) -> None:
    for typed in ("/bill list", "/usage acme", "/bill help"):
        answer = await team.new.types(typed)
        assert acts(answer) == ["access:request"]
    assert await _named(team, "New") is None


async def test_finance_grants_a_role_with_one_click(team: Team) -> None:
    offer = await team.new.types("/bill list")
    await team.new.clicks("access:request", on=offer)
    assert "Finance has been asked" in team.again(offer)["text"]
    request = await team.ana.told("asks for access")
    dm = team.ana.dm
    forged = await team.kim.forges(element(request, "access:grant.3"), on=request)
    assert "only Finance may give people roles" in team.kim.whispers(dm)[0]["text"], forged
    await team.ana.clicks("access:grant.3", on=request)
    assert "New is Sales now" in team.again(request)["text"]
    user = await _named(team, "New")
    assert user is not None
    assert (user.role, user.slack_team_id) == ("Sales", team.sandbox.team_id)
    await team.new.told("Your role in Countersign is Sales")
    (told,) = await team.ana.forges(element(request, "access:grant"), on=request)
    assert "New is Sales already" in told["text"]


async def test_finance_sees_who_asks_and_can_decline(team: Team) -> None:
    offer = await team.new.types("/bill list")
    await team.new.clicks("Request access", on=offer)
    request = await team.ana.told("asks for access")
    assert '{"type": "user", "user_id": "UNEW"}' in said(request)
    await team.ana.clicks("Decline", on=request)
    assert "Ana (Finance) declined that New gets a role." in team.again(request)["text"]
    await team.new.told("Ana (Finance) declined your request for access")
    offer = await team.new.types("/bill list")
    (told,) = await team.new.clicks("Request access", on=offer)
    assert "Your request was declined today." in told["text"]


async def test_a_name_that_is_taken_takes_nothing_over(team: Team) -> None:
    team.sandbox.workspace.users["UNEW"].real_name = "Ana"
    offer = await team.new.types("/bill list")
    await team.new.clicks("access:request", on=offer)
    ana, new = await _named(team, "Ana"), await _named(team, "Ana (UNEW)")
    assert ana is not None
    assert new is not None
    assert (ana.role, ana.slack_user_id, new.role) == ("Finance", "UANA", None)


async def test_guests_foreigners_and_whoever_has_left_are_refused(
    team: Team, october: Bills
) -> None:
    card = await team.kim.types(f"/bill show #{october.acme}")
    for user, sentence in (("UGUS", "Guests"), ("UFAR", "its own workspace only")):
        (told,) = await team.person(user).forges(APPROVE, on=card)
        assert sentence in told["text"]
        await team.person(user).opens_home()
        assert sentence in said(team.person(user).home)
    assert "Guests" in (await team.gus.types("/bill list", team.gus.dm))["text"]
    assert await verbs_of(team.db, october.acme) == ["generate"]


async def test_a_deactivated_account_is_noticed_at_once(
    team: Team, listeners: Listeners, october: Bills
) -> None:
    card = await team.lee.types(f"/bill show #{october.bolt}")
    assert (await team.sandbox.change_user("ULEE", deleted=True))["acked"]
    lee = await _named(team, "Lee")
    assert lee is not None
    assert not lee.active
    payload = _click_payload(team, card, "ULEE")
    await listeners.hear(payload)
    assert "deactivated" in team.lee.whispers()[-1]["text"]
    assert await verbs_of(team.db, october.bolt) == ["generate"]


def _click_payload(team: Team, message: Json, clicker: str, **other: Any) -> Json:
    sandbox = team.sandbox
    key = sandbox.slack.response_urls.issue("CBILLS", clicker, message_ts=message["ts"])
    return {
        "type": "block_actions",
        "user": {"id": clicker, "team_id": sandbox.team_id},
        "team": {"id": sandbox.team_id},
        "api_app_id": sandbox.installation.app_id,
        "container": {"is_ephemeral": False},
        "response_url": f"{sandbox.base_url}/response/{key}",
        "actions": [APPROVE],
        **other,
    }


async def test_a_request_for_another_app_or_team_is_refused(
    team: Team, listeners: Listeners, october: Bills
) -> None:
    card = await team.kim.types(f"/bill show #{october.acme}")
    for other in ({"api_app_id": "AOTHER"}, {"user": {"id": "UKIM", "team_id": "TOTHER"}}):
        receipt = await listeners.hear(_click_payload(team, card, "UKIM", **other))
        assert receipt.status == 200
    told = [one["text"] for one in team.kim.whispers()[1:]]
    assert ["another app" in told[0], "own workspace" in told[1]] == [True, True]
    assert await verbs_of(team.db, october.acme) == ["generate"]


async def test_a_surprise_is_answered_by_a_reference_that_is_in_the_log(
    team: Team, october: Bills, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        structlog.get_logger().info("on the way", **get_contextvars())
        raise RuntimeError("xoxb-secret in a message")

    card = await team.kim.types(f"/bill show #{october.acme}")
    monkeypatch.setattr("handlers.slack.bill.approve_bill", broken)
    with capture_logs() as logged:
        (told,) = await team.kim.clicks("bill:approve", on=card)
    (entry,) = [one for one in logged if one["log_level"] == "error"]
    assert entry["reference"] in told["text"]
    (before,) = [one for one in logged if one["event"] == "on the way"]
    assert before["reference"] == entry["reference"], "whatever is logged of it bears the same"
    assert "secret" not in told["text"]
    assert (await bill_of(team.db, october.acme)).status == "pending"


async def test_a_comment_that_could_not_be_kept_is_not_received_so_it_comes_again(
    team: Team, october: Bills, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = await team.kim.card(october.acme)
    failures = iter([RuntimeError("the database is away")])
    find = find_by_slack

    async def flaky(*given: Any) -> User | None:
        for failure in failures:
            raise failure
        return await find(*given)

    monkeypatch.setattr("handlers.slack.context.find_by_slack", flaky)
    logging.getLogger("slack_bolt").setLevel(logging.CRITICAL)
    monkeypatch.setattr(team.sandbox.sockets, "_ack_s", 1.0)
    with capture_logs():
        await team.kim.replies("Hm", to=card)
    await until(lambda: "1 comment, by Kim" in str(team.again(card)["blocks"]))


async def test_a_dialog_that_opens_too_late_is_excused(
    team: Team, listeners: Listeners, october: Bills
) -> None:
    card = await team.kim.types(f"/bill show #{october.acme}")
    late = {**element(card, "bill:reject")}
    payload = _click_payload(team, card, "UKIM", actions=[late], trigger_id="1.2.gone")
    with capture_logs() as logged:
        await listeners.hear(payload)
    assert "did not open the dialog in time" in team.kim.whispers()[-1]["text"]
    assert logged[-1]["event"] == "An answer did not arrive"


async def test_help_and_decisions_that_are_buttons(team: Team) -> None:
    assert "/bill generate [YYYY-MM]" in said(await team.kim.types("/bill help"))
    assert (await team.kim.types("/bill"))["text"] == ((await team.kim.types("/bill help"))["text"])
    assert "CUSTOMER [6m" in said(await team.kim.types("/usage"))
    assert "button on the card" in said(await team.kim.types("/bill approve"))


async def test_a_decision_that_is_typed_gets_the_card_of_its_bill_or_why_it_cannot_be(
    team: Team, october: Bills
) -> None:
    assert "There is no bill #99999." in said(await team.kim.types("/bill approve #99999"))
    card = await team.kim.types(f"/bill approve #{october.acme}")
    assert "Bills are approved with the button on the card." in read(card)
    assert acts(card)[0] == "bill:approve"
    foreign = await team.lee.types("/bill approve Acme Corp 2026-10")
    assert "Only its CSM may approve this bill. Ask " in read(foreign)
    assert "UKIM" in said(foreign)
    assert "bill:approve" not in acts(foreign)
    assert "which may not reject bills" in read(
        await team.ana.types(f"/bill reject #{october.acme}")
    )
    await team.kim.clicks("bill:approve", on=card)
    again = await team.kim.types(f"/bill approve #{october.acme}")
    assert "You approved this bill a moment ago." in read(again)
    assert "bill:undo" in acts(again)
    await hold(team.db, october.bolt)
    held = await team.ana.types(f"/bill approve #{october.bolt}")
    assert "bill:release" in acts(held)


STRAY: tuple[Json, ...] = (
    {"type": "block_actions", "actions": [{"action_id": "of another time"}]},
    {"type": "block_actions", "actions": [{"action_id": "link", "url": "https://a.example"}]},
    {"type": "view_submission", "view": {"callback_id": "of another time", "type": "modal"}},
    {"type": "view_closed", "view": {"callback_id": "x", "type": "modal"}},
    {"type": "block_suggestion", "action_id": "x", "value": ""},
    {"type": "shortcut", "callback_id": "x"},
    {"type": "message_action", "callback_id": "x"},
    {"type": "event_callback", "event": {"type": "channel_rename"}},
    {"type": "event_callback", "event": {"type": "tokens_revoked"}},
    {"type": "event_callback", "event": {"type": "app_uninstalled"}},
    {"type": "event_callback", "event": {"type": "message", "channel": "C1", "ts": "1.0"}},
    {"command": "/billing", "text": "", "user_id": "UKIM", "team_id": "T1"},
)


async def test_nothing_is_left_without_a_receipt(team: Team, listeners: Listeners) -> None:
    person = {"user": {"id": "UKIM", "team_id": team.sandbox.team_id}}
    app_id = team.sandbox.installation.app_id
    for payload in STRAY:
        by = {} if "event" in payload or "command" in payload else person
        whole = {"trigger_id": "1.2.3", "api_app_id": app_id, **payload, **by}
        with capture_logs():
            assert (await listeners.hear(whole)).status == 200, payload


async def test_a_list_is_filtered_and_an_unknown_reference_is_named(
    team: Team, october: Bills
) -> None:
    assert "2 bills" in (await team.ana.types("/bill list pending 2026-10"))["text"]
    assert "1 bill," in (await team.kim.types("/bill list mine acme corp"))["text"]
    assert "held: none." in (await team.kim.types("/bill list held"))["text"]
    assert "no bill #77" in (await team.kim.types("/bill show #77"))["text"]
    assert "Which bill?" in (await team.kim.types("/bill show"))["text"]
    assert "Acme Corp" in said(await team.kim.types("/bill history acme 2026-10"))


async def test_a_list_says_for_whom_its_bills_wait(team: Team, october: Bills) -> None:
    assert "wait for somebody: 2" in (await team.max.types("/bill list mine"))["text"]
    assert "wait for you: " in (await team.kim.types("/bill list mine"))["text"]


async def test_a_longer_list_is_paged_in_place(
    team: Team, october: Bills, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models.queries.bill_list.find_bills.__kwdefaults__", _ONE_A_PAGE)
    first = await team.ana.types("/bill list")
    assert "Acme Corp" in said(first)
    await team.ana.clicks("list:page", on=first)
    assert "Bolt Ltd" in said(team.again(first))


_ONE_A_PAGE = {"after": None, "limit": 1, "most": 1_000}


async def test_usage_is_private_until_it_is_shared(team: Team) -> None:
    told = await team.kim.types("/usage acme 2026-09..2026-10")
    assert "1,500" in said(told)
    await team.kim.clicks("usage:share", on=told)
    shared = team.messages("CBILLS")
    assert "1,500" in said(shared[-1])
    assert "usage:share" not in acts(shared[-1])
    assert "1,500" in said(team.again(told))
    assert acts(team.again(told)) == ["page:open"]


async def test_a_double_click_shares_usage_once(team: Team) -> None:
    told = await team.kim.types("/usage acme 2026-09..2026-10")
    before = len(team.messages("CBILLS"))
    click = team.kim.clicks
    await asyncio.gather(click("usage:share", on=told), click("usage:share", on=told))
    assert len(team.messages("CBILLS")) == before + 1


async def test_usage_reads_its_span(team: Team) -> None:
    for typed, answer in (
        ("nobody", "No customer is called “nobody”"),
        ("acme 2026-10..2026-09", "not a span"),
        ("acme 0m", "not a span"),
        ("acme 2026-13", "is not a month"),
        ("acme 2026", "December 2026"),
        ("acme 1999", "1999 is not a year from 2000 to 2200"),
        ("acme 0000-00", "0000-00 is not a month"),
        ("acme 3m", "September 2026 to November 2026"),
    ):
        told = await team.kim.types(f"/usage {typed}")
        assert answer in told["text"] + said(told), typed


async def _named(team: Team, name: str) -> User | None:
    async with team.db.transaction() as session:
        return (await session.scalars(sa.select(User).where(User.name == name))).one_or_none()


async def test_a_doubled_request_is_received_twice_and_done_once(
    team: Team, listeners: Listeners, october: Bills
) -> None:
    card = await team.kim.types(f"/bill show #{october.acme}")
    payload = _click_payload(team, card, "UKIM")
    for _ in range(2):
        assert (await listeners.hear(payload)).status == 200
    assert await verbs_of(team.db, october.acme) == ["generate", "approve"]


async def test_a_command_that_is_too_long_is_refused_and_blanks_cost_nothing(
    team: Team,
) -> None:
    start = time.process_time()
    told = await team.kim.types("/bill list a" + " " * 8000 + "b")
    assert "at most 1,000 characters" in told["text"]
    assert month_and_rest("a" + " " * 40_000 + "b") == (None, "a" + " " * 40_000 + "b")
    decision_in("ok " * 20_000 + "x")
    assert time.process_time() - start < 1


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("2026-10", ("2026-10", "")),
        ("2026-10 Acme  Corp", ("2026-10", "Acme  Corp")),
        ("Acme  Corp \t 2026-10", ("2026-10", "Acme  Corp")),
        ("2026-10 Acme 2026-11", ("2026-10", "Acme 2026-11")),
        ("Acme 2026-10 Corp", (None, "Acme 2026-10 Corp")),
        ("", (None, "")),
    ],
)
def test_a_month_is_found_at_either_end(typed: str, meant: tuple[str | None, str]) -> None:
    assert month_and_rest(typed) == meant


async def test_usage_is_shared_of_the_customer_that_was_seen(team: Team) -> None:
    told = await team.kim.types("/usage acme 2026-10..2026-10")
    async with team.db.transaction() as session:
        rename = "update customers set name = 'Acme Corp Old' where name = 'Acme Corp'"
        await session.execute(sa.text(rename))
    await team.kim.clicks("usage:share", on=told)
    shared = team.messages("CBILLS")
    assert "Acme Corp Old" in said(shared[-1])


async def test_where_nobody_of_finance_is_in_slack_asking_says_so(team: Team) -> None:
    async with team.db.transaction() as session:
        await session.execute(sa.text("update users set slack_user_id = null where name = 'Ana'"))
    none = await team.new.types("/bill list")
    assert "Nobody with the role Finance is here yet." in read(none)
    assert acts(none) == []
    async with team.db.transaction() as session:
        await session.execute(sa.text("update users set password_digest = 'x' where name = 'Ana'"))
    offer = await team.new.types("/bill list")
    (told,) = await team.new.clicks("access:request", on=offer)
    assert "Nobody was asked" in told["text"]
    assert "countersign people add" in told["text"]


async def test_somebody_who_was_switched_off_can_ask_to_be_let_in_again(team: Team) -> None:
    async with team.db.transaction() as session:
        await session.execute(sa.text("update users set active = false where name = 'Lee'"))
    offer = await team.lee.types("/bill list")
    assert "no longer active" in offer["text"]
    await team.lee.clicks("access:request", on=offer)
    request = await team.ana.told("asks for access")
    await team.ana.clicks("access:grant.2", on=request)
    lee = await _named(team, "Lee")
    assert lee is not None
    assert lee.active


async def test_bills_of_somebody_who_left_are_held_for_finance(team: Team, october: Bills) -> None:
    await team.sandbox.change_user("UKIM", deleted=True)

    async def is_held() -> bool:
        return (await bill_of(team.db, october.acme)).status == "held"

    await until(is_held)
    assert (await bill_of(team.db, october.acme)).hold_reason == "no_approver"
    assert (await bill_of(team.db, october.bolt)).status == "pending"
    assert (await team.ana.opens_home())["ok"]
    await until(lambda: "Acme Corp" in said(team.ana.home))
