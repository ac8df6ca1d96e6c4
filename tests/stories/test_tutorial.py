"""The tutorial, followed in a browser: each command typed, each button pressed, by whom it names.

With COUNTERSIGN_PICTURES set to a folder, the story leaves the pictures of the documentation there.
"""

import asyncio
import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from models.db.database import Database
from sandbox.__main__ import bot_manifest
from sandbox.demo import STAFF, load
from sandbox.demo import workspace as company
from tests.harness.running import whole_bot, workspace
from tests.harness.slack_people import Clock, Team
from tests.sandbox.page_browser import needs_chromium, visit
from tests.stories.tutorial import Section, dated, sections

pytestmark = [pytest.mark.browser, pytest.mark.long, needs_chromium]

PICTURES = os.environ.get("COUNTERSIGN_PICTURES")
START_S, STOP_S = 60, 30
AT_ONCE = {"SEND_DELAY_MINUTES": "0.2" if PICTURES else "0"}
"""The minute in which a bill can be called back is not waited for; a picture shows that it can."""


@pytest.fixture(autouse=True)
def _locks_in_order() -> None:
    """They are not watched here: the demo company's past is made at one go, in nobody's way."""


class Newcomer:
    """Somebody before the page of `make demo`, with the tutorial in hand."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.address = address
        self.section = Section("", "")

    async def be(self, named: str) -> None:
        await self.look_as(self.section.do(named))

    async def look_as(self, named: str) -> None:
        (person,) = [one for one in STAFF if one.name.startswith(named)]
        switcher = self.page.get_by_test_id("person-switcher")
        await switcher.click()
        await self.page.locator(f"[role=option][data-user={person.slack_id}]").click()
        await expect(switcher).to_contain_text(person.name)

    async def open(self, place: str) -> None:
        await self.page.get_by_role("button", name=re.compile(f"^{place}")).first.click()

    async def type(self, line: str) -> None:
        await self.write(self.section.do(line))

    async def write(self, line: str) -> None:
        await self.page.get_by_test_id("composer").fill(line)
        await self.page.get_by_test_id("composer").press("Enter")

    async def press(self, label: str, within: Locator) -> None:
        await within.get_by_role("button", name=self.section.do(label)).first.click()

    async def confirm(self, label: str) -> None:
        await self.dialog().get_by_role("button", name=label).last.click()

    async def close(self) -> None:
        await self.confirm("Close")
        await expect(self.page.get_by_role("dialog")).to_have_count(0)

    async def reply(self, card: Locator, words: str) -> None:
        await card.hover()
        await self.press("Reply in thread", card)
        await self.page.get_by_test_id("thread-composer").fill(self.section.do(words))
        await self.page.get_by_test_id("thread-composer").press("Enter")

    def dialog(self) -> Locator:
        return self.page.get_by_role("dialog").last

    def last(self, text: str) -> Locator:
        """The newest message that holds this text, of the months of today."""
        return self.page.locator("[data-ts]", has_text=dated(text)).last

    def card(self, title: str) -> Locator:
        begins = re.compile(f"^{re.escape(dated(title))} · #")
        heading = self.page.get_by_role("heading", name=begins)
        return self.page.locator("[data-ts]", has=heading).last

    async def sees(self, where: Locator, *words: str) -> None:
        for one in words:
            await expect(where).to_contain_text(dated(one))

    async def picture(self, name: str) -> None:
        assert f"images/{name}.png" in self.section.text, f"the section has no picture {name}"
        if PICTURES:
            await self.page.screenshot(path=Path(PICTURES) / f"{name}.png")


async def generate_the_month(who: Newcomer) -> None:
    await who.be("Dana")
    await who.type("/bill generate")
    preview = who.last("Preview: October 2026")
    await who.sees(preview, "7 bills for approval", "1 bill to be held", "Old Harbour Foods")
    await who.picture("preview")
    await who.press("Generate", preview)
    await who.sees(who.last("Run by Dana Ortiz"), "made")


async def approve_as_kim(who: Newcomer) -> None:
    await who.be("Kim Lee")
    card = who.card("Acme Corp, October 2026")
    await who.sees(card, "250,000 over × $0.004 = $1,000.00", "September 2026: $820.00 (+22 %)")
    await card.scroll_into_view_if_needed()
    await who.picture("card")
    await who.press("Approve", card)
    await who.sees(who.dialog(), "$1,000.00", "Acme Corp")
    await who.confirm("Approve")
    await who.sees(card, "Approved by Kim Lee")
    await who.open("acme-corp")
    copy = who.card("Acme Corp, October 2026")
    await who.sees(copy, "Approved by Kim Lee")
    await expect(copy.get_by_role("button", name="Approve")).to_have_count(0)
    await who.picture("both-copies")


async def reject_as_kim(who: Newcomer) -> None:
    await who.open("Countersign")
    card = who.card("Blue Heron Logistics, October 2026")
    await who.press("Reject", card)
    await who.dialog().get_by_role("textbox").fill("Their limit went up to 300,000 in October.")
    await who.dialog().get_by_role("button", name="What is wrong?").click()
    await who.page.get_by_role("option", name="The limit is wrong").click()
    await who.picture("reject")
    await who.confirm("Reject")
    await who.sees(card, "Rejected by Kim Lee", "went up to 300,000")
    await who.sees(who.dialog(), "Done")
    await who.close()


async def comment(who: Newcomer) -> None:
    await who.be("Priya Nair")
    card = who.card("Cobalt & Sons, October 2026")
    words = "They asked for <one> invoice & no more"
    await who.reply(card, words)
    await who.sees(card, words)
    await who.picture("thread")
    await who.page.get_by_test_id("thread-composer").fill(who.section.do("approve"))
    await who.page.get_by_test_id("thread-composer").press("Enter")
    offered = who.page.get_by_test_id("thread").locator("[data-ts]").last
    await expect(offered.get_by_role("button", name="Approve")).to_be_visible()
    await expect(card.get_by_role("button", name="Approve")).to_be_visible()


async def undo_and_read_the_history(who: Newcomer) -> None:
    await who.be("Kim")
    card = who.card("Acme Corp, October 2026")
    await who.press("Undo", card)
    await who.sees(who.dialog(), "This takes back", "Kim Lee")
    await who.dialog().get_by_role("textbox").fill("Approved the wrong month.")
    await who.confirm("Undo")
    await who.sees(card, "Waits for Kim Lee", "Undone by Kim Lee")
    await who.sees(who.dialog(), "Done")
    await who.close()
    await who.type("/bill history Acme Corp 2026-10")
    history = who.last("History")
    await who.sees(history, "generated", "approved $1,000.00", "Approved the wrong month.")
    await history.scroll_into_view_if_needed()
    await who.picture("history")


async def see_what_is_refused(who: Newcomer) -> None:
    await who.type("/bill generate")
    await expect(who.last("only Finance may")).to_be_visible()
    await who.be("Dana")
    await who.open("acme-corp")
    card = who.card("Acme Corp, October 2026")
    await who.sees(card, "Approve and Reject: Kim Lee (CSM).")
    await who.press("Approve", card)
    await who.confirm("Approve")
    await expect(who.last("Your role is Finance, which may not approve bills.")).to_be_visible()
    await who.be("Gil Prentice")
    await who.type("/bill list")
    await expect(who.last("guests")).to_be_visible()


async def send_it(who: Newcomer) -> None:
    await who.be("Kim")
    await who.open("Countersign")
    card = who.card("Acme Corp, October 2026")
    await who.press("Approve", card)
    await who.confirm("Approve")
    await who.sees(card, "Approved by Kim Lee")
    await who.be("Dana")
    await who.open("Countersign")
    await who.type("/bill send Acme Corp 2026-10")
    await who.press("Send 1 bill", who.last("billing@acme.example"))
    await who.confirm("Send")
    await expect(who.page.get_by_text("Nothing has been sent yet.")).to_have_count(0)
    await who.sees(who.last("to billing@acme.example."), "Acme Corp, October 2026, $1,000.00, ")
    await who.picture("sent")
    assert who.section.do("Undo")  # there is no time for it here, see AT_ONCE
    await who.open(who.section.do("Mail"))
    await who.page.get_by_role("listitem").get_by_text("billing@acme.example").click()
    await expect(who.page.frame_locator("iframe").get_by_text("Total due")).to_be_visible()
    await expect(who.page.get_by_role("link", name="-000001.pdf")).to_contain_text("kB")
    await who.picture("mail")
    question = "Which key made the calls of the 14th?"
    await ask_as_the_customer(who, question)
    await who.open("acme-corp")
    await who.sees(who.card("Acme Corp, October 2026"), "Sent", "-000001", question)
    await who.open("Countersign")
    await who.type("/bill void Acme Corp 2026-10")
    await who.dialog().get_by_role("textbox").fill("They were promised a free month.")
    await who.confirm("Void")
    await who.sees(who.dialog(), "is void", "credit")
    await who.press("Send", who.dialog())
    await who.confirm("Send")
    await who.sees(who.dialog(), "billing@acme.example")
    await who.close()


async def ask_as_the_customer(who: Newcomer, question: str) -> None:
    """By the link in the letter that is open, as one who has no account."""
    async with who.page.context.expect_page() as opened:
        await who.page.frame_locator("iframe").get_by_role("link", name="/u/csu_").click()
    seen = await opened.value
    await who.sees(seen.get_by_role("main"), "250,000 calls × $0.004", "$1,000.00")
    await seen.get_by_role("textbox", name="Your question").fill(question)
    await seen.get_by_role("button", name=who.section.do("Ask")).click()
    await who.sees(seen.get_by_role("main"), "Your question has been passed on")
    await seen.close()


async def let_nora_in(who: Newcomer) -> None:
    await who.be("Nora Quist")
    await who.type("/bill list")
    await who.press("Request access", who.last("no role in Countersign"))
    await expect(who.last("Finance has been asked")).to_be_visible()
    await who.be("Dana")
    await who.press("Finance", who.last("asks for access"))
    await who.confirm("Give the role")
    await who.sees(who.last("Nora Quist"), "is Finance now")
    await who.look_as("Nora")
    await expect(who.last("bill generate")).to_be_visible()


async def go_on_in_the_browser(who: Newcomer) -> None:
    await who.be("Kim")
    await who.type("/bill web")
    async with who.page.context.expect_page() as opened:
        await who.press("Open the web pages", who.last("This signs you in"))
    web = await opened.value
    await expect(web.get_by_role("heading", name="Sign in as Kim Lee?")).to_be_visible()
    await web.get_by_role("button", name=who.section.do("Sign in")).click()
    await expect(web.get_by_role("link", name="Set a password")).to_be_visible()
    await expect(web.get_by_role("heading", name="Bills")).to_be_visible()
    await expect(web.get_by_role("link", name="Old Harbour Foods")).to_be_visible()
    await web.close()


async def release_a_held_bill(who: Newcomer) -> None:
    await who.be("Dana")
    await who.open("Countersign")
    await who.write("/bill generate")
    await who.last("Preview:").get_by_role("button", name="Generate").click()
    await who.sees(who.last("Run by Dana Ortiz"), "made")
    await who.type("/bill list held")
    await expect(who.last("Cobalt & Sons")).to_be_visible()
    await who.page.get_by_test_id("app-home").click()
    await expect(who.page.get_by_text("Cobalt & Sons").first).to_be_visible()
    assert who.section.do("Release")
    await who.open("Countersign")
    await who.type("/bill release Cobalt & Sons 2026-10")
    await who.dialog().get_by_role("textbox").fill("They moved a plant to us.")
    await who.confirm("Release")
    await who.sees(who.dialog(), "Done")
    await who.close()
    await who.look_as("Sam")
    await who.sees(who.card("Cobalt & Sons, October 2026"), "Waits for")


async def prove_it(who: Newcomer) -> None:
    asking, verifying = sorted(who.section.asks_for, key=lambda line: "verify" in line)
    assert "http://localhost:3000/_control/state" in who.section.do(asking)
    state = json.loads(await asyncio.to_thread(answer, f"{who.address}_control/state"))
    given, program, *words = shlex.split(who.section.do(verifying))
    assert (given.partition("=")[0], program) == ("DATABASE_URL", ".venv/bin/countersign")
    command = [sys.executable, "-m", "bot", *words]
    env = os.environ | {"DATABASE_URL": state["database_url"]}
    said = await asyncio.to_thread(subprocess.run, command, env=env, capture_output=True, text=True)
    assert (said.returncode, said.stderr) == (0, "")
    assert "as it was written" in said.stdout


FOLLOWED: dict[str, Callable[[Newcomer], Awaitable[None]]] = {
    "Generate the month": generate_the_month,
    "Approve as Kim": approve_as_kim,
    "Reject as Kim": reject_as_kim,
    "Comment": comment,
    "Undo, and read the history": undo_and_read_the_history,
    "See what is refused": see_what_is_refused,
    "Send it": send_it,
    "Let Nora in": let_nora_in,
    "Go on in the browser": go_on_in_the_browser,
    "Release a held bill": release_a_held_bill,
    "Prove it": prove_it,
}


async def test_every_step_of_the_tutorial_does_what_it_says(browser: Browser, db: Database) -> None:
    start, *others = sections()
    assert [section.title for section in others] == [*FOLLOWED]
    at = [*FOLLOWED].index("Release a held bill")
    first, second = others[:at], others[at:]
    with demo(AT_ONCE) as (address, said):
        (output,) = [block for block in start.fenced if block.startswith("Open ")]
        port = address.rstrip("/").rpartition(":")[2]
        assert dated(output).replace("3000", port) in said()
        await follow(browser, address, first)
    line = second[0].do("HOLD_JUMP_FACTOR=2 make demo")
    name, _, value = line.split()[0].partition("=")
    async with demo_here(db, {name.lower(): float(value)}) as address:
        await follow(browser, address, second)


async def follow(browser: Browser, address: str, steps: list[Section]) -> None:
    page, complaints = await visit(browser, address)
    await page.set_viewport_size({"width": 1280, "height": 900})
    newcomer = Newcomer(page, address)
    for section in steps:
        newcomer.section = section
        await FOLLOWED[section.title](newcomer)
        assert section.left_out == set(), section.title
    assert complaints == []
    await page.context.close()


@contextmanager
def demo(settings: dict[str, str]) -> Iterator[tuple[str, Callable[[], str]]]:
    """`make demo` while the block lasts: where its page is, and what it has said so far."""
    port, web_port = free_port(), free_port()
    command = [sys.executable, "-m", "sandbox", "--no-browser", "--port", f"{port}"]
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            [*command, "--web-port", f"{web_port}"],
            env=os.environ | settings, stdout=output, stderr=subprocess.DEVNULL,
        )  # fmt: skip

        def said() -> str:
            return os.pread(output.fileno(), 10_000, 0).decode()

        try:
            wait_for(lambda: "As Dana" in said())
            yield f"http://localhost:{port}/", said
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(STOP_S) == 0


@asynccontextmanager
async def demo_here(db: Database, settings: dict[str, float]) -> AsyncIterator[str]:
    """What the demo begins anew, in this process: that it starts, and hands to the bot what is set,
    has been seen by then.
    """
    now = datetime.now(UTC)
    await load(db, now)
    async with workspace(company(), manifest=bot_manifest()) as sandbox:
        sandbox.database_url = db.url
        async with whole_bot(Team(sandbox, db, Clock(now)), **settings):
            yield f"{sandbox.base_url}/"


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def answer(address: str) -> bytes:
    with urllib.request.urlopen(address, timeout=5) as answered:
        return answered.read()


def wait_for(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + START_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)
