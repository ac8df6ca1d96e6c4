"""A process that has imported the bot, and becomes each program that it is asked for.

To import it is most of what a program costs that is started. All else is the program's own: its
process, environment, folder and outputs, and Python's end after it.

It reads orders from the socket whose number it is given, and ends once nobody can send any more.
"""

import gc
import json
import os
import resource
import runpy
import signal
import socket
import sys
from dataclasses import asdict, dataclass
from importlib import import_module

IMPORTED = (
    *("bot.app", "pytest", "tests.harness.interrupted_bot", "tests.harness.timings", "uvloop"),
    *(f"bot.cli.{one}" for one in ("export", "generate", "import_file", "main")),
    *(f"bot.cli.{one}" for one in ("migrate", "people", "serve", "verify")),
)
OUTPUTS = (1, 2)
LARGEST_ORDER = 1 << 17
NUMBER_BYTES = 4


@dataclass(frozen=True)
class Order:
    """`python -m module words`. Where `file_bytes` are given, no file grows beyond them."""

    module: str
    words: tuple[str, ...]
    folder: str
    environment: dict[str, str]
    file_bytes: int | None = None

    def encoded(self) -> bytes:
        return json.dumps(asdict(self)).encode()


def encoded(number: int) -> bytes:
    return number.to_bytes(NUMBER_BYTES, signed=True)


def take_orders(orders: socket.socket) -> Order:
    """Returns in each program's own process; in that of the zygote never."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        told, given, _, _ = socket.recv_fds(orders, LARGEST_ORDER, len(OUTPUTS) + 1)
        if not told:
            sys.exit()
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            orders.close()
            return _begin(Order(**json.loads(told)), *given)
        for one in given:
            os.close(one)


def _begin(order: Order, progress: int, *outputs: int) -> Order:
    """Whoever gave the order hears of the pid and of the exit status."""
    if pid := os.fork():
        for output in outputs:
            os.close(output)
        os.write(progress, encoded(pid))
        _, status = os.waitpid(pid, 0)
        os.write(progress, encoded(os.waitstatus_to_exitcode(status)))
        os._exit(0)
    os.close(progress)
    for output, given in zip(OUTPUTS, outputs, strict=True):
        os.dup2(given, output)
        os.close(given)
    return order


def become(order: Order) -> None:
    os.chdir(order.folder)
    os.environ.clear()
    os.environ.update(order.environment)
    if order.file_bytes is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (order.file_bytes, order.file_bytes))
    sys.argv = [order.module, *order.words]
    runpy.run_module(order.module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    for name in IMPORTED:
        import_module(name)
    gc.freeze()
    become(take_orders(socket.socket(fileno=int(sys.argv[1]))))
