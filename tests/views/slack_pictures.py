"""`python -m tests.views.slack_pictures`: the pictures of `docs/reference/slack-pictures.md`.

What the bot draws in Slack, over the samples, as the sandbox's page shows it: at a desktop's width
and at a phone's, side by side. With names such as `cards home-finance`, these alone.
"""

import asyncio
import io
import sys
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.async_api import Locator, Page

from handlers.slack.blocks.block_kit import SlackMessage
from handlers.slack.blocks.card import bill_card
from models.imports.books import Book
from models.named_people import PersonRef
from models.people.permissions import Role
from sandbox.fake_slack.shapes import JsonObject
from tests.sandbox.page_browser import chromium, visit
from tests.sandbox.page_sample import NOW, app_message, user, with_ids
from tests.sandbox.page_server import FakeCompany, PageServer
from tests.views import homes, samples
from tests.views.drawings import OF_A_BILL, OTHERS
from tests.views.samples import ANA, BILL, BILLS, KIM, LEE, MAX, SAM

IMAGES = Path(__file__).parent.parent.parent / "docs/images"
WIDTHS = (1280, 390)
SCREEN, WHOLE = 844, 3000
"""How high a dialog is shown, and everything else."""
SCALE, BETWEEN, COLUMNS, COLOURS = 0.5, 10, 2, 48
MOST_HEIGHT = 560
GREY = (128, 128, 128)
PEOPLE = [
    user(one.slack_user_id or "", one.name, one.role or "") for one in (ANA, KIM, SAM, LEE, MAX)
]
BOT = user("UAPP", "Countersign", "", is_bot=True)
Drawing = SlackMessage | JsonObject

STATES = (
    "pending, both needed",
    "pending, one of two in",
    "approved",
    "rejected",
    "held, no_price",
    "in its delay",
    "issued",
    "delivered",
    "not delivered",
    "void, replaced",
    "agreed on fewer",
    "credit for a void bill",
)
FITTING = {"deliver": "perhaps arrived", "release": "held, jump", "void": "delivered"}
"""What is asked of bills that do not wait for approval."""
SEEN_BY: tuple[PersonRef, ...] = (ANA, KIM, SAM, MAX)

SHEETS: dict[str, tuple[str, ...]] = {
    "decisions": (
        "reject",
        "undo",
        "release",
        "revise",
        "void",
        "reissue",
        "reassign",
        "deliver",
        "decided",
    ),
    "many": (
        "digest",
        "what is ticked",
        "approve under",
        "all under an amount",
        "approved many",
        "approving",
        "list",
        "send preview",
        "sent",
        "sending, progress",
    ),
    "month": (
        "preview",
        "preview, nothing",
        "progress, beginning",
        "summary",
        "summary, failed",
        "history",
        "changed",
        "refusal",
    ),
    "customers": (
        "customer",
        "customers",
        "customer to add",
        "customer to choose",
        "customer changed",
        "usage",
        "usage, plain",
    ),
    "books": (
        "usage to record, in a dialog",
        "usage recorded",
        f"file of {Book.USAGE} to choose",
        "file of usage",
        "file of usage refused",
        "file of usage taken in",
        "people",
    ),
    "notices": (
        "rejection notice",
        "approvals notice",
        "approvals fell",
        "settled",
        "delivered",
        "came back",
        "not sent",
        "may have arrived",
        "mail stopped",
        "replies by mail",
        "nobody is reached",
        "webhook off",
    ),
    "clock": ("week", "week, nothing to do", "usage alerts", "reminder", "escalation"),
    "words": (
        "help for bill",
        "help for usage",
        "help for customer",
        "near a command",
        "plain words, not understood",
        "reads like approve",
        "reads like reject",
        "not recorded",
        "trouble",
        "request access",
        "access requested",
        "access settled",
        "link to sign in",
        "away",
        "stands in",
    ),
}


def main() -> int:
    asyncio.run(_take(sys.argv[1:]))
    return 0


async def _take(only: Collection[str]) -> None:
    company = FakeCompany(users=[*PEOPLE, BOT])
    async with chromium() as browser, _served(company) as url:
        pages = {width: (await visit(browser, url))[0] for width in WIDTHS}
        camera = _Camera(company, pages)
        for name, drawn in _sheets():
            if only and name not in only:
                continue
            pictures = [await camera.taken(one) for one in drawn.values()]
            _sheet(pictures).save(IMAGES / f"slack-{name}.png", optimize=True)


def _sheets() -> Iterator[tuple[str, Mapping[str, Drawing]]]:
    """What stands in which picture."""
    yield "cards", {state: bill_card(BILLS[state], samples.user(ANA)) for state in STATES}
    yield "card-by-role", {one.name: bill_card(BILL, samples.user(one)) for one in SEEN_BY}
    for name, rows in SHEETS.items():
        yield name, {row: _of_a_bill(row) for row in rows}
    for role in Role:
        waits = BILLS["held, no_price" if role is Role.FINANCE else "pending"]
        home = homes.full_home(waits, role)
        yield f"home-{role.lower().replace(' ', '-')}", {role: home}
    nothing: dict[str, Drawing] = {role: OTHERS[f"home, nothing, {role}"] for role in Role}
    yield "home-nothing", {**nothing, "no role": OTHERS["stranger's home"]}


def _of_a_bill(row: str) -> Drawing:
    return OF_A_BILL[row](BILLS[FITTING.get(row, "pending")]) if row in OF_A_BILL else OTHERS[row]


@asynccontextmanager
async def _served(company: FakeCompany) -> AsyncIterator[str]:
    server = PageServer(company)
    await server.start()
    try:
        yield server.url
    finally:
        await server.stop()


class _Camera:
    """Shows one drawing after the other to Ana, and takes each at both widths."""

    def __init__(self, company: FakeCompany, pages: Mapping[int, Page]) -> None:
        self._company = company
        self._pages = pages

    async def taken(self, drawn: Drawing) -> list[Image.Image]:
        return [await self._at(page, width, drawn) for width, page in self._pages.items()]

    async def _at(self, page: Page, width: int, drawn: Drawing) -> Image.Image:
        place = self._show(drawn)
        is_dialog = not isinstance(drawn, SlackMessage) and drawn["type"] == "modal"
        height = SCREEN if is_dialog else WHOLE
        await page.set_viewport_size({"width": width, "height": height})
        await page.evaluate("place => { location.hash = place; location.reload(); }", place)
        seen = _seen(page, drawn)
        await seen.wait_for()
        return _scaled(await seen.screenshot(animations="disabled"))

    def _show(self, drawn: Drawing) -> str:
        company = self._company
        for shown in (company.messages, company.stacks, company.homes):
            shown.clear()
        if isinstance(drawn, SlackMessage):
            company.messages["DU1"] = [app_message(NOW, drawn.blocks)]
            return "U1/DU1"
        view = {"id": "V1", **drawn, "blocks": _named(drawn)}
        if drawn["type"] == "home":
            company.homes["U1"] = view
            return "U1/home"
        company.stacks["U1"] = [view]
        return "U1/DU1"


def _named(view: JsonObject) -> list[Any]:
    named = with_ids(view["blocks"])
    return [{**one, **block} for one, block in zip(named, view["blocks"], strict=True)]


def _seen(page: Page, drawn: Drawing) -> Locator:
    if isinstance(drawn, SlackMessage):
        return page.locator(f'[data-ts="{NOW:.6f}"]')
    return page.locator(".home-body" if drawn["type"] == "home" else "dialog.modal")


def _scaled(taken: bytes) -> Image.Image:
    with Image.open(io.BytesIO(taken)) as whole:
        size = (int(whole.width * SCALE), int(whole.height * SCALE))
        return whole.convert("RGB").resize(size, Image.Resampling.LANCZOS)


def _sheet(pictures: list[list[Image.Image]]) -> Image.Image:
    """In columns, the next always in the shortest; a tall one is cut."""
    pairs = [_beside(pair) for pair in pictures]
    columns = min(COLUMNS, len(pairs))
    width = max(one.width for one in pairs) + BETWEEN
    heights, places = [0] * columns, list[tuple[int, int]]()
    for one in pairs:
        column = heights.index(min(heights))
        places.append((column * width, heights[column]))
        heights[column] += one.height + BETWEEN
    sheet = Image.new("RGB", (columns * width - BETWEEN, max(heights) - BETWEEN), GREY)
    for one, place in zip(pairs, places, strict=True):
        sheet.paste(one, place)
    return sheet.quantize(COLOURS, Image.Quantize.FASTOCTREE)


def _beside(pair: list[Image.Image]) -> Image.Image:
    height = min(MOST_HEIGHT, max(one.height for one in pair))
    whole = Image.new("RGB", (sum(one.width for one in pair) + BETWEEN, height), GREY)
    left = 0
    for one in pair:
        whole.paste(one, (left, 0))
        left += one.width + BETWEEN
    return whole


if __name__ == "__main__":
    sys.exit(main())
