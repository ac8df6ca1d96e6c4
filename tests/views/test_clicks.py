"""What a click carries, and what is refused when it comes back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.slack.blocks.action_ids import (
    ANY_ACTION,
    ANY_DIALOG,
    ActionId,
    action_of,
    fits,
    pack,
    unpack,
)
from models.errors import Invalid
from models.people.permissions import Role

FORGED = [
    None,
    "",
    "12",
    "null",
    "[]",
    '"bill"',
    "{",
    "[" * 100_000,
    '{"bill":"12"}',
    '{"bill":true}',
    '{"bill":-1}',
    '{"bill":1.5}',
    '{"bill":9223372036854775808}',
    '{"bill":' + "9" * 5000 + "}",
    '{"bill":null}',
    '{"bill":12,"admin":1}',
    '{"period":202610}',
    '{"filters":"x"}',
]


@pytest.mark.parametrize("value", FORGED, ids=lambda value: str(value)[:30])
def test_a_forged_value_is_refused_in_words(value: str | None) -> None:
    with pytest.raises(Invalid, match="Type the command again"):
        unpack(value)


def test_a_value_that_lacks_a_field_is_refused() -> None:
    assert unpack('{"bill":12,"version":3}', "bill", "version") == {"bill": 12, "version": 3}
    with pytest.raises(Invalid):
        unpack('{"bill":12}', "bill", "version")


def test_values_are_compact_and_leave_out_what_is_not_there() -> None:
    assert pack(bill=12, version=3, customer=None) == '{"bill":12,"version":3}'
    assert pack() == "{}"
    assert pack(user=1, role=Role.CSM) == '{"user":1,"role":"Customer Success"}'


def test_more_than_a_button_carries_is_a_mistake_of_ours() -> None:
    assert not fits(text="x" * 2000)
    assert fits(text="&" * 1900)
    with pytest.raises(ValueError, match="cannot carry"):
        pack(unheard_of=1)


@given(st.text(max_size=300), st.integers(0, 2**63 - 1))
def test_what_is_packed_unpacks_again(text: str, number: int) -> None:
    carried = {"bill": number, "text": text, "filters": {"status": text}}
    if fits(**carried):
        assert unpack(pack(**carried)) == carried


@pytest.mark.parametrize("click", ActionId)
def test_every_click_is_known_by_its_id_also_when_it_is_numbered(click: ActionId) -> None:
    assert action_of(click) is click
    assert action_of(f"{click}.12") is click


@pytest.mark.parametrize(
    "action_id", ["", "bill:approve2", "xbill:approve", "bill:approve.", "choose.1x", "bill"]
)
def test_an_id_of_somebody_else_is_refused(action_id: str) -> None:
    assert ANY_ACTION.match(action_id) is None
    with pytest.raises(Invalid):
        action_of(action_id)


def test_dialogs_are_those_that_ask_for_a_reason_a_customer_figures_an_amount_or_a_source() -> None:
    dialogs = {click for click in ActionId if ANY_DIALOG.match(click)}
    reasons = {
        ActionId.REJECT,
        ActionId.UNDO,
        ActionId.RELEASE,
        ActionId.REVISE,
        ActionId.VOID,
        ActionId.REISSUE,
        ActionId.DELIVER,
        ActionId.REASSIGN,
    }
    customers = {ActionId.NEW_CUSTOMER, ActionId.EDIT_CUSTOMER, ActionId.CHOOSE_CUSTOMER}
    figures = {ActionId.RECORD_USAGE, ActionId.IMPORT_BOOK, ActionId.APPLY_BOOK}
    amounts = {ActionId.APPROVE_UNDER, ActionId.APPROVE_LIST}
    sources = {ActionId.ASK_SOURCE, ActionId.NEW_SOURCE}
    assert dialogs == reasons | customers | figures | amounts | sources
