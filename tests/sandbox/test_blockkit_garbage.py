"""Whatever JSON arrives, the judge answers and never breaks."""

from __future__ import annotations

import copy
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.blockkit import Flaw, block_text, check_message, check_view
from sandbox.blockkit.blocks import BLOCKS
from sandbox.blockkit.elements import ELEMENTS
from tests.sandbox.test_blockkit import SMALLEST, Json, actions, asking, button, modal, option

FIELDS = sorted({name for one in BLOCKS.values() for name in (*one.need, *one.may)})
TYPES = sorted({*BLOCKS, *ELEMENTS, "plain_text", "mrkdwn", "modal", "home", "rich_text_section"})
NAMES = st.sampled_from([*FIELDS, "type", "blocks"]) | st.text(max_size=3)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(TYPES)
)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=25,
)
SOUND: list[Json] = [
    *SMALLEST.values(),
    actions(button(), {"type": "static_select", "options": [option()]}),
    asking({"type": "number_input", "is_decimal_allowed": True, "min_value": "1"}),
]


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) within a JSON value."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    found = []
    for key, inner in pairs:
        found.append((value, key))
        if isinstance(inner, dict | list):
            found.extend(places(inner))
    return found


def assert_judged(flaws: list[Flaw]) -> None:
    assert all(flaw.pointer.startswith("/") and flaw.message and flaw.code for flaw in flaws)


@settings(deadline=None)
@given(JSON, JSON)
def test_any_json_at_all_is_judged_as_a_message(blocks: object, attachments: object) -> None:
    assert_judged(check_message(blocks, attachments))


@settings(deadline=None)
@given(JSON)
def test_any_json_at_all_is_judged_as_a_view(view: object) -> None:
    assert_judged(check_view(view))


@settings(deadline=None)
@given(st.sampled_from(SOUND), st.data())
def test_a_sound_block_with_one_thing_wrong_is_judged(block: Json, data: st.DataObject) -> None:
    broken = copy.deepcopy(block)
    holder, key = data.draw(st.sampled_from(places(broken)))
    holder[key] = data.draw(JSON)
    assert_judged(check_message([broken], [{"blocks": [broken]}]))
    assert_judged(check_view(modal(broken)))
    assert isinstance(block_text(broken), str)


@settings(deadline=None)
@given(st.sampled_from(SOUND), NAMES, JSON)
def test_a_field_nobody_knows_is_always_refused(block: Json, name: str, value: object) -> None:
    known = BLOCKS[block["type"]]
    if name == "type" or known.spec_of(name):
        return
    assert check_message([{**block, name: value}]) != []


def test_a_bottomless_value_is_refused_without_being_followed() -> None:
    depth = 900
    deep = json.loads('{"type":' * depth + "[]" + "}" * depth)
    assert check_message([deep]) != []
    assert check_message([{"type": "section", "text": deep}], [deep]) != []
    assert check_view(deep) != []
    assert block_text({"type": "section", "text": deep}) == ""


def test_a_number_of_any_size_and_half_a_character_are_judged() -> None:
    assert check_message([{**SMALLEST["data_table"], "page_size": 10**400}]) != []
    assert (
        check_view(modal({"type": "header", "text": {"type": "plain_text", "text": "\ud83d"}}))
        == []
    )
