"""The tables against Slack's own kit for Python: what it can say, and what it has to."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import pytest
from slack_sdk.models import JsonObject
from slack_sdk.models.blocks import block_elements, blocks

from sandbox.blockkit import check_message
from sandbox.blockkit.blocks import BLOCKS
from sandbox.blockkit.elements import ELEMENTS
from sandbox.blockkit.grammar import Record
from tests.sandbox.test_blockkit import TASK, Json, actions, button, plain

# The kit's base classes lend these to every element, also to those that Slack shows without.
LENT = frozenset({"alt_text", "confirm", "focus_on_load", "placeholder"})
# Slack sends these blocks, or offers them to few; the documented ones are in the fixtures.
NOT_FOR_APPS = frozenset({"call", "auth_provider"})


def kinds(module: object, table: dict[str, Record]) -> Iterator[object]:
    for name, kind in sorted(vars(module).items()):
        told = getattr(kind, "type", None)
        if inspect.isclass(kind) and issubclass(kind, JsonObject) and told in table:
            yield pytest.param(kind, table[told], id=name)


KINDS = [*kinds(block_elements, ELEMENTS), *kinds(blocks, {**ELEMENTS, **BLOCKS})]


def own_fields(kind: type[JsonObject]) -> set[str]:
    """The fields of the kit's class, without those that all of them have."""
    attributes = kind.attributes
    if isinstance(attributes, property):
        assert attributes.fget is not None
        return set(attributes.fget(object.__new__(kind))) - LENT
    return set(attributes) - LENT


@pytest.mark.parametrize(("kind", "record"), KINDS)
def test_every_field_of_the_kit_is_known(kind: type[JsonObject], record: Record) -> None:
    assert own_fields(kind) - {"type"} <= {*record.need, *record.may}


@pytest.mark.parametrize(("kind", "record"), KINDS)
def test_what_the_kit_requires_is_required(kind: type[JsonObject], record: Record) -> None:
    parameters = list(inspect.signature(kind.__init__).parameters.values())[1:]
    required = {
        one.name
        for one in parameters
        if one.default is inspect.Parameter.empty and one.kind is not one.VAR_KEYWORD
    }
    offered = {*record.need, *(name for group in record.some for name in group)}
    assert required - ({"url"} if "Link" in kind.__name__ else set()) <= offered


def test_every_block_of_the_kit_is_known() -> None:
    told = {getattr(kind, "type", None) for _, kind in inspect.getmembers(blocks, inspect.isclass)}
    of_blocks = {one for one in told if isinstance(one, str) and one not in ELEMENTS}
    inner = {"mrkdwn", "plain_text", "raw_number", "raw_text", "url"}
    assert of_blocks - inner - NOT_FOR_APPS <= set(BLOCKS)


WORKFLOW = {"trigger": {"url": "https://example.com/shortcuts/1"}}
SURE = {"title": plain(), "text": plain(), "confirm": plain(), "deny": plain()}
TAKEN: list[Json] = [
    actions({"type": "workflow_button", "text": plain(), "workflow": WORKFLOW, "confirm": SURE}),
    actions(button(visible_to_user_ids=["U0ANA"])),
    {"type": "plan", "title": "Nothing to do yet"},
    {"type": "task_card", **TASK},
]
REFUSED: list[tuple[Json, str]] = [
    ({"type": "task_card", "task_id": "1", "title": "Count"}, "missing required field: status"),
    (
        {"type": "plan", "title": "Run", "tasks": [{"task_id": "1", "title": "Count"}]},
        "missing required field: status",
    ),
]


@pytest.mark.parametrize("block", TAKEN, ids=lambda block: block["type"])
def test_what_the_kits_send_is_taken(block: Json) -> None:
    assert check_message([block]) == []


@pytest.mark.parametrize(("block", "flaw"), REFUSED, ids=["task_card", "plan"])
def test_a_task_without_its_state_is_refused(block: Json, flaw: str) -> None:
    assert [one.message for one in check_message([block])] == [flaw]
