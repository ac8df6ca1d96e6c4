"""Each view over the whole table of samples: never refused, never over budget, never markup."""

import ast
import json
from collections.abc import Collection, Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handlers.slack import blocks
from handlers.slack.blocks import block_kit
from handlers.slack.blocks.access import (
    access_requested,
)
from handlers.slack.blocks.bill_run import (
    run_preview,
)
from handlers.slack.blocks.block_kit import SlackMessage
from handlers.slack.blocks.card import bill_card
from handlers.slack.blocks.errors import refusal_message
from handlers.slack.blocks.fallbacks import message_fallbacks, view_fallbacks
from handlers.slack.blocks.help import nearest_commands
from handlers.slack.blocks.history import bill_history
from models.batches.bill_run_preview import ProposedBill
from models.bills.states import HoldReason, Verb
from models.errors import Ambiguous
from models.people.permissions import Role
from models.queries.bill_details import Comment
from sandbox.blockkit import block_text, check_message, check_view
from tests.views import homes, samples
from tests.views.drawings import OF_A_BILL, OTHERS, Draw
from tests.views.samples import BILLS, NAMES, NOON

Drawn = SlackMessage | dict[str, Any]


def flaws(drawn: Drawn) -> list[Any]:
    """What Slack would refuse, and what is over the message's own budget."""
    if isinstance(drawn, dict):
        return check_view(drawn)
    over = [] if len(drawn.text) <= 3000 and drawn.text else [("text", len(drawn.text))]
    budget = sum(map(block_kit.weight, drawn.blocks))
    return [
        *check_message(drawn.blocks),
        *over,
        *([("budget", budget)] if budget > block_kit.MESSAGE_TEXT else []),
    ]


def test_whatever_is_drawn_has_a_row_here() -> None:
    """Who adds a drawing adds it to the table, and so has it tried with hostile names."""
    drawn = {
        function.name
        for tree in _parsed(Path(blocks.__path__[0]), but=("block_kit", "fallbacks", "inputs"))
        for function in tree.body
        if isinstance(function, ast.FunctionDef) and not function.name.startswith("_")
        if ast.unparse(function.returns or ast.Constant(None)) in ("SlackMessage", "View")
    }
    tried = {
        node.id
        for tree in _parsed(Path(__file__).parent)
        for node in ast.walk(tree)
        if isinstance(node, ast.Name)
    }
    assert len(drawn) > 60
    assert drawn - tried == set()


def _parsed(folder: Path, but: Collection[str] = ()) -> Iterator[ast.Module]:
    tables = {"drawings", "homes", "asked"}
    for path in folder.glob("*.py"):
        if path.stem not in but and (folder.name != "views" or path.stem in tables):
            yield ast.parse(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module", params=OF_A_BILL.values(), ids=OF_A_BILL)
def drawings(request: pytest.FixtureRequest) -> dict[str, Drawn]:
    """What a drawing shows of every bill, by the bill's name; of those that look the same, one."""
    draw: Draw = request.param
    drawn = [(name, draw(facts)) for name, facts in BILLS.items()]
    return dict({repr(one): (name, one) for name, one in drawn}.values())


def test_every_drawing_of_every_bill_is_accepted(drawings: dict[str, Drawn]) -> None:
    assert {name: found for name, drawn in drawings.items() if (found := flaws(drawn))} == {}


def test_every_other_drawing_is_accepted() -> None:
    assert {name: found for name, drawn in OTHERS.items() if (found := flaws(drawn))} == {}


def _fallbacks(drawn: Drawn) -> list[Any]:
    return list(view_fallbacks(drawn) if isinstance(drawn, dict) else message_fallbacks(drawn))


def _clickable(drawn: Drawn) -> list[str]:
    blocks = drawn["blocks"] if isinstance(drawn, dict) else drawn.blocks
    return [one["action_id"] for b in blocks if b["type"] == "actions" for one in b["elements"]]


def test_every_plainer_drawing_is_accepted_and_keeps_its_buttons(
    drawings: dict[str, Drawn],
) -> None:
    for drawn in drawings.values():
        whole, *plainer = _fallbacks(drawn)
        assert [found for one in plainer if (found := flaws(one))] == []
        with_buttons = plainer if isinstance(whole, dict) else plainer[:-1]
        assert all(_clickable(one) == _clickable(whole) for one in with_buttons)
        assert all("visible_to_user_ids" not in str(one) for one in plainer)


def test_every_other_plainer_drawing_is_accepted() -> None:
    assert {
        name: found
        for name, drawn in OTHERS.items()
        for one in _fallbacks(drawn)
        if (found := flaws(one))
    } == {}


def test_the_oldest_card_says_all_that_the_card_says() -> None:
    for name, facts in BILLS.items():
        card = bill_card(facts)
        *_, oldest, text = message_fallbacks(card)
        said = samples.shown(oldest.blocks)
        missing = [line for line in _lines(card) if line not in said]
        assert missing == [], name
        assert [block["type"] for block in text.blocks] == ["section"]


def _lines(card: SlackMessage) -> list[str]:
    """Each stretch of text that stands in the card's rich text."""
    told = [text for block in card.blocks for place, text in samples.strings(block)]
    return [line for one in told for line in one.split("\n") if line.strip()]


def test_the_text_alone_is_read_as_it_was_typed() -> None:
    words = SlackMessage("Kim &amp; Sam, <!date^1795899372^{date_short}|28 Nov 2026>", [])
    *_, text = message_fallbacks(words)
    assert text.blocks == [block_kit.section("Kim & Sam, 28 Nov 2026")]


@pytest.mark.parametrize("kind", NAMES)
def test_no_name_stands_where_markup_is_read(kind: str) -> None:
    begin = NAMES[kind][: 8 if kind in ("long", "ampersands") else None]
    for name, draw in OF_A_BILL.items():
        drawn = draw(BILLS[f"named: {kind}"])
        blocks = drawn.blocks if isinstance(drawn, SlackMessage) else drawn["blocks"]
        assert all(place != "mrkdwn" for place, _ in samples.strings(blocks)), name
        assert begin in samples.shown(blocks), name


@pytest.mark.parametrize("kind", sorted(NAMES.keys() - {"ampersands"}))
def test_a_card_shows_the_whole_name_as_it_was_typed(kind: str) -> None:
    assert NAMES[kind] in samples.shown(bill_card(BILLS[f"named: {kind}"]).blocks)


@pytest.mark.parametrize("kind", NAMES)
def test_the_sentence_for_notifications_holds_no_mention_and_no_link(kind: str) -> None:
    text = bill_card(BILLS[f"named: {kind}"]).text
    assert "<" not in text
    assert ">" not in text


typed = st.text(min_size=0, max_size=400)
nasty = st.text(alphabet='<>&*_~`|@#!:\\"{}\u202e\u2067\u200d\x00\n🔥א a', max_size=3000)


@settings(max_examples=25, deadline=None)
@given(name=typed | nasty, comment=typed | nasty, amount=st.decimals(-10, 10**12, places=2))
def test_no_name_or_comment_makes_a_message_that_slack_refuses(
    name: str, comment: str, amount: Decimal
) -> None:
    who = replace(samples.KIM, name=name)
    said = samples.entry(Verb.COMMENT, who, comment=comment)
    facts = replace(
        samples.rejected_because(comment),
        customer=name,
        amount=amount,
        generated_by=who,
        comments=(Comment(1, who, NOON, comment),),
    )
    for draw in OF_A_BILL.values():
        assert flaws(draw(facts)) == []
    assert flaws(bill_history(facts, [said] * 90)) == []
    assert flaws(refusal_message(Ambiguous(comment, [name] * 9), "/usage", "{} 6m")) == []
    assert flaws(nearest_commands("bill", name)) == []
    assert flaws(access_requested(who)) == []
    proposed = ProposedBill(name, HoldReason.JUMP, amount, "USD")
    asked = samples.preview(customer=name, missing=(name,) * 10, biggest=(proposed,) * 5)
    assert flaws(run_preview(asked)) == []


@pytest.mark.parametrize("role", Role)
def test_the_biggest_home_is_small_enough_for_slack(role: Role) -> None:
    """Slack takes 100 blocks and 250 kB."""
    flames = replace(BILLS["pending"], customer="🔥" * 300, comments=samples.comments(500))
    view = homes.full_home(flames, role)
    assert check_view(view) == []
    assert len(view["blocks"]) <= 100
    assert len(json.dumps(view)) <= 250_000
    assert "does not fit" not in samples.shown(view["blocks"])
    assert [block["type"] for block in view["blocks"]].count("table") <= 1


def test_weight_never_counts_less_than_slack_does() -> None:
    for facts in BILLS.values():
        blocks = bill_card(facts).blocks
        assert all(
            block_kit.weight(block) >= len(block_text(block).replace("\n", "")) for block in blocks
        )
