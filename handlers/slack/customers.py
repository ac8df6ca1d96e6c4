"""`/customer`: the list of customers; adding and changing one."""

from collections.abc import Mapping
from dataclasses import replace

from handlers.customer_form import (
    CHECKS,
    NEW,
    TEXTS,
    changed_fields,
    colleagues,
    left_alone,
    marks_of,
    shown_fields,
    typed_over,
)
from handlers.slack import usage
from handlers.slack.answers import Answer, Dialog, Reply, as_dialog
from handlers.slack.blocks.action_ids import unpack
from handlers.slack.blocks.block_kit import SlackMessage, message, under
from handlers.slack.blocks.customer_choice import which_customer
from handlers.slack.blocks.customer_details import customer_buttons, customer_details
from handlers.slack.blocks.customer_form import (
    LATER,
    NOBODY,
    REASON,
    CustomerForm,
    customer_added,
    customer_changed,
    customer_form,
)
from handlers.slack.blocks.customer_list import customer_list
from handlers.slack.blocks.inputs import shown_afresh
from handlers.slack.blocks.sharing import with_share, without_buttons
from handlers.slack.context import RequestContext
from handlers.slack.references import chosen_customer
from handlers.wording.customer_text import NOT_SAVED, changed_meanwhile
from models.actions.edit_customer import create_customer, edit_customer
from models.actions.foresee import do_if_agreed
from models.actions.keep_books import BookChange
from models.customers.customers import Customer, get_customer
from models.customers.edits import CustomerChanged
from models.customers.search import find_customer
from models.people.permissions import Permission
from models.people.who_can import require
from models.period import Period
from models.queries.customer_details import load_customer
from models.queries.customer_list import CustomerFilter, list_customers
from models.text import cleaned_name

PAGE = 20
DONE = "Done"
LIST, CUSTOMER = "customers", "customer"
WHOLE = "whole"


async def show(context: RequestContext, typed: str) -> Answer:
    """`NAME [span]`: all that is known of a customer, its usage of these months below."""
    await require(context.session, context.user, Permission.SEE)
    return Reply(await _shown(context, *await usage.customer_and_months(context, typed)))


async def share_one(context: RequestContext) -> Answer:
    """What the clicker sees of a customer, for everybody in the conversation."""
    ids = context.ids("customer", "first", "last")
    await require(context.session, context.user, Permission.SEE)
    first, last = usage.checked(Period.parse(ids["first"]), Period.parse(ids["last"]))
    customer = await get_customer(context.session, ids["customer"])
    return Reply(await _shown(context, customer, first, last, shared=True), shared=True)


async def _shown(
    context: RequestContext,
    customer: Customer,
    first: Period,
    last: Period,
    *,
    shared: bool = False,
) -> SlackMessage:
    running = Period.current(context.now, context.services.zone)
    facts = await load_customer(context.session, customer.id, first, last, running)
    used = await usage.report(context, customer, first, last)
    may_edit = context.user.can(Permission.KEEP_BOOKS) and not shared
    whole = under(customer_details(facts, running), without_buttons(used))
    buttons = customer_buttons(customer.id, may_edit=may_edit)
    told = message(whole.text, [*whole.blocks, *buttons])
    if shared:
        return told
    return with_share(told, CUSTOMER, customer=customer.id, first=str(first), last=str(last))


async def edit_clicked(context: RequestContext) -> Answer:
    """The dialog of a customer that stands in an answer."""
    await require(context.session, context.user, Permission.KEEP_BOOKS)
    return await _edit(
        context, await get_customer(context.session, context.ids("customer")["customer"])
    )


async def list_all(context: RequestContext, typed: str) -> Answer:
    """`[part of a name]`: customers by name, those that have or had it in theirs."""
    return await _list(context, cleaned_name(typed))


async def next_page(context: RequestContext) -> Answer:
    ids = context.ids("text", "after")
    return await _list(context, ids["text"], ids["after"], replace=context.is_private)


async def share(context: RequestContext) -> Answer:
    """The page that the clicker sees, for everybody in the conversation."""
    ids = context.ids("text")
    return await _list(context, ids["text"], ids.get("after"), shared=True)


async def _list(
    context: RequestContext,
    called: str,
    after: str | None = None,
    *,
    replace: bool = False,
    shared: bool = False,
) -> Answer:
    await require(context.session, context.user, Permission.SEE)
    period = Period.last_closed(context.now, context.services.zone)
    page = await list_customers(context.session, CustomerFilter(called), period, after, PAGE)
    told = customer_list(page, called)
    if page.lines and not shared:
        told = with_share(told, LIST, text=called, after=after)
    return Reply(told, replace, shared)


async def new(context: RequestContext, typed: str) -> Answer:
    """`[NAME]`: the dialog for a customer to be added."""
    await require(context.session, context.user, Permission.KEEP_BOOKS)
    name = {"name": cleaned_name(typed)} if typed else {}
    return Dialog(customer_form(await _form(context, NEW | name)))


async def add(context: RequestContext) -> Answer:
    """Add what was entered; what cannot be kept is said beside its field."""
    await require(context.session, context.user, Permission.KEEP_BOOKS)
    customer, _ = await create_customer(context.session, NEW | _given(context), context)
    return Dialog(as_dialog(customer_added(customer.id, customer.name), DONE))


async def more_fields(context: RequestContext) -> Answer:
    """The same dialog with every field, and what was typed so far."""
    await require(context.session, context.user, Permission.KEEP_BOOKS)
    ids = unpack(context.request.view.get("private_metadata"))
    typed = _given(context) | {REASON: context.entered(REASON)}
    if "customer" not in ids:
        form = await _form(context, NEW | typed, is_whole=True)
        return Dialog(shown_afresh(customer_form(form), WHOLE))
    customer = await get_customer(context.session, ids["customer"])
    shown = await shown_fields(context.session, customer)
    fields = shown | typed_over(typed, left_alone(typed, ids.get("marks", "")), shown)
    form = await _form(context, shown, customer.id, fields, is_whole=True)
    return Dialog(shown_afresh(customer_form(form), WHOLE))


async def edit(context: RequestContext, typed: str) -> Answer:
    """`[NAME]`: the dialog with all that is known of a customer, which is asked for first where
    none is named.
    """
    await require(context.session, context.user, Permission.KEEP_BOOKS)
    if not typed:
        return Dialog(which_customer())
    with context.naming(typed):
        return await _edit(context, await find_customer(context.session, typed))


async def edit_chosen(context: RequestContext) -> Answer:
    """The same of whoever was chosen in a dialog, in its place."""
    await require(context.session, context.user, Permission.KEEP_BOOKS)
    return await _edit(context, await chosen_customer(context))


async def _edit(context: RequestContext, customer: Customer) -> Answer:
    shown = await shown_fields(context.session, customer)
    return Dialog(customer_form(await _form(context, shown, customer.id)))


async def save(context: RequestContext) -> Answer:
    """Save what differs from what was shown; where bills would move, show that first."""
    ids = context.ids("customer", "seen", "marks")
    await require(context.session, context.user, Permission.KEEP_BOOKS)
    customer = await get_customer(context.session, ids["customer"])
    given, reason = _given(context), context.entered(REASON)
    shown = await shown_fields(context.session, customer)
    form = await _form(context, shown, customer.id, shown | given | {REASON: reason})
    form = replace(form, version=ids["seen"], marks=ids["marks"])

    async def change() -> BookChange:
        fields = changed_fields(given, shown)
        _, done = await edit_customer(
            context.session, ids["customer"], fields, context, ids["seen"], reason
        )
        return done

    agreed = ids.get("agreed")
    try:
        foreseen, is_done = await do_if_agreed(context.session, change, agreed)
    except CustomerChanged as refused:
        return await _caught_up(context, customer, given | {REASON: reason}, refused)
    if not is_done:
        return Dialog(customer_form(form, foreseen, has_changed=agreed is not None))
    named = given.get("name", shown["name"])
    return Dialog(as_dialog(customer_changed(ids["customer"], named, foreseen), DONE))


async def _caught_up(
    context: RequestContext, customer: Customer, given: Mapping[str, str], refused: CustomerChanged
) -> Answer:
    """The dialog for what stands now, with what was typed on top of it, and who was faster."""
    shown = await shown_fields(context.session, customer)
    seen = left_alone(given, context.ids("marks")["marks"])
    form = await _form(context, shown, customer.id, shown | typed_over(given, seen, shown))
    told = customer_form(form, trouble=changed_meanwhile(refused, NOT_SAVED))
    return Dialog(shown_afresh(told, shown["version"]))


async def _form(
    context: RequestContext,
    shown: Mapping[str, str],
    customer_id: int | None = None,
    fields: Mapping[str, str] | None = None,
    *,
    is_whole: bool = False,
) -> CustomerForm:
    """The dialog of a customer that is `shown` like this; `fields`: with this typed over it. One
    that was whole stays so.
    """
    names = await colleagues(context.session, fields or shown)
    marks = marks_of(shown) if customer_id else None
    is_whole = is_whole or context.has_field(LATER)
    return CustomerForm(fields or shown, names, customer_id, shown.get("version"), marks, is_whole)


def _given(context: RequestContext) -> dict[str, str]:
    """What the dialog's fields hold, as a file would have it; those that it lacks stay as they are.

    An empty month of terms means none.
    """
    entered = {
        field: context.entered(field).replace("\r\n", "\n").strip()
        for field in (*TEXTS, *CHECKS, "valid_from")
        if context.has_field(field)
    }
    if not entered.get("valid_from"):
        entered.pop("valid_from", None)
    return {field: "" if text == NOBODY else text for field, text in entered.items()}
