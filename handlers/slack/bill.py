"""`/bill`: generating a month, looking at bills, and deciding on them."""

from typing import Any

from rapidfuzz import process

from handlers.slack.answers import Answer, Dialog, Reply, as_dialog
from handlers.slack.blocks.action_ids import OUT_OF_DATE
from handlers.slack.blocks.bill_list import bill_list
from handlers.slack.blocks.bill_run import (
    run_cancelled,
    run_changed,
    run_preview,
    run_preview_promised,
    run_started,
    run_was_started,
)
from handlers.slack.blocks.block_kit import SlackMessage, sentence_message, under
from handlers.slack.blocks.card import bill_card
from handlers.slack.blocks.errors import refusal_message
from handlers.slack.blocks.help import ON_THE_CARD
from handlers.slack.blocks.history import bill_history
from handlers.slack.blocks.sharing import card_as_it_was, with_share
from handlers.slack.context import RequestContext
from handlers.slack.parsing import first_word, last_word, month_and_rest
from handlers.slack.references import (
    bill_details,
    referenced_bill,
    referenced_customer_and_month,
)
from handlers.slack.request import Click
from handlers.wording.formatting import listing, name, period_name, slash
from handlers.wording.labels import STATE_WORDS
from models.actions.approve import approve_bill
from models.actions.checks import check
from models.batches.bill_run import run_of_request, start_bill_run, starter_of
from models.batches.bill_run_preview import (
    is_quick,
    preview_run,
    preview_unless_agreed,
)
from models.bills.states import State, Verb
from models.customers.customers import get_customer
from models.errors import Ambiguous, Invalid, NotAllowed, NotFound, WrongState
from models.outbox.notifications import month_end_key, notify_bill_run, promise_run_preview
from models.people.permissions import Permission, Role
from models.people.who_can import require
from models.period import Period
from models.queries.bill_list import BillFilter, find_bills
from models.queries.history import load_history
from models.queries.references import is_customer
from models.text import split_end

CARD, HISTORY, LIST = "card", "history", "bills"
"""What a button that shares an answer says of it."""
STATES = {**{state.value: state for state in State}, "waiting": State.PENDING}
_FILTERS: dict[str, tuple[str, Any]] = {
    **{word: ("status", state.value) for word, state in STATES.items()},
    "mine": ("mine", True),
    "all": ("all", True),
}
ALIKE = 75.0
"""From this percentage of letters in common on, a word may be meant for a state."""


async def generate(context: RequestContext, typed: str) -> Answer:
    """Show what generating a month would do; the buttons under it do it or let it be.

    Of many customers that is worked out by a job, and comes as a message.
    """
    await require(context.session, context.user, Permission.GENERATE)
    now, zone = context.now, context.services.zone
    customer, named = await referenced_customer_and_month(context, typed)
    customer_id = customer.id if customer else None
    period = named or Period.last_closed(now, zone)
    period.refuse_if_open(now, zone)
    billing = context.services.billing
    if not await is_quick(context.session, customer_id, billing.most_at_once):
        await promise_run_preview(
            context.session, str(period), billing.jump_factor, context.user, now.isoformat()
        )
        return Reply(run_preview_promised(period))
    facts = await preview_run(context.session, period, customer_id, billing.jump_factor)
    return Reply(run_preview(facts, customer_id))


async def start_run(context: RequestContext) -> Answer:
    """Generate what was previewed: once, however often the click arrives. What would do something
    else by now is shown anew instead; of many customers, by the run.
    """
    ids = context.ids("period")
    period = Period.parse(ids["period"])
    await require(context.session, context.user, Permission.GENERATE)
    request_key = context.request.dedup_key if isinstance(context.request, Click) else None
    if ids.get("month_end"):
        request_key = month_end_key(str(period))
    known = await run_of_request(context.session, request_key) if request_key else None
    if known is None:
        customer = (
            await get_customer(context.session, ids["customer"]) if "customer" in ids else None
        )
        whose = customer.id if customer else None
        billing, agreed = context.services.billing, ids.get("agreed")
        if await is_quick(context.session, whose, billing.most_at_once):
            shown = (context.session, period, whose, billing.jump_factor, agreed)
            if changed := await preview_unless_agreed(*shown):
                anew = run_changed(changed, whose, month_end="month_end" in ids)
                return Reply(anew, replace=True)
            agreed = None
        run_id = await start_bill_run(
            context.session, period, context, billing.zone, whose, request_key, agreed
        )
        await notify_bill_run(context.session, run_id, context.user)
    elif (first := await starter_of(context.session, known)).id != context.user.id:
        return Reply(run_was_started(period, first), replace=True)
    return Reply(run_started(period), replace=True)


async def cancel_run(context: RequestContext) -> Answer:
    return Reply(run_cancelled(Period.parse(context.ids("period")["period"])), replace=True)


async def show(context: RequestContext, typed: str) -> Answer:
    bill_id = await referenced_bill(context, typed)
    return Reply(with_share(await _card(context, bill_id), CARD, bill=bill_id))


async def share_card(context: RequestContext) -> Answer:
    """The card as it is now, for everybody in the conversation."""
    bill_id = context.ids("bill")["bill"]
    card = await _card(context, bill_id)
    return Reply(card_as_it_was(card, bill_id, context.now), shared=True)


async def _card(context: RequestContext, bill_id: int) -> SlackMessage:
    return bill_card(await bill_details(context, bill_id), context.user, has_thread=False)


ON_ITS_CARD: dict[str, Verb] = {
    verb.value: verb for verb in (Verb.APPROVE, Verb.REJECT, Verb.REASSIGN)
}
"""What is typed as if it were a command, and done on the card."""


async def decide_on_card(context: RequestContext, verb: Verb, typed: str) -> Answer:
    """The card on which a decision is taken, or why it cannot be and what stands instead."""
    bill_id = await referenced_bill(context, typed)
    card = await _card(context, bill_id)
    try:
        await check(context.session, bill_id, verb, None, context)
        lead = sentence_message(ON_THE_CARD[verb])
    except (WrongState, NotAllowed) as refused:
        lead = refusal_message(refused)
    return Reply(under(lead, card))


async def shown_under(context: RequestContext, lead: SlackMessage, bill_id: int) -> Answer:
    """A bill's card below a sentence."""
    return Reply(under(lead, await _card(context, bill_id)))


async def history(context: RequestContext, typed: str) -> Answer:
    bill_id = await referenced_bill(context, typed)
    return Reply(with_share(await _history(context, bill_id), HISTORY, bill=bill_id))


async def share_history(context: RequestContext) -> Answer:
    """The page of the story that the clicker sees, for everybody in the conversation."""
    ids = context.ids("bill")
    return Reply(await _history(context, ids["bill"], ids.get("page", 0)), shared=True)


async def history_clicked(context: RequestContext) -> Answer:
    """The story of a bill, where the clicker looks: as a dialog, whose further pages take the place
    of the one before, as do those of a private answer.
    """
    ids = context.ids("bill")
    told = await _history(context, ids["bill"], ids.get("page", 0))
    if "page" in ids and context.is_private:
        told = with_share(told, HISTORY, bill=ids["bill"], page=ids["page"])
        return Reply(told, replace=True)
    return Dialog(as_dialog(told, "History"))


async def _history(context: RequestContext, bill_id: int, page: int = 0) -> SlackMessage:
    facts = await bill_details(context, bill_id)
    return bill_history(facts, await load_history(context.session, bill_id), page)


async def list_bills(context: RequestContext, typed: str) -> Answer:
    """`[status] [mine] [customer] [YYYY-MM]`, each of them optional, in any order."""
    called = await is_customer(context.session, typed)
    filters, rest = ({}, typed) if called else _read_filters(typed)
    try:
        customer, period = await referenced_customer_and_month(context, rest)
    except NotFound as refused:
        raise _near_state(filters, rest) or _neither(refused) from None
    filters.pop("all", None)
    if customer is not None:
        filters["customer"] = customer.id
    if period is not None:
        filters["period"] = str(period)
    return await _list(context, filters, await _title(context, filters))


def _read_filters(typed: str) -> tuple[dict[str, Any], str]:
    """The words for states and `mine` at either end, also behind a month, and what is left."""
    month, rest = month_and_rest(typed)
    filters: dict[str, Any] = {}
    while (found := split_end(rest, lambda word: word.lower() in _FILTERS, 1))[0]:
        word, rest = str(found[0]).lower(), found[1]
        key, value = _FILTERS[word]
        filters[key] = value
        if month is None:
            month, rest = month_and_rest(rest)
    return filters, f"{rest} {month}".strip() if month else rest


def _near_state(filters: dict[str, Any], rest: str) -> Invalid | None:
    """Of words that name no customer: the one that was perhaps meant for a state or a filter,
    unless there is such a one already.
    """
    known = [str(filters.get("status", "")), *(key for key in ("mine", "all") if key in filters)]
    for word in dict.fromkeys((first_word(rest)[0], last_word(rest)[1])):
        near = process.extractOne(word.lower(), list(_FILTERS), score_cutoff=ALIKE)
        if near and _FILTERS[near[0]][0] not in filters:
            meant = slash(
                " ".join(filter(None, ["bill list", *known, rest.replace(word, near[0], 1)]))
            )
            return Invalid(f"“{word}” is no state of a bill. Did you mean `{meant}`?")
    return None


def _neither(refused: NotFound) -> NotFound:
    """Of words that are like no customer's name either, which states there are."""
    if not isinstance(refused, Ambiguous) or not refused.is_guess or refused.choices:
        return refused
    states = f"It is no state of a bill either: those are {listing(list(State))}."
    return NotFound(f"{refused.sentence} {states}", refused.next_steps)


async def next_page(context: RequestContext) -> Answer:
    ids = context.ids("title", "filters", "after")
    return await _list(
        context, ids["filters"], ids["title"], ids["after"], replace=context.is_private
    )


async def share_list(context: RequestContext) -> Answer:
    """The page that the clicker sees, for everybody in the conversation."""
    ids = context.ids("title", "filters")
    return await _list(context, ids["filters"], ids["title"], ids.get("after"), shared=True)


async def _list(
    context: RequestContext,
    filters: dict[str, Any],
    title: str,
    after: str | None = None,
    *,
    replace: bool = False,
    shared: bool = False,
) -> Answer:
    status, customer_id, month = (filters.get(key) for key in ("status", "customer", "period"))
    if status not in (None, *State) or type(customer_id) not in (type(None), int):
        raise Invalid(OUT_OF_DATE)
    wanted = BillFilter(
        status=State(status) if status else None,
        mine_of=context.user if filters.get("mine") else None,
        customer_id=customer_id,
        period=Period.parse(str(month)) if month else None,
    )
    page = await find_bills(context.session, wanted, after=after)
    told = bill_list(page, title, filters)
    if page.lines and not shared and "mine" not in filters:
        told = with_share(told, LIST, title=title, filters=filters, after=after)
    return Reply(told, replace, shared)


async def _title(context: RequestContext, filters: dict[str, Any]) -> str:
    """As in "Bills waiting for approval that wait for you, of Acme Corp, October 2026"."""
    told = "Bills"
    if "status" in filters:
        told += f" {STATE_WORDS[State(filters['status'])]}"
    if "mine" in filters:
        told += f" that wait for {'somebody' if context.user.role == Role.MANAGER else 'you'}"
    if "customer" in filters:
        customer = await get_customer(context.session, filters["customer"])
        told += f" of {name(customer.name, 80)}"
    if "period" in filters:
        told += f", {period_name(Period.parse(filters['period']))}"
    return told


async def approve(context: RequestContext) -> Answer | None:
    """Approve what was on the card; a card that only the clicker sees is drawn anew at once."""
    ids = context.ids("bill", "version")
    await approve_bill(context.session, ids["bill"], ids["version"], context)
    if not context.is_private:
        return None
    return Reply(await _card(context, ids["bill"]), replace=True)
