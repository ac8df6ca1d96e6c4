"""Golden cases of the Block Kit judge that need nothing but the repository."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.blockkit import Flaw, block_text, check_message, check_view

Json = dict[str, Any]
SURFACES = ("message", "modal", "home")


def plain(text: str = "x") -> Json:
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str = "x") -> Json:
    return {"type": "mrkdwn", "text": text}


def section(text: str = "x", **fields: Any) -> Json:
    return {"type": "section", "text": mrkdwn(text), **fields}


def rich(*inline: Json) -> Json:
    parts = [{"type": "rich_text_section", "elements": list(inline)}]
    return {"type": "rich_text", "elements": parts}


def button(**fields: Any) -> Json:
    return {"type": "button", "text": plain("Go"), **fields}


def actions(*elements: Json, **fields: Any) -> Json:
    return {"type": "actions", "elements": list(elements), **fields}


def asking(element: Json, **fields: Any) -> Json:
    return {"type": "input", "label": plain("Why"), "element": element, **fields}


def option(value: str = "v", **fields: Any) -> Json:
    return {"text": plain("Choice"), "value": value, **fields}


def raw(text: str = "x") -> Json:
    return {"type": "raw_text", "text": text}


def chart(**series: list[tuple[str, float]]) -> Json:
    """A line chart over Mon and Tue."""
    lines = [
        {"name": name, "data": [{"label": label, "value": value} for label, value in points]}
        for name, points in series.items()
    ]
    axes = {"categories": ["Mon", "Tue"]}
    return {
        "type": "data_visualization",
        "title": "Use",
        "chart": {"type": "line", "series": lines, "axis_config": axes},
    }


def modal(*blocks: Json, **fields: Any) -> Json:
    view = {"type": "modal", "title": plain("T"), "submit": plain("OK"), "blocks": list(blocks)}
    return {**view, **fields}


def home(*blocks: Json, **fields: Any) -> Json:
    return {"type": "home", "blocks": list(blocks), **fields}


def on(surface: str, *blocks: Json) -> list[Flaw]:
    if surface == "message":
        return check_message(list(blocks))
    return check_view(modal(*blocks) if surface == "modal" else home(*blocks))


PICTURE = {"type": "image", "image_url": "https://example.com/a.png", "alt_text": "A"}
TEXT_INPUT = {"type": "plain_text_input"}
TASK = {"task_id": "1", "title": "Count", "status": "pending"}
CARD = {"type": "card", "title": plain()}
SMALLEST: dict[str, Json] = {
    "actions": actions(button()),
    "alert": {"type": "alert", "text": plain()},
    "card": CARD,
    "carousel": {"type": "carousel", "elements": [CARD]},
    "container": {"type": "container", "title": plain(), "child_blocks": [section()]},
    "context": {"type": "context", "elements": [plain()]},
    "context_actions": {
        "type": "context_actions",
        "elements": [{"type": "icon_button", "icon": "trash", "text": plain()}],
    },
    "data_table": {"type": "data_table", "caption": "Use", "rows": [[raw()], [raw()]]},
    "data_visualization": chart(free=[("Mon", 1), ("Tue", 2)]),
    "divider": {"type": "divider"},
    "file": {"type": "file", "external_id": "1", "source": "remote"},
    "header": {"type": "header", "text": plain()},
    "image": PICTURE,
    "input": asking(TEXT_INPUT),
    "markdown": {"type": "markdown", "text": "# x"},
    "plan": {"type": "plan", "title": "Run", "tasks": [TASK]},
    "rich_text": rich({"type": "text", "text": "x"}),
    "section": section(),
    "table": {"type": "table", "rows": [[raw()]]},
    "task_card": {"type": "task_card", **TASK},
    "video": {
        "type": "video",
        "alt_text": "A",
        "title": plain(),
        "thumbnail_url": "https://example.com/a.png",
        "video_url": "https://example.com/a",
    },
}
MESSAGE_ONLY = (
    "container",
    "context_actions",
    "data_visualization",
    "file",
    "markdown",
    "plan",
    "task_card",
)
SHOWN_ON: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(SMALLEST, SURFACES),
    **dict.fromkeys(("carousel", "table", "data_table"), ("message", "home")),
    **dict.fromkeys(MESSAGE_ONLY, ("message",)),
    "alert": ("modal",),
}


@pytest.mark.parametrize("surface", SURFACES)
@pytest.mark.parametrize("kind", SMALLEST)
def test_a_block_is_taken_where_it_is_shown_and_nowhere_else(kind: str, surface: str) -> None:
    flaws = on(surface, SMALLEST[kind])
    if surface in SHOWN_ON[kind]:
        assert flaws == []
        return
    root, code = (
        ("/blocks", "invalid_blocks")
        if surface == "message"
        else ("/view/blocks", "invalid_arguments")
    )
    assert flaws == [Flaw(f"{root}/0/type", f"unsupported type: {kind}", code)]


REFUSED = {
    "an unknown block": ({"type": "call"}, "/type", "unsupported type: call"),
    "a block without type": ({"text": plain()}, "", "missing required field: type"),
    "a type that is no string": ({"type": {}}, "/type", "must provide a string"),
    "an unknown field": (section(colour="red"), "", "invalid additional property: colour"),
    "a section of nothing": ({"type": "section"}, "", "missing required field: text or fields"),
    "a missing field": ({"type": "header"}, "", "missing required field: text"),
    "a header in mrkdwn": (
        {"type": "header", "text": mrkdwn()},
        "/text/type",
        "unsupported type: mrkdwn",
    ),
    "an empty text": (section(""), "/text/text", "must be more than 0 characters"),
    "a text too long": (section("x" * 3001), "/text/text", "must be less than 3001 characters"),
    "a text that is a bare string": (
        {"type": "section", "text": "x"},
        "/text",
        "must provide an object",
    ),
    "null for a field": (section(block_id=None), "/block_id", "must provide a string"),
    "an unknown element": (
        actions({"type": "slider"}),
        "/elements/0/type",
        "unsupported type: slider",
    ),
    "a picture among actions": (
        actions(PICTURE),
        "/elements/0/type",
        "unsupported type: image",
    ),
    "no elements": (actions(), "/elements", "no fewer than 1 items allowed"),
    "elements that are no array": (
        {"type": "actions", "elements": {}},
        "/elements",
        "must provide an array",
    ),
    "an unknown style": (
        actions(button(style="loud")),
        "/elements/0/style",
        "must be one of: primary, danger",
    ),
    "a relative link": (
        actions(button(url="/bills")),
        "/elements/0/url",
        "must be in the documented format",
    ),
    "a flag that is a word": (
        {"type": "section", "text": {**plain(), "emoji": "yes"}},
        "/text/emoji",
        "must provide a boolean",
    ),
    "a picture of two sources": (
        {**PICTURE, "slack_file": {"id": "F1"}},
        "",
        "must provide only one of: image_url, slack_file",
    ),
    "a picture of no source": (
        {"type": "image", "alt_text": "A"},
        "",
        "missing required field: image_url or slack_file",
    ),
    "a file input in a message": (
        asking({"type": "file_input"}),
        "/element/type",
        "unsupported type: file_input",
    ),
    "a container in a container": (
        {**SMALLEST["container"], "child_blocks": [SMALLEST["container"]]},
        "/child_blocks/0/type",
        "unsupported type: container",
    ),
    "a part of a number": (
        {**SMALLEST["data_table"], "page_size": 1.5},
        "/page_size",
        "must provide an integer",
    ),
    "true for a number": (
        {**SMALLEST["data_table"], "page_size": True},
        "/page_size",
        "must provide a number",
    ),
    "a number that is none": (
        chart(free=[("Mon", float("nan")), ("Tue", 1)]),
        "/chart/series/0/data/0/value",
        "must provide a number",
    ),
    "an impossible day": (
        actions({"type": "datepicker", "initial_date": "2026-13-01"}),
        "/elements/0/initial_date",
        "must be in the documented format",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_the_tables_refuse(case: str) -> None:
    block, pointer, message = REFUSED[case]
    assert check_message([block]) == [Flaw(f"/blocks/0{pointer}", message, "invalid_blocks")]


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("&", 5),
        ("&amp;", 5),
        ("&lt;b&gt;", 9),
        ("a < b > c", 15),
        ("<@U1>", 5),
        ("<https://example.com?a=1&b=2|x>", 35),
        ("<!here> & co", 16),
        ("😀", 1),
    ],
)
def test_mrkdwn_is_measured_as_it_is_stored(text: str, size: int) -> None:
    filler = "x" * (3000 - size)
    assert check_message([section(text + filler)]) == []
    assert check_message([section(text + filler + "x")]) != []


def test_plain_text_is_measured_as_it_stands() -> None:
    assert check_message([{"type": "header", "text": plain("&" * 150)}]) == []


def test_nothing_at_all_is_a_message_without_flaw() -> None:
    assert check_message(None) == check_message([], []) == []


@pytest.mark.parametrize("blocks", [{}, "[]", 1, [section(), "x"], [None]])
def test_blocks_that_are_no_array_of_objects_have_a_code_of_their_own(blocks: object) -> None:
    assert [flaw.code for flaw in check_message(blocks)] == ["invalid_blocks_format"]


@pytest.mark.parametrize("view", [None, [], "{}", 7])
def test_a_view_that_is_no_object_is_refused(view: object) -> None:
    assert check_view(view) == [Flaw("/view", "must provide an object", "invalid_arguments")]


def test_an_unknown_view_type_is_refused() -> None:
    (flaw,) = check_view({**modal(section()), "type": "dialog"})
    assert flaw == Flaw("/view/type", "unsupported type: dialog", "invalid_arguments")


def test_a_modal_needs_a_title_and_a_home_tab_takes_none() -> None:
    untitled = {"type": "modal", "blocks": [section()]}
    assert [flaw.message for flaw in check_view(untitled)] == ["missing required field: title"]
    titled = home(section(), title=plain())
    assert [flaw.message for flaw in check_view(titled)] == ["invalid additional property: title"]


def test_every_flaw_is_told_at_once() -> None:
    flaws = check_message([section(""), actions(button(style="loud", size=3))], [{"x": 1}])
    assert [(flaw.pointer, flaw.code) for flaw in flaws] == [
        ("/blocks/0/text/text", "invalid_blocks"),
        ("/blocks/1/elements/0/style", "invalid_blocks"),
        ("/blocks/1/elements/0", "invalid_blocks"),
        ("/attachments/0", "invalid_attachments"),
        ("/attachments/0", "invalid_attachments"),
    ]


def test_a_columns_settings_may_be_null() -> None:
    table = {
        "type": "table",
        "rows": [[raw(), raw()]],
        "column_settings": [None, {"align": "right"}],
    }
    assert check_message([table]) == []


def test_the_text_of_a_block_is_what_people_read() -> None:
    block = section(
        "*Total*",
        block_id="secret",
        accessory=button(value="42", url="https://example.com", accessibility_label="Go there"),
    )
    assert block_text(block) == "*Total*\nGo\nGo there"


def test_the_text_of_tables_charts_and_rich_text_is_read_too() -> None:
    table = {"type": "table", "rows": [[raw("Ana"), rich({"type": "text", "text": "12"})]]}
    assert block_text(table) == "Ana\n12"
    assert block_text(chart(free=[("Mon", 1)])) == "Use\nfree\nMon\nMon\nTue"
    link = {"type": "link", "url": "https://example.com", "text": "there"}
    assert block_text(rich({"type": "text", "text": "Go "}, link)) == "Go \nthere"


@pytest.mark.parametrize(
    "block", [{}, {"type": "call"}, {"type": []}, {"type": "section", "text": 1}]
)
def test_a_block_nobody_knows_has_no_text(block: Json) -> None:
    assert block_text(block) == ""
