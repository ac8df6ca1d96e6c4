"""Whether the mail server takes letters of ours: before numbers are taken, and before each one."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import structlog

from bot.mail.errors import MailError, MailErrorKind
from bot.mail.slots import Slots
from bot.mail.smtp import DryMailer, Mailer
from bot.timings import Timings
from bot.worker.letter_outcomes import LetterOutcomes
from models.context import Context
from models.db.columns import Session
from models.db.database import Database
from models.outbox.mail_pause import (
    MailPause,
    Pacing,
    end_pause,
    end_wait,
    find_pause,
    has_issued_waiting,
    leave_turn,
    pause_mail,
    resume_mail,
    take_turn,
    wake_mail,
)

log = structlog.get_logger()
NO_MAILER = "SMTP_URL and MAIL_FROM are not set."


class MailGate:
    """One pause holds all letters, of all workers. When it is over, one of them tries."""

    def __init__(
        self,
        db: Database,
        now: Callable[[], datetime],
        timings: Timings,
        mailer: Mailer | None,
        outcomes: LetterOutcomes,
    ) -> None:
        self._db = db
        self._now = now
        self._timings = timings
        self._mailer = mailer
        self._outcomes = outcomes
        self._heard_at: datetime | None = None
        self._ended_pause = False
        self.slots = Slots()

    async def start(self) -> None:
        """What was amiss may have been mended with the start: it is tried at once."""
        async with self._db.transaction() as session:
            if isinstance(self._mailer, DryMailer):
                await end_pause(session)
            else:
                await end_wait(session, self._now())

    @asynccontextmanager
    async def letter(self) -> AsyncIterator[None]:
        """One of as many as there may be at once."""
        async with self.slots.one():
            try:
                yield
            except MailError:
                await self._wake_late()
                raise
            await self._wake_late()

    async def _wake_late(self) -> None:
        """Whoever still saw the pause when a letter ended it, and put down only then that they wait
        for its end, would wait that long.
        """
        if self._ended_pause:
            self._ended_pause = False
            await asyncio.sleep(self._timings.mail_late)
            await self._outcomes.record(lambda db, _: wake_mail(db))

    async def knock(self) -> MailError | None:
        """Greet the server, unless it was heard of lately; what keeps it from letting us in.

        What has a number cannot be called back: so none is taken before that.
        """
        lately = timedelta(seconds=self._timings.mail_heard)
        if self._heard_at is not None and self._now() - self._heard_at < lately:
            return None
        async with self._db.transaction() as session:
            may_try, held = await self._turn_to_issue(session)
        if not may_try:
            return held
        refused = await self._greet()
        if refused is None and held is not None:
            async with self._db.transaction() as session:
                await leave_turn(session, self._now())
        return refused

    async def lets_issue(self, session: Session, bills: int) -> tuple[int, MailError | None]:
        """How many of so many bills may take their numbers now, and what holds the others.

        While mail pauses none may; when that is over, a bill that has its number is the one to try.
        Where there is none, one takes it, and leaves the turn to its letter.
        """
        may_try, held = await self._turn_to_issue(session)
        if not may_try or held is None:
            return (bills if may_try else 0), held
        await leave_turn(session, self._now())
        return 1, held

    async def _turn_to_issue(self, session: Session) -> tuple[bool, MailError | None]:
        """Whether it may be tried now, and the pause that holds all others, if there is one."""
        pause = await find_pause(session)
        if pause is None:
            return True, None
        held = self._held(pause)
        is_first = not await has_issued_waiting(session)
        return is_first and await self._take_turn(session) is None, held

    async def _greet(self) -> MailError | None:
        began = self._now()
        try:
            if self._mailer is None:
                raise MailError(NO_MAILER, MailErrorKind.MENDING)
            async with self.slots.connections:
                await self._mailer.greet()
        except MailError as error:
            return await self.pause(error, began)
        self._heard_at = self._now()
        return None

    async def held(self, session: Session) -> MailError | None:
        """What holds a letter; None where it may be tried."""
        pause = await self._take_turn(session)
        return self._held(pause) if pause is not None else None

    async def listens(self) -> None:
        """The server answers for letters: if there was a pause it is over."""
        self._heard_at = self._now()
        if not self.slots.is_proven:
            self.slots.is_proven = True
            await self._outcomes.record(self._resume)

    async def _resume(self, session: Session, _: Context) -> None:
        self._ended_pause = await resume_mail(session)

    async def pause(self, error: MailError, began: datetime) -> MailError:
        """The server took nothing at a try that `began` then; returns what holds all letters."""
        self._distrust()
        mending = error.needs_somebody
        times = self._timings
        pacing = Pacing(
            first=times.mail_pause if mending else times.back_off_first,
            longest=times.back_off_mending if mending else times.back_off_longest,
            quiet=times.mail_quiet,
        )
        log.error("no mail goes out", cause=error.code, needs_somebody=mending)
        async with self._db.transaction() as session:
            pause = await pause_mail(
                session,
                error.code,
                needs_somebody=mending,
                began=began,
                now=self._now(),
                pacing=pacing,
            )
            return self._held(pause)

    def _distrust(self) -> None:
        self.slots.is_proven = False
        self._heard_at = None

    async def _take_turn(self, session: Session) -> MailPause | None:
        if await find_pause(session) is None:
            return None
        self._distrust()
        return await take_turn(session, self._now(), self._timings.mail_turn)

    def _held(self, pause: MailPause) -> MailError:
        """All wait for the end of the pause, and a little more, lest they all come at once."""
        kind = MailErrorKind.MENDING if pause.needs_somebody else MailErrorKind.SERVER
        wait_s = max(0.0, (pause.until - self._now()).total_seconds())
        wait_s += random.uniform(0, self._timings.back_off_first)
        return MailError(pause.cause, kind, retry_after_s=wait_s)
