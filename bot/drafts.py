"""What each kind of posting says: its facts, read in a transaction, and how they are drawn."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from handlers.views import card, replies, sends
from handlers.views.kit import SlackMessage
from models.batches.bill_run import run_report
from models.batches.bulk_send import send_report
from models.bills.states import State
from models.db.columns import Session
from models.outbox.delivery import count_actions
from models.outbox.messages import Message, MessageKind, MessageState
from models.people.permissions import Role
from models.people.users import User, person_ref
from models.queries.bill_details import BillDetails
from models.queries.bill_loader import load_bill_details
from models.queries.digest import digest_count, digest_lines
from models.queries.history import HistoryEntry, load_history

APPROVED = frozenset({State.APPROVED, State.SENDING, State.SENT})


@dataclass(frozen=True)
class Draft:
    """A message still to be drawn; `actions` is how many of its bill's actions it shows."""

    draw: Callable[[], SlackMessage]
    actions: int = 0


async def draft(session: Session, posting: Message) -> Draft | None:
    """What this posting says as things are now; None where there is nothing left to say."""
    return await _DRAFTS[posting.kind](session, posting)


async def _card(session: Session, posting: Message) -> Draft:
    assert posting.bill_id is not None
    actions = await count_actions(session, posting.bill_id)
    (facts,) = await load_bill_details(session, [posting.bill_id])
    return Draft(partial(card.bill_card, facts), actions)


async def _digest(session: Session, posting: Message) -> Draft | None:
    """One that was posted is drawn though nothing waits any more."""
    lines = await digest_lines(session, posting)
    if not lines and posting.state != MessageState.POSTED:
        return None
    listed = await digest_count(session, posting)
    months = {line.period for line in lines}
    period = months.pop() if len(months) == 1 else None
    return Draft(partial(replies.digest, lines, period, listed))


async def _run(session: Session, posting: Message) -> Draft:
    facts = await run_report(session, posting.facts["run_id"])
    return Draft(partial(replies.progress, facts))


async def _rejection(session: Session, posting: Message) -> Draft:
    return Draft(partial(replies.rejection_notice, *await _told_of(session, posting)))


async def _not_sent(session: Session, posting: Message) -> Draft:
    return Draft(partial(replies.not_sent, *await _told_of(session, posting)))


async def _told_of(session: Session, posting: Message) -> tuple[BillDetails, HistoryEntry]:
    """The bill as it is now, and the deed that somebody is told of."""
    bill_id, action_id = posting.facts["bill_id"], posting.facts["action_id"]
    (facts,) = await load_bill_details(session, [bill_id])
    (deed,) = [deed for deed in await load_history(session, bill_id) if deed.id == action_id]
    return facts, deed


async def _approvals(session: Session, posting: Message) -> Draft | None:
    """Approvals taken back in the meantime are not told."""
    found = await load_bill_details(session, posting.facts["bills"])
    approved = [facts for facts in found if facts.status in APPROVED]
    reader_id = int(posting.place.partition(":")[2])
    return Draft(partial(replies.approvals_notice, approved, reader_id)) if approved else None


async def _approvals_fell(session: Session, posting: Message) -> Draft | None:
    """Bills that were approved again, or made void, in the meantime are not told."""
    found = await load_bill_details(session, posting.facts["bills"])
    waiting = [facts for facts in found if facts.status in (State.PENDING, State.HELD)]
    more = posting.facts["count"] - len(found)
    return Draft(partial(replies.approvals_fell, waiting, more)) if waiting else None


async def _settled(session: Session, posting: Message) -> Draft:
    """Bills that were held are among those that were worked out anew: they are told once."""
    done = {name: (told["count"], told["bills"]) for name, told in posting.facts.items()}
    held, ids = done.get("held", (0, []))
    count, anew = done.get("invalidated", (0, []))
    if held and count:
        done["invalidated"] = (count - held, [one for one in anew if one not in ids])
    named = {one for _, some in done.values() for one in some[: replies.SETTLED_NAMED]}
    facts = {one.id: one for one in await load_bill_details(session, sorted(named))}
    return Draft(partial(replies.settled, done, facts))


async def _sending(session: Session, posting: Message) -> Draft:
    return Draft(partial(sends.progress, await send_report(session, posting.id)))


async def _access_request(session: Session, posting: Message) -> Draft:
    asker = await session.get_one(User, posting.facts["user_id"])
    return Draft(partial(replies.access_requested, person_ref(asker)))


async def _access_granted(session: Session, posting: Message) -> Draft:
    del session
    return Draft(partial(replies.access_granted, Role(posting.facts["role"])))


_DRAFTS: dict[str, Callable[[Session, Message], Awaitable[Draft | None]]] = {
    MessageKind.CARD: _card,
    MessageKind.DIGEST: _digest,
    MessageKind.RUN: _run,
    MessageKind.REJECTION: _rejection,
    MessageKind.APPROVAL: _approvals,
    MessageKind.NOT_SENT: _not_sent,
    MessageKind.SETTLED: _settled,
    MessageKind.APPROVALS_FELL: _approvals_fell,
    MessageKind.SENDING: _sending,
    MessageKind.ACCESS_REQUEST: _access_request,
    MessageKind.ACCESS_GRANTED: _access_granted,
}
