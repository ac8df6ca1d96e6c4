"""`countersign reconcile`."""

from datetime import datetime
from typing import Any

from bot.cli.output import UNCHANGED, Exit, opened, progress_bar, run, say, say_json
from bot.settings import BooksSettings, read
from bot.warehouse.reconciling import reconcile_with
from handlers.wording.reconcile_text import difference_text, reconciled_text
from models.audit.reconcile import Reconciliation
from models.context import Source, system_context
from models.db.columns import Session
from models.errors import NotFound
from models.period import Period
from models.usage.sources import UsageSource, source_named, sources

TOLD = "No figure was changed."


def reconcile_month(period: Period, name: str | None, as_json: bool) -> None:
    run(_reconcile(period, name, as_json), UNCHANGED, as_json, TOLD)


async def _reconcile(period: Period, name: str | None, as_json: bool) -> Exit:
    settings = read(BooksSettings)
    found: list[tuple[UsageSource, Reconciliation]] = []
    async with opened(settings.address()) as db:
        async with db.transaction() as session:
            now = datetime.now(settings.timezone)
            context = await system_context(session, now, Source.CLI, settings.billing())
            asked = await _sources(session, name)
        for source in asked:
            with progress_bar(f"Asking {source.name}") as progress:
                found += [(source, await reconcile_with(db, source, period, context, progress))]
    if as_json:
        say_json({"month": str(period), "sources": [_facts(*one) for one in found]})
    else:
        for source, told in found:
            count = len(told.differences)
            say(reconciled_text(source.name, period, count, told.customers))
            for one in told.differences:
                say(f"  {difference_text(one)}")
    return Exit.REFUSED if any(told.differences for _, told in found) else Exit.DONE


async def _sources(session: Session, name: str | None) -> list[UsageSource]:
    """That one, or all that are asked at all."""
    if name is not None:
        return [await source_named(session, name)]
    found = await sources(session)
    if not found:
        raise NotFound("There is no source yet. Add one with `countersign sources add`.")
    return found


def _facts(source: UsageSource, told: Reconciliation) -> dict[str, Any]:
    differences = [vars(one) | {"more": one.more} for one in told.differences]
    return {"name": source.name, "customers": told.customers, "differences": differences}
