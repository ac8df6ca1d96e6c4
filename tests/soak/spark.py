"""Spark, on two workers with its Thrift server, asked what the other engines are asked.

`make spark` installs it in a temporary folder, which takes Java 17 and half a gigabyte. It prints
what `docs/reference/engines.md` keeps.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PACKAGES = (
    "pyspark==4.0.1",
    "pyhive==0.7.0",
    "thrift==0.25.0",
    "thrift-sasl==0.4.3",
    "pure-sasl==0.6.2",
)
DRIVER = (
    "pyhive",
    "TCLIService",
    "thrift",
    "thrift_sasl",
    "puresasl",
    "six.py",
    "future",
    "past",
    "dateutil",
)
PATIENCE_S = 240
MASTER = """
spark-class org.apache.spark.deploy.master.Master
    --host 127.0.0.1 --port {master} --webui-port 0
"""
WORKER = """
spark-class org.apache.spark.deploy.worker.Worker
    --host 127.0.0.1 --cores 1 --memory 1g --webui-port 0 -d {folder}/worker{number}
    spark://127.0.0.1:{master}
"""
THRIFT_SERVER = """
spark-submit --class org.apache.spark.sql.hive.thriftserver.HiveThriftServer2
    --master spark://127.0.0.1:{master} --driver-memory 700m
    --conf spark.executor.memory=700m --conf spark.executor.cores=1 --conf spark.ui.enabled=false
    spark-internal
    --hiveconf hive.server2.thrift.bind.host=127.0.0.1 --hiveconf hive.server2.thrift.port={thrift}
    --hiveconf javax.jdo.option.ConnectionURL=jdbc:derby:;databaseName={folder}/store;create=true
"""
WORKERS = 2


def main() -> int:
    if shutil.which("java") is None:
        sys.stderr.write("Java 17 is needed, as of the package openjdk-17-jre-headless.\n")
        return 2
    with tempfile.TemporaryDirectory(prefix="countersign-spark-") as folder:
        return _run(Path(folder))


def _run(folder: Path) -> int:
    sys.stderr.write("Installing Spark…\n")
    packages = _install(folder)
    driver = _driver(packages, folder / "driver")
    with _cluster(packages / "pyspark", folder) as port:
        asked = os.environ | {
            "PYTHONPATH": str(driver),
            "SPARK_URL": f"hive://reader@127.0.0.1:{port}/default",
        }
        tests = ("tests/bot/test_warehouses.py", "-k", "spark", "-n", "0", "-v", "--no-header")
        return subprocess.run(
            [sys.executable, "-m", "pytest", *tests], env=asked, check=False
        ).returncode


def _install(folder: Path) -> Path:
    """Its packages, apart from those of this environment."""
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    pip = folder / "venv/bin/pip"
    subprocess.run([pip, "install", "--quiet", *PACKAGES], check=True)
    return next((folder / "venv/lib").glob("python3*/site-packages"))


def _driver(packages: Path, folder: Path) -> Path:
    """What asks Spark, without what is newer or older than ours."""
    folder.mkdir()
    for name in (*DRIVER, *(one.name for one in packages.glob("[Pp]y[Hh]ive-*.dist-info"))):
        (folder / name).symlink_to(packages / name)
    return folder


@contextmanager
def _cluster(home: Path, folder: Path) -> Iterator[int]:
    """The port of the Thrift server, in front of a master and its workers."""
    ports = {"master": _free_port(), "thrift": _free_port()}
    servers: list[subprocess.Popen[bytes]] = []

    def start(command: str, port: str = "", **more: int) -> None:
        program, *words = (word.format(folder=folder, **ports, **more) for word in command.split())
        servers.append(_start(home, folder, program, words))
        if port:
            _wait_for(ports[port], servers[-1])

    try:
        start(MASTER, "master")
        for number in range(WORKERS):
            start(WORKER, number=number)
        start(THRIFT_SERVER, "thrift")
        sys.stderr.write(f"Spark with {WORKERS} workers is up.\n")
        yield ports["thrift"]
    finally:
        for server in reversed(servers):
            with suppress(ProcessLookupError):
                os.killpg(server.pid, signal.SIGTERM)
        for server in servers:
            server.wait(30)


def _start(home: Path, folder: Path, program: str, words: list[str]) -> subprocess.Popen[bytes]:
    environment = os.environ | {
        "SPARK_HOME": str(home),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "PYSPARK_PYTHON": sys.executable,
    }
    log = (folder / f"{time.monotonic_ns()}.log").open("wb")
    return subprocess.Popen(
        [home / "bin" / program, *words],
        cwd=folder,
        env=environment,
        stdout=log,
        stderr=log,
        start_new_session=True,
    )


def _wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until and server.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.5)
    raise SystemExit("Spark did not start.")


def _free_port() -> int:
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        return int(asked.getsockname()[1])


if __name__ == "__main__":
    sys.exit(main())
