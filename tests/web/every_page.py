"""Every page there is, found in the routes themselves, over the demo company."""

import gzip
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import sqlalchemy as sa
from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped]
from fastapi import APIRouter
from fastapi.routing import APIRoute
from playwright.async_api import Page, ViewportSize
from sqlalchemy.ext.asyncio import AsyncSession

from handlers.http.gate import Access, PageRoute
from handlers.web.app import ROUTERS
from models.actions.approve import approve_bill
from models.actions.comment import add_comment
from models.actions.send import send_bill
from models.actions.uploaded_files import look_at_file
from models.actions.usage_links import make_link
from models.actions.void import void_bill
from models.batches.bulk_send import start_send
from models.batches.send_preview import preview_send
from models.bills.bill import Bill
from models.bills.states import State
from models.context import Context
from models.customers.customers import Customer
from models.imports.books import Book
from models.people.sign_in_links import make_sign_in_link
from models.people.users import User
from models.period import Period
from models.settings import BillingSettings, Company
from models.webhooks.events import Event
from models.webhooks.keeping import add_webhook, send_test
from sandbox.demo import KIM, PRIYA, Colleague
from sandbox.metering import spread
from tests.harness.browser_side import Visitor
from tests.harness.drawing import draw_here
from tests.harness.issuing import issue_bill, mark_delivered
from tests.harness.pulled import pull_days
from tests.harness.sources import asked_source

MERIDIAN = Company("Meridian API AG", "5 Bay Road, 8001 Zürich", "CH")
HEAVIEST = 60_000
"""Bytes of a page's HTML and style as they travel."""
WIDE: ViewportSize = {"width": 1440, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}
SMALLEST_PHONE: ViewportSize = {"width": 360, "height": 640}
Theme = Literal["light", "dark"]
SIGHTS: tuple[tuple[ViewportSize, Theme], ...] = (
    (WIDE, "light"),
    (WIDE, "dark"),
    (PHONE, "dark"),
    (PHONE, "light"),
)
"""How each page is looked at, by the shortest way that leads from one to the next page's first."""

BY_COLOUR = {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}
"""What axe looks at anew where nothing but the colours has changed."""

LAYOUT = """() => {
  const {scrollWidth, clientWidth} = document.documentElement;
  const texts = [...document.querySelectorAll("svg text")];
  const boxes = texts.map((text) => [text, text.getBoundingClientRect()]);
  const overlapping = boxes.flatMap(([a, one], at) => boxes.slice(at + 1)
    .filter(([, other]) => one.left < other.right && other.left < one.right
      && one.top < other.bottom - 2 && other.top < one.bottom - 2)
    .map(([b]) => `letters overlap: ${a.textContent} and ${b.textContent}`));
  const empty = [...document.querySelectorAll("select[required] option[value='']")];
  const unsent = empty.filter((one) => !one.text.startsWith("Choose "))
    .map((one) => `no browser sends the choice ${one.text}`);
  const wider = scrollWidth > clientWidth
    ? [`${scrollWidth - clientWidth} px wider than its room`] : [];
  return [...wider, ...overlapping, ...unsent];
}"""
"""What is wider than the page, which letters of charts run into each other, and what can be chosen
but not sent: something required is left out by an empty value.
"""

WIDER = """() => {
  const told = (part) => part.getAttribute("aria-label") || part.querySelector("h1")?.textContent
    || part.tagName;
  return [document.documentElement, ...document.querySelectorAll(".scrolling, dialog")]
    .filter((part) => part.scrollWidth > part.clientWidth)
    .map((part) => `${told(part).slice(0, 60)}: ${part.scrollWidth - part.clientWidth} px`);
}"""
"""What is wider than its room: the page, a dialog, a table."""

VIOLATIONS = """async (options) => (await axe.run(document, {
  resultTypes: ["violations"], preload: false, ...options,
})).violations"""
"""What axe finds. It loads nothing first: that serves its rule on sound, which is never violated
but only to be looked into.
"""

Examples = dict[str, str]


@dataclass(frozen=True)
class Visited:
    """A page by the path of its route, and where an example of it is found."""

    route: PageRoute
    address: str

    @property
    def name(self) -> str:
        """As in "customers-customer_id", for a file."""
        return re.sub(r"\W+", "-", self.route.path).strip("-") or "start"

    def may_open(self, user: User | None) -> bool:
        rule = self.route.rule
        if isinstance(rule, Access):
            return rule is Access.ANYBODY or user is not None
        return user is not None and user.can(rule)


def all_pages(examples: Examples) -> Iterator[Visited]:
    """Every page that can be asked for; KeyError names a parameter that has no example yet."""
    for route in _routes():
        if "GET" in (route.methods or ()):
            own = examples.get(route.path)
            yield Visited(route, own or route.path.format_map(examples))


def _routes() -> Iterator[PageRoute]:
    routers: tuple[APIRouter, ...] = ROUTERS
    for router in routers:
        for route in router.routes:
            assert isinstance(route, APIRoute)
            if isinstance(route, PageRoute):
                yield route


async def demo_examples(session: AsyncSession, last: Period, by: Context) -> Examples:
    """Something of the demo company for every parameter that a page's path has; for a path of its
    own where that is another.
    """
    billed = last.plus(-1)
    bill = await session.scalar(
        sa.select(Bill.id)
        .join(Customer, Customer.id == Bill.customer_id)
        .join(User, User.id == Customer.csm_id)
        .where(Bill.status == State.PENDING, User.name == KIM.name)
    )
    acme = await session.scalar(sa.select(Customer.id).where(Customer.name == "Acme Corp"))
    held = await session.scalar(sa.select(Bill.id).where(Bill.status == State.HELD))
    shown = await preview_send(session, by, period=billed)
    assert shown.id
    await start_send(session, shown.id, by)
    usage = f"customer,year,month,api_usage\nAcme Corp,{last.year},{last.month},1300000\n"
    file = await look_at_file(session, Book.USAGE, "usage.csv", usage.encode(), by)
    webhook, _ = await add_webhook(session, by, "https://8.8.8.8/bills", [*Event])
    delivery = await send_test(session, by, webhook.id)
    pull = await asked_source(session, by, last)
    link = await make_sign_in_link(session, by.user, by.now)
    assert bill and held
    await _tell_days(session, by, bill)
    approved, void = await _approved_and_void(session, by)
    said = await add_comment(session, bill, by, "Is the test traffic in?")
    return {
        "comment_id": str(said.id),
        "delivery_id": str(delivery.id),
        "file_id": str(file.id),
        "pull_id": str(pull.id),
        "source_id": str(pull.source_id),
        "token": link,
        "/u/{token}": await _customers_page(session, by, void),
        "user_id": str(by.user.id),
        "webhook_id": str(webhook.id),
        "bill_id": str(bill),
        "customer_id": str(acme),
        "list_id": str(shown.id),
        "month": str(billed),
        "period": str(billed),
        "/month/{month}/generate": f"/month/{last}/generate",
        "/dashboard/approve": f"/dashboard/approve?bill={bill}-1",
        "/bills/{bill_id}/release": f"/bills/{held}/release",
        "/bills/{bill_id}/send": f"/bills/{approved}/send",
        "/bills/{bill_id}/undo": f"/bills/{approved}/undo",
        "/bills/{bill_id}/reissue": f"/bills/{void}/reissue",
    }


async def _approved_and_void(session: AsyncSession, by: Context) -> tuple[int, int]:
    """Two bills of Priya's customers that she approves: one of them goes out, and is taken back."""
    priya = await session.scalar(sa.select(User).where(User.name == PRIYA.name))
    approved, void = await session.scalars(
        sa.select(Bill)
        .where(Bill.status == State.PENDING, Bill.customer_id.in_(_of(PRIYA)))
        .order_by(Bill.id)
        .limit(2)
    )
    assert priya
    for one in (approved, void):
        await approve_bill(session, one.id, one.version, replace(by, user=priya))
    await _tell_days(session, by, void.id)
    at_once = replace(by, settings=BillingSettings(send_delay_minutes=0, company=MERIDIAN))
    await send_bill(session, void.id, void.version, at_once)
    assert await issue_bill(session, void.id, at_once, draw_here)
    assert await mark_delivered(session, void.id, at_once, "250 OK")
    await void_bill(session, void.id, void.version, by, "It was promised to them")
    return approved.id, void.id


async def _tell_days(session: AsyncSession, by: Context, bill_id: int) -> None:
    """Of the month of a bill, as a meter tells them."""
    bill = await session.get_one(Bill, bill_id)
    days = dict(spread(Period(bill.year, bill.month), bill.api_usage))
    await pull_days(session, by, bill.customer_id, days, "metering")


async def _customers_page(session: AsyncSession, by: Context, bill_id: int) -> str:
    """The path of a link to what is behind its document."""
    reached = replace(by, settings=BillingSettings(public_url="https://bills.example"))
    return urlsplit((await make_link(session, bill_id, reached)).address).path


def _of(csm: Colleague) -> sa.Select[int]:
    """Customers whose bills need no other word than theirs."""
    theirs = sa.select(Customer.id).join(User, User.id == Customer.csm_id)
    return theirs.where(User.name == csm.name, ~Customer.require_sales_approval)


class Watch:
    """What a browser's page complains about, and whom else it asks: until that is taken."""

    def __init__(self, page: Page, base: str) -> None:
        self._faults: list[str] = []
        self._base = base
        page.on("request", lambda asked: self._asked(asked.url))
        page.on("pageerror", lambda error: self._faults.append(str(error)))
        page.on("console", self._said)

    def _asked(self, url: str) -> None:
        if not url.startswith((f"{self._base}/", "data:")):
            self._faults.append(f"asks {url}")

    def _said(self, line: Any) -> None:
        if line.type == "error" and "the server responded with a status of 4" not in line.text:
            self._faults.append(line.text)

    def take(self) -> list[str]:
        taken, self._faults = self._faults, []
        return taken


class Inspection:
    """Looks over what a browser has open; with a folder it leaves pictures there."""

    def __init__(self, page: Page, pictures: str | None = None) -> None:
        self._page = page
        self._pictures = pictures
        self._theme: Theme = "light"

    @classmethod
    async def begin(cls, page: Page, pictures: str | None = None) -> "Inspection":
        """Of whatever is opened there from now on."""
        await page.add_init_script(Axe().axe_script)
        return cls(page, pictures)

    async def look(self, name: str) -> list[str]:
        """What is wrong in either theme at either width.

        All of axe at each width, and what colours decide once more in the dark.
        """
        faults = []
        for size, theme in SIGHTS:
            await self._show(size, theme)
            found = await self.violations(BY_COLOUR if theme == "dark" else {})
            if theme == "light":
                found += await self._page.evaluate(LAYOUT)
            faults += [f"{size['width']} px, {theme}: {one}" for one in found]
            await self._picture(f"{name}-{size['width']}-{theme}")
        return faults

    async def violations(self, options: dict[str, Any]) -> list[str]:
        """What axe has to say against the page."""
        return [_told(one) for one in await self._page.evaluate(VIOLATIONS, options)]

    async def _show(self, size: ViewportSize, theme: Theme) -> None:
        if self._page.viewport_size != size:
            await self._page.set_viewport_size(size)
        if self._theme != theme:
            await self._page.emulate_media(color_scheme=theme)
            self._theme = theme

    async def _picture(self, name: str) -> None:
        if self._pictures:
            path = Path(self._pictures) / f"{name}.png"
            await self._page.screenshot(path=path, full_page=True)


def _told(violation: dict[str, Any]) -> str:
    nodes = "; ".join(node["html"][:120] for node in violation["nodes"][:3])
    return f"{violation['id']}: {violation['help']}: {nodes}"


class Weights:
    """What pages weigh as they travel, each with its style."""

    def __init__(self, visitor: Visitor) -> None:
        self._visitor = visitor
        self._styles: dict[str, int] = {}

    async def too_heavy(self, html: str) -> list[str]:
        [style] = re.findall(r'<link rel="stylesheet" href="([^"]+)"', html)
        if style not in self._styles:
            self._styles[style] = _travelling((await self._visitor.get(style)).text)
        heavy = _travelling(html) + self._styles[style]
        return [f"weighs {heavy:,} bytes"] if heavy > HEAVIEST else []


def _travelling(text: str) -> int:
    return len(gzip.compress(text.encode()))
