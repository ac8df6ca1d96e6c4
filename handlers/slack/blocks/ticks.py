"""Boxes to tick beside the buttons of a row, cut to Slack's limits."""

from handlers.slack.blocks.action_ids import ActionId, pack
from handlers.slack.blocks.block_kit import Element, button, option


def tick(words: str, value: str, *, is_ticked: bool = False) -> Element:
    """A box of its own. What was ticked stays so as long as its row keeps its block id."""
    choice = option(words, value)
    made: Element = {
        "type": "checkboxes",
        "action_id": str(ActionId.TICK),
        "options": [choice],
    }
    return {**made, "initial_options": [choice]} if is_ticked else made


ALL, NONE = "all", "none"


def tick_all() -> Element:
    """Ticks every box of the page, beside what is ticked on others."""
    return button(ActionId.TICK_ALL, "Select all on this page", pack(see=ALL))


def tick_none() -> Element:
    """Takes every tick away, on every page."""
    return button(ActionId.TICK_ALL, "Select none", pack(see=NONE))
