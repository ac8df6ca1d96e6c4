"""Where mail is handed in: what `SMTP_URL` says."""

import re
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlsplit

DOMAIN_NAME = re.compile(r"(?=.{1,253}\Z)[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})+")
"""A machine's name with its domain."""

PORTS = {"smtp": 587, "smtps": 465}
_YES_NO = {"1": True, "true": True, "0": False, "false": False}


def asked_start_tls(query: str) -> bool | None:
    """What `starttls=1` or `starttls=0` asks for, None where nothing does; ValueError otherwise."""
    asked = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
    if [name for name, _ in asked] not in ([], ["starttls"]):
        raise ValueError("only starttls can be asked for")
    if any(answer not in _YES_NO for _, answer in asked):
        raise ValueError("starttls is 1 or 0")
    return _YES_NO[asked[0][1]] if asked else None


@dataclass(frozen=True)
class MailServer:
    """A server that takes mail, and how it is talked to.

    `tls`: encrypted from the first byte; then `start_tls` has no say. Otherwise True insists on
    turning to encryption, None does so where the server offers it, False never does.
    """

    host: str
    port: int
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: bool = False
    start_tls: bool | None = None

    @classmethod
    def parse(cls, url: str) -> "MailServer":
        """Read `smtp://user:password@host:587?starttls=1`, or `smtps://`; ValueError otherwise.

        What stands in a password for `@`, `/` or `%` is percent-encoded. A user's password is
        never sent in the clear, unless `starttls=0` asks for it.
        """
        parts = urlsplit(url.strip())
        if parts.scheme not in PORTS or not parts.hostname or parts.path.strip("/"):
            raise ValueError("not an address of a mail server")
        if parts.fragment:
            raise ValueError("not an address of a mail server")
        asked = asked_start_tls(parts.query)
        tls = parts.scheme == "smtps"
        return cls(
            host=parts.hostname,
            port=parts.port or PORTS[parts.scheme],
            user=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
            tls=tls,
            start_tls=(True if parts.username else None) if asked is None else asked,
        )
