"""A customer is added or changed, field by field, with what follows for its bills.

The fields are the columns of an imported file, read and checked as there, so `csm` and `sales` are
names, and `valid_from` is the month from which another limit or price holds. A field that is
empty empties what is known; one that is not given keeps it.
"""

from collections.abc import Mapping
from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncSession

from models.actions.keep_books import BookChange, bills_of_few
from models.actions.recalculate import follow_customers
from models.actions.rename_customer import rename_customer
from models.context import Context
from models.customers.customers import Customer, customer_version, lock_customer
from models.customers.edits import TERMS_FROM, Changes, CustomerEdit, changed_since
from models.customers.search import find_exactly
from models.db.locks import lock_for_write
from models.errors import Faults, Invalid, InvalidFields, WrongState
from models.imports.differences import Difference
from models.imports.files import Imported, import_customers
from models.imports.rows import NOT_TEXT, BadRows, GivenRow, is_sound
from models.outbox.cards import redraw_cards_of_customer
from models.people.permissions import Permission
from models.people.who_can import require
from models.text import cleaned_name, reason_text

Fields = Mapping[str, str]
DATES = {"start_date": "end_date", "end_date": "start_date"}


async def create_customer(
    session: AsyncSession, fields: Fields, context: Context
) -> tuple[Customer, BookChange]:
    """Add a customer. Refuses, field by field, what a file could not hold, and a name in use."""
    await require(session, context.user, Permission.KEEP_BOOKS)
    _refuse_unkeepable(fields)
    needed = {"name": "", "monthly_api_limit": ""}
    faults = Faults()
    with faults.noted():
        await _refuse_taken(session, fields.get("name", ""))
    with faults.noted():
        done = await _take(session, _paired(needed | dict(fields), {}), context)
    faults.refuse()
    customer = await find_exactly(session, fields["name"])
    assert customer is not None
    return customer, BookChange(done, *await follow_customers(session, context, []))


async def edit_customer(
    session: AsyncSession,
    customer_id: int,
    fields: Fields,
    context: Context,
    version: str | None = None,
    reason: str | None = None,
) -> tuple[Customer, BookChange]:
    """Change the fields given, on record with the reason; the old one of another name goes on
    finding it.

    With a `version` that is not the current one, as `customer_version` tells it, refuses with
    CustomerChanged. Refuses, field by field, what a file could not hold.
    """
    await require(session, context.user, Permission.KEEP_BOOKS)
    _refuse_unkeepable(fields)
    reason = reason_text(reason) if reason and reason.strip() else None
    customer = await _locked(session, customer_id, version)
    renamed = "name" in fields and cleaned_name(fields["name"]) != customer.name
    old_name, faults = customer.name, Faults()
    with faults.noted():
        _refuse_unpriced(customer, fields)
    if renamed:
        with faults.noted():
            await rename_customer(session, customer_id, fields["name"], context, reason)
    with faults.noted():
        row = {**_completed(customer, fields), "name": customer.name}
        done = await _take(session, row, context)
    faults.refuse()
    bills = await bills_of_few(session, [customer_id])
    if renamed:
        told = done.differences.preceded_by(_renaming(old_name, customer.name))
        done = replace(done, added=0, changed=1, unchanged=0, differences=told)
    _keep(session, customer_id, done, reason, context)
    change = BookChange(done, *await follow_customers(session, context, bills))
    await redraw_cards_of_customer(session, customer_id)
    await session.refresh(customer)
    return customer, change


async def _locked(session: AsyncSession, customer_id: int, version: str | None) -> Customer:
    customer = await lock_customer(session, customer_id)
    if version is not None and version != await customer_version(session, customer_id):
        raise await changed_since(session, customer_id, version)
    if customer.merged_into_id is not None:
        raise WrongState(f"{customer.name} was merged into another customer and stays as it is.")
    return customer


def _keep(
    session: AsyncSession, customer_id: int, done: Imported, reason: str | None, context: Context
) -> None:
    changes: Changes = {one.field: (one.old, one.new) for one in done.differences.first}
    if not changes:
        return
    if since := done.terms_from.get(customer_id):
        changes[TERMS_FROM] = (None, str(since))
    session.add(
        CustomerEdit(
            customer_id=customer_id,
            changes=changes,
            reason=reason,
            changed_by=context.user.id,
            changed_at=context.now,
            source=context.source,
        )
    )


def _renaming(old: str, new: str) -> Difference:
    return Difference(1, old, "name", old, new, is_new=False)


async def _refuse_taken(session: AsyncSession, name: str) -> None:
    other = await find_exactly(session, name)
    if other:
        raise Invalid(f"There is a customer {other.name} already.", "name")


def _refuse_unpriced(customer: Customer, fields: Fields) -> None:
    """A price in one currency is none in another."""
    given = fields.get("currency", "").strip().upper()
    if given and given != customer.currency and "overage_unit_cost" not in fields:
        raise Invalid("Say the price of a call in that currency as well.", "overage_unit_cost")


def _refuse_unkeepable(fields: Fields) -> None:
    faults = {name: f"This {NOT_TEXT}." for name, text in fields.items() if not is_sound(text)}
    if faults:
        raise InvalidFields(faults)


async def _take(session: AsyncSession, fields: Fields, context: Context) -> Imported:
    """As one row of a file; only what it is about is locked."""
    local = context.now.astimezone(context.settings.zone)
    try:
        return await import_customers(
            session, GivenRow(fields), context.user, local, lock=lock_for_write, details=True
        )
    except BadRows as refused:
        raise InvalidFields(
            {flaw.column: _sentence(flaw.reason) for flaw in refused.flaws}
        ) from None


def _sentence(reason: str) -> str:
    return f"{reason[0].upper()}{reason[1:]}."


def _completed(customer: Customer, fields: Fields) -> Fields:
    """With what is known of fields that mean something only beside those given."""
    known = {name: str(getattr(customer, name) or "") for name in DATES}
    given = dict(fields)
    is_same = given.get("currency", "").strip().upper() == customer.currency
    if is_same and "overage_unit_cost" not in given:
        del given["currency"]
    return _paired(given, known)


def _paired(fields: Fields, known: Fields) -> Fields:
    others = {other: known.get(other, "") for name, other in DATES.items() if name in fields}
    price = {"overage_unit_cost": ""} if "currency" in fields else {}
    return price | others | dict(fields)
