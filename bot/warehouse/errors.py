"""What goes wrong with an engine, without its secrets."""

import re
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

from models.errors import Refusal

MAX_SHOWN = 300
_USER_INFO = re.compile(r"(?<=://)[^/@\s]*@")


class WarehouseFailed(Refusal):
    """The source could not be asked."""


class SettingMissing(WarehouseFailed):
    """A setting that its address names is not set."""


def without_secrets(text: str, secrets: Iterable[str]) -> str:
    """The first lines of what a driver says; it may repeat what it was told."""
    for secret in sorted({*secrets}, key=len, reverse=True):
        for written in {secret, quote(secret, safe=""), quote_plus(secret), repr(secret)[1:-1]}:
            text = text.replace(written, "***")
    shown = " ".join(_USER_INFO.sub("***@", text).split())
    return shown if len(shown) <= MAX_SHOWN else f"{shown[:MAX_SHOWN]}…"
