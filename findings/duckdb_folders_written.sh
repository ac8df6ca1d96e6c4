#!/usr/bin/env bash
# duckdb 2.0.1: folders that are “allowed to be queried” can be written to.
#
# Expected: with enable_external_access off and the configuration locked, allowed_directories, of which
#   the engine itself says “ALWAYS allowed to be queried”, opens a folder for reading.
# Found: COPY TO replaces a file there, EXPORT DATABASE and ATTACH make new ones. Outside of the folder
#   all of it is refused. No setting opens a folder for reading alone.
# Cure: run one SELECT and nothing else, as extract_statements counts and names them; give the process
#   rights to read that folder, and none to write.
# Output when it was written:
#   duckdb 2.0.1
#     a query of a file there: allowed
#     COPY TO the same file: allowed, and it is another file now
#     ATTACH of a new database there: allowed
#     EXPORT DATABASE to there: allowed
#     COPY TO a file beside the folder: refused
#
# Needs a package index, no server. Exits with 1 where another release does otherwise.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check duckdb==2.0.1
"$folder/venv/bin/python" - "$folder" <<'PYTHON'
import sys
from pathlib import Path

import duckdb

events = Path(sys.argv[1], "events")
events.mkdir()
file = events / "october.csv"
file.write_text("calls\n1\n")
asked = duckdb.connect()
asked.execute(f"set allowed_directories = ['{events}/']")
asked.execute("set enable_external_access = false")
asked.execute("set lock_configuration = true")


def allowed(statement):
    try:
        asked.execute(statement)
    except duckdb.PermissionException:
        return "refused"
    return "allowed"


found = {
    "a query of a file there": allowed(f"select * from '{file}'"),
    "COPY TO the same file": allowed(f"copy (select 2 as calls) to '{file}'"),
    "ATTACH of a new database there": allowed(f"attach '{events}/made.duckdb'"),
    "EXPORT DATABASE to there": allowed(f"export database '{events}/exported'"),
    "COPY TO a file beside the folder": allowed(f"copy (select 2 as calls) to '{events}.csv'"),
}
is_written = file.read_text() == "calls\n2\n"
print(f"duckdb {duckdb.__version__}")
for what, told in found.items():
    more = ", and it is another file now" if is_written and "same" in what else ""
    print(f"  {what}: {told}{more}")
expected = ["allowed"] * 4 + ["refused"]
sys.exit(0 if [*found.values()] == expected and is_written else 1)
PYTHON
