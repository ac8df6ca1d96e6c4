"""Three PostgreSQL servers of Debian's that are one sharded warehouse, by postgres_fdw."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

SHARDS = 3
_VERSIONS = Path("/usr/lib/postgresql")
_PLAIN = "-c fsync=off -c listen_addresses='' -c unix_socket_directories={} -c max_connections=20"


def programs() -> Path | None:
    """Where the newest server's programs are; None where Debian's PostgreSQL is not installed."""
    found = sorted(_VERSIONS.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else None


@contextmanager
def shards(programs: Path) -> Iterator[str]:
    """The address of the first server, whose table `events` (customer, happened, calls) is spread
    over all three by customer.
    """
    folder = Path(tempfile.mkdtemp(prefix="shards-"))
    user = "postgres" if os.getuid() == 0 else None
    if user:
        shutil.chown(folder, user)
    places = [folder / str(number) for number in range(SHARDS)]

    def run(program: str, *words: str) -> None:
        command = [str(programs / program), *words]
        subprocess.run(command, check=True, capture_output=True, user=user, cwd=folder)

    first = ["-D", str(places[0]), "-U", "postgres", "-A", "trust", "-E", "UTF8"]
    run("initdb", *first, "--no-locale", "--no-sync")
    for place in places[1:]:
        subprocess.run(["cp", "-a", str(places[0]), str(place)], check=True)
    try:
        for place in places:
            options = _PLAIN.format(place)
            run("pg_ctl", "-D", str(place), "-o", options, "-l", f"{place}.log", "-w", "start")
        yield _joined(places)
    finally:
        for place in places:
            if (place / "postmaster.pid").exists():
                run("pg_ctl", "-D", str(place), "-m", "immediate", "-w", "stop")
        shutil.rmtree(folder)


def _joined(places: list[Path]) -> str:
    addresses = [f"postgresql://postgres@/postgres?host={place}" for place in places]
    columns = "(customer text, happened timestamptz, calls bigint)"
    for address in addresses[1:]:
        with psycopg.connect(address, autocommit=True) as shard:
            shard.execute(f"create table events {columns}".encode())
    with psycopg.connect(addresses[0], autocommit=True) as front:
        front.execute("create extension postgres_fdw")
        front.execute(f"create table events {columns} partition by hash (customer)".encode())
        part = "for values with (modulus 3, remainder {})"
        front.execute(f"create table own partition of events {part.format(0)}".encode())
        for number, place in enumerate(places[1:], 1):
            front.execute(
                f"""create server shard{number} foreign data wrapper postgres_fdw
                    options (host '{place}', dbname 'postgres', use_remote_estimate 'false');
                create user mapping for public server shard{number} options (user 'postgres');
                create foreign table far{number} partition of events {part.format(number)}
                    server shard{number} options (table_name 'events')""".encode()
            )
    return addresses[0]
