"""Mails that come back on a letter, in the forms in which mail servers and people write them."""

from base64 import encodebytes
from email.message import EmailMessage
from email.policy import SMTP
from quopri import encodestring

OUR_DOMAIN = "meridian.example"


def message_id(mail_id: str) -> str:
    return f"{mail_id}@{OUR_DOMAIN}"


def status_report(
    about: str,
    *,
    action: str = "failed",
    to: str = "rfc822; pay@acme.example",
    why: str = "smtp; 550 5.1.1 <pay@acme.example>: Recipient address rejected: User unknown",
    heads_alone: bool = False,
    encoding: str = "",
) -> bytes:
    """As Postfix, Exim, Exchange and Gmail write it: RFC 3464, with the letter or its heads."""
    returned = f"From: Billing <billing@{OUR_DOMAIN}>\nMessage-ID: <{about}>\nSubject: Invoice\n"
    kind = "text/rfc822-headers" if heads_alone else "message/rfc822"
    told = f"""Reporting-MTA: dns; mail.acme.example
X-Postfix-Queue-ID: 4F0A1
Arrival-Date: Mon, 2 Nov 2026 09:11:58 +0000

Final-Recipient: {to}
Action: {action}
Status: 5.1.1
Diagnostic-Code: {why}
"""
    encode = {"base64": encodebytes, "quoted-printable": encodestring}.get(encoding)
    told = encode(told.encode()).decode() if encode else told
    return f"""Return-Path: <>
Date: Mon, 02 Nov 2026 09:12:00 +0000
From: MAILER-DAEMON@mail.acme.example (Mail Delivery System)
To: billing@{OUR_DOMAIN}
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
Message-ID: <report-{about}>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain; charset=us-ascii

This is the mail system at host mail.acme.example.

--b
Content-Type: message/delivery-status
Content-Transfer-Encoding: {encoding or "7bit"}

{told}
--b
Content-Type: {kind}

{returned}
--b--
""".replace("\n", "\r\n").encode()


def plain_report(about: str, *, sender: str, text: str, **heads: str) -> bytes:
    """As servers write it that know no RFC 3464: text, and what came back below it."""
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["To"] = sender, f"billing@{OUR_DOMAIN}"
    mail["Subject"] = "Mail delivery failed: returning message to sender"
    mail["Message-ID"] = f"<plain-{about}>"
    for name, value in heads.items():
        mail[name.replace("_", "-")] = value
    mail.set_content(f"{text}\n\nMessage-ID: <{about}>\nSubject: Invoice\n")
    return mail.as_bytes()


def nested_reply(about: str, parts: str) -> bytes:
    """`parts` as the programs of some people put them into each other."""
    heads = f"From: jane@acme.example\nIn-Reply-To: <{about}>\nMIME-Version: 1.0\n"
    return f"{heads}{parts}".replace("\n", "\r\n").encode()


def reply(about: str, text: str, *, html: str = "", **heads: str) -> bytes:
    """As somebody at the customer writes it."""
    mail = EmailMessage(policy=SMTP)
    mail["From"] = heads.pop("From", "Jane Doe <jane@acme.example>")
    mail["To"] = f"billing@{OUR_DOMAIN}"
    mail["Subject"] = heads.pop("Subject", "Re: Invoice")
    mail["Message-ID"] = heads.pop("Message_ID", f"<reply-{about}>")
    mail["In-Reply-To"] = f"<{about}>"
    for name, value in heads.items():
        mail[name.replace("_", "-")] = value
    if text:
        mail.set_content(text)
    if html and text:
        mail.add_alternative(html, subtype="html")
    elif html:
        mail.set_content(html, subtype="html")
    return mail.as_bytes()
