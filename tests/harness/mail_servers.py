"""Real mail servers on free ports of this machine, as long as a block lasts."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.harness.mail_packages import UNPACKED
from tests.harness.waiting import PATIENCE_S

USER, PASSWORD = "clerk", "s3cret/+@"
"""Who may log in; at the store whoever knows the password has a mailbox."""


def free_ports(count: int) -> list[int]:
    with ExitStack() as probes:
        opened = [probes.enter_context(socket.socket()) for _ in range(count)]
        for probe in opened:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in opened]


@dataclass(frozen=True)
class Root:
    """A root of its own for the servers of one process of tests: what they are set, and write."""

    path: Path

    def write(self, name: str, content: str) -> Path:
        """`name` is one under `/etc`. What is there already is shared: it is not written to."""
        file = self.path / "etc" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.unlink(missing_ok=True)
        file.write_text(content)
        return file

    def folder(self, name: str, owner: str) -> Path:
        """One that is there, and belongs to that user of the root."""
        made = self.path / name
        made.mkdir(parents=True, exist_ok=True)
        os.chown(made, owner_id(self, owner), owner_id(self, owner))
        return made

    @contextmanager
    def running(self, *command: str, ports: list[int]) -> Iterator[None]:
        """Yields when all of `ports` listen. Whoever ends the tests ends the server."""
        with (self.path / "tmp" / f"{Path(command[0]).name}.log").open("wb") as said:
            process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", "chroot", self.path, *command],
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                cwd="/",
                start_new_session=True,
            )
        try:
            _wait_for(process, ports, Path(said.name))
            yield
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait_for(process: "subprocess.Popen[bytes]", ports: list[int], said: Path) -> None:
    end = time.monotonic() + PATIENCE_S
    for port in ports:
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"a mail server did not start: {said.read_text()}")
            time.sleep(0.01)


def owner_id(root: Root, name: str) -> int:
    users = (root.path / "etc/passwd").read_text().splitlines()
    return next(int(one.split(":")[2]) for one in users if one.startswith(f"{name}:"))


@contextmanager
def own_root() -> Iterator[Root]:
    """A copy of what is unpacked, by links, with certificates of its own."""
    with tempfile.TemporaryDirectory(dir=UNPACKED.parent, prefix="run-") as folder:
        path = Path(folder, "root")
        subprocess.run(["cp", "-al", UNPACKED, path], check=True)
        Path(folder).chmod(0o755)
        root = Root(path)
        _certify(root)
        yield root


def _certify(root: Root) -> None:
    """`ca.pem`, which vouches for `server.pem`, which is `localhost` and 127.0.0.1."""
    place = root.path / "etc/tls"
    place.mkdir()
    new = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
           "-nodes", "-days", "2"]  # fmt: skip
    for more in (
        "-keyout ca.key -out ca.pem -subj /CN=tests",
        "-keyout server.key -out server.pem -subj /CN=localhost -CA ca.pem -CAkey ca.key "
        "-addext subjectAltName=DNS:localhost,IP:127.0.0.1 -addext basicConstraints=CA:FALSE",
    ):
        subprocess.run([*new, *more.split()], cwd=place, check=True, capture_output=True)
    Path(place, "server.key").chmod(0o644)  # read by each server's own user


@dataclass(frozen=True)
class Store:
    """Dovecot: keeps what it is brought, for whoever it is, and shows it by IMAP."""

    root: Root
    imap: int
    imaps: int
    lmtp: int
    submission: int
    login: int

    def mails(self, user: str) -> list[bytes]:
        """What lies in the inbox of `user`, the oldest first."""
        box = self.root.path / "boxes" / user / "Maildir"
        found = [*box.glob("new/*"), *box.glob("cur/*")]
        return [one.read_bytes() for one in sorted(found, key=lambda one: one.name)]

    def forget(self) -> None:
        for box in (self.root.path / "boxes").glob("*"):
            shutil.rmtree(box, ignore_errors=True)

    @property
    def ca_file(self) -> Path:
        return self.root.path / "etc/tls/ca.pem"


DOVECOT = """
protocols = imap lmtp submission
listen = 127.0.0.1
hostname = localhost
base_dir = /run/dovecot
log_path = /tmp/dovecot.log
default_internal_user = dovecot
default_internal_group = dovecot
default_login_user = dovenull
auth_mechanisms = plain login
disable_plaintext_auth = no
auth_failure_delay = 0
ssl = yes
ssl_cert = </etc/tls/server.pem
ssl_key = </etc/tls/server.key
ssl_client_ca_file = /etc/tls/ca.pem
mail_location = maildir:~/Maildir
mail_fsync = never
submission_relay_host = 127.0.0.1
submission_relay_port = {relay}
submission_relay_trusted = no
recipient_delimiter = +
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid=vmail gid=vmail home=/boxes/%n allow_all_users=yes
}}
namespace inbox {{
  inbox = yes
}}
service imap-login {{
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    port = {lmtp}
  }}
}}
service submission-login {{
  inet_listener submission {{
    port = {submission}
  }}
}}
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service auth {{
  inet_listener login {{
    port = {login}
  }}
}}
"""


@contextmanager
def dovecot(root: Root, relay: int = 25) -> Iterator[Store]:
    """Any user with PASSWORD has a mailbox; what is submitted is handed to port `relay`."""
    names = ("imap", "imaps", "lmtp", "submission", "login")
    ports = dict(zip(names, free_ports(len(names)), strict=True))
    root.folder("boxes", "vmail")
    settings = DOVECOT.format(**ports, relay=relay, password=PASSWORD)
    root.write("dovecot/dovecot.conf", settings)
    with root.running("/usr/sbin/dovecot", "-F", ports=list(ports.values())):
        yield Store(root, **ports)
