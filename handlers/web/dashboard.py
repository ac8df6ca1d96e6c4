"""The index of bills: what waits for whoever looks, first, then all there are, filtered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Response

from handlers.http.faults import SAY_ONE
from handlers.http.gate import Asking, HttpContext, PageRoute, open_to
from handlers.http.ids import read_id
from handlers.web.forms import Form
from handlers.web.live import live_since
from handlers.web.month import billed_facts
from handlers.web.rendering import page
from handlers.wording.bill_text import (
    NOT_STANDING,
    awaited,
    listed,
    month_of,
    short_title,
    state_of,
)
from handlers.wording.formatting import clean, name
from handlers.wording.history_text import history_sentence
from models.bills.states import State
from models.customers.search import find_named
from models.errors import Ambiguous, Invalid, NotFound
from models.people.permissions import Permission, Role
from models.people.users import User, users_with_role
from models.period import Period
from models.queries.ageing import ages_of_waiting
from models.queries.bill_list import BillFilter, Page, find_bills
from models.queries.missing_approvals import missing_approvals
from models.queries.people import get_person
from models.queries.recent_decisions import RecentDecision, recent_decisions

router = APIRouter(route_class=PageRoute)
PAGE_BILLS = 25
MINE, ALL = "mine", "all"
FILTERS = ("month", "customer", "csm")
LISTS = ("view", "status")
"""Either names the list; `status` as the JSON API has it."""
KNOWN = (*LISTS, *FILTERS, "after")

VIEWS: dict[str, str] = {
    MINE: "For you",
    ALL: "All",
    State.PENDING: "Waiting",
    State.HELD: "Held",
    State.APPROVED: "Approved",
    State.SENDING: "On the way",
    State.SENT: "Sent",
    State.REJECTED: "Rejected",
    State.VOID: "Void",
}
"""The lists of bills, by what stands for them in an address."""


@dataclass(frozen=True)
class AskedBills:
    """What is asked for: `view` None where whoever asks has not chosen one."""

    view: str | None
    typed: Mapping[str, str]
    wanted: BillFilter
    errors: Mapping[str, str] = field(default_factory=dict)

    @property
    def form(self) -> Form:
        """What was typed, with each error beside its field; of what has none, above them."""
        beside = {key: told for key, told in self.errors.items() if key in self.typed}
        above = [told for key, told in self.errors.items() if key not in self.typed]
        return Form(self.typed, beside, " ".join(above))

    @property
    def csv(self) -> str | None:
        """All of this list as CSV; none of what waits for oneself."""
        wanted = self.wanted
        if wanted.mine_of is not None or self.errors:
            return None
        period = wanted.period
        asked = {
            "status": wanted.status,
            "customer_id": wanted.customer_id,
            "csm_id": wanted.csm_id,
            "year": period.year if period else None,
            "month": period.month if period else None,
        }
        query = urlencode({name: value for name, value in asked.items() if value is not None})
        return f"/api/bills.csv?{query}" if query else "/api/bills.csv"

    def address(self, **changed: str | None) -> str:
        """This list with something changed, always from its first page."""
        asked = {"view": self.view, **self.typed, **changed}
        query = urlencode({key: value for key, value in asked.items() if value})
        return f"/dashboard?{query}" if query else "/dashboard"


@router.get("/dashboard")
@open_to(Permission.SEE)
async def dashboard(context: Asking) -> Response:
    live = await live_since(context)
    choice = await _choice(context)
    after = context.request.query_params.get("after")
    choice, found = await _found(context, choice, after)
    ages = await ages_of_waiting(context.session, choice.wanted, context.now)
    csms = await _csms(context, choice)
    return page(
        context.request,
        "dashboard.html.jinja",
        422 if choice.errors else 200,
        views=_views(context.user),
        choice=choice,
        form=choice.form,
        csms=csms,
        found=found,
        is_first=after is None,
        next_page=choice.address(after=found.after) if found.after else None,
        missing=await missing_approvals(context.session, found.lines),
        awaited=awaited,
        told=listed(found),
        not_standing=NOT_STANDING,
        ages=ages,
        now=context.now,
        recent=await _recent(context, choice, after),
        billed=await _billed(context, choice, after),
        bulk=_bulk(context.user, found),
        may_import=context.user.can(Permission.KEEP_BOOKS),
        month_of=month_of,
        state_of=state_of,
        short_title=short_title,
        history_sentence=history_sentence,
        live=live if after is None else None,
    )


async def _csms(context: HttpContext, choice: AskedBills) -> list[tuple[str, str]]:
    """Whoever has the role, and whoever is chosen and has it no longer."""
    found = list(await users_with_role(context.session, Role.CSM))
    chosen = choice.wanted.csm_id
    if chosen and chosen not in {one.id for one in found}:
        found.append(await get_person(context.session, chosen))
    return [("", "Anybody"), *((str(one.id), one.name) for one in found)]


@dataclass(frozen=True)
class Bulk:
    """What can be done with the bills of one `state` that are ticked."""

    permission: Permission
    state: State
    words: str
    action: str
    method: str


_BULK = (
    Bulk(Permission.APPROVE, State.PENDING, "Approve", "/dashboard/approve", "get"),
    Bulk(Permission.SEND, State.APPROVED, "Send", "/dashboard/send", "post"),
)


def _bulk(user: User, found: Page) -> Bulk | None:
    """Nothing where none of these bills is in a state for it."""
    states = {line.status for line in found.lines}
    return next((one for one in _BULK if one.state in states and user.can(one.permission)), None)


async def _recent(
    context: HttpContext, choice: AskedBills, after: str | None
) -> Sequence[RecentDecision]:
    """Beneath what waits for oneself, and where the page opens since nothing does."""
    is_own = choice.view == MINE or not {*LISTS} & context.request.query_params.keys()
    if not is_own or after is not None:
        return ()
    return await recent_decisions(context.session, context.user)


async def _billed(
    context: HttpContext, choice: AskedBills, after: str | None
) -> dict[str, Any] | None:
    """For managers, whose page opens with all bills: what the months came to."""
    opens = context.user.role == Role.MANAGER and choice == AskedBills(
        ALL, choice.typed, BillFilter()
    )
    if not opens or after is not None:
        return None
    return await billed_facts(context, Period.last_closed(context.now, context.settings.zone))


def _views(user: User) -> Mapping[str, str]:
    """Nothing waits for a manager's word."""
    is_manager = user.role == Role.MANAGER
    return {view: words for view, words in VIEWS.items() if view != MINE or not is_manager}


async def _choice(context: HttpContext) -> AskedBills:
    asked = context.request.query_params
    view = next((asked[key] for key in LISTS if asked.get(key)), None)
    typed = {key: asked.get(key, "").strip() for key in FILTERS}
    read: dict[str, Any] = {}
    errors = {
        key: f"There is no filter {name(key)}. There are: {', '.join(KNOWN)}."
        for key in asked
        if key not in KNOWN
    }
    errors |= {key: SAY_ONE for key in KNOWN if len(asked.getlist(key)) > 1}
    errors |= {
        key: f"There is no list {name(asked[key])}. There are: {', '.join(VIEWS)}."
        for key in LISTS
        if asked.get(key) and asked[key] not in VIEWS
    }
    for key, reading in _READINGS.items():
        if typed[key]:
            try:
                read |= await reading(context, typed[key])
            except (Invalid, NotFound) as refused:
                errors[key] = _told(refused)
    if "period" in read:
        typed["month"] = str(read["period"])
    wanted = BillFilter(**read, status=State(view) if view in set(State) else None)
    return AskedBills(view if view in VIEWS else None, typed, wanted, errors)


def _told(refused: Invalid | NotFound) -> str:
    """Of a name that several have, which they are."""
    choices = refused.choices if isinstance(refused, Ambiguous) else []
    told = clean(refused.sentence)
    return f"{told} {', '.join(map(name, choices))}." if choices else told


async def _customer(context: HttpContext, typed: str) -> dict[str, Any]:
    found = await find_named(context.session, typed)
    return {"customer_id": found.merged_into_id or found.id}


async def _month(context: HttpContext, typed: str) -> dict[str, Any]:
    return {"period": Period.parse(typed, context.today)}


async def _csm(context: HttpContext, typed: str) -> dict[str, Any]:
    return {"csm_id": (await get_person(context.session, read_id(typed))).id}


_READINGS = {"customer": _customer, "month": _month, "csm": _csm}


async def _found(
    context: HttpContext, choice: AskedBills, after: str | None
) -> tuple[AskedBills, Page]:
    """What is asked for; where no list is chosen, what waits for whoever asks, if anything does."""
    if choice.errors:
        return choice, Page((), 0, ())
    is_open = choice.view is None and context.user.role != Role.MANAGER
    if choice.view == MINE or is_open:
        mine = replace(choice, view=MINE, wanted=replace(choice.wanted, mine_of=context.user))
        found = await find_bills(context.session, mine.wanted, after=after, limit=PAGE_BILLS)
        if found.lines or not is_open:
            return mine, found
    choice = replace(choice, view=choice.view or ALL)
    return choice, await find_bills(context.session, choice.wanted, after=after, limit=PAGE_BILLS)
