"""Dialogs ask for what a decision needs, and name what they are about."""

from dataclasses import replace
from typing import Any

import pytest

from handlers.slack.blocks.action_ids import unpack
from models.bills.states import RejectReason, Verb
from tests.views import asked as dialogs
from tests.views import samples
from tests.views.samples import BILL, BILLS, shown


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
