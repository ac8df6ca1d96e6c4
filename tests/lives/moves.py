"""Every verb as a step of a story: done to a bill it fits, by somebody who may well do it.

Chance (`Lot`) may also send anybody to any bill with any version of its card.
"""

import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from models.actions.approve import approve_bill, reject_bill
from models.actions.comment import add_comment
from models.actions.comment import delete_comment as delete
from models.actions.comment import edit_comment as edit
from models.actions.hold import hold_bill, release_bill
from models.actions.incoming import record_mail
from models.actions.reassign import reassign_bill
from models.actions.recalculate import recalculate
from models.actions.revise import revise_bill
from models.actions.send import mark_send_failed, send_bill
from models.actions.undo import undo_decision
from models.actions.void import reissue_bill, void_bill
from models.batches.bill_run import run_step, start_bill_run
from models.batches.bill_run_report import run_report
from models.bills.documents import PLAIN_TEXT, Drawn, issued_document
from models.bills.incoming import DeliveryReport, Failure, Incoming, MailReply
from models.bills.invoice_data import InvoiceData
from models.bills.states import HoldReason, RejectReason, State
from models.context import Context
from models.customers.terms import show_terms_of_today
from models.outbox.notifications import Recalculation
from models.period import Period
from tests.harness.issuing import issue_bill, mark_delivered
from tests.lives import golden
from tests.lives.ledger import Row
from tests.lives.scene import APPROVERS, FINANCE, Lot, Scene

Card = tuple[AsyncSession, int, int, Context]


@dataclass(frozen=True)
class TermsAsked:
    """Terms that somebody gives; `month` None: without saying from when."""

    customer_id: int
    month: Period | None
    currency: str
    monthly_api_limit: int
    overage_unit_cost: Decimal | None


@dataclass
class Turn:
    """One step being taken; it notes who did what to which bill for whoever judges it."""

    session: AsyncSession
    scene: Scene
    lot: Lot
    who: str = ""
    bill: Row = None
    versioned: bool = False
    told: Any = None
    asked: TermsAsked | None = None

    async def act(self, likely: str) -> Context:
        self.who = self.lot.who or likely
        return await self.scene.act(self.session, self.who)

    def target(self, fits: Callable[[Row], bool]) -> Row:
        self.bill = self.scene.choose(self.lot, fits)
        if self.bill is None:
            raise Idle
        return self.bill

    async def card(self, fits: Callable[[Row], bool], likely: Callable[[Row], str]) -> Card:
        """The bill, the version somebody saw of it, and who that is."""
        bill = self.target(fits)
        self.versioned = True
        act = await self.act(likely(bill))
        return self.session, bill.id, bill.version - self.lot.behind, act

    def finance(self, _: Row = None) -> str:
        return FINANCE[self.lot.pick % 2]


class Idle(Exception):
    """There is nothing that this verb could be done to."""


Move = Callable[[Turn], Awaitable[Any]]


def in_state(*states: State) -> Callable[[Row], bool]:
    return lambda bill: bill.status in states


def _unissued(state: State) -> Callable[[Row], bool]:
    return lambda bill: bill.status == state and bill.number is None


def _decider(turn: Turn, bill: Row) -> str:
    """Somebody whose word is still missing; now and then any approver, or whoever made the bill."""
    scene = turn.scene
    if turn.lot.calls % 8 == 0:
        return APPROVERS[turn.lot.pick % len(APPROVERS)]
    if turn.lot.calls % 8 == 1:
        return scene.names[max(golden.made_by(scene.ledger, bill))]
    given = {slot for slot, *_ in scene.ledger.approved_by[bill.id]}
    spoken = {user_id for _, user_id, _ in scene.ledger.approved_by[bill.id]}
    customer = scene.ledger.customer[bill.customer_id]
    for slot in golden.needed(customer, bill.overage_amount, bill.currency):
        able = sorted(golden.able(scene.ledger, bill, slot, scene.today) - spoken)
        if slot not in given and able:
            return scene.names[able[turn.lot.pick % len(able)]]
    return "kim"


def _repenter(turn: Turn, bill: Row) -> str:
    """Finance, or whoever took the last decision."""
    last = turn.scene.ledger.standing[bill.id].last_decision
    if last is None or turn.lot.pick % 2:
        return turn.finance()
    return turn.scene.names[last.user_id]


async def approve(turn: Turn) -> Any:
    return await approve_bill(
        *await turn.card(in_state(State.PENDING), lambda bill: _decider(turn, bill))
    )


async def reject(turn: Turn) -> Any:
    card = await turn.card(in_state(State.PENDING), lambda bill: _decider(turn, bill))
    return await reject_bill(*card, RejectReason.OTHER, "Not so")


async def reassign(turn: Turn) -> Any:
    """Mostly to an approver."""
    crew = APPROVERS if not turn.lot.stray else tuple(turn.scene.ids)
    asked = turn.scene.ids[crew[turn.lot.calls % len(crew)]]
    card = await turn.card(in_state(State.HELD, State.PENDING), turn.finance)
    return await reassign_bill(*card, asked)


async def release(turn: Turn) -> Any:
    card = await turn.card(in_state(State.HELD), turn.finance)
    return await release_bill(*card, "Looked into" if turn.lot.calls % 4 else None)


async def hold(turn: Turn) -> Any:
    bill = turn.target(in_state(State.PENDING, State.APPROVED))
    cause = list(HoldReason)[turn.lot.pick % len(HoldReason)]
    return await hold_bill(turn.session, bill.id, await turn.act("system"), cause)


async def undo(turn: Turn) -> Any:
    """With or without naming the decision; what is named may be any action of the bill."""
    standing = turn.scene.ledger.standing
    card = await turn.card(
        lambda bill: bool(standing[bill.id].decisions), lambda bill: _repenter(turn, bill)
    )
    return await undo_decision(*card, "By mistake", _named_decision(turn))


def _named_decision(turn: Turn) -> int | None:
    decisions = turn.scene.ledger.standing[turn.bill.id].decisions
    match turn.lot.calls % 8:
        case 0:
            actions = turn.scene.ledger.actions[turn.bill.id]
            return int(actions[-1 - turn.lot.pick % len(actions)].id)
        case 1 | 2 | 3 if decisions:
            return decisions[-1 - turn.lot.pick % min(2, len(decisions))].action_id
        case _:
            return None


async def revise(turn: Turn) -> Any:
    card = await turn.card(in_state(State.HELD, State.REJECTED), turn.finance)
    return await revise_bill(*card, "Taken anew")


async def adjust_units(turn: Turn) -> Any:
    card = await turn.card(in_state(State.HELD, State.PENDING, State.REJECTED), turn.finance)
    return await revise_bill(*card, "As agreed", _units(turn.bill, turn.lot))


def _units(bill: Row, lot: Lot) -> int:
    """Mostly a number that can be agreed on; now and then what was used, nothing or too much."""
    if lot.calls % 8 == 0:
        return int(bill.api_usage) + lot.pick - 2
    most = max(1, min(3000, bill.api_usage))
    return lot.calls % most + 1 if bill.kind == "overage" else lot.calls % 200 - 100


async def send(turn: Turn) -> Any:
    return await send_bill(*await turn.card(in_state(State.APPROVED), turn.finance))


async def issue(turn: Turn) -> Any:
    """Mostly when its delay is over."""
    bill = turn.target(_unissued(State.SENDING))
    at = due(turn.scene, bill)
    if at is not None and turn.lot.calls % 8:
        turn.scene.now = max(turn.scene.now, at)
    return await issue_bill(turn.session, bill.id, await turn.act("system"), draw) or None


def due(scene: Scene, bill: Row) -> datetime | None:
    told = [a.snapshot["due"] for a in scene.ledger.actions[bill.id] if "due" in a.snapshot]
    return datetime.fromisoformat(told[-1]) if told else None


async def draw(facts: InvoiceData) -> Drawn:
    """All that a document would say, to be held to what it should."""
    return Drawn(json.dumps(asdict(facts), default=str).encode(), PLAIN_TEXT)


async def send_again(turn: Turn) -> Any:
    """What has gone out and come back, under the number and with the document that it has."""

    def came_back(bill: Row) -> bool:
        return bill.status == State.SENT and turn.scene.ledger.came_back(bill.id)

    return await send_bill(*await turn.card(came_back, turn.finance))


def _on_its_way(bill: Row) -> bool:
    return bill.status == State.SENDING and bill.number is not None


async def deliver(turn: Turn) -> Any:
    bill = turn.target(_on_its_way)
    return await mark_delivered(turn.session, bill.id, await turn.act("system"), "250 OK")


async def send_failed(turn: Turn) -> Any:
    bill = turn.target(_on_its_way)
    return await mark_send_failed(turn.session, bill.id, await turn.act("system"), "550 No")


async def mail_back(turn: Turn) -> Any:
    """Somebody writes upon a letter, or a server does: twice, and once about none of ours."""
    bill = turn.target(lambda bill: turn.scene.ledger.did(bill.id, "deliver"))
    document = await issued_document(turn.session, bill.id)
    if document is None:
        raise Idle
    about = (f"{document.mail_id}@us",)
    mail: Incoming = MailReply(about, "Jane <jane@acme.example>", "Hm")
    if turn.lot.pick % 2:
        to = ("pay@acme.example", "boss@copy.example")[turn.lot.pick // 2 % 2]
        mail = DeliveryReport(about, (Failure(to, "550 No"),))
    act, name = await turn.act("system"), f"{turn.lot.pick}"
    nothing = DeliveryReport((f"{bill.number}@us", "x@us"), (Failure(None, "550"),))
    assert await record_mail(turn.session, nothing, "nothing", act) is None
    first = await record_mail(turn.session, mail, name, act)
    assert await record_mail(turn.session, mail, name, act) is None
    return first


async def void(turn: Turn) -> Any:
    return await void_bill(
        *await turn.card(lambda bill: bill.status != State.VOID, turn.finance), "Billed in error"
    )


async def void_sent(turn: Turn) -> Any:
    return await void_bill(*await turn.card(in_state(State.SENT), turn.finance), "All wrong")


async def reissue(turn: Turn) -> Any:
    ledger = turn.scene.ledger
    card = await turn.card(
        lambda bill: (
            bill.status == State.VOID
            and bill.kind == "overage"
            and not any(
                (other.customer_id, other.year, other.month, other.kind)
                == (bill.customer_id, bill.year, bill.month, bill.kind)
                and other.status != State.VOID
                for other in ledger.bills
            )
        ),
        turn.finance,
    )
    return await reissue_bill(*card, "Once more")


async def comment(turn: Turn) -> Any:
    bill = turn.target(lambda _: True)
    return await add_comment(turn.session, bill.id, await turn.act("kim"), "Hm")


async def edit_comment(turn: Turn) -> Any:
    comment = _comment(turn)
    act = await turn.act(turn.scene.names[comment.stakeholder_id])
    return await edit(turn.session, comment.id, act, f"Hm {turn.lot.calls}")


async def delete_comment(turn: Turn) -> Any:
    comment = _comment(turn)
    act = await turn.act(turn.scene.names[comment.stakeholder_id])
    return await delete(turn.session, comment.id, act)


def _comment(turn: Turn) -> Row:
    written = [a for a in turn.scene.ledger.bill_actions if a.action == "comment"]
    if not written:
        raise Idle
    return written[-1 - turn.lot.pick % len(written)]


async def generate(turn: Turn) -> Any:
    """The last closed month, or one of the two before it; of one customer or of all."""
    period = turn.scene.month.plus(-1 - turn.lot.pick % 3)
    which = turn.lot.calls % (len(turn.scene.customers) + 1)
    customer_id = (*turn.scene.customers, None)[which]
    act = await turn.act((*FINANCE, "system")[turn.lot.pick % 3])
    return await _run(turn, act, period, customer_id) or None


async def _run(turn: Turn, act: Any, period: Any, customer_id: int | None) -> int:
    zone = turn.scene.settings.zone
    run_id = await start_bill_run(turn.session, period, act, zone, customer_id)
    while not (await run_step(turn.session, run_id, act.settings, act.now)).ended:
        pass
    return (await run_report(turn.session, run_id)).added


async def wait(turn: Turn) -> Any:
    """Minutes, days or months go by."""
    turn.scene.pass_time(turn.lot.wait)
    turn.who = "nobody"


async def sweep(turn: Turn) -> Any:
    """What the worker does now and then, in case nobody has."""
    act = await turn.act("system")
    await show_terms_of_today(turn.session, act.today)
    turn.told = await recalculate(turn.session, act)
    turn.scene.unsettled.clear()
    return turn.told if turn.told != Recalculation() else None
