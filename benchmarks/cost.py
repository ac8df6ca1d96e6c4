"""What a piece of work costs besides time: CPU of client and server, statements, and memory."""

import re
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg

_STATEMENT = re.compile(r"LOG:  (?:statement|execute [^:]*):")


@dataclass(frozen=True)
class Cost:
    """`server_s` is CPU of all of the server's processes, `client_s` that of this one."""

    seconds: float
    client_s: float
    server_s: float


class Meter:
    """Reads the costs off the server that keeps its data in `data`."""

    def __init__(self, data: Path) -> None:
        pid = (data / "postmaster.pid").read_text(encoding="utf-8").split()[0]
        self._postmaster = psutil.Process(int(pid))
        self._log = data / "log"

    async def cost(self, work: Callable[[], Awaitable[None]]) -> Cost:
        began, client, server = time.perf_counter(), time.process_time(), self.server_s()
        await work()
        seconds = time.perf_counter() - began
        return Cost(seconds, time.process_time() - client, self.server_s() - server)

    def server_s(self) -> float:
        ended = self._postmaster.cpu_times()
        total = ended.user + ended.system + ended.children_user + ended.children_system
        for process in self._postmaster.children():
            with suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                total += times.user + times.system
        return total

    def log_statements(self, url: str) -> None:
        """Whoever connects from now on has every statement logged."""
        name = psycopg.conninfo.conninfo_to_dict(url)["dbname"]
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"alter database {name} set log_statement = 'all'".encode())

    def statements(self) -> int:
        """How many the log tells of by now."""
        with self._log.open(encoding="utf-8", errors="replace") as lines:
            return sum(1 for line in lines if _STATEMENT.search(line))


def memory_mb() -> float:
    """What this process holds in memory now."""
    return _status_mb("VmRSS")


def peak_mb() -> float:
    """The most that this process has held in memory."""
    return _status_mb("VmHWM")


def _status_mb(field: str) -> float:
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    found = re.search(rf"{field}:\s+(\d+) kB", status)
    return int(found[1]) / 1024 if found else float("nan")
