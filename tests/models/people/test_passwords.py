"""Passwords are hashed beside the event loop, which keeps a processor of its own."""

import asyncio
import os
import threading
from typing import Any

import bcrypt
import pytest

from models.people.passwords import Passwords


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
