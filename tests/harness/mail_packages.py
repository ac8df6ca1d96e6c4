"""Debian's mail servers, unpacked side by side into one folder that a test can change its root to.

`python -m tests.harness.mail_packages` makes it, as root. As packages they exclude each other, and
installing one would make it this machine's.
"""

import os
import re
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

PACKAGES = (
    "postfix",
    "exim4-daemon-light",
    "opensmtpd",
    "dovecot-imapd",
    "dovecot-lmtpd",
    "dovecot-submissiond",
)
UNPACKED = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / (
    "countersign/mail-servers-1"
)
"""Its number is counted up where what is made here changes."""

USERS = (
    "postfix", "postdrop", "Debian-exim", "opensmtpd", "opensmtpq", "dovecot", "dovenull", "vmail",
)  # fmt: skip
FIRST_ID = 5000
DEVICES = {"null": (1, 3), "zero": (1, 5), "random": (1, 8), "urandom": (1, 9)}


def why_not() -> str | None:
    """What keeps these servers from being started here, and what to do about it."""
    if os.geteuid() != 0:
        return "mail servers change root and users: run these tests as root, in a container"
    if not UNPACKED.is_dir():
        return "Debian's mail servers are missing: run `python -m tests.harness.mail_packages`"
    return None


def unpack() -> None:
    """Download and unpack them, with the libraries of this machine that they load."""
    UNPACKED.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=UNPACKED.parent) as made:
        root = Path(made, "root")
        for package in _downloaded(Path(made, "debs")):
            _run("dpkg-deb", "--extract", package, root)
        shutil.rmtree(root / "usr/share")
        _furnish(root)
        for library in _libraries(root):
            place = root / library.relative_to("/")
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(library, place)
        root.chmod(0o755)
        root.rename(UNPACKED)


def _downloaded(folder: Path) -> Iterator[Path]:
    for package in PACKAGES:
        # One by one: apt-get plans for no two that exclude each other.
        Path(folder, package, "partial").mkdir(parents=True)
        _run(
            "apt-get", "install", "--download-only", "--yes", "--quiet=2",
            "--no-install-recommends", "--option", "APT::Sandbox::User=root",
            "--option", f"Dir::Cache::archives={folder / package}", package,
        )  # fmt: skip
        yield from Path(folder, package).glob("*.deb")


def _libraries(root: Path) -> set[Path]:
    """What the programs load that no package brought."""
    own = [*root.glob("usr/lib/*-linux-gnu"), root / "usr/lib/dovecot", root / "usr/lib/postfix"]
    programs = [one for one in root.rglob("*") if one.is_file() and not one.is_symlink()]
    told = subprocess.run(
        ["ldd", *programs],
        env={"LD_LIBRARY_PATH": ":".join(map(str, own))},
        capture_output=True,
        text=True,
        check=False,  # it minds whatever is no program
    ).stdout
    found = {Path(one) for one in re.findall(r"(?:=> |^\t)(/\S+) \(0x", told, re.MULTILINE)}
    return {one for one in found if not one.is_relative_to(root)}


def _furnish(root: Path) -> None:
    """Users, devices and a shell: what no root can do without."""
    lines = {"passwd": ["root:x:0:0::/:/bin/sh"], "group": ["root:x:0:"]}
    for number, name in enumerate(USERS, FIRST_ID):
        lines["passwd"].append(f"{name}:x:{number}:{number}::/var/empty:/bin/sh")
        lines["group"].append(f"{name}:x:{number}:")
    lines["hosts"] = ["127.0.0.1 localhost mail.example"]
    for name, content in lines.items():
        Path(root, "etc", name).write_text("\n".join([*content, ""]))
    for folder in ("bin", "dev", "run", "tmp", "var/empty"):
        Path(root, folder).mkdir(parents=True, exist_ok=True)
    for name, (major, minor) in DEVICES.items():
        os.mknod(root / "dev" / name, stat.S_IFCHR, os.makedev(major, minor))
        Path(root, "dev", name).chmod(0o666)
    Path(root, "tmp").chmod(0o1777)
    shutil.copy2("/bin/sh", root / "bin/sh")


def _run(*command: str | Path) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    if not UNPACKED.is_dir():
        unpack()
    print(UNPACKED)  # noqa: T201
