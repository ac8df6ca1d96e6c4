"""Links by which customers see what is behind a document of theirs: no account, for a while."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from models.bills.bill import Bill
from models.bills.documents import Document, issued_facts
from models.bills.invoice_data import InvoiceData, IssuedLink
from models.bills.states import State
from models.context import Context
from models.db.columns import Base, Id
from models.errors import NotFound
from models.people.secret_tokens import TokenKind, new_token, token_hash
from models.people.users import User
from models.settings import BillingSettings


class UsageLink(Base):
    """A link to what a bill's document says, known by the hash of its token alone."""

    __tablename__ = "usage_links"

    id: Mapped[Id]
    bill_id: Mapped[int] = mapped_column(sa.BigInteger, sa.ForeignKey(Bill.id))
    token_hash: Mapped[bytes]
    made_by: Mapped[int] = mapped_column(sa.BigInteger, sa.ForeignKey(User.id))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_by: Mapped[int | None] = mapped_column(sa.BigInteger, sa.ForeignKey(User.id))
    revoked_at: Mapped[datetime | None]


class DeadLink(NotFound):
    """This link leads nowhere."""


@dataclass(frozen=True)
class NewLink:
    """A link that is good until the end of its `last_day`. Whoever has its address gets in."""

    token: str
    address: str
    last_day: date
    expires_at: datetime

    @property
    def as_issued(self) -> IssuedLink:
        return IssuedLink(self.address, self.last_day)


NO_ADDRESS = (
    "Customers have no address to reach these pages by. Whoever looks after Countersign sets "
    "PUBLIC_URL, and USAGE_LINK_DAYS above 0."
)


def are_links_wanted(settings: BillingSettings) -> bool:
    """Whether customers have an address to reach the pages by, and are to have links."""
    return bool(settings.public_url and settings.usage_link_days)


def new_link(context: Context) -> NewLink | None:
    """One that is not kept yet; None where none are wanted."""
    settings = context.settings
    if not are_links_wanted(settings):
        return None
    token = new_token(TokenKind.USAGE)
    last_day = context.today + timedelta(days=settings.usage_link_days)
    ends = datetime.combine(last_day + timedelta(days=1), time(), settings.zone)
    return NewLink(token, f"{settings.public_url}/u/{token}", last_day, ends)


async def keep_links(session: AsyncSession, links: Mapping[int, NewLink], context: Context) -> None:
    """From now on they lead to what the documents of these bills say."""
    session.add_all(
        UsageLink(
            bill_id=bill_id,
            token_hash=token_hash(link.token),
            made_by=context.user.id,
            created_at=context.now,
            expires_at=link.expires_at,
        )
        for bill_id, link in links.items()
    )
    await session.flush()


async def links_of(session: AsyncSession, bill_id: int) -> Sequence[UsageLink]:
    """All that were ever made to a bill, the oldest first."""
    query = sa.select(UsageLink).where(UsageLink.bill_id == bill_id).order_by(UsageLink.id)
    return (await session.scalars(query)).all()


def are_open(now: datetime) -> sa.ColumnElement[bool]:
    return sa.and_(UsageLink.revoked_at.is_(None), UsageLink.expires_at > now)


async def open_until(session: AsyncSession, bill_id: int, now: datetime) -> datetime | None:
    """When the last of a bill's links expires; None where none leads anywhere."""
    latest = sa.select(sa.func.max(UsageLink.expires_at))
    return await session.scalar(latest.where(UsageLink.bill_id == bill_id, are_open(now)))


@dataclass(frozen=True)
class LinkedBill:
    """What a link leads to: what the bill's document says, and what the documents say that have
    corrected or replaced it since.
    """

    bill_id: int
    expires_at: datetime
    facts: InvoiceData
    later: tuple[InvoiceData, ...]


async def linked_bill(session: AsyncSession, token: str, context: Context) -> LinkedBill:
    """What the link of this token leads to. Raises DeadLink: one that expired or was revoked is
    told apart from none at all by nobody.
    """
    query = sa.select(UsageLink).where(
        UsageLink.token_hash == token_hash(token), are_open(context.now)
    )
    link = (await session.scalars(query)).one_or_none()
    if link is None:
        raise DeadLink
    own, *later = [
        await issued_facts(session, bill, document, context)
        for bill, document in await session.execute(_ITS_DOCUMENTS, {"bill_id": link.bill_id})
    ]
    return LinkedBill(link.bill_id, link.expires_at, own, tuple(later))


_BILL_ID = sa.bindparam("bill_id", type_=sa.BigInteger)
_IS_LATER = sa.and_(
    sa.or_(Bill.adjusts_id == _BILL_ID, Bill.replaces_id == _BILL_ID), Bill.status == State.SENT
)
_ITS_DOCUMENTS = (
    sa.select(Bill, Document)
    .join(Document, Document.bill_id == Bill.id)
    .where(sa.or_(Bill.id == _BILL_ID, _IS_LATER))
    .order_by(Bill.id != _BILL_ID, Bill.id)
)
"""The bill's own first."""
