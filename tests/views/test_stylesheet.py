"""Every class that a page gives has its rule in the stylesheet, and no rule is left without one."""

import re
from collections.abc import Iterator
from pathlib import Path

from handlers.web import static_files
from handlers.wording.health_text import Standing
from handlers.wording.webhook_text import DELIVERY_WORDS
from models.bills.states import State

WEB = Path(static_files.__file__).parent
TONES = ("wait", "good", "bad", "busy", "off")
FAMILIES = {
    "state-": {*map(str, State), *TONES},
    "button-": {"primary", "danger", "quiet", "small"},
}
"""What stands behind a part of a name that templates fill in."""

_ATTRIBUTE = re.compile(r'class="((?:\{\{.*?\}\}|\{%.*?%\}|[^"{])*)"')
_LITERAL = re.compile(r'(?<!== )"([^"]*)"')


def _style() -> str:
    return re.sub(r"/\*.*?\*/", "", (WEB / "static/site.css").read_text(), flags=re.DOTALL)


def _styled() -> set[str]:
    selectors = re.sub(r"\{[^{}]*\}", "{}", _style())
    return set(re.findall(r"\.([a-zA-Z][\w-]*)", selectors))


def _given() -> set[str]:
    """As templates and scripts write them; of one that is filled in, the part before that."""
    return {name for text in _attributes() for name in text.split()}


def _attributes() -> Iterator[str]:
    for template in (WEB / "templates").iterdir():
        shown = re.sub(r"\{#.*?#\}", "", template.read_text(), flags=re.DOTALL)
        for text in _ATTRIBUTE.findall(shown):
            plain = re.sub(r"\{%.*?%\}", "", text)
            yield re.sub(r"\{\{.*?\}\}", lambda told: " ".join(_LITERAL.findall(told[0])), plain)
    for script in (WEB / "static").glob("*.js"):
        yield from re.findall(r'className = "([^"]+)"', script.read_text())


def _known() -> set[str]:
    given = _given()
    return given | {part + end for part, ends in FAMILIES.items() if part in given for end in ends}


def test_every_class_of_a_page_has_its_rule() -> None:
    assert _known() - _styled() - set(FAMILIES) == set()


def test_no_rule_is_left_of_what_no_page_has_any_more() -> None:
    assert _styled() - _known() == set()


def test_every_label_has_one_of_the_tones() -> None:
    templates = "".join(one.read_text() for one in (WEB / "templates").iterdir())
    given = {*re.findall(r'ui\.label\("(\w+)"', templates), *map(str, Standing)}
    given |= {tone for tone, _ in DELIVERY_WORDS.values()}
    assert given <= set(TONES)
