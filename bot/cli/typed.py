"""What commands are made of: groups, arguments that are read, and options that many have."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from models.errors import Refusal
from models.late import Late
from models.period import Period

if TYPE_CHECKING:
    from handlers.wording import refusals
    from models.queries import scope
else:
    refusals = Late("handlers.wording.refusals")
    scope = Late("models.queries.scope")

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., None])


def group(about: str) -> typer.Typer:
    return typer.Typer(
        help=about,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )


def command(to: typer.Typer, name: str) -> Callable[[F], F]:
    """Add a command to a group, whose help lists the whole of its docstring."""

    def add(function: F) -> F:
        return to.command(name, short_help=function.__doc__)(function)

    return add


def typed(reading: Callable[[str], T]) -> Callable[[str], T]:
    """What was typed, read; what cannot be read was typed wrong."""

    def parse(text: str) -> T:
        try:
            return reading(text)
        except Refusal as refusal:
            told = refusals.refusal_text(refusal, refusals.Medium.COMMAND_LINE)
            raise typer.BadParameter(told) from None

    return parse


def _read_scope(text: str) -> str:
    return scope.readable_scope(text)


read_month = typed(Period.parse)
read_scope = typed(_read_scope)

DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would be.")]
Json = Annotated[bool, typer.Option("--json", help="Answer as one JSON object.")]
