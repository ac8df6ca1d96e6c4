"""Ever plainer drawings of a message or a view, for a Slack that refuses what it does not know.

What is in doubt goes first: a field that only some of Slack's own kits know, then the newer blocks,
then all blocks but what people click and fill in. The words alone come last, without the buttons.
"""

import html
import re
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

from handlers.slack.blocks import block_kit
from handlers.slack.blocks.block_kit import Block, SlackMessage, View

Drawing = TypeVar("Drawing", SlackMessage, View)

_DOUBTFUL_FIELDS = frozenset({"visible_to_user_ids"})
_LATER_FIELDS = _DOUBTFUL_FIELDS | {"accessibility_label"}
_WITHOUT_DOUBT = frozenset({"actions", "input", "header", "section", "divider"})
_OF_LINES = frozenset({"rich_text", "rich_text_list", "context"})
_MOMENT = re.compile(r"<!date\^[^|>]*\|([^>]*)>")


def message_fallbacks(message: SlackMessage) -> Iterator[SlackMessage]:
    """The message, then ever plainer, each drawn when asked for; the last is its text alone."""
    return _distinct(_ever_plainer(message))


def _ever_plainer(message: SlackMessage) -> Iterator[SlackMessage]:
    yield message
    yield _known(message)
    older = _known(message.in_older_blocks())
    yield older
    yield older.without_tables()
    yield SlackMessage(message.text, _oldest(older.blocks))
    words = block_kit.section(html.unescape(_MOMENT.sub(r"\1", message.text)))
    yield SlackMessage(message.text, [words])


def _known(message: SlackMessage) -> SlackMessage:
    return SlackMessage(message.text, _without(_DOUBTFUL_FIELDS, message.blocks))


def view_fallbacks(view: View) -> Iterator[View]:
    """The view, then ever plainer; what people click and fill in is in each of them."""
    return _distinct(_ever_plainer_views(view))


def _ever_plainer_views(view: View) -> Iterator[View]:
    yield view
    known = _without(_DOUBTFUL_FIELDS, view["blocks"])
    yield {**view, "blocks": known}
    yield {**view, "blocks": _oldest(known)}


def has_buttons(message: SlackMessage) -> bool:
    """Whether there is anything to click in it."""
    return any(block["type"] == "actions" for block in message.blocks)


def _distinct(drawings: Iterable[Drawing]) -> Iterator[Drawing]:
    before = None
    for one in drawings:
        if one != before:
            yield one
        before = one


def _without(fields: frozenset[str], node: Any) -> Any:
    if isinstance(node, dict):
        return {key: _without(fields, value) for key, value in node.items() if key not in fields}
    return [_without(fields, one) for one in node] if isinstance(node, list) else node


def _oldest(blocks: list[Block]) -> list[Block]:
    """What people click and fill in as it is, and of the rest the words."""
    return [
        block if block["type"] in _WITHOUT_DOUBT else block_kit.section(_words(block))
        for block in _without(_LATER_FIELDS, blocks)
    ]


def _words(node: Any) -> str:
    """What can be read in a block, line by line; a moment is told in universal time."""
    if isinstance(node, list):
        return "".join(map(_words, node))
    if not isinstance(node, dict):
        return ""
    if node.get("type") == "table":
        return _words(block_kit.as_lines(node))
    if node.get("type") in _OF_LINES:
        return "\n".join(map(_words, node["elements"]))
    said = node.get("text") or node.get("fallback") or node.get("elements")
    return said if isinstance(said, str) else _words(said)
