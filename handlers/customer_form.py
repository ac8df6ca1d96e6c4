"""A customer as a form has it: which fields there are, what they show, what of it was changed."""

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from models.customers.customers import Customer, customer_version
from models.customers.edits import Changes
from models.customers.terms import terms_history, terms_in_force
from models.db.columns import Session
from models.people.permissions import Role
from models.people.users import find_person, users_with_role
from models.period import Period

CHECKS = ("require_csm_approval", "require_sales_approval", "alerts_muted")
TERMS = ("currency", "monthly_api_limit", "overage_unit_cost")
TEXTS = (
    *("name", "csm", "sales", "billing_address", "billing_email", "cc_emails", "country"),
    *("tax_id", "tax_rate_percent", "tax_note", "locale", "payment_days", *TERMS),
    *("start_date", "end_date", "limit_proration", "auto_approve_below"),
    *("second_approval_above", "rules_currency", "slack_channel_id"),
)
FIELDS = (*TEXTS, *CHECKS)
NEW = {"currency": "USD", "limit_proration": "full"}
"""What the form of a new customer begins with."""

PRORATIONS = (("full", "The whole limit"), ("daily", "By the days in contract"))


async def shown_fields(
    session: Session, customer: Customer, month: Period | None = None
) -> dict[str, str]:
    """The fields as texts, and the `version` of the customer that has them so.

    Terms are those of the `month`, or of today.
    """
    told = {field: getattr(customer, field, None) for field in FIELDS}
    if month:
        terms = terms_in_force(await terms_history(session, customer.id), month)
        told |= {field: getattr(terms, field) for field in TERMS}
    for field in ("csm", "sales"):
        user_id = getattr(customer, f"{field}_id")
        person = user_id and await find_person(session, user_id)
        told[field] = person.name if person else ""
    texts = {field: _text(value) for field, value in told.items()}
    return texts | {"version": await customer_version(session, customer.id)}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


def changed_fields(given: Mapping[str, str], shown: Mapping[str, str]) -> dict[str, str]:
    """What differs from what was shown; terms together, and as they stand where a month is given.

    Those shown are today's, and may be others than those of that month.
    """
    other = {field for field, text in given.items() if text != shown.get(field, "")}
    terms = {"valid_from", *TERMS}
    kept = other | terms if other & terms else other
    return {field: text for field, text in given.items() if field in kept}


def written_down(shown: Mapping[str, str]) -> str:
    """What a form shows, for the form to carry, so that it is known later what was typed over."""
    return json.dumps({field: shown.get(field, "") for field in FIELDS})


def read_back(carried: str) -> dict[str, str]:
    """What `written_down` wrote; empty where that is not it."""
    try:
        seen = json.loads(carried)
    except (ValueError, RecursionError):
        return {}
    is_ours = isinstance(seen, dict) and seen.keys() == {*FIELDS}
    return {field: str(text) for field, text in seen.items()} if is_ours else {}


def marks_of(shown: Mapping[str, str]) -> str:
    """What stands for all that a form shows, where it cannot carry it whole."""
    return "".join(_mark(shown.get(field, "")) for field in FIELDS)


def left_alone(given: Mapping[str, str], marks: str) -> dict[str, str]:
    """Those of the fields given that are as they were shown, by their marks."""
    seen = {field: marks[at * _MARK :][:_MARK] for at, field in enumerate(FIELDS)}
    return {field: text for field, text in given.items() if seen.get(field) == _mark(text)}


_MARK = 6
"""Letters of each."""


def _mark(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:_MARK]


def typed_over(
    given: Mapping[str, str], seen: Mapping[str, str], shown: Mapping[str, str]
) -> dict[str, str]:
    """The form on top of what is `shown` now: what was typed over what was `seen` stays."""
    return {
        field: shown.get(field, "") if text == seen.get(field) else text
        for field, text in given.items()
    }


def fields_changed(seen: Mapping[str, str], shown: Mapping[str, str]) -> Changes:
    return {
        field: (text or None, shown.get(field) or None)
        for field, text in seen.items()
        if text != shown.get(field, "")
    }


async def colleagues(session: Session, shown: Mapping[str, str]) -> dict[str, list[str]]:
    """Who may be named as `csm` and as `sales`: whoever has the role, and who it is already."""
    names = {}
    for field, role in (("csm", Role.CSM), ("sales", Role.SALES)):
        with_role = [person.name for person in await users_with_role(session, role)]
        now = shown.get(field, "")
        names[field] = [*with_role, *([now] if now and now not in with_role else [])]
    return names
