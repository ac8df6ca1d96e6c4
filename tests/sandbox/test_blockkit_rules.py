"""The rules that no table can say, each with its code and pointer."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sandbox.blockkit import Flaw, check_message, check_view
from tests.sandbox.test_blockkit import (
    PICTURE,
    SMALLEST,
    TEXT_INPUT,
    Json,
    actions,
    asking,
    button,
    chart,
    home,
    modal,
    option,
    plain,
    raw,
    rich,
    section,
)


def places(flaws: list[Flaw], code: str = "invalid_blocks") -> list[str]:
    """Pointers of the flaws, all of which carry the code."""
    assert {flaw.code for flaw in flaws} <= {code}
    return [flaw.pointer for flaw in flaws]


def test_a_block_id_used_twice_in_a_message_is_refused() -> None:
    (flaw,) = check_message([section(block_id="a"), section(block_id="a")])
    assert flaw == Flaw("/blocks/1/block_id", "block_id `a` already exists", "invalid_blocks")


def test_a_block_id_used_twice_in_a_view_is_refused() -> None:
    flaws = check_view(home(section(block_id="a"), section(), section(block_id="a")))
    assert places(flaws, "invalid_arguments") == ["/view/blocks/2/block_id"]


def test_a_child_block_may_not_repeat_the_id_of_its_container() -> None:
    container = {**SMALLEST["container"], "block_id": "a", "child_blocks": [section(block_id="a")]}
    assert places(check_message([container])) == ["/blocks/0/child_blocks/0/block_id"]


def test_an_attachment_has_block_ids_of_its_own() -> None:
    blocks = [section(block_id="a")]
    assert check_message(blocks, [{"blocks": blocks}]) == []
    assert places(check_message([], [{"blocks": blocks * 2}])) == [
        "/attachments/0/blocks/1/block_id"
    ]


def test_an_action_id_used_twice_in_a_block_is_refused() -> None:
    (flaw,) = check_message([actions(button(action_id="go"), button(action_id="go"))])
    assert flaw.pointer == "/blocks/0/elements/1/action_id"
    assert flaw.message == "action_id `go` already exists"


def test_two_blocks_may_share_an_action_id() -> None:
    one = actions(button(action_id="go"))
    assert check_message([one, one, {**SMALLEST["container"], "child_blocks": [one, one]}]) == []


def test_an_input_in_a_modal_needs_submit() -> None:
    view = modal(section(), asking(TEXT_INPUT))
    assert check_view(view) == []
    del view["submit"]
    (flaw,) = check_view(view)
    assert (flaw.pointer, flaw.code) == ("/view/blocks/1", "invalid_arguments")
    assert "submit" in flaw.message


def test_an_input_in_a_home_tab_needs_no_submit() -> None:
    assert check_view(home(asking(TEXT_INPUT))) == []


def test_only_one_element_takes_the_focus() -> None:
    eager, meek = ({**TEXT_INPUT, "focus_on_load": focus} for focus in (True, False))
    assert check_view(modal(asking(eager), asking(meek))) == []
    flaws = check_view(modal(asking(eager), asking(meek), asking(eager)))
    assert places(flaws, "invalid_arguments") == ["/view/blocks/2/element/focus_on_load"]


@pytest.mark.parametrize("second", ["table", "data_table"])
def test_a_message_holds_one_table_of_either_kind(second: str) -> None:
    assert check_message([SMALLEST["table"], SMALLEST[second]]) == [
        Flaw("/blocks/1", "only_one_table_allowed", "invalid_attachments")
    ]


def test_a_table_in_a_container_or_attachment_counts() -> None:
    container = {**SMALLEST["container"], "child_blocks": [SMALLEST["table"]]}
    flaws = check_message([container], [{"blocks": [SMALLEST["table"]]}])
    assert places(flaws, "invalid_attachments") == ["/attachments/0/blocks/0"]


def test_a_home_tab_may_hold_two_tables() -> None:
    assert check_view(home(SMALLEST["table"], SMALLEST["data_table"])) == []


@pytest.mark.parametrize("kind", ["table", "data_table"])
def test_rows_of_another_width_are_refused(kind: str) -> None:
    rows = [[raw(), raw()], [raw()], [raw(), raw()], [raw(), raw(), raw()]]
    flaws = check_message([{**SMALLEST[kind], "rows": rows}])
    assert places(flaws) == ["/blocks/0/rows/1", "/blocks/0/rows/3"]


def test_a_table_holds_ten_thousand_characters() -> None:
    def table(size: int) -> Json:
        return {"type": "table", "rows": [[raw("x" * (size - 1))], [raw()]]}

    assert check_message([table(10_000)]) == []
    assert places(check_message([table(10_001)])) == ["/blocks/0/rows"]


def test_the_header_of_a_data_table_holds_no_rich_text() -> None:
    cell = rich({"type": "text", "text": "x"})
    assert check_message([{**SMALLEST["data_table"], "rows": [[raw()], [cell]]}]) == []
    flaws = check_message([{**SMALLEST["data_table"], "rows": [[cell], [raw()]]}])
    assert places(flaws) == ["/blocks/0/rows/0/0/type"]


def test_the_row_header_is_one_of_the_columns() -> None:
    table = SMALLEST["data_table"]
    assert check_message([{**table, "row_header_column_index": 0}]) == []
    flaws = check_message([{**table, "row_header_column_index": 1}])
    assert places(flaws) == ["/blocks/0/row_header_column_index"]


@pytest.mark.parametrize(
    "points",
    [
        [("Mon", 1)],
        [("Mon", 1), ("Wed", 2)],
        [("Mon", 1), ("Tue", 2), ("Wed", 3)],
        [("Mon", 1), ("Mon", 2)],
    ],
)
def test_a_series_has_one_point_for_every_category(points: list[tuple[str, float]]) -> None:
    flaws = check_message([chart(free=[("Tue", 1), ("Mon", 2)], paid=points)])
    assert places(flaws) == ["/blocks/0/chart/series/1/data"]


def test_two_series_of_one_name_are_refused() -> None:
    block = chart(free=[("Mon", 1), ("Tue", 2)])
    block["chart"]["series"] *= 2
    assert places(check_message([block])) == ["/blocks/0/chart/series/1/name"]


def test_a_category_named_twice_is_refused() -> None:
    block = chart(free=[("Mon", 1), ("Mon", 2)])
    block["chart"]["axis_config"]["categories"] = ["Mon", "Mon"]
    assert places(check_message([block])) == ["/blocks/0/chart/axis_config/categories/1"]


def test_a_message_holds_two_charts() -> None:
    one = SMALLEST["data_visualization"]
    assert check_message([one, one]) == []
    assert places(check_message([one, one, one])) == ["/blocks/2"]


CHOOSERS = ["checkboxes", "radio_buttons", "static_select", "multi_static_select"]


@pytest.mark.parametrize("kind", CHOOSERS)
def test_what_is_chosen_at_first_is_one_of_the_options(kind: str) -> None:
    def choosing(choice: Json) -> list[Flaw]:
        chosen: dict[str, Any] = (
            {"initial_options": [option("a"), choice]}
            if kind in {"checkboxes", "multi_static_select"}
            else {"initial_option": choice}
        )
        options = [option("a"), option("b")]
        return check_message([actions({"type": kind, "options": options, **chosen})])

    assert choosing(option("b")) == []
    (pointer,) = places(choosing(option("c")))
    assert pointer.startswith("/blocks/0/elements/0/initial_option")
    assert places(choosing({**option("b"), "text": plain("Other")})) == [pointer]


def test_the_first_choice_may_stand_in_a_group() -> None:
    groups = [
        {"label": plain("A"), "options": [option("a")]},
        {"label": plain("B"), "options": [option("b")]},
    ]
    menu = {"type": "static_select", "option_groups": groups}
    assert check_message([actions({**menu, "initial_option": option("b")})]) == []
    flaws = check_message([actions({**menu, "initial_option": option("c")})])
    assert places(flaws) == ["/blocks/0/elements/0/initial_option"]


@pytest.mark.parametrize("kind", [*CHOOSERS, "overflow"])
def test_two_options_of_one_value_are_refused(kind: str) -> None:
    options = [option("a"), option("b"), option("a")]
    flaws = check_message([actions({"type": kind, "options": options})])
    assert places(flaws) == ["/blocks/0/elements/0/options/2/value"]


def test_an_option_value_repeated_in_another_group_is_refused() -> None:
    group = {"label": plain("A"), "options": [option("a")]}
    flaws = check_message([actions({"type": "static_select", "option_groups": [group, group]})])
    assert places(flaws) == ["/blocks/0/elements/0/option_groups/1/options/0/value"]


@pytest.mark.parametrize(
    ("kind", "low", "high", "fit", "unfit"),
    [
        ("number_input", "min_value", "max_value", ("9", "10"), ("10", "9.5")),
        ("plain_text_input", "min_length", "max_length", (5, 5), (6, 5)),
        ("rich_text_input", "min_lines", "max_lines", (1, 2), (3, 2)),
    ],
)
def test_the_lower_bound_is_not_above_the_upper(
    kind: str, low: str, high: str, fit: tuple[Any, Any], unfit: tuple[Any, Any]
) -> None:
    def bounded(bounds: tuple[Any, Any]) -> list[Flaw]:
        element: Json = {"type": kind, low: bounds[0], high: bounds[1]}
        if kind == "number_input":
            element["is_decimal_allowed"] = True
        return check_view(modal(asking(element)))

    assert bounded(fit) == []
    assert places(bounded(unfit), "invalid_arguments") == [f"/view/blocks/0/element/{low}"]


def test_a_collapsible_container_has_no_header_divider() -> None:
    container = SMALLEST["container"]
    assert check_message([{**container, "has_header_divider": True}]) == []
    assert check_message([{**container, "is_collapsible": True, "default_collapsed": True}]) == []
    flaws = check_message([{**container, "has_header_divider": True, "is_collapsible": True}])
    assert places(flaws) == ["/blocks/0/has_header_divider"]


def test_only_a_collapsible_container_starts_collapsed() -> None:
    flaws = check_message([{**SMALLEST["container"], "default_collapsed": True}])
    assert places(flaws) == ["/blocks/0/default_collapsed"]


def test_answers_by_url_are_for_inputs_of_modals() -> None:
    menu = {"type": "channels_select", "response_url_enabled": True}
    assert check_view(modal(asking(menu))) == []
    assert places(check_message([asking(menu)])) == ["/blocks/0/element/response_url_enabled"]
    flaws = check_view(modal(actions(menu)))
    assert places(flaws, "invalid_arguments") == ["/view/blocks/0/elements/0/response_url_enabled"]


def test_the_text_of_a_message_has_one_budget() -> None:
    blocks = [section("x" * 2640) for _ in range(5)]
    assert check_message(blocks) == []
    (flaw,) = check_message([*blocks, section("x")])
    assert (flaw.pointer, flaw.code) == ("/blocks", "msg_blocks_too_long")


def test_the_text_budget_counts_attachments_escapes_and_pictures() -> None:
    full = [section("x" * 2640) for _ in range(4)] + [section("&" * 527)]
    assert check_message(full) == []
    assert places(check_message(full, [{"blocks": [PICTURE] * 6}]), "msg_blocks_too_long") == [
        "/blocks"
    ]


def test_markdown_has_a_budget_of_its_own() -> None:
    half = {"type": "markdown", "text": "x" * 6000}
    assert check_message([half, half]) == []
    assert places(check_message([half, half, {**half, "text": "x"}])) == ["/blocks/2/text"]


def test_a_message_holds_fifty_blocks_and_a_view_a_hundred() -> None:
    line = SMALLEST["divider"]
    assert check_message([line] * 50) == check_view(home(*[line] * 100)) == []
    (flaw,) = check_message([line] * 51)
    assert flaw == Flaw("/blocks", "no more than 50 items allowed", "invalid_blocks")
    assert places(check_view(home(*[line] * 101)), "invalid_arguments") == ["/view/blocks"]


def test_a_message_holds_a_hundred_attachments() -> None:
    one = {"text": "x"}
    assert check_message(None, [one] * 100) == []
    assert check_message(None, [one] * 101) == [
        Flaw("/attachments", "no more than 100 items allowed", "too_many_attachments")
    ]


def test_an_attachment_that_is_no_object_is_refused() -> None:
    assert places(check_message(None, "x"), "invalid_attachments") == ["/attachments"]
    assert places(check_message(None, ["x"]), "invalid_attachments") == ["/attachments/0"]


def test_a_view_holds_a_quarter_of_a_megabyte() -> None:
    def gallery(alt_text: str) -> Json:
        heavy, light = ({**PICTURE, "alt_text": letter * 2000} for letter in "éx")
        return home(*[heavy] * 60, light, light, {**PICTURE, "alt_text": alt_text})

    bare = json.dumps(gallery(""), ensure_ascii=False, separators=(",", ":"))
    room = 250_000 - len(bare.encode())
    assert check_view(gallery("x" * room)) == []
    assert check_view(gallery("x" * (room + 1))) == [
        Flaw("/view", "must be at most 250000 bytes", "view_too_large")
    ]
