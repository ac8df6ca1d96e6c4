"""The reference of the JSON API says what the API says of itself."""

import re
from collections.abc import Iterator

from bot.web_server import make_web_app
from handlers.api.app import add_api
from handlers.api.openapi import PROBLEMS
from tests.architecture.pages import page

API = "docs/reference/api.md"


async def _ready() -> list[str]:
    return []


def operations() -> Iterator[tuple[str, str, str]]:
    """Each operation: its address, who may ask, and in a sentence what it does."""
    web = make_web_app(_ready)
    add_api(web)
    for path, methods in web.openapi()["paths"].items():
        for method, operation in methods.items():
            told = " ".join(operation["description"].split())
            who = re.search(r"For ([\w, ]+)\.$", told)
            anybody = "whoever is signed in" if "security" in operation else "anybody"
            does = re.split(r"(?<=[.:;])\s", told)[0].rstrip(":;")
            yield f"`{method.upper()} {path}`", who[1] if who else anybody, does


def test_each_route_stands_with_who_may_ask_for_it() -> None:
    assert list(page(API).table("Routes").rows) == list(operations())


def test_each_refusal_stands_with_its_status() -> None:
    table = page(API).table("Refusals")
    told = dict(zip(map(int, table.column(0)), table.column(1), strict=True))
    assert told == PROBLEMS
