"""Files that somebody looks at before they are taken in: kept for an hour, with what they would do.

What is taken in is the file that was looked at, and it does what was seen, or nothing: where the
books have changed since, what it would do now is seen first.
"""

import hashlib
from datetime import datetime, timedelta
from io import BytesIO
from typing import Any, BinaryIO

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from models.actions.foresee import do_if_agreed
from models.actions.keep_books import BookChange, import_book
from models.context import Context
from models.db.columns import Base, Id
from models.errors import NotFound, WrongState
from models.imports.books import Book
from models.imports.foreseen import Foreseen
from models.people.permissions import Permission
from models.people.users import User
from models.people.who_can import require

LIFETIME = timedelta(hours=1)
LARGEST_BYTES = 64_000_000
STATEMENT_S = 300.0
"""So long each statement may take that looks at a file or takes it in."""
NAME_CHARS = 200
GONE = "That file is not kept any more. Choose it again."


class UploadedFile(Base):
    """A file and what it would do, or did; `sha256` is that of what `content` was once."""

    __tablename__ = "uploaded_files"

    id: Mapped[Id]
    user_id: Mapped[int] = mapped_column(sa.BigInteger, sa.ForeignKey(User.id))
    book: Mapped[str]
    name: Mapped[str]
    content: Mapped[bytes] = mapped_column(sa.LargeBinary, deferred=True)
    sha256: Mapped[bytes]
    foreseen: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    taken_in_at: Mapped[datetime | None]

    @property
    def would_do(self) -> Foreseen:
        return Foreseen.of_json(self.foreseen)


async def look_at_file(
    session: AsyncSession, book: Book, name: str, content: bytes, context: Context
) -> UploadedFile:
    """Keep a file for an hour with what it would do; nothing is written of what it says.

    Raises BadRows where it cannot be taken in, and then it is not kept.
    """
    await require(session, context.user, Permission.KEEP_BOOKS)
    foreseen, _ = await do_if_agreed(
        session, lambda: _take(session, book, _named(name, content), context), None, ask=True
    )
    await session.execute(sa.delete(UploadedFile).where(UploadedFile.expires_at <= context.now))
    file = UploadedFile(
        user_id=context.user.id,
        book=book,
        name=name.strip()[:NAME_CHARS] or f"{book}.csv",
        content=content,
        sha256=hashlib.sha256(content).digest(),
        foreseen=foreseen.as_json(),
        created_at=context.now,
        expires_at=context.now + LIFETIME,
    )
    session.add(file)
    await session.flush()
    return file


async def known_file(session: AsyncSession, file_id: int) -> None:
    """Refuse a file that is not there, whosever it is."""
    query = sa.select(UploadedFile.id).where(UploadedFile.id == file_id)
    if await session.scalar(query) is None:
        raise NotFound(GONE)


async def uploaded_file(session: AsyncSession, file_id: int, context: Context) -> UploadedFile:
    """A file of this person's own; that of somebody else, or an hour old, is not found."""
    await require(session, context.user, Permission.KEEP_BOOKS)
    query = sa.select(UploadedFile).where(
        UploadedFile.id == file_id,
        UploadedFile.user_id == context.user.id,
        UploadedFile.expires_at > context.now,
    )
    file = (await session.scalars(query.with_for_update())).one_or_none()
    if file is None:
        raise NotFound(GONE)
    return file


async def take_in_file(
    session: AsyncSession, file_id: int, agreed: str, context: Context
) -> tuple[UploadedFile, Foreseen, bool]:
    """Take in a file that does what was `agreed`, and forget its rows; whether that was done.
    Refuses one that was taken in already.

    Where it does something else by now, nothing is written but that, to be looked at.
    """
    file = await uploaded_file(session, file_id, context)
    if file.taken_in_at is not None:
        raise WrongState(f"{file.name} is in already. Nothing was done again.")
    session.expunge(file)
    given = _named(file.name, await _content(session, file_id))
    foreseen, is_done = await do_if_agreed(
        session, lambda: _take(session, Book(file.book), given, context), agreed, ask=True
    )
    told: dict[str, Any] = {"foreseen": foreseen.as_json()}
    if is_done:
        told |= {"content": b"", "taken_in_at": context.now}
    change = sa.update(UploadedFile).where(UploadedFile.id == file_id)
    await session.execute(change.values(**told))
    return file, foreseen, is_done


async def _content(session: AsyncSession, file_id: int) -> bytes:
    query = sa.select(UploadedFile.content).where(UploadedFile.id == file_id)
    return (await session.scalars(query)).one()


def _named(name: str, content: bytes) -> BinaryIO:
    """The file as its reader takes it, who keeps by its name where figures came from."""
    file = BytesIO(content)
    file.name = name
    return file


async def _take(session: AsyncSession, book: Book, file: BinaryIO, context: Context) -> BookChange:
    return await import_book(session, book, file, context, details=True)
