"""What must be true of the names of customers, and of customers that are one."""

from tests.lives.ledger import Ledger
from tests.models.customers.names import seen


def check_names(ledger: Ledger) -> None:
    """No two names that look the same; each customer has its own among them; one step to the last
    of those that are one.
    """
    owners = {seen(row.name): row.customer_id for row in ledger.customer_names}
    assert len(owners) == len(ledger.customer_names), "two names look the same"
    for customer in ledger.customers:
        assert owners[seen(customer.name)] == customer.id
        if customer.merged_into_id is not None:
            into = ledger.customer[customer.merged_into_id]
            assert into.merged_into_id is None, "merged into one that was given up"


def check_names_are_kept(before: Ledger, after: Ledger) -> None:
    """A name never finds another customer, but by a merge; whatever changes is on record, once."""
    owned = {(seen(row.name), row.customer_id) for row in after.customer_names}
    assert {(seen(row.name), row.customer_id) for row in before.customer_names} <= owned
    written = len(before.customer_changes)
    assert after.customer_changes[:written] == before.customer_changes
    told = [
        (row.customer_id, row.old_name, row.new_name, row.into_id)
        for row in after.customer_changes[written:]
    ]
    assert sorted(told) == sorted([*_renamed(before, after), *_merged(before, after)])


def _renamed(before: Ledger, after: Ledger) -> list[tuple[int, str, str, None]]:
    both = ((was, after.customer[was.id]) for was in before.customers)
    return [(was.id, was.name, now.name, None) for was, now in both if was.name != now.name]


def _merged(before: Ledger, after: Ledger) -> list[tuple[int, str, str, int]]:
    """Of a customer that others had been merged into, they follow without a word of their own."""
    return [
        (was.id, was.name, after.customer[into].name, into)
        for was in before.customers
        if was.merged_into_id is None
        and (into := after.customer[was.id].merged_into_id) is not None
    ]
