"""What a step of whoever keeps the books may have done, and what a document has to say."""

import json
from datetime import date
from decimal import Decimal
from typing import Any

from models.period import Period
from tests.lives import golden
from tests.lives.ledger import Ledger, Row
from tests.lives.moves import TermsAsked, Turn
from tests.lives.moves_books import Found, RowRead, cell

ADDRESSED = (*("billing_address", "country", "tax_id", "tax_rate_percent", "tax_note"),)
INHERITED = ("customer", *ADDRESSED, "locale", "payment_days", "company")
FIGURES = ("api_usage", "overage_units", "currency", "number", "kind")
TERMS = ("currency", "monthly_api_limit", "overage_unit_cost")
FIRST_MONTH, MONTHS = Period(2025, 10), 40


def judge_books(name: str, turn: Turn, result: Any, before: Ledger, after: Ledger) -> None:
    if turn.asked is not None:
        _check_terms_asked(turn.asked, turn.scene.month, before, after)
    match name, result:
        case "look_up", Found(typed, expected, found):
            assert found == expected, f"{typed!r} finds another customer"
        case "import_customer", RowRead():
            _imported(result, before, after)
        case "merge", change:
            _merged(turn.told, change, before, after)
        case "import_late", (customer_id, period):
            counted = before.used | {(customer_id, period): turn.lot.calls}
            assert after.used == counted, "usage of another customer or month"
        case "sweep", _:
            _check_terms_of_today(turn.scene.month, after)


def _imported(read: RowRead, before: Ledger, after: Ledger) -> None:
    """What the file says stands, and nothing else has changed."""
    was, now = before.customer[read.customer_id], after.customer[read.customer_id]
    assert len(after.customers) == len(before.customers), "a customer that is known was added"
    assert now.name == was.name, "an import renamed a customer"
    users = {user.id: user.name for user in after.users}
    kept = now._asdict() | {"csm": users.get(now.csm_id), "sales": users.get(now.sales_id)}
    said = {name: cell(value) for name, value in read.file.items()}
    assert {name: kept[name] for name in said if name not in TERMS} == {
        name: value for name, value in said.items() if name not in TERMS
    }
    others = [one for one in before.customers if one.id != read.customer_id]
    assert [after.customer[one.id] for one in others] == others
    _check_rules_currency(read, was, now)
    changed = was._replace(updated_at=now.updated_at) != now
    moved = before.terms[read.customer_id] != after.terms[read.customer_id]
    assert (read.imported.added, read.imported.changed) == (0, int(changed or moved))


def _check_rules_currency(read: RowRead, was: Row, now: Row) -> None:
    """Amounts that a file changes are in the currency of its row."""
    rules = ("auto_approve_below", "second_approval_above")
    if [getattr(was, rule) for rule in rules] != [getattr(now, rule) for rule in rules]:
        assert golden.rules_currency(now) == read.file["currency"]


def _check_terms_asked(asked: TermsAsked, now: Period, before: Ledger, after: Ledger) -> None:
    """They hold from the month on that they were asked for, or the first that is possible."""
    begin = golden.asked_to_begin(before, asked.customer_id, asked.month, now)
    terms = golden.in_force(after, asked.customer_id, begin)
    assert [getattr(terms, name) for name in TERMS] == [getattr(asked, name) for name in TERMS]
    _check_terms_before(before, after, asked.customer_id, begin)


def _check_terms_before(before: Ledger, after: Ledger, customer_id: int, begin: Period) -> None:
    """Months before the change keep their terms; the first ones hold for all that was earlier."""
    first = before.terms[customer_id][0].valid_from
    for period in (FIRST_MONTH.plus(month) for month in range(MONTHS)):
        if Period(first.year, first.month) <= period < begin:
            terms = [golden.in_force(one, customer_id, period) for one in (before, after)]
            figures = [[getattr(one, name) for name in TERMS] for one in terms]
            assert figures[0] == figures[1], f"terms of {period} changed from {begin} on"


def _check_terms_of_today(month: Period, ledger: Ledger) -> None:
    for customer in ledger.customers:
        terms = golden.in_force(ledger, customer.id, month)
        assert [getattr(customer, name) for name in TERMS] == [
            getattr(terms, name) for name in TERMS
        ]


def _merged(pair: tuple[int, int], change: Any, before: Ledger, after: Ledger) -> None:
    """Usage that nobody has billed has gone over; what was billed stays with its customer."""
    given_up, into = pair
    own = [period for who, period in before.used if who == given_up]
    moved = sorted(
        one
        for one in own
        if not golden.billed_by(before, given_up, one) and (into, one) not in before.used
    )
    assert [Period.of(day) for day in change.moved_usage] == moved
    assert all(after.used[into, one] == before.used[given_up, one] for one in moved)
    assert not any((given_up, one) in after.used for one in moved)
    left = [one for one in own if not golden.billed_by(after, given_up, one) and one not in moved]
    unbilled = [golden.fresh(after, given_up, one) for one in left]
    assert all(now is None or now.units == 0 for now in unbilled), "usage is billed twice"
    followers = [one.id for one in before.customers if given_up in (one.id, one.merged_into_id)]
    assert all(golden.today_of(after, one) == into for one in followers)


def check_usage_stays(before: Ledger, after: Ledger, name: str) -> None:
    """Bills never go to another customer, and usage only where two customers become one."""
    for bill in before.bills:
        assert after.bill[bill.id].customer_id == bill.customer_id
    if name != "merge":
        owners = {usage.id: usage.customer_id for usage in after.usages}
        assert all(owners[usage.id] == usage.customer_id for usage in before.usages)


def check_document_says(before: Ledger, after: Ledger, bill_id: int, today: date) -> None:
    """What the bill is made of, and the tax on it; an invoice to whom, at the rate of that day. A
    correction says of all that what the document says that it corrects.
    """
    bill, said = after.bill[bill_id], _said(after, bill_id)
    assert [said[name] for name in FIGURES] == [getattr(bill, name) for name in FIGURES]
    assert said["issued_on"] == today.isoformat()
    assert said["period"] == {"year": bill.year, "month": bill.month}
    assert said["limit_calls"] == bill.monthly_api_limit
    assert _same(said["unit_cost"], bill.overage_unit_cost)
    assert _same(said["amount"], bill.overage_amount)
    if bill.adjusts_id:
        _check_correction_says(before, after, bill, said)
        return
    customer = before.customer[bill.customer_id]
    assert said["customer"] == customer.name
    for name in ADDRESSED:
        assert str(said[name]) == str(getattr(customer, name))
    assert said["locale"] == (customer.locale or said["company"]["locale"])
    days = customer.payment_days
    assert said["payment_days"] == (said["company"]["payment_days"] if days is None else days)
    replaced = golden.replaced(after, bill)
    assert said["refers_to"] == ([replaced] if replaced else [])
    tax = golden.tax_on(bill.overage_amount, customer.tax_rate_percent, bill.currency)
    assert Decimal(said["tax"]) == tax


def _check_correction_says(before: Ledger, after: Ledger, bill: Row, said: Any) -> None:
    issue = next(a for a in after.actions[bill.id] if a.action == "issue")
    corrected = golden.corrected(after, bill, issue.id)
    papers = [_said(after, one.id) for one in corrected]
    for name in INHERITED:
        assert {str(said[name])} == {str(paper[name]) for paper in papers}, name
    taxes = (Decimal(paper["tax"]) for paper in papers)
    taken_back = [(one.overage_amount, tax) for one, tax in zip(corrected, taxes, strict=True)]
    rate = Decimal(said["tax_rate_percent"])
    assert Decimal(said["tax"]) == golden.tax_of(bill, taken_back, rate)
    is_credit = [(one.number, one.kind == "credit") for one in corrected]
    assert said["refers_to"] == [number for number, credit in is_credit if not credit]
    assert said["credited_before"] == [number for number, credit in is_credit if credit]
    assert all(before.bill[one.id].status in ("sent", "void") for one in corrected)
    assert [(one["number"], one["units"], Decimal(one["amount"])) for one in said["billed"]] == [
        (one.number, one.overage_units, one.overage_amount) for one in corrected
    ]
    _check_usage_as_it_was(after, bill, said, papers[-1])


def _check_usage_as_it_was(after: Ledger, bill: Row, said: Any, latest: Any) -> None:
    """Of the months before what the latest document had, of its own month what the bill rests on,
    which a credit for a void bill has from there too.
    """
    *told, own = said["months"]
    *earlier, last = latest["months"]
    assert str(told) == str(earlier)
    assert (own["calls"], own["limit_calls"]) == (bill.api_usage, bill.monthly_api_limit)
    if after.balances(bill):
        assert (own["calls"], own["limit_calls"]) == (last["calls"], last["limit_calls"])


def _said(ledger: Ledger, bill_id: int) -> Any:
    """What is kept of a document, which is what it was drawn from."""
    document = ledger.document[bill_id]
    said, kept = json.loads(document.content), json.loads(document.facts)
    assert said.keys() == kept.keys()
    for name in (*INHERITED, "tax", "amount", "refers_to"):
        assert str(said[name]) == str(kept[name]), name
    return said


def _same(said: str | None, amount: Decimal | None) -> bool:
    return (said and Decimal(said)) == amount
