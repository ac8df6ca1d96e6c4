"""The button that shows a private answer to everybody in the conversation."""

from datetime import datetime
from typing import Any

from handlers.slack.blocks.action_ids import ActionId, fits, pack
from handlers.slack.blocks.block_kit import (
    Element,
    SlackMessage,
    actions,
    button,
    confirm,
    message,
    paragraph,
)
from handlers.wording.formatting import slash
from handlers.wording.rich_text import code


def share_button(click: ActionId, value: str) -> Element:
    warning = "Everybody in this conversation will see this, now and later."
    return button(click, "Share here", value, ask=confirm("Share this?", warning, "Share"))


def with_share(shown: SlackMessage, see: str, **what: Any) -> SlackMessage:
    """The message with a button to share it, which carries of what kind it is and `what` it shows;
    without one where that is too long for a button.
    """
    if not fits(see=see, **what):
        return shown
    share = share_button(ActionId.SHARE, pack(see=see, **what))
    *above, last = shown.blocks
    if last["type"] == "actions":
        return message(shown.text, [*above, {**last, "elements": [*last["elements"], share]}])
    return message(shown.text, [*shown.blocks, *actions(share)])


def card_as_it_was(card: SlackMessage, bill_id: int, at: datetime) -> SlackMessage:
    """A card that is never drawn anew, and so has no buttons: it speaks of that moment."""
    show = code(slash(f"bill show #{bill_id}"))
    told = ("As it was ", at, ". To decide or to comment, type ", show, ".")
    return message(card.text, [*without_buttons(card).blocks, paragraph(*told)])


def without_buttons(shown: SlackMessage) -> SlackMessage:
    blocks = [block for block in shown.blocks if block["type"] != "actions"]
    return SlackMessage(shown.text, blocks)
