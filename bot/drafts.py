"""What each kind of posting says: its facts, read in a transaction, and how they are drawn."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from handlers.views import card, replies, sends
from handlers.views.kit import Message
from models import gather, month_end, outbox, postings
from models.announce import Kind, Posting, PostingState
from models.base import Session
from models.bills import State
from models.dossier import BillFacts, Deed
from models.people import Role, User

APPROVED = frozenset({State.APPROVED, State.SENDING, State.SENT})


@dataclass(frozen=True)
class Draft:
    """A message still to be drawn; `actions` is how many of its bill's actions it shows."""

    draw: Callable[[], Message]
    actions: int = 0


async def draft(session: Session, posting: Posting) -> Draft | None:
    """What this posting says as things are now; None where there is nothing left to say."""
    return await _DRAFTS[posting.kind](session, posting)


async def _card(session: Session, posting: Posting) -> Draft:
    assert posting.bill_id is not None
    actions = await postings.actions_of(session, posting.bill_id)
    (facts,) = await gather.bill_facts(session, [posting.bill_id])
    return Draft(partial(card.bill_card, facts), actions)


async def _digest(session: Session, posting: Posting) -> Draft | None:
    """One that was posted is drawn though nothing waits any more."""
    lines = await postings.listed_lines(session, posting)
    if not lines and posting.state != PostingState.POSTED:
        return None
    listed = await postings.listed_count(session, posting)
    months = {line.period for line in lines}
    period = months.pop() if len(months) == 1 else None
    return Draft(partial(replies.digest, lines, period, listed))


async def _run(session: Session, posting: Posting) -> Draft:
    facts = await month_end.facts(session, posting.facts["run_id"])
    return Draft(partial(replies.progress, facts))


async def _rejection(session: Session, posting: Posting) -> Draft:
    return Draft(partial(replies.rejection_notice, *await _told_of(session, posting)))


async def _not_sent(session: Session, posting: Posting) -> Draft:
    return Draft(partial(replies.not_sent, *await _told_of(session, posting)))


async def _told_of(session: Session, posting: Posting) -> tuple[BillFacts, Deed]:
    """The bill as it is now, and the deed that somebody is told of."""
    bill_id, action_id = posting.facts["bill_id"], posting.facts["action_id"]
    (facts,) = await gather.bill_facts(session, [bill_id])
    (deed,) = [deed for deed in await gather.story(session, bill_id) if deed.id == action_id]
    return facts, deed


async def _approvals(session: Session, posting: Posting) -> Draft | None:
    """Approvals taken back in the meantime are not told."""
    found = await gather.bill_facts(session, posting.facts["bills"])
    approved = [facts for facts in found if facts.status in APPROVED]
    reader_id = int(posting.place.partition(":")[2])
    return Draft(partial(replies.approvals_notice, approved, reader_id)) if approved else None


async def _approvals_fell(session: Session, posting: Posting) -> Draft | None:
    """Bills that were approved again, or made void, in the meantime are not told."""
    found = await gather.bill_facts(session, posting.facts["bills"])
    waiting = [facts for facts in found if facts.status in (State.PENDING, State.HELD)]
    more = posting.facts["count"] - len(found)
    return Draft(partial(replies.approvals_fell, waiting, more)) if waiting else None


async def _settled(session: Session, posting: Posting) -> Draft:
    """Bills that were held are among those that were worked out anew: they are told once."""
    done = {name: (told["count"], told["bills"]) for name, told in posting.facts.items()}
    held, ids = done.get("held", (0, []))
    count, anew = done.get("invalidated", (0, []))
    if held and count:
        done["invalidated"] = (count - held, [one for one in anew if one not in ids])
    named = {one for _, some in done.values() for one in some[: replies.SETTLED_NAMED]}
    facts = {one.id: one for one in await gather.bill_facts(session, sorted(named))}
    return Draft(partial(replies.settled, done, facts))


async def _sending(session: Session, posting: Posting) -> Draft:
    return Draft(partial(sends.progress, await outbox.facts(session, posting.id)))


async def _access_request(session: Session, posting: Posting) -> Draft:
    asker = await session.get_one(User, posting.facts["user_id"])
    return Draft(partial(replies.access_requested, gather.person(asker)))


async def _access_granted(session: Session, posting: Posting) -> Draft:
    del session
    return Draft(partial(replies.access_granted, Role(posting.facts["role"])))


_DRAFTS: dict[str, Callable[[Session, Posting], Awaitable[Draft | None]]] = {
    Kind.CARD: _card,
    Kind.DIGEST: _digest,
    Kind.RUN: _run,
    Kind.REJECTION: _rejection,
    Kind.APPROVAL: _approvals,
    Kind.NOT_SENT: _not_sent,
    Kind.SETTLED: _settled,
    Kind.APPROVALS_FELL: _approvals_fell,
    Kind.SENDING: _sending,
    Kind.ACCESS_REQUEST: _access_request,
    Kind.ACCESS_GRANTED: _access_granted,
}
