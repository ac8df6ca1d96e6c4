"""Where a new bill's cards are promised, by who is named, what is required, and which channels."""

from dataclasses import replace
from datetime import date
from typing import NamedTuple

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.actions.hold import hold_bill, release_bill
from models.bills.bill import bill_of_month
from models.bills.states import HoldReason, State
from models.customers.customers import Customer
from models.db.database import do_put_off
from models.outbox.messages import Message, user_recipient
from models.people.permissions import Role
from models.people.users import User, add_user
from models.queries.bill_list import bills_waiting_for
from models.settings import BillingSettings
from tests.harness.cast import People
from tests.harness.scene import OCTOBER, act, add_customer, generate

Crew = dict[str, User]

# `-` nobody or nothing. Gus has no Slack account, Ira is switched off, Nia has no role any more.
# Places are people's own DMs, `#approvals` the channel of the settings, `#acme` the customer's.
TABLE = """
csm  sales required   channel    customer   places
kim  -     -          -          -          kim
kim  -     -          #approvals -          kim
kim  sam   -          #approvals -          kim
-    sam   -          -          -          sam
-    sam   -          #approvals -          sam
-    -     -          #approvals -          #approvals
-    -     -          -          -          kim lee
kim  -     csm        #approvals -          kim
kim  sam   csm        #approvals -          kim
kim  sam   sales      #approvals -          sam
kim  sam   csm,sales  #approvals -          kim sam
-    -     csm        -          -          kim lee
-    -     csm        #approvals -          #approvals
-    sam   csm        -          -          kim lee
kim  -     sales      -          -          sam sue
kim  -     sales      #approvals -          #approvals
kim  -     csm,sales  -          -          kim sam sue
kim  -     csm,sales  #approvals -          kim #approvals
-    sam   csm,sales  #approvals -          sam #approvals
-    -     csm,sales  -          -          kim lee sam sue
-    -     csm,sales  #approvals -          #approvals
ira  sam   -          #approvals -          sam
ira  -     -          -          -          kim lee
ira  -     -          #approvals -          #approvals
nia  sam   -          #approvals -          sam
sam  -     -          -          -          kim lee
kim  nia   -          -          -          kim
gus  -     -          -          -          kim lee
gus  -     -          #approvals -          #approvals
gus  sam   -          #approvals -          sam
gus  -     csm        -          -          -
gus  -     csm        #approvals -          #approvals
gus  sam   csm,sales  #approvals -          sam #approvals
gus  sam   csm,sales  -          -          sam
kim  -     -          #approvals #acme      kim #acme
-    -     -          #approvals #acme      #approvals #acme
-    -     -          -          #acme      kim lee #acme
gus  -     csm        -          #acme      #acme
-    -     -          #approvals #approvals #approvals
"""


class Row(NamedTuple):
    csm: str
    sales: str
    required: str
    channel: str
    customer: str
    places: frozenset[str]


def rows() -> list[Row]:
    head, *lines = TABLE.strip().splitlines()
    assert tuple(head.split()) == Row._fields
    return [
        Row(csm, sales, required, channel, customer, frozenset(places) - {"-"})
        for csm, sales, required, channel, customer, *places in map(str.split, lines)
    ]


@pytest.fixture
async def crew(session: AsyncSession, people: People) -> Crew:
    ira = await add_user(session, "Ira", Role.CSM, "UIRA")
    ira.active = False
    return {
        "kim": people.kim,
        "lee": people.lee,
        "sam": people.sam,
        "sue": await add_user(session, "Sue", Role.SALES, "USUE"),
        "gus": await add_user(session, "Gus", Role.CSM),
        "nia": await add_user(session, "Nia", None, "UNIA"),
        "ira": ira,
    }


async def promised(session: AsyncSession, bill_id: int, crew: Crew) -> list[str]:
    """The places of a bill's cards, by the names of the table."""
    await do_put_off(session)
    names = {user_recipient(user.id): name for name, user in crew.items()}
    query = sa.select(Message.recipient).where(Message.bill_id == bill_id, Message.kind == "card")
    places = await session.scalars(query)
    return sorted(names.get(place, place.removeprefix("channel:")) for place in places)


async def customer_of(session: AsyncSession, name: str, row: Row, crew: Crew) -> int:
    ids = {name: user.id for name, user in crew.items()}
    customer = await add_customer(
        session,
        name,
        csm_id=ids.get(row.csm),
        sales_id=ids.get(row.sales),
        require_csm_approval="csm" in row.required,
        require_sales_approval="sales" in row.required,
        slack_channel_id=None if row.customer == "-" else row.customer,
    )
    return customer.id


async def test_cards_go_where_the_table_says(
    session: AsyncSession, people: People, crew: Crew
) -> None:
    for number, row in enumerate(rows()):
        customer_id = await customer_of(session, f"Customer {number}", row, crew)
        settings = BillingSettings(approvals_channel=None if row.channel == "-" else row.channel)
        await generate(session, act(people.ana), settings=settings, customer_id=customer_id)
        bill = await bill_of_month(session, customer_id, OCTOBER)
        assert bill.status == State.PENDING, row
        assert await promised(session, bill.id, crew) == sorted(row.places), row


async def test_a_bill_waits_in_the_inbox_of_those_who_get_its_card(
    session: AsyncSession, people: People, crew: Crew
) -> None:
    """And of nobody else, but for Gus, who has no Slack, and those whom a channel stands for."""
    for number, row in enumerate(rows()):
        customer_id = await customer_of(session, f"Customer {number}", row, crew)
        await generate(session, act(people.ana), customer_id=customer_id)
        bill = await bill_of_month(session, customer_id, OCTOBER)
        desks = await desks_with(session, bill.id, crew)
        if "#approvals" in row.places:
            assert desks, row
        else:
            assert desks - {"gus"} == {place for place in row.places if place in crew}, row


async def desks_with(session: AsyncSession, bill_id: int, crew: Crew) -> set[str]:
    found = set()
    for name, user in crew.items():
        page = await bills_waiting_for(session, user, limit=100)
        if any(line.id == bill_id for line in page.lines):
            found.add(name)
    return found


async def test_where_there_is_no_customer_success_sales_gets_what_anybody_may_approve(
    session: AsyncSession, people: People, crew: Crew
) -> None:
    for name in ("kim", "lee", "gus"):
        await session.execute(sa.update(User).where(User.id == crew[name].id).values(active=False))
    customer = await add_customer(session)
    await generate(session, act(people.ana))
    bill = await bill_of_month(session, customer.id, OCTOBER)
    assert bill.status == State.PENDING
    assert await promised(session, bill.id, crew) == ["sam", "sue"]
    assert await desks_with(session, bill.id, crew) >= {"sam", "sue"}


async def test_a_released_bills_cards_go_where_a_new_ones_would(
    session: AsyncSession, people: People, crew: Crew
) -> None:
    for number, row in enumerate(rows()):
        customer_id = await customer_of(session, f"Customer {number}", row, crew)
        channel = None if row.channel == "-" else row.channel
        customer = await session.get_one(Customer, customer_id)
        customer.start_date = date(2026, 11, 1)
        await generate(session, act(people.ana), customer_id=customer_id)
        bill = await bill_of_month(session, customer_id, OCTOBER)
        assert bill.hold_reason == HoldReason.OUTSIDE_CONTRACT
        assert await promised(session, bill.id, crew) == []
        by = replace(act(people.ana), settings=BillingSettings(channel))
        await release_bill(session, bill.id, 1, by, "They began early")
        assert await promised(session, bill.id, crew) == sorted(row.places), row


async def test_a_bill_has_one_card_in_a_place_however_often_it_is_released(
    session: AsyncSession, people: People, crew: Crew
) -> None:
    customer = await add_customer(session, csm_id=people.kim.id, slack_channel_id="#acme")
    await generate(session, act(people.ana), customer_id=customer.id)
    bill = await bill_of_month(session, customer.id, OCTOBER)
    for _ in range(2):
        await hold_bill(session, bill.id, act(people.system), HoldReason.JUMP)
        await release_bill(session, bill.id, bill.version, act(people.ana), None)
    assert await promised(session, bill.id, crew) == ["#acme", "kim"]


async def test_the_worker_is_sent_for_once_a_place(
    session: AsyncSession, people: People, crew: Crew
) -> None:
    for number in range(3):
        await add_customer(session, f"Customer {number}", csm_id=people.kim.id)
    await add_customer(session, "Acme", sales_id=people.sam.id, slack_channel_id="#acme")
    await generate(session, act(people.ana))
    await do_put_off(session)
    posting = "select lock from procrastinate_jobs where task_name = 'post'"
    jobs = await session.scalars(sa.text(posting))
    places = ["channel:#acme", *(user_recipient(user.id) for user in (people.kim, people.sam))]
    assert sorted(jobs) == sorted(f"recipient:{place}" for place in places)


async def test_finance_is_told_once_of_whoever_decides_and_cannot_be_reached(
    session: AsyncSession, people: People, crew: Crew
) -> None:
    for number in range(3):
        await add_customer(
            session, f"Customer {number}", csm_id=crew["gus"].id, require_csm_approval=True
        )
    await add_customer(session, "Anybody's", csm_id=crew["gus"].id)
    await generate(session, act(people.ana))
    query = sa.select(Message.recipient, Message.facts).where(Message.kind == "unreached")
    told = [tuple(row) for row in await session.execute(query)]
    facts = {"user_id": crew["gus"].id, "role": "Customer Success"}
    assert told == [(user_recipient(people.ana.id), facts)]


@pytest.mark.parametrize("channel", [None, "#approvals"])
async def test_finance_is_told_of_a_role_that_nobody_in_slack_has(
    session: AsyncSession, people: People, channel: str | None
) -> None:
    gone = sa.update(User).where(User.id == people.sam.id).values(slack_user_id=None)
    await session.execute(gone)
    await add_customer(session, require_sales_approval=True)
    await generate(session, act(people.ana), settings=BillingSettings(channel))
    facts = await session.scalars(sa.select(Message.facts).where(Message.kind == "unreached"))
    assert facts.all() == [{"user_id": None, "role": "Sales"}]
