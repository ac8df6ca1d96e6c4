"""What a mail server may answer, or not, and what it means for the bill."""

import ssl
from dataclasses import replace
from email import message_from_bytes
from email.header import decode_header, make_header
from email.headerregistry import Address
from email.utils import getaddresses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.mail.errors import MailError, MailErrorKind, trouble
from bot.mail.message import compose
from bot.mail.session import Patience, address_literal
from bot.mail.smtp import Mailer
from bot.mail.smtp_url import MailServer
from models.bills.deliveries import Missing
from models.mailboxes import mailboxes
from tests.bot.test_mail import LETTER, SENDER
from tests.harness.scripted_smtp import HANG_UP, SILENCE, Script, scripted

ONE = replace(LETTER, cc="")
REFUSED, LATER, SERVER, MENDING, UNKNOWN = MailErrorKind


def mailer(script: Script, patience: Patience | None = None) -> Mailer:
    return Mailer(MailServer("127.0.0.1", script.port), SENDER, patience=patience)


# -- after the final dot -------------------------------------------------------------------


@pytest.mark.parametrize("answer", [HANG_UP, SILENCE, "hm", "999 what", "100 perhaps"])
async def test_a_letter_that_was_handed_over_and_not_answered_may_have_arrived(answer: str) -> None:
    async with scripted(end=answer) as script:
        with pytest.raises(MailError, match="was given it and was not heard") as caught:
            await mailer(script, Patience(accepted=0.3)).send(ONE)
    assert caught.value.kind is UNKNOWN
    assert len(script.taken) == 1


@pytest.mark.parametrize(
    ("answers", "kind"),
    [
        ({"data": HANG_UP}, LATER),
        ({"data": SILENCE}, LATER),
        ({"data": f"421 4.3.2 shutting down{HANG_UP}"}, LATER),
        ({"data": "451 4.3.0 disk full"}, LATER),
        ({"end": "451 4.3.0 try again"}, LATER),
        ({"end": f"421 4.3.2 shutting down{HANG_UP}"}, LATER),
        ({"end": "554 5.3.4 message too big"}, REFUSED),
    ],
)
async def test_a_letter_that_was_not_taken_is_known_not_to_have_arrived(
    answers: dict[str, str], kind: MailErrorKind
) -> None:
    async with scripted(**answers) as script:
        with pytest.raises(MailError) as caught:
            await mailer(script, Patience(ready=0.3)).send(ONE)
    assert caught.value.kind is kind


def test_answers_are_waited_for_as_long_as_smtp_asks() -> None:
    assert Patience() == (300, 120, 600)


# -- whose matter it is --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answers", "kind"),
    [
        ({"hello": "554 5.7.1 not for you"}, MENDING),
        ({"hello": "421 4.3.2 too many"}, SERVER),
        ({"ehlo": "501 bad name", "helo": "501 bad name"}, MENDING),
        ({"mail": "553 5.7.1 Sender address rejected: not owned by user"}, MENDING),
        ({"mail": "550 5.1.8 bad domain"}, MENDING),
        ({"mail": "450 4.1.8 Sender address rejected: Domain not found"}, MENDING),
        ({"mail": "552 5.3.4 Message size exceeds fixed limit"}, REFUSED),
        ({"rcpt": "550 5.1.1 User unknown in local recipient table"}, REFUSED),
        ({"rcpt": "550 5.1.1 <a@b>: User unknown in relay recipient table"}, REFUSED),
        ({"rcpt": "550 User unknown in relay recipient table"}, REFUSED),
        ({"rcpt": "550 5.4.1 Recipient address rejected: Access denied. AS(201806281)"}, REFUSED),
        ({"rcpt": "550 5.7.133 RESOLVER.RST.SenderNotAuthenticatedForGroup"}, REFUSED),
        ({"rcpt": "452 4.2.2 the sender's quota at this mailbox is used up"}, LATER),
        ({"rcpt": "451 4.7.1 Greylisted: unknown sender"}, LATER),
        ({"rcpt": "450 4.2.0 Recipient address rejected: Greylisted"}, LATER),
        ({"rcpt": f"421 4.7.0 too many errors{HANG_UP}"}, LATER),
        ({"rcpt": HANG_UP}, LATER),
    ],
)
async def test_what_concerns_us_is_told_apart_from_what_concerns_the_letter(
    answers: dict[str, str], kind: MailErrorKind
) -> None:
    async with scripted(**answers) as script:
        with pytest.raises(MailError) as caught:
            await mailer(script).send(ONE)
    assert caught.value.kind is kind
    told = next(iter(answers.values())).removesuffix(HANG_UP)
    assert told in caught.value.code
    assert not caught.value.in_doubt
    if "rcpt" in answers:
        assert "accounts@acme.example" in caught.value.code


IN_DOUBT = [
    ({"rcpt": "554 5.7.1 <a@b>: Relay access denied"}, REFUSED, MENDING),
    ({"rcpt": "454 4.7.1 <a@b>: Relay access denied"}, LATER, MENDING),
    ({"rcpt": "550 relay not permitted"}, REFUSED, MENDING),
    ({"rcpt": "504 5.5.2 <box>: Helo command rejected: need fully-qualified"}, REFUSED, MENDING),
    ({"rcpt": "553 5.7.1 Sender address rejected: not owned by user x"}, REFUSED, MENDING),
    ({"rcpt": "530 5.7.0 Must issue a STARTTLS command first"}, REFUSED, MENDING),
    ({"end": "550 5.7.60 Client has no permissions to send as this sender"}, REFUSED, MENDING),
    ({"mail": "452 4.3.1 no room"}, LATER, SERVER),
    ({"mail": HANG_UP}, LATER, SERVER),
    ({"data": HANG_UP}, LATER, SERVER),
]


@pytest.mark.parametrize(("answers", "kind", "if_ours"), IN_DOUBT)
async def test_an_answer_to_one_letter_that_may_concern_us_is_marked_as_such(
    answers: dict[str, str], kind: MailErrorKind, if_ours: MailErrorKind
) -> None:
    async with scripted(**answers) as script:
        with pytest.raises(MailError) as caught:
            await mailer(script).send(ONE)
    assert (caught.value.kind, caught.value.if_ours) == (kind, if_ours)


@pytest.mark.parametrize(
    ("answers", "tries"),
    [
        ({"auth": "535 5.7.8 wrong"}, ["PLAIN"]),
        ({"auth": "454 4.7.0 not now"}, ["PLAIN"]),
        ({"auth": "504 5.5.4 unknown", "auth_login": "535 5.7.8 wrong"}, ["PLAIN", "LOGIN"]),
    ],
)
async def test_a_password_is_tried_once_whatever_mechanisms_there_are(
    answers: dict[str, str], tries: list[str]
) -> None:
    async with scripted(ehlo="250-scripted\r\n250 AUTH LOGIN PLAIN") as script:
        script.answers = {
            **script.answers,
            **{_command(one): told for one, told in answers.items()},
        }
        server = MailServer.parse(f"smtp://clerk:hush@127.0.0.1:{script.port}?starttls=0")
        with pytest.raises(MailError, match=r"535|454") as caught:
            await Mailer(server, SENDER).send(ONE)
    assert caught.value.of_the_server
    assert [line.split()[1] for line in script.heard if line.startswith("AUTH")] == tries


def _command(name: str) -> str:
    return name.replace("_", " ").upper()


@pytest.mark.parametrize(
    ("code", "why", "to_do"),
    [
        (18, "self-signed certificate", "set SMTP_CA_FILE"),
        (62, "Hostname mismatch, certificate is not valid for 'mail.'.", "Name the server as"),
    ],
)
def test_a_certificate_that_is_not_trusted_is_told_with_what_to_do(
    code: int, why: str, to_do: str
) -> None:
    error = ssl.SSLCertVerificationError(1, f"[SSL] certificate verify failed: {why} (_ssl.c:1006)")
    error.verify_code, error.verify_message = code, why
    told = trouble(error)
    assert told.kind is MENDING
    assert told.code.startswith(
        f"The mail server’s certificate is not trusted: {why.rstrip('.')}. "
    )
    assert not told.to_do
    assert to_do in told.code and "_ssl" not in told.code and ".." not in told.code


@pytest.mark.parametrize(
    "asks_for", ["smtp://ana:pw@127.0.0.1:{}", "smtp://127.0.0.1:{}?starttls=1"]
)
async def test_a_greeting_that_is_refused_is_the_cause_where_the_old_one_does_not_do(
    asks_for: str,
) -> None:
    async with scripted(ehlo="504 5.5.2 <box>: Helo rejected", helo="250 hello") as script:
        with pytest.raises(MailError, match=r"504 5\.5\.2 <box>") as caught:
            await Mailer(MailServer.parse(asks_for.format(script.port)), SENDER).send(ONE)
        assert caught.value.kind is MENDING
        await mailer(script).send(ONE)


async def test_a_host_that_does_not_exist_needs_somebody() -> None:
    with pytest.raises(MailError, match="could not be reached") as caught:
        await Mailer(MailServer("no-such-host.invalid", 25), SENDER).send(ONE)
    assert caught.value.kind in (MENDING, SERVER)  # SERVER where no name server answers at all


# -- copies --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "later"),
    [
        (f"421 4.7.0 no more{HANG_UP}", True),
        (f"550 5.1.1 unknown{HANG_UP}", False),
        ("450 4.2.0 Greylisted", True),
        ("550 5.1.1 unknown", False),
        (HANG_UP, True),
        ("554 5.7.1 Relay access denied", False),
        ("454 4.7.1 Relay access denied", True),
    ],
)
async def test_a_copy_never_holds_the_bill_up(answer: str, later: bool) -> None:
    async with scripted(rcpt_boss=answer) as script:
        receipt = await mailer(script).send(LETTER)
    assert receipt.to == ("accounts@acme.example", "archive@acme.example")
    (missing,) = receipt.missing
    assert (missing.address, missing.later) == ("boss@acme.example", later)
    assert answer.removesuffix(HANG_UP) in missing.answer
    assert len(script.taken) == 1


async def test_what_is_said_of_a_copy_alone_concerns_nobody_else() -> None:
    async with scripted(rcpt_boss="454 4.7.1 Relay access denied") as script:
        with pytest.raises(MailError, match=r"454 4.7.1 .* \(to boss@acme.example\)") as caught:
            await mailer(script).send(LETTER, frozenset({"boss@acme.example"}))
    assert caught.value.kind is LATER
    assert script.count("RCPT") == 1


async def test_copies_that_are_no_addresses_are_named_and_the_others_written_to() -> None:
    letter = replace(LETTER, cc="nonsense, archive@acme.example, zoë@acme.example")
    async with scripted() as script:
        receipt = await mailer(script).send(letter)
    assert receipt.to == ("accounts@acme.example", "archive@acme.example")
    assert {one.address for one in receipt.missing} == {"nonsense", "zoë@acme.example"}
    assert not any(one.later for one in receipt.missing)
    assert script.taken[0].isascii()


async def test_a_billing_address_that_ends_the_line_leaves_the_other() -> None:
    letter = replace(ONE, to="first@acme.example, second@acme.example")
    async with scripted(rcpt_first=f"421 4.7.0 no{HANG_UP}") as script:
        receipt = await mailer(script).send(letter)
    assert receipt.to == ("second@acme.example",)
    assert receipt.missing == (Missing("first@acme.example", "421 4.7.0 no", later=True),)


# -- the greeting --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("machine", "greeting"),
    [
        ("box17", "[127.0.0.1]"),
        ("büro.example", "[127.0.0.1]"),
        ("localhost", "[127.0.0.1]"),
        ("a_b.example", "[127.0.0.1]"),
        ("mail.meridian.example", "mail.meridian.example"),
    ],
)
async def test_a_machine_without_a_domain_greets_by_its_address(
    machine: str, greeting: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("socket.getfqdn", lambda: machine)
    async with scripted() as script:
        await mailer(script).send(ONE)
    assert script.heard[0] == f"EHLO {greeting}"
    assert script.count("EHLO") == 1


async def test_the_greeting_can_be_set() -> None:
    async with scripted() as script:
        named = Mailer(MailServer("127.0.0.1", script.port), SENDER, greet_as="bills.example.com")
        await named.send(ONE)
    assert script.heard[0] == "EHLO bills.example.com"


def test_an_address_of_ipv6_is_written_as_one() -> None:
    assert address_literal("2001:db8::1") == "[IPv6:2001:db8::1]"
    assert address_literal("fe80::1%eth0") == "[IPv6:fe80::1]"


# -- names in heads ------------------------------------------------------------------------

NAMES = st.text(
    st.characters(exclude_categories=["C", "Z"], include_characters=' ",().<>@:;\\=?_'),
    max_size=200,
).map(str.strip)


@given(names=st.lists(NAMES, min_size=1, max_size=4), subject=NAMES)
def test_who_reads_the_heads_finds_the_names_that_were_written(
    names: list[str], subject: str
) -> None:
    to = [Address(" ".join(one.split()), f"a{i}", "b.example") for i, one in enumerate(names)]
    content = compose(replace(ONE, subject=subject), to[0], to, to[1:])
    heads = message_from_bytes(content)
    assert [_read(one) for one in getaddresses([heads["To"]])] == [
        (one.display_name, one.addr_spec) for one in to
    ]
    assert [_read(one) for one in getaddresses([heads["From"]])] == [
        (to[0].display_name, to[0].addr_spec)
    ]
    assert _decoded(heads["Subject"]) == " ".join(subject.split())
    assert max(map(len, content.split(b"\r\n"))) <= 998


def _read(found: tuple[str, str]) -> tuple[str, str]:
    return _decoded(found[0]), found[1]


def _decoded(text: str) -> str:
    return str(make_header(decode_header(text))) if "=?" in text else text


async def test_a_long_name_of_a_sender_stays_one_sender() -> None:
    name = "Example Holdings (Deutschland) GmbH & Co. KG, Accounts Receivable, International"
    (sender,) = mailboxes(f'"{name} Billing" <a@b.example>')
    heads = message_from_bytes(compose(ONE, sender, mailboxes("c@d.example"), []))
    assert [_read(one) for one in getaddresses([heads["From"]])] == [
        (f"{name} Billing", "a@b.example")
    ]
