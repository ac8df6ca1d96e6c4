"""What comes back by mail on a bill: reports that a letter did not arrive, and replies."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from models.bills.bill import Bill
from models.bills.documents import Document, document_letter
from models.db.columns import Base


@dataclass(frozen=True)
class Failure:
    """An address that a letter did not reach, and why in a mail server's words."""

    address: str | None
    words: str


@dataclass(frozen=True)
class DeliveryReport:
    """A mail that says that another did not arrive. `about`: the Message-IDs that it names, the
    likeliest first.
    """

    about: tuple[str, ...]
    failures: tuple[Failure, ...]


@dataclass(frozen=True)
class MailReply:
    """A mail that somebody wrote upon another. `sender` is what it says of itself, which proves
    nothing; `text`: what they wrote above what they quote; `attachments`: by their names.
    """

    about: tuple[str, ...]
    sender: str
    text: str
    attachments: tuple[str, ...] = ()


Incoming = DeliveryReport | MailReply


async def bill_of_letter(session: AsyncSession, message_ids: Sequence[str]) -> int | None:
    """The bill whose letter bears the first of these Message-IDs that is ours; None without."""
    names = [document_letter(one.partition("@")[0]) for one in message_ids]
    is_older = sa.and_(Document.mail_id.is_(None), Document.number.in_(names))
    query = sa.select(
        sa.func.coalesce(Document.mail_id, Document.number).label("name"), Document.bill_id
    ).where(sa.or_(Document.mail_id.in_(names), is_older))
    found = {row.name: row.bill_id for row in await session.execute(query)}
    return next((found[name] for name in names if name in found), None)


class ReceivedMail(Base):
    """A mail that became an action, by what names it: it is the same one wherever it is found."""

    __tablename__ = "received_mails"

    name: Mapped[str] = mapped_column(primary_key=True)
    bill_id: Mapped[int] = mapped_column(sa.BigInteger, sa.ForeignKey(Bill.id))
    received_at: Mapped[datetime]


async def is_received_anew(
    session: AsyncSession, name: str, bill_id: int, now: datetime, most: int
) -> bool:
    """Whether this mail is a new one on its bill, of which so many are taken at `most`.

    To be asked under the bill's lock.
    """
    known = sa.select(sa.func.count()).where(ReceivedMail.bill_id == bill_id)
    if int(await session.scalar(known) or 0) >= most:
        return False
    values = {"name": name, "bill_id": bill_id, "received_at": now}
    adding = insert(ReceivedMail).values(values).on_conflict_do_nothing()
    return await session.scalar(adding.returning(ReceivedMail.name)) is not None
