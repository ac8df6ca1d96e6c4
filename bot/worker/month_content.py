"""What messages about whole months say."""

from datetime import datetime
from functools import partial

from bot.worker.content import Content
from handlers.slack.blocks.bill_run import month_end_preview, run_preview, run_progress
from handlers.slack.blocks.reconciled import reconciled_notice
from handlers.slack.blocks.weekly_digest import weekly_digest
from models.audit.reconcile import Differs, Mismatch
from models.batches.bill_run import run_of_month_end
from models.batches.bill_run_preview import preview_run
from models.batches.bill_run_report import run_report
from models.db.columns import Session
from models.outbox.messages import Message
from models.period import Period
from models.queries.weekly_digest import load_weekly_digest


async def run_content(session: Session, message: Message) -> Content:
    facts = await run_report(session, message.facts["run_id"])
    return Content(partial(run_progress, facts))


async def preview_content(session: Session, message: Message) -> Content:
    period, factor = Period.parse(message.facts["month"]), message.facts["jump_factor"]
    facts = await preview_run(session, period, jump_factor=factor)
    return Content(partial(run_preview, facts))


async def weekly_content(session: Session, message: Message) -> Content | None:
    """Nothing where there is nothing to tell at all."""
    month, at = Period.parse(message.facts["month"]), datetime.fromisoformat(message.facts["at"])
    facts = await load_weekly_digest(session, month, at)
    return None if facts.is_empty else Content(partial(weekly_digest, facts))


async def month_end_content(session: Session, message: Message) -> Content:
    """Once it is generated, by whom, and what that has made."""
    period, factor = Period.parse(message.facts["month"]), message.facts["jump_factor"]
    run = await run_of_month_end(session, period)
    if run is not None:
        return Content(partial(run_progress, await run_report(session, run.id)))
    facts = await preview_run(session, period, jump_factor=factor)
    return Content(partial(month_end_preview, facts))


async def reconciled_content(session: Session, message: Message) -> Content:
    """As it was found: the source is not asked again."""
    del session
    told = message.facts
    differences = [Mismatch(**one | {"how": Differs(one["how"])}) for one in told["differences"]]
    draw = partial(
        reconciled_notice,
        told["source"],
        Period.parse(told["month"]),
        told["customers"],
        told["count"],
        differences,
    )
    return Content(draw)
