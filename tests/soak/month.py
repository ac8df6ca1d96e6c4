"""A month's bills, generated and posted by a bot that is killed again and again."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from signal import SIGKILL, SIGSTOP, Signals
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from models.db.database import Database
from models.period import Period
from sandbox.__main__ import bot_manifest
from sandbox.fake_slack.app import serve
from sandbox.fake_slack.sandbox import Sandbox
from sandbox.fake_slack.shapes import JsonObject
from tests.harness.slack_people import element
from tests.harness.watched_slack import WatchedSandbox
from tests.soak.audit import OPEN, audit
from tests.soak.company import FINANCE, Company
from tests.soak.process import Bot, BotDied, bot_process

PATIENCE_S = 120.0
PATIENCE_A_BILL_S = 0.4
ADOPTED = "message found, not sent again"
RESCUED = "job rescued"


@dataclass(frozen=True)
class Blow:
    """A signal to the bot once it has worked for so long since the click (the time it is down does
    not count), and so many messages stand in Slack; `generating`: while it generates, which waits
    for the blow. SIGSTOP lasts for `pause_s`; from other signals it does not recover.
    """

    worked_s: float = 0.0
    messages: int = 0
    signal: Signals = SIGKILL
    pause_s: float = 0.0
    generating: bool = False


class Stage(StrEnum):
    """What a blow interrupted."""

    CLICK = "the click"
    GENERATION = "generation"
    POSTING = "posting"


@dataclass
class Outcome:
    """How it went. `working_s` counts from the click, without the time the bot was down; `exits`
    are the statuses that the blows led to.
    """

    violations: list[str] = field(default_factory=list)
    stages: Counter[Stage] = field(default_factory=Counter)
    exits: list[int] = field(default_factory=list)
    logged: Counter[str] = field(default_factory=Counter)
    whole_s: float = 0.0
    working_s: float = 0.0


class Month:
    """One company, its Slack and its bot, for one month's bills."""

    def __init__(self, company: Company, db: Database, sandbox: WatchedSandbox, bot: Bot) -> None:
        self._company = company
        self._db = db
        self._sandbox = sandbox
        self._bot = bot
        self._outcome = Outcome()
        self._preview: JsonObject = {}
        self._resumed = 0.0

    async def play(self, blows: Sequence[Blow]) -> Outcome:
        """Somebody generates; the bot is struck down, and started again at once, until all is
        done. Blows that come later than that are not dealt.
        """
        begun = time.monotonic()
        try:
            async with asyncio.timeout(PATIENCE_S + PATIENCE_A_BILL_S * self._company.bills):
                await self._type_the_command()
                await self._take(blows)
                await self._click_until_it_runs()
                await self._settle()
        except (TimeoutError, BotDied) as error:
            self._outcome.violations.append(f"it never ended: {error!r}")
        self._outcome.whole_s = time.monotonic() - begun
        self._outcome.logged = self._bot.logged()
        self._outcome.violations += await audit(self._db, self._sandbox, self._company)
        return self._outcome

    async def _take(self, blows: Sequence[Blow]) -> None:
        click: asyncio.Task[None] | None = None
        for blow in blows:
            async with self._kept_waiting(blow):
                click = click or asyncio.create_task(self._click())
                if not await self._comes(blow):
                    break
                await self._deal(blow)
            if not await self._runs():
                await click
                click = asyncio.create_task(self._click_until_it_runs())
            self._resumed = time.monotonic()
        await (click or self._click())

    @asynccontextmanager
    async def _kept_waiting(self, blow: Blow) -> AsyncIterator[None]:
        """No bill can be made meanwhile, where the blow is to come before that."""
        if not blow.generating:
            yield
            return
        async with self._db.long_transaction() as session:
            await session.execute(sa.text("select from customers for update"))
            yield

    async def _deal(self, blow: Blow) -> None:
        """Returns as soon as the bot is at work again."""
        if blow.signal is SIGSTOP:
            await self._bot.freeze(blow.pause_s)
        else:
            self._outcome.exits.append(await self._bot.strike(blow.signal))
        self._outcome.working_s += time.monotonic() - self._resumed
        self._outcome.stages[await self._stage() or Stage.POSTING] += 1
        if blow.signal is not SIGSTOP:
            await self._bot.start()
            await self._bot.awake()

    async def _comes(self, blow: Blow) -> bool:
        """Wait for its moment; False if everything was done before."""
        worked_s = self._outcome.working_s + time.monotonic() - self._resumed
        await asyncio.sleep(blow.worked_s - worked_s)
        while stage := await self._stage():
            begun = stage is Stage.GENERATION or not blow.generating
            if begun and messages(self._sandbox) >= blow.messages:
                return True
            await asyncio.sleep(0.02)
        return False

    async def _type_the_command(self) -> None:
        """The preview is there; from now on time counts."""
        dm = self._sandbox.dm(FINANCE)
        done = await self._sandbox.command(FINANCE, dm, "/bill", "generate")
        assert done["ok"], done
        (self._preview,) = self._sandbox.messages(dm, FINANCE)
        self._resumed = time.monotonic()

    async def _click(self) -> None:
        """What becomes of it shows in the database, not in the answer: a kill may take that."""
        dm, button = self._sandbox.dm(FINANCE), element(self._preview, "Generate")
        await self._sandbox.interact(FINANCE, dm, self._preview["ts"], button)

    async def _click_until_it_runs(self) -> None:
        """A click that died with the bot is repeated, as people do."""
        while not await self._runs():
            await self._bot.connected()
            await self._click()

    async def _settle(self) -> None:
        while any(await self._open()):
            self._bot.refuse_death()
            await asyncio.sleep(0.05)
        self._outcome.working_s += time.monotonic() - self._resumed

    async def _stage(self) -> Stage | None:
        """What the bot is at; None once nothing is left to do."""
        if not await self._runs():
            return Stage.CLICK
        left = await self._open()
        if left.runs:
            return Stage.GENERATION
        return Stage.POSTING if any(left) else None

    async def _runs(self) -> bool:
        async with self._db.transaction() as session:
            return bool(await session.scalar(sa.text("select exists (select from bill_runs)")))

    async def _open(self) -> Any:
        async with self._db.transaction() as session:
            return (await session.execute(OPEN)).one()


def messages(sandbox: Sandbox) -> int:
    """How many stand in Slack, threads included, private answers not."""
    return sum(len(place.messages) for place in sandbox.workspace.conversations.values())


async def play(company: Company, database_url: str, blows: Sequence[Blow]) -> Outcome:
    """The whole of it, on a migrated and empty database."""
    db = Database(database_url)
    period = Period.last_closed(datetime.now(UTC), ZoneInfo("UTC"))
    try:
        async with db.long_transaction() as session:
            await company.furnish(session, period)
        settings = {"workspace": company.workspace(), "manifest": bot_manifest()}
        slack = WatchedSandbox(**settings, rate_limits=False)
        async with (
            serve(slack),
            bot_process(slack, database_url) as bot,
        ):
            return await Month(company, db, slack, bot).play(blows)
    finally:
        await db.close()
