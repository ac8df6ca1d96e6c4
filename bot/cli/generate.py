"""`countersign generate`."""

from datetime import datetime
from typing import TYPE_CHECKING

from bot.cli.output import UNCHANGED, Exit, opened, progress_bar, run, say, say_json
from bot.cli.run_report import preview_as_json, preview_lines, run_as_json, run_lines
from bot.settings import BooksSettings, read
from models.batches.bill_run import run_step, start_bill_run
from models.batches.bill_run_preview import preview_run
from models.batches.bill_run_report import run_report
from models.context import Source, system_context
from models.db.database import Database
from models.late import Late
from models.period import Period

if TYPE_CHECKING:
    from models.customers import search
else:
    search = Late("models.customers.search")

KEPT = (
    "Bills made by then stand, if there are any. Run the same command again: it makes those that "
    "are missing, and none twice."
)


def generate_month(month: Period, customer: str | None, dry_run: bool, as_json: bool) -> None:
    work = _generate(month, customer, dry_run, as_json)
    if dry_run:
        run(work, UNCHANGED, done=UNCHANGED)
    else:
        run(work, KEPT)


async def _generate(period: Period, customer: str | None, dry_run: bool, as_json: bool) -> Exit:
    settings = read(BooksSettings)
    now = datetime.now(settings.timezone)
    period.refuse_if_open(now, settings.timezone)
    async with opened(settings.address()) as db:
        customer_id = await _customer_id(db, customer)
        if dry_run:
            async with db.long_transaction() as session:
                preview = await preview_run(session, period, customer_id, settings.hold_jump_factor)
            facts, lines = preview_as_json(preview), preview_lines(preview)
        else:
            run_id = await _run(db, settings, period, customer_id, now)
            async with db.long_transaction() as session:
                made = await run_report(session, run_id)
            facts, lines = run_as_json(made), run_lines(made)
    if as_json:
        say_json(facts)
    else:
        say("\n".join(lines))
    return Exit.DONE


async def _customer_id(db: Database, name: str | None) -> int | None:
    if name is None:
        return None
    async with db.transaction() as session:
        return (await search.find_customer(session, name)).id


async def _run(
    db: Database, settings: BooksSettings, period: Period, customer_id: int | None, now: datetime
) -> int:
    """Generate chunk by chunk, each committed by itself; returns the run's id."""
    billing = settings.billing()
    async with db.transaction() as session:
        context = await system_context(session, now, Source.CLI)
        run_id = await start_bill_run(session, period, context, settings.timezone, customer_id)
    with progress_bar(f"Generating {period}") as progress:
        ended = False
        while not ended:
            async with db.long_transaction() as session:
                step = await run_step(session, run_id, billing, datetime.now(now.tzinfo))
            progress(step.done, step.customers)
            ended = step.ended
    return run_id
