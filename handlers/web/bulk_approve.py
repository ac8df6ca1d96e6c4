"""Many bills approved at once: first what that would be, then each by itself, with its outcome."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from fastapi import APIRouter, Response

from handlers.http.gate import AnsweredLater, Asking, HttpContext, PageRoute, open_to
from handlers.http.services import HttpServices
from handlers.web.rendering import page
from handlers.wording.approving_text import approved_heading
from handlers.wording.bill_text import short_title, waits_for
from handlers.wording.refusals import Medium, refusal_text
from models.actions.approve import approve_bill
from models.actions.refused import put_right
from models.bills.states import State, Verb
from models.context import Context, Source, system_context
from models.errors import Invalid, Refusal, WrongState
from models.people.permissions import Permission
from models.people.users import User
from models.queries.bill_details import BillDetails
from models.queries.bill_loader import load_bill_details
from models.queries.totals import Total, add_totals

router = APIRouter(route_class=PageRoute)
MOST_BILLS = 100
REPEATED_WITHIN = timedelta(seconds=10)
_SEEN = re.compile(r"(\d{1,18})-(\d{1,9})", re.ASCII)


@dataclass(frozen=True)
class Seen:
    """A bill, and the version of it that was on the page."""

    bill_id: int
    version: int

    def __str__(self) -> str:
        return f"{self.bill_id}-{self.version}"


@dataclass(frozen=True)
class Chosen:
    """A bill to approve; `is_changed` since it was seen, and so left out."""

    seen: Seen
    facts: BillDetails

    @property
    def is_changed(self) -> bool:
        return self.seen.version != self.facts.version


@router.get("/dashboard/approve")
@open_to(Permission.APPROVE)
async def ask(context: Asking) -> Response:
    """What would be approved, and what it comes to: each currency by itself."""
    asked = context.request.query_params
    chosen = await _chosen(context, asked.getlist("shown" if "all" in asked else "bill"))
    fit = [one for one in chosen if not one.is_changed]
    return page(
        context.request,
        "approve_many.html.jinja",
        chosen=chosen,
        fit=fit,
        totals=_totals(fit),
        short_title=short_title,
    )


@router.post("/dashboard/approve")
@open_to(Permission.APPROVE)
async def approve(context: Asking) -> Response:
    """Each in a transaction of its own, under the same guards as one alone."""
    fields = await context.request.form()
    seen = read_seen([text for text in fields.getlist("bill") if isinstance(text, str)])
    outcomes: dict[int, str] = {}
    services, user_id = context.services, context.user.id

    async def meanwhile() -> None:
        for one in seen:
            outcomes[one.bill_id] = await _approve(services, user_id, one)

    async def draw(context: HttpContext) -> Response:
        return await _outcomes(context, seen, outcomes)

    raise AnsweredLater(meanwhile, draw)


async def _chosen(context: HttpContext, texts: Sequence[str]) -> list[Chosen]:
    seen = {one.bill_id: one for one in read_seen(texts)}
    found = await load_bill_details(context.session, list(seen))
    return [Chosen(seen[facts.id], facts) for facts in found]


def read_seen(texts: Sequence[str]) -> list[Seen]:
    """The bills that were ticked, as forms name them."""
    found = [_SEEN.fullmatch(text) for text in dict.fromkeys(texts)]
    if len(found) > MOST_BILLS or not all(found):
        raise Invalid("That is not a list of bills as one of our pages shows it.")
    return [Seen(int(one[1]), int(one[2])) for one in found if one]


def _totals(chosen: Sequence[Chosen]) -> Sequence[Total]:
    return add_totals((one.facts.currency, one.facts.amount) for one in chosen)


async def _approve(services: HttpServices, user_id: int, seen: Seen) -> str:
    """Why it was refused; nothing where it was not."""
    try:
        async with services.db.transaction() as session:
            user = await session.get_one(User, user_id)
            context = Context(user, services.now(), Source.WEB, services.billing)
            await approve_bill(session, seen.bill_id, seen.version, context)
        return ""
    except Refusal as refused:
        if _came_twice(refused):
            return ""
        if isinstance(refused, WrongState):
            async with services.db.transaction() as session:
                act = await system_context(session, services.now(), Source.WEB, services.billing)
                await put_right(session, seen.bill_id, refused, act)
        return refusal_text(refused, Medium.WEB)


def _came_twice(refused: Refusal) -> bool:
    """Whether whoever approves did so a moment ago, as by a double click: these are transactions
    of their own, which the form's key does not hold together.
    """
    earlier = refused.earlier if isinstance(refused, WrongState) else None
    if earlier is None or not earlier.is_own or earlier.verb != Verb.APPROVE:
        return False
    return earlier.now - earlier.at < REPEATED_WITHIN


async def _outcomes(
    context: HttpContext, seen: Sequence[Seen], refused: dict[int, str]
) -> Response:
    found = await load_bill_details(context.session, [one.bill_id for one in seen])
    given = [facts for facts in found if not refused[facts.id]]
    awaited = sum(facts.status is State.PENDING for facts in given)
    return page(
        context.request,
        "approved_many.html.jinja",
        found=sorted(found, key=lambda facts: not refused[facts.id]),
        refused=refused,
        heading=approved_heading(len(given) - awaited, awaited, len(found)),
        waits=lambda facts: waits_for(facts.needed) if facts.status is State.PENDING else "",
        short_title=short_title,
    )
