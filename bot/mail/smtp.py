"""Mail: a letter with its document is handed to the mail server, which says yes or why not."""

import re
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from email.headerregistry import Address

import aiosmtplib

from bot.mail.errors import (
    MailError,
    MailErrorKind,
    amid_a_letter,
    not_taken,
    one_line,
    trouble,
)
from bot.mail.message import Email, compose
from bot.mail.session import Patience, RecipientsLost, Session
from bot.mail.smtp_url import MailServer
from models.bills.deliveries import Missing
from models.mailboxes import mailboxes

ANSWER_CHARS = 500
LEAVING_S = 5.0
CANNOT_WRITE = "The mail server cannot write to addresses beyond ASCII."
NO_ADDRESS = "It is no e-mail address."


@dataclass(frozen=True)
class Receipt:
    """The server took the letter on: its answer, one line, and to whom it goes."""

    answer: str
    to: tuple[str, ...]
    missing: tuple[Missing, ...] = ()


@dataclass(frozen=True)
class _Envelope:
    """Who stands in the heads, whom the server is `asked` to take it for, and of whom one at least
    is `needed`. `is_rest`: others have it already.
    """

    to: Sequence[Address]
    copies: Sequence[Address]
    asked: frozenset[str]
    needed: frozenset[str]
    is_rest: bool = False

    @classmethod
    def of(
        cls, to: Sequence[Address], copies: Sequence[Address], only: frozenset[str] | None
    ) -> "_Envelope":
        everybody = frozenset(one.addr_spec for one in (*to, *copies))
        if only is not None:
            return cls(to, copies, everybody & only, everybody & only, is_rest=True)
        return cls(to, copies, everybody, frozenset(one.addr_spec for one in to))

    @property
    def addresses(self) -> list[str]:
        return list(dict.fromkeys(one.addr_spec for one in (*self.to, *self.copies)))

    def without(self, gone: Collection[str], *, in_heads: bool = False) -> "_Envelope":
        rest = replace(self, asked=self.asked.difference(gone))
        if not in_heads:
            return rest
        return replace(rest, to=_without(gone, self.to), copies=_without(gone, self.copies))


class Mailer:
    """Hands letters to one mail server. Raises MailError alone."""

    def __init__(
        self,
        server: MailServer,
        sender: str,
        *,
        greet_as: str | None = None,
        ca_file: str | None = None,
        patience: Patience | None = None,
    ) -> None:
        """`sender` hands letters over: one address, with a name or without. `greet_as`: the name of
        this machine; `ca_file`: certificates that are trusted besides those of the machine.
        """
        self._server = server
        (self._sender,) = mailboxes(sender)
        self._greet_as, self._ca_file = greet_as, ca_file
        self._patience = patience or Patience()

    async def send(self, letter: Email, only: frozenset[str] | None = None) -> Receipt:
        """Hand the letter over to everybody the server takes it for, or to those `only`.

        It goes out where one billing address at least is taken, or one of `only`; whoever else it
        does not go to is `missing`.
        """
        to, none = _addresses(letter.to)
        if not to:
            shown = one_line(letter.to)[:ANSWER_CHARS] or "nothing"
            raise MailError(
                f"The billing address is no e-mail address: {shown}.", MailErrorKind.REFUSED
            )
        copies, also_none = _addresses(letter.cc)
        to = _once(to)
        copies = _once(copies, besides=to)
        missing = [Missing(text, NO_ADDRESS, later=False) for text in (*none, *also_none)]
        envelope = _Envelope.of(to, copies, only)
        while True:
            try:
                receipt = await self._converse(letter, envelope)
            except RecipientsLost as lost:
                missing += [self._shown(one) for one in lost.missing]
                envelope = envelope.without({one.address for one in lost.missing})
                if not envelope.asked & envelope.needed:
                    raise self._nobody(lost.missing, envelope) from None
            else:
                return replace(receipt, missing=(*missing, *receipt.missing))

    async def greet(self) -> None:
        """Go as far as the server lets in whoever has a letter of ours, and hand it none."""
        client = self._session()
        try:
            await client.connect()
            await client.mail(self._sender.addr_spec)
            await self._leave(client)
        except (aiosmtplib.SMTPException, OSError) as error:
            raise self._trouble(error) from None
        finally:
            client.close()

    def _session(self) -> Session:
        return Session(self._server, self._patience, self._greet_as, self._ca_file)

    @staticmethod
    async def _leave(client: Session) -> None:
        with suppress(aiosmtplib.SMTPException, OSError):
            await client.quit(timeout=LEAVING_S)

    async def _converse(self, letter: Email, envelope: "_Envelope") -> Receipt:
        client = self._session()
        listens = False
        try:
            await client.connect()
            listens = True
            receipt = await self._hand_in(client, letter, envelope)
            await self._leave(client)
        except aiosmtplib.SMTPDataError as error:
            raise self._letter_refused(error, self._author(letter)) from None
        except (aiosmtplib.SMTPException, OSError, MailError) as error:
            found = self._trouble(error)
            raise (amid_a_letter(found) if listens else found) from None
        finally:
            client.close()
        return receipt

    def _author(self, letter: Email) -> Address:
        """Who its reader sees; the mail server is told who hands it over today."""
        if letter.sender is None:
            return self._sender
        (author,) = mailboxes(letter.sender)
        return author

    async def _hand_in(self, client: Session, letter: Email, envelope: "_Envelope") -> Receipt:
        unwritable = [
            Missing(one, CANNOT_WRITE, later=False)
            for one in envelope.addresses
            if not client.can_write_to(one)
        ]
        envelope = envelope.without({one.address for one in unwritable}, in_heads=True)
        if not envelope.asked & envelope.needed:
            raise self._nobody(unwritable, envelope)
        content = compose(letter, self._author(letter), envelope.to, envelope.copies)
        asked = [one for one in envelope.addresses if one in envelope.asked]
        refused = await client.offer(self._sender.addr_spec, asked, len(content))
        taken = [one for one in asked if one not in {said.address for said in refused}]
        if envelope.needed.isdisjoint(taken):
            needed = [one for one in refused if one.address in envelope.needed]
            raise self._nobody(needed, envelope)
        await client.begin(refused)
        answer = await client.hand_over(content)
        missing = tuple(self._shown(one) for one in (*unwritable, *refused))
        return Receipt(self._plain(answer), tuple(taken), missing)

    def _nobody(self, refused: Sequence[Missing], envelope: "_Envelope") -> MailError:
        """Nobody who is needed is taken: that may pass where it may for one of them. What a server
        that has taken the letter for others says now is about these addresses alone.
        """
        telling = next((one for one in refused if one.later), refused[0])
        about = f"{self._plain(telling.answer)} (to {telling.address})"
        code, _, words = telling.answer.partition(" ")
        if code.isdecimal() and not envelope.is_rest:
            return not_taken(int(code), words, f"The mail server answered: {about}")
        kind = MailErrorKind.LATER if telling.later else MailErrorKind.REFUSED
        return MailError(f"The mail server does not take it: {about}", kind)

    def _shown(self, missing: Missing) -> Missing:
        return Missing(missing.address, self._plain(missing.answer), missing.later)

    def _trouble(self, error: Exception) -> MailError:
        found = error if isinstance(error, MailError) else trouble(error)
        return MailError(
            self._plain(found.code), found.kind, if_ours=found.if_ours, to_do=found.to_do
        )

    def _letter_refused(self, error: aiosmtplib.SMTPDataError, author: Address) -> MailError:
        """A name of before that a server refuses is the matter of the letters that bear it."""
        found = self._trouble(error)
        if not found.in_doubt or author == self._sender:
            return found
        was = f"Its letter is from {author.addr_spec}, as it was issued."
        return MailError(f"{found.code.rstrip('.')}. {was}", MailErrorKind.REFUSED)

    def _plain(self, text: str) -> str:
        """On one line, bounded, and without the password, whoever repeated it."""
        if self._server.password:
            text = text.replace(self._server.password, "[hidden]")
        return one_line(text)[:ANSWER_CHARS]


class NotMailed(Exception):
    """A letter was written and, in a dry run, handed to nobody."""

    def __init__(self, to: Sequence[str]) -> None:
        super().__init__(", ".join(to))
        self.to = ", ".join(to)


class DryMailer(Mailer):
    """Does with a letter all that comes before the mail server, and then raises NotMailed."""

    def __init__(self, sender: str) -> None:
        super().__init__(MailServer("", 0), sender)

    async def greet(self) -> None:
        """There is nobody to greet."""

    async def _converse(self, letter: Email, envelope: "_Envelope") -> Receipt:
        compose(letter, self._author(letter), envelope.to, envelope.copies)
        raise NotMailed([one for one in envelope.addresses if one in envelope.asked])


def _without(gone: Collection[str], addresses: Sequence[Address]) -> list[Address]:
    return [one for one in addresses if one.addr_spec not in gone]


def _once(addresses: Sequence[Address], besides: Sequence[Address] = ()) -> list[Address]:
    """Each mailbox once, and none of those that are written to besides, whatever case they have."""
    known = {one.addr_spec.casefold() for one in besides}
    each = {one.addr_spec.casefold(): one for one in reversed(addresses)}
    return [one for key, one in reversed(each.items()) if key not in known]


def recipients_of(*texts: str) -> list[str]:
    """The bare addresses in what is written of whom a letter is for."""
    return [one.addr_spec for text in texts for one in _addresses(text)[0]]


def _addresses(text: str) -> tuple[list[Address], list[str]]:
    """Those in `text`, and what stands between its commas and is none."""
    try:
        return (mailboxes(text) if text.strip() else []), []
    except ValueError:
        pass
    found: list[Address] = []
    none: list[str] = []
    for part in filter(None, (one.strip() for one in re.split("[,;]", text))):
        try:
            found += mailboxes(part)
        except ValueError:
            none.append(one_line(part)[:ANSWER_CHARS])
    return found, none
