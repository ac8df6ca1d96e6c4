"""Generating a month: what it would do, and doing it."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field, StrictBool

from handlers.api.fields import Id, Money, OfMonth
from handlers.http.faults import MONTH
from handlers.http.gate import ApiRoute, Caller, Calling, open_to
from handlers.http.once import Key, answered, keep, key_of_request
from handlers.wording.month_text import stopped_text
from models.batches.bill_run import run_step, start_bill_run
from models.batches.bill_run_preview import BillRunPreview, preview_run
from models.batches.bill_run_report import BillRunReport, run_report
from models.bills.states import HoldReason
from models.context import Context
from models.customers.customers import get_customer
from models.db.columns import Session
from models.errors import Invalid, NotFound, Refusal
from models.money import round_amount
from models.outbox.jobs import defer_generate
from models.people.kept_answers import name_of_claim
from models.people.permissions import Permission
from models.period import Period
from models.queries.totals import Total

DIGEST = "^[0-9a-f]{64}$"

router = APIRouter(route_class=ApiRoute)


class GenerateRequest(OfMonth):
    """Which month's bills: of one customer or of all. The month is `year` and `month`, or a `month`
    as in `2026-10` alone. `dry_run` tells what would come of it. `agreed` is the `digest` of such
    an answer: where something else would come of it by now, 409 says so and nothing is done.
    """

    customer_id: Id | None = None
    dry_run: StrictBool = False
    agreed: Annotated[str, Field(pattern=DIGEST)] | None = None


class TotalAnswer(BaseModel):
    currency: str
    bills: int
    amount: Money


class GeneratedAnswer(BaseModel):
    """What generating a month has done, or would do. `bills`: how many were added, of which
    `pending` wait for approval or were approved `by_rule`; `existing` were there already;
    `missing_usage` customers in contract have no usage recorded. `digest` of a dry run: another
    one where anything else would be added.
    """

    period: str = Field(pattern=MONTH, examples=["2026-10"])
    dry_run: bool
    run: int | None = None
    bills: int
    pending: int
    held: dict[HoldReason, int]
    by_rule: int
    totals: list[TotalAnswer]
    existing: int
    missing_usage: int
    digest: Annotated[str, Field(pattern=DIGEST)] | None = None


@router.post(
    "/bills",
    status_code=201,
    response_model=GeneratedAnswer,
    responses={200: {"model": GeneratedAnswer, "description": "Nothing was added."}},
)
@open_to(Permission.GENERATE, own_transactions=True)
async def generate_bills(caller: Calling, asked: GenerateRequest) -> Response:
    """Generate a month's bills; answers once they are there, also where that takes minutes.

    A run goes on when nobody waits for its answer any more, and a month run twice adds nothing:
    asked again by the same `Idempotency-Key` it is the same run, which is waited for. One that was
    given up is refused with 409; what it has made stands, and another may be asked for by its key.
    """
    period = _closed(asked.period, caller)
    if asked.dry_run:
        return await _previewed(caller, asked.customer_id, period)
    async with caller.transaction() as session:
        key = await key_of_request(session, caller.request, caller.user)
        before = await answered(session, caller.request, key) if key else None
        if before is not None:
            return before
        run_id = await _start(session, caller, asked, period, key)
    return await _worked_off(caller, run_id, key)


def _closed(period: Period, caller: Caller) -> Period:
    """Refuse a month that is not over, with the day from which it can be billed."""
    try:
        period.refuse_if_open(caller.services.now(), caller.services.billing.zone)
    except Invalid as refused:
        raise Invalid(refused.sentence, "month") from None
    return period


async def _previewed(caller: Caller, customer_id: int | None, period: Period) -> Response:
    async with caller.services.db.reading() as session:
        await _check_customer(session, customer_id)
        jump_factor = caller.services.billing.jump_factor
        foreseen = await preview_run(session, period, customer_id, jump_factor)
    return _response(_foreseen(foreseen), 200)


async def _start(
    session: Session, caller: Caller, asked: GenerateRequest, period: Period, key: Key | None
) -> int:
    """Record the run, and promise that it is worked off whatever becomes of this request."""
    assert caller.user is not None
    await _check_customer(session, asked.customer_id)
    billing = caller.services.billing
    context = Context(caller.user, caller.services.now(), caller.source, billing)
    named = f"api:{await name_of_claim(session, key.user_id, key.text)}" if key else None
    run_id = await start_bill_run(
        session, period, context, billing.zone, asked.customer_id, named, asked.agreed
    )
    await defer_generate(session, run_id)
    return run_id


async def _check_customer(session: Session, customer_id: int | None) -> None:
    try:
        if customer_id is not None:
            await get_customer(session, customer_id)
    except NotFound as refused:
        raise Invalid("There is no customer under that number.", "customer_id") from refused


async def _worked_off(caller: Caller, run_id: int, key: Key | None) -> Response:
    """Work the run off step by step; where a worker is at it too, each goes on after the other."""
    services, ended = caller.services, False
    while not ended:
        async with services.db.long_transaction() as session:
            step = await run_step(session, run_id, services.billing, services.now())
        ended = step.ended
    async with services.db.long_transaction() as session:
        made = await run_report(session, run_id)
        if made.failure:
            raise Refusal(stopped_text(made.failure))
        response = _response(_done(made), 201 if made.added else 200)
        if key is not None:
            await keep(session, key, response)
    return response


def _response(answer: GeneratedAnswer, status: int) -> Response:
    return JSONResponse(answer.model_dump(mode="json"), status_code=status)


def _foreseen(preview: BillRunPreview) -> GeneratedAnswer:
    return GeneratedAnswer(
        period=str(preview.period),
        dry_run=True,
        bills=preview.to_make,
        pending=preview.bills,
        held=preview.held,
        by_rule=preview.by_rule,
        totals=_totals(preview.totals),
        existing=preview.existing,
        missing_usage=preview.missing_count,
        digest=preview.digest,
    )


def _done(run: BillRunReport) -> GeneratedAnswer:
    return GeneratedAnswer(
        period=str(run.period),
        dry_run=False,
        run=run.id,
        bills=run.added,
        pending=run.added - sum(run.held.values()),
        held=run.held,
        by_rule=run.by_rule,
        totals=_totals(run.totals),
        existing=run.existing,
        missing_usage=run.missing_count,
    )


def _totals(totals: Sequence[Total]) -> list[TotalAnswer]:
    return [
        TotalAnswer(
            currency=one.currency, bills=one.bills, amount=round_amount(one.amount, one.currency)
        )
        for one in totals
    ]
