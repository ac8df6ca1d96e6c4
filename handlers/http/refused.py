"""What follows a decision that was refused to a browser or a script."""

from dataclasses import dataclass

import structlog
from fastapi import Request

from handlers.http.services import services_of
from models.actions.refused import put_right
from models.bills.bill import get_bill
from models.context import Source, system_context
from models.db.columns import Session
from models.errors import Refusal, WrongState
from models.queries.history import HistoryEntry, load_history

log = structlog.get_logger()


@dataclass(frozen=True)
class Deciding:
    """Which bill a request decides on, and the version that whoever asked has seen."""

    bill_id: int
    version: int


@dataclass(frozen=True)
class RefusedBill:
    """How a bill stands, after what somebody decided too late, and what was done `since` then."""

    bill_id: int
    version: int
    since: tuple[HistoryEntry, ...]


async def follow_refusal(request: Request, refused: Refusal, source: Source) -> None:
    """Put a bill right that somebody saw as it is not, and keep how it stands, for the answer."""
    deciding: Deciding | None = getattr(request.state, "deciding", None)
    if deciding is None or not isinstance(refused, WrongState):
        return
    services = services_of(request)
    try:
        async with services.db.transaction() as session:
            act = await system_context(session, services.now(), source, services.billing)
            await put_right(session, deciding.bill_id, refused, act)
            request.state.standing = await _standing(session, deciding)
    except Exception:
        log.exception("A bill was not put right", bill_id=deciding.bill_id)


async def _standing(session: Session, deciding: Deciding) -> RefusedBill:
    bill = await get_bill(session, deciding.bill_id)
    history = await load_history(session, bill.id)
    since = tuple(entry for entry in history if entry.version > deciding.version)
    return RefusedBill(bill.id, bill.version, since)


def standing_of(request: Request) -> RefusedBill | None:
    """How the bill stands that this request decided on too late."""
    found: RefusedBill | None = getattr(request.state, "standing", None)
    return found
