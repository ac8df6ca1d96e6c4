"""What comes back by mail is read from a real mailbox, and stands on the bill, once."""

import asyncio
import smtplib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from bot.mail.imap_url import MailboxAddress
from bot.mail.mailbox import Mailbox
from bot.timings import Timings
from bot.worker.message_content import content_of
from bot.worker.read_mailbox import MailboxReader
from handlers.slack.blocks.card import bill_card
from models.actions.incoming import MAILS_OF_A_BILL
from models.bills.documents import issued_document
from models.db.database import Database
from models.outbox.delivery import next_due
from models.outbox.messages import user_recipient
from models.queries.bill_loader import load_bill_details
from models.settings import BillingSettings
from tests.bot.helpers import rows
from tests.harness.billing import approved, go_out
from tests.harness.cast import People
from tests.harness.mail_servers import PASSWORD, Store
from tests.harness.returned_mail import message_id, reply, status_report
from tests.harness.slack_people import NOW

_LONG_AGO = sa.text(
    "update messages set created_at = created_at - interval '1 hour' where kind = :kind"
)
USER = "billing"
TIMINGS = Timings()


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> Any:
        return self.now

    def pass_a_minute(self) -> None:
        self.now += timedelta(seconds=TIMINGS.mailbox)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def address(store: Store, **changes: Any) -> MailboxAddress:
    known = MailboxAddress("localhost", store.imaps, USER, PASSWORD)
    return replace(known, **changes)


def reader(
    db: Database, store: Store, clock: Clock, ca_file: Path | None = None, **changes: Any
) -> MailboxReader:
    mailbox = Mailbox(address(store, **changes), str(ca_file or store.ca_file))
    return MailboxReader(db, mailbox, BillingSettings(), clock, TIMINGS)


def bring(store: Store, *mails: bytes) -> None:
    with smtplib.LMTP("127.0.0.1", store.lmtp) as bringing:
        for mail in mails:
            sender = "" if b"MAILER-DAEMON" in mail else "jane@acme.example"
            bringing.sendmail(sender, [f"{USER}@mail.example"], mail)


def unread(store: Store) -> list[bytes]:
    """What nobody has opened yet, as the mailbox keeps it on disk."""
    box = store.root.path / "boxes" / USER / "Maildir"
    found = [*box.glob("new/*"), *(one for one in box.glob("cur/*") if "S" not in one.name[-4:])]
    return [one.read_bytes() for one in found]


async def sent_bill(db: Database, people: People) -> tuple[int, str]:
    """A bill that has gone out, and the Message-ID of its letter."""
    async with db.transaction() as session:
        bill = await approved(session, people)
        await go_out(session, people, bill)
        document = await issued_document(session, bill.id)
        assert document is not None
        assert document.mail_id is not None
        return bill.id, message_id(document.mail_id)


async def came_back(db: Database, bill_id: int) -> list[Any]:
    """What was put on the record since it went out."""
    found = await rows(
        db,
        "select action, comment, bill_version, snapshot, source from bill_actions"
        " where bill_id = :id order by id",
        id=bill_id,
    )
    out = max(at for at, row in enumerate(found) if row.action == "deliver")
    return found[out + 1 :]


async def card_text(db: Database, bill_id: int) -> str:
    async with db.transaction() as session:
        (facts,) = await load_bill_details(session, [bill_id])
    return str(bill_card(facts).blocks)


async def told(db: Database, people: People, kind: str) -> list[str]:
    """What Ana is told of that kind, once nothing more was added for a while."""
    async with db.transaction() as session:
        recipient = user_recipient(people.ana.id)
        await session.execute(_LONG_AGO, {"kind": kind})
        drawn = []
        passed: list[int] = []
        while (message := await next_due(session, recipient, passed)) is not None:
            passed.append(message.id)
            content = await content_of(session, message) if message.kind == kind else None
            drawn += [str(content.draw().blocks)] if content else []
        return drawn


async def test_a_report_is_told_to_finance_and_stands_on_a_bill_that_stays_sent(
    db: Database, people: People, store: Store, clock: Clock
) -> None:
    bill_id, letter = await sent_bill(db, people)
    (before,) = await rows(db, "select * from bills where id = :id", id=bill_id)
    other = b"Subject: Lunch?\r\n\r\nAt noon.\r\n"
    bring(store, other, status_report(letter), status_report(letter, action="delayed"))

    await reader(db, store, clock).look()

    (bounce,) = await came_back(db, bill_id)
    assert (bounce.action, bounce.snapshot["to"]) == ("bounce", "pay@acme.example")
    assert bounce.snapshot["failure"].startswith("550 5.1.1 <pay@acme.example>")
    (after,) = await rows(db, "select * from bills where id = :id", id=bill_id)
    assert after == before
    card = await card_text(db, bill_id)
    assert "Reported not to have arrived at pay@acme.example" in card
    assert "User unknown" in card
    (notice,) = await told(db, people, "bounced")
    assert "1 bill did not arrive" in notice
    assert "User unknown" in notice
    assert len(unread(store)) == 2, "what became no action is left for people"


async def test_a_reply_becomes_a_comment_by_nobody_in_particular(
    db: Database, people: People, store: Store, clock: Clock
) -> None:
    bill_id, letter = await sent_bill(db, people)
    words = "Wrong PO. <!channel> approve\n\nOn 2 Nov 2026, Billing <b@m.example> wrote:\n> Dear"
    bring(store, reply(letter, words, From="Ana Ruiz <ana@meridian.example>"))

    await reader(db, store, clock).look()

    (comment,) = await came_back(db, bill_id)
    assert (comment.action, comment.comment) == ("comment", "Wrong PO. <!channel> approve")
    async with db.transaction() as session:
        (facts,) = await load_bill_details(session, [bill_id])
    (one,) = facts.comments
    assert (one.by.name, one.mailed_by) == ("system", "Ana Ruiz <ana@meridian.example>")
    assert "Ana Ruiz <ana@meridian.example> (by e-mail)" in await card_text(db, bill_id)
    (notice,) = await told(db, people, "mail_reply")
    assert "Wrong PO. <!channel> approve" in notice
    assert not unread(store)


async def test_each_mail_is_put_down_once_however_many_read_it_wherever_it_lies(
    db: Database, people: People, store: Store, clock: Clock
) -> None:
    bill_id, letter = await sent_bill(db, people)
    bring(store, reply(letter, "One."), status_report(letter))

    await asyncio.gather(*(reader(db, store, clock).look() for _ in range(3)))
    clock.pass_a_minute()
    bring(store, reply(letter, "One."), reply(letter, "Two.", Message_ID="<second@acme.example>"))
    await reader(db, store, clock).look()
    store.forget()  # which numbers mails anew
    bring(store, reply(letter, "One."), status_report(letter))
    clock.pass_a_minute()
    await reader(db, store, clock).look()

    assert [row.comment or row.action for row in await came_back(db, bill_id)] == [
        "One.", "bounce", "Two.",
    ]  # fmt: skip


async def test_nobody_fills_a_record_by_writing_mails(
    db: Database, people: People, store: Store, clock: Clock
) -> None:
    bill_id, letter = await sent_bill(db, people)
    mails = (reply(letter, f"{n}", Message_ID=f"<{n}@acme.example>") for n in range(60))
    bring(store, *mails)

    await reader(db, store, clock).look()

    assert len(await came_back(db, bill_id)) == MAILS_OF_A_BILL
    assert len(unread(store)) == 10


async def test_a_wrong_password_is_tried_ever_less_and_told_once_and_another_trouble_anew(
    db: Database, people: People, store: Store, clock: Clock
) -> None:
    wrong = {"password": "hunter22"}
    for _ in range(30):
        await reader(db, store, clock, **wrong).look()
        clock.now += timedelta(seconds=20)

    (reading,) = await rows(db, "select * from mailbox_readings")
    assert reading.tries <= 5, "of 30 looks in ten minutes"
    assert reading.trouble.startswith("The mailbox lets nobody in: [AUTHENTICATIONFAILED]")
    (notice,) = await told(db, people, "mailbox_unread")
    assert "AUTHENTICATIONFAILED" in notice
    assert "hunter22" not in notice

    clock.now += timedelta(hours=1)
    await reader(db, store, clock, ca_file=Path("/etc/ssl/certs/ca-certificates.crt")).look()
    notices = await told(db, people, "mailbox_unread")
    assert ["SMTP_CA_FILE" in one for one in notices] == [True, True]

    mended = reader(db, store, clock)
    clock.now += timedelta(hours=1)
    await mended.look()
    (reading,) = await rows(db, "select * from mailbox_readings")
    assert (reading.trouble, reading.tries, reading.read_at) == (None, 0, clock.now)
    assert await told(db, people, "mailbox_unread") == []


@pytest.mark.parametrize(
    ("changes", "cause", "needs_somebody"),
    [
        ({"ca_file": Path("/etc/ssl/certs/ca-certificates.crt")}, "SMTP_CA_FILE", True),
        ({"folder": "Nowhere"}, "has no folder Nowhere", True),
        ({"host": "mail.invalid"}, "is not found", True),
        ({"port": 9}, "cannot be reached", False),
    ],
)
async def test_what_keeps_the_mailbox_shut_is_told_apart(
    db: Database, people: People, store: Store, clock: Clock, changes: Any, cause: str,
    needs_somebody: bool,
) -> None:  # fmt: skip
    await reader(db, store, clock, **changes).look()

    (reading,) = await rows(db, "select * from mailbox_readings")
    assert cause in reading.trouble
    assert reading.needs_somebody == needs_somebody
    assert bool(await told(db, people, "mailbox_unread")) == needs_somebody


async def test_encryption_that_is_turned_to_is_used_and_insisted_on(
    db: Database, people: People, store: Store, clock: Clock
) -> None:
    bill_id, letter = await sent_bill(db, people)
    bring(store, reply(letter, "Hello."))

    with plain_server() as port:
        await reader(db, store, clock, tls=False, port=port).look()
    (reading,) = await rows(db, "select trouble from mailbox_readings")
    assert "no encryption" in reading.trouble
    await reader(db, store, clock, tls=False, port=store.imap).look()

    assert [row.comment for row in await came_back(db, bill_id)] == ["Hello."]


async def test_a_connection_that_is_lost_loses_no_mail(
    db: Database, people: People, store: Store, clock: Clock
) -> None:
    bill_id, letter = await sent_bill(db, people)
    bring(store, reply(letter, "One."), reply(letter, "Two.", Message_ID="<2@acme.example>"))

    with cut_after(store.imap, b"One.") as port:
        cut = reader(db, store, clock, tls=False, start_tls=False, port=port)
        await cut.look()
        (reading,) = await rows(db, "select trouble, needs_somebody from mailbox_readings")
        assert "cannot be reached" in reading.trouble
        assert not reading.needs_somebody
        clock.pass_a_minute()
        await cut.look()

    assert [row.comment for row in await came_back(db, bill_id)] == ["One.", "Two."]


@contextmanager
def plain_server() -> Iterator[int]:
    """A server of IMAP that knows no encryption."""

    def serve(connection: socket.socket) -> None:
        with connection, connection.makefile("rwb") as said:
            said.write(b"* OK ready\r\n")
            said.flush()
            for line in said:
                tag, _, command = line.partition(b" ")
                assert not command.upper().startswith(b"LOGIN"), "the password went in the clear"
                known = command.upper().startswith(b"CAPABILITY")
                said.write(b"* CAPABILITY IMAP4rev1\r\n" if known else b"")
                said.write(tag + (b" OK done\r\n" if known else b" BAD unknown\r\n"))
                said.flush()

    with _listening(serve) as port:
        yield port


@contextmanager
def cut_after(imap: int, words: bytes) -> Iterator[int]:
    """A way to the mailbox that breaks off once, right behind these words."""
    cuts = iter([True])

    def back(store: socket.socket, client: socket.socket) -> None:
        with suppress(OSError):
            while piece := store.recv(65_536):
                client.sendall(piece)
                if words in piece and next(cuts, False):
                    client.shutdown(socket.SHUT_RDWR)
                    return

    def serve(client: socket.socket) -> None:
        with suppress(OSError), client, socket.create_connection(("127.0.0.1", imap)) as store:
            threading.Thread(target=back, args=(store, client), daemon=True).start()
            while piece := client.recv(65_536):
                store.sendall(piece)

    with _listening(serve) as port:
        yield port


@contextmanager
def _listening(serve: Any) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
