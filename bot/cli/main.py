"""The command line: `countersign`."""

import asyncio
from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import typer
import uvloop

from bot.cli.audit import export_app, verify_command
from bot.cli.output import Exit, Json, leaving, opened, progress_bar, run, say, say_json
from bot.cli.run_report import (
    preview_as_json,
    preview_lines,
    recalculation_counts,
    recalculation_lines,
    run_as_json,
    run_lines,
)
from bot.settings import BooksSettings, DatabaseSettings, Settings, read
from handlers.wording.formatting import counted
from handlers.wording.refusals import Medium, refusal_text
from models.actions.recalculate import recalculate
from models.actions.reroute import reroute_open_bills
from models.batches.bill_run import run_report, run_step, start_bill_run
from models.batches.bill_run_preview import preview_run
from models.context import Context, Source, system_context
from models.customers.search import find_customer
from models.db.database import Database, check_reachable
from models.db.migrate import migrate
from models.errors import Refusal
from models.imports.files import Imported, import_customers, import_people, import_usage
from models.outbox.notifications import Recalculation
from models.people.permissions import Role
from models.people.users import add_user, system_user
from models.period import Period

app = typer.Typer(
    help="Bill API overage, with every sign-off on the record.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

people_app = typer.Typer(help="People and their roles.", no_args_is_help=True)

app.add_typer(people_app, name="people")


class Table(StrEnum):
    CUSTOMERS = "customers"
    USAGE = "usage"
    PEOPLE = "people"


IMPORTS = {
    Table.CUSTOMERS: import_customers,
    Table.USAGE: import_usage,
    Table.PEOPLE: import_people,
}


def _month(text: str) -> Period:
    try:
        return Period.parse(text)
    except Refusal as refusal:
        raise typer.BadParameter(refusal_text(refusal, Medium.COMMAND_LINE)) from None


@app.command("migrate")
def migrate_command() -> None:
    """Bring the database's tables to what this program expects."""
    with leaving():
        url = read(DatabaseSettings).address()
        asyncio.run(_refuse_unreachable(url))
        applied = migrate(url)
    say(f"Applied {', '.join(applied)}." if applied else "The database is up to date.")


async def _refuse_unreachable(url: str) -> None:
    db = Database(url)
    try:
        await check_reachable(db)
    finally:
        await db.close()


@app.command("import")
def import_command(
    table: Table,
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)],
    as_json: Json = False,
) -> None:
    """Import customers, usage or people from a CSV file: all of it, or nothing."""
    run(_import(table, file, as_json), as_json)


async def _import(table: Table, file: Path, as_json: bool) -> Exit:
    settings = read(BooksSettings)
    now = datetime.now(settings.timezone)
    with file.open("rb") as source, progress_bar(f"Importing {file.name}") as progress:
        async with opened(settings.address()) as db, db.long_transaction() as session:
            user = await system_user(session)
            context = Context(user, now, Source.CLI, settings.billing())
            settled, stranded = Recalculation(), 0
            done = await IMPORTS[table](session, source, user, now, progress=progress)
            if table is not Table.USAGE and done.written:
                stranded = await reroute_open_bills(session, context)
            if table is not Table.PEOPLE and done.written:
                settled = await recalculate(session, context)
    if as_json:
        bills = {"bills": recalculation_counts(settled)} if settled != Recalculation() else {}
        held = {"held": stranded} if stranded else {}
        say_json(vars(done) | held | bills)
    else:
        say("\n".join(_imported_lines(file.name, done, stranded, settled)))
    return Exit.DONE


def _imported_lines(
    name: str, done: Imported, stranded: int, settled: Recalculation
) -> Iterator[str]:
    if not done.written:
        yield f"{name}: nothing to do, all {done.unchanged:,} rows are as they were."
        return
    yield f"{name}: {done.added:,} added, {done.changed:,} changed, {done.unchanged:,} unchanged."
    if stranded:
        which = "it" if stranded == 1 else "them"
        yield f"  {counted(stranded, 'bill')} held, because nobody can decide {which} now"
    yield from recalculation_lines(settled)


@app.command("generate")
def generate_command(
    month: Annotated[Period, typer.Argument(parser=_month, metavar="YYYY-MM")],
    customer: Annotated[str | None, typer.Option(help="Only this customer's bill.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be.")] = False,
    as_json: Json = False,
) -> None:
    """Make the bills of a month that is over. A month run twice adds nothing."""
    run(_generate(month, customer, dry_run, as_json))


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
        return (await find_customer(session, name)).id


async def _run(
    db: Database, settings: BooksSettings, period: Period, customer_id: int | None, now: datetime
) -> int:
    """Generate chunk by chunk, each committed by itself; returns the run's id."""
    billing = settings.billing()
    async with db.transaction() as session:
        context = await system_context(session, now, Source.CLI)
        run_id = await start_bill_run(session, period, context, settings.timezone, customer_id)
    with progress_bar(f"Generating {period}") as progress:
        finished = False
        while not finished:
            async with db.long_transaction() as session:
                step = await run_step(session, run_id, billing, datetime.now(now.tzinfo))
            progress(step.done, step.customers)
            finished = step.finished
    return run_id


@people_app.command("add")
def add_person_command(
    name: str,
    role: Annotated[Role, typer.Option(case_sensitive=False)],
    slack_id: Annotated[str | None, typer.Option(help="Slack member id, as in U012AB3CD.")] = None,
    email: str | None = None,
) -> None:
    """Add a person, or give one who is known another role."""
    run(_add_person(name, role, slack_id, email))


async def _add_person(name: str, role: Role, slack_id: str | None, email: str | None) -> Exit:
    settings = read(BooksSettings)
    async with opened(settings.address()) as db, db.long_transaction() as session:
        person = await add_user(session, name, role, slack_id, email)
        now = datetime.now(settings.timezone)
        await reroute_open_bills(
            session, await system_context(session, now, Source.CLI, settings.billing())
        )
    say(f"{person.name} has the role {person.role}.")
    return Exit.DONE


app.command("verify")(verify_command)

app.add_typer(export_app, name="export")


@app.command("serve")
def serve_command(
    role: Annotated[
        Literal["all", "web", "worker"], typer.Option(help="What this process does.")
    ] = "all",
) -> None:
    """Run the bot: Slack, the web and the worker."""
    with leaving():
        settings = read(Settings)
        settings.require_slack()
        # Most of what this imports no other command needs.
        from bot.app import serve  # noqa: PLC0415

        raise typer.Exit(uvloop.run(serve(settings, role)))


def main() -> None:
    app(prog_name="countersign")
