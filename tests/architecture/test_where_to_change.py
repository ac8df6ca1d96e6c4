"""Where to change what, on the architecture page: what is said to be in a file is in it."""

import re
from dataclasses import replace

import pytest

from tests.architecture.pages import ROOT, codes, page

ARCHITECTURE = page("docs/architecture.md")
PART = ARCHITECTURE.text.partition("## Where to change what\n")[2].partition("\n## ")[0]
ROWS = [row for table in replace(ARCHITECTURE, text=PART).tables for row in table.rows]
STEPS = re.findall(r"^\d\. (.*(?:\n   .*)*)", PART, re.MULTILINE)
FILE = re.compile(r"[\w./-]+\.(py|sql|yml)|[\w/]+/")
SYMBOL = re.compile(r"[A-Z][A-Za-z]+[a-z]\w*|[A-Z]+(_[A-Z]+)*|[a-z]+(_[a-z]+)+")
ASKED = (
    *("who may approve", "how an amount is computed", "what the card says", "as good as once"),
    *("undone", "reason for rejecting", "cause for holding", "a command", "a column"),
)


@pytest.mark.parametrize("question", ASKED)
def test_each_thing_that_people_ask_for_has_its_place(question: str) -> None:
    """The answer opens with it, by its file or by what is looked for in the file."""
    (answer,) = [answer for asked, answer in ROWS if question in asked]
    opening = re.match(r"`[^`]+`(?:(?: in|, and) `[^`]+`)*", answer)
    assert opening, answer
    assert any(FILE.fullmatch(said) for said in codes(opening[0]))


@pytest.mark.parametrize(
    ("asked", "answer"),
    [*ROWS, *((step.split("`")[0], step) for step in STEPS)],
)
def test_what_an_answer_names_is_in_the_files_that_it_names(asked: str, answer: str) -> None:
    said = codes(answer)
    paths = [ROOT / one for one in said if FILE.fullmatch(one)]
    text = "\n".join(
        path.read_text(encoding="utf-8")
        for one in paths
        for path in (one.glob("*.py") if one.is_dir() else [one])
    )
    symbols = [one for one in said if SYMBOL.fullmatch(one)]
    assert [one for one in symbols if not re.search(rf"\b{one}\b", text)] == [], asked
