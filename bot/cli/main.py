"""The command line: `countersign`, all that can be typed and what it is explained by.

What a command does stands in a module of its own, imported when the command is run: help and
wrong use are answered at once.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bot.cli.source_commands import source_commands
from bot.cli.typed import DryRun, Json
from bot.cli.typed import command as _command
from bot.cli.typed import group as _app
from bot.cli.typed import read_month as _month
from bot.cli.typed import read_scope as _scope
from models.exports.formats import DATED, Format, LedgerFormat, Table
from models.late import Late
from models.people.permissions import Role
from models.period import Period

if TYPE_CHECKING:
    from bot.cli import (
        customers,
        doctor,
        document,
        export,
        generate,
        import_file,
        ledger,
        migrate,
        people,
        reconcile,
        serve,
        verify,
    )
else:
    customers = Late("bot.cli.customers")
    doctor = Late("bot.cli.doctor")
    document = Late("bot.cli.document")
    export = Late("bot.cli.export")
    generate = Late("bot.cli.generate")
    import_file = Late("bot.cli.import_file")
    ledger = Late("bot.cli.ledger")
    migrate = Late("bot.cli.migrate")
    people = Late("bot.cli.people")
    reconcile = Late("bot.cli.reconcile")
    serve = Late("bot.cli.serve")
    verify = Late("bot.cli.verify")

app = _app("Bill API overage, with every sign-off on the record.")
customers_app = _app("Customers and what they are called.")
people_app = _app("People and their roles.")
export_app = _app("Hand out the books as files.")

WHAT = typer.Argument(
    parser=_scope,
    metavar="WHAT",
    help="A month as in 2026-10, or a bill: #12, 12, or its customer and month.",
)


@_command(app, "migrate")
def migrate_command() -> None:
    """Bring the database's tables to what this program expects."""
    migrate.migrate_database()


@_command(app, "import")
def import_command(
    table: Literal["customers", "usage", "people"],
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)],
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Import customers, usage or people from a CSV file: all of it, or nothing."""
    import_file.import_file(table, file, dry_run, as_json)


@_command(app, "generate")
def generate_command(
    month: Annotated[Period, typer.Argument(parser=_month, metavar="YYYY-MM")],
    customer: Annotated[str | None, typer.Option(help="Only this customer's bill.")] = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Make the bills of a month that is over. A month run twice adds nothing."""
    generate.generate_month(month, customer, dry_run, as_json)


@_command(app, "verify")
def verify_command(what: Annotated[str | None, WHAT] = None, as_json: Json = False) -> None:
    """Prove that no record was changed behind its back, and each bill is what its record says."""
    verify.verify_record(what, as_json)


@_command(app, "reconcile")
def reconcile_command(
    month: Annotated[Period, typer.Argument(parser=_month, metavar="YYYY-MM")],
    source: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only this source; all of them, if unset.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Hold what was billed of a month against its sources as they are now. Nothing is changed."""
    reconcile.reconcile_month(month, source, as_json)


@_command(app, "document")
def document_command(
    reference: Annotated[
        str, typer.Argument(metavar="REF", help="#12, 2026-000123, or its customer and month.")
    ],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", dir_okay=False, metavar="FILE", help="The file to write."),
    ],
) -> None:
    """Write the document of a bill, byte for byte as it was issued."""
    document.write_document(reference, output)


@_command(app, "serve")
def serve_command(
    role: Annotated[
        Literal["all", "web", "worker"], typer.Option(help="What this process does.")
    ] = "all",
) -> None:
    """Run the bot: Slack, the web and the worker."""
    serve.serve_role(role)


@_command(app, "doctor")
def doctor_command(as_json: Json = False) -> None:
    """Look at all that the program stands on, and say what to do where something is amiss."""
    doctor.look(as_json)


app.add_typer(customers_app, name="customers")

Reason = Annotated[str | None, typer.Option(help="Why, for the record.")]


@_command(customers_app, "rename")
def rename_customer_command(name: str, new_name: str, reason: Reason = None) -> None:
    """Call a customer something else; the names it had go on finding it."""
    customers.rename(name, new_name, reason)


@_command(customers_app, "merge")
def merge_customers_command(name: str, into: str, reason: Reason = None) -> None:
    """Make a customer one with another; what was billed to it stays as it is."""
    customers.merge(name, into, reason)


app.add_typer(people_app, name="people")


@_command(people_app, "add")
def add_person_command(
    name: str,
    role: Annotated[Role, typer.Option(case_sensitive=False)],
    slack_id: Annotated[str | None, typer.Option(help="Slack member id, as in U012AB3CD.")] = None,
    email: str | None = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="The Slack id takes the place of another one.")
    ] = False,
) -> None:
    """Add a person, or give one who is known another role."""
    people.add_person(name, role, slack_id, email, replace)


@_command(people_app, "rename")
def rename_person_command(name: str, new_name: str) -> None:
    """Call a person something else."""
    people.rename(name, new_name)


@_command(people_app, "link")
def link_command(name: str) -> None:
    """Make a one-time link for somebody who has forgotten their password and is not in Slack."""
    people.link(name)


app.add_typer(source_commands, name="sources")
app.add_typer(export_app, name="export")

Month = Annotated[
    Period | None,
    typer.Option(parser=_month, metavar="YYYY-MM", help="Only this month."),
]

OfBill = Annotated[
    str | None,
    typer.Option("--bill", parser=_scope, metavar="REF", help="Only this bill."),
]

Output = Annotated[
    Path | None,
    typer.Option(dir_okay=False, metavar="FILE", help="Where to write; standard output if unset."),
]


def _export_command(table: Table) -> Callable[..., None]:
    def command(
        month: Month = None,
        bill: OfBill = None,
        output: Output = None,
        form: Annotated[Format, typer.Option("--format")] = Format.CSV,
    ) -> None:
        if month and bill:
            raise typer.BadParameter("Name a month or a bill, not both.")
        export.export_table(table, form, str(month) if month else bill, output)

    command.__doc__ = f"Write {table.value} as CSV or JSON Lines."
    return command


def _export_all_command(table: Table) -> Callable[..., None]:
    def command(
        output: Output = None, form: Annotated[Format, typer.Option("--format")] = Format.CSV
    ) -> None:
        export.export_table(table, form, None, output)

    command.__doc__ = f"Write {table.value} as CSV, as an import reads them, or as JSON Lines."
    return command


for _table in Table:
    _make = _export_command if _table in DATED else _export_all_command
    _command(export_app, _table.value)(_make(_table))


@_command(export_app, "evidence")
def evidence_command(
    what: Annotated[str, WHAT],
    output: Annotated[
        Path, typer.Option(dir_okay=False, metavar="FILE", help="The page to write.")
    ],
) -> None:
    """Write all there is to know of a bill, or of the bills of a month, as one page of HTML."""
    export.export_evidence(what, output)


@_command(export_app, "ledger")
def ledger_command(
    form: Annotated[LedgerFormat, typer.Option("--format", help="The program it is for.")],
    month: Annotated[
        Period | None,
        typer.Option(parser=_month, metavar="YYYY-MM", help="Only bills of this month."),
    ] = None,
    dated: Annotated[
        Period | None,
        typer.Option(parser=_month, metavar="YYYY-MM", help="Only what is dated in this month."),
    ] = None,
    since_last: Annotated[
        bool, typer.Option("--since-last", help="Only what no such export before had.")
    ] = False,
    accounts: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, readable=True, metavar="FILE.csv", help="Your accounts."
        ),
    ] = None,
    output: Output = None,
    as_json: Json = False,
) -> None:
    """Write an entry for each invoice, adjustment and credit note, for an accounting program."""
    _refuse_json_beside_a_file(as_json, output)
    ledger.export_ledger(form, ledger.Wanted(month, dated, since_last), accounts, output, as_json)


@_command(export_app, "ledger-again")
def ledger_again_command(
    number: Annotated[
        int | None, typer.Argument(min=1, metavar="EXPORT", help="Its number; the last, if unset.")
    ] = None,
    output: Output = None,
    as_json: Json = False,
) -> None:
    """Write an export of the ledger once more, byte for byte as it was."""
    _refuse_json_beside_a_file(as_json, output)
    ledger.export_again(number, output, as_json)


def _refuse_json_beside_a_file(as_json: bool, output: Path | None) -> None:
    if as_json and output is None:
        raise typer.BadParameter("Name a file with --output: the answer goes where it would go.")


def main() -> None:
    app(prog_name="countersign")
