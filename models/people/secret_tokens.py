"""Random tokens: told once, and kept as their hash alone."""

import hashlib
import secrets
from enum import StrEnum

TOKEN_BYTES = 32


class TokenKind(StrEnum):
    """What a token is for, which is how it begins: so that it is known for a secret where it is
    seen.
    """

    SESSION = "css_"
    SCRIPT = "cst_"
    LINK = "csl_"
    BROWSER = "csb_"
    USAGE = "csu_"


def new_token(kind: TokenKind) -> str:
    return f"{kind}{secrets.token_urlsafe(TOKEN_BYTES)}"


def token_hash(token: str) -> bytes:
    """A token is as long as its hash and as random, so that no slow hash is needed."""
    return hashlib.sha256(token.encode(errors="surrogateescape")).digest()
