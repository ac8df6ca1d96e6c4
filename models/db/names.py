"""Names of customers and people: which of them are one, and what can be a name at all."""

from typing import Annotated

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import mapped_column

from models.errors import Invalid
from models.text import cleaned_name

NameKey = Annotated[str, mapped_column(sa.Text(collation="C"), sa.Computed("name_key(name)"))]
"""What is one for names that are one. `name_key` stands in `models/sql/names.sql`: the database
holds keys unique, so it makes them as well, and nobody else does.
"""

MOST_KEY = 600
"""So long is a key at most, since one letter can stand for many; an index takes no more."""


async def name_key(session: AsyncSession, name: str) -> str:
    return await session.scalar(sa.select(sa.func.name_key(name))) or ""


async def checked_name(session: AsyncSession, name: str, most: int) -> tuple[str, str]:
    """The name without blanks and quotation marks around it, and its key.

    Refuses more than one line, more than `most` characters, and what has nothing to be seen.
    """
    name = cleaned_name(name.replace("\x00", ""))
    key = await name_key(session, name)
    if not 1 <= len(name) <= most or name.splitlines() != [name] or len(key) > MOST_KEY:
        raise Invalid(f"A name has 1 to {most} characters on one line.", "name")
    if not key:
        raise Invalid("That name has nothing that can be seen.", "name")
    return name, key
