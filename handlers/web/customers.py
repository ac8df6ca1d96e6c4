"""Customers: the list, and one with all there is to know about it."""

from collections.abc import Sequence
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Response

from handlers.http.gate import Asking, PageRoute, open_to
from handlers.http.ids import PathId
from handlers.web.charts import usage_chart
from handlers.web.rendering import page
from handlers.wording import customer_text
from handlers.wording.bill_text import month_of, state_of
from models.customers.terms import terms_in_force
from models.people.permissions import Permission
from models.period import LAST_YEAR, Period
from models.queries.customer_details import CustomerDetails, load_customer
from models.queries.customer_list import (
    LOOKED_THROUGH,
    MOST_COUNTED,
    CustomerFilter,
    csms,
    list_customers,
)

router = APIRouter(route_class=PageRoute)
NO_NUL = r"^[^\x00]*$"
SPANS = (12, 24)


@router.get("/customers")
@open_to(Permission.SEE)
async def customers(
    context: Asking,
    name: Annotated[str, Query(max_length=300, pattern=NO_NUL)] = "",
    csm: Annotated[str, Query(pattern=r"^\d{0,18}$")] = "",
    over: bool = False,
    after: Annotated[str | None, Query(max_length=600, pattern=NO_NUL)] = None,
) -> Response:
    """All customers by name, with what they used in the last month that is over."""
    wanted = CustomerFilter(name.strip(), int(csm) if csm else None, over)
    period = Period.last_closed(context.now, context.settings.zone)
    found = await list_customers(context.session, wanted, period, after)
    asked = {"name": wanted.name, "csm": csm, "over": "yes" if over else ""}
    chosen = {key: value for key, value in asked.items() if value}
    return page(
        context.request,
        "customers.html.jinja",
        found=found,
        wanted=wanted,
        csm=csm,
        csms=await csms(context.session),
        is_filtered=bool(chosen),
        may_edit=context.user.can(Permission.KEEP_BOOKS),
        first=_address("/customers", chosen) if after else None,
        after=_address("/customers", chosen | {"after": found.after}) if found.after else None,
        price=customer_text.price_text,
        most_counted=MOST_COUNTED,
        looked_through=LOOKED_THROUGH,
    )


def _address(path: str, asked: dict[str, str]) -> str:
    return f"{path}?{urlencode(asked)}" if asked else path


@router.get("/customers/{customer_id}")
@open_to(Permission.SEE)
async def customer(
    context: Asking,
    customer_id: PathId,
    months: Annotated[int, Query(ge=1, le=max(SPANS))] = SPANS[0],
    year: Annotated[int | None, Query(ge=2000, le=LAST_YEAR)] = None,
) -> Response:
    """One customer: `months` up to this one, or those of a `year`."""
    running = Period.of(context.today)
    first = Period(year, 1) if year else running.plus(1 - months)
    last = Period(year, 12) if year else running
    facts = await load_customer(context.session, customer_id, first, last, running)
    return page(
        context.request,
        "customer.html.jinja",
        facts=facts,
        customer=facts.customer,
        chart=usage_chart(facts.customer.name, facts.usage, running),
        running=running,
        year=year,
        months=months,
        spans=SPANS,
        years=range(running.year, facts.first_year - 1, -1),
        terms=_terms(facts, running),
        may_edit=context.user.can(Permission.KEEP_BOOKS) and not facts.merged_into,
        amiss=customer_text.amiss(facts, running),
        words=customer_text,
        month_of=month_of,
        state_of=state_of,
    )


def _terms(facts: CustomerDetails, running: Period) -> Sequence[dict[str, object]]:
    """Newest first, each with what it changed and whether it is in force."""
    in_force = terms_in_force(facts.terms, running)
    before = [None, *facts.terms]
    return [
        {
            "terms": terms,
            "change": customer_text.terms_change(earlier, terms),
            "since": Period.of(terms.valid_from),
            "is_in_force": terms is in_force,
            "is_ahead": terms.valid_from > running.first_day and terms is not in_force,
        }
        for earlier, terms in reversed([*zip(before, facts.terms, strict=False)])
    ]
