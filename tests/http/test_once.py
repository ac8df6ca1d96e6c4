"""Generating a month through the API, and requests that come twice."""

import asyncio
from datetime import timedelta

import sqlalchemy as sa

from models.db.database import Database
from models.people.expiry import delete_expired
from models.people.kept_answers import KEPT_FOR, KeptAnswer
from tests.harness.browser_side import BrowserSide
from tests.harness.cast import People
from tests.harness.slack_people import NOW
from tests.rules.scene import act, add_customer, bill_for

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
    again = await ana.post("/api/bills", json=OCTOBER)
    assert (again.status, again.json["bills"], again.json["existing"]) == (200, 0, 3)
    alone = await ana.post("/api/bills", json=OCTOBER | {"customer_id": quiet.id})
    assert (alone.status, alone.json["bills"]) == (200, 0)


async def test_a_month_that_is_not_over_says_when_it_can_run(
    served: BrowserSide, people: People
) -> None:
    ana = await served.signed_in(people.ana)
    early = await ana.post("/api/bills", json={"year": 2026, "month": 11})
    assert (early.status, early.json["field"]) == (422, "month")
    assert "2026-12-01" in early.json["detail"]
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
