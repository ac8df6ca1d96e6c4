"""Customers: the list, and one with all there is to know about it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Response

from handlers.http.csv_files import csv_book
from handlers.http.gate import Asking, HttpContext, PageRoute, open_to
from handlers.http.ids import PathId
from handlers.web.charts import usage_chart
from handlers.web.forms import Form, refused_form
from handlers.web.live import live_customer
from handlers.web.rendering import page
from handlers.wording import customer_text
from handlers.wording.bill_text import awaited, month_of, state_of
from models.customers.terms import terms_in_force
from models.errors import Invalid
from models.exports.formats import Table
from models.people.permissions import Permission
from models.people.users import PersonRef
from models.period import LAST_YEAR, Period
from models.queries.customer_details import CustomerDetails, load_customer
from models.queries.customer_list import (
    LOOKED_THROUGH,
    MOST_COUNTED,
    CustomerFilter,
    csms,
    list_customers,
)
from models.queries.missing_approvals import missing_approvals
from models.queries.scope import Scope

router = APIRouter(route_class=PageRoute)
SPANS = (12, 24)
MOST_MONTHS = 99
CSV_PAGE = 1000


@router.get("/customers")
@open_to(Permission.SEE)
async def customers(
    context: Asking,
    name: Annotated[str, Query(max_length=300)] = "",
    csm: Annotated[str, Query(max_length=50)] = "",
    over: bool = False,
    after: Annotated[str | None, Query(max_length=600)] = None,
) -> Response:
    """All customers by name, with what they used in the last month that is over."""
    everybody = await csms(context.session)
    form = _chosen(csm, everybody)
    wanted = CustomerFilter(name.strip(), int(csm) if csm and not form.is_refused else None, over)
    period = Period.last_closed(context.now, context.settings.zone)
    found = await list_customers(context.session, wanted, period, after)
    if form.is_refused:
        found = replace(found, lines=(), count=0, after=None)
    asked = {"name": wanted.name, "csm": csm, "over": "yes" if over else ""}
    chosen = {key: value for key, value in asked.items() if value}
    return page(
        context.request,
        "customers.html.jinja",
        422 if form.is_refused else 200,
        form=form,
        found=found,
        wanted=wanted,
        csms=[("", "Anybody"), ("0", "Nobody"), *((str(one.id), one.name) for one in everybody)],
        is_filtered=bool(chosen),
        may_edit=context.user.can(Permission.KEEP_BOOKS),
        csv=_address("/customers.csv", chosen),
        first=_address("/customers", chosen) if after else None,
        after=_address("/customers", chosen | {"after": found.after}) if found.after else None,
        price=customer_text.price_text,
        most_counted=MOST_COUNTED,
        looked_through=LOOKED_THROUGH,
    )


def _chosen(csm: str, everybody: Sequence[PersonRef]) -> Form:
    """The choice of a CSM; refused where it is nobody who looks after a customer."""
    known = {"", "0", *(str(one.id) for one in everybody)}
    errors = {} if csm in known else {"csm": "Nobody by that number looks after a customer."}
    return Form({"csm": csm}, errors)


def _address(path: str, asked: dict[str, str]) -> str:
    return f"{path}?{urlencode(asked)}" if asked else path


@router.get("/customers.csv")
@open_to(Permission.SEE)
async def customers_as_csv(
    context: Asking,
    name: Annotated[str, Query(max_length=300)] = "",
    csm: Annotated[str, Query(pattern=r"^\d{0,18}$")] = "",
    over: bool = False,
) -> Response:
    """All of the list as CSV, as it is filtered."""
    wanted = CustomerFilter(name.strip(), int(csm) if csm else None, over)
    ids = await _ids(context, wanted) if wanted != CustomerFilter() else None
    return await csv_book(context, Table.CUSTOMERS, Scope(customer_ids=ids))


async def _ids(context: HttpContext, wanted: CustomerFilter) -> tuple[int, ...]:
    period = Period.last_closed(context.now, context.settings.zone)
    ids: dict[int, None] = {}
    after: str | None = ""
    while after is not None:
        found = await list_customers(context.session, wanted, period, after, CSV_PAGE)
        ids |= dict.fromkeys(line.id for line in found.lines)
        after = found.after
    return tuple(ids)


@router.get("/customers/{customer_id}")
@open_to(Permission.SEE)
async def customer(
    context: Asking,
    customer_id: PathId,
    months: Annotated[int, Query(ge=1, le=max(SPANS))] = SPANS[0],
    year: Annotated[int | None, Query(ge=2000, le=LAST_YEAR)] = None,
    from_: Annotated[str, Query(alias="from", max_length=50)] = "",
    to: Annotated[str, Query(max_length=50)] = "",
) -> Response:
    """One customer: `months` up to this one, those of a `year`, or any `from` one `to` another."""
    running = Period.of(context.today)
    first = Period(year, 1) if year else running.plus(1 - months)
    last = Period(year, 12) if year else running
    span = Form({"from": from_, "to": to} if from_ or to else None)
    if from_ or to:
        try:
            first, last = _range(context, from_, to)
        except Invalid as refused:
            span = refused_form({"from": from_, "to": to}, refused)
    live = await live_customer(context, customer_id)
    facts = await load_customer(context.session, customer_id, first, last, running)
    return page(
        context.request,
        "customer.html.jinja",
        422 if span.is_refused else 200,
        live=None if span.is_refused else live,
        facts=facts,
        customer=facts.customer,
        chart=usage_chart(facts.customer.name, facts.usage, running),
        running=running,
        closed=running.plus(-1),
        year=year,
        months=months,
        spans=SPANS,
        first=first,
        last=last,
        span=span,
        is_span=bool(from_ or to),
        years=range(running.year, facts.first_year - 1, -1),
        terms=_terms(facts, running),
        may_edit=context.user.can(Permission.KEEP_BOOKS) and not facts.merged_into,
        amiss=customer_text.amiss(facts, running, own_template=context.settings.own_template),
        words=customer_text,
        missing=await missing_approvals(context.session, facts.bills),
        awaited=awaited,
        now=context.now,
        month_of=month_of,
        state_of=state_of,
    )


def _range(context: HttpContext, first: str, last: str) -> tuple[Period, Period]:
    """The months named, both included; a missing end is this month, or as much as is shown."""
    running = Period.of(context.today)
    to = _month(last, "to", running) if last else running
    since = _month(first, "from", running) if first else to.plus(1 - SPANS[0])
    count = (to.year - since.year) * 12 + to.month - since.month + 1
    if not 1 <= count <= MOST_MONTHS:
        raise Invalid(f"That is not a span of 1 to {MOST_MONTHS} months.", "to")
    return since, to


def _month(typed: str, field: str, running: Period) -> Period:
    try:
        return Period.parse(typed, running.first_day)
    except Invalid as refused:
        raise Invalid(refused.sentence, field) from refused


def _terms(facts: CustomerDetails, running: Period) -> Sequence[dict[str, object]]:
    """Newest first, each with what it changed and whether it is in force."""
    in_force = terms_in_force(facts.terms, running)
    before = [None, *facts.terms]
    return [
        {
            "terms": terms,
            "change": customer_text.terms_change(earlier, terms),
            "since": Period.of(terms.valid_from),
            "is_first": earlier is None,
            "is_in_force": terms is in_force,
            "is_ahead": terms.valid_from > running.first_day and terms is not in_force,
        }
        for earlier, terms in reversed([*zip(before, facts.terms, strict=False)])
    ]
