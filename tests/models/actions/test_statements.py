"""What an action costs: how many statements it takes, so that they do not creep up."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from benchmarks.wire import statements
from models.actions.approve import approve_bill, reject_bill
from models.actions.comment import add_comment
from models.actions.issue import issue_bills
from models.actions.send import Delivered, mark_each_delivered, send_bill
from models.actions.undo import undo_decision
from models.bills.documents import outgoing_documents
from models.bills.states import RejectReason
from models.context import Context
from models.db.database import Database
from models.people.users import User
from models.queries.bill_loader import load_bill_details
from models.settings import BillingSettings
from tests.harness.billing import MAIL, approved, drawn
from tests.harness.cast import People
from tests.harness.scene import act, bill_for

READ, LOCKED, JOBS = 1, 1, 1
"""Whoever acts; the bill under its lock, with all that is decided by; and, with the commit, what is
to be done besides.
"""
LOADED = READ + LOCKED
APPENDED = 1
"""The action, with the bill's row, the slot that it fills, who is told of it, and the promises to
tell them and to draw the bill's cards.
"""

Do = Callable[[AsyncSession, int, Context], Awaitable[object]]


async def approve(session: AsyncSession, bill_id: int, by: Context) -> None:
    await approve_bill(session, bill_id, 1, by)


async def reject(session: AsyncSession, bill_id: int, by: Context) -> None:
    await reject_bill(session, bill_id, 1, by, RejectReason.OTHER, "No")


async def comment(session: AsyncSession, bill_id: int, by: Context) -> None:
    await add_comment(session, bill_id, by, "Soon")


async def undo(session: AsyncSession, bill_id: int, by: Context) -> None:
    await undo_decision(session, bill_id, 2, by, "Too soon")


async def send(session: AsyncSession, bill_id: int, by: Context) -> None:
    await send_bill(session, bill_id, 2, by)


async def sent(db: Database, do: Do, bill_id: int, who: User) -> int:
    async def acting(session: AsyncSession) -> None:
        user = await session.get_one(User, who.id)
        by = replace(act(user), settings=BillingSettings(can_mail=True))
        await do(session, bill_id, by)

    return await statements(db, acting)


@pytest.mark.parametrize(
    ("do", "most"),
    [
        (approve, LOADED + APPENDED),
        (reject, LOADED + APPENDED),
        (comment, LOADED + APPENDED),
    ],
)
async def test_deciding_takes_few_statements(
    db: Database, people: People, do: Do, most: int
) -> None:
    async with db.transaction() as session:
        bill = await bill_for(session, act(people.ana))
    assert await sent(db, do, bill.id, people.kim) == most <= 8


@pytest.mark.parametrize(
    ("do", "most"),
    [
        (undo, LOADED + APPENDED + 2),  # no approval stands; a card is to stand
        (send, LOADED + APPENDED + JOBS),
    ],
)
async def test_so_does_what_follows(db: Database, people: People, do: Do, most: int) -> None:
    async with db.transaction() as session:
        bill = await approved(session, people, **MAIL)
    assert await sent(db, do, bill.id, people.ana) == most <= 8


async def test_seven_that_go_out_together_take_as_many_as_two(db: Database, people: People) -> None:
    """From their number to what came of their letters."""
    settings = BillingSettings(can_mail=True, send_delay_minutes=0)
    clock = replace(act(people.system), settings=settings)
    taken = []
    for number in (2, 7):
        async with db.transaction() as session:
            bills = [
                (await approved(session, people, f"Co {number}-{i}", **MAIL)).id
                for i in range(number)
            ]
            for bill_id in bills:
                await send_bill(session, bill_id, 2, replace(act(people.ana), settings=settings))
        told = [Delivered(one, "250 kept", "billing@acme.example") for one in bills]
        steps: list[Callable[[AsyncSession], Awaitable[object]]] = [
            lambda s, bills=bills: issue_bills(s, bills, clock, drawn),
            lambda s, bills=bills: outgoing_documents(s, bills, clock),
            lambda s, told=told: mark_each_delivered(s, clock, told),
        ]
        taken.append([await statements(db, step) for step in steps])
    assert taken == [[14, 2, 8]] * 2


async def test_the_facts_of_any_number_of_cards_take_one(db: Database, people: People) -> None:
    async with db.transaction() as session:
        bills = [(await bill_for(session, act(people.ana), name)).id for name in ("Ada", "Bob")]
    for ids in ([], bills[:1], bills):
        assert await statements(db, lambda s, ids=ids: load_bill_details(s, ids)) == 1
