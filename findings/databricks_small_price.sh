#!/usr/bin/env bash
# databricks-sql-connector 4.9.0: a bound price below a millionth is declared without decimals.
#
# Expected: a Decimal goes out as a DECIMAL that has room for it, as the connector's description of
#   that parameter says: 0.0000005 as DECIMAL(7,7) or wider.
# Found: the type is read off Python's text of the number, which is "5E-7" from seven decimals on. The
#   exponent is counted as digits, and what stands before it as all there is. An engine that takes
#   the parameter by its type makes zero of it, and no error tells of it: half a dollar a million
#   calls is free.
# Cure: name precision and scale (DecimalParameter), cast in the query from a text that is written
#   out, or bind the price of a thousand or a million calls.
# Output when it was written:
#   databricks-sql-connector 4.9.0
#     0.000005   is bound as DECIMAL(6,6), text 0.000005, which is 0.000005
#     0.0000005  is bound as DECIMAL(4,0), text 5E-7, which is 0
#     0.00000050 is bound as DECIMAL(5,4), text 5.0E-7, which is 0.0000
#
# The last column is what DuckDB 2.0.0 makes of that text in that type; Databricks itself was not
# asked. Needs a package index, no server. Exits with 1 where another release does otherwise.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    databricks-sql-connector==4.9.0 duckdb==2.0.0
"$folder/venv/bin/python" - <<'PYTHON'
import sys
from decimal import Decimal
from importlib.metadata import version

import duckdb
from databricks.sql.parameters.native import dbsql_parameter_from_primitive

PRICES = ("0.000005", "0.0000005", "0.00000050")

print("databricks-sql-connector", version("databricks-sql-connector"))
read = {}
for price in PRICES:
    sent = dbsql_parameter_from_primitive(Decimal(price)).as_tspark_param(named=False)
    text = sent.value.stringValue
    (read[price],) = duckdb.execute(f"select cast('{text}' as {sent.type})").fetchone()
    print(f"  {price:<10} is bound as {sent.type}, text {text}, which is {read[price]}")
as_written = read["0.000005"] == Decimal("0.000005")
lost = [price for price in PRICES[1:] if read[price] == 0]
sys.exit(0 if as_written and len(lost) == 2 else 1)
PYTHON
