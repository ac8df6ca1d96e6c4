"""`/bill`, and the buttons and dialogs of a bill."""

from typing import Any

from handlers.ask import Ask
from handlers.requests import Answer, Dialog, Press, Reply, Submission
from handlers.typed import first_word, month_and_rest
from handlers.views import card, dialogs, replies
from handlers.views.clicks import OUT_OF_DATE
from handlers.views.words import STATE_WORDS, name, period_name
from models import customers, inbox, month_end, undoing, workflow
from models.announce import run_started
from models.bills import RejectReason, State, Verb
from models.dossier import BillFacts
from models.foresight import foresee
from models.gather import bill_facts, story
from models.people import Deed, Role
from models.period import Period
from models.refusals import Invalid, NotFound

STATES = {**{state.value: state for state in State}, "waiting": State.PENDING}


async def generate(ask: Ask, typed: str) -> Answer:
    """Show what generating a month would do; the buttons under it do it or let it be."""
    ask.user.must(Deed.GENERATE)
    month, called = month_and_rest(typed)
    now, zone = ask.now, ask.house.zone
    period = Period.parse(month) if month else Period.last_closed(now, zone)
    period.refuse_if_open(now, zone)
    customer_id = await _customer_id(ask, called)
    jump = ask.house.rules.jump_factor
    facts = await month_end.preview(ask.session, period, customer_id, jump)
    return Reply(replies.preview(facts, customer_id))


async def start_run(ask: Ask) -> Answer:
    """Generate what was previewed: once, however often the click arrives."""
    ids = ask.ids("period")
    period = Period.parse(ids["period"])
    ask.user.must(Deed.GENERATE)
    asked_as = ask.request.once if isinstance(ask.request, Press) else None
    known = await month_end.run_asked_as(ask.session, asked_as) if asked_as else None
    if known is None:
        customer = await customers.get(ask.session, ids["customer"]) if "customer" in ids else None
        whose = customer.id if customer else None
        zone = ask.house.zone
        run_id = await month_end.start_run(ask.session, period, ask.act, zone, whose, asked_as)
        await run_started(ask.session, run_id, ask.user)
    return Reply(replies.generating(period), replace=True)


async def cancel_run(ask: Ask) -> Answer:
    return Reply(replies.cancelled(Period.parse(ask.ids("period")["period"])), replace=True)


async def _customer_id(ask: Ask, called: str) -> int | None:
    if not called:
        return None
    with ask.naming(called):
        return (await customers.find(ask.session, called)).id


async def show(ask: Ask, typed: str) -> Answer:
    facts = await _facts(ask, await _meant(ask, typed))
    return Reply(card.bill_card(facts, has_thread=False))


async def history(ask: Ask, typed: str) -> Answer:
    return await _history(ask, await _meant(ask, typed))


async def history_clicked(ask: Ask) -> Answer:
    """The story of a bill; a further page takes the place of the one before."""
    ids = ask.ids("bill")
    page = ids.get("page", 0)
    return await _history(ask, ids["bill"], page, replace=page > 0 and _is_private(ask))


async def _history(ask: Ask, bill_id: int, page: int = 0, *, replace: bool = False) -> Answer:
    facts = await _facts(ask, bill_id)
    return Reply(card.history(facts, await story(ask.session, bill_id), page), replace)


async def list_bills(ask: Ask, typed: str) -> Answer:
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
    customer_id = await _customer_id(ask, called)
    if customer_id is not None:
        filters["customer"] = customer_id
    return await _list(ask, filters, await _title(ask, filters))


async def next_page(ask: Ask) -> Answer:
    ids = ask.ids("title", "filters", "after")
    return await _list(ask, ids["filters"], ids["title"], ids["after"], replace=_is_private(ask))


async def _list(
    ask: Ask, filters: dict[str, Any], title: str, after: str | None = None, replace: bool = False
) -> Answer:
    status, customer_id, month = (filters.get(key) for key in ("status", "customer", "period"))
    if status not in (None, *State) or type(customer_id) not in (type(None), int):
        raise Invalid(OUT_OF_DATE)
    page = await inbox.list_bills(
        ask.session,
        status=State(status) if status else None,
        mine_of=ask.user if filters.get("mine") else None,
        customer_id=customer_id,
        period=Period.parse(str(month)) if month else None,
        after=after,
    )
    return Reply(replies.bill_list(page, title, filters), replace)


async def _title(ask: Ask, filters: dict[str, Any]) -> str:
    """ "Bills waiting for approval that wait for you, of Acme Corp, October 2026"."""
    told = "Bills"
    if "status" in filters:
        told += f" {STATE_WORDS[State(filters['status'])]}"
    if "mine" in filters:
        told += f" that wait for {'somebody' if ask.user.role == Role.MANAGER else 'you'}"
    if "customer" in filters:
        customer = await customers.get(ask.session, filters["customer"])
        told += f" of {name(customer.name, 80)}"
    if "period" in filters:
        told += f", {period_name(Period.parse(filters['period']))}"
    return told


async def approve(ask: Ask) -> Answer | None:
    """Approve what was on the card; a card that only the clicker sees is drawn anew at once."""
    ids = ask.ids("bill", "version")
    await workflow.approve(ask.session, ids["bill"], ids["version"], ask.act)
    if not _is_private(ask):
        return None
    return Reply(card.bill_card(await _facts(ask, ids["bill"]), has_thread=False), replace=True)


async def ask_why_rejected(ask: Ask) -> Answer:
    ids = ask.ids("bill", "version")
    await foresee(ask.session, ids["bill"], Verb.REJECT, ids["version"], ask.act)
    return Dialog(dialogs.reject(await _facts(ask, ids["bill"])))


async def reject(ask: Ask) -> None:
    ids = ask.ids("bill", "version")
    code = _entered(ask, dialogs.REASON_CODE)
    if code not in set(RejectReason):
        raise Invalid("Choose what is wrong.", dialogs.REASON_CODE)
    await workflow.reject(
        ask.session,
        ids["bill"],
        ids["version"],
        ask.act,
        RejectReason(code),
        _entered(ask, dialogs.REASON),
    )


async def undo(ask: Ask, typed: str) -> Answer:
    return await _ask_why_undone(ask, await _meant(ask, typed), None)


async def ask_why_undone(ask: Ask) -> Answer:
    ids = ask.ids("bill", "version")
    return await _ask_why_undone(ask, ids["bill"], ids["version"])


async def _ask_why_undone(ask: Ask, bill_id: int, version: int | None) -> Answer:
    case = await foresee(ask.session, bill_id, Verb.UNDO, version, ask.act)
    decision = undoing.undoable(case.standing, ask.user)
    facts = await _facts(ask, bill_id)
    deed = next((one for one in facts.standing if decision and one.id == decision.action_id), None)
    if deed is None:
        raise NotFound("That decision does not stand any more. Nothing was undone.")
    return Dialog(dialogs.undo(facts, deed))


async def take_back(ask: Ask) -> None:
    ids = ask.ids("bill", "version", "action")
    reason = _entered(ask, dialogs.REASON)
    await undoing.undo(ask.session, ids["bill"], ids["version"], ask.act, reason, ids["action"])


async def release(ask: Ask, typed: str) -> Answer:
    return await _ask_why_released(ask, await _meant(ask, typed), None)


async def ask_why_released(ask: Ask) -> Answer:
    ids = ask.ids("bill", "version")
    return await _ask_why_released(ask, ids["bill"], ids["version"])


async def _ask_why_released(ask: Ask, bill_id: int, version: int | None) -> Answer:
    case = await foresee(ask.session, bill_id, Verb.RELEASE, version, ask.act)
    facts = await _facts(ask, bill_id)
    cause = await workflow.cause_now(case, ask.act)
    return Dialog(dialogs.release(facts, still_stands=cause is not None))


async def let_go(ask: Ask) -> None:
    ids = ask.ids("bill", "version")
    reason = _entered(ask, dialogs.REASON)
    await workflow.release(ask.session, ids["bill"], ids["version"], ask.act, reason)


async def _meant(ask: Ask, typed: str) -> int:
    """The bill that was named; a name that fits several customers is asked back."""
    if not typed:
        raise Invalid("Which bill? Write its number, such as `#42`, or a customer and a month.")
    with ask.naming(month_and_rest(typed)[1]):
        return await inbox.find_ref(ask.session, typed)


async def _facts(ask: Ask, bill_id: int) -> BillFacts:
    facts = await bill_facts(ask.session, [bill_id])
    if not facts:
        raise NotFound(f"There is no bill #{bill_id}.")
    return facts[0]


def _entered(ask: Ask, block_id: str) -> str:
    return ask.request.entered(block_id) if isinstance(ask.request, Submission) else ""


def _is_private(ask: Ask) -> bool:
    return isinstance(ask.request, Press) and ask.request.is_private
