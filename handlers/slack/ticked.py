"""The boxes of a view that somebody clicked in: which there are, and which are ticked."""

from collections.abc import Mapping
from typing import Any

from handlers.slack.blocks.action_ids import ActionId, known_action

View = Mapping[str, Any]


def ticked_in(view: View) -> tuple[str, ...]:
    """What the boxes carry that are ticked."""
    values = (view.get("state") or {}).get("values", {})
    return tuple(
        option["value"]
        for fields in values.values()
        for action_id, state in fields.items()
        if known_action(action_id) is ActionId.TICK
        for option in state.get("selected_options") or ()
    )


def boxes_in(view: View) -> tuple[str, ...]:
    """What all of them carry."""
    return tuple(
        option["value"]
        for block in view.get("blocks") or ()
        for element in block.get("elements") or ()
        if known_action(element.get("action_id") or "") is ActionId.TICK
        for option in element.get("options") or ()
    )
