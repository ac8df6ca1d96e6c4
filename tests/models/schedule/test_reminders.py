"""Whoever is asked is reminded where and while they work, ever later; and then Finance hears."""

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from handlers.wording.bill_text import waits_for
from models.actions.absence import end_lost_delegations, mark_away
from models.actions.approve import approve_bill
from models.actions.hold import hold_bill
from models.actions.reassign import reassign_bill
from models.bills.bill import Bill
from models.bills.history import actions_of
from models.bills.states import HoldReason
from models.context import Context
from models.db.database import Database, do_put_off
from models.outbox.messages import Message, MessageKind
from models.people.users import User
from models.queries.bill_loader import load_bill_details
from models.queries.waiting import still_waiting
from models.schedule.due import SCHEDULED, do_if_due
from models.schedule.reminders import escalate, remind
from models.settings import BillingSettings
from tests.harness.cast import People
from tests.harness.scene import act, bill_for, prove

MONDAY = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


def at(people: People, day: int, hour: int = 10, **settings: Any) -> Context:
    """The clock in November 2026, whose second day, a Monday, the bills are of."""
    now = datetime(2026, 11, day, hour, tzinfo=UTC)
    return replace(act(people.system, now), settings=BillingSettings(**settings))


async def kims_bill(session: AsyncSession, people: People, name: str = "Acme") -> Bill:
    needs = {"csm_id": people.kim.id, "require_csm_approval": True}
    return await bill_for(session, act(people.ana, MONDAY), name, **needs)


async def told(session: AsyncSession, kind: MessageKind = MessageKind.REMINDER) -> list[Message]:
    await do_put_off(session)
    query = sa.select(Message).where(Message.kind == kind).order_by(Message.id)
    return list(await session.scalars(query))


async def reminded_on(session: AsyncSession, people: People, days: range) -> list[int]:
    """On which of these days somebody was, who was asked on the second."""
    return [day for day in days for _ in [0] if (await remind(session, at(people, day)))[0]]


async def test_kim_is_reminded_after_one_two_and_four_working_days_and_on_the_record(
    session: AsyncSession, people: People
) -> None:
    bill = await kims_bill(session, people)
    assert await reminded_on(session, people, range(2, 31)) == [3, 5, 11, 23]
    actions = await actions_of(session, bill.id)
    reminders = [one for one in actions if one.action == "remind"]
    assert {one.stakeholder_id for one in reminders} == {people.system.id}
    assert reminders[0].snapshot == {"reminded": [f"user:{people.kim.id}"]}
    assert (await remind(session, at(people, 23, 11)))[0] == 0
    await prove(session, bill.id)


async def test_all_that_waits_for_one_person_is_one_message(
    session: AsyncSession, people: People
) -> None:
    bills = [(await kims_bill(session, people, name)).id for name in ("Acme", "Bolt", "Cone")]
    assert await remind(session, at(people, 3)) == (3, False)
    (message,) = await told(session)
    assert message.recipient == f"user:{people.kim.id}"
    assert sorted(message.facts["waiting"]) == bills


async def test_of_several_programs_that_remind_at_once_one_does(
    db: Database, people: People
) -> None:
    async with db.transaction() as session:
        bills = [(await kims_bill(session, people, name)).id for name in ("Acme", "Bolt")]
    reminders = next(one for one in SCHEDULED if one.kind == "reminders")

    async def tick() -> int:
        async with db.transaction() as session:
            outcome = await do_if_due(session, reminders, at(people, 3))
            await asyncio.sleep(0.01)
        return outcome.counts.get("reminded", 0)

    assert sorted(await asyncio.gather(*(tick() for _ in range(4)))) == [0, 0, 0, 2]
    async with db.transaction() as session:
        assert len(await told(session)) == 1
        for bill_id in bills:
            verbs = [one.action for one in await actions_of(session, bill_id)]
            assert verbs == ["generate", "remind"]


async def test_nobody_is_reminded_out_of_their_own_hours_or_on_a_holiday(
    session: AsyncSession, people: People
) -> None:
    await kims_bill(session, people)
    zone = {"slack_zone": "America/Los_Angeles"}
    await session.execute(sa.update(User).where(User.id == people.kim.id).values(**zone))
    assert (await remind(session, at(people, 3, 10)))[0] == 0
    assert (await remind(session, at(people, 7, 18)))[0] == 0
    free = frozenset({date(2026, 11, 3)})
    assert (await remind(session, at(people, 3, 18, days_off=free)))[0] == 0
    assert (await remind(session, at(people, 3, 18)))[0] == 1


async def test_a_zone_that_is_not_known_here_counts_as_the_companys(
    session: AsyncSession, people: People
) -> None:
    await kims_bill(session, people)
    zone = {"slack_zone": "Mars/Olympus"}
    await session.execute(sa.update(User).where(User.id == people.kim.id).values(**zone))
    assert (await remind(session, at(people, 3)))[0] == 1


async def test_what_is_decided_or_held_is_nothing_to_remind_anybody_of(
    session: AsyncSession, people: People
) -> None:
    decided, held = await kims_bill(session, people), await kims_bill(session, people, "Bolt")
    await approve_bill(session, decided.id, 1, act(people.kim))
    await hold_bill(session, held.id, act(people.system), HoldReason.JUMP)
    assert await remind(session, at(people, 3)) == (0, False)
    assert await escalate(session, at(people, 30)) == (0, False)
    assert await still_waiting(session, [decided.id, held.id], people.kim) == []


async def test_the_delegate_is_reminded_while_kim_is_away_and_kim_once_she_is_back(
    session: AsyncSession, people: People
) -> None:
    await kims_bill(session, people)
    await mark_away(session, act(people.kim, MONDAY), date(2026, 11, 4), people.lee)
    await remind(session, at(people, 3))
    await remind(session, at(people, 5))
    lee, kim = f"user:{people.lee.id}", f"user:{people.kim.id}"
    assert [one.recipient for one in await told(session)] == [lee, kim]


@pytest.mark.parametrize("lost", [{"active": False}, {"role": "Manager"}, {"role": None}])
async def test_a_delegate_who_is_switched_off_leaves_kims_bills_to_kim_and_finance_hears_it_once(
    session: AsyncSession, people: People, lost: dict[str, Any]
) -> None:
    """Nobody reminds Kim, who is away; Finance hears of the bill a working day after that."""
    bill = await kims_bill(session, people)
    await mark_away(session, act(people.kim, MONDAY), date(2026, 11, 20), people.lee)
    await session.execute(sa.update(User).where(User.id == people.lee.id).values(**lost))
    assert await end_lost_delegations(session, at(people, 2)) == 1
    assert await end_lost_delegations(session, at(people, 2, 11)) == 0
    news = await told(session, MessageKind.DELEGATE_LOST)
    assert {one.recipient for one in news} == {f"user:{people.kim.id}", f"user:{people.ana.id}"}
    (facts,) = await load_bill_details(session, [bill.id])
    assert waits_for(facts.needed) == "Waits for Kim (CSM) who is away"
    assert await remind(session, at(people, 3)) == (0, False)
    assert await escalate(session, at(people, 2)) == (0, False)
    assert await escalate(session, at(people, 3)) == (1, False)
    assert await escalate(session, at(people, 16)) == (0, False)


async def test_whoever_is_asked_instead_has_a_time_of_their_own(
    session: AsyncSession, people: People
) -> None:
    bill = await kims_bill(session, people)
    await remind(session, at(people, 3))
    now = datetime(2026, 11, 5, 9, tzinfo=UTC)
    await reassign_bill(session, bill.id, 1, act(people.ana, now), people.lee.id)
    assert (await remind(session, at(people, 5)))[0] == 0
    assert (await remind(session, at(people, 6)))[0] == 1
    assert (await told(session))[-1].recipient == f"user:{people.lee.id}"


async def test_where_a_role_is_asked_its_channel_is_reminded_or_everybody_of_it(
    session: AsyncSession, people: People
) -> None:
    await bill_for(session, act(people.ana, MONDAY), "Acme", require_csm_approval=True)
    await remind(session, at(people, 3, approvals_channel="CAPPROVALS"))
    assert [one.recipient for one in await told(session)] == ["channel:CAPPROVALS"]
    await remind(session, at(people, 5))
    everybody = {f"user:{people.kim.id}", f"user:{people.lee.id}"}
    assert {one.recipient for one in (await told(session))[1:]} == everybody


async def test_finance_hears_once_of_what_has_waited_ten_working_days_in_one_message(
    session: AsyncSession, people: People
) -> None:
    bills = [(await kims_bill(session, people, name)).id for name in ("Acme", "Bolt")]
    assert await escalate(session, at(people, 13)) == (0, False)
    assert await escalate(session, at(people, 16, 20)) == (0, False)
    assert await escalate(session, at(people, 16)) == (2, False)
    assert await escalate(session, at(people, 17)) == (0, False)
    (message,) = await told(session, MessageKind.ESCALATION)
    assert (message.recipient, message.facts["waiting"]) == (f"user:{people.ana.id}", bills)
    action = (await actions_of(session, bills[0]))[-1]
    assert (action.action, action.bill_version) == ("escalate", 1)
