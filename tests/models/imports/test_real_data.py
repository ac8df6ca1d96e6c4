"""Real data through the command line, against figures reckoned another way."""

import csv
import json
from collections import Counter
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import psycopg
import pytest

from tests.harness.terminal import Terminal

pytestmark = pytest.mark.long

MINOR_UNIT = {
    code: Decimal(unit)
    for code, unit in {"USD": "0.01", "EUR": "0.01", "GBP": "0.01", "JPY": "1"}.items()
}


@pytest.fixture
def terminal(database_url: str, tmp_path: Path) -> Terminal:
    return Terminal(tmp_path, {"DATABASE_URL": database_url})


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_bills_of_2017_are_those_of_the_original(terminal: Terminal, shared: Path) -> None:
    data = shared / "data"
    for table in ("people", "customers", "usage"):
        terminal.done("import", table, str(data / f"original-2017-{table}.csv"))
    held = 0
    for month in range(1, 13):
        made = json.loads(terminal.done("generate", f"2017-{month:02}", "--json"))
        held += sum(made["held"].values())
    expected = {
        (row["customer"], int(row["year"]), int(row["month"])): tuple(
            Decimal(row[column])
            for column in (
                *("api_usage", "monthly_api_limit", "overage_units"),
                *("overage_unit_cost", "overage_amount"),
            )
        )
        for row in rows_of(data / "original-2017-expected-bills.csv")
    }
    with psycopg.connect(terminal.settings["DATABASE_URL"]) as connection:
        bills = connection.execute(
            "select name, year, month, api_usage, b.monthly_api_limit, overage_units,"
            " b.overage_unit_cost, overage_amount, status"
            " from bills b join customers c on c.id = b.customer_id"
        ).fetchall()
    assert {row[:3]: row[3:8] for row in bills if row[8] != "held"} == expected
    assert len(bills) == len(expected) + held
    assert ("Customer3", 2017, 1) in {row[:3] for row in bills if row[8] == "held"}


def test_a_real_month_of_20_000_customers_adds_up(terminal: Terminal, shared: Path) -> None:
    data = shared / "data"
    customers = {row["name"]: row for row in rows_of(data / "npm-customers.csv")}
    usage = rows_of(data / "npm-usage-2026-10.csv")
    bills: Counter[str] = Counter()
    totals: dict[str, Decimal] = {}
    for row in usage:
        customer = customers[row["customer"]]
        over = int(row["api_usage"]) - int(customer["monthly_api_limit"])
        currency = customer["currency"]
        amount = (max(0, over) * Decimal(customer["overage_unit_cost"])).quantize(
            MINOR_UNIT[currency], ROUND_HALF_UP
        )
        if amount:
            bills[currency] += 1
            totals[currency] = totals.get(currency, Decimal(0)) + amount

    # The same month of 2025, which is over wherever this runs.
    moved = terminal.folder / "usage.csv"
    text = (data / "npm-usage-2026-10.csv").read_text(encoding="utf-8")
    moved.write_text(text.replace(",2026,10,", ",2025,10,"), encoding="utf-8")
    terminal.done("import", "people", str(data / "original-2017-people.csv"))
    terminal.done("import", "customers", str(data / "npm-customers.csv"))
    assert json.loads(terminal.done("import", "usage", str(moved), "--json")) == {
        **{"added": len(usage), "changed": 0, "unchanged": 0}
    }
    made = json.loads(terminal.done("generate", "2025-10", "--json"))
    assert made["bills"] == made["pending"] == bills.total() > 1000
    assert {code: Decimal(amount) for code, amount in made["totals"].items()} == totals
    assert json.loads(terminal.done("generate", "2025-10", "--json"))["bills"] == 0
    assert json.loads(terminal.done("verify", "--json")) == {
        **{"bills": bills.total(), "actions": bills.total(), "misfits": 0, "rows": []}
    }
