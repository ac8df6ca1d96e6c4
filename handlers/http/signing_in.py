"""Signing in and up, for pages and the JSON API alike.

A password is hashed between two short transactions, so that nobody holds a connection meanwhile.
"""

from dataclasses import dataclass, replace

from handlers.http.cookies import browser_token, session_token
from handlers.http.devices import device_label
from handlers.http.errors import NotSignedIn, WrongPassword
from handlers.http.gate import Caller
from models.actions.accounts import (
    check_new_account,
    make_account,
    needs_old_password,
    set_password,
)
from models.db.columns import Session
from models.errors import Faults, Invalid, Stale
from models.people.access_attempts import (
    AccessAttempt,
    AttemptKind,
    Origin,
    attempt_succeeded,
    begin_attempt,
    note_arrival,
)
from models.people.passwords import read_password
from models.people.secret_tokens import TokenKind, new_token
from models.people.sessions import end_session_by_token, open_session
from models.people.sign_in_links import use_sign_in_link
from models.people.users import User, find_by_name

WRONG = "That is not your password."


@dataclass(frozen=True)
class NewSession:
    """Who is signed in by now, the token of their device, and that by which their browser is known
    afterwards.
    """

    user: User
    token: str
    browser: str


async def sign_in(caller: Caller, name: str, password: str) -> NewSession:
    """Sign somebody in by name and password; raises WrongPassword, whichever of them is wrong, and
    TooOften.
    """
    with caller.services.passwords.admitted():
        async with caller.transaction() as session:
            attempt = await _attempt(caller, session, AttemptKind.SIGN_IN, name)
            found = await find_by_name(session, name)
        digest = found.password_digest if found else None
        if not await caller.services.passwords.matches(password, digest):
            raise WrongPassword
    async with caller.transaction() as session:
        user = await session.get(User, found.id) if found else None
        if user is None or not user.active or user.password_digest != digest:
            raise WrongPassword
        await attempt_succeeded(session, attempt)
        return await _signed_in(caller, session, user)


async def sign_in_by_link(caller: Caller, token: str) -> NewSession:
    """Sign in whom a one-time link is for; raises SpentLink."""
    async with caller.transaction() as session:
        user = await use_sign_in_link(session, token, caller.services.now())
        return await _signed_in(caller, session, user, by_link=True)


async def sign_up(caller: Caller, name: str, email: str, password: str) -> User:
    """Make an account, in which nobody is signed in yet; raises Invalid, and TooOften."""
    faults = Faults()
    with faults.noted():
        password = read_password(password)
    with caller.services.passwords.admitted():
        async with caller.transaction() as session:
            attempt = await _attempt(caller, session, AttemptKind.SIGN_UP, name)
        async with caller.transaction() as session:
            with faults.noted():
                await check_new_account(session, name, email)
            faults.refuse()
        digest = await caller.services.passwords.digest(password)
    async with caller.transaction() as session:
        await attempt_succeeded(session, attempt)
        return await make_account(session, name, email, digest, caller.services.now())


async def sign_in_new(caller: Caller, user: User) -> NewSession:
    """Sign in whoever has made this account just now."""
    async with caller.transaction() as session:
        return await _signed_in(caller, session, user)


async def change_password(caller: Caller, old: str, new: str) -> None:
    """Give whoever is signed in another password; raises Invalid where the old one is wrong.

    Asked for twice at once it is done once, and the second finds it done.
    """
    user, device = caller.user, caller.device
    if user is None or device is None:
        raise NotSignedIn
    now = caller.services.now()
    new = read_password(new, "new_password")
    is_asked = needs_old_password(user, device, now)
    if is_asked and not old:
        raise Invalid("Your old password is needed.", "old_password")
    with caller.services.passwords.admitted():
        try:
            if is_asked:
                await _check_old(caller, user, old)
            digest = await caller.services.passwords.digest(new)
            async with caller.transaction() as session:
                await set_password(session, user, digest, device, now)
        except (Invalid, Stale):
            if not await _is_password(caller, user, new):
                raise


async def _is_password(caller: Caller, user: User, typed: str) -> bool:
    """Whether that is somebody's password by now."""
    async with caller.transaction() as session:
        current = await session.get(User, user.id)
    digest = current.password_digest if current else None
    return await caller.services.passwords.matches(typed, digest)


async def _check_old(caller: Caller, user: User, old: str) -> None:
    async with caller.transaction() as session:
        attempt = await _attempt(caller, session, AttemptKind.SIGN_IN, user.name)
    if not await caller.services.passwords.matches(old, user.password_digest):
        raise Invalid(WRONG, "old_password")
    async with caller.transaction() as session:
        await attempt_succeeded(session, attempt)


async def _attempt(caller: Caller, session: Session, kind: AttemptKind, name: str) -> AccessAttempt:
    return await begin_attempt(session, kind, name, _origin(caller), caller.services.now())


def _origin(caller: Caller) -> Origin:
    """Where the request comes from, as the server knows it: see `TRUSTED_PROXIES`."""
    client = caller.request.client
    return Origin(client.host if client else "", browser_token(caller.request))


async def _signed_in(
    caller: Caller, session: Session, user: User, *, by_link: bool = False
) -> NewSession:
    """On a new device, whose token nobody can have known before; the browser's former one ends."""
    former = session_token(caller.request)
    if former is not None:
        await end_session_by_token(session, former)
    now, label = caller.services.now(), device_label(caller.request)
    origin = _origin(caller)
    browser = origin.browser or new_token(TokenKind.BROWSER)
    await note_arrival(session, user.name, replace(origin, browser=browser), now)
    token = await open_session(session, user, now, label, by_link=by_link)
    return NewSession(user, token, browser)
