"""Letters on their way to a mail server, and what comes of it when it is in trouble."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult

from bot.mail.errors import MailError, MailErrorKind
from bot.mail.message import Email
from bot.mail.session import Patience
from bot.mail.smtp import Mailer
from bot.mail.smtp_url import MailServer
from models.bills.deliveries import Missing
from models.bills.documents import PLAIN_TEXT
from models.mailboxes import mailboxes
from sandbox.fake_slack.sandbox import Sandbox
from tests.harness.scripted_smtp import scripted
from tests.harness.watched_slack import WatchedSandbox

SENDER = "Müller Billing <billing@meridian.example>"
LETTER = Email(
    mail_id="2026-000123.a1b2c3",
    name="2026-000123",
    to="accounts@acme.example",
    cc="boss@acme.example, archive@acme.example",
    subject="Invoice 2026-000123 für Müller & Söhne",
    text="Please find attached.\n",
    html="<p>Please find it attached, für Müller.</p>",
    document="Rechnung für Müller\n\n  1,000.00 €\n.\nlast line without its end".encode(),
    media_type=PLAIN_TEXT,
    date=datetime(2026, 11, 3, 9, tzinfo=UTC),
)


@pytest.fixture
def mailer(slack: Sandbox) -> Mailer:
    return Mailer(MailServer.parse(slack.smtp_url), SENDER)


def document(slack: Sandbox, index: int = -1) -> bytes:
    (slot,) = slack.smtp.mails[index].attachments()
    content = slot.get_payload(decode=True)
    assert isinstance(content, bytes)
    return content


# -- what arrives --------------------------------------------------------------------------


async def test_a_letter_arrives_whole_with_its_document_byte_for_byte(
    slack: Sandbox, mailer: Mailer
) -> None:
    assert (await mailer.send(LETTER)).answer == "250 kept"
    (mail,) = slack.mail()
    assert mail["from"] == SENDER
    assert mail["to"] == ["accounts@acme.example", "boss@acme.example", "archive@acme.example"]
    assert mail["subject"] == LETTER.subject
    assert mail["text"] == LETTER.text
    html = slack.smtp.mails[0].message.get_body(("html",))
    assert html.get_content().splitlines() == [LETTER.html]
    assert [one["filename"] for one in mail["attachments"]] == ["2026-000123.txt"]
    assert document(slack) == LETTER.document
    headers = slack.smtp.mails[0].message
    assert headers["To"] == "accounts@acme.example"
    assert headers["Cc"] == "boss@acme.example, archive@acme.example"
    assert headers["Date"] == "Tue, 03 Nov 2026 09:00:00 +0000"


async def test_the_same_document_mailed_twice_is_the_same_message(
    slack: WatchedSandbox, mailer: Mailer
) -> None:
    slack.expect_twice("<2026-000123.a1b2c3@meridian.example>")
    await mailer.send(LETTER)
    await mailer.send(LETTER)
    await mailer.send(replace(LETTER, mail_id="2026-000123.d4e5f6"))
    first, again, elsewhere = (bytes(mail.message) for mail in slack.smtp.mails)
    assert first == again
    assert first != elsewhere
    assert slack.mail()[2]["message_id"] == "<2026-000123.d4e5f6@meridian.example>"


async def test_a_letter_stays_in_the_name_that_it_was_issued_in(
    slack: WatchedSandbox, mailer: Mailer
) -> None:
    slack.expect_twice("<2026-000123.a1b2c3@meridian.example>")
    issued = replace(LETTER, sender=SENDER)
    await mailer.send(issued)
    await Mailer(MailServer.parse(slack.smtp_url), "Other <new@other.example>").send(issued)
    first, again = slack.smtp.mails
    assert bytes(first.message) == bytes(again.message)
    assert (first.sender, again.sender) == ("billing@meridian.example", "new@other.example")


async def test_a_name_of_before_that_is_refused_is_the_matter_of_its_letters_alone() -> None:
    no = "550 5.7.60 Client does not have permissions to send as this sender"
    async with scripted(end=no) as script:
        mailer = Mailer(MailServer("127.0.0.1", script.port), "Other <new@other.example>")
        with pytest.raises(MailError) as ours:
            await mailer.send(LETTER)
        with pytest.raises(MailError, match=r"is from billing@meridian\.example") as letters:
            await mailer.send(replace(LETTER, sender=SENDER))
    assert (ours.value.in_doubt, letters.value.in_doubt) == (True, False)
    assert letters.value.kind is MailErrorKind.REFUSED


@pytest.mark.parametrize(
    "broken", ["Acme\r\nBcc: thief@evil.example", "Acme\nX: y", "A\x00B\u2028C"]
)
async def test_what_a_customer_is_called_adds_no_header(
    broken: str, slack: Sandbox, mailer: Mailer
) -> None:
    await mailer.send(replace(LETTER, subject=f"Invoice for {broken}", text=f"Dear {broken},\n"))
    (mail,) = slack.smtp.mails
    assert mail.message["Bcc"] is None
    assert mail.message["X"] is None
    assert mail.recipients == tuple(slack.mail()[0]["to"]) == (
        "accounts@acme.example", "boss@acme.example", "archive@acme.example",
    )  # fmt: skip


@pytest.mark.parametrize(
    "to",
    ["", " ", "nobody", "a@", "a b@c.example", "a@c.example\r\nDATA", "<x@y>\r\nRCPT TO:<z@y>"],
)
async def test_a_billing_address_that_is_none_is_refused_for_good(
    to: str, slack: Sandbox, mailer: Mailer
) -> None:
    with pytest.raises(MailError, match="billing address is no e-mail address") as caught:
        await mailer.send(replace(LETTER, to=to))
    assert caught.value.permanent
    assert "\n" not in caught.value.code
    assert slack.mail() == []


async def test_addresses_beyond_ascii_reach_a_server_that_can_take_them(
    slack: Sandbox, mailer: Mailer
) -> None:
    await mailer.send(replace(LETTER, to="Jürg <jürg@zürich.example>", cc=""))
    (mail,) = slack.smtp.mails
    assert mail.recipients == ("jürg@xn--zrich-kva.example",)
    assert document(slack) == LETTER.document


# -- trouble -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "permanent", "cause"),
    [
        ({"mail": "reject", "error": "no such mailbox"}, True, "answered: 550 no such mailbox"),
        ({"mail": "defer", "error": "greylisted"}, False, "answered: 451 greylisted"),
        ({"mail": "cut"}, False, "was given it and was not heard to take it"),
    ],
)
async def test_trouble_says_whether_trying_again_can_help(
    fault: dict[str, Any], permanent: bool, cause: str, slack: Sandbox, mailer: Mailer
) -> None:
    await slack.fault(**fault)
    with pytest.raises(MailError, match=cause) as caught:
        await mailer.send(LETTER)
    assert (caught.value.permanent, caught.value.needs_somebody) == (permanent, False)
    assert (await mailer.send(LETTER)).answer == "250 kept"
    assert len(slack.mail()) == 1


async def test_a_server_that_is_not_there_may_come_back() -> None:
    nobody = Mailer(MailServer("127.0.0.1", _free_port()), SENDER)
    with pytest.raises(MailError, match="could not be reached") as caught:
        await nobody.send(LETTER)
    assert not caught.value.permanent


async def test_a_server_that_does_not_answer_is_not_waited_for_for_ever() -> None:
    opened: list[asyncio.StreamWriter] = []
    silent = await asyncio.start_server(lambda _, writer: opened.append(writer), "127.0.0.1", 0)
    async with silent:
        where = MailServer("127.0.0.1", silent.sockets[0].getsockname()[1])
        mailer = Mailer(where, SENDER, patience=Patience(command=0.05))
        with pytest.raises(MailError, match="did not answer in time") as caught:
            await mailer.send(LETTER)
        (writer,) = opened
        writer.close()
        await writer.wait_closed()
    assert not caught.value.permanent


class Picky:
    """Refuses some recipients, and remembers what it took."""

    def __init__(self, **refusals: str) -> None:
        self.refusals = refusals
        self.taken: list[list[str]] = []

    async def handle_RCPT(  # noqa: N802 - the name aiosmtpd calls
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        refusal = self.refusals.get(address.partition("@")[0])
        if refusal is None:
            envelope.rcpt_tos.append(address)
        return refusal or "250 welcome"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        self.taken.append(envelope.rcpt_tos)
        return "250 queued as 42"


@asynccontextmanager
async def serving(handler: Any, **options: Any) -> AsyncIterator[int]:
    """A mail server for the time of the block; yields its port."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(handler, hostname="picky", loop=loop, **options), "127.0.0.1", 0
    )
    async with server:
        yield server.sockets[0].getsockname()[1]


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize(("answer", "permanent"), [("550 gone", True), ("450 busy", False)])
async def test_nothing_is_sent_where_the_billing_address_is_refused(
    answer: str, permanent: bool
) -> None:
    picky = Picky(accounts=answer)
    async with serving(picky) as port:
        with pytest.raises(MailError, match=f"{answer} \\(to accounts@acme.example\\)") as caught:
            await Mailer(MailServer("127.0.0.1", port), SENDER).send(LETTER)
    assert caught.value.permanent is permanent
    assert picky.taken == []


async def test_a_copy_that_is_refused_is_named_and_holds_nothing_up() -> None:
    picky = Picky(boss="550 gone")
    async with serving(picky) as port:
        receipt = await Mailer(MailServer("127.0.0.1", port), SENDER).send(LETTER)
    assert receipt.answer == "250 queued as 42"
    assert receipt.to == ("accounts@acme.example", "archive@acme.example")
    assert receipt.missing == (Missing("boss@acme.example", "550 gone", later=False),)
    assert picky.taken == [["accounts@acme.example", "archive@acme.example"]]


async def test_a_bill_goes_to_whom_it_can() -> None:
    picky = Picky(second="550 gone")
    letter = replace(LETTER, to="first@acme.example, second@acme.example", cc="")
    async with serving(picky) as port:
        receipt = await Mailer(MailServer("127.0.0.1", port), SENDER).send(letter)
    assert receipt.missing == (Missing("second@acme.example", "550 gone", later=False),)
    assert picky.taken == [["first@acme.example"]]


async def test_a_mailbox_that_is_written_twice_gets_one_letter() -> None:
    letter = replace(LETTER, to="Ann <ap@acme.example>, AP@Acme.example", cc="ap@ACME.example")
    async with serving(picky := Picky()) as port:
        await Mailer(MailServer("127.0.0.1", port), SENDER).send(letter)
    assert picky.taken == [["ap@acme.example"]]


class Polite(Picky):
    """Hears one greeting a session, as some servers do."""

    async def handle_EHLO(  # noqa: N802
        self, _server: Any, session: Any, _envelope: Any, name: str, responses: list[str]
    ) -> list[str]:
        if session.host_name:
            return ["503 5.5.1 greeted already"]
        session.host_name = name
        return responses


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
async def test_a_session_greets_once() -> None:
    options = {
        "authenticator": lambda *_: AuthResult(success=True),
        "auth_required": True,
        "auth_require_tls": False,
    }
    async with serving(Polite(), **options) as port:
        url = f"smtp://clerk:secret@127.0.0.1:{port}?starttls=0"
        receipt = await Mailer(MailServer.parse(url), SENDER).send(LETTER)
    assert receipt.answer == "250 queued as 42"


async def test_an_address_beyond_ascii_is_refused_where_the_server_cannot_take_it() -> None:
    async with serving(Picky()) as port:
        with pytest.raises(MailError, match=r"cannot write .* \(to jürg@acme") as caught:
            await Mailer(MailServer("127.0.0.1", port), SENDER).send(
                replace(LETTER, to="jürg@acme.example")
            )
    assert caught.value.permanent


async def test_encryption_that_is_insisted_on_and_not_there_needs_somebody() -> None:
    async with serving(Picky()) as port:
        server = MailServer.parse(f"smtp://127.0.0.1:{port}?starttls=1")
        with pytest.raises(MailError, match="cannot be used the way it is set") as caught:
            await Mailer(server, SENDER).send(LETTER)
    assert (caught.value.permanent, caught.value.needs_somebody) == (False, True)


def _wrong(*_: Any) -> AuthResult:
    return AuthResult(success=False, handled=False, message="535 s3cret/+ is wrong")


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
async def test_wrong_credentials_need_somebody_and_are_told_without_the_password() -> None:
    options = {"authenticator": _wrong, "auth_required": True, "auth_require_tls": False}
    async with serving(Picky(), **options) as port:
        url = f"smtp://clerk:s3cret%2F%2B@127.0.0.1:{port}?starttls=0"
        with pytest.raises(MailError, match="535") as caught:
            await Mailer(MailServer.parse(url), SENDER).send(LETTER)
        with pytest.raises(MailError, match="530") as anonymous:
            await Mailer(MailServer("127.0.0.1", port), SENDER).send(LETTER)
    for trouble in (caught.value, anonymous.value):
        assert (trouble.permanent, trouble.needs_somebody) == (False, True)
        assert "s3cret" not in trouble.code


# -- addresses -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://127.0.0.1:2525", MailServer("127.0.0.1", 2525)),
        ("smtp://mail.example", MailServer("mail.example", 587)),
        ("smtps://mail.example", MailServer("mail.example", 465, tls=True)),
        (
            "smtp://user%40a:p%40ss%2F@mail.example:25?starttls=1",
            MailServer("mail.example", 25, "user@a", "p@ss/", start_tls=True),
        ),
        ("smtp://u:p@mail.example", MailServer("mail.example", 587, "u", "p", start_tls=True)),
        (
            "smtp://u:p@mail.example?starttls=0",
            MailServer("mail.example", 587, "u", "p", start_tls=False),
        ),
    ],
)
def test_a_mail_server_is_read_from_its_address(url: str, server: MailServer) -> None:
    assert MailServer.parse(url) == server
    assert "p@ss" not in repr(server)


@pytest.mark.parametrize(
    "url",
    [
        "mail.example:25", "http://mail.example", "smtp://", "smtp://h:99999", "smtp://h:x",
        "smtp://h/inbox", "smtp://h?tls=1", "smtp://h?starttls=maybe", "smtp://h?starttls",
        "smtp://h?starttls=1&starttls=0", "smtp://h#1", "smtp://[h",
    ],
)  # fmt: skip
def test_an_address_that_is_no_mail_servers_is_refused(url: str) -> None:
    with pytest.raises(ValueError):
        MailServer.parse(url)


def test_several_addresses_may_stand_in_one_text() -> None:
    found = mailboxes("Ana Ruiz <ana@a.example>; kim@b.example, sam@c.example")
    assert [one.addr_spec for one in found] == ["ana@a.example", "kim@b.example", "sam@c.example"]
