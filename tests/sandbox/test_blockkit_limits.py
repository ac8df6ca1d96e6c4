"""Every limit holds to the character: taken at its edge, refused one past it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.blockkit import Flaw, check_message, check_view
from tests.sandbox.test_blockkit import (
    CARD,
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
    mrkdwn,
    option,
    plain,
    raw,
    section,
)

LIMITS = (
    Path(__file__).resolve().parents[2].parent / "shared/slack-data/slackblocks/spec/limits.json"
)
Build = Callable[[int], list[Flaw]]


def block(kind: str, **fields: Any) -> list[Flaw]:
    return check_message([{**SMALLEST[kind], **fields}])


def acting(element: Json) -> list[Flaw]:
    return check_message([actions(element)])


def menu(**fields: Any) -> list[Flaw]:
    return acting({"type": "static_select", **fields})


def url(size: int) -> str:
    return "https://".ljust(size, "x")


def options(count: int) -> list[Json]:
    return [option(str(index)) for index in range(count)]


def group(label: str = "G", count: int = 1) -> Json:
    return {"label": plain(label), "options": options(count)}


def groups(count: int) -> list[Json]:
    return [{"label": plain("G"), "options": [option(str(index))]} for index in range(count)]


def confirming(**fields: Any) -> list[Flaw]:
    dialogue = {name: plain() for name in ("title", "text", "confirm", "deny")}
    return acting(button(confirm={**dialogue, **fields}))


def feedback(**fields: Any) -> list[Flaw]:
    good = {"text": plain("Good"), "value": "good"}
    buttons = {"positive_button": {**good, **fields}, "negative_button": good}
    return block("context_actions", elements=[{"type": "feedback_buttons", **buttons}])


def iconic(**fields: Any) -> list[Flaw]:
    return block("context_actions", elements=[icons(**fields)])


def typing(**fields: Any) -> list[Flaw]:
    return check_message([asking({**TEXT_INPUT, **fields})])


def chosen(kind: str, **fields: Any) -> list[Flaw]:
    return acting({"type": kind, "options": [{**option(), **fields}]})


def pictured(alt_text: str) -> Json:
    return {**PICTURE, "alt_text": alt_text}


def icons(**fields: Any) -> Json:
    return {"type": "icon_button", "icon": "trash", "text": plain(), **fields}


def pie(count: int = 1, **fields: Any) -> list[Flaw]:
    segments = [{"label": "Mon", "value": 1, **fields} for _ in range(count)]
    return block("data_visualization", chart={"type": "pie", "segments": segments})


def plotted(labels: list[str], names: list[str], **axes: str) -> list[Flaw]:
    points = [{"label": label, "value": 1} for label in labels]
    series = [{"name": name, "data": points} for name in names]
    config = {"categories": labels, **axes}
    return block(
        "data_visualization", chart={"type": "bar", "series": series, "axis_config": config}
    )


def numbered(count: int) -> list[str]:
    return [str(index) for index in range(count)]


def filled(size: int) -> list[Flaw]:
    """A Home tab's data table of `size` characters: a message's own budget is smaller."""
    rows = [[raw()], [raw("x" * (size - 1))]]
    return check_view(home({**SMALLEST["data_table"], "rows": rows}))


BUILDERS: dict[str, Build] = {
    "text": lambda n: check_message([section("x" * n)]),
    "action_id": lambda n: acting(button(action_id="x" * n)),
    "block_id": lambda n: check_message([section(block_id="x" * n)]),
    "button.text": lambda n: acting({"type": "button", "text": plain("x" * n)}),
    "button.url": lambda n: acting(button(url=url(n))),
    "button.value": lambda n: acting(button(value="x" * n)),
    "button.accessibility_label": lambda n: acting(button(accessibility_label="x" * n)),
    "confirmation.title": lambda n: confirming(title=plain("x" * n)),
    "confirmation.text": lambda n: confirming(text=plain("x" * n)),
    "confirmation.confirm": lambda n: confirming(confirm=plain("x" * n)),
    "confirmation.deny": lambda n: confirming(deny=plain("x" * n)),
    "option.text": lambda n: menu(options=[{**option(), "text": plain("x" * n)}]),
    "option.value": lambda n: menu(options=[option("x" * n)]),
    "option.description": lambda n: menu(options=[option(description=plain("x" * n))]),
    "option.url": lambda n: acting({"type": "overflow", "options": [option(url=url(n))]}),
    "option_group.label": lambda n: menu(option_groups=[group("x" * n)]),
    "option_group.options": lambda n: menu(option_groups=[group(count=n)]),
    "select.placeholder": lambda n: menu(options=options(1), placeholder=plain("x" * n)),
    "select.options": lambda n: menu(options=options(n)),
    "select.option_groups": lambda n: menu(option_groups=groups(n)),
    "overflow.options": lambda n: acting({"type": "overflow", "options": options(n)}),
    "checkboxes.options": lambda n: acting({"type": "checkboxes", "options": options(n)}),
    "radio_buttons.options": lambda n: acting({"type": "radio_buttons", "options": options(n)}),
    "url_source.url": lambda n: block(
        "task_card", sources=[{"type": "url", "url": "x" * n, "text": "There"}]
    ),
    "file_input.max_files": lambda n: check_view(
        modal(asking({"type": "file_input", "max_files": n}))
    ),
    "plain_text_input.max_length": lambda n: check_message(
        [asking({**TEXT_INPUT, "max_length": n})]
    ),
    "actions.elements": lambda n: check_message([actions(*[button()] * n)]),
    "alert.text": lambda n: check_view(modal({"type": "alert", "text": mrkdwn("x" * n)})),
    "card.title": lambda n: block("card", title=mrkdwn("x" * n)),
    "card.subtitle": lambda n: block("card", subtitle=mrkdwn("x" * n)),
    "card.body": lambda n: block("card", body=mrkdwn("x" * n)),
    "card.subtext": lambda n: block("card", subtext=mrkdwn("x" * n)),
    "card.actions": lambda n: block("card", actions=[button()] * n),
    "carousel.elements": lambda n: block("carousel", elements=[CARD] * n),
    "container.title": lambda n: block("container", title=plain("x" * n)),
    "container.subtitle": lambda n: block("container", subtitle=mrkdwn("x" * n)),
    "container.child_blocks": lambda n: block("container", child_blocks=[section()] * n),
    "context.elements": lambda n: block("context", elements=[mrkdwn()] * n),
    "context_actions.elements": lambda n: block("context_actions", elements=[icons()] * n),
    "feedback_button.text": lambda n: feedback(text=plain("x" * n)),
    "feedback_button.value": lambda n: feedback(value="x" * n),
    "feedback_button.accessibility_label": lambda n: feedback(accessibility_label="x" * n),
    "icon_button.visible_to_user_ids": lambda n: iconic(visible_to_user_ids=["U1"] * n),
    "data_table.rows": lambda n: block("data_table", rows=[[raw()]] * n),
    "data_table.columns": lambda n: block("data_table", rows=[[raw()] * n] * 2),
    "data_table.page_size": lambda n: block("data_table", page_size=n),
    "data_table.cell_text": lambda n: block("data_table", rows=[[raw()], [raw("x" * n)]]),
    "data_table.content": filled,
    "data_visualization.title": lambda n: block("data_visualization", title="x" * n),
    "data_visualization.segments": pie,
    "data_visualization.segment.label": lambda n: pie(label="x" * n),
    "data_visualization.segment.value": lambda n: pie(value=n),
    "data_visualization.series": lambda n: plotted(["Mon"], numbered(n)),
    "data_visualization.series_name": lambda n: plotted(["Mon"], ["x" * n]),
    "data_visualization.data": lambda n: plotted(numbered(n), ["free"]),
    "data_visualization.point_label": lambda n: plotted(["x" * n], ["free"]),
    "data_visualization.categories": lambda n: plotted(numbered(n), ["free"]),
    "data_visualization.category_label": lambda n: plotted(["x" * n], ["free"]),
    "data_visualization.axis_label": lambda n: plotted(
        ["Mon"], ["free"], x_label="x" * n, y_label="x" * n
    ),
    "header.text": lambda n: block("header", text=plain("x" * n)),
    "image.image_url": lambda n: check_message([{**PICTURE, "image_url": url(n)}]),
    "image.alt_text": lambda n: check_message([{**PICTURE, "alt_text": "x" * n}]),
    "input.label": lambda n: block("input", label=plain("x" * n)),
    "input.hint": lambda n: block("input", hint=plain("x" * n)),
    "markdown.text": lambda n: block("markdown", text="x" * n),
    "section.text": lambda n: block("section", text=mrkdwn("x" * n)),
    "section.fields": lambda n: block("section", fields=[mrkdwn()] * n),
    "section.fields.item_max_length": lambda n: block("section", fields=[mrkdwn("x" * n)]),
    "video.alt_text": lambda n: block("video", alt_text="x" * n),
    "video.title": lambda n: block("video", title=plain("x" * n)),
    "video.author_name": lambda n: block("video", author_name="x" * n),
    "video.description": lambda n: block("video", description=plain("x" * n)),
    "video.provider_name": lambda n: block("video", provider_name="x" * n),
    "view.blocks": lambda n: check_view(modal(*[section()] * n)),
    "view.private_metadata": lambda n: check_view(modal(section(), private_metadata="x" * n)),
    "view.callback_id": lambda n: check_view(modal(section(), callback_id="x" * n)),
    "view.title": lambda n: check_view(modal(section(), title=plain("x" * n))),
    "view.close": lambda n: check_view(modal(section(), close=plain("x" * n))),
    "view.submit": lambda n: check_view(modal(section(), submit=plain("x" * n))),
}
UNLISTED: dict[str, tuple[int, Build]] = {
    "context text": (3000, lambda n: block("context", elements=[mrkdwn("x" * n)])),
    "image title": (2000, lambda n: block("image", title=plain("x" * n))),
    "picture's alt_text": (2000, lambda n: block("context", elements=[pictured("x" * n)])),
    "placeholder of an input": (150, lambda n: typing(placeholder=plain("x" * n))),
    "initial_value of an input": (3000, lambda n: typing(initial_value="x" * n)),
    "min_length of an input": (3000, lambda n: typing(min_length=n)),
    "text of a checkbox": (75, lambda n: chosen("checkboxes", text=mrkdwn("x" * n))),
    "description of a radio": (75, lambda n: chosen("radio_buttons", description=plain("x" * n))),
    "text in an overflow": (75, lambda n: chosen("overflow", text=plain("x" * n))),
    "description in an overflow": (75, lambda n: chosen("overflow", description=plain("x" * n))),
    "text of an icon button": (75, lambda n: iconic(text=plain("x" * n))),
    "value of an icon button": (2000, lambda n: iconic(value="x" * n)),
    "agent_prompt of a button": (4000, lambda n: acting(button(agent_prompt="x" * n))),
    "x_label": (50, lambda n: plotted(["Mon"], ["free"], x_label="x" * n)),
    "y_label": (50, lambda n: plotted(["Mon"], ["free"], y_label="x" * n)),
    "rows of a table": (100, lambda n: block("table", rows=[[raw()]] * n)),
    "cells of a table's row": (20, lambda n: block("table", rows=[[raw()] * n])),
    "column_settings of a table": (20, lambda n: block("table", column_settings=[None] * n)),
    "blocks of an attachment": (50, lambda n: check_message(None, [{"blocks": [section()] * n}])),
    "external_id of a view": (255, lambda n: check_view(modal(section(), external_id="x" * n))),
    "callback_id of a Home tab": (255, lambda n: check_view(home(section(), callback_id="x" * n))),
}
GOLDEN = {
    "text.max_length": 3000,
    "text.min_length": 1,
    "block_id.max_length": 255,
    "button.text.max_length": 75,
    "button.value.max_length": 2000,
    "header.text.max_length": 150,
    "actions.elements.max_items": 25,
    "select.options.max_items": 100,
    "section.fields.max_items": 10,
    "section.fields.item_max_length": 2000,
    "data_table.rows.max_items": 201,
    "data_table.content.max_length": 20000,
    "data_visualization.segment.value.exclusive_min": 0,
    "view.title.max_length": 24,
    "view.blocks.max_items": 100,
    "view.private_metadata.max_length": 3000,
}


def leaves(tree: Json, path: str = "") -> Iterator[tuple[str, int]]:
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from leaves(value, f"{path}{name}.")
        else:
            yield path + name, value


def all_leaves() -> list[Any]:
    if not LIMITS.exists():
        skip = pytest.mark.skip(reason="../shared/slack-data is not here")
        return [pytest.param("", 0, marks=skip)]
    return [pytest.param(*leaf, id=leaf[0]) for leaf in leaves(json.loads(LIMITS.read_text()))]


def builder_of(leaf: str) -> Build:
    """A leaf's own builder, or the one of the thing whose smallest and largest it says."""
    return BUILDERS[leaf if leaf in BUILDERS else leaf.rpartition(".")[0]]


def assert_held(leaf: str, limit: int) -> None:
    build, bound = builder_of(leaf), leaf.rpartition(".")[2]
    if bound == "exclusive_min":
        assert build(limit) != []
        assert build(limit + 1) == []
        return
    past = limit - 1 if bound.startswith("min") else limit + 1
    assert build(limit) == []
    assert build(past) != []


@pytest.mark.parametrize(("leaf", "limit"), all_leaves())
def test_a_documented_limit_is_held_to_the_character(leaf: str, limit: int) -> None:
    assert_held(leaf, limit)


@pytest.mark.parametrize(("leaf", "limit"), GOLDEN.items())
def test_the_limits_the_product_leans_on_are_held(leaf: str, limit: int) -> None:
    assert_held(leaf, limit)


@pytest.mark.parametrize("name", UNLISTED)
def test_a_limit_the_list_leaves_out_is_held_too(name: str) -> None:
    limit, build = UNLISTED[name]
    assert build(limit) == []
    assert build(limit + 1) != []


@pytest.mark.skipif(not LIMITS.exists(), reason="../shared/slack-data is not here")
def test_every_limit_has_a_builder_and_every_builder_a_limit() -> None:
    named = [leaf for leaf, _ in leaves(json.loads(LIMITS.read_text()))]
    built = {leaf if leaf in BUILDERS else leaf.rpartition(".")[0] for leaf in named}
    assert built == BUILDERS.keys()


def test_a_limit_past_its_edge_is_told_where_it_is_broken() -> None:
    (flaw,) = BUILDERS["button.text"](76)
    assert flaw.pointer == "/blocks/0/elements/0/text/text"
    assert flaw.message == "must be less than 76 characters"


def test_a_segment_may_be_a_sliver_but_not_nothing() -> None:
    assert pie(value=0.001) == []
    assert pie(value=-1) != []


def test_one_series_may_be_drawn_in_every_manner() -> None:
    for manner in ("bar", "line", "area"):
        drawn = chart(free=[("Mon", 1), ("Tue", 2)])
        drawn["chart"]["type"] = manner
        assert check_message([drawn]) == []
