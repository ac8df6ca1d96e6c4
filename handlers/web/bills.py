"""A bill: where it stands, how its amount came about, what was said and done, what one can do."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Response

from handlers.http.decisions import comment
from handlers.http.gate import Asking, HttpContext, PageRoute, open_to
from handlers.http.ids import PathId
from handlers.web.charts import MonthsChart, days_chart, usage_chart
from handlers.web.forms import Form, Typed, shown_again
from handlers.web.live import live_since
from handlers.web.notices import see
from handlers.web.rendering import page
from handlers.wording.bill_text import month_of, multiplication, relatives, usage_text
from handlers.wording.bill_trend import trend_text
from handlers.wording.history_text import history_text
from handlers.wording.labels import BUTTONS
from handlers.wording.link_text import link_standing
from handlers.wording.origin_text import origin_text
from handlers.wording.questions import words_of
from handlers.wording.refusals import Medium
from handlers.wording.rich_text import Statement
from handlers.wording.standing_text import standing_text
from models.bills.documents import issued_document
from models.bills.states import HoldReason, State, Verb
from models.bills.usage_links import NO_ADDRESS, are_links_wanted, open_until
from models.errors import NotFound
from models.outbox.threads import thread_of_bill
from models.people.permissions import Permission
from models.queries.allowed_verbs import allowed_verbs
from models.queries.bill_details import BillDetails
from models.queries.bill_loader import load_bill_details
from models.queries.history import HistoryEntry, load_history
from models.usage.days import counted_days, days_of
from models.usage.origins import origin_of
from models.usage.usage import usage_months

router = APIRouter(route_class=PageRoute)
CHART_MONTHS = 12


@dataclass(frozen=True)
class Act:
    """A link to what can be done; `kind` is how its button looks."""

    verb: Verb
    words: str
    kind: str = ""


_KINDS = {
    Verb.APPROVE: "primary",
    Verb.REJECT: "danger",
    Verb.RELEASE: "primary",
    Verb.SEND: "primary",
}


async def details_of(context: HttpContext, bill_id: int) -> BillDetails:
    """The bill as it is now; refuses one that is not there."""
    found = await load_bill_details(context.session, [bill_id])
    if not found:
        raise NotFound(f"There is no bill #{bill_id}.")
    return found[0]


@router.get("/bills/{bill_id}")
@open_to(Permission.SEE)
async def show_bill(context: Asking, bill_id: PathId) -> Response:
    return await bill_page(context, bill_id, Form())


@router.post("/bills/{bill_id}/comments")
@open_to(Permission.COMMENT)
async def add_comment(context: Asking, bill_id: PathId, typed: Typed) -> Response:
    async def again(context: HttpContext, form: Form) -> Response:
        return await bill_page(context, bill_id, form)

    async with shown_again(context, {"comment": "", **typed}, again):
        await comment(context, bill_id, typed.get("comment", ""))
    return see(context.request, f"/bills/{bill_id}#comments", "Your comment is on the bill.")


async def bill_page(context: HttpContext, bill_id: int, form: Form) -> Response:
    """The page of a bill, with a comment in its `form`."""
    session = context.session
    live = await live_since(context, bill_id)
    facts = await details_of(context, bill_id)
    history = await load_history(session, bill_id)
    origin = await origin_of(session, facts.customer_id, facts.period)
    used = await days_of(session, facts.customer_id, facts.period)
    days = counted_days(facts.period, used, facts.limit_calls)
    return page(
        context.request,
        "bill.html.jinja",
        form=form,
        bill=facts,
        month=month_of(facts),
        usage=usage_text(facts),
        product=multiplication(facts),
        trend=trend_text(facts, drawn=False),
        standing=standing_text(facts, Medium.WEB),
        acts=_acts(facts, context),
        lacks_price=facts.hold_reason is HoldReason.NO_PRICE,
        mends_customer=(
            facts.hold_reason in _MENDED_THERE or bool(facts.bounces or facts.lost_copies)
        )
        and context.user.can(Permission.KEEP_BOOKS),
        chart=await _chart(context, facts),
        origin=origin_text(origin) if origin else None,
        days=days,
        days_chart=days_chart(facts.customer, facts.period, days) if days else None,
        past=_past(history, facts),
        related=relatives(facts),
        document=await issued_document(session, bill_id),
        link=await _link(context, bill_id),
        thread=await _thread(context, bill_id),
        can_comment=context.user.can(Permission.COMMENT),
        live=live,
    )


async def _link(context: HttpContext, bill_id: int) -> dict[str, Any]:
    """What is told of the customer's link, and what can be done about it."""
    until = await open_until(context.session, bill_id, context.now)
    return {
        "standing": link_standing(until),
        "leads": until is not None,
        "is_kept": context.user.can(Permission.SEND),
        "lacks": None if are_links_wanted(context.settings) else NO_ADDRESS,
    }


_MENDED_THERE = frozenset(
    {HoldReason.NO_PRICE, HoldReason.OUTSIDE_CONTRACT, HoldReason.NO_APPROVER}
)
"""What holds a bill and is mended at its customer."""


def _acts(facts: BillDetails, context: HttpContext) -> Sequence[Act]:
    """As under a card. The first that is offered stands out."""
    allowed = allowed_verbs(facts, context.user)
    kinds = _KINDS | ({Verb.REVISE: "primary"} if facts.status is State.REJECTED else {})
    return [
        Act(verb, words_of(facts, verb), kinds.get(verb, "")) for verb in BUTTONS if verb in allowed
    ]


async def _chart(context: HttpContext, facts: BillDetails) -> MonthsChart:
    first = facts.period.plus(1 - CHART_MONTHS)
    months = await usage_months(context.session, facts.customer_id, first, facts.period)
    return usage_chart(facts.customer, months)


def _past(history: Sequence[HistoryEntry], facts: BillDetails) -> list[list[Statement]]:
    """What was done, newest first."""
    written = {entry.id: entry.at for entry in history}
    return [history_text(entry, written, facts.currency) for entry in reversed(history)]


async def _thread(context: HttpContext, bill_id: int) -> str | None:
    """Where in Slack the bill is talked about, for whoever asks."""
    place = await thread_of_bill(context.session, bill_id, context.user.id)
    if place is None or not context.services.slack_url:
        return None
    channel, ts = place
    return f"{context.services.slack_url}archives/{channel}/p{ts.replace('.', '')}"
