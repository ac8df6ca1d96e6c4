"""Finance makes links for customers, and takes them back."""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.bills.bill import get_bill
from models.bills.documents import issued_sha256s
from models.bills.usage_links import NO_ADDRESS, NewLink, UsageLink, are_open, keep_links, new_link
from models.context import Context
from models.errors import WrongState
from models.people.permissions import Permission
from models.people.who_can import require

NOT_ISSUED = "It has no document yet, and customers see nothing that was not issued."


async def refuse_without_document(session: AsyncSession, bill_id: int) -> None:
    await get_bill(session, bill_id)
    if not await issued_sha256s(session, [bill_id]):
        raise WrongState(NOT_ISSUED)


async def make_link(session: AsyncSession, bill_id: int, context: Context) -> NewLink:
    """One more link to what was issued for a bill; its address is told once, and never again."""
    await require(session, context.user, Permission.SEND)
    await refuse_without_document(session, bill_id)
    link = new_link(context)
    if link is None:
        raise WrongState(NO_ADDRESS)
    await keep_links(session, {bill_id: link}, context)
    return link


async def revoke_links(session: AsyncSession, bill_id: int, context: Context) -> int:
    """No link to this bill leads anywhere from now on; returns how many did until now."""
    await require(session, context.user, Permission.SEND)
    await get_bill(session, bill_id)
    revoking = (
        sa.update(UsageLink)
        .where(UsageLink.bill_id == bill_id, are_open(context.now))
        .values(revoked_by=context.user.id, revoked_at=context.now)
    )
    return len((await session.scalars(revoking.returning(UsageLink.id))).all())
