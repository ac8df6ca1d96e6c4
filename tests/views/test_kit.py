"""Blocks cut to size: nothing that is put in makes a payload that Slack refuses."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.slack.blocks import block_kit, inputs
from handlers.slack.blocks.action_ids import ActionId
from handlers.wording.rich_text import bold, fallback_text
from sandbox.blockkit import check_message, check_view
from tests.views.samples import NOON

LONG = "<&>" * 4000
HUGE = {
    "header": [block_kit.header(LONG)],
    "section": [block_kit.section(LONG)],
    "context": [block_kit.context(*[LONG] * 30)],
    "sentence": [block_kit.paragraph(LONG, bold(LONG), NOON)],
    "quote": [block_kit.rich(block_kit.quote(LONG))],
    "list": [block_kit.rich(block_kit.bullets([[LONG]] * 3))],
    "preformatted": [block_kit.rich(block_kit.preformatted(LONG))],
    "table": [block_kit.table(["a", "b"], [[LONG, ""]] * 300, right=[1])],
    "buttons": block_kit.actions(*[block_kit.button(ActionId.CHOOSE, LONG, "{}", label=LONG)] * 40),
    "menu": block_kit.actions(
        block_kit.overflow(ActionId.MORE, [block_kit.option(LONG, str(n)) for n in range(9)])
    ),
    "confirm": block_kit.actions(
        block_kit.button(ActionId.UNDO, "x", "{}", ask=block_kit.confirm(*[LONG] * 4))
    ),
    "blank": [
        block_kit.header(""),
        block_kit.section("\x00"),
        block_kit.table(["", " "], [["", "\u202e"]]),
    ],
}
FIELDS = [
    inputs.text_input("reason", LONG, LONG),
    inputs.select_input("code", LONG, [(LONG, "v")] * 200),
]


@pytest.mark.parametrize("blocks", HUGE.values(), ids=HUGE)
def test_what_is_too_long_is_cut(blocks: list[dict[str, Any]]) -> None:
    message = block_kit.message("x", blocks)
    assert check_message(message.blocks) == []
    assert sum(map(block_kit.weight, message.blocks)) <= block_kit.MESSAGE_TEXT


def test_a_dialog_of_long_fields_is_cut() -> None:
    fields = [FIELDS[0], {**FIELDS[1], "element": CHOICE}]
    view = block_kit.modal(LONG, fields, "bill:reject", submit=LONG, metadata="{}", close=LONG)
    assert check_view(view) == []
    offered = [one for group in CHOICE["option_groups"] for one in group["options"]]
    assert [one["value"] for one in offered] == [str(n) for n in range(250)]


CHOICE = inputs.select_input("code", "x", [(LONG, str(n)) for n in range(250)])["element"]


def test_a_message_that_is_too_much_says_so_and_keeps_its_buttons() -> None:
    button = block_kit.button(ActionId.UNDO, "Undo", "{}")
    blocks = [block_kit.section("x" * 2900) for _ in range(9)]
    message = block_kit.message("x", [*blocks, *block_kit.actions(button)])
    assert [block["type"] for block in message.blocks] == ["section"] * 3 + ["actions", "context"]
    assert message.blocks[-1]["elements"][0]["text"] == block_kit.CUT_SHORT


def test_a_message_has_at_most_fifty_blocks() -> None:
    message = block_kit.message("x", [block_kit.divider()] * 80)
    assert len(message.blocks) == block_kit.MESSAGE_BLOCKS
    assert check_message(message.blocks) == []


def test_a_payload_is_text_and_blocks() -> None:
    blocks = [block_kit.section("Hello.")]
    payload = block_kit.message("Hello.", blocks).payload()
    assert payload == {"text": "Hello.", "blocks": blocks}


def test_equal_buttons_in_a_row_get_ids_of_their_own() -> None:
    (row,) = block_kit.actions(*[block_kit.button(ActionId.CHOOSE, name, "{}") for name in "abc"])
    assert [e["action_id"] for e in row["elements"]] == ["choose", "choose.2", "choose.3"]


def test_no_buttons_make_no_row() -> None:
    assert block_kit.actions() == []


def test_neighbouring_words_are_one_piece_and_styles_stay_apart() -> None:
    (line,) = block_kit.paragraph("a", "b", bold("c"), "", "d", "e")["elements"]
    assert [slot["text"] for slot in line["elements"]] == ["ab", "c", "de"]


def test_a_sentence_for_notifications_is_escaped_and_keeps_its_moments() -> None:
    spoken = fallback_text("<!here> & ", bold("<b>"), " ", NOON)
    assert spoken.startswith("&lt;!here&gt; &amp; &lt;b&gt; <!date^")


@given(st.text(alphabet="<&> ab", min_size=1, max_size=30), st.integers(2900, 3000))
def test_a_long_sentence_is_never_cut_inside_an_entity_or_a_date(text: str, size: int) -> None:
    cut = block_kit.message(fallback_text((text * size)[:size], NOON, text * 99), []).text
    assert len(cut) <= block_kit.TEXT_LIMIT
    assert cut.count("<") == cut.count(">")
    rest = cut
    for entity in ("&amp;", "&lt;", "&gt;"):
        rest = rest.replace(entity, "")
    assert "&" not in rest


def test_without_its_table_a_message_still_tells_every_row() -> None:
    rows = [[f"#{n}", "<!channel>"] for n in range(60)]
    message = block_kit.message("x", [block_kit.table(["Bill", "Customer"], rows)]).without_tables()
    assert [block["type"] for block in message.blocks] == ["rich_text"]
    assert check_message(message.blocks) == []
    (made,) = message.blocks[0]["elements"]
    told = ["".join(slot["text"] for slot in row["elements"]) for row in made["elements"]]
    assert (told[0], len(told)) == ("#0 · <!channel>", 60)
