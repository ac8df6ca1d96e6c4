"""All that the database holds, read from outside by plain SQL, and compared as a whole."""

import json
from collections import defaultdict
from dataclasses import dataclass, fields
from datetime import date
from functools import cached_property
from typing import Any

import psycopg
from psycopg.rows import namedtuple_row

from models.bills.replay import BillState, replay
from models.period import Period

Row = Any
FIGURES = (
    "kind", "api_usage", "monthly_api_limit", "overage_units", "overage_unit_cost",
    "overage_amount", "currency",
)  # fmt: skip


@dataclass(frozen=True)
class Ledger:
    """The rows of every table that a verb can touch, by their ids, and what follows from them."""

    bills: tuple[Row, ...]
    bill_actions: tuple[Row, ...]
    bill_chains: tuple[Row, ...]
    approvals: tuple[Row, ...]
    reassignments: tuple[Row, ...]
    documents: tuple[Row, ...]
    deliveries: tuple[Row, ...]
    mail_pause: tuple[Row, ...]
    month_totals: tuple[Row, ...]
    number_series: tuple[Row, ...]
    customers: tuple[Row, ...]
    customer_names: tuple[Row, ...]
    customer_changes: tuple[Row, ...]
    customer_terms: tuple[Row, ...]
    former_contracts: tuple[Row, ...]
    billed_contracts: tuple[Row, ...]
    usages: tuple[Row, ...]
    usage_changes: tuple[Row, ...]
    usage_days: tuple[Row, ...]
    usage_pulls: tuple[Row, ...]
    users: tuple[Row, ...]
    bill_runs: tuple[Row, ...]
    thread_replies: tuple[Row, ...]
    messages: tuple[Row, ...]
    webhooks: tuple[Row, ...]
    webhook_deliveries: tuple[Row, ...]
    procrastinate_jobs: tuple[Row, ...]

    def differences(self, other: "Ledger") -> list[str]:
        """The names of the tables that are not the same, byte for byte."""
        return [f.name for f in fields(self) if getattr(self, f.name) != getattr(other, f.name)]

    @cached_property
    def bill(self) -> dict[int, Row]:
        return {bill.id: bill for bill in self.bills}

    @cached_property
    def user(self) -> dict[int, Row]:
        return {user.id: user for user in self.users}

    @cached_property
    def customer(self) -> dict[int, Row]:
        return {customer.id: customer for customer in self.customers}

    @cached_property
    def document(self) -> dict[int, Row]:
        return {document.bill_id: document for document in self.documents}

    @cached_property
    def delivery(self) -> dict[int, Row]:
        """What is amiss with letters, by bill."""
        return {row.bill_id: row for row in self.deliveries}

    def waits_for_copies(self, bill_id: int) -> bool:
        row = self.delivery.get(bill_id)
        sent = self.bill[bill_id].status == "sent"
        return sent and row is not None and any(one["later"] for one in row.missing)

    def said(self, bill_id: int) -> Any:
        """What the bill's document says, as it is kept."""
        return json.loads(self.document[bill_id].facts)

    @cached_property
    def actions(self) -> dict[int, list[Row]]:
        """Of each bill, oldest first."""
        return _grouped(self.bill_actions, "bill_id")

    @cached_property
    def names(self) -> dict[int, list[Row]]:
        """Those that each customer has or had, in the order they were taken."""
        return _grouped(self.customer_names, "customer_id")

    @cached_property
    def terms(self) -> dict[int, list[Row]]:
        """Of each customer, the earliest first."""
        return _grouped(self.customer_terms, "customer_id")

    @cached_property
    def former(self) -> dict[int, list[Row]]:
        """Of each customer, the contract dates that were replaced, oldest first."""
        return _grouped(self.former_contracts, "customer_id")

    @cached_property
    def billed_contract(self) -> dict[int, Row]:
        return {row.bill_id: row for row in self.billed_contracts}

    @cached_property
    def issued(self) -> dict[tuple[int, Period], Row]:
        """The bill that a month has gone out with, and that stands."""
        return {
            (bill.customer_id, Period(bill.year, bill.month)): bill
            for bill in self.bills
            if bill.kind == "overage" and bill.number is not None and bill.status != "void"
        }

    @cached_property
    def standing(self) -> dict[int, BillState]:
        """Of each bill, as its actions tell."""
        return {bill.id: replay(self.actions[bill.id]) for bill in self.bills}

    @cached_property
    def approved_by(self) -> dict[int, set[tuple[str, int, int]]]:
        """Of each bill: for which part, by whom, and by which action."""
        given = defaultdict(set)
        for row in self.approvals:
            given[row.bill_id].add((row.slot, row.user_id, row.action_id))
        return given

    @cached_property
    def corrections(self) -> dict[int, list[Row]]:
        """Of each bill, what adjusts or credits it, oldest first."""
        return _grouped((bill for bill in self.bills if bill.adjusts_id), "adjusts_id")

    @cached_property
    def used(self) -> dict[tuple[int, Period], int]:
        return {(u.customer_id, Period(u.year, u.month)): u.api_usage for u in self.usages}

    @cached_property
    def days(self) -> dict[tuple[int, date], int]:
        return {(one.customer_id, one.day): one.api_usage for one in self.usage_days}

    def came_back(self, bill_id: int) -> bool:
        """Whether the letter that was taken last was reported not to have arrived."""
        fates = [
            a.action
            for a in self.actions[bill_id]
            if a.action in ("deliver", "bounce") and "of_copy" not in a.snapshot
        ]
        return fates[-1:] == ["bounce"]

    def did(self, bill_id: int, verb: str, before: int | None = None) -> bool:
        """Whether that was done to a bill, before another action."""
        return any(
            action.action == verb and (before is None or action.id < before)
            for action in self.actions[bill_id]
        )

    def family(self, root: Row) -> list[Row]:
        """A bill, its corrections, and what takes back those that were void."""
        parts = self.corrections[root.id]
        return [root, *parts, *(credit for part in parts for credit in self.corrections[part.id])]

    def counts(self, bill: Row, before: int | None = None) -> bool:
        """Whether it was billed before an action: went out, or has its number and stands, or takes
        back what went out.
        """
        if before is not None and self.actions[bill.id][0].id >= before:
            return False
        if self.balances(bill):
            return True
        actions = self.actions[bill.id]
        done = [a.action for a in actions if before is None or a.id < before]
        if "issue" not in done:
            return False
        afterwards = done[done.index("issue") :]
        return "void" not in afterwards or "deliver" in afterwards

    def balances(self, bill: Row) -> bool:
        """Whether it was made by voiding what had gone out."""
        return bool(self.actions[bill.id][0].snapshot.get("cause") == "void")


def _grouped(rows: Any, by: str) -> dict[int, list[Row]]:
    groups = defaultdict(list)
    for row in rows:
        groups[getattr(row, by)].append(row)
    return groups


_TABLES = {
    f.name: "1" for f in fields(Ledger)
} | {
    "customer_terms": "customer_id, valid_from", "usage_days": "customer_id, day",
    "approvals": "bill_id, slot", "reassignments": "bill_id, slot",
    "month_totals": "year, month, id", "deliveries": "bill_id",
}  # fmt: skip


def read(connection: psycopg.Connection[Any]) -> Ledger:
    """As of one moment."""
    with connection.transaction(), connection.cursor(row_factory=namedtuple_row) as cursor:
        cursor.execute("set transaction isolation level repeatable read, read only")
        rows = {
            table: tuple(cursor.execute(f"select * from {table} order by {order}"))
            for table, order in _TABLES.items()
        }
    return Ledger(**rows)


def read_dues(connection: psycopg.Connection[Any]) -> dict[int, Any]:
    """What customers owe by each bill, as everybody is told it; None where that is not known."""
    return dict(connection.execute("select b.id, total_due(b) from bills b").fetchall())


def read_booked(connection: psycopg.Connection[Any]) -> list[tuple[int, bool, str]]:
    """What goes to the accounts: of which bill, whether turned round, under which number."""
    query = "select bill_id, is_reversal, number from ledger_entries('UTC') order by 1, 2"
    return connection.execute(query).fetchall()


_FLAGGED = """
select b.id from bills b join lateral jump_flag_of(b) flag on flag.jumps
"""


def read_flagged(connection: psycopg.Connection[Any]) -> set[int]:
    """The bills that jump, as cards and previews find them."""
    return {bill_id for (bill_id,) in connection.execute(_FLAGGED)}


def figures(bill: Row) -> tuple[Any, ...]:
    """What a bill asks for."""
    return tuple(getattr(bill, name) for name in FIGURES)
