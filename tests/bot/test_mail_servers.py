"""Letters handed to the mail servers that people run."""

import imaplib
import smtplib
import ssl
from collections.abc import Iterator
from dataclasses import replace
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from fnmatch import fnmatch
from html import unescape
from typing import Any
from urllib.parse import quote

import pytest
import sqlalchemy as sa

from bot.mail.errors import MailError, MailErrorKind
from bot.mail.session import Patience
from bot.mail.smtp import CANNOT_WRITE, Mailer
from bot.mail.smtp_url import MailServer
from bot.slack.client import SlackClient
from handlers.wording.refusals import Medium
from handlers.wording.rich_text import fallback_text
from handlers.wording.standing_text import standing_text
from models.db.database import Database
from models.queries.bill_details import BillDetails
from tests.bot.test_mail import LETTER
from tests.bot.test_mail_pause import details, told
from tests.bot.test_sending import AT_ONCE, approved, reaches, send
from tests.harness.cast import People
from tests.harness.mail_policy import Policy, policy_service
from tests.harness.mail_servers import PASSWORD, USER, Root, Store
from tests.harness.mail_transfer import (
    LARGEST,
    OWNED,
    MailServerAt,
    deaf_line,
    exim,
    opensmtpd,
    postfix,
)
from tests.harness.running import worker_only
from tests.harness.waiting import until

HOLDINGS = "Müller Holdings (Deutschland) GmbH & Co. KG, Accounts Receivable, International Billing"
SENDER = f'"{HOLDINGS}" <{OWNED}>'
HARD = replace(
    LETTER,
    cc="",
    subject="Invoice 2026-000123 " + "für Müller & Söhne " * 12,
    text=f".\n..\nFrom here on\n{'a' * 2000}\n.\nend",
    html=f"<p>{'x' * 2000}</p>",
    document=bytes(range(256)) * 40,
    media_type="application/pdf",
)
ONE = replace(LETTER, cc="")


@pytest.fixture(scope="module")
def _policy() -> Iterator[Policy]:
    with policy_service() as made:
        yield made


@pytest.fixture
def policy(_policy: Policy) -> Iterator[Policy]:
    yield _policy
    _policy.forget()


@pytest.fixture(scope="module")
def _postfix(mail_root: Root, _dovecot: Store, _policy: Policy) -> Iterator[MailServerAt]:
    with postfix(mail_root, _dovecot, _policy) as at:
        yield at


@pytest.fixture(scope="module")
def _exim(mail_root: Root, _dovecot: Store) -> Iterator[MailServerAt]:
    with exim(mail_root, _dovecot) as at:
        yield at


@pytest.fixture(scope="module")
def _opensmtpd(mail_root: Root, _dovecot: Store) -> Iterator[MailServerAt]:
    with opensmtpd(mail_root, _dovecot) as at:
        yield at


@pytest.fixture
def at(request: pytest.FixtureRequest, store: Store) -> MailServerAt:
    found: MailServerAt = request.getfixturevalue(f"_{request.param}")
    return found


def servers(*names: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("at", names, indirect=True)


ALL = ("postfix", "exim", "opensmtpd")


def mailer(at: MailServerAt, patience: Patience | None = None, **how: Any) -> Mailer:
    """Encrypts where it is offered, unless `how` says otherwise."""
    server = MailServer("localhost", **({"port": at.port} | how))
    return Mailer(server, SENDER, ca_file=str(at.ca_file), patience=patience)


def known(at: MailServerAt, way: str, user: str = USER, word: str = PASSWORD) -> Mailer:
    """Logs in, encrypted by the `way` that an address of SMTP_URL begins with."""
    port = at.tls if way == "smtps" else at.port
    url = f"{way}://{user}:{quote(word, safe='')}@localhost:{port}"
    return Mailer(MailServer.parse(url), SENDER, ca_file=str(at.ca_file))


async def arrived(store: Store, count: int = 1, user: str = "accounts") -> list[EmailMessage]:
    await until(lambda: len(store.mails(user)) >= count)
    found = store.mails(user)
    assert len(found) == count
    return [message_from_bytes(one, policy=default) for one in found]


async def refused(mailer: Mailer, letter: object = ONE) -> MailError:
    with pytest.raises(MailError) as caught:
        await mailer.send(letter)  # type: ignore[arg-type]
    assert PASSWORD not in caught.value.code
    return caught.value


# -- what arrives --------------------------------------------------------------------------


@servers(*ALL)
async def test_a_letter_that_is_hard_to_write_arrives_as_it_was(
    at: MailServerAt, store: Store
) -> None:
    receipt = await mailer(at).send(HARD)
    assert receipt.answer.startswith("250 ")
    (mail,) = await arrived(store)
    assert mail["Subject"] == HARD.subject.strip()
    assert mail["Message-ID"] == f"<{HARD.mail_id}@meridian.example>"
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text and text.get_content().splitlines() == HARD.text.splitlines()
    assert html and html.get_content().strip() == HARD.html
    (document,) = mail.iter_attachments()
    assert document.get_content() == HARD.document


@servers(*ALL)
async def test_a_letter_that_is_mailed_twice_is_one_to_the_last_byte(
    at: MailServerAt, store: Store
) -> None:
    for _ in range(2):
        await mailer(at).send(HARD)
    await arrived(store, 2)
    first, again = (one.partition(b"From: ")[2] for one in store.mails("accounts"))
    assert first == again


# -- who may -------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["smtp", "smtps"])
@servers("postfix", "exim")
async def test_who_logs_in_encrypted_may_write_to_everybody(
    at: MailServerAt, way: str, store: Store
) -> None:
    away = replace(ONE, to="accounts@acme.example, ana@elsewhere.example")
    receipt = await known(at, way).send(away)
    assert receipt.missing == ()
    await arrived(store)


@servers("postfix", "exim")
async def test_what_only_a_person_can_mend_is_told_as_that(at: MailServerAt, store: Store) -> None:
    wrong = await refused(known(at, "smtp", word="wrong/+"))
    assert "535" in wrong.code
    trusting_nobody = Mailer(MailServer("localhost", at.tls, tls=True), SENDER)
    unknown = await refused(trusting_nobody)
    assert "certificate is not trusted" in unknown.code and "SMTP_CA_FILE" in unknown.code
    relay = await refused(mailer(at), replace(ONE, to="ana@elsewhere.example"))
    assert "relay" in relay.code.lower()
    for one in (wrong, unknown):
        assert one.kind is MailErrorKind.MENDING
    assert relay.in_doubt


@servers("postfix")
async def test_a_sender_that_is_somebody_elses_needs_somebody(
    at: MailServerAt, store: Store
) -> None:
    stranger = await refused(known(at, "smtp", user="stranger"))
    assert "not owned by user stranger" in stranger.code
    assert stranger.in_doubt


@servers("postfix", "exim")
async def test_a_machine_without_a_name_of_its_own_is_listened_to(
    at: MailServerAt, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("box17", "büro.example"):
        monkeypatch.setattr("socket.getfqdn", lambda name=name: name)
        await mailer(at).send(ONE)
    await arrived(store, 2)


# -- who gets it ---------------------------------------------------------------------------


@servers(*ALL)
async def test_one_who_is_refused_holds_nobody_up(at: MailServerAt, store: Store) -> None:
    receipt = await mailer(at).send(replace(ONE, cc="gone@acme.example, boss@acme.example"))
    assert receipt.to == ("accounts@acme.example", "boss@acme.example")
    (missing,) = receipt.missing
    assert (missing.address, missing.later) == ("gone@acme.example", False)
    assert missing.answer.startswith("550 ")
    await arrived(store)
    await arrived(store, user="boss")
    nobody = await refused(mailer(at), replace(ONE, to="gone@acme.example"))
    assert nobody.kind is MailErrorKind.REFUSED
    assert "550" in nobody.code and "gone@acme.example" in nobody.code


@servers(*ALL)
async def test_a_letter_that_is_too_large_is_refused_for_good(
    at: MailServerAt, store: Store
) -> None:
    large = await refused(mailer(at), replace(HARD, document=bytes(LARGEST)))
    assert large.kind is MailErrorKind.REFUSED
    assert "552" in large.code or "554" in large.code
    assert store.mails("accounts") == []


@servers(*ALL)
async def test_an_address_beyond_ascii_goes_where_the_server_can_write_to_it(
    at: MailServerAt, store: Store
) -> None:
    letter = replace(ONE, to="zoë@acme.example")
    if at.name == "opensmtpd":
        cannot = await refused(mailer(at), letter)
        assert cannot.kind is MailErrorKind.REFUSED
        assert CANNOT_WRITE in cannot.code
    else:
        assert (await mailer(at).send(letter)).to == ("zoë@acme.example",)


# -- the hour ------------------------------------------------------------------------------


@servers("postfix")
async def test_a_greylisted_letter_is_taken_the_second_time(
    at: MailServerAt, store: Store, policy: Policy
) -> None:
    policy.answers["accounts@acme.example"] = ["defer_if_permit Greylisted"]
    first = await refused(mailer(at))
    assert first.kind is MailErrorKind.LATER
    assert "450 4.7.1 <accounts@acme.example>: Recipient address rejected: Greylisted" in first.code
    await mailer(at).send(ONE)
    await arrived(store)


@servers("postfix")
async def test_an_answer_is_waited_for(at: MailServerAt, store: Store, policy: Policy) -> None:
    policy.slow_s = 0.6
    hasty = await refused(mailer(at, Patience(command=0.3)))
    assert hasty.kind is MailErrorKind.LATER
    await mailer(at).send(ONE)
    await arrived(store)


@servers("postfix", "exim")
async def test_a_letter_whose_answer_is_lost_may_have_arrived(
    at: MailServerAt, store: Store
) -> None:
    async with deaf_line(at.port) as port:
        lost = await refused(mailer(at, port=port, start_tls=False))
    assert lost.kind is MailErrorKind.UNKNOWN
    assert "was given it and was not heard to take it" in lost.code
    await arrived(store)


# -- what Finance reads --------------------------------------------------------------------


def reads(facts: BillDetails) -> str:
    """Where the bill stands, as its card and its page say it."""
    said = [
        " ".join(fallback_text(*one) for one in standing_text(facts, medium))
        for medium in (Medium.SLACK, Medium.WEB)
    ]
    assert said[0] == said[1]
    return unescape(said[0])


@servers("postfix")
async def test_finance_reads_of_each_bill_what_the_server_said(
    at: MailServerAt,
    store: Store,
    policy: Policy,
    db: Database,
    people: People,
    gateway: SlackClient,
) -> None:
    ways = {
        "pay@acme.example": "Sent as 2026-00000* to pay@acme.example",
        "gone@acme.example": "Could not be delivered: The mail server answered: 550 5.1.1 "
        "<gone@acme.example>: Recipient address rejected: User unknown in relay recipient table",
        "later@acme.example": "Not taken yet: The mail server answered: 450 4.7.1 "
        "<later@acme.example>: Recipient address rejected: Greylisted",
    }
    policy.answers["later@acme.example"] = ["defer_if_permit Greylisted"] * 99
    bills = dict(zip(ways, await approved(db, people, len(ways)), strict=True))
    async with db.transaction() as session:
        for address, bill_id in bills.items():
            await session.execute(sa.text(
                "update customers c set billing_email = :to, cc_emails = 'gone@acme.example'"
                " from bills b where b.customer_id = c.id and b.id = :bill"
            ), {"to": address, "bill": bill_id})  # fmt: skip
    async with worker_only(db, gateway, AT_ONCE, mailer=mailer(at)):
        for address, bill_id in bills.items():
            await send(db, people.ana, bill_id)

            async def told(bill_id: int = bill_id, address: str = address) -> bool:
                shown = reads(await details(db, bill_id))
                return fnmatch(shown, f"*{ways[address]}*")

            await until(told)
    shown = reads(await details(db, bills["pay@acme.example"]))
    assert "Not to gone@acme.example: 550 5.1.1" in shown


@servers("exim")
async def test_finance_hears_at_once_of_a_wrong_password_and_no_bill_fails_by_it(
    at: MailServerAt, store: Store, db: Database, people: People, gateway: SlackClient
) -> None:
    (bill_id,) = await approved(db, people)
    async with worker_only(db, gateway, AT_ONCE, mailer=known(at, "smtps", word="wrong")):
        await send(db, people.ana, bill_id)
        await until(lambda: told(db, "mail_stopped"))
        shown = reads(await details(db, bill_id))
        assert "No mail goes out now: The mail server answered: 535 Incorrect" in shown
    async with worker_only(db, gateway, AT_ONCE, mailer=known(at, "smtps")):
        await reaches(db, bill_id, "sent")


# -- the store -----------------------------------------------------------------------------


def test_the_store_shows_what_it_was_brought_to_whoever_knows_the_password(store: Store) -> None:
    with smtplib.LMTP("127.0.0.1", store.lmtp) as bringing:
        bringing.sendmail(
            "ana@mail.example", ["billing@mail.example"], "Subject: Hello\r\n\r\nx\r\n"
        )
    trusting = ssl.create_default_context(cafile=str(store.ca_file))
    with imaplib.IMAP4_SSL("localhost", store.imaps, ssl_context=trusting) as client:
        with pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"):
            client.login("billing", "wrong")
        client.login("billing", PASSWORD)
        assert client.select() == ("OK", [b"1"])
    assert b"Subject: Hello" in store.mails("billing")[0]
