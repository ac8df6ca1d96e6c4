#!/usr/bin/env bash
# PyHive 0.7.0 under SQLAlchemy 2.1.9: a bound time loses its offset.
#
# Expected: a datetime that knows its zone reaches the engine as the moment that it is: midnight at
#   -04:00 is 04:00 UTC, as the drivers of Trino and Databricks write it, with its offset.
# Found: only the time of day is written. Midnight at -04:00 becomes midnight of whatever zone the
#   session has, which for Spark is that of its server: the edges of a month move by hours, no error
#   tells of it, and both edges moving alike keeps each month's length right.
# Cure: bind moments in UTC, and set the session's zone to UTC before the query.
# Output when it was written:
#   pyhive 0.7.0
#     2026-10-01 00:00 at -04:00 is bound as '2026-10-01 00:00:00.000000'
#     2026-10-01 00:00 at +00:00 is bound as '2026-10-01 00:00:00.000000'
#
# Needs a package index, no server. Exits with 1 where another release does otherwise.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    pyhive==0.7.0 thrift==0.25.0 sqlalchemy==2.1.9
"$folder/venv/bin/python" - <<'PYTHON'
import re
import sys
from datetime import datetime, timedelta, timezone
from importlib.metadata import version

import sqlalchemy as sa
from pyhive import hive

sent = []


class Written(Exception):
    """Instead of an answer."""


class Client:
    """Keeps what would be sent over the wire."""

    def ExecuteStatement(self, request):
        sent.append(request.statement)
        raise Written


class Connection(hive.Connection):
    """Speaks to nobody."""

    def __init__(self):
        self._client, self._sessionHandle = Client(), None

    client = property(lambda self: self._client)
    sessionHandle = property(lambda self: self._sessionHandle)

    def close(self):
        pass


engine = sa.create_engine("hive://", creator=Connection)


def bound(hours: int) -> str:
    edge = datetime(2026, 10, 1, tzinfo=timezone(timedelta(hours=hours)))
    query = sa.text("select :edge").bindparams(edge=edge).compile(dialect=engine.dialect)
    try:
        Connection().cursor().execute(str(query), query.params)
    except Written:
        pass
    return re.fullmatch("select (.*)", sent[-1])[1]


print("pyhive", version("pyhive"))
for hours in (-4, 0):
    print(f"  2026-10-01 00:00 at {hours:+03d}:00 is bound as {bound(hours)}")
sys.exit(bound(-4) != bound(0))
PYTHON
