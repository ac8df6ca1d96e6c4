"""A mail server that delivers nowhere: it keeps what it is given, for people to read."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage, MIMEPart
from email.parser import BytesParser
from email.policy import default
from typing import Any, Protocol
from uuid import uuid4

from aiosmtpd.smtp import SMTP

JsonObject = dict[str, Any]

_LARGEST_BYTES = 30_000_000


@dataclass(frozen=True)
class Mail:
    """One message as it arrived."""

    id: str
    sender: str
    recipients: tuple[str, ...]
    message: EmailMessage

    def attachments(self) -> list[EmailMessage]:
        return [part for part in self.message.iter_attachments() if isinstance(part, EmailMessage)]

    def as_json(self) -> JsonObject:
        return {
            "id": self.id,
            "from": str(self.message["From"] or self.sender),
            "to": list(self.recipients),
            "headers": [[name, str(value)] for name, value in self.message.items()],
            "subject": str(self.message["Subject"] or ""),
            "date": str(self.message["Date"] or ""),
            "message_id": str(self.message["Message-ID"] or ""),
            "text": _body(self.message, "plain"),
            "html": _body(self.message, "html"),
            "attachments": [_described(part) for part in self.attachments()],
        }


def _described(part: EmailMessage) -> JsonObject:
    """What an attachment is; one of text is there to be read, too."""
    described = {
        "filename": part.get_filename() or "",
        "content_type": part.get_content_type(),
        "size": len(content_of(part)),
    }
    readable = part.get_content_maintype() == "text"
    return described | ({"text": _text(part)} if readable else {})


def content_of(part: EmailMessage) -> bytes:
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def _body(message: EmailMessage, kind: str) -> str | None:
    part = message.get_body(preferencelist=(kind,))
    return _text(part) if part is not None else None


def _text(part: MIMEPart) -> str:
    return str(part.get_content()).replace("\r\n", "\n")


class MailFault(Protocol):
    """What goes wrong with one message: `kind` is `reject`, `defer` or `cut`, `error` what the
    server says."""

    kind: str
    error: str


class FakeSmtp:
    """An SMTP server on a free port, and what it has received."""

    def __init__(
        self, next_fault: Callable[[], MailFault | None], arrived: Callable[[], None]
    ) -> None:
        self.mails: list[Mail] = []
        self.url = ""
        self._next_fault = next_fault
        self._arrived = arrived
        self._server: asyncio.Server | None = None

    async def start(self, host: str) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: SMTP(
                self,
                hostname="sandbox",
                ident="sandbox",
                enable_SMTPUTF8=True,
                data_size_limit=_LARGEST_BYTES,
                loop=loop,
            ),
            host,
            0,
        )
        self.url = f"smtp://{host}:{self._server.sockets[0].getsockname()[1]}"

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()

    def find(self, mail_id: str) -> Mail | None:
        return next((mail for mail in self.mails if mail.id == mail_id), None)

    async def handle_DATA(  # noqa: N802 - the name aiosmtpd calls
        self, server: SMTP, _session: Any, envelope: Any
    ) -> str:
        fault = self._next_fault()
        if fault is not None and fault.kind == "cut":
            server.transport.abort()
            return "421 closing"
        if fault is not None:
            permanent = fault.kind == "reject"
            return f"{550 if permanent else 451} {fault.error or 'refused on purpose'}"
        message = BytesParser(policy=default).parsebytes(envelope.content)
        self.mails.append(
            Mail(f"M{uuid4().hex.upper()}", envelope.mail_from, tuple(envelope.rcpt_tos), message)
        )
        self._arrived()
        return "250 kept"
