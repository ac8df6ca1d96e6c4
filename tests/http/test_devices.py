"""Devices, tokens for scripts, and another password."""

from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from models.db.database import Database
from models.people.access_attempts import AccessAttempt
from models.people.expiry import delete_expired
from models.people.sessions import SEEN_EVERY, WebSession
from models.people.sign_in_links import SignInLink, make_sign_in_link
from models.people.users import User
from tests.harness.browser_side import Answer, BrowserSide, Visitor, browser_side
from tests.harness.cast import People
from tests.harness.slack_people import NOW, Clock

OLD, NEW = "correct horse 12", "another horse 34"
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:143.0) Gecko/20100101 Firefox/143.0"
PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15"
    " (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1"
)


@pytest.fixture(autouse=True)
async def _kim_has_a_password(served: BrowserSide, db: Database, people: People) -> None:
    digest = await served.services.passwords.digest(OLD)
    async with db.transaction() as session:
        kim = sa.update(User).where(User.id == people.kim.id)
        await session.execute(kim.values(password_digest=digest))


async def kim_on(served: BrowserSide, agent: str = FIREFOX, password: str = OLD) -> Visitor:
    kim = served.visitor()
    signed = await kim.post(
        "/api/session", json={"name": "Kim", "password": password}, headers={"User-Agent": agent}
    )
    assert signed.status == 201, signed.text
    return kim


async def change(visitor: Visitor, old: str | None, new: str = NEW) -> Answer:
    given = {"new_password": new} | ({} if old is None else {"old_password": old})
    return await visitor.put("/api/password", json=given)


async def test_a_token_for_scripts_is_no_session_to_end(
    served: BrowserSide, people: People
) -> None:
    kim = await served.signed_in(people.kim)
    token = (await kim.post("/api/tokens", json={"name": "report"})).json["token"]
    script = served.visitor(token)
    refused = await script.delete("/api/session")
    assert (refused.status, "/api/tokens" in refused.json["detail"]) == (403, True)
    assert (await script.get("/api/session")).status == 200


async def test_kim_sees_her_devices_and_signs_one_of_them_out(served: BrowserSide) -> None:
    laptop, phone = await kim_on(served), await kim_on(served, PHONE)
    listed = (await laptop.get("/api/sessions")).json
    assert {one["label"]: one["current"] for one in listed} == {
        "Firefox on Windows": True,
        "Safari on iPhone": False,
    }
    lost = next(one["id"] for one in listed if not one["current"])
    assert (await laptop.delete(f"/api/sessions/{lost}")).status == 204
    assert (await phone.get("/api/session")).status == 401
    assert (await laptop.delete(f"/api/sessions/{lost}")).status == 404


async def test_kim_signs_out_everywhere_else(served: BrowserSide, people: People) -> None:
    laptop, phone = await kim_on(served), await kim_on(served, PHONE)
    lee = await served.signed_in(people.lee)
    assert (await laptop.delete("/api/sessions")).status == 204
    statuses = [(await one.get("/api/session")).status for one in (laptop, phone, lee)]
    assert statuses == [200, 401, 200]


async def test_a_device_of_somebody_else_is_as_if_it_were_not_there(
    served: BrowserSide, people: People, db: Database
) -> None:
    lee, kim = await served.signed_in(people.lee), await kim_on(served)
    (of_kim,) = (await kim.get("/api/sessions")).json
    others, none = f"/api/sessions/{of_kim['id']}", "/api/sessions/999999"
    assert (await lee.delete(others)).text == (await lee.delete(none)).text
    assert (await kim.get("/api/session")).status == 200


async def test_a_device_is_seen_and_that_is_not_written_at_every_look(
    served: BrowserSide, db: Database, clock: Clock
) -> None:
    kim = await kim_on(served)
    for later in (SEEN_EVERY - timedelta(seconds=1), SEEN_EVERY):
        clock.now = NOW + later
        (device,) = (await kim.get("/api/sessions")).json
        seen = datetime.fromisoformat(device["last_seen_at"])
        assert seen == (NOW if later < SEEN_EVERY else clock.now)


async def test_a_new_password_needs_the_old_one_and_signs_the_others_out(
    served: BrowserSide,
) -> None:
    laptop, phone = await kim_on(served), await kim_on(served, PHONE)
    for old in (None, "", "wrong horse 12"):
        refused = await change(laptop, old)
        assert (refused.status, refused.json["field"]) == (422, "old_password")
        assert NEW not in refused.text
    short = await change(laptop, OLD, "short")
    assert (short.status, short.json["field"]) == (422, "new_password")
    assert (await phone.get("/api/session")).status == 200
    assert (await change(laptop, OLD)).status == 204
    assert (await phone.get("/api/session")).status == 401
    assert (await laptop.get("/api/session")).status == 200
    again = served.visitor()
    wrong = await again.post("/api/session", json={"name": "Kim", "password": OLD})
    assert wrong.status == 401
    await kim_on(served, password=NEW)


async def test_guessing_the_old_password_is_throttled_too(served: BrowserSide) -> None:
    laptop = await kim_on(served)
    guesses = [(await change(laptop, f"guess number {n:02}")).status for n in range(11)]
    assert guesses == [422] * 10 + [429]


async def test_a_token_for_a_script_may_what_its_person_may_until_it_is_revoked(
    served: BrowserSide, people: People
) -> None:
    kim = await kim_on(served)
    made = await kim.post("/api/tokens", json={"name": "month report"})
    assert made.status == 201
    script = served.visitor(made.json["token"])
    assert (await script.get("/api/session")).json["name"] == "Kim"
    assert (await script.get("/api/users")).status == 403
    (listed,) = (await kim.get("/api/tokens")).json
    assert listed["name"] == "month report"
    assert listed["last_used_at"] is not None
    assert made.json["token"] not in (await kim.get("/api/tokens")).text
    again = await kim.post("/api/tokens", json={"name": "month report"})
    assert (again.status, again.json["field"]) == (422, "name")
    lee = await served.signed_in(people.lee)
    assert (await lee.delete(f"/api/tokens/{listed['id']}")).status == 404
    assert (await kim.delete(f"/api/tokens/{listed['id']}")).status == 204
    assert (await script.get("/api/session")).status == 401


async def test_a_script_makes_no_tokens_and_no_passwords_and_signs_nobody_out(
    served: BrowserSide,
) -> None:
    kim = await kim_on(served)
    token = (await kim.post("/api/tokens", json={"name": "report"})).json["token"]
    script = served.visitor(token)
    refused = [
        await script.post("/api/tokens", json={"nonsense": 1}),
        await script.delete("/api/tokens/1"),
        await script.put("/api/password", json={"old_password": OLD, "new_password": NEW}),
        await script.delete("/api/sessions"),
        await script.delete("/api/sessions/1"),
    ]
    assert [one.status for one in refused] == [403] * 5
    assert (await script.delete("/api/session")).status == 403
    assert (await script.get("/api/session")).status == 200


@pytest.mark.parametrize(
    ("trusted", "forwarded", "address"),
    [
        ((), "203.0.113.7", "127.0.0.1"),
        (("10.0.0.0/8",), "203.0.113.7", "127.0.0.1"),
        (("127.0.0.1",), "203.0.113.7", "203.0.113.7"),
        (("127.0.0.1", "10.0.0.0/8"), "198.51.100.1, 203.0.113.7, 10.0.0.9", "203.0.113.7"),
        (("127.0.0.1",), "2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        (("127.0.0.1",), "::ffff:203.0.113.7", "203.0.113.7"),
    ],
)
async def test_where_somebody_comes_from_is_believed_of_trusted_proxies_alone(
    db: Database, people: People, trusted: tuple[str, ...], forwarded: str, address: str
) -> None:
    async with browser_side(db, trusted_proxies=trusted) as served:
        await served.visitor().post(
            "/api/session",
            json={"name": "Kim", "password": "guess"},
            headers={"X-Forwarded-For": forwarded},
        )
    async with db.transaction() as session:
        assert (await session.scalars(sa.select(AccessAttempt.address))).one() == address


async def test_what_is_over_is_deleted(served: BrowserSide, db: Database, people: People) -> None:
    await kim_on(served)
    await served.visitor().post("/api/session", json={"name": "Kim", "password": "guess"})
    async with db.transaction() as session:
        await make_sign_in_link(session, people.kim, NOW)
    counted = [WebSession, SignInLink, AccessAttempt]

    async def left(later: timedelta) -> list[int | None]:
        async with db.transaction() as session:
            await delete_expired(session, NOW + later)
            return [
                await session.scalar(sa.select(sa.func.count()).select_from(one)) for one in counted
            ]

    assert await left(timedelta(minutes=9)) == [1, 1, 3]
    assert await left(timedelta(minutes=10)) == [1, 0, 3]
    assert await left(timedelta(hours=1)) == [1, 0, 2]
    assert await left(timedelta(days=14)) == [0, 0, 2]
    assert await left(timedelta(days=90)) == [0, 0, 0]
