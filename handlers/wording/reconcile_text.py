"""What is said where a source and what was billed differ."""

from handlers.wording.formatting import counted, name, number
from models.audit.reconcile import Differs, Mismatch
from models.period import Period


def difference_text(one: Mismatch) -> str:
    """As in "Acme Corp: 1,510 calls here (#12), 1,600 in the source: 90 more"."""
    source = number(one.source or 0)
    bill = f" ({one.number or f'#{one.bill_id}'})" if one.bill_id else ", not billed"
    told = {
        Differs.CALLS: f"{_calls(one.here)} here{bill}, {source} in the source: {_more(one.more)}",
        Differs.NOT_IN_SOURCE: f"{_calls(one.here)} here{bill}, nothing in the source",
        Differs.NOT_HERE: f"nothing here, {_calls(one.source)} in the source",
        Differs.UNKNOWN: f"no customer here has that name, {source} in the source",
    }
    return f"{name(one.customer)}: {told[one.how]}"


def _calls(calls: int | None) -> str:
    return counted(calls or 0, "call")


def _more(calls: int) -> str:
    return f"{number(abs(calls))} {'more' if calls > 0 else 'fewer'}"


def reconciled_text(source: str, period: Period, count: int, customers: int) -> str:
    """As in "events, October 2026: 2 of 1,000 customers differ."."""
    where = f"{name(source)}, {period.in_words}: "
    if not count:
        return f"{where}{counted(customers, 'customer')} held against it, and none differs."
    verb = "differs" if count == 1 else "differ"
    return f"{where}{number(count)} of {counted(customers, 'customer')} {verb}."
