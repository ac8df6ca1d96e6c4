"""Many bills are issued at once: in the order in which they come, and none in another's way."""

from sqlalchemy.ext.asyncio import AsyncSession

from models.actions.issue import issue_bills
from models.actions.send import send_bill
from models.bills.bill import Bill
from models.bills.documents import CannotBeDrawn, Drawn
from models.bills.invoice_data import InvoiceData
from models.bills.states import State, Verb
from tests.harness.billing import DELAY, approved, clock, drawn, last_action
from tests.harness.cast import People
from tests.harness.scene import NOW, act, prove

NAMES = ("Acme", "Bolt", "Cord", "Dune")


class Printer:
    """Draws what it can, and keeps what it was asked for."""

    def __init__(self, *unknown: str) -> None:
        self._unknown = unknown
        self.asked: list[tuple[str, str]] = []

    async def draw(self, facts: InvoiceData) -> Drawn:
        self.asked.append((facts.customer, facts.number))
        if facts.customer in self._unknown:
            raise CannotBeDrawn("No font has it.")
        return await drawn(facts)


async def _on_their_way(session: AsyncSession, people: People) -> list[Bill]:
    bills = [await approved(session, people, name) for name in NAMES]
    for bill in bills:
        await send_bill(session, bill.id, bill.version, act(people.ana))
    return bills


async def test_bills_that_are_issued_together_get_numbers_in_their_order_and_are_drawn_once(
    session: AsyncSession, people: People
) -> None:
    acme, bolt, cord, dune = await _on_their_way(session, people)
    printer, order = Printer(), [cord.id, acme.id, dune.id]
    due = clock(people, NOW + DELAY)
    assert await issue_bills(session, order, due, printer.draw) == order
    assert [one.number for one in (cord, acme, dune)] == [f"2026-00000{n}" for n in (1, 2, 3)]
    assert sorted(printer.asked) == [
        ("Acme", "2026-000002"), ("Cord", "2026-000001"), ("Dune", "2026-000003"),
    ]  # fmt: skip
    assert await issue_bills(session, [acme.id, bolt.id], due, printer.draw) == [acme.id, bolt.id]
    assert (acme.number, bolt.number) == ("2026-000002", "2026-000004")
    for bill in (acme, bolt, cord, dune):
        await prove(session, bill.id)


async def test_one_that_cannot_be_drawn_takes_no_number_and_those_after_it_move_up(
    session: AsyncSession, people: People
) -> None:
    acme, bolt, cord, dune = await _on_their_way(session, people)
    printer = Printer("Bolt")
    order = [acme.id, bolt.id, cord.id, dune.id]
    gone = await issue_bills(session, order, clock(people, NOW + DELAY), printer.draw)
    assert gone == [acme.id, cord.id, dune.id]
    assert [one.number for one in (acme, bolt, cord, dune)] == [
        "2026-000001", None, "2026-000002", "2026-000003",
    ]  # fmt: skip
    told = await last_action(session, bolt)
    assert (bolt.status, told.action) == (State.APPROVED, Verb.SEND_FAILED)
    assert told.snapshot["failure"] == "No font has it."
    assert printer.asked[-2:] == [("Cord", "2026-000002"), ("Dune", "2026-000003")]
