"""Where answers to letters come to: what `BOUNCES_URL` says."""

from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from bot.mail.smtp_url import asked_start_tls

PORTS = {"imap": 143, "imaps": 993}
INBOX = "INBOX"


@dataclass(frozen=True)
class MailboxAddress:
    """A folder of somebody's mailbox, and how its server is talked to.

    `tls`: encrypted from the first byte. Otherwise the connection turns to encryption before the
    password is sent, unless `start_tls` is False.
    """

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    folder: str = INBOX
    tls: bool = True
    start_tls: bool = True

    @classmethod
    def parse(cls, url: str) -> "MailboxAddress":
        """Read `imaps://user:password@host:993/INBOX`, or `imap://` with `?starttls=0` where the
        password may travel in the clear; ValueError otherwise.

        What is special in user, password or folder is percent-encoded.
        """
        parts = urlsplit(url.strip())
        if parts.scheme not in PORTS or not parts.hostname or parts.fragment:
            raise ValueError("not an address of a mailbox")
        if not parts.username or not parts.password:
            raise ValueError("a mailbox has a user and a password")
        return cls(
            host=parts.hostname,
            port=parts.port or PORTS[parts.scheme],
            user=unquote(parts.username),
            password=unquote(parts.password),
            folder=unquote(parts.path.strip("/")) or INBOX,
            tls=parts.scheme == "imaps",
            start_tls=asked_start_tls(parts.query) is not False,
        )

    @property
    def name(self) -> str:
        """The mailbox without its password."""
        return f"{self.user}@{self.host}:{self.port}/{self.folder}"
