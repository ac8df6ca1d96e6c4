"""Open bills when people leave, change roles, or customers get others to look after them."""

from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from bot.worker.message_content import content_of
from models.actions.access import deactivate, grant_role
from models.actions.approve import approve_bill
from models.actions.hold import release_bill
from models.actions.reroute import reroute_open_bills
from models.actions.revise import revise_bill
from models.bills.bill import Bill
from models.bills.snapshots import bill_snapshot
from models.bills.states import HoldReason, State
from models.customers.customers import Customer
from models.db.database import Database, do_put_off
from models.errors import NotAllowed
from models.outbox.messages import Message, MessageKind
from models.people.permissions import Role
from models.people.users import User, add_user
from models.queries.bill_list import bills_waiting_for
from models.queries.bill_loader import load_bill_details
from tests.harness.cast import People
from tests.harness.scene import act as by
from tests.harness.scene import bill_for
from tests.views.samples import shown


async def made(db: Database, people: People, **customer: Any) -> int:
    """The id of the one bill of a customer over its limit."""
    async with db.transaction() as session:
        return (await bill_for(session, by(people.ana), **customer)).id


async def bill(session: AsyncSession, bill_id: int) -> Bill:
    return (await session.scalars(sa.select(Bill).where(Bill.id == bill_id))).one()


async def places(session: AsyncSession) -> set[str]:
    await do_put_off(session)
    return set(await session.scalars(sa.text("select recipient from messages where kind = 'card'")))


async def test_a_bill_whose_csm_leaves_is_held_and_once_released_anybody_of_the_role_decides(
    db: Database, people: People
) -> None:
    bill_id = await made(db, people, csm_id=people.kim.id, require_csm_approval=True)
    async with db.transaction() as session:
        await deactivate(session, "UKIM")
        assert await reroute_open_bills(session, by(people.system)) == (bill_id,)
        assert await reroute_open_bills(session, by(people.system)) == ()
    async with db.transaction() as session:
        held = await bill(session, bill_id)
        assert (held.status, held.hold_reason) == (State.HELD, HoldReason.NO_APPROVER)
        await release_bill(session, bill_id, held.version, by(people.ana), "Lee takes over.")
        assert f"user:{people.lee.id}" in await places(session)
        waiting = await bills_waiting_for(session, people.lee)
        assert [line.id for line in waiting.lines] == [bill_id]
        await reroute_open_bills(session, by(people.system))
        released = await bill(session, bill_id)
        assert released.status == State.PENDING
        await approve_bill(session, bill_id, released.version, by(people.lee))
        assert (await bill(session, bill_id)).status == State.APPROVED


async def test_whoever_had_approved_a_bill_that_is_held_now_is_not_told_that_it_waits_for_them(
    db: Database, people: People
) -> None:
    """Kim has approved, and Sam, the only one in Sales, leaves."""
    bill_id = await made(db, people, require_csm_approval=True, require_sales_approval=True)
    async with db.transaction() as session:
        waiting = await bill(session, bill_id)
        await approve_bill(session, bill_id, waiting.version, by(people.kim))
        await deactivate(session, "USAM")
        assert await reroute_open_bills(session, by(people.system)) == (bill_id,)
        assert (await bills_waiting_for(session, people.kim)).lines == ()
        assert "It waits for Finance" in await fallen(session)
    async with db.transaction() as session:
        await add_user(session, "Eva", Role.SALES, "UEVA")
        held = await bill(session, bill_id)
        await release_bill(session, bill_id, held.version, by(people.ana), "Eva is Sales now.")
        assert "It waits for your approval again." in await fallen(session)


async def fallen(session: AsyncSession) -> str:
    """What whoever had approved a bill is told of it, as things are now."""
    await do_put_off(session)
    told = sa.select(Message).where(Message.kind == MessageKind.APPROVALS_FELL)
    content = await content_of(session, (await session.scalars(told)).one())
    assert content is not None
    return shown(content.draw().blocks)


async def test_a_new_csm_gets_a_card_and_the_old_one_may_decide_no_more(
    db: Database, people: People
) -> None:
    bill_id = await made(db, people, csm_id=people.kim.id, require_csm_approval=True)
    async with db.transaction() as session:
        await session.execute(sa.update(Customer).values(csm_id=people.lee.id))
        await reroute_open_bills(session, by(people.ana))
        assert await places(session) == {f"user:{people.kim.id}", f"user:{people.lee.id}"}
        (facts,) = await load_bill_details(session, [bill_id])
        assert [one.name for one in facts.needed[0].people] == ["Lee"]
        with pytest.raises(NotAllowed, match="Only its CSM may") as refused:
            await approve_bill(session, bill_id, facts.version, by(people.kim))
        assert refused.value.who_can is not None
        assert [one.name for one in refused.value.who_can.people] == ["Lee"]


async def test_an_approval_counts_once_the_other_one_is_not_asked_for_any_more(
    db: Database, people: People
) -> None:
    bill_id = await made(
        db, people, csm_id=people.kim.id, require_csm_approval=True, require_sales_approval=True
    )
    async with db.transaction() as session:
        await approve_bill(session, bill_id, 1, by(people.kim))
    async with db.transaction() as session:
        await session.execute(sa.update(Customer).values(require_sales_approval=False))
        await approve_bill(session, bill_id, 1, by(people.kim))
        assert (await bill(session, bill_id)).status == State.APPROVED


async def test_one_person_never_gives_both_approvals(db: Database, people: People) -> None:
    bill_id = await made(db, people, require_csm_approval=True, require_sales_approval=True)
    async with db.transaction() as session:
        await approve_bill(session, bill_id, 1, by(people.kim))
    async with db.transaction() as session:
        kim = await session.get_one(User, people.kim.id)
        kim.role = Role.SALES
        with pytest.raises(NotAllowed, match="in another role"):
            await approve_bill(session, bill_id, 1, by(kim))


async def test_the_system_is_nobodys_csm(db: Database, people: People) -> None:
    with pytest.raises(Exception, match="not here"):
        async with db.transaction() as session:
            await grant_role(session, people.system.id, Role.CSM, by(people.ana))
    with pytest.raises(sa.exc.IntegrityError):
        async with db.transaction() as session:
            await session.execute(sa.text("update users set role = 'Sales' where name = 'system'"))


async def test_a_snapshot_reads_alike_whoever_takes_it(db: Database, people: People) -> None:
    bill_id = await made(db, people, csm_id=people.kim.id)
    async with db.transaction() as session:
        from_sql = await session.scalar(sa.text("select bill_figures(b) from bills b"))
        assert bill_snapshot(await bill(session, bill_id)) == from_sql


async def test_a_bill_that_was_revised_is_held_like_any_other_when_its_csm_leaves(
    db: Database, people: People
) -> None:
    bill_id = await made(db, people, csm_id=people.kim.id, require_csm_approval=True)
    async with db.transaction() as session:
        await revise_bill(session, bill_id, 1, by(people.ana), "A promise", 30_000)
        await deactivate(session, "UKIM")
        assert await reroute_open_bills(session, by(people.system)) == (bill_id,)
        assert (await bill(session, bill_id)).hold_reason == HoldReason.NO_APPROVER
