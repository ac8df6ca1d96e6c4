"""A message that is drawn when it is sent."""

from collections.abc import Callable
from dataclasses import dataclass

from handlers.slack.blocks.block_kit import SlackMessage


@dataclass(frozen=True)
class Content:
    """A message still to be drawn; `actions` is how many of its bill's actions it shows."""

    draw: Callable[[], SlackMessage]
    actions: int = 0
