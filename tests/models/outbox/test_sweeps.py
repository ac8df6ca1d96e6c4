"""What a worker looks for by itself is looked for bit by bit, and found all the same."""

from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.actions.send import send_bill
from models.batches.upkeep import upkeep_step
from models.db.database import do_put_off
from models.outbox.recovery import defer_due_issues, has_lost_messages
from tests.harness.billing import approved, clock
from tests.harness.cast import People, find_people
from tests.harness.reading import rows_read
from tests.harness.scene import NOW, act
from tests.models.conftest import KIMS

ISSUES = sa.text("select args from procrastinate_jobs where task_name = 'issue' order by id")


async def test_every_customer_has_its_turn_and_no_look_reads_more_than_its_own(
    company: AsyncSession,
) -> None:
    last = "update usages set api_usage = 2001 where customer_id = (select max(id) from customers)"
    await company.execute(sa.text(last))
    people = await find_people(company)
    steps, settled, after = 0, 0, 0

    async def look() -> None:
        nonlocal after, settled
        step = await upkeep_step(company, clock(people), after, most=1_000)
        settled += len(step.settled.invalidated)
        after = step.upto or 0

    while steps == 0 or after:
        read = await rows_read(company, look)
        assert read["customers"] <= 20_000, read
        steps += 1
    assert (steps, settled) == (4, 2)


async def test_bills_whose_delay_is_over_are_found_a_few_at_a_time(
    session: AsyncSession, people: People
) -> None:
    bills = [await approved(session, people, name) for name in ("Ada", "Bob", "Cleo")]
    for bill in bills:
        await send_bill(session, bill.id, bill.version, act(people.ana))
    await do_put_off(session)
    await session.execute(sa.text("delete from procrastinate_jobs"))
    over = NOW + timedelta(hours=1)
    assert await defer_due_issues(session, NOW, most=2) == bills[1].id
    assert await defer_due_issues(session, over, most=2) == bills[1].id
    assert await defer_due_issues(session, over, bills[1].id, most=2) == 0
    await do_put_off(session)
    assert [args["bill_id"] for args in await session.scalars(ISSUES)] == [b.id for b in bills]


async def test_whoever_waits_for_many_messages_is_found_by_the_oldest(
    company: AsyncSession,
) -> None:
    found = list[bool]()

    async def look() -> None:
        found.append(await has_lost_messages(company))

    read = await rows_read(company, look)
    assert read["messages"] <= 10 * KIMS, read
    await company.execute(sa.text("delete from procrastinate_jobs"))
    await company.execute(sa.text("update messages set created_at = now() - interval '1 hour'"))
    await look()
    assert found == [False, True]
