"""A customer is called something else from now on."""

from sqlalchemy.ext.asyncio import AsyncSession

from models.context import Context
from models.customers.customers import Customer, lock_customer
from models.customers.look_alikes import named_alike
from models.customers.names import CustomerChange
from models.customers.search import find_exactly
from models.db.names import checked_name
from models.errors import Invalid, NextStep, Step, WrongState
from models.outbox.cards import redraw_cards_of_customer
from models.people.permissions import Permission
from models.people.who_can import require
from models.text import reason_text

NAME_CHARS = 300


async def rename_customer(
    session: AsyncSession, customer_id: int, name: str, context: Context, reason: str | None = None
) -> CustomerChange:
    """Call a customer something else, on the record; the names it had go on finding it.

    Documents that have gone out keep the name they bear. Refuses what is no name, the name it has
    already, letter for letter, and one that another customer has or had, or that only looks so,
    naming that one.
    """
    await require(session, context.user, Permission.KEEP_BOOKS)
    name, _ = await checked_name(session, name, NAME_CHARS)
    customer = await lock_customer(session, customer_id)
    if customer.merged_into_id is not None:
        raise WrongState(f"{customer.name} was merged into another customer and keeps its name.")
    if customer.name == name:
        raise WrongState(f"The customer is called {name} already. Nothing was changed.")
    await _refuse_taken(session, name, customer)
    await _refuse_alike(session, name, customer)
    change = CustomerChange(
        customer_id=customer.id,
        old_name=customer.name,
        new_name=name,
        reason=reason_text(reason) if reason else None,
        changed_by=context.user.id,
        changed_at=context.now,
        source=context.source,
    )
    customer.name, customer.updated_at = name, context.now
    session.add(change)
    await session.flush()
    await redraw_cards_of_customer(session, customer.id)
    return change


async def _refuse_taken(session: AsyncSession, name: str, customer: Customer) -> None:
    """The names of whoever was merged into it are its own by now, but stand for what was theirs."""
    other = await find_exactly(session, name)
    if other is None or other.id == customer.id:
        return
    if other.merged_into_id == customer.id:
        raise Invalid(
            f"{name} is the name of the customer that was merged into {customer.name}, and what "
            "went out under it is found by it.",
            "name",
        )
    had = "" if other.name == name else f", which is or was called “{name}”"
    raise Invalid(
        f"There is a customer {other.name} already{had}.",
        "name",
        [NextStep(Step.MERGE_CUSTOMERS)],
    )


async def _refuse_alike(session: AsyncSession, name: str, customer: Customer) -> None:
    if alike := await named_alike(session, name, but=customer.id):
        raise Invalid(
            f"“{name}” only looks like “{alike}”, the name of another customer: they differ in "
            "letters of another script. Write it so that people can tell them apart.",
            "name",
        )
