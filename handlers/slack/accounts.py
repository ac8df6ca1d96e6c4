"""What Slack tells of accounts, and of the app itself."""

from collections.abc import Mapping
from typing import Any

import structlog

from handlers.slack.context import Services
from models.actions.access import deactivate, note_return
from models.context import Source
from models.db.columns import Session
from models.outbox.jobs import defer_reroute
from models.people.users import keep_slack_zone

log = structlog.get_logger()
ADD_FINANCE = "countersign people add NAME --role Finance --slack-id ID"


async def changed(services: Services, account: Mapping[str, Any]) -> None:
    """Ask Slack again who this is; whoever has left can do nothing any more, and whoever is
    elsewhere is reminded in other hours. Finance hears who has left, and who of them is back.
    """
    services.users.forget(account["id"])
    if account.get("tz"):
        async with services.db.transaction() as session:
            await keep_slack_zone(session, account["id"], account["tz"], services.now())
    async with services.db.transaction() as session:
        if account.get("deleted"):
            await let_go(session, account["id"])
        else:
            await note_return(session, account["id"])


async def let_go(session: Session, slack_user_id: str) -> None:
    """Somebody has left the workspace: others are asked what waits for them, or it is held."""
    if await deactivate(session, slack_user_id):
        log.warning("nobody of Finance is left", command=ADD_FINANCE)
    await defer_reroute(session, Source.SLACK, [])


async def access_withdrawn(body: Mapping[str, Any]) -> None:
    log.warning("Slack has withdrawn this app's access", cause=body["event"]["type"])
