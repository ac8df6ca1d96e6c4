"""What a setting may hold, read as people write it: each refuses all else by a ValueError."""

import re
import ssl
from collections.abc import Callable
from importlib.util import find_spec
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

from bot.mail.imap_url import MailboxAddress
from bot.mail.smtp_url import MailServer
from models.errors import Unreadable
from models.mailboxes import mailboxes
from models.slack_ids import read_member_id
from models.text import refuse_placeholder

FACTUR_X = "factur-x"
LAST_DAY = 31
E_INVOICE_PACKAGES = ("facturx", "lxml", "pikepdf", "saxonche")


def matching(pattern: str) -> AfterValidator:
    """Refuses a text or a secret that is not of that form."""

    def check(value: str | SecretStr) -> str | SecretStr:
        text = value.get_secret_value() if isinstance(value, SecretStr) else value
        if re.fullmatch(pattern, text) is None:
            raise ValueError
        return value

    return AfterValidator(check)


def read_by(reading: Callable[[str], str | None]) -> AfterValidator:
    """Takes what a reading of the models makes of the text, or the text where it only refuses."""

    def check(text: str) -> str:
        try:
            return reading(text) or text
        except Unreadable:
            raise ValueError from None

    return AfterValidator(check)


def zone_of_a_place(zone: ZoneInfo) -> ZoneInfo:
    """UTC, or where a place is: others, such as EST, know no summer time or count backwards."""
    if zone.key != "UTC" and re.fullmatch(r"(?!Etc/)[A-Z]\w+/\S+", zone.key) is None:
        raise ValueError
    return zone


def _network(text: str) -> str:
    """An address or a network, but not all there are."""
    if not ip_network(text).prefixlen:
        raise ValueError
    return text


def web_address(address: str) -> str:
    """A scheme and a host, perhaps a port and a path, and nothing secret."""
    parts = urlsplit(address)
    if not parts.hostname or parts.username or parts.query or parts.fragment or parts.port == 0:
        raise ValueError
    return address.rstrip("/")


def web_api(address: str) -> str:
    """Where methods are called, which is under `/api/` on a host that is named alone."""
    address = web_address(address)
    return f"{address}/" if urlsplit(address).path else f"{address}/api/"


def mail_server_url(url: SecretStr) -> SecretStr:
    server = MailServer.parse(url.get_secret_value())
    if server.user and not server.password:
        raise ValueError
    return url


def mailbox_url(url: SecretStr) -> SecretStr:
    MailboxAddress.parse(url.get_secret_value())
    return url


def certificates(path: Path) -> Path:
    """A file that a certificate can be checked by."""
    try:
        ssl.create_default_context(cafile=str(path))
    except OSError:
        raise ValueError from None
    return path


def one_mailbox(text: str) -> str:
    (mailbox,) = mailboxes(text)
    if not mailbox.username.isascii():
        raise ValueError
    return text


def with_a_template(folder: Path) -> Path:
    if not (folder / "invoice.typ").is_file():
        raise ValueError
    return folder


def _form_of_e_invoices(typed: object) -> object:
    """The one form that there is, also by a plain yes; None for a no."""
    word = str(typed or "no").casefold()
    if word in ("0", "no", "false", "off"):
        return None
    return FACTUR_X if word in ("facturx", "zugferd", "1", "yes", "true", "on") else word


def _installed(form: str | None) -> str | None:
    """What e-invoices take is an extra of the installation."""
    if form and not all(map(find_spec, E_INVOICE_PACKAGES)):
        raise ValueError
    return form


def split(given: str | tuple[str, ...]) -> list[str]:
    """What was typed, or the default."""
    typed = given if isinstance(given, str) else ",".join(given)
    return [part for part in re.split(r"[\s,]+", typed) if part]


def folders(given: str | tuple[str, ...]) -> list[str]:
    """Several with commas between them; a name may have blanks."""
    parts = given.split(",") if isinstance(given, str) else given
    return [part.strip() for part in parts if part.strip()]


def _host(text: str) -> str:
    """As an address of the web has it, in small letters; one of IPv6 without brackets."""
    bare = text.lower().removeprefix("[").removesuffix("]")
    if re.fullmatch(r"[\w.:-]+", bare) is None or (":" in bare and bare.count(":") < 2):
        raise ValueError
    return bare


def _day_of_month(typed: object) -> object:
    """The last one is the 31st, which every month has in its way."""
    return LAST_DAY if str(typed).strip().casefold() == "last" else typed


Address = Annotated[str, matching(r"https?://\S+")]
DayOfMonth = Annotated[int, Field(ge=1, le=LAST_DAY), BeforeValidator(_day_of_month)]
Host = Annotated[str, AfterValidator(_host)]
Proxy = Annotated[str, AfterValidator(_network)]
SlackId = Annotated[str, read_by(read_member_id)]
OneLine = Annotated[str, matching(r"[^\r\n]{1,300}"), read_by(refuse_placeholder)]
EInvoices = Annotated[
    Literal["factur-x"] | None, BeforeValidator(_form_of_e_invoices), AfterValidator(_installed)
]
SomeLines = Annotated[str, Field(max_length=1000), read_by(refuse_placeholder)]
