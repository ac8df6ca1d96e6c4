"""`/bill`: generating a month, looking at bills, and deciding on them."""

from typing import Any

from handlers.slack.blocks import dialogs
from handlers.slack.blocks.action_ids import OUT_OF_DATE
from handlers.slack.blocks.bill_list import bill_list
from handlers.slack.blocks.bill_run import run_cancelled, run_preview, run_started
from handlers.slack.blocks.card import bill_card
from handlers.slack.blocks.history import bill_history
from handlers.slack.context import RequestContext
from handlers.slack.parsing import first_word, month_and_rest
from handlers.slack.references import bill_details, referenced_bill, referenced_customer
from handlers.slack.request import Answer, Click, Dialog, Reply
from handlers.wording.formatting import name, period_name
from handlers.wording.labels import STATE_WORDS
from models.actions.approve import approve_bill, reject_bill
from models.actions.checks import check
from models.batches.bill_run import run_of_request, start_bill_run
from models.batches.bill_run_preview import preview_run
from models.bills.states import RejectReason, State, Verb
from models.customers.customers import get_customer
from models.errors import Invalid
from models.outbox.notifications import notify_bill_run
from models.people.permissions import Permission, Role
from models.period import Period
from models.queries.bill_list import find_bills
from models.queries.history import load_history

STATES = {**{state.value: state for state in State}, "waiting": State.PENDING}


async def generate(ask: RequestContext, typed: str) -> Answer:
    """Show what generating a month would do; the buttons under it do it or let it be."""
    ask.user.must(Permission.GENERATE)
    month, called = month_and_rest(typed)
    now, zone = ask.now, ask.house.zone
    period = Period.parse(month) if month else Period.last_closed(now, zone)
    period.refuse_if_open(now, zone)
    customer_id = await referenced_customer(ask, called)
    jump = ask.house.rules.jump_factor
    facts = await preview_run(ask.session, period, customer_id, jump)
    return Reply(run_preview(facts, customer_id))


async def start_run(ask: RequestContext) -> Answer:
    """Generate what was previewed: once, however often the click arrives."""
    ids = ask.ids("period")
    period = Period.parse(ids["period"])
    ask.user.must(Permission.GENERATE)
    asked_as = ask.request.once if isinstance(ask.request, Click) else None
    known = await run_of_request(ask.session, asked_as) if asked_as else None
    if known is None:
        customer = await get_customer(ask.session, ids["customer"]) if "customer" in ids else None
        whose = customer.id if customer else None
        zone = ask.house.zone
        run_id = await start_bill_run(ask.session, period, ask.act, zone, whose, asked_as)
        await notify_bill_run(ask.session, run_id, ask.user)
    return Reply(run_started(period), replace=True)


async def cancel_run(ask: RequestContext) -> Answer:
    return Reply(run_cancelled(Period.parse(ask.ids("period")["period"])), replace=True)


async def show(ask: RequestContext, typed: str) -> Answer:
    facts = await bill_details(ask, await referenced_bill(ask, typed))
    return Reply(bill_card(facts, ask.user))


async def history(ask: RequestContext, typed: str) -> Answer:
    return await _history(ask, await referenced_bill(ask, typed))


async def history_clicked(ask: RequestContext) -> Answer:
    """The story of a bill; a further page takes the place of the one before."""
    ids = ask.ids("bill")
    page = ids.get("page", 0)
    return await _history(ask, ids["bill"], page, replace=page > 0 and ask.is_private)


async def _history(
    ask: RequestContext, bill_id: int, page: int = 0, *, replace: bool = False
) -> Answer:
    facts = await bill_details(ask, bill_id)
    return Reply(bill_history(facts, await load_history(ask.session, bill_id), page), replace)


async def list_bills(ask: RequestContext, typed: str) -> Answer:
    """`[status] [mine] [customer] [YYYY-MM]`, each of them optional."""
    filters: dict[str, Any] = {}
    word, rest = first_word(typed)
    if word.lower() in STATES:
        filters["status"] = STATES[word.lower()].value
        typed = rest
    word, rest = first_word(typed)
    if word.lower() == "mine":
        filters["mine"] = True
        typed = rest
    month, called = month_and_rest(typed)
    if month:
        filters["period"] = str(Period.parse(month))
    customer_id = await referenced_customer(ask, called)
    if customer_id is not None:
        filters["customer"] = customer_id
    return await _list(ask, filters, await _title(ask, filters))


async def next_page(ask: RequestContext) -> Answer:
    ids = ask.ids("title", "filters", "after")
    return await _list(ask, ids["filters"], ids["title"], ids["after"], replace=ask.is_private)


async def _list(
    ask: RequestContext,
    filters: dict[str, Any],
    title: str,
    after: str | None = None,
    replace: bool = False,
) -> Answer:
    status, customer_id, month = (filters.get(key) for key in ("status", "customer", "period"))
    if status not in (None, *State) or type(customer_id) not in (type(None), int):
        raise Invalid(OUT_OF_DATE)
    page = await find_bills(
        ask.session,
        status=State(status) if status else None,
        mine_of=ask.user if filters.get("mine") else None,
        customer_id=customer_id,
        period=Period.parse(str(month)) if month else None,
        after=after,
    )
    return Reply(bill_list(page, title, filters), replace)


async def _title(ask: RequestContext, filters: dict[str, Any]) -> str:
    """ "Bills waiting for approval that wait for you, of Acme Corp, October 2026"."""
    told = "Bills"
    if "status" in filters:
        told += f" {STATE_WORDS[State(filters['status'])]}"
    if "mine" in filters:
        told += f" that wait for {'somebody' if ask.user.role == Role.MANAGER else 'you'}"
    if "customer" in filters:
        customer = await get_customer(ask.session, filters["customer"])
        told += f" of {name(customer.name, 80)}"
    if "period" in filters:
        told += f", {period_name(Period.parse(filters['period']))}"
    return told


async def approve(ask: RequestContext) -> Answer | None:
    """Approve what was on the card; a card that only the clicker sees is drawn anew at once."""
    ids = ask.ids("bill", "version")
    await approve_bill(ask.session, ids["bill"], ids["version"], ask.act)
    if not ask.is_private:
        return None
    return Reply(bill_card(await bill_details(ask, ids["bill"]), ask.user), replace=True)


async def ask_why_rejected(ask: RequestContext) -> Answer:
    ids = ask.ids("bill", "version")
    await check(ask.session, ids["bill"], Verb.REJECT, ids["version"], ask.act)
    return Dialog(dialogs.reject(await bill_details(ask, ids["bill"])))


async def reject(ask: RequestContext) -> None:
    ids = ask.ids("bill", "version")
    code = ask.entered(dialogs.REASON_CODE)
    if code not in set(RejectReason):
        raise Invalid("Choose what is wrong.", dialogs.REASON_CODE)
    await reject_bill(
        ask.session,
        ids["bill"],
        ids["version"],
        ask.act,
        RejectReason(code),
        ask.entered(dialogs.REASON),
    )
