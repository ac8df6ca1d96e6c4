"""What Slack tells of accounts, and of the app itself."""

from collections.abc import Mapping
from typing import Any

import structlog

from handlers.slack.context import Services
from models.actions.access import deactivate, note_return
from models.actions.away_status import follow_status
from models.context import Source, system_context
from models.db.columns import Session
from models.outbox.jobs import defer_reroute
from models.people.away_statuses import read_away_status
from models.people.users import keep_slack_zone

log = structlog.get_logger()
ADD_FINANCE = "countersign people add NAME --role Finance --slack-id ID"


async def changed(services: Services, account: Mapping[str, Any]) -> None:
    """Ask Slack again who this is; whoever has left can do nothing any more, and whoever is
    elsewhere is reminded in other hours; whoever's status says so is away. Finance hears who has
    left, and who of them is back.
    """
    slack_user_id, now = account["id"], services.now()
    services.users.forget(slack_user_id)
    async with services.db.transaction() as session:
        if account.get("tz"):
            await keep_slack_zone(session, slack_user_id, account["tz"], now)
        if account.get("deleted"):
            await let_go(session, slack_user_id)
            return
        await note_return(session, slack_user_id)
        said = read_away_status(account.get("profile", {}), services.billing.away_statuses, now)
        context = await system_context(session, now, Source.SLACK, services.billing)
        await follow_status(session, context, slack_user_id, said)


async def let_go(session: Session, slack_user_id: str) -> None:
    """Somebody has left the workspace: others are asked what waits for them, or it is held."""
    if await deactivate(session, slack_user_id):
        log.warning("nobody of Finance is left", command=ADD_FINANCE)
    await defer_reroute(session, Source.SLACK, [])


async def access_withdrawn(body: Mapping[str, Any]) -> None:
    log.warning("Slack has withdrawn this app's access", cause=body["event"]["type"])
