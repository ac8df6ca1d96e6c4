"""The last part of a bill's way: its number is taken, its document is mailed, the answer kept."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import structlog

from bot.mail.errors import MailError, MailErrorKind
from bot.mail.message import Email
from bot.mail.smtp import Mailer, Receipt
from bot.settings import Settings
from bot.timings import Timings
from handlers.documents.bill_email import email_subject, email_text
from models.actions.send import issue_bill, issue_due, mark_delivered, mark_send_failed
from models.bills.documents import Draw, OutgoingDocument, outgoing_document
from models.context import Context, Source, system_context
from models.db.columns import Session
from models.db.database import Database
from models.settings import BillingSettings

log = structlog.get_logger()


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
    ) -> None:
        """`draw` makes the documents. Without a `mailer` whatever is to be mailed waits for one."""
        self._db = db
        self._billing = billing
        self._now = now
        self._timings = timings
        self._mailer = mailer
        self._draw = draw

    async def issue(self, bill_id: int) -> None:
        """Take the bill's number and store its document; nothing where it was called back."""
        async with self._db.transaction() as session:
            await issue_bill(session, bill_id, await self._act(session), self._draw)

    async def deliver(self, bill_id: int) -> None:
        """Mail the stored document, outside of any transaction, and record what came of it.

        Trouble that may pass is raised, to be tried again; after a day of it, and at once where
        the letter is refused for good, the bill is back with Finance, number and document kept.
        Whoever ends between the server's yes and its record leaves a letter that is mailed again,
        as the same message.
        """
        async with self._db.transaction() as session:
            document = await outgoing_document(session, bill_id, await self._act(session))
            since = await issue_due(session, bill_id) if document else None
        if document is None or since is None:
            return
        try:
            receipt = await self._mail(document)
        except Exception as error:
            if not self._is_hopeless(error, since):
                raise
            cause = error.code if isinstance(error, MailError) else type(error).__name__
            log.error("bill could not be sent", bill=bill_id, cause=cause)
            await self._record(lambda db, context: mark_send_failed(db, bill_id, context, cause))
            return
        to = ", ".join(receipt.to)
        await self._record(
            lambda db, context: mark_delivered(
                db, bill_id, context, receipt.answer, to, receipt.missing
            )
        )

    def _is_hopeless(self, error: Exception, since: datetime) -> bool:
        """Whether the letter is not tried again. What is the server's matter passes one day."""
        if isinstance(error, MailError) and (error.permanent or error.of_the_server):
            return error.permanent
        return self._now() - since >= timedelta(seconds=self._timings.mail_give_up)

    async def _record(self, write: Callable[[Session, Context], Awaitable[object]]) -> None:
        """Write down what came of a letter, however long somebody else holds its bill.

        It is out, or never will be: what goes wrong here must not have it mailed again.
        """
        for wait_s in (*self._timings.record_again, None):
            try:
                async with self._db.long_transaction() as session:
                    await write(session, await self._act(session))
            except Exception:
                if wait_s is None:
                    raise
                log.exception("the outcome of a letter is not written down yet")
                await asyncio.sleep(wait_s)
            else:
                return

    async def _mail(self, document: OutgoingDocument) -> Receipt:
        if self._mailer is None:
            raise MailError("SMTP_URL and MAIL_FROM are not set.", MailErrorKind.MENDING)
        return await self._mailer.send(
            Email(
                name=document.facts.number,
                to=document.to,
                cc=document.cc,
                subject=email_subject(document.facts),
                text=email_text(document.facts),
                document=document.content,
                media_type=document.media_type,
                date=self._now(),
            )
        )

    async def _act(self, session: Session) -> Context:
        return await system_context(session, self._now(), Source.CLOCK, self._billing)


def mailer_of(settings: Settings) -> Mailer | None:
    """None where the settings name no mail server, or nobody to mail as."""
    server = settings.mail_server
    if server is None or settings.mail_from is None:
        return None
    ca_file = str(settings.smtp_ca_file) if settings.smtp_ca_file else None
    return Mailer(server, settings.mail_from, greet_as=settings.smtp_helo_name, ca_file=ca_file)
