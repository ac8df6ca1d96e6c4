"""Mail: what comes is kept and shown, and trouble can be ordered."""

from __future__ import annotations

import asyncio
import smtplib
from email.message import EmailMessage

import aiohttp
import pytest

from sandbox.fake_slack.sandbox import Sandbox

PDF = b"%PDF-1.7 an invoice"


def letter(html: str = "<p>Please find attached.</p>") -> EmailMessage:
    message = EmailMessage()
    message["From"] = "Billing <billing@example.test>"
    message["To"] = "accounts@acme.test"
    message["Cc"] = "boss@acme.test"
    message["Subject"] = "Invoice 2026-000123 für Müller & Söhne"
    message["Message-ID"] = "<bill-42@example.test>"
    message.set_content("Please find attached.\n")
    message.add_alternative(html, subtype="html")
    message.add_attachment(PDF, maintype="application", subtype="pdf", filename="2026-000123.pdf")
    return message


async def sent(sandbox: Sandbox, message: EmailMessage) -> None:
    def deliver() -> None:
        host, port = sandbox.smtp_url.removeprefix("smtp://").split(":")
        with smtplib.SMTP(host, int(port), timeout=5) as server:
            server.send_message(message)

    await asyncio.to_thread(deliver)


async def test_a_letter_is_kept_with_its_parts(sandbox: Sandbox) -> None:
    await sent(sandbox, letter())
    (mail,) = sandbox.mail()
    assert mail["from"] == "Billing <billing@example.test>"
    assert mail["to"] == ["accounts@acme.test", "boss@acme.test"]
    assert mail["subject"] == "Invoice 2026-000123 für Müller & Söhne"
    assert mail["message_id"] == "<bill-42@example.test>"
    assert ["Cc", "boss@acme.test"] in mail["headers"]
    assert (mail["text"], mail["html"]) == (
        "Please find attached.\n",
        "<p>Please find attached.</p>\n",
    )
    assert mail["attachments"] == [
        {"filename": "2026-000123.pdf", "content_type": "application/pdf", "size": len(PDF)}
    ]


async def test_an_attachment_of_text_can_be_read(sandbox: Sandbox) -> None:
    message = letter()
    message.add_attachment("Rechnung\r\n  1.00 €\r\n", filename="2026-000123.txt")
    await sent(sandbox, message)
    (mail,) = sandbox.mail()
    assert mail["attachments"][1]["text"] == "Rechnung\n  1.00 €\n"


async def test_letters_and_attachments_are_fetched_over_http(sandbox: Sandbox) -> None:
    await sent(sandbox, letter())
    async with aiohttp.ClientSession(sandbox.base_url) as session:
        async with session.get("/_control/mail") as answer:
            (mail,) = (await answer.json())["mail"]
        for side in ("_control", "_page"):
            path = f"/{side}/mail/{mail['id']}/attachments"
            async with session.get(f"{path}/0") as answer:
                assert (answer.content_type, await answer.read()) == ("application/pdf", PDF)
                assert answer.headers["Content-Disposition"] == (
                    "inline; filename*=UTF-8''2026-000123.pdf"
                )
            for wrong in ("1", "x"):
                async with session.get(f"{path}/{wrong}") as answer:
                    assert answer.status == 404


async def test_an_attachment_that_could_run_is_saved_and_never_opened(sandbox: Sandbox) -> None:
    message = letter()
    page = b"<script>alert(1)</script>"
    message.add_attachment(page, maintype="text", subtype="html", filename='a"b;ü.html')
    await sent(sandbox, message)
    (mail,) = sandbox.mail()
    async with (
        aiohttp.ClientSession(sandbox.base_url) as session,
        session.get(f"/_page/mail/{mail['id']}/attachments/1") as answer,
    ):
        named = "attachment; filename*=UTF-8''a%22b%3B%C3%BC.html"
        assert answer.headers["Content-Disposition"] == named
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(("kind", "code"), [("reject", 550), ("defer", 451)])
async def test_mail_can_be_refused_for_good_or_for_now(
    sandbox: Sandbox, kind: str, code: int
) -> None:
    await sandbox.fault(mail=kind, error="no such mailbox")
    with pytest.raises(smtplib.SMTPDataError) as caught:
        await sent(sandbox, letter())
    assert (caught.value.smtp_code, caught.value.smtp_error) == (code, b"no such mailbox")
    await sent(sandbox, letter())
    assert len(sandbox.mail()) == 1


async def test_a_connection_can_be_cut_in_the_middle_of_a_letter(sandbox: Sandbox) -> None:
    await sandbox.fault(mail="cut")
    with pytest.raises((smtplib.SMTPServerDisconnected, ConnectionError)):
        await sent(sandbox, letter())
    assert sandbox.mail() == []


async def test_plain_letters_need_no_parts(sandbox: Sandbox) -> None:
    message = EmailMessage()
    message["To"] = "accounts@acme.test"
    message["From"] = "billing@example.test"
    message.set_content("Hello")
    await sent(sandbox, message)
    (mail,) = sandbox.mail()
    assert (mail["html"], mail["attachments"]) == (None, [])
