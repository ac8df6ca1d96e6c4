"""Dialogs that change what stands: undo, release, revise, void, reissue.

Each opens only where the verb would be allowed now, and is judged again when it is sent.
"""

import re
from dataclasses import replace

from handlers.slack.blocks import dialogs
from handlers.slack.blocks.bulk_send import bill_reissued, bill_voided
from handlers.slack.context import RequestContext
from handlers.slack.references import bill_details
from handlers.slack.request import Answer, Dialog, Reply
from models.actions.checks import check
from models.actions.hold import hold_reason_now, release_bill
from models.actions.revise import revise_bill
from models.actions.undo import GONE, undo_decision, undoable
from models.actions.void import reissue_bill, void_bill
from models.bills.figures import figures_now
from models.bills.replay import without
from models.bills.states import State, Verb
from models.errors import Invalid, NotFound
from models.queries.bill_details import BillDetails


async def undo(ask: RequestContext, bill_id: int, version: int | None) -> Answer:
    case = await check(ask.session, bill_id, Verb.UNDO, version, ask.act)
    decision = undoable(case.standing, ask.user)
    facts = await bill_details(ask, bill_id)
    deed = next((one for one in facts.standing if decision and one.id == decision.action_id), None)
    if decision is None or deed is None:
        raise NotFound(GONE)
    back = without(case.standing, decision.action_id)
    wait = ask.act.rules.send_delay_minutes if back.status is State.SENDING else None
    return Dialog(dialogs.undo(facts, deed, wait))


async def submit_undo(ask: RequestContext) -> None:
    ids = ask.ids("bill", "version", "action")
    reason = ask.entered(dialogs.REASON)
    await undo_decision(ask.session, ids["bill"], ids["version"], ask.act, reason, ids["action"])


async def release(ask: RequestContext, bill_id: int, version: int | None) -> Answer:
    case = await check(ask.session, bill_id, Verb.RELEASE, version, ask.act)
    cause = await hold_reason_now(case, ask.act)
    return Dialog(dialogs.release(await bill_details(ask, bill_id), still_stands=cause is not None))


async def submit_release(ask: RequestContext) -> None:
    ids = ask.ids("bill", "version")
    reason = ask.entered(dialogs.REASON)
    await release_bill(ask.session, ids["bill"], ids["version"], ask.act, reason)


async def revise(ask: RequestContext, bill_id: int, version: int | None) -> Answer:
    await check(ask.session, bill_id, Verb.REVISE, version, ask.act)
    facts = await bill_details(ask, bill_id)
    return Dialog(dialogs.revise(facts, await _fresh(ask, facts)))


async def submit_revise(ask: RequestContext) -> None:
    ids = ask.ids("bill", "version")
    reason, units = ask.entered(dialogs.REASON), _units(ask.entered(dialogs.UNITS))
    await revise_bill(ask.session, ids["bill"], ids["version"], ask.act, reason, units)


def _units(typed: str) -> int | None:
    """The calls to bill, as somebody typed them; None where the field was left empty."""
    if not typed.strip():
        return None
    if re.fullmatch(r"\s*[+-]?\d{1,18}\s*", typed, re.ASCII) is None:
        raise Invalid("Write a whole number of calls, such as 250000.", dialogs.UNITS)
    return int(typed)


async def void(ask: RequestContext, bill_id: int, version: int | None) -> Answer:
    await check(ask.session, bill_id, Verb.VOID, version, ask.act)
    return Dialog(dialogs.void(await bill_details(ask, bill_id)))


async def submit_void(ask: RequestContext) -> Answer | None:
    """Whoever voids what has gone out is shown the credit, which they have to send."""
    ids = ask.ids("bill", "version")
    reason = ask.entered(dialogs.REASON)
    made = await void_bill(ask.session, ids["bill"], ids["version"], ask.act, reason)
    if made.credit_id is None:
        return None
    credit = await bill_details(ask, made.credit_id)
    return Reply(bill_voided(await bill_details(ask, ids["bill"]), credit))


async def reissue(ask: RequestContext, bill_id: int, version: int | None) -> Answer:
    await check(ask.session, bill_id, Verb.REISSUE, version, ask.act)
    facts = await bill_details(ask, bill_id)
    return Dialog(dialogs.reissue(facts, await _fresh(ask, facts)))


async def submit_reissue(ask: RequestContext) -> Answer:
    ids = ask.ids("bill", "version")
    reason = ask.entered(dialogs.REASON)
    new = await reissue_bill(ask.session, ids["bill"], ids["version"], ask.act, reason)
    return Reply(bill_reissued(await bill_details(ask, new)))


async def _fresh(ask: RequestContext, facts: BillDetails) -> BillDetails:
    """The bill as usage and terms would give it now."""
    now = await figures_now(ask.session, facts.id)
    if now is None:
        return facts
    return replace(
        facts,
        api_usage=now.api_usage,
        limit_calls=now.monthly_api_limit,
        overage_units=now.overage_units,
        unit_cost=now.overage_unit_cost,
        amount=now.overage_amount,
        currency=now.currency,
    )
