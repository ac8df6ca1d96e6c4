"""Who is let in, what is answered to whom, and that nothing is left without a receipt."""

import logging
import time
from typing import Any

import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs

from handlers.slack.parsing import decision_in, month_and_rest
from models.people.users import User, find_by_slack
from tests.handlers.conftest import Bills
from tests.handlers.office import Json, Office, acts, element, said
from tests.sandbox.slack_bot import until

APPROVE = {"type": "button", "action_id": "bill:approve", "value": '{"bill":1,"version":1}'}


async def test_somebody_without_a_role_is_offered_to_ask_for_one(office: Office) -> None:
    for typed in ("/bill list", "/usage acme", "/bill help"):
        answer = await office.type("UNEW", typed)
        assert acts(answer) == ["access:request"]
    assert await _named(office, "New") is None


async def test_finance_grants_a_role_with_one_click(office: Office) -> None:
    offer = await office.type("UNEW", "/bill list")
    await office.click("UNEW", offer, "access:request")
    assert "Finance has been asked" in office.again(offer)["text"]
    request = await _in_dm(office, "UANA", "asks for access")
    dm = office.sandbox.dm("UANA")
    forged = await office.forge("UKIM", request, element(request, "access:grant.3"), dm)
    assert "only Finance may give people roles" in office.whispers("UKIM", dm)[0]["text"], forged
    await office.click("UANA", request, "access:grant.3", dm)
    assert "New is Sales now" in office.again(request, dm)["text"]
    user = await _named(office, "New")
    assert user is not None
    assert (user.role, user.slack_team_id) == ("Sales", office.sandbox.team_id)
    await _in_dm(office, "UNEW", "Your role in Countersign is Sales")
    (told,) = await office.forge("UANA", request, element(request, "access:grant"), dm)
    assert "New is Sales already" in told["text"]


async def test_a_name_that_is_taken_takes_nothing_over(office: Office) -> None:
    office.sandbox.workspace.users["UNEW"].real_name = "Ana"
    offer = await office.type("UNEW", "/bill list")
    await office.click("UNEW", offer, "access:request")
    ana, new = await _named(office, "Ana"), await _named(office, "Ana (UNEW)")
    assert ana is not None
    assert new is not None
    assert (ana.role, ana.slack_user_id, new.role) == ("Finance", "UANA", None)


async def test_guests_foreigners_and_whoever_has_left_are_refused(
    office: Office, october: Bills
) -> None:
    card = await office.type("UKIM", f"/bill show #{october.acme}")
    for user, sentence in (("UGUS", "Guests"), ("UFAR", "its own workspace only")):
        (told,) = await office.forge(user, card, APPROVE)
        assert sentence in told["text"]
        await office.sandbox.open_home(user)
        assert sentence in said(office.sandbox.views(user)["home"])
    assert "Guests" in (await office.type("UGUS", "/bill list", office.sandbox.dm("UGUS")))["text"]
    assert await office.verbs(october.acme) == ["generate"]


async def test_a_deactivated_account_is_noticed_at_once(office: Office, october: Bills) -> None:
    card = await office.type("ULEE", f"/bill show #{october.bolt}")
    assert (await office.sandbox.change_user("ULEE", deleted=True))["acked"]
    lee = await _named(office, "Lee")
    assert lee is not None
    assert not lee.active
    payload = _click_payload(office, card, "ULEE")
    await office.dispatch(payload)
    assert "deactivated" in office.whispers("ULEE")[-1]["text"]
    assert await office.verbs(october.bolt) == ["generate"]


def _click_payload(office: Office, message: Json, clicker: str, **other: Any) -> Json:
    sandbox = office.sandbox
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


async def test_a_request_for_another_app_or_team_is_refused(office: Office, october: Bills) -> None:
    card = await office.type("UKIM", f"/bill show #{october.acme}")
    for other in ({"api_app_id": "AOTHER"}, {"user": {"id": "UKIM", "team_id": "TOTHER"}}):
        receipt = await office.dispatch(_click_payload(office, card, "UKIM", **other))
        assert receipt.status == 200
    told = [one["text"] for one in office.whispers("UKIM")[1:]]
    assert ["another app" in told[0], "own workspace" in told[1]] == [True, True]
    assert await office.verbs(october.acme) == ["generate"]


async def test_a_surprise_is_answered_by_a_reference_that_is_in_the_log(
    office: Office, october: Bills, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError("xoxb-secret in a message")

    card = await office.type("UKIM", f"/bill show #{october.acme}")
    monkeypatch.setattr("handlers.slack.bill.approve_bill", broken)
    with capture_logs() as logged:
        (told,) = await office.click("UKIM", card, "bill:approve")
    (entry,) = [one for one in logged if one["log_level"] == "error"]
    assert entry["reference"] in told["text"]
    assert "secret" not in told["text"]
    assert (await office.bill(october.acme)).status == "pending"


async def test_a_comment_that_could_not_be_kept_is_not_received_so_it_comes_again(
    office: Office, october: Bills, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = await office.card("UKIM", october.acme)
    failures = iter([RuntimeError("the database is away")])
    find = find_by_slack

    async def flaky(*given: Any) -> User | None:
        for failure in failures:
            raise failure
        return await find(*given)

    monkeypatch.setattr("handlers.slack.context.find_by_slack", flaky)
    logging.getLogger("slack_bolt").setLevel(logging.CRITICAL)
    with capture_logs():
        await office.sandbox.message("UKIM", office.sandbox.dm("UKIM"), "Hm", card["ts"])
    dm = office.sandbox.dm("UKIM")
    await until(lambda: "1 comment, by Kim" in str(office.again(card, dm)["blocks"]))


async def test_a_dialog_that_opens_too_late_is_excused(office: Office, october: Bills) -> None:
    card = await office.type("UKIM", f"/bill show #{october.acme}")
    late = {**element(card, "bill:reject")}
    payload = _click_payload(office, card, "UKIM", actions=[late], trigger_id="1.2.gone")
    with capture_logs() as logged:
        await office.dispatch(payload)
    assert "did not open the dialog in time" in office.whispers("UKIM")[-1]["text"]
    assert logged[-1]["event"] == "An answer did not arrive"


async def test_help_near_misses_and_decisions_that_are_buttons(office: Office) -> None:
    assert "/bill generate [YYYY-MM]" in said(await office.type("UKIM", "/bill help"))
    assert (await office.type("UKIM", "/bill"))["text"] == (
        (await office.type("UKIM", "/bill help"))["text"]
    )
    assert "CUSTOMER [6m" in said(await office.type("UKIM", "/usage"))
    assert "/bill generate 2026-10" in said(await office.type("UKIM", "/bill generat"))
    assert "button on the card" in said(await office.type("UKIM", "/bill approve #1"))


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


async def test_nothing_is_left_without_a_receipt(office: Office) -> None:
    person = {"user": {"id": "UKIM", "team_id": office.sandbox.team_id}}
    app_id = office.sandbox.installation.app_id
    for payload in STRAY:
        by = {} if "event" in payload or "command" in payload else person
        whole = {"trigger_id": "1.2.3", "api_app_id": app_id, **payload, **by}
        with capture_logs():
            assert (await office.dispatch(whole)).status == 200, payload


async def test_a_list_is_filtered_and_an_unknown_reference_is_named(
    office: Office, october: Bills
) -> None:
    assert "2 bills" in (await office.type("UANA", "/bill list pending 2026-10"))["text"]
    assert "1 bill," in (await office.type("UKIM", "/bill list mine acme corp"))["text"]
    assert "held: none." in (await office.type("UKIM", "/bill list held"))["text"]
    assert "no bill #77" in (await office.type("UKIM", "/bill show #77"))["text"]
    assert "Which bill?" in (await office.type("UKIM", "/bill show"))["text"]
    assert "Acme Corp" in said(await office.type("UKIM", "/bill history acme 2026-10"))


async def test_a_list_says_for_whom_its_bills_wait(office: Office, october: Bills) -> None:
    assert "wait for somebody: 2" in (await office.type("UMAX", "/bill list mine"))["text"]
    assert "wait for you: " in (await office.type("UKIM", "/bill list mine"))["text"]


async def test_a_longer_list_is_paged_in_place(
    office: Office, october: Bills, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models.queries.bill_list.find_bills.__kwdefaults__", _limited_to(1))
    first = await office.type("UANA", "/bill list")
    assert "Acme Corp" in said(first)
    await office.click("UANA", first, "list:page")
    assert "Bolt Ltd" in said(office.again(first))


def _limited_to(limit: int) -> dict[str, Any]:
    names = ("status", "mine_of", "customer_id", "period", "after")
    return {**dict.fromkeys(names), "limit": limit}


async def test_usage_is_private_until_it_is_shared(office: Office) -> None:
    told = await office.type("UKIM", "/usage acme 2026-09..2026-10")
    assert "1,500" in said(told)
    await office.click("UKIM", told, "usage:share")
    shared = [one for one in office.sandbox.messages("CBILLS") if "ephemeral_user" not in one]
    assert "1,500" in said(shared[-1])
    assert "usage:share" not in acts(shared[-1])
    assert "1,500" in said(office.again(told))
    assert acts(office.again(told)) == []


async def test_usage_reads_its_span(office: Office) -> None:
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
        told = await office.type("UKIM", f"/usage {typed}")
        assert answer in told["text"] + said(told), typed


async def _named(office: Office, name: str) -> User | None:
    async with office.db.transaction() as session:
        return (await session.scalars(sa.select(User).where(User.name == name))).one_or_none()


async def _in_dm(office: Office, user: str, words: str) -> Json:
    def there() -> list[Json]:
        dm = office.sandbox.messages(office.sandbox.dm(user))
        return [one for one in dm if words in one["text"]]

    await until(there)
    return there()[0]


async def test_a_doubled_request_is_received_twice_and_done_once(
    office: Office, october: Bills
) -> None:
    card = await office.type("UKIM", f"/bill show #{october.acme}")
    payload = _click_payload(office, card, "UKIM")
    for _ in range(2):
        assert (await office.dispatch(payload)).status == 200
    assert await office.verbs(october.acme) == ["generate", "approve"]


async def test_a_command_that_is_too_long_is_refused_and_blanks_cost_nothing(
    office: Office,
) -> None:
    start = time.monotonic()
    told = await office.type("UKIM", "/bill list a" + " " * 8000 + "b")
    assert "at most 1,000 characters" in told["text"]
    assert month_and_rest("a" + " " * 40_000 + "b") == (None, "a" + " " * 40_000 + "b")
    assert decision_in("ok " * 20_000 + "x") is None
    assert time.monotonic() - start < 1


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


async def test_usage_is_shared_of_the_customer_that_was_seen(office: Office) -> None:
    told = await office.type("UKIM", "/usage acme 2026-10..2026-10")
    async with office.db.transaction() as session:
        rename = "update customers set name = 'Acme Corp Old' where name = 'Acme Corp'"
        await session.execute(sa.text(rename))
    await office.click("UKIM", told, "usage:share")
    shared = [one for one in office.sandbox.messages("CBILLS") if "ephemeral_user" not in one]
    assert "Acme Corp Old" in said(shared[-1])


async def test_where_nobody_of_finance_is_in_slack_asking_says_so(office: Office) -> None:
    async with office.db.transaction() as session:
        await session.execute(sa.text("update users set slack_user_id = null where name = 'Ana'"))
    offer = await office.type("UNEW", "/bill list")
    (told,) = await office.click("UNEW", offer, "access:request")
    assert "Nobody was asked" in told["text"]
    assert "countersign people add" in told["text"]


async def test_somebody_who_was_switched_off_can_ask_to_be_let_in_again(office: Office) -> None:
    async with office.db.transaction() as session:
        await session.execute(sa.text("update users set active = false where name = 'Lee'"))
    offer = await office.type("ULEE", "/bill list")
    assert "no longer active" in offer["text"]
    await office.click("ULEE", offer, "access:request")
    request = await _in_dm(office, "UANA", "asks for access")
    await office.click("UANA", request, "access:grant.2", office.sandbox.dm("UANA"))
    lee = await _named(office, "Lee")
    assert lee is not None
    assert lee.active


async def test_bills_of_somebody_who_left_are_held_for_finance(
    office: Office, october: Bills
) -> None:
    await office.sandbox.change_user("UKIM", deleted=True)
    held = await office.bill(october.acme)
    assert (held.status, held.hold_reason) == ("held", "no_approver")
    assert (await office.bill(october.bolt)).status == "pending"
    home = await office.sandbox.open_home("UANA")
    assert home["ok"]
    await until(lambda: "Acme Corp" in said(office.sandbox.views("UANA")["home"] or {}))
