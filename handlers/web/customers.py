"""Customers: the list, and one with all there is to know about it."""

import re
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
from handlers.wording.outlook_text import forecast_text
from handlers.wording.usage_text import unrecorded
from models.customers.terms import terms_in_force
from models.errors import Invalid
from models.exports.formats import Table
from models.named_people import PersonRef
from models.people.permissions import Permission
from models.period import FIRST_YEAR, LAST_YEAR, Period
from models.queries.customer_details import CustomerDetails, load_customer
from models.queries.customer_list import (
    LOOKED_THROUGH,
    MOST_COUNTED,
    CustomerFilter,
    csms,
    list_customers,
)
from models.queries.missing_approvals import missing_approvals
from models.queries.month_outlook import outlook_of
from models.queries.scope import Scope

router = APIRouter(route_class=PageRoute)
SPANS = (12, 24)
MOST_MONTHS = 99
CSV_PAGE = 1000
OVER = "yes"
USAGES = (("", "All"), (OVER, "Over the limit"))


@router.get("/customers")
@open_to(Permission.SEE)
async def customers(
    context: Asking,
    name: Annotated[str, Query(max_length=300)] = "",
    csm: Annotated[str, Query(max_length=50)] = "",
    over: Annotated[str, Query(max_length=50)] = "",
    after: Annotated[str | None, Query(max_length=600)] = None,
) -> Response:
    """All customers by name, with what they used in the last month that is over."""
    everybody = await csms(context.session)
    form = _chosen({"csm": csm, "over": over}, everybody)
    wanted = CustomerFilter() if form.is_refused else _wanted(name, csm, over)
    period = Period.last_closed(context.now, context.settings.zone)
    found = await list_customers(context.session, wanted, period, after)
    if form.is_refused:
        found = replace(found, lines=(), count=0, after=None)
    asked = {"name": name.strip(), "csm": csm, "over": over}
    chosen = {key: value for key, value in asked.items() if value}
    return page(
        context.request,
        "customers.html.jinja",
        422 if form.is_refused else 200,
        form=form,
        found=found,
        looked_for=name.strip(),
        csms=[("", "Anybody"), ("0", "Nobody"), *((str(one.id), one.name) for one in everybody)],
        usages=USAGES,
        is_filtered=bool(chosen),
        may_edit=context.user.can(Permission.KEEP_BOOKS),
        csv=_address("/customers.csv", chosen),
        first=_address("/customers", chosen) if after else None,
        after=_address("/customers", chosen | {"after": found.after}) if found.after else None,
        price=customer_text.price_text,
        unrecorded=unrecorded,
        most_counted=MOST_COUNTED,
        looked_through=LOOKED_THROUGH,
    )


def _chosen(typed: dict[str, str], everybody: Sequence[PersonRef]) -> Form:
    """What is chosen; refused where it is nobody who looks after a customer, or no choice."""
    errors = {}
    if typed["csm"] not in {"", "0", *(str(one.id) for one in everybody)}:
        errors["csm"] = "Nobody by that number looks after a customer."
    if typed["over"] not in dict(USAGES):
        errors["over"] = "There is no such choice."
    return Form(typed, errors)


def _wanted(name: str, csm: str, over: str) -> CustomerFilter:
    return CustomerFilter(name.strip(), int(csm) if csm else None, over == OVER)


def _address(path: str, asked: dict[str, str]) -> str:
    return f"{path}?{urlencode(asked)}" if asked else path


@router.get("/customers.csv")
@open_to(Permission.SEE)
async def customers_as_csv(
    context: Asking,
    name: Annotated[str, Query(max_length=300)] = "",
    csm: Annotated[str, Query(pattern=r"^\d{0,18}$")] = "",
    over: Annotated[str, Query(pattern=rf"^({OVER})?$")] = "",
) -> Response:
    """All of the list as CSV, as it is filtered."""
    wanted = _wanted(name, csm, over)
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
    months: Annotated[str, Query(max_length=50)] = "",
    year: Annotated[str, Query(max_length=50)] = "",
    from_: Annotated[str, Query(alias="from", max_length=50)] = "",
    to: Annotated[str, Query(max_length=50)] = "",
) -> Response:
    """One customer: `months` up to this one, those of a `year`, or any `from` one `to` another."""
    running = Period.of(context.today)
    span, first, last = _asked_span(running, months, year, from_, to)
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
        ahead=await _ahead(context, customer_id, running),
        running=running,
        chosen=None if from_ or to or span.is_refused else _choice(months, year),
        spans=SPANS,
        first=first,
        last=last,
        span=span,
        years=range(running.year, facts.first_year - 1, -1),
        terms=_terms(facts, running),
        may_edit=context.user.can(Permission.KEEP_BOOKS) and not facts.merged_into,
        amiss=customer_text.amiss(facts, running, own_template=context.settings.own_template),
        words=customer_text,
        unrecorded=unrecorded,
        missing=await missing_approvals(context.session, facts.bills),
        awaited=awaited,
        now=context.now,
        month_of=month_of,
        state_of=state_of,
    )


async def _ahead(context: HttpContext, customer_id: int, running: Period) -> str | None:
    """Where the running month is heading, where that can be said."""
    zone = context.settings.zone
    outlook = await outlook_of(context.session, customer_id, running, zone)
    return forecast_text(outlook, zone) if outlook else None


def _asked_span(
    running: Period, months: str, year: str, from_: str, to: str
) -> tuple[Form, Period, Period]:
    """What was typed, and the months that are shown: where it is refused, the usual ones."""
    typed = {"from": from_, "to": to} if from_ or to else None
    try:
        return Form(typed), *_shown_months(running, months, year, from_, to)
    except Invalid as refused:
        return refused_form(typed or {}, refused), running.plus(1 - SPANS[0]), running


def _choice(months: str, year: str) -> str:
    return f"year={year}" if year else f"months={months or SPANS[0]}"


def _shown_months(
    running: Period, months: str, year: str, first: str, last: str
) -> tuple[Period, Period]:
    """The first and the last month that are asked for; refuses what names none."""
    if first or last:
        return _range(running, first, last)
    if year:
        of_year = _whole(year, "year", FIRST_YEAR, LAST_YEAR)
        return Period(of_year, 1), Period(of_year, 12)
    count = _whole(months, "months", 1, max(SPANS)) if months else SPANS[0]
    return running.plus(1 - count), running


_CALLED = {"months": "The number of months", "year": "A year"}


def _whole(typed: str, field: str, least: int, most: int) -> int:
    if not re.fullmatch(r"\d{1,4}", typed, re.ASCII) or not least <= int(typed) <= most:
        raise Invalid(f"{_CALLED[field]} is a whole number from {least} to {most}.", field)
    return int(typed)


def _range(running: Period, first: str, last: str) -> tuple[Period, Period]:
    """The months named, both included; a missing end is this month, or as much as is shown."""
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
