"""The last part of a bill's way: its number is taken, its document is mailed, the answer kept."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

import structlog

from bot.mail.doubts import Doubts, Verdict
from bot.mail.errors import MailError, MailErrorKind, said_to_all
from bot.mail.message import Email
from bot.mail.smtp import DryMailer, Mailer, NotMailed, Receipt, recipients_of
from bot.metrics import LETTERS
from bot.settings import Settings
from bot.timings import Timings
from bot.worker.batcher import Batcher
from bot.worker.letter_outcomes import LetterOutcomes
from bot.worker.mail_gate import NO_MAILER, MailGate
from bot.worker.pace import Pace
from handlers.documents.bill_email import BillEmail
from models.actions.issue import issue_bills
from models.actions.mail_trouble import note_missing, note_trouble, sent_at
from models.actions.send import Delivered, mark_not_mailed, mark_send_failed
from models.bills.deliveries import Delivery, Missing, deliveries_of, delivery_of
from models.bills.documents import Draw, OutgoingDocument, outgoing_document, outgoing_documents
from models.bills.states import State
from models.context import Context, Source, system_context
from models.db.columns import Session
from models.db.database import Database
from models.outbox.mail_pause import find_pause
from models.settings import BillingSettings

log = structlog.get_logger()


class _Letter(NamedTuple):
    """What is to be mailed, which was handed over `unheard` times without an answer."""

    document: OutgoingDocument
    unheard: int


class BillDelivery:
    """Issues bills when their delay is over, and mails what was issued."""

    def __init__(
        self,
        db: Database,
        billing: BillingSettings,
        now: Callable[[], datetime],
        timings: Timings,
        mailer: Mailer | None,
        draw: Draw,
        stopping: asyncio.Event,
    ) -> None:
        """`draw` makes the documents. Without a `mailer` whatever is to be mailed waits for one."""
        self._db = db
        self._billing = billing
        self._now = now
        self._timings = timings
        self._mailer = mailer
        self._draw = draw
        self._doubts = Doubts()
        self._pace = Pace(db, timings.mail_gap, stopping)
        self._issuing = Batcher(self._issue)
        self._reading = Batcher(self._read)
        self._outcomes = LetterOutcomes(db, billing, now, timings.record_again)
        self._gate = MailGate(db, now, timings, mailer, self._outcomes)

    async def start(self) -> None:
        """What was amiss may have been mended with the start: it is tried at once."""
        await self._gate.start()

    async def issue(self, bill_id: int) -> None:
        """Take the bill's number and store its document; nothing where it was called back.

        Those that come at the same moment are issued together, in the order in which they came, so
        that they are drawn beside each other. While no mail goes out no number is taken either, so
        that it can still be called back.
        """
        held = await self._issuing.ask(bill_id)
        if held is not None:
            raise held

    async def _issue(self, bill_ids: Sequence[int]) -> Sequence[MailError | None]:
        held = await self._gate.knock()
        if held is not None:
            return [held] * len(bill_ids)
        async with self._db.transaction() as session:
            free, held = await self._gate.lets_issue(session, len(bill_ids))
            if free:
                await issue_bills(session, bill_ids[:free], await self._act(session), self._draw)
        return [None] * free + [held] * (len(bill_ids) - free)

    async def deliver(self, bill_id: int) -> None:
        """Mail the stored document, outside of any transaction, and record what came of it.

        Trouble that may pass is raised, to be tried again. The bill is back with Finance, number
        and document kept, where the letter is refused for good, or for now for a whole day, or was
        handed over again and again without an answer; never where no letter would be taken.
        Whoever ends between the server's yes and its record leaves a letter that is mailed again,
        as the same message.
        """
        async with self._gate.letter():
            await self._pace.keep(self._now())
            letter = await self._reading.ask(bill_id)
            if isinstance(letter, MailError):
                raise letter
            if letter is None:
                return
            try:
                receipt = await self._try(bill_id, letter.document)
            except NotMailed as dry:
                to = dry.to
                await self._outcomes.record(
                    lambda db, context: mark_not_mailed(db, bill_id, context, to)
                )
                LETTERS.labels("dry_run").inc()
                return
            except MailError as error:
                await self._note(bill_id, error, letter)
                return
            told = Delivered(bill_id, receipt.answer, ", ".join(receipt.to), receipt.missing)
            await self._outcomes.delivered(told)
            LETTERS.labels("delivered").inc()

    async def _read(self, bill_ids: Sequence[int]) -> Sequence["_Letter | MailError | None"]:
        """What is to be mailed of each: None where nothing is, or what holds it."""
        async with self._db.transaction() as session:
            documents = await outgoing_documents(session, bill_ids, await self._act(session))
            deliveries = await deliveries_of(session, list(documents))
            is_paused = await find_pause(session) is not None
            found = dict[int, _Letter | MailError]()
            for bill_id, document in documents.items():
                delivery = deliveries.get(bill_id)
                held = self._not_due(delivery)
                if held is None and is_paused:
                    held = await self._gate.held(session)
                found[bill_id] = held or _Letter(document, delivery.unheard if delivery else 0)
        return [found.get(bill_id) for bill_id in bill_ids]

    async def send_copies(self, bill_id: int) -> None:
        """Mail the same message to those who may take it by now; after a day they are left out."""
        async with self._gate.letter():
            await self._pace.keep(self._now())
            async with self._db.transaction() as session:
                act = await self._act(session)
                document = await outgoing_document(session, bill_id, act, State.SENT)
                delivery = await delivery_of(session, bill_id)
                if document is None or delivery is None or not delivery.later:
                    return
                tired = self._now() - await sent_at(session, bill_id) >= self._give_up
                missing = [Missing(**one) for one in delivery.missing]
                held = await self._gate.held(session)
            if held is not None:
                raise held
            await self._send_copies(bill_id, document, missing, tired=tired)

    async def _send_copies(
        self, bill_id: int, document: OutgoingDocument, missing: Sequence[Missing], *, tired: bool
    ) -> None:
        asked = [one for one in missing if one.later]
        others = [one for one in missing if not one.later]
        trouble: MailError | None = None
        try:
            addresses = frozenset(one.address for one in asked)
            receipt = await self._try(bill_id, document, addresses)
            left = [one for one in receipt.missing if one.address in addresses]
        except NotMailed:
            raise MailError("It is a dry run.", MailErrorKind.LATER) from None
        except MailError as error:
            if error.of_the_server:
                raise
            trouble = error
            later = error.kind is MailErrorKind.LATER
            left = [Missing(one.address, error.code, later) for one in asked]
        if tired:
            left = [replace(one, later=False) for one in left]
        await self._outcomes.record(lambda db, _: note_missing(db, bill_id, [*others, *left]))
        if any(one.later for one in left):
            raise trouble or MailError("A copy is not taken yet.", MailErrorKind.LATER)

    async def _try(
        self, bill_id: int, document: OutgoingDocument, only: frozenset[str] | None = None
    ) -> Receipt:
        """Hand the letter over; where no letter would be taken, all of them pause."""
        began = self._now()
        domain = document.to.rpartition("@")[2].rstrip(">").lower()
        try:
            async with self._gate.slots.connections:
                receipt = await self._mail(document, only)
        except MailError as answered:
            error = answered
            if error.in_doubt and only is None:
                error = await self._judged(bill_id, domain, error)
            if error.of_the_server:
                cause = said_to_all(error.code, recipients_of(document.to, document.cc))
                raise await self._gate.pause(MailError(cause, error.kind), began) from None
            if not error.in_doubt:
                await self._gate.listens()
            raise error from None
        self._doubts.taken(bill_id, domain)
        await self._gate.listens()
        return receipt

    async def _judged(self, bill_id: int, domain: str, error: MailError) -> MailError:
        """Whether it is this letter alone that the server does not take, as far as that shows by
        now. What already waits for somebody to mend it goes on waiting.
        """
        ours = error.if_ours
        assert ours is not None
        needs_somebody = ours is MailErrorKind.MENDING
        async with self._db.transaction() as session:
            pause = await find_pause(session)
        if needs_somebody and pause is not None and pause.needs_somebody:
            return MailError(error.code, ours)
        verdict = self._doubts.not_taken(bill_id, domain)
        if verdict is Verdict.ALL:
            return MailError(error.code, ours)
        if verdict is Verdict.THIS_ONE:
            return MailError(error.code, error.kind)
        again_s = self._timings.mail_pause if needs_somebody else self._timings.back_off_first
        return MailError(error.code, MailErrorKind.LATER, retry_after_s=again_s, if_ours=ours)

    async def _note(self, bill_id: int, error: MailError, letter: _Letter) -> None:
        """Show what keeps the letter, and raise it where it is tried again."""
        if error.of_the_server:
            raise error
        document, unheard = letter
        gaps, retry_after_s = self._timings.mail_unheard, error.retry_after_s
        is_unheard = error.kind is MailErrorKind.UNKNOWN
        if is_unheard and unheard < len(gaps):
            retry_after_s = gaps[unheard]
        hopeless = (
            error.permanent
            or (is_unheard and retry_after_s is None)
            or self._now() - document.since >= self._give_up
        )
        unheard += is_unheard
        LETTERS.labels("failed" if hopeless else "put_off").inc()
        if hopeless:
            cause = f"It may have arrived. {error.code}" if unheard else error.code
            log.error("bill could not be sent", bill=bill_id, cause=cause)
            await self._outcomes.record(
                lambda db, context: mark_send_failed(db, bill_id, context, cause, document.to)
            )
            return
        next_at = self._now() + timedelta(seconds=retry_after_s or 0) if is_unheard else None
        await self._outcomes.record(
            lambda db, context: note_trouble(db, bill_id, error.code, unheard, next_at)
        )
        raise MailError(error.code, error.kind, retry_after_s=retry_after_s)

    def _not_due(self, delivery: Delivery | None) -> MailError | None:
        """What may have arrived is not mailed again before its time, whatever brought the job."""
        if delivery is None or delivery.next_at is None or delivery.next_at <= self._now():
            return None
        wait_s = (delivery.next_at - self._now()).total_seconds()
        return MailError(delivery.trouble or "", MailErrorKind.UNKNOWN, retry_after_s=wait_s)

    @property
    def _give_up(self) -> timedelta:
        return timedelta(seconds=self._timings.mail_give_up)

    async def _mail(self, document: OutgoingDocument, only: frozenset[str] | None) -> Receipt:
        if self._mailer is None:
            raise MailError(NO_MAILER, MailErrorKind.MENDING)
        words = BillEmail.about(document.facts)
        return await self._mailer.send(
            Email(
                mail_id=document.mail_id,
                sender=document.sender,
                name=document.facts.number,
                to=document.to,
                cc=document.cc,
                subject=words.subject,
                text=words.text,
                html=words.html,
                document=document.content,
                media_type=document.media_type,
                date=document.since,
            ),
            only,
        )

    async def _act(self, session: Session) -> Context:
        return await system_context(session, self._now(), Source.CLOCK, self._billing)


def mailer_of(settings: Settings) -> Mailer | None:
    """None where the settings name no mail server, or nobody to mail as."""
    server = settings.mail_server
    if settings.email_dry_run and settings.mail_from is not None:
        return DryMailer(settings.mail_from)
    if server is None or settings.mail_from is None:
        return None
    ca_file = str(settings.smtp_ca_file) if settings.smtp_ca_file else None
    return Mailer(server, settings.mail_from, greet_as=settings.smtp_helo_name, ca_file=ca_file)
