"""Blocks, elements and views, each cut to Slack's limits: what is built here is never refused.

Text typed by people goes out as plain_text, raw_text or rich_text only, in which nothing is
markup. Nobody outside this module, `inputs` and `charts` writes a block by hand.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from handlers.slack.blocks.action_ids import ActionId
from handlers.wording.formatting import ELLIPSIS, cut, escaped_length, plain, utc
from handlers.wording.rich_text import Link, Mention, Part, Sentence, Styled, bold, fallback_text

Block = dict[str, Any]
Element = dict[str, Any]
View = dict[str, Any]
TEXT_LIMIT = 3000
MESSAGE_TEXT = 10_000
MESSAGE_BLOCKS, VIEW_BLOCKS = 50, 100
OPTION_VALUE = 150
TABLE_ROWS, TABLE_TEXT = 100, 8_000
UNFURLED = {"unfurl_links": False, "unfurl_media": False}
"""Links stay links, where Slack asks: in new messages, not in changed or private ones."""
CUT_SHORT = "The rest does not fit into one message."


@dataclass(frozen=True)
class SlackMessage:
    """A message: `text` is the full sentence for notifications and screen readers, escaped.

    `older` says the same where Slack does not take its newest blocks.
    """

    text: str
    blocks: list[Block]
    older: list[Block] | None = field(default=None, compare=False)

    def payload(self) -> dict[str, Any]:
        return {"text": self.text, "blocks": self.blocks}

    def in_older_blocks(self) -> "SlackMessage":
        """The same without Slack's newest blocks."""
        return self if self.older is None else SlackMessage(self.text, self.older)

    def without_tables(self) -> "SlackMessage":
        """The same in blocks of old, for a server that answers `invalid_blocks` to a table."""
        shown = self.in_older_blocks().blocks
        blocks = [as_lines(b) if b["type"] == "table" else b for b in shown]
        return SlackMessage(self.text, _fit(blocks, MESSAGE_BLOCKS, MESSAGE_TEXT))


def message(
    text: str, blocks: Sequence[Block], older: Sequence[Block] | None = None
) -> SlackMessage:
    """`text` is escaped already, see `fallback_text`. `older`: see `SlackMessage`."""
    plainer = None if older is None else _fit(older, MESSAGE_BLOCKS, MESSAGE_TEXT)
    return SlackMessage(_short(text), _fit(blocks, MESSAGE_BLOCKS, MESSAGE_TEXT), plainer)


def sentence_message(*parts: Part, buttons: Sequence[Element] = ()) -> SlackMessage:
    """A message of one sentence, with buttons under it where there are any."""
    return message(fallback_text(*parts), [paragraph(*parts), *actions(*buttons)])


def under(lead: SlackMessage, shown: SlackMessage) -> SlackMessage:
    """What is shown, with something said above it."""
    older = None if shown.older is None else [*lead.blocks, *shown.older]
    return message(f"{lead.text} {shown.text}", [*lead.blocks, *shown.blocks], older)


_BROKEN_END = re.compile(r"(<[^>]*|&[a-z]*)$")


def _short(text: str) -> str:
    if len(text) <= TEXT_LIMIT:
        return text
    return _BROKEN_END.sub("", text[: TEXT_LIMIT - 1]).rstrip() + ELLIPSIS


_SILENT = frozenset(
    {
        "type",
        "style",
        "align",
        "block_id",
        "action_id",
        "value",
        "visible_to_user_ids",
        "initial_value",
    }
)


def weight(node: Any) -> int:
    """Characters that people can see in a block, counted after escaping."""
    match node:
        case str():
            return escaped_length(node)
        case list():
            return sum(map(weight, node))
        case dict():
            return sum(weight(value) for key, value in node.items() if key not in _SILENT)
        case _:
            return 0


def _fit(blocks: Sequence[Block], most: int, text: int) -> list[Block]:
    """The blocks that fit; rows of buttons are kept, the last of the others give way."""
    rows = [b for b in blocks if b["type"] == "actions"]
    room = most - len(rows) - 1
    left = text - sum(map(weight, rows)) - len(CUT_SHORT)
    kept: list[Block] = []
    full = False
    for block in blocks:
        if block["type"] == "actions":
            kept.append(block)
            continue
        room, left = room - 1, left - weight(block)
        if room < 0 or left < 0:
            full = True
        if not full:
            kept.append(block)
    return [*kept, context(CUT_SHORT)] if full else kept


def plain_text(text: str, limit: int) -> Element:
    """`emoji: False`: what looks like `:this:` stays as it was typed."""
    return {"type": "plain_text", "text": plain(text, limit), "emoji": False}


def header(text: str) -> Block:
    return {"type": "header", "text": plain_text(text, 150)}


def section(text: str, accessory: Element | None = None) -> Block:
    """A paragraph, perhaps with a button or a menu beside it."""
    made: Block = {"type": "section", "text": plain_text(text, TEXT_LIMIT)}
    return {**made, "accessory": accessory} if accessory else made


def context(*lines: str) -> Block:
    """Small print."""
    return {"type": "context", "elements": [plain_text(line, 500) for line in lines[:10]]}


def divider() -> Block:
    return {"type": "divider"}


def _inline(part: Part) -> Element:
    if isinstance(part, datetime):
        stamp = int(part.timestamp())
        shape = "{date_short_pretty} {time}"
        return {"type": "date", "timestamp": stamp, "format": shape, "fallback": utc(part)}
    if isinstance(part, Mention):
        return {"type": "user", "user_id": part.slack_user_id}
    if isinstance(part, Link):
        return {"type": "link", "url": part.address, "text": cut(part.text, TEXT_LIMIT)}
    if isinstance(part, Styled):
        return {"type": "text", "text": cut(part.text, TEXT_LIMIT), "style": {part.style: True}}
    return {"type": "text", "text": cut(part, TEXT_LIMIT)}


def _inlines(parts: Sentence) -> list[Element]:
    elements = [_inline(part) for part in _joined(parts)]
    return [e for e in elements if e["type"] != "text" or e["text"]]


def _joined(parts: Sentence) -> Sentence:
    """Neighbouring pieces without a style become one, so that figures and words stay together."""
    joined: list[Part] = []
    for part in parts:
        last = joined[-1] if joined else None
        if isinstance(part, str) and isinstance(last, str):
            joined[-1] = last + part
        else:
            joined.append(part)
    return joined


def line(*parts: Part) -> Element:
    """A line of a rich_text block."""
    return {"type": "rich_text_section", "elements": _inlines(parts)}


def quote(text: str, limit: int = TEXT_LIMIT) -> Element:
    """What somebody wrote, set apart, shown exactly as typed."""
    return {"type": "rich_text_quote", "elements": _inlines([plain(text, limit)])}


def bullets(sentences: Iterable[Sentence]) -> Element:
    items = [line(*parts) for parts in sentences]
    return {"type": "rich_text_list", "style": "bullet", "elements": items}


def preformatted(text: str) -> Element:
    elements = [{"type": "text", "text": plain(text, TEXT_LIMIT)}]
    return {"type": "rich_text_preformatted", "elements": elements}


def rich(*elements: Element) -> Block:
    return {"type": "rich_text", "elements": list(elements)}


def paragraph(*parts: Part) -> Block:
    """A paragraph."""
    return rich(line(*parts))


def lines(*sentences: Sentence) -> Block:
    """A paragraph of several lines."""
    parts = [part for sentence in sentences for part in ("\n", *sentence)]
    return rich(line(*parts[1:]))


_CELL_LIMITS = (300, 120, 60, 30, 15)


def table(
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    right: Sequence[int] = (),
    whole: Sequence[int] = (),
) -> Block:
    """A table of at most 99 rows under `head`; columns in `right` are aligned to the right.

    Neither those nor the columns in `whole` are wrapped.
    Cells are cut evenly where all of them together would be more than a message holds.
    """
    rows = [head, *rows[: TABLE_ROWS - 1]]
    columns = [
        {
            "align": "right" if index in right else "left",
            "is_wrapped": index not in (*right, *whole),
        }
        for index in range(len(head))
    ]
    cells: list[list[Element]] = []
    for limit in _CELL_LIMITS:
        cells = [[{"type": "raw_text", "text": plain(cell, limit)} for cell in r] for r in rows]
        if weight(cells) <= TABLE_TEXT:
            break
    return {"type": "table", "rows": cells, "column_settings": columns}


def as_lines(block: Block) -> Block:
    """A table in blocks of old: a line a row, each number with the head of its column before it."""
    head, *rows = ([cell["text"] for cell in row] for row in block["rows"])
    labels = [
        f"{words} " if column["align"] == "right" else ""
        for words, column in zip(head, block["column_settings"], strict=True)
    ]
    told = ([label + cell for label, cell in zip(labels, row, strict=True)] for row in rows)
    return rich(bullets([bold(first), *(f" · {cell}" for cell in rest)] for first, *rest in told))


def confirm(title: str, text: str, yes: str, no: str = "Cancel") -> Element:
    return {
        "title": plain_text(title, 100),
        "text": plain_text(text, 300),
        "confirm": plain_text(yes, 30),
        "deny": plain_text(no, 30),
    }


def button(
    click: ActionId,
    text: str,
    value: str,
    style: Literal["primary", "danger"] | None = None,
    *,
    ask: Element | None = None,
    label: str | None = None,
) -> Element:
    """`ask` is put before the click counts; `label` is what a screen reader says instead of
    `text`.
    """
    made: Element = {
        "type": "button",
        "action_id": str(click),
        "text": plain_text(text, 75),
        "value": value,
    }
    if style:
        made["style"] = style
    if ask:
        made["confirm"] = ask
    if label:
        made["accessibility_label"] = plain(label, 75)
    return made


def opening(button: Element, url: str) -> Element:
    """The button, which opens an address, and is clicked as well."""
    return {**button, "url": url}


def drawn_for(button: Element, slack_user_ids: Sequence[str]) -> Element:
    """The button, drawn for these Slack users only, which is no permission."""
    return {**button, "visible_to_user_ids": list(slack_user_ids)}


def option(text: str, value: str, url: str | None = None) -> Element:
    """A line of the three dots; one with `url` opens that, and is clicked as well."""
    made: Element = {"text": plain_text(text, 75), "value": value}
    return {**made, "url": url} if url else made


def described(option: Element, text: str) -> Element:
    """The option with small print."""
    return {**option, "description": plain_text(text, 75)}


def select(
    click: ActionId,
    placeholder: str,
    options: Sequence[Element],
    *,
    chosen: str | None,
    ask: Element,
) -> Element:
    """A menu that counts as clicked once something is chosen and `ask` is agreed to; the option
    with the value `chosen` is shown as it is drawn.
    """
    made: Element = {
        "type": "static_select",
        "action_id": str(click),
        "placeholder": plain_text(placeholder, 150),
        "options": list(options),
        "confirm": ask,
    }
    now = next((one for one in options if one["value"] == chosen), None)
    return {**made, "initial_option": now} if now else made


def overflow(click: ActionId, options: Sequence[Element]) -> Element:
    """The three dots: up to five lines."""
    return {"type": "overflow", "action_id": str(click), "options": list(options[:5])}


def actions(*elements: Element) -> list[Block]:
    """A row of buttons, or nothing where there are none; equal action ids are numbered."""
    if not elements:
        return []
    seen: dict[str, int] = {}
    numbered = []
    for element in elements[:25]:
        click = element["action_id"]
        seen[click] = seen.get(click, 0) + 1
        suffix = f".{seen[click]}" if seen[click] > 1 else ""
        numbered.append({**element, "action_id": f"{click}{suffix}"})
    return [{"type": "actions", "elements": numbered}]


def modal(
    title: str,
    blocks: Sequence[Block],
    callback_id: str = "",
    submit: str = "",
    metadata: str = "",
    close: str = "Close",
) -> View:
    """A dialog; without `submit` it only tells."""
    view: View = {
        "type": "modal",
        "title": plain_text(title, 24),
        "close": plain_text(close, 24),
        "blocks": _fit(blocks, VIEW_BLOCKS, MESSAGE_TEXT),
    }
    if submit:
        view["submit"] = plain_text(submit, 24)
    if callback_id:
        view["callback_id"] = callback_id
    if metadata:
        view["private_metadata"] = metadata
    return view


def home_tab(blocks: Sequence[Block]) -> View:
    return {"type": "home", "blocks": _fit(blocks, VIEW_BLOCKS, 5 * MESSAGE_TEXT)}
