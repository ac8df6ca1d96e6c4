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


def tick_all_button(*, is_ticked: bool) -> Element:
    """Ticks every box of the page, or none where all of them are."""
    words = "Select none" if is_ticked else "Select all on this page"
    return button(ActionId.TICK_ALL, words, pack(see=NONE if is_ticked else ALL))
