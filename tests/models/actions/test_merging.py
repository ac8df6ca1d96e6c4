"""Two customers turn out to be one: what was billed stays explained, and is not billed twice."""

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.actions.merge_customers import merge_customers
from models.actions.rename_customer import rename_customer
from models.actions.undo import undo_decision
from models.actions.void import reissue_bill
from models.audit.figures_check import wrong_figures
from models.batches.bill_run_preview import preview_run
from models.customers.customers import Customer
from models.customers.search import find_customer
from models.errors import Invalid, NotAllowed, WrongState
from models.period import Period
from models.queries.bill_list import BillFilter, find_bills
from models.queries.references import find_bill
from models.usage.usage import record_usage
from tests.harness.billing import approved, bills_of, correct_usage, go_out, void
from tests.harness.cast import People
from tests.harness.scene import NOW, OCTOBER, act, add_customer, bill_for, prove

SEPTEMBER, NOVEMBER = OCTOBER.plus(-1), OCTOBER.plus(1)


async def customers(session: AsyncSession, *names: str) -> list[Customer]:
    return [await add_customer(session, name, used=None) for name in names]


async def use(session: AsyncSession, people: People, who: Customer, **calls: int) -> None:
    months = {"september": SEPTEMBER, "october": OCTOBER, "november": NOVEMBER}
    for month, used in calls.items():
        await record_usage(session, who.id, months[month], used, act(people.ana))


async def used(session: AsyncSession, who: Customer) -> dict[str, int]:
    rows = await session.execute(
        sa.text("select year, month, api_usage from usages where customer_id = :id order by 1, 2"),
        {"id": who.id},
    )
    return {str(Period(year, month)): calls for year, month, calls in rows}


async def test_usage_that_came_under_a_twin_is_billed_to_the_customer(
    session: AsyncSession, people: People
) -> None:
    acme, twin = await customers(session, "Acme", "Acme Inc")
    await use(session, people, acme, september=90_000)
    await use(session, people, twin, october=150_000)
    change, done = await merge_customers(session, twin.id, acme.id, act(people.ana), "a twin")
    assert (change.old_name, change.new_name, change.reason) == ("Acme Inc", "Acme", "a twin")
    assert [str(day) for day in change.moved_usage] == ["2026-10-01"]
    assert await used(session, acme) == {"2026-09": 90_000, "2026-10": 150_000}
    assert await used(session, twin) == {}
    for typed in ("acme inc", "ACME", "Acme I"):
        assert (await find_customer(session, typed)).id == acme.id
    preview = await preview_run(session, OCTOBER)
    assert [(one.customer, one.amount) for one in preview.biggest] == [("Acme", 5_000)]
    assert (await preview_run(session, SEPTEMBER)).missing == ()
    assert done.proposed == ()


async def test_what_was_billed_to_a_merged_customer_stays_its_own_and_is_found_by_both(
    session: AsyncSession, people: People
) -> None:
    sent = await approved(session, people, "Initech")
    await go_out(session, people, sent)
    theirs = await bill_for(session, act(people.ana), "Acme Corp")
    initech = await session.get_one(Customer, sent.customer_id)
    acme = await session.get_one(Customer, theirs.customer_id)
    await merge_customers(session, initech.id, acme.id, act(people.ana))
    assert await used(session, initech) == {"2026-10": 150_000}
    assert await find_bill(session, "Initech 2026-10") == sent.id
    assert await find_bill(session, "Acme Corp 2026-10") == theirs.id
    listed = await find_bills(session, BillFilter(customer_id=acme.id))
    assert {line.id for line in listed.lines} == {sent.id, theirs.id}
    await prove(session, sent.id)

    proposed = await correct_usage(session, act(people.ana), initech.id, 160_000)
    [correction] = proposed.proposed
    bills = await bills_of(session, initech.id)
    assert [bill.id for bill in bills] == [sent.id, correction]
    await prove(session, correction)
    with pytest.raises(WrongState, match="are one customer"):
        await merge_customers(session, initech.id, acme.id, act(people.ana))
    with pytest.raises(WrongState, match="are one customer"):
        await merge_customers(session, acme.id, acme.id, act(people.ana))


async def test_bills_under_way_are_decided_first(session: AsyncSession, people: People) -> None:
    bill = await bill_for(session, act(people.ana), "Initech")
    [acme] = await customers(session, "Acme")
    with pytest.raises(WrongState, match=f"under way: #{bill.id}. Send them or make them void"):
        await merge_customers(session, bill.customer_id, acme.id, act(people.ana))
    await void(session, bill, people.ana)
    change, _ = await merge_customers(session, bill.customer_id, acme.id, act(people.ana))
    assert len(change.moved_usage) == 1
    assert (await preview_run(session, OCTOBER, acme.id)).to_make == 1
    await prove(session, bill.id)


async def test_a_void_bill_does_not_come_back_once_its_usage_is_the_other_customers(
    session: AsyncSession, people: People
) -> None:
    bill = await bill_for(session, act(people.ana), "Initech")
    [acme] = await customers(session, "Acme")
    await void(session, bill, people.ana)
    await merge_customers(session, bill.customer_id, acme.id, act(people.ana))
    await session.refresh(bill)
    with pytest.raises(WrongState, match="counts for the customer that it was merged into"):
        await undo_decision(session, bill.id, bill.version, act(people.ana), "It was right")
    with pytest.raises(WrongState, match="nothing to bill"):
        await reissue_bill(session, bill.id, bill.version, act(people.ana), "Once more")


async def test_what_took_a_void_bill_back_is_explained_wherever_its_usage_went(
    session: AsyncSession, people: People
) -> None:
    bill = await approved(session, people)
    await go_out(session, people, bill)
    credit = await void(session, bill, people.ana)
    assert credit is not None
    await go_out(session, people, credit)
    twin, last = await customers(session, "Twin", "Last")
    await merge_customers(session, bill.customer_id, twin.id, act(people.ana))
    await merge_customers(session, twin.id, last.id, act(people.ana))
    assert await used(session, last) == {"2026-10": 150_000}
    assert await wrong_figures(session, [credit.id]) == []
    await session.execute(sa.text("update usages set api_usage = 1"))
    [wrong] = await wrong_figures(session, [credit.id])
    assert "explains its 150,000 calls" in str(wrong)


async def test_usage_of_one_month_in_both_is_for_people_to_settle(
    session: AsyncSession, people: People
) -> None:
    acme, twin = await customers(session, "Acme", "Acme Inc")
    await use(session, people, acme, september=10, october=70_000, november=1)
    await use(session, people, twin, september=20, october=150_000, november=2)
    with pytest.raises(WrongState) as refused:
        await merge_customers(session, twin.id, acme.id, act(people.ana))
    assert str(refused.value) == (
        "Both have usage of 2026-10, 2026-11. Record what both used together for Acme, and 0 for "
        "Acme Inc; or bill such a month to Acme Inc first."
    )
    await use(session, people, acme, october=220_000, november=3)
    await use(session, people, twin, october=0, november=0)
    await merge_customers(session, twin.id, acme.id, act(people.ana))
    assert await used(session, acme) == {"2026-09": 10, "2026-10": 220_000, "2026-11": 3}
    # September is over, and was within the limit.
    assert await used(session, twin) == {"2026-09": 20, "2026-10": 0, "2026-11": 0}


async def test_names_of_one_that_was_merged_twice_find_the_last(
    session: AsyncSession, people: People
) -> None:
    a, b, c = await customers(session, "Alpha", "Beta", "Gamma")
    await merge_customers(session, a.id, b.id, act(people.ana))
    await merge_customers(session, b.id, c.id, act(people.ana))
    await rename_customer(session, c.id, "Delta", act(people.ana))
    for typed in ("alpha", "beta", "gamma", "delta"):
        assert (await find_customer(session, typed)).id == c.id
    with pytest.raises(Invalid, match="merged into Delta"):
        await rename_customer(session, c.id, "Alpha", act(people.ana))
    with pytest.raises(WrongState, match="merged into another customer"):
        await rename_customer(session, a.id, "Omega", act(people.ana))
    for person in (people.kim, people.max):
        with pytest.raises(NotAllowed):
            await merge_customers(session, c.id, a.id, act(person, NOW))
