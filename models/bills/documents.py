"""Documents as they were issued, and what they say."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from models.bills.bill import Bill
from models.bills.history import BillAction, actions_of_each, due_by
from models.bills.invoice_data import InvoiceData, invoice_data
from models.bills.states import State, Verb
from models.context import Context
from models.customers.customers import Customer
from models.db.columns import Base
from models.errors import NotFound

PLAIN_TEXT, PDF = "text/plain; charset=utf-8", "application/pdf"


class Document(Base):
    """What was issued for a bill, just as it goes out; `sha256` in hex. Never changed.

    `facts` is what it says, as JSON: all that speaks of the document afterwards reads it from here.
    None of one that was issued before these were kept, and does not tell them itself. `mail_id` is
    what its letter is known by, of all letters of all installations, and `sender` in whose name it
    is; None of older ones.
    """

    __tablename__ = "documents"

    bill_id: Mapped[int] = mapped_column(sa.BigInteger, sa.ForeignKey(Bill.id), primary_key=True)
    number: Mapped[str] = mapped_column(unique=True)
    media_type: Mapped[str]
    content: Mapped[bytes] = mapped_column(sa.LargeBinary)
    sha256: Mapped[str] = mapped_column(server_default=sa.FetchedValue())
    facts: Mapped[str | None]
    mail_id: Mapped[str | None] = mapped_column(unique=True)
    sender: Mapped[str | None]
    created_at: Mapped[datetime]

    @property
    def facts_sha256(self) -> str | None:
        return sha256(self.facts.encode()).hexdigest() if self.facts is not None else None

    @property
    def text(self) -> str | None:
        """What it says, where it is plain text."""
        return self.content.decode() if self.media_type == PLAIN_TEXT else None


class Drawn(NamedTuple):
    """A document before it is stored. `no_e_invoice`: why it goes out without one that was asked
    for.
    """

    content: bytes
    media_type: str
    no_e_invoice: str | None = None


class CannotBeDrawn(Exception):
    """No document can be made of what it would say; the message tells people why."""


Draw = Callable[[InvoiceData], Awaitable[Drawn]]
"""Makes a document of what it says, the same for the same facts; raises CannotBeDrawn."""


async def installation_id(session: AsyncSession) -> str:
    """With a document's number before it, it is what a letter of ours is known by."""
    return str(await session.scalar(sa.text("select id from installation")))


async def issued_document(session: AsyncSession, bill_id: int) -> Document | None:
    """What was issued for this bill; None where nothing was yet."""
    return await session.get(Document, bill_id)


async def issued_sha256s(session: AsyncSession, bill_ids: Sequence[int]) -> dict[int, str]:
    """The fingerprints alone, by bill, where the documents themselves are not needed."""
    query = sa.select(Document.bill_id, Document.sha256).where(Document.bill_id.in_(bill_ids))
    found = await session.execute(query)
    return {one.bill_id: one.sha256 for one in found}


async def issued_pdf(session: AsyncSession, bill_id: int) -> Document:
    """The document just as it was issued; refuses where there is none, or one that is no PDF."""
    document = await issued_document(session, bill_id)
    if document is None:
        raise NotFound(f"Bill #{bill_id} has no document. It gets one when it is issued.")
    if document.media_type != PDF:
        raise NotFound(f"Document {document.number} is no PDF but text, just as it went out.")
    return document


@dataclass(frozen=True)
class OutgoingDocument:
    """A document that is to be mailed: as it was issued, to the addresses of today.

    `since` is when its sending was due: the date of the letter, however often it is written.
    `sender`: None where it was issued before that was kept.
    """

    mail_id: str
    sender: str | None
    since: datetime
    facts: InvoiceData
    media_type: str
    content: bytes
    to: str
    cc: str


async def outgoing_document(
    session: AsyncSession, bill_id: int, context: Context, state: State = State.SENDING
) -> OutgoingDocument | None:
    """None where the bill is not on its way out any more, or in that other state."""
    return (await outgoing_documents(session, [bill_id], context, state)).get(bill_id)


async def outgoing_documents(
    session: AsyncSession,
    bill_ids: Sequence[int],
    context: Context,
    state: State = State.SENDING,
) -> dict[int, OutgoingDocument]:
    """The same of many, by bill, without those of which there is none."""
    found = (await session.execute(_OUTGOING, {"bill_ids": list(bill_ids), "state": state})).all()
    actions = await actions_of_each(session, [bill.id for bill, _, _ in found])
    return {
        bill.id: OutgoingDocument(
            mail_id=_mail_id(document, actions[bill.id], state),
            sender=document.sender,
            since=due_by(actions[bill.id]),
            facts=await issued_facts(session, bill, document, context),
            media_type=document.media_type,
            content=document.content,
            to=customer.billing_email or "",
            cc=customer.cc_emails or "",
        )
        for bill, document, customer in found
    }


_OUTGOING = (
    sa.select(Bill, Document, Customer)
    .join(Document, Document.bill_id == Bill.id)
    .join(Customer, Customer.id == Bill.customer_id)
    .where(Bill.id == sa.any_(sa.bindparam("bill_ids", type_=sa.ARRAY(sa.BigInteger))))
    .where(Bill.status == sa.bindparam("state"))
)


def _mail_id(document: Document, actions: Sequence[BillAction], state: State) -> str:
    """What the letter is known by that is on its way, or is out: one that goes out after another
    was reported not to have arrived is another letter.
    """
    taken = sum(action.action == Verb.DELIVER for action in actions)
    earlier = taken - (state is State.SENT)
    name = document.mail_id or document.number
    return f"{name}{_LATER_LETTER}{earlier + 1}" if earlier else name


_LATER_LETTER = ".letter"


def document_letter(mail_id: str) -> str:
    """What the first letter of a document is known by, whichever of its letters it is."""
    return mail_id.partition(_LATER_LETTER)[0]


async def issued_facts(
    session: AsyncSession, bill: Bill, document: Document, context: Context
) -> InvoiceData:
    """What the document says."""
    if document.facts is not None:
        return InvoiceData.from_json(document.facts)
    issued_on = document.created_at.astimezone(context.settings.zone).date()
    return await invoice_data(session, bill, document.number, issued_on, context)
