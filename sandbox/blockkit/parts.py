"""Rules about one block or element that its table entry cannot say.

Each is given an object already sound by the table, and where it stands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from .blocks import BLOCK
from .read import size
from .walk import Shortcoming

TABLE_TEXT = 10_000
DATA_TABLE_TEXT = 20_000


class Part(NamedTuple):
    """A JSON object and its pointer."""

    pointer: str
    value: Mapping[str, Any]


PartRule = Callable[[Part], Iterator[Shortcoming]]


def parts(pointer: str, value: object) -> Iterator[Part]:
    """Every object within `value`, outermost first."""
    if isinstance(value, dict):
        yield Part(pointer, value)
        for name, field in value.items():
            yield from parts(f"{pointer}/{name}", field)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from parts(f"{pointer}/{index}", item)


def repeats(found: Iterator[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """The (pointer, name) pairs whose name came earlier already."""
    seen: set[str] = set()
    for pointer, name in found:
        if name in seen:
            yield pointer, name
        seen.add(name)


def _numbered(part: Part, name: str) -> Iterator[tuple[int, Any]]:
    return enumerate(part.value.get(name, ()))


def _options(part: Part) -> Iterator[Part]:
    for index, option in _numbered(part, "options"):
        yield Part(f"{part.pointer}/options/{index}", option)
    for place, group in _numbered(part, "option_groups"):
        yield from _options(Part(f"{part.pointer}/option_groups/{place}", group))


def option_values_differ(part: Part) -> Iterator[Shortcoming]:
    values = ((option.pointer, option.value["value"]) for option in _options(part))
    for pointer, value in repeats(values):
        yield Shortcoming(f"{pointer}/value", f"option value `{value}` already exists")


def initial_is_an_option(part: Part) -> Iterator[Shortcoming]:
    offered = [option.value for option in _options(part)]
    chosen = {f"initial_options/{at}": one for at, one in _numbered(part, "initial_options")}
    if "initial_option" in part.value:
        chosen["initial_option"] = part.value["initial_option"]
    for place, option in chosen.items():
        if option not in offered:
            yield Shortcoming(f"{part.pointer}/{place}", "must be one of the provided options")


def _ordered(low: str, high: str) -> PartRule:
    def bounds_are_ordered(part: Part) -> Iterator[Shortcoming]:
        if {low, high} <= part.value.keys():
            least, most = Decimal(part.value[low]), Decimal(part.value[high])
            if least > most:
                yield Shortcoming(f"{part.pointer}/{low}", f"must not be more than `{high}`")

    return bounds_are_ordered


def rows_are_of_one_width(part: Part) -> Iterator[Shortcoming]:
    rows = part.value["rows"]
    for index, row in enumerate(rows):
        if len(row) != len(rows[0]):
            yield Shortcoming(f"{part.pointer}/rows/{index}", f"must have {len(rows[0])} cells")


def _holds_at_most(most: int) -> PartRule:
    def cells_hold_at_most(part: Part) -> Iterator[Shortcoming]:
        if size(BLOCK, {"type": part.value["type"], "rows": part.value["rows"]}) > most:
            yield Shortcoming(f"{part.pointer}/rows", f"must be less than {most + 1} characters")

    return cells_hold_at_most


def header_cells_are_bare(part: Part) -> Iterator[Shortcoming]:
    for index, cell in enumerate(part.value["rows"][0]):
        if cell["type"] == "rich_text":
            yield Shortcoming(f"{part.pointer}/rows/0/{index}/type", "unsupported type: rich_text")


def row_header_is_a_column(part: Part) -> Iterator[Shortcoming]:
    columns = len(part.value["rows"][0])
    if part.value.get("row_header_column_index", 0) >= columns:
        yield Shortcoming(
            f"{part.pointer}/row_header_column_index", f"must be at most {columns - 1}"
        )


def series_names_differ(part: Part) -> Iterator[Shortcoming]:
    series = part.value["chart"].get("series", ())
    names = ((f"{part.pointer}/chart/series/{at}", one["name"]) for at, one in enumerate(series))
    for pointer, name in repeats(names):
        yield Shortcoming(f"{pointer}/name", f"series name `{name}` already exists")


def series_cover_every_category(part: Part) -> Iterator[Shortcoming]:
    chart = part.value["chart"]
    expected = sorted(chart.get("axis_config", {}).get("categories", ()))
    for index, series in enumerate(chart.get("series", ())):
        if sorted(point["label"] for point in series["data"]) != expected:
            pointer = f"{part.pointer}/chart/series/{index}/data"
            yield Shortcoming(pointer, "must have one point for every category")


def categories_differ(part: Part) -> Iterator[Shortcoming]:
    categories = part.value["chart"].get("axis_config", {}).get("categories", ())
    pointer = f"{part.pointer}/chart/axis_config/categories"
    for place, name in repeats((f"{pointer}/{at}", one) for at, one in enumerate(categories)):
        yield Shortcoming(place, f"category `{name}` already exists")


def header_divider_is_of_an_open_container(part: Part) -> Iterator[Shortcoming]:
    if part.value.get("has_header_divider") and part.value.get("is_collapsible"):
        yield Shortcoming(f"{part.pointer}/has_header_divider", "not allowed with is_collapsible")


def only_the_collapsible_starts_collapsed(part: Part) -> Iterator[Shortcoming]:
    if part.value.get("default_collapsed") and not part.value.get("is_collapsible"):
        yield Shortcoming(f"{part.pointer}/default_collapsed", "requires is_collapsible")


_CHOOSING: tuple[PartRule, ...] = (option_values_differ, initial_is_an_option)
RULES: dict[str, tuple[PartRule, ...]] = {
    "overflow": (option_values_differ,),
    "checkboxes": _CHOOSING,
    "radio_buttons": _CHOOSING,
    "static_select": _CHOOSING,
    "multi_static_select": _CHOOSING,
    "number_input": (_ordered("min_value", "max_value"),),
    "plain_text_input": (_ordered("min_length", "max_length"),),
    "rich_text_input": (_ordered("min_lines", "max_lines"),),
    "table": (rows_are_of_one_width, _holds_at_most(TABLE_TEXT)),
    "data_table": (
        rows_are_of_one_width,
        header_cells_are_bare,
        row_header_is_a_column,
        _holds_at_most(DATA_TABLE_TEXT),
    ),
    "data_visualization": (series_names_differ, categories_differ, series_cover_every_category),
    "container": (
        header_divider_is_of_an_open_container,
        only_the_collapsible_starts_collapsed,
    ),
}


def part_faults(part: Part) -> Iterator[Shortcoming]:
    """What the rules of its type say of one object."""
    for rule in RULES.get(part.value.get("type", ""), ()):
        yield from rule(part)
