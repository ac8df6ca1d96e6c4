"""Rules about a whole message or view, run once every part of it is sound by the tables."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any

from .blocks import BLOCK
from .grammar import Surface
from .parts import Part, part_faults, parts, repeats
from .read import size
from .walk import Shortcoming

MESSAGE_TEXT = 13_200
MARKDOWN_TEXT = 12_000
VIEW_BYTES = 250_000
CHARTS = 2
TABLES = frozenset({"table", "data_table"})
_NESTING = {"container": "child_blocks", "carousel": "elements"}


@dataclass(frozen=True)
class Page:
    """What is shown at once: lists of blocks, each with its pointer, on one surface."""

    surface: Surface
    lists: Sequence[tuple[str, Sequence[Mapping[str, Any]]]]
    view: Mapping[str, Any] | None = None

    @cached_property
    def groups(self) -> list[list[Part]]:
        """The objects of each list, nested ones included."""
        return [list(parts(pointer, blocks)) for pointer, blocks in self.lists]

    @cached_property
    def parts(self) -> list[Part]:
        """The objects of all lists."""
        return list(chain.from_iterable(self.groups))

    def of_type(self, *types: str) -> list[Part]:
        return [part for part in self.parts if part.value.get("type") in types]


PageRule = Callable[[Page], Iterator[Shortcoming]]


def each_part_is_sound(page: Page) -> Iterator[Shortcoming]:
    for part in page.parts:
        yield from part_faults(part)


def block_ids_differ(page: Page) -> Iterator[Shortcoming]:
    for group in page.groups:
        named = ((p.pointer, p.value["block_id"]) for p in group if "block_id" in p.value)
        for pointer, name in repeats(named):
            yield Shortcoming(f"{pointer}/block_id", f"block_id `{name}` already exists")


def _blocks(page: Page) -> Iterator[Part]:
    for pointer, blocks in page.lists:
        for index, block in enumerate(blocks):
            yield from _with_children(Part(f"{pointer}/{index}", block))


def _with_children(block: Part) -> Iterator[Part]:
    """The block without its child blocks, then each child."""
    nest = _NESTING.get(block.value["type"], "")
    yield Part(block.pointer, {name: v for name, v in block.value.items() if name != nest})
    for index, child in enumerate(block.value.get(nest, ())):
        yield Part(f"{block.pointer}/{nest}/{index}", child)


def action_ids_differ_in_a_block(page: Page) -> Iterator[Shortcoming]:
    for block in _blocks(page):
        within = parts(block.pointer, block.value)
        named = ((p.pointer, p.value["action_id"]) for p in within if "action_id" in p.value)
        for pointer, name in repeats(named):
            yield Shortcoming(f"{pointer}/action_id", f"action_id `{name}` already exists")


def one_element_takes_the_focus(page: Page) -> Iterator[Shortcoming]:
    focused = [part for part in page.parts if part.value.get("focus_on_load")]
    for part in focused[1:]:
        yield Shortcoming(f"{part.pointer}/focus_on_load", "only one element may set focus_on_load")


def answers_by_url_come_from_modal_inputs(page: Page) -> Iterator[Shortcoming]:
    inputs = {f"{block.pointer}/element" for block in page.of_type("input")}
    for part in page.parts:
        allowed = page.surface == "modal" and part.pointer in inputs
        if part.value.get("response_url_enabled") and not allowed:
            yield Shortcoming(
                f"{part.pointer}/response_url_enabled", "only allowed in input blocks of modals"
            )


def one_table_in_a_message(page: Page) -> Iterator[Shortcoming]:
    for table in page.of_type(*TABLES)[1:]:
        yield Shortcoming(table.pointer, "only_one_table_allowed", "invalid_attachments")


def two_charts_in_a_message(page: Page) -> Iterator[Shortcoming]:
    for chart in page.of_type("data_visualization")[CHARTS:]:
        yield Shortcoming(chart.pointer, f"no more than {CHARTS} data_visualization blocks allowed")


def markdown_fits_a_message(page: Page) -> Iterator[Shortcoming]:
    total = 0
    for block in page.of_type("markdown"):
        total += len(block.value["text"])
        if total > MARKDOWN_TEXT:
            message = f"markdown blocks must be less than {MARKDOWN_TEXT + 1} characters together"
            yield Shortcoming(f"{block.pointer}/text", message)
            return


def text_fits_a_message(page: Page) -> Iterator[Shortcoming]:
    if sum(size(BLOCK, block) for _, blocks in page.lists for block in blocks) > MESSAGE_TEXT:
        message = f"text of all blocks must be less than {MESSAGE_TEXT + 1} characters"
        yield Shortcoming("/blocks", message, "msg_blocks_too_long")


def a_modal_with_inputs_has_submit(page: Page) -> Iterator[Shortcoming]:
    if page.surface == "modal" and page.view and "submit" not in page.view:
        for block in page.of_type("input")[:1]:
            yield Shortcoming(
                block.pointer, "must define `submit` to use an `input` block in modals"
            )


def view_fits_the_wire(page: Page) -> Iterator[Shortcoming]:
    wire = json.dumps(page.view, ensure_ascii=False, separators=(",", ":"))
    if len(wire.encode("utf-8", "surrogatepass")) > VIEW_BYTES:
        yield Shortcoming("/view", f"must be at most {VIEW_BYTES} bytes", "view_too_large")


_EVERYWHERE: tuple[PageRule, ...] = (
    each_part_is_sound,
    block_ids_differ,
    action_ids_differ_in_a_block,
    one_element_takes_the_focus,
    answers_by_url_come_from_modal_inputs,
)
MESSAGE_RULES: tuple[PageRule, ...] = (
    *_EVERYWHERE,
    one_table_in_a_message,
    two_charts_in_a_message,
    markdown_fits_a_message,
    text_fits_a_message,
)
VIEW_RULES: tuple[PageRule, ...] = (
    *_EVERYWHERE,
    a_modal_with_inputs_has_submit,
    view_fits_the_wire,
)
