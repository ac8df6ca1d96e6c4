"""`countersign sources`: what can be typed."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.typed import Json, command, group, read_month
from models.late import Late
from models.period import Period

if TYPE_CHECKING:
    from bot.cli import sources
else:
    sources = Late("bot.cli.sources")

source_commands = group("Where usage is metered, and asked for by SQL.")

SourceName = Annotated[str, typer.Argument(metavar="NAME")]
OfMonth = Annotated[Period, typer.Argument(parser=read_month, metavar="YYYY-MM")]


@command(source_commands, "add")
def add_source_command(
    name: SourceName,
    url: Annotated[
        str,
        typer.Option(help="As SQLAlchemy has it; ${NAME} stands for a setting in the environment."),
    ],
    query: Annotated[
        Path,
        typer.Option(
            exists=True,
            dir_okay=False,
            readable=True,
            metavar="FILE",
            help="A file of one SELECT with :month_start and :month_end, of customer and calls.",
        ),
    ],
    connect_args: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            readable=True,
            metavar="FILE",
            help="A file of JSON: what the driver is told besides.",
        ),
    ] = None,
) -> None:
    """Keep a query and the engine that is asked it; one that has this name already is changed."""
    sources.add(name, url, query, connect_args)


@command(source_commands, "check")
def check_source_command(name: SourceName, month: OfMonth, as_json: Json = False) -> None:
    """Ask a source for a month, and say what pulling it would change. Nothing is written."""
    sources.check(name, month, as_json)


@command(source_commands, "pull")
def pull_source_command(
    name: SourceName,
    month: OfMonth,
    anyway: Annotated[
        bool,
        typer.Option(
            "--anyway", help="Also where nothing came, or more customers would have no calls."
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Ask a source for a month, and record what customers used: all of it, or nothing."""
    sources.pull(name, month, anyway, as_json)


@command(source_commands, "list")
def list_sources_command(as_json: Json = False) -> None:
    """Name the sources, with the last pull of each."""
    sources.list_all(as_json)


@command(source_commands, "remove")
def remove_source_command(name: SourceName) -> None:
    """Ask a source no more. What it told stays."""
    sources.remove(name)
