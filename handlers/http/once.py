"""A request that comes again by its key is answered as before, and not done.

Programs send a key of their own as `Idempotency-Key`. Each form of a page carries one: clicked
twice, or sent again because no answer came, it is done once and told as done.
"""

import hashlib
import json
import re
import secrets
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import parse_qs

from fastapi import Request, Response

from handlers.http.cookies import NOTICE
from handlers.http.ids import refuse_unknown
from models.db.columns import Session
from models.errors import Invalid, Refusal
from models.people.kept_answers import KEY_FIELD, KeptAnswer, claim_key, keep_answer
from models.people.users import User

HEADER = KEY_FIELD
KEY = r"^[!-~]{1,255}$"
KEPT_HEADERS = ("content-type", "etag", "location")
FIELD = "once"
_FIELD = re.compile(r"[\w-]{16,64}", re.ASCII)


class ToldOnce(Refusal):
    """That was done already, and the secret in its answer is told only once. Take back what was
    made, and make another.
    """


@dataclass(frozen=True)
class Key:
    """A key, whose it is, and what it came with; `holds_secret`: the answer is not kept."""

    user_id: int
    text: str
    request: bytes
    holds_secret: bool = False


async def key_of_request(
    session: Session, request: Request, user: User | None, *, holds_secret: bool = False
) -> Key | None:
    """The key that a request came with; None without one. Refuses what is no key."""
    text = request.headers.get(HEADER)
    if text is None or user is None or request.method != "POST":
        return None
    if re.fullmatch(KEY, text) is None:
        await refuse_unknown(session, request.path_params)
        raise Invalid("A key is 1 to 255 visible signs of ASCII.", HEADER)
    return Key(user.id, text, _fingerprint(request, await request.body()), holds_secret)


def new_form_key() -> str:
    """For one form, as it is drawn once."""
    return secrets.token_urlsafe(16)


async def key_of_form(request: Request, user: User, *, holds_secret: bool = False) -> Key | None:
    """The key of the form that a request brings, with what it says: gone back to and sent with
    other words it is another request. None without one.
    """
    kind = request.headers.get("content-type", "")
    if request.method != "POST" or not kind.startswith("application/x-www-form-urlencoded"):
        return None
    body = await request.body()
    [text] = parse_qs(body.decode("utf-8", "replace")).get(FIELD, [""])[-1:]
    if not _FIELD.fullmatch(text):
        return None
    said = _fingerprint(request, body)
    return Key(user.id, f"{FIELD}:{text}:{said.hex()}", said, holds_secret)


async def answered(session: Session, request: Request, key: Key) -> Response | None:
    """What was answered by this key before; None where it is the first time, or not known yet."""
    now = request.app.state.services.now()
    try:
        kept = await claim_key(session, key.user_id, key.text, key.request, now)
    except Invalid:
        await refuse_unknown(session, request.path_params)
        raise
    if kept is None or kept.status is None:
        return None
    return _again(kept)


def _again(kept: KeptAnswer) -> Response:
    if kept.body is None:
        raise ToldOnce
    return Response(kept.body, status_code=kept.status or 200, headers=kept.headers)


async def keep(session: Session, key: Key, response: Response) -> None:
    """Keep this answer for whoever asks again."""
    headers = {name: response.headers[name] for name in KEPT_HEADERS if name in response.headers}
    for cookie in response.headers.getlist("set-cookie"):
        if cookie.startswith(f"{NOTICE}="):
            headers["set-cookie"] = cookie
    body = None if key.holds_secret else bytes(response.body)
    await keep_answer(session, key.user_id, key.text, response.status_code, headers, body)


def _fingerprint(request: Request, body: bytes) -> bytes:
    """The same for the same request, however its JSON is laid out."""
    with suppress(ValueError, RecursionError):
        body = json.dumps(json.loads(body), sort_keys=True).encode()
    asked = f"{request.method} {request.url.path}?{request.url.query}\n".encode()
    return hashlib.sha256(asked + body).digest()
