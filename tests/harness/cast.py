"""The people of the tests, in the database and in Slack."""

from dataclasses import dataclass, fields
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.people.permissions import Role
from models.people.users import User, add_user

ANA, KIM, LEE, SAM, MAX, NEW = "UANA", "UKIM", "ULEE", "USAM", "UMAX", "UNEW"
GUS, FAR = "UGUS", "UFAR"
"""A guest of the workspace, and somebody from elsewhere."""

ROLES = {
    "Ana": Role.FINANCE,
    "Kim": Role.CSM,
    "Lee": Role.CSM,
    "Sam": Role.SALES,
    "Max": Role.MANAGER,
}
FOREIGN_TEAM = "TELSEWHERE"


@dataclass(frozen=True)
class People:
    """Ana keeps the books; Kim and Lee look after customers, Sam sells, Max looks on."""

    ana: User
    kim: User
    lee: User
    sam: User
    max: User
    system: User


async def add_people(session: AsyncSession) -> None:
    """The cast, with the Slack ids above."""
    for name, role in ROLES.items():
        await add_user(session, name, role, f"U{name.upper()}", f"{name.lower()}@example.com")


async def find_people(session: AsyncSession) -> People:
    """The cast as it is now."""
    found = await session.scalars(sa.select(User).where(User.name.in_((*ROLES, "system"))))
    return People(**{user.name.lower(): user for user in found})


def accounts(*more: dict[str, Any]) -> list[dict[str, Any]]:
    """Slack's accounts of the cast, and of New, who has no role."""
    names = [field.name for field in fields(People) if field.name != "system"]
    return [
        *(
            {"id": f"U{name.upper()}", "name": name, "real_name": name.title()}
            for name in (*names, "new")
        ),
        *more,
    ]
