"""Settings in force and the program's health, for Finance."""

from fastapi import APIRouter, Response

from handlers.http.gate import Asking, PageRoute, open_to
from handlers.web.live import live_health
from handlers.web.rendering import page
from handlers.wording.health_text import STANDING_WORDS, Standing, database_checks
from models.people.permissions import Permission
from models.queries.database_health import load_database_health

router = APIRouter(route_class=PageRoute)


@router.get("/settings")
@open_to(Permission.SEE_SETTINGS)
async def settings(context: Asking) -> Response:
    """How everything stands, what to do where it does not, and what the program was told."""
    services = context.services
    found = await load_database_health(
        context.session,
        context.now,
        context.settings.send_delay_minutes,
        services.mailbox,
        services.finance_slack_ids,
    )
    checks = [*database_checks(found, context.now), *await services.checks()]
    return page(
        context.request,
        "settings.html.jinja",
        live=live_health(context.now),
        checks=checks,
        told=_told({check.standing for check in checks}),
        standing=STANDING_WORDS,
        settings=services.settings,
    )


def _told(standings: set[Standing]) -> str:
    if Standing.BAD in standings:
        return "Something needs somebody"
    works = "Everything that has to work, works"
    return f"{works}; something is worth a look" if Standing.WAIT in standings else works
