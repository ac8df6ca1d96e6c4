"""`countersign serve`."""

from typing import TYPE_CHECKING, Literal

import typer
import uvloop

from bot.cli.output import leaving
from bot.settings import Settings, read
from models.late import Late

if TYPE_CHECKING:
    from bot import app
else:
    app = Late("bot.app")


def serve_role(role: Literal["all", "web", "worker"]) -> None:
    """Settings that are wrong are told before anything is imported that would use them."""
    with leaving():
        settings = read(Settings)
        settings.require_slack()
        raise typer.Exit(uvloop.run(app.serve(settings, role)))
