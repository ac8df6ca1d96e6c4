"""Where usage is asked for by SQL: the sources that Finance has named."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from models.context import Context
from models.db.columns import Base, Id
from models.db.names import NameKey
from models.errors import Invalid, NotFound, WrongState
from models.people.permissions import Permission
from models.people.users import User
from models.people.who_can import require
from models.text import bounded_text, cleaned_name
from models.usage.source_address import engine_of, read_address, read_connect_args
from models.usage.source_query import query_hash, read_query

NAME_CHARS = 100


class UsageSource(Base):
    """A query, and the engine that is asked it. `url` and `connect_args` name settings in the place
    of secrets. Switched off it is asked no more, and what it told stays.
    """

    __tablename__ = "usage_sources"

    id: Mapped[Id]
    name: Mapped[str]
    name_key: Mapped[NameKey]
    url: Mapped[str]
    query: Mapped[str]
    connect_args: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    created_by: Mapped[int] = mapped_column(sa.BigInteger, sa.ForeignKey(User.id))
    created_at: Mapped[datetime] = mapped_column(server_default=sa.func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=sa.func.now())
    switched_off_at: Mapped[datetime | None]

    @property
    def engine(self) -> str:
        """The scheme of its address, as in `duckdb`."""
        return engine_of(self.url)

    @property
    def query_hash(self) -> str:
        return query_hash(self.query)


async def set_source(
    session: AsyncSession,
    name: str,
    url: str,
    query: str,
    context: Context,
    connect_args: object = None,
) -> tuple[UsageSource, bool]:
    """Keep a source under this name, instead of what is kept under it; whether it is new.

    One that was switched off is switched on again. Refuses an address or arguments with a secret in
    them, an engine that cannot be asked, and what is not one query of a month.
    """
    await require(session, context.user, Permission.KEEP_BOOKS)
    called = bounded_text(cleaned_name(name), NAME_CHARS, "A source's name", "name")
    address = read_address(url)
    values = {
        "url": address,
        "query": read_query(query, engine_of(address)),
        "connect_args": read_connect_args({} if connect_args is None else connect_args),
    }
    source = await _named(session, called)
    is_new = source is None
    if source is None:
        source = UsageSource(
            name=called, created_by=context.user.id, created_at=context.now, **values
        )
        session.add(source)
    for field, value in values.items():
        setattr(source, field, value)
    source.updated_at, source.switched_off_at = context.now, None
    await session.flush()
    return source, is_new


async def add_source(
    session: AsyncSession,
    name: str,
    url: str,
    query: str,
    context: Context,
    connect_args: object = None,
) -> UsageSource:
    """The same for one that is new: refuses a name that is taken."""
    source, is_new = await set_source(session, name, url, query, context, connect_args)
    if not is_new:
        raise Invalid(f"There is a source that is called {source.name} already.", "name")
    return source


async def change_source(
    session: AsyncSession,
    source_id: int,
    context: Context,
    *,
    url: str | None = None,
    query: str | None = None,
    connect_args: object = None,
    switched_off: bool | None = None,
) -> UsageSource:
    """Change what is given, and switch it on again unless it is `switched_off`."""
    source = await find_source(session, source_id)
    if (url, query, connect_args) != (None, None, None):
        await set_source(
            session,
            source.name,
            source.url if url is None else url,
            source.query if query is None else query,
            context,
            source.connect_args if connect_args is None else connect_args,
        )
    is_off = source.switched_off_at is not None
    if switched_off is not None and switched_off != is_off:
        await _switch(session, source_id, context, is_on=not switched_off)
    return source


async def switch_off_source(session: AsyncSession, source_id: int, context: Context) -> UsageSource:
    """Ask it no more. Refuses one that is off already."""
    return await _switch(session, source_id, context, is_on=False)


async def switch_on_source(session: AsyncSession, source_id: int, context: Context) -> UsageSource:
    """Ask it again. Refuses one that is on already."""
    return await _switch(session, source_id, context, is_on=True)


async def _switch(
    session: AsyncSession, source_id: int, context: Context, *, is_on: bool
) -> UsageSource:
    await require(session, context.user, Permission.KEEP_BOOKS)
    source = await session.get(UsageSource, source_id, with_for_update={"key_share": True})
    if source is None:
        raise NotFound(NO_SOURCE)
    if is_on == (source.switched_off_at is None):
        raise WrongState(f"{source.name} is switched {'on' if is_on else 'off'} already.")
    source.switched_off_at, source.updated_at = None if is_on else context.now, context.now
    await session.flush()
    return source


NO_SOURCE = "There is no such source."


async def find_source(session: AsyncSession, source_id: int) -> UsageSource:
    """Also one that is off."""
    source = await session.get(UsageSource, source_id)
    if source is None:
        raise NotFound(NO_SOURCE)
    return source


async def source_by_id(session: AsyncSession, source_id: int) -> UsageSource:
    """Refuses one that is off."""
    return _on(await find_source(session, source_id))


async def is_as_it_was(session: AsyncSession, source: UsageSource) -> bool:
    """Whether it is on, and asked the same of the same place, as when it was loaded."""
    now = await session.execute(
        sa.select(UsageSource.url, UsageSource.query, UsageSource.connect_args).where(
            UsageSource.id == source.id, UsageSource.switched_off_at.is_(None)
        )
    )
    return now.one_or_none() == (source.url, source.query, source.connect_args)


async def source_named(session: AsyncSession, name: str) -> UsageSource:
    """Refuses a name that no source has, with those that there are, and one that is off."""
    source = await _named(session, name)
    if source is None:
        names = [one.name for one in await sources(session)]
        there_are = f"There are {', '.join(names)}." if names else "There is none yet."
        raise NotFound(f"No source is called “{name}”. {there_are}")
    return _on(source)


def _on(source: UsageSource) -> UsageSource:
    if source.switched_off_at is not None:
        raise WrongState(f"{source.name} is switched off. Add it again to ask it.")
    return source


async def sources(session: AsyncSession, *, every: bool = False) -> list[UsageSource]:
    """By name; those that are switched off only where `every` one is asked for."""
    found = sa.select(UsageSource).order_by(UsageSource.name_key)
    if not every:
        found = found.where(UsageSource.switched_off_at.is_(None))
    return list(await session.scalars(found))


async def _named(session: AsyncSession, name: str) -> UsageSource | None:
    found = sa.select(UsageSource).where(UsageSource.name_key == sa.func.name_key(name))
    return (await session.scalars(found)).one_or_none()
