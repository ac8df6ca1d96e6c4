"""A mailbox that is read by IMAP: what is new in it, a mail at a time.

All of it blocks, and belongs into a thread of its own. Raises MailError alone.
"""

import re
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from socket import gaierror
from typing import Any

from imapclient import SEEN, IMAPClient
from imapclient.exceptions import IMAPClientAbortError, IMAPClientError, LoginError

from bot.mail.errors import MailError, MailErrorKind, mistrusted, one_line
from bot.mail.imap_url import MailboxAddress

ANSWER_S = 60.0
MAIL_BYTES = 256_000
"""Of each mail so much is read: its words, and the names of what is attached so far."""
WORDS_CHARS = 300
_CONTENT = f"BODY.PEEK[]<0.{MAIL_BYTES}>"
_FETCHED = b"BODY[]<0>"


@dataclass(frozen=True)
class Mailbox:
    """A mailbox on its server. `ca_file`: certificates that are trusted besides the machine's."""

    address: MailboxAddress
    ca_file: str | None = None

    def open(self) -> "OpenMailbox":
        with _telling(self.address):
            client = self._connect()
            try:
                return OpenMailbox(client, self.address, self._enter(client))
            except BaseException:
                _hang_up(client)
                raise

    def _connect(self) -> IMAPClient:
        """A connection that is encrypted, if it is to be."""
        address, trusted = self.address, self._trusted()
        client = IMAPClient(
            address.host, address.port, ssl=address.tls, ssl_context=trusted, timeout=ANSWER_S
        )
        if address.tls or not address.start_tls:
            return client
        try:
            client.starttls(trusted)
        except BaseException as error:
            _hang_up(client)
            if isinstance(error, IMAPClientAbortError | OSError):
                raise
            told = "The mailbox’s server has no encryption for its passwords."
            raise MailError(told, MailErrorKind.MENDING) from error
        return client

    def _trusted(self) -> ssl.SSLContext:
        trusted = ssl.create_default_context()
        if self.ca_file:
            trusted.load_verify_locations(cafile=self.ca_file)
        return trusted

    def _enter(self, client: IMAPClient) -> int:
        """Log in and open the folder; returns what its UIDs are valid by."""
        client.login(self.address.user, self.address.password)
        try:
            return int(client.select_folder(self.address.folder)[b"UIDVALIDITY"])
        except IMAPClientAbortError:
            raise
        except IMAPClientError as error:
            told = f"The mailbox has no folder {self.address.folder}: {_words(error)}"
            raise MailError(told, MailErrorKind.MENDING) from error


@dataclass(frozen=True)
class OpenMailbox:
    """A mailbox that is open; its UIDs name mails as long as `uid_validity` is the same."""

    client: IMAPClient
    address: MailboxAddress
    uid_validity: int

    def uids_after(self, uid: int) -> list[int]:
        """Those of later mails, in the order in which they came."""
        # A range that ends with * has the last mail in it, however low its number.
        with _telling(self.address):
            found: Sequence[int] = self.client.search(["UID", f"{uid + 1}:*"])
        return sorted(one for one in found if one > uid)

    def uids_since(self, day: date) -> list[int]:
        """Those of mails that came on that day or later."""
        with _telling(self.address):
            found: Sequence[int] = self.client.search(["SINCE", day])
        return sorted(found)

    def content(self, uid: int) -> bytes | None:
        """The mail as far as it is read, unread as before for everybody else; None of one that is
        gone by now.
        """
        with _telling(self.address):
            fetched: dict[int, dict[bytes, Any]] = self.client.fetch([uid], [_CONTENT])
        content = fetched.get(uid, {}).get(_FETCHED)
        return content if isinstance(content, bytes) else None

    def mark_seen(self, uid: int) -> None:
        with _telling(self.address):
            self.client.add_flags([uid], [SEEN], silent=True)

    def close(self) -> None:
        with suppress(Exception):
            self.client.logout()
        _hang_up(self.client)


def _hang_up(client: IMAPClient) -> None:
    with suppress(Exception):
        client.shutdown()


@contextmanager
def _telling(address: MailboxAddress) -> Iterator[None]:
    """What goes wrong is told as a MailError, without the password, whoever repeated it."""
    try:
        yield
    except Exception as error:
        found = error if isinstance(error, MailError) else _trouble(error)
        told = one_line(found.code.replace(address.password, "[hidden]"))
        raise MailError(told[:WORDS_CHARS], found.kind) from None


def _trouble(error: Exception) -> MailError:
    told = _words(error)
    if isinstance(error, LoginError):
        return MailError(f"The mailbox lets nobody in: {told}", MailErrorKind.MENDING)
    if isinstance(error, ssl.SSLCertVerificationError):
        return MailError(mistrusted("The mailbox’s server", error), MailErrorKind.MENDING)
    if isinstance(error, gaierror):
        return MailError(f"The mailbox’s server is not found: {told}", MailErrorKind.MENDING)
    if isinstance(error, OSError | IMAPClientAbortError):
        return MailError(f"The mailbox cannot be reached: {told}", MailErrorKind.SERVER)
    return MailError(f"The mailbox cannot be read: {told}", MailErrorKind.SERVER)


def _words(error: Exception) -> str:
    """What the server said, which the libraries hand on as bytes, or as these written out."""
    told = re.sub(r"""^b(["'])(.*)\1$""", r"\2", str(error))
    return told or type(error).__name__
