"""The bill, the bills or the customer that somebody means, by what they typed or clicked."""

from collections.abc import Awaitable, Callable

from handlers.slack.answers import Answer
from handlers.slack.blocks.action_ids import is_id
from handlers.slack.blocks.customer_choice import CUSTOMER
from handlers.slack.blocks.help import is_near
from handlers.slack.context import Listener, RequestContext
from handlers.slack.parsing import before_remark, names_a_bill, refs, subcommand_and_rest
from models.bills.states import Verb
from models.customers.customers import Customer, get_customer
from models.errors import Ambiguous, Invalid, NextStep, NotFound, Step
from models.period import Period
from models.queries.bill_details import BillDetails
from models.queries.bill_loader import load_bill_details
from models.queries.references import (
    begins_customer,
    find_bill,
    find_customer_and_month,
    is_customer,
)

WHICH_BILL = (
    "Which bill? Write its number, such as `#42`, its document's number, or a customer and a month."
)

About = Callable[[RequestContext, int, int | None], Awaitable[Answer]]
"""Something about a bill, of the version that was seen; None: as it is by now."""


def commanded(about: About) -> Callable[[RequestContext, str], Awaitable[Answer]]:
    """The same for a bill that is named in a command."""

    async def typed(context: RequestContext, text: str) -> Answer:
        return await about(context, await referenced_bill(context, text), None)

    return typed


def clicked(about: About) -> Listener:
    """The same for the bill that a button carries, in the version that it carries if it does."""

    async def press(context: RequestContext) -> Answer:
        ids = context.ids("bill")
        return await about(context, ids["bill"], ids.get("version"))

    return press


async def referenced_bill(context: RequestContext, typed: str) -> int:
    """The bill that was named, though a remark follows: `Acme October, wrong limit`.

    A name that fits several customers is asked back. Refuses the numbers of several bills.
    """
    several = [one for one in refs(typed) if names_a_bill(one)]
    if len(several) > 1:
        raise _one_at_a_time(context, several[0])
    try:
        return await named_bill(context, typed)
    except (Invalid, Ambiguous) as refused:
        if not _names_nothing(refused):
            raise
        for named in before_remark(typed):
            try:
                return await named_bill(context, named)
            except (Invalid, Ambiguous) as unnamed:
                if not _names_nothing(unnamed):
                    raise
        raise refused from None


def _one_at_a_time(context: RequestContext, first: str) -> Invalid:
    """With the command for the first of several bills, and where several are approved."""
    verb, _ = subcommand_and_rest(context.text)
    said = "" if names_a_bill(verb) else f"{verb} "
    where = (
        " To approve several, tick them on Countersign’s Home tab, and press Approve selected."
        if verb == Verb.APPROVE
        else ""
    )
    return Invalid(f"Name one bill at a time, as in `{context.command} {said}{first}`.{where}")


def _names_nothing(refused: Invalid | Ambiguous) -> bool:
    return isinstance(refused, Invalid) or refused.is_guess


async def named_bill(context: RequestContext, typed: str) -> int:
    """The bill that was named, and nothing else was said."""
    if not typed:
        raise Invalid(WHICH_BILL)
    with context.naming(typed):
        try:
            return await find_bill(context.session, typed, context.today)
        except Ambiguous:
            raise
        except NotFound as refused:
            raise NotFound(refused.sentence, [NextStep(Step.SEE_BILLS)]) from refused


async def means_a_bill(context: RequestContext, text: str) -> bool:
    """Whether a text without a command names a bill or several, and is not a misspelt command."""
    named = refs(text)
    by_number = bool(named) and all(map(names_a_bill, named))
    if by_number or await is_customer(context.session, text):
        return True
    word, _ = subcommand_and_rest(text)
    return not is_near("bill", word) and await begins_customer(context.session, text, context.today)


async def referenced_customer_and_month(
    context: RequestContext, typed: str
) -> tuple[Customer | None, Period | None]:
    """The customer and the month that were named, in either order; None for what was not."""
    with context.naming(typed):
        return await find_customer_and_month(context.session, typed, context.today)


async def chosen_customer(context: RequestContext) -> Customer:
    """Whoever was chosen in the dialog; one that was merged since is that other one."""
    chosen = context.entered(CUSTOMER)
    if not is_id(chosen):
        raise Invalid("Choose a customer.", CUSTOMER)
    customer = await get_customer(context.session, int(chosen))
    if customer.merged_into_id is None:
        return customer
    return await get_customer(context.session, customer.merged_into_id)


async def bill_details(context: RequestContext, bill_id: int) -> BillDetails:
    facts = await load_bill_details(context.session, [bill_id])
    if not facts:
        raise NotFound(f"There is no bill #{bill_id}.")
    return facts[0]
