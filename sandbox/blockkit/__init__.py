"""Slack's judgement of Block Kit: strict, driven by tables, and apart from the product's own.

What is refused: unknown blocks, elements and fields, values out of bounds, blocks on a surface
that does not show them, and what only shows in the whole (repeated ids, too much text). A payload
is judged by the tables first and by the rules for the whole only when the tables are content.
Lengths are code points, in mrkdwn counted with `&`, `<` and `>` escaped.

- `grammar`: the words in which the tables are written
- `blocks`, `elements`, `objects`, `rich_text`: the tables
- `parts`: rules that a table entry cannot say
- `walk`: judges a value by the tables
- `rules`: rules about a whole message or view
- `read`: finds the text that people see
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .blocks import ATTACHMENTS, BLOCK, MESSAGE_BLOCKS, VIEW
from .grammar import Surface
from .read import runs
from .rules import MESSAGE_RULES, VIEW_RULES, Page
from .walk import Shortcoming, faults

__all__ = ["Flaw", "block_text", "check_message", "check_view"]


@dataclass(frozen=True)
class Flaw:
    """One reason for Slack to refuse a payload.

    `pointer` is a JSON pointer that starts at the argument's name (`/blocks/0/text/text`,
    `/attachments/0/blocks/1`, `/view/title`), `message` what is wrong there, `code` the top-level
    error Slack answers with.
    """

    pointer: str
    message: str
    code: str


def check_message(blocks: object, attachments: object = None) -> list[Flaw]:
    """Why Slack would refuse these blocks and attachments in a message; [] when it would not.

    None stands for an argument that was not given. Never raises, whatever JSON it is handed.
    """
    attached = [] if attachments is None else attachments
    shown = [] if blocks is None else blocks
    if not isinstance(shown, list) or not all(isinstance(block, dict) for block in shown):
        return [Flaw("/blocks", "must provide an array of objects", "invalid_blocks_format")]
    found = [
        *_flaws(faults(MESSAGE_BLOCKS, shown, "/blocks", "message"), "invalid_blocks"),
        *_flaws(faults(ATTACHMENTS, attached, "/attachments", "message"), "invalid_attachments"),
    ]
    if found or not isinstance(attached, list):
        return found
    page = Page("message", [("/blocks", shown), *_lists_of(attached)])
    return [flaw for rule in MESSAGE_RULES for flaw in _flaws(rule(page), "invalid_blocks")]


def _lists_of(attachments: list[Mapping[str, Any]]) -> list[tuple[str, list[Mapping[str, Any]]]]:
    return [
        (f"/attachments/{index}/blocks", attachment.get("blocks", []))
        for index, attachment in enumerate(attachments)
    ]


def check_view(view: object) -> list[Flaw]:
    """Why Slack would refuse this modal or Home tab; [] when it would not. Never raises."""
    surface: Surface = "home" if isinstance(view, dict) and view.get("type") == "home" else "modal"
    found = _flaws(faults(VIEW, view, "/view", surface), "invalid_arguments")
    if found or not isinstance(view, dict):
        return found
    page = Page(surface, [("/view/blocks", view["blocks"])], view)
    return [flaw for rule in VIEW_RULES for flaw in _flaws(rule(page), "invalid_arguments")]


def _flaws(found: Iterable[Shortcoming], code: str) -> list[Flaw]:
    return [Flaw(fault.pointer, fault.message, fault.code or code) for fault in found]


def block_text(block: dict[str, Any]) -> str:
    """All text people read in a block, one line a piece, in document order; "" if unknown."""
    return "\n".join(run.text for run in runs(BLOCK, block))
