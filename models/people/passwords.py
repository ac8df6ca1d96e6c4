"""Passwords: which can be one, and their slow hashes, worked out beside the event loop."""

import asyncio
import os
import unicodedata
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import bcrypt

from models.errors import Busy, Invalid

T = TypeVar("T")

ROUNDS = 12
FEWEST_CHARS, MOST_BYTES = 12, 72
MOST_AT_ONCE = 100
"""So many people wait at most for their password to be looked at, a third of a second each."""
GIVEN_WAY = 5
"""By which the nice value of a thread that hashes is above that of the program."""

_NOBODYS = "/NDxgpckv/6cMAXGWWheIu4g9bFhVCPFClSigTBULa8n0a558.7i6"
"""Salt and hash of a password that nobody has."""


def read_password(typed: str, field: str = "password") -> str:
    """A password as it is kept, however its letters were put together; refuses one that is too
    short or too long, and never repeats it.
    """
    password = unicodedata.normalize("NFC", typed)
    if any(unicodedata.category(char) == "Cs" for char in password):
        raise Invalid("That password has half of a sign in it, which nobody can type again.", field)
    if len(password) < FEWEST_CHARS:
        raise Invalid(
            f"A password has at least {FEWEST_CHARS} characters; that one has {len(password)}.",
            field,
        )
    size = len(_encoded(password))
    if size > MOST_BYTES:
        raise Invalid(
            f"A password has at most {MOST_BYTES} bytes, which are as many letters without "
            f"accents; that one has {size}.",
            field,
        )
    return password


class Passwords:
    """Hashes passwords, and compares them with hashes, in threads of their own.

    The threads leave a processor to the event loop wherever there is another, give way to
    everything else on the machine, and never touch the database: whoever waits for them holds no
    connection.
    """

    def __init__(self, rounds: int = ROUNDS, most_at_once: int = MOST_AT_ONCE) -> None:
        self._rounds = rounds
        self._most_at_once = most_at_once
        self._within = 0
        self._nobodys = f"$2b${rounds:02}${_NOBODYS}"
        threads = max(1, (os.cpu_count() or 1) - 1)
        self._threads = ThreadPoolExecutor(threads, "passwords", _give_way)

    @contextmanager
    def admitted(self) -> Iterator[None]:
        """Refuse as Busy where too many people wait already."""
        if self._within >= self._most_at_once:
            raise Busy("Too many people are signing in just now. Try again in a minute.")
        self._within += 1
        try:
            yield
        finally:
            self._within -= 1

    async def digest(self, password: str) -> str:
        """Of a password as `read_password` gives it."""
        salt = bcrypt.gensalt(self._rounds)
        return (await self._apart(lambda: bcrypt.hashpw(_encoded(password), salt))).decode()

    async def matches(self, typed: str, digest: str | None) -> bool:
        """Whether this is the password of that digest; as slow where there is no digest."""
        given = _encoded(unicodedata.normalize("NFC", typed))
        if digest is None or len(given) > MOST_BYTES:
            await self._compare(given[:MOST_BYTES], self._nobodys)
            return False
        return await self._compare(given, digest)

    async def _compare(self, given: bytes, digest: str) -> bool:
        return await self._apart(lambda: bcrypt.checkpw(given, digest.encode()))

    async def _apart(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


def _encoded(password: str) -> bytes:
    return password.encode(errors="surrogatepass")


def _give_way() -> None:
    """Lets what answers people go first, where threads have a priority of their own: on Linux.

    By so much, whatever the program runs at: to a higher one than that it may not go back.
    """
    if os.uname().sysname == "Linux":
        os.nice(GIVEN_WAY)
