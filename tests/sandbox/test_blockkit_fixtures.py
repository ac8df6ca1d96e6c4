"""Payloads and surfaces collected from outside: everything they call valid is taken."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sandbox.blockkit import Flaw, check_message, check_view
from tests.sandbox.test_blockkit import (
    SMALLEST,
    SURFACES,
    Json,
    actions,
    asking,
    button,
    modal,
    on,
    option,
    plain,
    rich,
    section,
)

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "slack-data"
VALID = DATA / "slackblocks" / "spec" / "fixtures" / "valid"
MATRIX = DATA / "block-kit-surfaces" / "blocks.json"
ABSENT = pytest.param(None, marks=pytest.mark.skip(reason="../shared/slack-data is not here"))
SURFACE_NAMES = {"Messages": "message", "Modals": "modal", "Home tabs": "home"}


def fixtures(folder: str) -> list[Any]:
    files = sorted((VALID / folder).glob("*.json"))
    return [pytest.param(file, id=file.stem) for file in files] or [ABSENT]


def documented() -> dict[str, set[str]]:
    """Block type to the surfaces it is documented for; empty when the data is absent."""
    if not MATRIX.exists():
        return {}
    return {
        entry["name"].lower().replace(" ", "_"): {
            SURFACE_NAMES[name] for name in entry["available-in-surfaces"]
        }
        for entry in json.loads(MATRIX.read_text())
    }


def load(file: Path) -> Json:
    loaded = json.loads(file.read_text())
    assert isinstance(loaded, dict)
    return loaded


@pytest.mark.parametrize("surface", SURFACES)
@pytest.mark.parametrize("file", fixtures("blocks"))
def test_a_valid_block_is_taken_where_it_is_documented(file: Path, surface: str) -> None:
    block = load(file)
    flaws = on(surface, block)
    if surface in documented()[block["type"]]:
        assert flaws == []
    else:
        assert [flaw.message for flaw in flaws] == [f"unsupported type: {block['type']}"]


@pytest.mark.parametrize("surface", SURFACES)
@pytest.mark.parametrize("kind", sorted(documented()) or [ABSENT])
def test_the_surfaces_are_the_documented_ones(kind: str, surface: str) -> None:
    assert (on(surface, SMALLEST[kind]) == []) == (surface in documented()[kind])


@pytest.mark.skipif(not MATRIX.exists(), reason="../shared/slack-data is not here")
def test_every_documented_block_is_known_and_no_other() -> None:
    assert documented().keys() == SMALLEST.keys()


def in_section(element: Json) -> list[Flaw]:
    return check_message([section(accessory=element)])


def in_actions(element: Json) -> list[Flaw]:
    return check_message([actions(element)])


def in_modal(element: Json) -> list[Flaw]:
    return check_view(modal(asking(element)))


def in_task(source: Json) -> list[Flaw]:
    return check_message([{**SMALLEST["task_card"], "sources": [source]}])


def in_menu(chosen: Json) -> list[Flaw]:
    return in_actions({"type": "static_select", "options": [chosen]})


HOSTS: dict[str, Callable[[Json], list[Flaw]]] = {
    "image": in_section,
    "url": in_task,
    "button": in_actions,
    "workflow_button": in_actions,
    "overflow": in_actions,
}


@pytest.mark.parametrize("file", fixtures("elements"))
def test_a_valid_element_is_taken_in_a_block_that_holds_it(file: Path) -> None:
    element = load(file)
    assert HOSTS.get(element["type"], in_modal)(element) == []


@pytest.mark.parametrize("file", fixtures("elements"))
def test_no_element_is_a_block_of_itself_but_the_image(file: Path) -> None:
    element = load(file)
    assert (check_message([element]) == []) == (element["type"] == "image")


OBJECTS: dict[str, Callable[[Json], list[Flaw]]] = {
    "confirmation_dialogue": lambda dialogue: in_actions(button(confirm=dialogue)),
    "conversation_filter": lambda chosen: in_actions(
        {"type": "conversations_select", "filter": chosen}
    ),
    "dispatch_action_configuration": lambda config: in_modal(
        {"type": "plain_text_input", "dispatch_action_config": config}
    ),
    "input_parameter": lambda parameter: in_actions(
        workflow_button(
            {"trigger": {"url": "https://e.com/t", "customizable_input_parameters": [parameter]}}
        )
    ),
    "option": in_menu,
    "option_group": lambda group: in_actions({"type": "static_select", "option_groups": [group]}),
    "text": lambda text: check_message([{"type": "section", "text": text}]),
    "trigger": lambda trigger: in_actions(workflow_button({"trigger": trigger})),
    "workflow": lambda workflow: in_actions(workflow_button(workflow)),
}


def workflow_button(workflow: Json) -> Json:
    return {"type": "workflow_button", "text": plain(), "workflow": workflow}


@pytest.mark.parametrize("file", fixtures("objects"))
def test_a_valid_object_is_taken_where_it_belongs(file: Path) -> None:
    kind = max((name for name in OBJECTS if file.stem.startswith(name)), key=len)
    assert OBJECTS[kind](load(file)) == []


@pytest.mark.parametrize("file", fixtures("rich_text"))
def test_valid_rich_text_is_taken(file: Path) -> None:
    part = load(file)
    outer = part["type"].startswith("rich_text_")
    assert check_message([{"type": "rich_text", "elements": [part]} if outer else rich(part)]) == []


@pytest.mark.parametrize("file", fixtures("attachments"))
def test_a_valid_attachment_is_taken(file: Path) -> None:
    assert check_message(None, [load(file)]) == []


@pytest.mark.parametrize("file", fixtures("messages"))
def test_a_valid_message_is_taken_but_for_repeated_block_ids(file: Path) -> None:
    """The two webhook samples name both their blocks alike, which Slack's reference forbids."""
    message = load(file)
    blocks = message.get("blocks")
    names = [block["block_id"] for block in blocks or []]
    flaws = check_message(blocks, message.get("attachments"))
    assert len(flaws) == len(names) - len(set(names))
    assert all(flaw.message.endswith("already exists") for flaw in flaws)


@pytest.mark.parametrize("file", fixtures("views"))
def test_a_valid_view_is_taken(file: Path) -> None:
    assert check_view(load(file)) == []


@pytest.mark.skipif(not VALID.exists(), reason="../shared/slack-data is not here")
def test_no_folder_of_fixtures_is_passed_over() -> None:
    judged = {"blocks", "elements", "objects", "rich_text", "attachments", "messages", "views"}
    assert {folder.name for folder in VALID.iterdir()} == judged


def test_an_option_may_carry_a_description() -> None:
    assert in_menu(option(description=plain("More"))) == []
