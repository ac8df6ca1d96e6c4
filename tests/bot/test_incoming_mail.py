"""What comes back by mail, read: reports of servers of every make, and what people write."""

import time

import pytest

from bot.mail.incoming import read_mail
from bot.mail.plain_text import own_words
from models.bills.incoming import DeliveryReport, MailReply
from tests.harness.returned_mail import (
    message_id,
    nested_reply,
    plain_report,
    reply,
    status_report,
)

ABOUT = message_id("2026-000001")
UNKNOWN = "550 5.1.1 <pay@acme.example>: Recipient address rejected: User unknown"

EXIM = """\
This message was created automatically by mail delivery software.

A message that you sent could not be delivered to one or more of its
recipients. This is a permanent error. The following address(es) failed:

  pay@acme.example
    host mx.acme.example [192.0.2.1]
    SMTP error from remote mail server after RCPT TO:<pay@acme.example>:
    550 5.1.1 No such user here
"""
QMAIL = """\
Hi. This is the qmail-send program at mail.example.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<pay@acme.example>:
Sorry, no mailbox here by that name. (#5.1.1)

--- Below this line is a copy of the message.
"""

DAEMON = "Mail Delivery Subsystem <MAILER-DAEMON@mail.example>"
FAILED = {
    "by RFC 3464, with the letter": (status_report(ABOUT), UNKNOWN),
    "with its heads alone": (status_report(ABOUT, heads_alone=True), UNKNOWN),
    "OpenSMTPD's word for it": (status_report(ABOUT, action="error (see below)"), UNKNOWN),
    "an address beyond ASCII": (status_report(ABOUT, to="utf-8; päy@acme.example"), UNKNOWN),
    "without a reason": (status_report(ABOUT, why=""), "5.1.1"),
    "encoded": (status_report(ABOUT, encoding="base64"), UNKNOWN),
    "encoded otherwise": (status_report(ABOUT, encoding="quoted-printable"), UNKNOWN),
    "a reason without its type": (
        status_report(ABOUT, why="550 5.7.1 Blocked; ask your provider"),
        "550 5.7.1 Blocked; ask your provider",
    ),
    "an original recipient without an address": (
        status_report(ABOUT, to="rfc822; pay@acme.example\nOriginal-Recipient: rfc822;"),
        UNKNOWN,
    ),
    "Exim": (
        plain_report(ABOUT, sender=DAEMON, text=EXIM, X_Failed_Recipients="pay@acme.example"),
        "550 5.1.1 No such user here",
    ),
    "qmail": (
        plain_report(ABOUT, sender=DAEMON, text=QMAIL, Return_Path="<>"),
        "Sorry, no mailbox here by that name. (#5.1.1)",
    ),
}


@pytest.mark.parametrize("form", FAILED)
def test_a_report_names_the_letter_and_the_address_in_the_servers_words(form: str) -> None:
    content, words = FAILED[form]

    report = read_mail(content)

    assert isinstance(report, DeliveryReport)
    assert ABOUT in report.about
    (failure,) = report.failures
    assert (failure.address or "").endswith("y@acme.example"), failure
    assert failure.words == words


OPENED = """Content-Type: multipart/report; report-type=disposition-notification; boundary=b

--b
Content-Type: text/plain

Your message was read on Monday.
--b
Content-Type: message/disposition-notification

Final-Recipient: rfc822; jane@acme.example
Disposition: manual-action/MDN-sent-manually; displayed
--b--
"""
SILENT = {
    "late, and tried again": status_report(ABOUT, action="delayed"),
    "arrived": status_report(ABOUT, action="delivered"),
    "handed on": status_report(ABOUT, action="relayed"),
    "out of office": reply(ABOUT, "I am away.", Auto_Submitted="auto-replied"),
    "out of office of old": reply(ABOUT, "I am away.", Precedence="auto_reply"),
    "a vacation without a sender": reply(ABOUT, "I am away.", Return_Path="<>"),
    "an absence told by its subject": reply(ABOUT, "Ich bin weg.", Subject="Abwesenheitsnotiz: x"),
    "the same in English": reply(ABOUT, "I am away.", Subject="Automatic reply: Invoice"),
    "a receipt that it was opened": nested_reply(ABOUT, OPENED),
    "a list": reply(ABOUT, "Welcome.", List_Id="<all.acme.example>"),
    "about nothing of ours": b"From: ana@acme.example\r\nSubject: Hello\r\n\r\nHi\r\n",
    "nothing": b"",
    "garbage": b"\xff\x00\xfe: \x00" * 100,
    "boxes within boxes": b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (depth, depth)
        for depth in range(1500)
    ),
}


@pytest.mark.parametrize("form", SILENT)
def test_what_is_no_failure_and_nobodys_words_is_left_alone(form: str) -> None:
    assert read_mail(SILENT[form]) is None


INTRODUCED = {
    "Gmail": "On Mon, 2 Nov 2026 at 09:12, Billing <b@m.example> wrote:\n\n> Dear Acme",
    "in German": "Am Mo., 2. Nov. 2026 um 09:12 Uhr schrieb Billing <b@m.example>:\n\n> Dear Acme",
    "in Japanese": "2026年11月2日(月) 9:12 Billing <b@m.example>:\n\n> Dear Acme",
    "on two lines": "On Mon, 2 Nov 2026 at 09:12, Meridian API AG\n<b@m.example> wrote:\n> Dear",
    "Outlook": "From: Billing <b@m.example>\nSent: Monday\nTo: Jane\nSubject: Invoice\n\nDear Acme",
    "Outlook in German": "Von: Billing <b@m.example>\nGesendet: Montag\nAn: Jane\n\nDear Acme",
    "heads without an address": "Von: Billing\nGesendet: Montag\nBetreff: Invoice\n\nDear Acme",
    "nothing marked": "On Mon, 2 Nov 2026 at 09:12, Billing wrote:\n\nDear Acme\nThe invoice",
    "Outlook's line": "________________________________\nFrom: Billing\nDear Acme",
    "original message": "-----Ursprüngliche Nachricht-----\nVon: Billing\nDear Acme",
}


@pytest.mark.parametrize("client", INTRODUCED)
def test_what_is_quoted_below_a_reply_is_left_out(client: str) -> None:
    said = "Please write PO 4711 on it:\nit was ordered 2 Nov 2026.\n\nThanks\nJane"

    assert own_words(f"{said}\n\n{INTRODUCED[client]}\n") == said
    assert own_words(said) == said


def test_a_line_that_is_cut_is_marked_and_an_answer_below_is_kept() -> None:
    assert own_words("x" * 3000) == f"{'x' * 2000}…"
    below = "On Mon, 2 Nov 2026 at 09:12, Billing wrote:\n> Dear Acme\n\nWe have paid it."
    assert "We have paid it." in own_words(below)


def test_an_answer_between_quoted_lines_keeps_what_it_answers() -> None:
    said = "> 350,000 calls\nWe counted 300,000.\n> $35,000.00\nSo this is $30,000.00."
    assert own_words(said) == said


def test_a_reply_in_html_is_read_as_text() -> None:
    html = (
        "<html><head><title>x</title><style>p {color: red}</style></head><body><!--[if mso]>v"
        "<![endif]--><p>We pay &lt;soon&gt;,\n <b>promised</b>.</p><script>alert(1)</script>"
        "<div>Jane</div><div class='gmail_quote'><div>On Monday:</div><blockquote>Dear"
        "</blockquote></div></body></html>"
    )
    found = read_mail(reply(ABOUT, "", html=html))
    assert isinstance(found, MailReply)
    assert found.text == "We pay <soon>, promised.\n\nJane"
    assert (found.about, found.sender) == ((ABOUT,), "Jane Doe <jane@acme.example>")


PDF = """Content-Type: application/pdf
Content-Disposition: inline; filename=po.pdf

x
"""
APPLE = f"""Content-Type: multipart/alternative; boundary=a

--a
Content-Type: text/plain


--a
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: text/html

<p>See there.</p>
--b
{PDF}--b
Content-Type: text/html

<br>
--b--
--a--
"""
SIGNED = f"""Content-Type: multipart/signed; boundary=a

--a
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: text/plain

See there.
--b
{PDF}--b--
--a
Content-Type: application/pkcs7-signature
Content-Disposition: attachment; filename=smime.p7s

x
--a--
"""


@pytest.mark.parametrize("parts", [APPLE, SIGNED], ids=["Apple's", "signed"])
def test_words_and_files_are_found_however_deep_they_are(parts: str) -> None:
    """Where the plain form is blank the other one tells."""
    found = read_mail(nested_reply(ABOUT, parts))
    assert isinstance(found, MailReply)
    assert (found.text, found.attachments) == ("See there.", ("po.pdf",))


@pytest.mark.parametrize(
    "content",
    [
        b"Content-Type: text/plain" + b"; a=b" * 20_000 + b"\r\n\r\nhi",
        b"From: " + b"a@b, " * 20_000 + b"\r\n\r\nhi",
        b"Content-Type: text/html\r\n\r\n" + b"<a b='" * 16_000,
        b"Content-Type: text/html\r\n\r\n" + b"<!--" * 25_000,
        b"\r\n" + b"\n" * 100_000,
        b"\r\n" + b"2026 " * 20_000 + b":\n> x",
    ],
    ids=["parameters", "senders", "attributes", "comments", "blank lines", "an introduction"],
)
def test_a_mail_made_to_keep_the_reader_busy_does_not(content: bytes) -> None:
    """The libraries at hand take 8 to 90 s for each of these."""
    began = time.process_time()
    read_mail(f"In-Reply-To: <{ABOUT}>\r\n".encode() + content)
    assert time.process_time() - began < 4
