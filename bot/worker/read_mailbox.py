"""The mailbox that answers to letters come to, read every minute by one worker at a time."""

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

import structlog

from bot.mail.errors import MailError
from bot.mail.incoming import name_of_mail, read_mail
from bot.mail.mailbox import Mailbox, OpenMailbox
from bot.settings import Settings
from bot.timings import Timings
from bot.worker.interruption import log_interrupted
from models.actions.incoming import record_mail
from models.context import Source, system_context
from models.db.database import Database
from models.outbox.mailbox import (
    MailboxReading,
    MailPosition,
    ReadingPace,
    end_reading_wait,
    mark_mailbox_read,
    note_mailbox_trouble,
    read_up_to,
    take_reading_turn,
)
from models.settings import BillingSettings

log = structlog.get_logger()

FIRST_LOOK = timedelta(days=14)
"""A mailbox that was never read, or numbers its mails anew, is read from so long ago."""
TRIES = 3
"""A mail that cannot be put down so often is passed over."""


class MailboxReader:
    """Puts what comes back on letters on the record of their bills."""

    def __init__(
        self,
        db: Database,
        mailbox: Mailbox,
        billing: BillingSettings,
        now: Callable[[], datetime],
        timings: Timings,
    ) -> None:
        self._db = db
        self._mailbox = mailbox
        self._billing = billing
        self._now = now
        self._timings = timings
        self._stopping = asyncio.Event()
        self._loop: asyncio.Task[None] | None = None
        self._failed: Counter[MailPosition] = Counter()

    @property
    def _name(self) -> str:
        return self._mailbox.address.name

    async def start(self) -> None:
        """What was amiss may have been mended with the start: it is looked into at once."""
        async with self._db.transaction() as session:
            await end_reading_wait(session, self._name, self._now())
        self._loop = asyncio.create_task(self._keep_looking(), name="mailbox")

    async def stop(self, deadline_s: float) -> None:
        """Look no more; a mail that is being put down has so long to end."""
        self._stopping.set()
        if self._loop is not None:
            await asyncio.wait([self._loop], timeout=deadline_s)
            self._loop.cancel()

    async def _keep_looking(self) -> None:
        while not self._stopping.is_set():
            try:
                await self.look()
            except Exception as error:
                log_interrupted("mailbox interrupted", error)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), self._timings.mailbox)

    async def look(self) -> None:
        """Read what is new, if it is time for that and nobody else does."""
        async with self._db.transaction() as session:
            turn_s = self._timings.mailbox_turn
            reading = await take_reading_turn(session, self._name, self._now(), turn_s)
        if reading is None:
            return
        try:
            await self._read(reading)
        except MailError as error:
            await self._note(error)
            return
        async with self._db.transaction() as session:
            await mark_mailbox_read(session, self._name, self._now(), self._pace)

    async def _read(self, reading: MailboxReading) -> None:
        opened = await asyncio.to_thread(self._mailbox.open)
        try:
            for uid in await asyncio.to_thread(self._new_in, opened, reading):
                if self._stopping.is_set():
                    break
                await self._take(opened, MailPosition(self._name, opened.uid_validity, uid))
        finally:
            await asyncio.to_thread(opened.close)

    def _new_in(self, opened: OpenMailbox, reading: MailboxReading) -> list[int]:
        if opened.uid_validity == reading.uid_validity:
            return opened.uids_after(reading.uid)
        return opened.uids_since((self._now() - FIRST_LOOK).date())

    async def _take(self, opened: OpenMailbox, place: MailPosition) -> None:
        """Put a mail on the record and note that it is read, both or neither.

        What became an action is marked as seen; everything else stays as it was, for people.
        """
        content = await asyncio.to_thread(opened.content, place.uid)
        try:
            recorded = await self._record(place, content or b"")
        except Exception:
            self._failed[place] += 1
            if self._failed[place] < TRIES:
                raise
            log.exception("a mail is passed over", uid=place.uid)
            async with self._db.transaction() as session:
                await read_up_to(session, place)
            return
        if recorded:
            await asyncio.to_thread(opened.mark_seen, place.uid)

    async def _record(self, place: MailPosition, content: bytes) -> bool:
        mail = await asyncio.to_thread(read_mail, content)
        async with self._db.long_transaction() as session:
            if not await read_up_to(session, place) or mail is None:
                return False
            context = await system_context(session, self._now(), Source.CLOCK, self._billing)
            action = await record_mail(session, mail, name_of_mail(content), context)
        return action is not None

    async def _note(self, error: MailError) -> None:
        log.error("the mailbox is not read", cause=error.code, needs_somebody=error.needs_somebody)
        async with self._db.transaction() as session:
            await note_mailbox_trouble(
                session,
                self._name,
                error.code,
                needs_somebody=error.needs_somebody,
                now=self._now(),
                pace=self._pace,
            )

    @property
    def _pace(self) -> ReadingPace:
        times = self._timings
        return ReadingPace(times.mailbox, times.back_off_mending, times.mail_quiet)


def mailbox_of(settings: Settings) -> Mailbox | None:
    """None where the settings name no mailbox."""
    if settings.mailbox is None:
        return None
    return Mailbox(settings.mailbox, str(settings.smtp_ca_file) if settings.smtp_ca_file else None)
