"""What becomes of letters, as steps of a story: trouble, all mail stopped, people's word."""

from datetime import timedelta
from typing import Any

from models.actions.mail_trouble import note_missing, note_trouble
from models.actions.send import confirm_arrival, send_bill
from models.bills.deliveries import Missing
from models.bills.states import State
from models.outbox.mail_pause import Pacing, pause_mail, resume_mail
from tests.harness.issuing import mark_delivered
from tests.lives.ledger import Row
from tests.lives.moves import Idle, Turn

PACING = Pacing(first=1, longest=120, quiet=900)
AGAIN = timedelta(hours=4)
LATE = Missing("late@copy.example", "450 4.2.0 Greylisted", later=True)
NEVER = Missing("gone@copy.example", "550 5.1.1 Unknown", later=False)


def on_its_way(bill: Row) -> bool:
    return bill.status == State.SENDING and bill.number is not None


def _unheard(turn: Turn, bill: Row) -> int:
    row = turn.scene.ledger.delivery.get(bill.id)
    return row.unheard if row else 0


async def not_taken_yet(turn: Turn) -> Any:
    """Refused for now, or handed over without an answer."""
    bill = turn.target(on_its_way)
    unheard = _unheard(turn, bill) + turn.lot.pick % 2
    next_at = turn.scene.now + AGAIN if unheard else None
    await note_trouble(turn.session, bill.id, f"451 {turn.lot.calls % 3}", unheard, next_at)
    return True


async def say_arrived(turn: Turn) -> Any:
    return await confirm_arrival(
        *await turn.card(lambda bill: _unheard(turn, bill) > 0, turn.finance), "Jane, by telephone"
    )


async def mail_once_more(turn: Turn) -> Any:
    return await send_bill(*await turn.card(lambda bill: _unheard(turn, bill) > 0, turn.finance))


async def deliver_to_some(turn: Turn) -> Any:
    bill = turn.target(on_its_way)
    act = await turn.act("system")
    return await mark_delivered(turn.session, bill.id, act, "250 OK", missing=(LATE, NEVER))


async def reach_a_copy(turn: Turn) -> Any:
    bill = turn.target(lambda bill: turn.scene.ledger.waits_for_copies(bill.id))
    if not turn.scene.ledger.waits_for_copies(bill.id):
        raise Idle
    await note_missing(turn.session, bill.id, (NEVER,))
    return True


async def stop_mail(turn: Turn) -> Any:
    """For one of two causes, of which one needs somebody."""
    needs_somebody, now = turn.lot.pick % 2 == 0, turn.scene.now
    cause = "535 5.7.8 wrong" if needs_somebody else "Connection lost"
    return await pause_mail(
        turn.session, cause, needs_somebody=needs_somebody, began=now, now=now, pacing=PACING
    )


async def let_mail_go_on(turn: Turn) -> Any:
    return await resume_mail(turn.session) or None
