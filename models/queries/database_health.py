"""How everything stands, as far as the database tells."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from models.db.revision import Schema
from models.queries.health import Health, Server, load_health, load_server
from models.queries.role_map import RoleMap, load_role_map


@dataclass(frozen=True)
class DatabaseHealth:
    """What its server tells; `health` and `roles` only where its tables are those of this program,
    without which nothing can be asked of them.
    """

    server: Server
    health: Health | None = None
    roles: RoleMap | None = None


async def load_database_health(
    session: AsyncSession,
    now: datetime,
    send_delay_minutes: float,
    mailbox: str | None = None,
    finance_slack_ids: Sequence[str] = (),
) -> DatabaseHealth:
    """`mailbox`: the name of the one that is set to be read; `finance_slack_ids`: who is set to
    belong to Finance.
    """
    server = await load_server(session)
    if server.schema not in (Schema.CURRENT, Schema.SERVED):
        return DatabaseHealth(server)
    return DatabaseHealth(
        server,
        await load_health(session, now, send_delay_minutes, mailbox),
        await load_role_map(session, finance_slack_ids),
    )
