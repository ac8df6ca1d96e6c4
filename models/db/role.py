"""As whom Countersign is known to its own database server."""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

SERVER_AND_ROLE = "select system_identifier || ' ' || session_user from pg_control_system()"


async def own_role(session: AsyncSession) -> str:
    """The server by its own number, and the role: equal wherever both are the same."""
    return str((await session.execute(sa.text(SERVER_AND_ROLE))).scalar_one())
