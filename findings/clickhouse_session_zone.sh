#!/usr/bin/env bash
# clickhouse-connect 1.12.0 with chdb 4.4.0: a bound moment is read in another zone than it was written.
#
# Expected: a datetime that knows its zone names the same moment whatever the session's zone is.
# Found: it is written without a zone, as the server's own zone has it, and the engine reads it in the
#   zone of the setting session_timezone. Where the two differ, a month's edges move by hours, in
#   DateTime and DateTime64 alike, and no error tells of it. Only a type that names a zone is right.
# Cure: set session_timezone to UTC on a server of UTC, name the zone in the type, or write the moment
#   into the query with its zone.
# Output when it was written:
#   clickhouse-connect 1.12.0, chdb 4.4.0
#     DateTime, session in UTC: right
#     DateTime, session in America/New_York: 4 hours late
#     DateTime64(6), session in America/New_York: 4 hours late
#     DateTime64(6, 'UTC'), session in America/New_York: right
#
# Needs a package index, no server. Exits with 1 where another release does otherwise.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    clickhouse-connect==1.12.0 chdb==4.4.0 pyarrow sqlalchemy==2.1.9
TZ=UTC "$folder/venv/bin/python" - <<'PYTHON'
import sys
from datetime import UTC, datetime
from importlib.metadata import version

import sqlalchemy as sa

MOMENT = datetime(2026, 10, 1, 4, tzinfo=UTC)
CASES = (
    ("DateTime", "UTC"),
    ("DateTime", "America/New_York"),
    ("DateTime64(6)", "America/New_York"),
    ("DateTime64(6, 'UTC')", "America/New_York"),
)
connection = sa.create_engine("clickhousedb:///?interface=chdb").connect()
client = connection.connection.driver_connection.client


def hours_late(kind: str, zone: str) -> int:
    query = f"select toUnixTimestamp({{moment:{kind}}})"
    settings = {"session_timezone": zone}
    [[read]] = client.query(query, {"moment": MOMENT}, settings=settings).result_rows
    return (read - int(MOMENT.timestamp())) // 3600


late = [hours_late(*case) for case in CASES]
print(f"clickhouse-connect {version('clickhouse-connect')}, chdb {version('chdb')}")
for (kind, zone), hours in zip(CASES, late, strict=True):
    print(f"  {kind}, session in {zone}: {f'{hours} hours late' if hours else 'right'}")
sys.exit(late != [0, 4, 4, 0])
PYTHON
