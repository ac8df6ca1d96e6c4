"""Dialogs ask for what a decision needs; Home shows what waits."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from handlers.slack.blocks.action_ids import unpack
from handlers.slack.blocks.home import home_view
from models.bills.states import RejectReason, Verb
from models.people.permissions import Role
from models.people.users import User
from sandbox.blockkit import check_view
from tests.views import asked as dialogs
from tests.views import samples
from tests.views.samples import BILL, BILLS, NOON, buttons, shown


def inputs(view: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {block["block_id"]: block for block in view["blocks"] if block["type"] == "input"}


def test_a_rejection_needs_a_reason_code_and_words() -> None:
    view = dialogs.reject(BILL)
    code, reason = inputs(view)["reason_code"], inputs(view)["reason"]
    assert [o["value"] for o in code["element"]["options"]] == [*RejectReason]
    assert code["element"]["options"][0]["text"]["text"] == "The usage is wrong"
    assert "min_length" not in reason["element"]
    assert reason["element"]["max_length"] == 3000
    assert not reason["optional"]
    assert "Ana Ruiz, who generated the bill" in reason["hint"]["text"]
    assert view["callback_id"] == "bill:reject"
    assert unpack(view["private_metadata"]) == {"bill": 42, "version": 1}


def test_a_rejection_of_a_scheduled_bill_names_no_system() -> None:
    view = dialogs.reject(replace(BILL, generated_by=samples.CLOCK))
    assert "system" not in shown(view["blocks"])
    assert "Finance reads this at once" in shown(view["blocks"])


def test_undo_names_the_decision_it_takes_back() -> None:
    view = dialogs.undo(BILLS["approved"], samples.APPROVED)
    assert "This takes back the approval of $1,000.00 by Kim Lee (CSM), " in shown(view["blocks"])
    assert unpack(view["private_metadata"]) == {"bill": 42, "version": 1, "action": 7}
    assert list(inputs(view)) == ["reason"]


def test_undoing_an_undo_says_what_comes_back_and_when_it_goes_out() -> None:
    undone = samples.entry(Verb.UNDO, samples.ANA, id=10, reverses=samples.SENT_OFF)
    told = shown(dialogs.undo(BILLS["approved"], undone, 5)["blocks"])
    assert "This takes back the undo by Ana Ruiz (Finance), made " in told
    assert ", which took back the sending of $1,000.00 by Ana Ruiz (Finance), made " in told
    assert "The bill is sent again, and goes out 5 minutes after that; until then" in told
    at_once = shown(dialogs.undo(BILLS["approved"], undone, 0)["blocks"])
    assert "The bill is sent again, and goes out at once." in at_once


@pytest.mark.parametrize("still_stands", [True, False])
def test_a_release_needs_a_reason_only_where_the_cause_stands(still_stands: bool) -> None:
    view = dialogs.release(BILLS["held, outside_contract"], still_stands)
    assert inputs(view)["reason"]["optional"] is not still_stands
    assert "It is held because the usage falls outside" in shown(view["blocks"])
    assert ("That is settled now." in shown(view["blocks"])) is not still_stands


def user(role: Role | None) -> User:
    return User(name="Kim Lee", role=role, active=True)


def test_home_draws_what_waits_with_buttons_in_place() -> None:
    kims = BILLS["pending"]
    older = replace(kims, id=41, created_at=NOON - timedelta(days=3))
    view = home_view(samples.user(samples.KIM), samples.page(2), [older, kims], NOON)
    told = shown(view["blocks"])
    assert "Waiting for you: 2" in told
    assert told.index("#41") < told.index("#42")
    assert "Generated 3 days ago." in told
    rows = [block for block in view["blocks"] if block["type"] == "actions"]
    assert len(rows) == 2
    assert "bill:approve" in buttons(rows)


def test_home_shows_what_has_no_room_for_buttons_as_a_table_and_counts_the_rest() -> None:
    waiting = replace(samples.page(20), count=500)
    drawn = [replace(BILL, id=n) for n in range(1, 16)]
    view = home_view(user(Role.SALES), waiting, drawn, NOON)
    (table,) = [block for block in view["blocks"] if block["type"] == "table"]
    assert [row[0]["text"] for row in table["rows"][1:]] == [f"#{n}" for n in range(13, 21)]
    assert "and 480 bills more" in shown(view["blocks"])
    assert check_view(view) == []


def test_home_says_where_there_are_more_than_are_counted() -> None:
    waiting = replace(samples.page(20), count=1_000, totals=(), is_counted=False)
    told = shown(home_view(user(Role.CSM), waiting, [BILL], NOON)["blocks"])
    assert "Waiting for you: more than 1,000 bills" in told
    assert "and many more: type" in told


def test_a_manager_sees_the_list_and_no_buttons() -> None:
    view = home_view(user(Role.MANAGER), samples.page(3), [BILL], NOON)
    assert buttons(view["blocks"]) == {}
    assert "Waiting for somebody: 3" in shown(view["blocks"])


def test_finance_sees_what_is_held_with_its_release() -> None:
    held = BILLS["held, outside_contract"]
    view = home_view(user(Role.FINANCE), samples.page(1), [held], NOON)
    assert "bill:release" in buttons(view["blocks"])


@pytest.mark.parametrize("role", Role)
def test_an_empty_home_says_so(role: Role) -> None:
    told = shown(home_view(user(role), samples.page(0), [], NOON)["blocks"])
    assert "No bill" in told


@pytest.mark.parametrize("nobody", [None, user(None)])
def test_whoever_has_no_role_can_ask_for_one_and_sees_nothing(nobody: User | None) -> None:
    view = home_view(nobody, samples.page(3), [BILL], NOON)
    assert list(buttons(view["blocks"])) == ["access:request"]
    assert "Acme" not in shown(view["blocks"])
