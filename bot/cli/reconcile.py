"""`countersign reconcile`."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.cli.output import (
    UNCHANGED,
    Exit,
    opened,
    progress_bar,
    run,
    say,
    say_aside,
    say_flaws,
    say_json,
)
from bot.settings import BooksSettings, read
from bot.warehouse.errors import SettingMissing, WarehouseFailed
from bot.warehouse.reconciling import reconcile_with
from handlers.wording.reconcile_text import difference_text, reconciled_text
from models.actions.pull_usage import BadAnswer
from models.audit.reconcile import Reconciliation
from models.context import Context, Source, system_context
from models.db.columns import Session
from models.db.database import Database
from models.errors import NotFound
from models.period import Period
from models.usage.sources import UsageSource, source_named, sources

TOLD = "No figure was changed."


def reconcile_month(period: Period, name: str | None, as_json: bool) -> None:
    run(_reconcile(period, name, as_json), UNCHANGED, as_json, TOLD)


@dataclass(frozen=True)
class _Held:
    """What was found of a source; or why it was not, while others are asked all the same."""

    name: str
    found: Reconciliation | None = None
    refused: WarehouseFailed | BadAnswer | None = None

    @property
    def status(self) -> Exit:
        if isinstance(self.refused, SettingMissing):
            return Exit.SETUP
        return Exit.DONE if self.found and not self.found.differences else Exit.REFUSED

    @property
    def facts(self) -> dict[str, Any]:
        if self.found is None:
            return {"name": self.name, "failed": str(self.refused)}
        differences = [vars(one) | {"more": one.more} for one in self.found.differences]
        return {
            "name": self.name,
            "customers": self.found.customers,
            "differences": differences,
        }


async def _reconcile(period: Period, name: str | None, as_json: bool) -> Exit:
    settings = read(BooksSettings)
    async with opened(settings.address()) as db:
        async with db.transaction() as session:
            now = datetime.now(settings.timezone)
            context = await system_context(session, now, Source.CLI, settings.billing())
            asked = await _sources(session, name)
        held = [await _hold(db, source, period, context) for source in asked]
    if as_json:
        say_json({"month": str(period), "sources": [one.facts for one in held]})
    else:
        for one in held:
            _say(one, period)
    return max(one.status for one in held)


async def _hold(db: Database, source: UsageSource, period: Period, context: Context) -> _Held:
    try:
        with progress_bar(f"Asking {source.name}") as progress:
            found = await reconcile_with(db, source, period, context, progress)
    except (WarehouseFailed, BadAnswer) as refused:
        return _Held(source.name, refused=refused)
    return _Held(source.name, found)


def _say(held: _Held, period: Period) -> None:
    if isinstance(held.refused, BadAnswer):
        say_flaws(held.refused.flaws)
    if held.found is None:
        say_aside(f"{held.name} was not held against: {held.refused}")
        return
    say(reconciled_text(held.name, period, len(held.found.differences), held.found.customers))
    for one in held.found.differences:
        say(f"  {difference_text(one)}")


async def _sources(session: Session, name: str | None) -> list[UsageSource]:
    """That one, or all that are asked at all."""
    if name is not None:
        return [await source_named(session, name)]
    found = await sources(session)
    if not found:
        raise NotFound("There is no source yet. Add one with `countersign sources add`.")
    return found
