"""The month's board: what became of its bills, and generating them."""

import re
from typing import Annotated, Any

from fastapi import APIRouter, Form, Path, Response
from fastapi.responses import RedirectResponse

from handlers.http.gate import Asking, HttpContext, PageRoute, open_to
from handlers.http.ids import read_id
from handlers.web.charts import amounts_chart
from handlers.web.live import Live, still_true
from handlers.web.notices import see
from handlers.web.rendering import page
from handlers.wording import bill_text, month_text, run_text
from handlers.wording.formatting import bill_count
from models.batches.bill_run import start_bill_run
from models.batches.bill_run_preview import (
    BillRunPreview,
    is_quick,
    preview_run,
    preview_unless_agreed,
)
from models.batches.bill_run_report import BillRunReport, run_version, runs_of_month
from models.customers.customers import get_customer
from models.errors import Invalid, NotFound
from models.outbox.notifications import notify_bill_run
from models.people.permissions import Permission
from models.period import FIRST_YEAR, LAST_YEAR, Period
from models.queries.month_board import MonthBoard, load_month
from models.queries.months_billed import months_billed
from models.queries.newest import newest_actions

router = APIRouter(route_class=PageRoute)
Month = Annotated[str, Path(max_length=20)]
PREVIEWED = 20_000
"""A preview looks at so many customers at most while somebody waits for it."""
NO_MONTH = "There is no such month. Write it as 2026-10."


def read_month(month: str) -> Period:
    """As it stands in addresses, which have one form for each month; what is none is not there."""
    if not re.fullmatch(r"\d{4}-\d\d", month, re.ASCII):
        raise NotFound(NO_MONTH)
    try:
        return Period.parse(month)
    except Invalid as refused:
        raise NotFound(refused.sentence) from refused


@router.get("/month")
@open_to(Permission.SEE)
async def last_month(context: Asking) -> RedirectResponse:
    """The last month that is over."""
    closed = Period.last_closed(context.now, context.settings.zone)
    return RedirectResponse(f"/month/{closed}", status_code=303)


@router.get("/month/{month}")
@open_to(Permission.SEE)
async def board(context: Asking, month: Month) -> Response:
    """The month as it stands."""
    period = read_month(month)
    live = Live(f"/month/{period}/live", await _version(context, period))
    stands, runs = await _at_one_moment(context, period)
    run = runs[-1] if runs else None
    return page(
        context.request,
        "month.html.jinja",
        live=live,
        board=stands,
        before=period.plus(-1) if period > Period(FIRST_YEAR, 1) else None,
        following=period.plus(1) if period < Period(LAST_YEAR, 12) else None,
        **await billed_facts(context, period),
        runs=runs,
        is_running=run is not None and not run.has_ended,
        is_open=period >= Period.of(context.today),
        is_ahead=period > Period.of(context.today),
        may_generate=context.user.can(Permission.GENERATE),
        may_send=context.user.can(Permission.SEND),
        words=month_text,
        bill_count=bill_count,
    )


READ_AGAIN = 3


async def _at_one_moment(
    context: HttpContext, period: Period
) -> tuple[MonthBoard, list[BillRunReport]]:
    """The bills and the runs that made them; read again where a run has gone on in between."""
    for _ in range(READ_AGAIN):
        before = await run_version(context.session, period)
        month = await load_month(context.session, period, context.now)
        runs = await runs_of_month(context.session, period)
        if await run_version(context.session, period) == before:
            break
    return month, runs


@router.get("/month/{month}/live")
@open_to(Permission.SEE)
async def board_live(context: Asking, month: Month) -> Response:
    """Whether the month still stands as its open page shows it."""
    return still_true(context, await _version(context, read_month(month)))


CHARTED = 4
"""So many currencies are drawn; the others stand in the table."""


async def billed_facts(context: HttpContext, last: Period) -> dict[str, Any]:
    """What `billed` of `charts.html.jinja` draws: the months up to this one."""
    months = await months_billed(context.session, last)
    billed = [one for one in months.currencies if max(amount or 0 for amount in one.amounts) > 0]
    drawn = billed[:CHARTED]
    return {"months": months, "charts": [amounts_chart(months.periods, one) for one in drawn]}


async def _version(context: HttpContext, period: Period) -> str:
    """Another one once more was done to any bill, or the month's generation has gone on."""
    run = await run_version(context.session, period)
    return f"{await newest_actions(context.session)}-{run}"


@router.get("/month/{month}/generate")
@open_to(Permission.GENERATE)
async def preview_generating(context: Asking, month: Month, customer: str = "") -> Response:
    """What generating would do, for all or one customer, before it is done."""
    period, customer_id = read_month(month), await _one(context, customer)
    period.refuse_if_open(context.now, context.settings.zone)
    is_shown = await is_quick(context.session, customer_id, PREVIEWED)
    factor = context.settings.jump_factor
    facts = await preview_run(context.session, period, customer_id, factor) if is_shown else None
    return _preview_page(context, period, customer_id, facts)


def _preview_page(
    context: HttpContext,
    period: Period,
    customer_id: int | None,
    facts: BillRunPreview | None,
    *,
    has_changed: bool = False,
) -> Response:
    return page(
        context.request,
        "generate.html.jinja",
        period=period,
        facts=facts,
        has_changed=has_changed,
        most=PREVIEWED,
        customer_id=customer_id,
        words=run_text,
        amount=bill_text.amount,
        bill_count=bill_count,
    )


@router.post("/month/{month}/generate")
@open_to(Permission.GENERATE)
async def generate(
    context: Asking,
    month: Month,
    customer: Annotated[str, Form()] = "",
    agreed: Annotated[str, Form()] = "",
) -> Response:
    """Generate the month as it was shown; what would do something else by now is shown anew."""
    period, customer_id = read_month(month), await _one(context, customer)
    zone, factor = context.settings.zone, context.settings.jump_factor
    period.refuse_if_open(context.now, zone)
    if await is_quick(context.session, customer_id, PREVIEWED):
        changed = await preview_unless_agreed(context.session, period, customer_id, factor, agreed)
        if changed:
            shown_before = bool(agreed)
            return _preview_page(context, period, customer_id, changed, has_changed=shown_before)
    run_id = await start_bill_run(context.session, period, context, zone, customer_id)
    await notify_bill_run(context.session, run_id, context.user)
    if customer_id:
        told = f"Generating the bill of {period.in_words}. It is here in a moment."
        return see(context.request, f"/customers/{customer_id}#bills", told)
    return see(context.request, f"/month/{period}")


async def _one(context: HttpContext, customer: str) -> int | None:
    """The one customer that is meant, if it is one."""
    return (await get_customer(context.session, read_id(customer))).id if customer else None
