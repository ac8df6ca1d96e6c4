"""How often somebody may try to get in: per account, and per place that they try from; and how
often customers come and ask by a link.

A place is an address; or a browser, for the accounts that have signed in by it. So whoever guesses
behind an address keeps nobody else there out of a browser that they have used before.

Every attempt is a row, so that the limits hold over restarts and over all replicas. It counts as
failed from its beginning on, so that many at once are no way around them.
"""

import hashlib
import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped

from models.db.columns import Base, Id
from models.db.names import name_key
from models.errors import TooOften
from models.people.secret_tokens import token_hash
from models.text import cleaned_name

KNOWN_FOR = timedelta(days=90)
"""So long a place from which somebody has signed in counts as theirs."""


class AttemptKind(StrEnum):
    SIGN_IN = "sign_in"
    SIGN_UP = "sign_up"
    LINK_VISIT = "link_visit"
    LINK_QUESTION = "link_question"


class AccessAttempt(Base):
    """Somebody tried to get in. `account`: a hash of the name that they gave, whosever it is, since
    people type passwords there by mistake, or of the token of their link. `address`: the place that
    they tried from.
    """

    __tablename__ = "access_attempts"

    id: Mapped[Id]
    kind: Mapped[str]
    account: Mapped[bytes | None]
    address: Mapped[str]
    at: Mapped[datetime]
    succeeded: Mapped[bool]


@dataclass(frozen=True)
class Limit:
    """At most so many attempts within a time, of those that `counted` names in SQL."""

    most: int
    within: timedelta
    counted: str


_FAILED = "a.kind = 'sign_in' and not a.succeeded"
_KNOWN = """exists (
    select from access_attempts k
    where k.account = :account and k.address = :address and k.succeeded and k.at > :known_since)"""

SIGN_IN_LIMITS = (
    Limit(
        10, timedelta(minutes=15), f"{_FAILED} and a.account = :account and a.address = :address"
    ),
    Limit(50, timedelta(hours=1), f"{_FAILED} and a.account = :account and not {_KNOWN}"),
    Limit(100, timedelta(minutes=15), f"{_FAILED} and a.address = :address"),
)
"""The second one stops whoever tries one account from many addresses, and leaves its person alone
where they have signed in before.
"""
SIGN_UP_LIMITS = (Limit(100, timedelta(hours=1), "a.kind = 'sign_up' and a.address = :address"),)
LINK_VISIT_LIMITS = (
    Limit(120, timedelta(minutes=15), "a.kind = 'link_visit' and a.address = :address"),
)
LINK_QUESTION_LIMITS = (
    Limit(5, timedelta(hours=1), "a.kind = 'link_question' and a.account = :account"),
    Limit(20, timedelta(hours=1), "a.kind = 'link_question' and a.address = :address"),
)
"""Visits are counted of links that lead nowhere, too: nobody tries many."""
_LIMITS = {
    AttemptKind.SIGN_IN: SIGN_IN_LIMITS,
    AttemptKind.SIGN_UP: SIGN_UP_LIMITS,
    AttemptKind.LINK_VISIT: LINK_VISIT_LIMITS,
    AttemptKind.LINK_QUESTION: LINK_QUESTION_LIMITS,
}
FORGOTTEN_AFTER = max(one.within for limits in _LIMITS.values() for one in limits)


def place_of(address: str) -> str:
    """What counts as one place: an address, or the 64 bits of IPv6 that one household has."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address[:100]
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)


@dataclass(frozen=True)
class Origin:
    """Where somebody tries from: an address, and the token of their browser, if it has one."""

    address: str
    browser: str | None = None

    @property
    def places(self) -> tuple[str, ...]:
        """The browser first."""
        browser = (_place_of_browser(self.browser),) if self.browser else ()
        return (*browser, place_of(self.address))


def _place_of_browser(token: str) -> str:
    return f"browser {token_hash(token).hex()}"


async def _place(session: AsyncSession, account: bytes, origin: Origin, now: datetime) -> str:
    """The browser, where it is known for that account; else the address."""
    *browser, address = origin.places
    values = {"account": account, "known_since": now - KNOWN_FOR}
    for place in browser:
        if await session.scalar(sa.text(f"select {_KNOWN}"), values | {"address": place}):
            return place
    return address


async def begin_attempt(
    session: AsyncSession, kind: AttemptKind, name: str, origin: Origin, now: datetime
) -> AccessAttempt:
    """Note an attempt to get in by that name from there.

    Raises TooOften where there were too many; that one is not counted, so that nobody is kept out
    for longer by trying again, nor for ever by somebody else.
    """
    account = await _account(session, name)
    place = await _place(session, account, origin, now)
    return await _begin(session, kind, account, place, now)


async def count_link_use(
    session: AsyncSession, kind: AttemptKind, token: str, address: str, now: datetime
) -> None:
    """Note that somebody comes or asks by the link of this token from there. Raises TooOften."""
    await _begin(session, kind, token_hash(token), place_of(address), now)


async def _begin(
    session: AsyncSession, kind: AttemptKind, account: bytes, place: str, now: datetime
) -> AccessAttempt:
    for what in (account.hex(), place):
        await session.execute(_LOCK, {"what": f"{kind} {what}"})
    values = {"account": account, "address": place, "known_since": now - KNOWN_FOR}
    for limit in _LIMITS[kind]:
        earliest = await session.scalar(
            sa.text(_EARLIEST.format(limit.counted)),
            values | {"since": now - limit.within, "others": limit.most - 1},
        )
        if earliest is not None:
            raise TooOften(earliest + limit.within - now)
    attempt = AccessAttempt(kind=kind, account=account, address=place, at=now, succeeded=False)
    session.add(attempt)
    await session.flush()
    return attempt


_LOCK = sa.text("select pg_advisory_xact_lock(hashtextextended(:what, 0))")

_EARLIEST = """
select a.at from access_attempts a
where {} and a.at > :since
order by a.at desc offset :others limit 1
"""
"""When the attempt was made that has to be over before there may be another."""


async def _account(session: AsyncSession, name: str) -> bytes:
    key = await name_key(session, cleaned_name(name.replace("\x00", "")))
    return hashlib.sha256(key.encode()).digest()


async def attempt_succeeded(session: AsyncSession, attempt: AccessAttempt) -> None:
    """It does not count as failed, and its place is known for that account from now on."""
    won = sa.update(AccessAttempt).where(AccessAttempt.id == attempt.id).values(succeeded=True)
    await session.execute(won)


async def note_arrival(session: AsyncSession, name: str, origin: Origin, now: datetime) -> None:
    """Somebody got in: their browser and their address are known from now on."""
    key = {"kind": AttemptKind.SIGN_IN, "account": await _account(session, name)}
    for place in origin.places:
        came = key | {"address": place, "succeeded": True}
        again = sa.update(AccessAttempt).filter_by(**came).values(at=now)
        if not (await session.scalars(again.returning(AccessAttempt.id))).all():
            session.add(AccessAttempt(**came, at=now))
    await session.flush()


async def sign_ups_since(session: AsyncSession, since: datetime) -> int:
    """How many accounts people have made for themselves, from anywhere."""
    query = sa.select(sa.func.count()).where(
        AccessAttempt.kind == AttemptKind.SIGN_UP,
        AccessAttempt.succeeded,
        AccessAttempt.at > since,
    )
    return await session.scalar(query) or 0
