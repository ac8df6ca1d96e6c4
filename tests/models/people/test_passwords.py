"""Passwords are hashed beside the event loop, which keeps a processor of its own."""

import asyncio
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import bcrypt
import pytest

from models.people.passwords import GIVEN_WAY, Passwords


@pytest.mark.parametrize(("processors", "at_once"), [(1, 1), (2, 1), (4, 3)])
async def test_one_processor_is_left_to_whoever_is_answered(
    monkeypatch: pytest.MonkeyPatch, processors: int, at_once: int
) -> None:
    hashing, most, together = 0, 0, threading.Barrier(at_once)
    hashpw = bcrypt.hashpw

    def counted(*given: Any) -> bytes:
        nonlocal hashing, most
        hashing += 1
        most = max(most, hashing)
        together.wait(timeout=5)
        digest = hashpw(*given)
        hashing -= 1
        return digest

    monkeypatch.setattr(os, "cpu_count", lambda: processors)
    monkeypatch.setattr(bcrypt, "hashpw", counted)
    passwords = Passwords(rounds=4)
    await asyncio.gather(*[passwords.digest("correct horse 12") for _ in range(at_once * 2)])
    assert most == at_once


@pytest.mark.skipif(os.uname().sysname != "Linux", reason="threads have no priority of their own")
def test_hashing_gives_way_to_a_program_that_was_itself_started_to_give_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    began_at = 3
    found: list[int] = []
    hashpw = bcrypt.hashpw

    def noted(*given: Any) -> bytes:
        found.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
        return hashpw(*given)

    monkeypatch.setattr(bcrypt, "hashpw", noted)

    def program() -> None:
        asyncio.run(Passwords(rounds=4).digest("correct horse 12"))

    before = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    with ThreadPoolExecutor(1, initializer=os.nice, initargs=(began_at,)) as started:
        started.submit(program).result()
    assert found == [min(before + began_at + GIVEN_WAY, 19)]
