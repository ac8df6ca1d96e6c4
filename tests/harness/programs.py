"""Programs of the bot, each in a process of its own, started without what it costs to import it."""

import atexit
import os
import select
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Self

from tests.harness.waiting import PATIENCE_S
from tests.harness.zygote import NUMBER_BYTES, Order

ROOT = Path(__file__).parent.parent.parent


@dataclass(frozen=True)
class Answer:
    status: int
    stdout: str
    stderr: str


class Program:
    """One that was started: its `pid`, what it says, and how it ends. Closed, it is killed."""

    def __init__(
        self, order: Order, *, output: int | None = None, errors: int | None = None
    ) -> None:
        """`output` and `errors` are open files that take what it says; else it is heard here."""
        self._status: int | None = None
        self._progress, progress = os.pipe()
        self._heard, given = zip(os.pipe(), os.pipe(), strict=True)
        told = [
            pipe if file is None else file
            for pipe, file in zip(given, (output, errors), strict=True)
        ]
        socket.send_fds(_zygote(), [order.encoded()], [progress, *told])
        for one in (progress, *given):
            os.close(one)
        self.pid = self._next_number()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.send_signal(signal.SIGKILL)
        self.wait()
        for one in (self._progress, *self._heard):
            os.close(one)

    def wait(self, patience_s: float = PATIENCE_S) -> int | None:
        """Its exit status, negative where a signal ended it; None if it goes on for so long."""
        if self._status is None and select.select([self._progress], [], [], patience_s)[0]:
            self._status = self._next_number()
        return self._status

    def send_signal(self, number: signal.Signals) -> None:
        """Nothing where it has ended."""
        if self.wait(0) is None:
            os.kill(self.pid, number)

    def answer(self) -> Answer:
        """What it has said by its end, which is no more than pipes hold."""
        status = self.wait()
        assert status is not None, "it does not end"
        return Answer(status, *map(_read, self._heard))

    def _next_number(self) -> int:
        told = os.read(self._progress, NUMBER_BYTES)
        assert told, "nobody knows what became of it"
        return int.from_bytes(told, signed=True)


def _read(heard: int) -> str:
    with open(heard, encoding="utf-8", closefd=False) as said:
        return said.read()


@cache
def _zygote() -> socket.socket:
    """Where it takes its orders. It begins with the first, and ends with this process."""
    orders, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.harness.zygote", str(theirs.fileno())],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        pass_fds=[theirs.fileno()],
    )
    theirs.close()

    def end() -> None:
        orders.close()
        process.wait()

    atexit.register(end)
    return orders
