"""Generating a month through the API, and requests that come twice."""

import asyncio
from datetime import timedelta

import sqlalchemy as sa

from models.batches.bill_run import BillRun, fail_run, run_step
from models.batches.bill_run_report import run_report
from models.customers.customers import Customer
from models.db.database import Database
from models.people.expiry import delete_expired
from models.people.kept_answers import KEPT_FOR, KeptAnswer
from models.settings import BillingSettings
from models.usage.usage import Usage
from tests.harness.browser_side import BrowserSide, browser_side
from tests.harness.cast import People
from tests.harness.scene import act, add_customer, bill_for
from tests.harness.slack_people import NOW, Clock
from tests.harness.waiting import until

OCTOBER = {"year": 2026, "month": 10}
KEY = {"Idempotency-Key": "0c1d"}


async def test_finance_generates_a_month_and_a_second_run_adds_nothing(
    served: BrowserSide, people: People, db: Database
) -> None:
    async with db.transaction() as session:
        for name in ("Acme Corp", "Bolt Ltd", "Coil AG"):
            await add_customer(session, name)
        quiet = await add_customer(session, "Dune", used=None)
    ana = await served.signed_in(people.ana)
    foreseen = await ana.post("/api/bills", json=OCTOBER | {"dry_run": True})
    assert (foreseen.status, foreseen.json["bills"], foreseen.json["missing_usage"]) == (200, 3, 1)
    made = await ana.post("/api/bills", json=OCTOBER)
    assert (made.status, made.json["bills"]) == (201, 3)
    assert made.json["totals"] == [{"currency": "USD", "bills": 3, "amount": "15000.00"}]
    again = await ana.post("/api/bills", json={"month": "2026-10"})
    assert (again.status, again.json["bills"], again.json["existing"]) == (200, 0, 3)
    alone = await ana.post("/api/bills", json=OCTOBER | {"customer_id": quiet.id})
    assert (alone.status, alone.json["bills"]) == (200, 0)


async def test_a_month_is_generated_only_as_it_was_foreseen_where_the_caller_says_so(
    served: BrowserSide, people: People, db: Database
) -> None:
    async with db.transaction() as session:
        acme = await add_customer(session, "Acme Corp")
    ana = await served.signed_in(people.ana)
    foreseen = (await ana.post("/api/bills", json=OCTOBER | {"dry_run": True})).json["digest"]
    async with db.transaction() as session:
        usage = sa.update(Usage).where(Usage.customer_id == acme.id)
        await session.execute(usage.values(api_usage=Usage.api_usage + 1))
    stale = await ana.post("/api/bills", json=OCTOBER | {"agreed": foreseen})
    assert stale.status == 409
    assert "has changed since it was shown, so nothing was generated" in stale.json["detail"]
    anew = await ana.post("/api/bills", json=OCTOBER | {"dry_run": True})
    assert anew.json["bills"] == 1
    made = await ana.post("/api/bills", json=OCTOBER | {"agreed": anew.json["digest"]})
    assert (made.status, made.json["bills"], made.json["digest"]) == (201, 1, None)
    odd = await ana.post("/api/bills", json=OCTOBER | {"agreed": "as before"})
    assert (odd.status, odd.json["field"]) == (422, "agreed")


async def test_a_month_that_is_not_over_says_when_it_can_run(
    served: BrowserSide, people: People
) -> None:
    ana = await served.signed_in(people.ana)
    early = await ana.post("/api/bills", json={"year": 2026, "month": 11})
    assert (early.status, early.json["field"]) == (422, "month")
    assert "1 December 2026" in early.json["detail"]
    for of_no_year in ({"month": 10}, {"month": "2026-10", "year": 2025}):
        refused = await ana.post("/api/bills", json=of_no_year)
        assert (refused.status, refused.json["field"]) == (422, "year")
    nobody = await ana.post("/api/bills", json=OCTOBER | {"customer_id": 404})
    assert (nobody.status, nobody.json["field"]) == (422, "customer_id")


async def test_two_who_generate_at_once_make_each_bill_once(
    served: BrowserSide, people: People, db: Database
) -> None:
    async with db.transaction() as session:
        for number in range(5):
            await add_customer(session, f"Customer {number}")
    ana = await served.signed_in(people.ana)
    both = await asyncio.gather(*(ana.post("/api/bills", json=OCTOBER) for _ in range(2)))
    assert sorted(one.status for one in both) == [200, 201]
    assert sum(one.json["bills"] for one in both) == 5


async def test_a_run_asked_for_twice_by_one_key_is_one_run(
    served: BrowserSide, people: People, db: Database
) -> None:
    async with db.transaction() as session:
        await add_customer(session)
    ana = await served.signed_in(people.ana)
    at_once = [ana.post("/api/bills", json=OCTOBER, headers=KEY) for _ in range(2)]
    first, second = await asyncio.gather(*at_once)
    later = await ana.post("/api/bills", json=OCTOBER, headers=KEY)
    assert {one.status for one in (first, second, later)} == {201}
    assert first.json == second.json == later.json
    other = await ana.post("/api/bills", json={"year": 2026, "month": 9}, headers=KEY)
    assert (other.status, other.json["field"]) == (422, "Idempotency-Key")


async def test_a_run_that_a_worker_gave_up_is_not_gone_on_with_and_another_may_be_asked_for(
    db: Database, people: People
) -> None:
    async with db.transaction() as session:
        made = [await add_customer(session, f"Customer {number}") for number in range(6)]
    async with browser_side(db, billing=BillingSettings(chunk_customers=1)) as served:
        ana = await served.signed_in(people.ana)
        async with db.transaction() as holding:
            second = sa.select(Customer).where(Customer.id == made[1].id).with_for_update()
            await holding.execute(second)
            asking = asyncio.create_task(ana.post("/api/bills", json=OCTOBER, headers=KEY))
            run_id = await until(lambda: _begun(db))
            giving_up = asyncio.create_task(_give_up(db, run_id))
            await until(lambda: _waits_for_the_run(db))
        await giving_up
        refused = await asking
        assert refused.status == 409
        assert refused.json["detail"].startswith(
            "Generating stopped before its end. The cause: ZeroDivisionError. Generate it again"
        )
        async with db.transaction() as session:
            stopped = await run_report(session, run_id)
            assert (stopped.finished_at, stopped.added < len(made)) == (None, True)
            await run_step(session, run_id, BillingSettings(), NOW)
            assert await run_report(session, run_id) == stopped
        rest = await ana.post("/api/bills", json=OCTOBER, headers=KEY)
    assert (rest.status, rest.json["existing"]) == (201, stopped.added)
    assert rest.json["bills"] == len(made) - stopped.added


async def _begun(db: Database) -> int | None:
    async with db.transaction() as session:
        return await session.scalar(sa.select(BillRun.id).where(BillRun.added == 1))


async def _give_up(db: Database, run_id: int) -> None:
    async with db.transaction() as session:
        await fail_run(session, run_id, "The cause: ZeroDivisionError.")


async def _waits_for_the_run(db: Database) -> bool:
    waiting = sa.text(
        "select exists (select from pg_stat_activity where datname = current_database() "
        "and wait_event_type = 'Lock' and query ilike '%from bill_runs%for no key update%')"
    )
    async with db.transaction() as session:
        return bool(await session.scalar(waiting))


async def test_a_run_that_somebody_else_brought_to_its_end_is_not_given_up(
    served: BrowserSide, people: People, db: Database
) -> None:
    ana = await served.signed_in(people.ana)
    done = await ana.post("/api/bills", json=OCTOBER)
    await _give_up(db, done.json["run"])
    async with db.transaction() as session:
        assert (await run_report(session, done.json["run"])).failure is None


async def test_a_key_that_is_forgotten_asks_for_another_run(db: Database, people: People) -> None:
    """A script may name every week's run alike, and customers come late with their usage."""
    clock = Clock()
    async with browser_side(db, now=clock) as served:
        ana = await served.signed_in(people.ana)
        for customers, later in ((1, timedelta()), (1, KEPT_FOR / 2), (2, KEPT_FOR)):
            async with db.transaction() as session:
                await add_customer(session, f"Customer {later}")
            clock.now = NOW + later
            asked = await ana.post("/api/bills", json=OCTOBER, headers=KEY)
            assert (asked.status, asked.json["bills"]) == (201, customers)


async def test_a_comment_sent_twice_by_one_key_stands_once(
    served: BrowserSide, people: People, db: Database
) -> None:
    async with db.transaction() as session:
        bill = await bill_for(session, act(people.ana))
    kim, sam = await served.signed_in(people.kim), await served.signed_in(people.sam)
    path, said = f"/api/bills/{bill.id}/comments", {"json": {"comment": "Hm"}, "headers": KEY}
    at_once = await asyncio.gather(*(kim.post(path, **said) for _ in range(3)))
    assert {(one.status, one.text) for one in at_once} == {(201, at_once[0].text)}
    sams = await sam.post(path, **said)
    assert [one["action"] for one in sams.json["actions"]] == ["generate", "comment", "comment"]
    other = await kim.post(path, json={"comment": "Oh"}, headers=KEY)
    assert other.status == 422
    nowhere = await kim.post("/api/bills/404/comments", **said)
    assert nowhere.status == 404
    strange = await kim.post(path, json={"comment": "Oh"}, headers={"Idempotency-Key": "a b"})
    assert (strange.status, strange.json["field"]) == (422, "Idempotency-Key")


async def test_what_was_refused_may_be_asked_again_by_its_key(
    served: BrowserSide, people: People, db: Database
) -> None:
    async with db.transaction() as session:
        bill = await bill_for(session, act(people.ana))
    kim = await served.signed_in(people.kim)
    path = f"/api/bills/{bill.id}/comments"
    assert (await kim.post(path, json={"comment": " "}, headers=KEY)).status == 422
    assert (await kim.post(path, json={"comment": "Hm"}, headers=KEY)).status == 201


async def test_a_secret_is_told_once_and_kept_nowhere(
    served: BrowserSide, people: People, db: Database
) -> None:
    kim = await served.signed_in(people.kim)
    made = await kim.post("/api/tokens", json={"name": "script"}, headers=KEY)
    again = await kim.post("/api/tokens", json={"name": "script"}, headers=KEY)
    assert (made.status, again.status) == (201, 409)
    assert "told only once" in again.json["detail"]
    async with db.transaction() as session:
        (kept,) = await session.scalars(sa.select(KeptAnswer))
        assert (kept.status, kept.body) == (201, None)
        assert made.json["token"] not in str(vars(kept))


async def test_answers_are_forgotten_after_a_day(
    served: BrowserSide, people: People, db: Database
) -> None:
    async with db.transaction() as session:
        bill = await bill_for(session, act(people.ana))
    kim = await served.signed_in(people.kim)
    await kim.post(f"/api/bills/{bill.id}/comments", json={"comment": "Hm"}, headers=KEY)
    for much, left in ((timedelta(seconds=-1), 1), (timedelta(), 0)):
        async with db.transaction() as session:
            await delete_expired(session, NOW + KEPT_FOR + much)
            assert await session.scalar(sa.select(sa.func.count()).select_from(KeptAnswer)) == left
