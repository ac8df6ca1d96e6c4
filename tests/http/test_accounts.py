"""Making an account, signing in and out, and what that may not be used for."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from http.cookies import SimpleCookie
from types import SimpleNamespace
from typing import Any

import bcrypt
import pytest
import sqlalchemy as sa

from models.db.database import Database
from models.people import passwords
from models.people.access_attempts import SIGN_IN_LIMITS, AccessAttempt
from models.people.passwords import Passwords
from models.people.permissions import Role
from models.people.sessions import WebSession
from models.people.users import User
from tests.harness.browser_side import (
    FEWEST_ROUNDS,
    Answer,
    BrowserSide,
    Visitor,
    browser_side,
)
from tests.harness.cast import People
from tests.harness.slack_people import NOW

VERA = {"name": "Vera Moss", "email": "vera@example.com", "password": "correct horse 12"}


async def sign_up(visitor: Visitor, **changed: Any) -> Answer:
    return await visitor.post("/api/users", json=VERA | changed)


async def sign_in(
    visitor: Visitor, name: str = VERA["name"], password: str = VERA["password"], **more: Any
) -> Answer:
    return await visitor.post("/api/session", json={"name": name, "password": password}, **more)


async def vera_of(db: Database) -> User:
    async with db.transaction() as session:
        query = sa.select(User).where(User.name == VERA["name"])
        return (await session.scalars(query)).one()


async def test_the_very_first_account_is_of_finance_and_the_next_has_no_role(
    served: BrowserSide,
) -> None:
    first = await sign_up(served.visitor())
    assert first.status == 201
    assert first.json == {
        "id": first.json["id"],
        "name": "Vera Moss",
        "email": "vera@example.com",
        "role": "Finance",
        "active": True,
        "slack_user_id": None,
        "away_until": None,
        "delegate_id": None,
    }
    assert first.headers["Location"] == f"/api/users/{first.json['id']}"
    second = await sign_up(served.visitor(), name="Wim")
    assert (second.status, second.json["role"]) == (201, None)


async def test_of_two_first_accounts_at_once_one_is_of_finance(served: BrowserSide) -> None:
    names = [f"Person {letter}" for letter in "ABCDEF"]
    made = await asyncio.gather(*(sign_up(served.visitor(), name=name) for name in names))
    assert sorted(one.status for one in made) == [201] * 6
    assert [one.json["role"] for one in made].count("Finance") == 1


async def test_vera_signs_in_and_out_by_name_in_any_case(
    served: BrowserSide, people: People
) -> None:
    await sign_up(served.visitor())
    vera = served.visitor()
    signed = await sign_in(vera, name="  vera moss ")
    assert signed.status == 201
    assert signed.json["user"]["name"] == "Vera Moss"
    cookie = signed.headers["Set-Cookie"]
    assert f"session={signed.json['token']}" in cookie
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Secure" not in cookie
    assert (await vera.get("/api/session")).json["name"] == "Vera Moss"
    script = served.visitor(signed.json["token"])
    assert (await script.get("/api/session")).json["name"] == "Vera Moss"
    assert (await vera.delete("/api/session")).status == 204
    assert (await vera.get("/api/session")).status == 401
    assert (await script.get("/api/session")).status == 401


@pytest.mark.parametrize(
    "changed",
    [
        {"role": "Finance"},
        {"id": 1},
        {"active": True},
        {"slack_user_id": "UANA"},
        {"password_digest": "x"},
    ],
)
async def test_nobody_gives_themselves_more_than_a_name_an_address_and_a_password(
    served: BrowserSide, people: People, changed: dict[str, Any]
) -> None:
    refused = await sign_up(served.visitor(), **changed)
    assert (refused.status, refused.json["field"]) == (422, next(iter(changed)))


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": " \u200b "}, "name"),
        ({"name": "Two\nlines"}, "name"),
        ({"name": "system"}, "name"),
        ({"name": "SYSTEM"}, "name"),
        ({"name": "ANA"}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"email": "nobody"}, "email"),
        ({"email": "a@example.com, b@example.com"}, "email"),
        ({"email": "a@example.com\r\nBcc: b@example.com"}, "email"),
        ({"password": "eleven char"}, "password"),
        ({"password": "x" * 73}, "password"),
        ({"password": "é" * 37}, "password"),
        ({"password": 123456789012}, "password"),
        ({"password": None}, "password"),
    ],
)
async def test_what_cannot_be_an_account_is_refused_by_field_and_no_password_is_repeated(
    served: BrowserSide, people: People, changed: dict[str, Any], field: str
) -> None:
    refused = await sign_up(served.visitor(), **changed)
    assert (refused.status, refused.json["field"]) == (422, field)
    assert str((VERA | changed)["password"]) not in refused.text


@pytest.mark.parametrize("password", ["x" * 12, "x" * 72, "é" * 36, " " * 5 + "blanks" + " " * 5])
async def test_a_password_has_at_least_12_characters_and_at_most_72_bytes(
    served: BrowserSide, people: People, password: str
) -> None:
    assert (await sign_up(served.visitor(), password=password)).status == 201
    assert (await sign_in(served.visitor(), password=password)).status == 201
    assert (await sign_in(served.visitor(), password=password + "x")).status == 401


async def test_accents_may_be_typed_in_either_form(served: BrowserSide, people: People) -> None:
    await sign_up(served.visitor(), password="caf\u00e9 au lait, vite")
    assert (await sign_in(served.visitor(), password="cafe\u0301 au lait, vite")).status == 201


async def test_whoever_fails_to_sign_in_learns_nothing_of_why(
    served: BrowserSide, people: People, db: Database
) -> None:
    await sign_up(served.visitor())
    await sign_up(served.visitor(), name="Gone")
    async with db.transaction() as session:
        await session.execute(sa.update(User).where(User.name == "Gone").values(active=False))
    tried = [
        await sign_in(served.visitor(), name, password)
        for name, password in [
            ("Vera Moss", "wrong horse 12"),
            ("Nobody", VERA["password"]),
            ("Ana", VERA["password"]),  # who has no password
            ("system", VERA["password"]),
            ("Gone", VERA["password"]),
            ("Vera Moss", ""),
            ("Vera Moss", VERA["password"] + "x" * 100),
            ("Nul\x00l", VERA["password"]),
            ("", ""),
        ]
    ]
    assert {one.status for one in tried} == {401}
    assert len({one.text for one in tried}) == 1
    assert all("Set-Cookie" not in one.headers for one in tried)


async def test_who_has_an_account_is_not_asked_for_ever(
    served: BrowserSide, people: People
) -> None:
    taken = dict(VERA, name="Kim")
    visitor = served.visitor()
    told = [(await visitor.post("/api/users", json=taken)).status for _ in range(101)]
    assert told == [422] * 100 + [429]


async def test_an_unknown_name_takes_as_long_as_a_wrong_password(
    served: BrowserSide, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of the time goes into one comparison, which is as slow for whoever has no password."""
    await sign_up(served.visitor())
    compared = []

    def compare(given: bytes, digest: bytes) -> bool:
        compared.append(digest[:7])
        return bcrypt.checkpw(given, digest)

    monkeypatch.setattr(passwords, "bcrypt", SimpleNamespace(checkpw=compare))
    for name in (VERA["name"], "Nobody", "Kim"):
        assert (await sign_in(served.visitor(), name, "wrong horse 12")).status == 401
    assert compared == [b"$2b$04$"] * 3


async def test_what_a_browser_had_before_is_worth_nothing_afterwards(
    served: BrowserSide, people: People
) -> None:
    """Nobody is signed in by a cookie that somebody else put there."""
    await sign_up(served.visitor())
    planted = "css_planted-by-somebody-else-xxxxxxxxxxxxxxxxxxxx"
    vera = served.visitor()
    signed = await sign_in(vera, headers={"Cookie": f"session={planted}"})
    assert planted not in signed.headers["Set-Cookie"]
    assert (await served.visitor(planted).get("/api/session")).status == 401


async def test_signing_in_again_ends_the_session_that_the_browser_had(
    served: BrowserSide, people: People
) -> None:
    await sign_up(served.visitor())
    vera = served.visitor()
    first = (await sign_in(vera)).json["token"]
    second = (await sign_in(vera)).json["token"]
    assert first != second
    assert (await served.visitor(first).get("/api/session")).status == 401
    assert (await served.visitor(second).get("/api/session")).status == 200


async def test_no_other_site_signs_anybody_in(served: BrowserSide, people: People) -> None:
    await sign_up(served.visitor())
    for headers in ({"Origin": "https://elsewhere.example"}, {"Sec-Fetch-Site": "cross-site"}):
        refused = await sign_in(served.visitor(), headers=headers)
        assert (refused.status, "Set-Cookie" in refused.headers) == (403, False)


# -- how often -----------------------------------------------------------------------------

Clock = Callable[[timedelta], None]


@asynccontextmanager
async def _later(db: Database) -> AsyncIterator[tuple[BrowserSide, Clock]]:
    moment = NOW

    def wait(for_: timedelta) -> None:
        nonlocal moment
        moment += for_

    def now() -> datetime:
        return moment

    async with browser_side(db, now=now) as side:
        yield side, wait


async def test_whoever_guesses_is_told_when_to_try_again_and_nobody_is_kept_out_for_ever(
    db: Database, people: People
) -> None:
    most = SIGN_IN_LIMITS[0].most
    async with _later(db) as (served, wait):
        await sign_up(served.visitor())
        guesses = await asyncio.gather(
            *(sign_in(served.visitor(), password=f"wrong guess {n:02}") for n in range(most + 15))
        )
        statuses = sorted(one.status for one in guesses)
        assert statuses == [401] * most + [429] * 15
        refused = await sign_in(served.visitor())
        assert (refused.status, refused.headers["Retry-After"]) == (429, "900")
        assert "Try again in 15 minutes." in refused.json["detail"]
        wait(timedelta(minutes=14, seconds=30))
        again = await sign_in(served.visitor())
        assert (again.status, again.headers["Retry-After"]) == (429, "30")
        wait(timedelta(seconds=31))
        assert (await sign_in(served.visitor())).status == 201


async def test_a_name_that_nobody_has_is_throttled_alike(db: Database, people: People) -> None:
    async with _later(db) as (served, _):
        told = [
            await sign_in(served.visitor(), "Nobody") for _ in range(SIGN_IN_LIMITS[0].most + 1)
        ]
        assert [one.status for one in told][-2:] == [401, 429]


async def test_others_sign_in_meanwhile_from_the_same_address(
    served: BrowserSide, people: People
) -> None:
    await sign_up(served.visitor())
    for _ in range(SIGN_IN_LIMITS[0].most + 1):
        last = await sign_in(served.visitor(), "Kim")
    assert last.status == 429
    assert (await sign_in(served.visitor())).status == 201


async def test_one_address_may_not_try_one_password_on_everybody(
    served: BrowserSide, people: People
) -> None:
    most = SIGN_IN_LIMITS[2].most
    told = [(await sign_in(served.visitor(), f"Person {n}")).status for n in range(most + 1)]
    assert told == [401] * most + [429]


async def test_whoever_floods_an_account_does_not_keep_its_person_out_at_home(
    served: BrowserSide, people: People, db: Database
) -> None:
    await sign_up(served.visitor())
    assert (await sign_in(served.visitor())).status == 201  # so this address is known
    async with db.transaction() as session:
        known = (await session.scalars(sa.select(AccessAttempt))).all()
        account = next(one.account for one in known if one.kind == "sign_in")
        session.add_all(
            AccessAttempt(
                kind="sign_in", account=account, address=f"10.0.0.{n}", at=NOW, succeeded=False
            )
            for n in range(SIGN_IN_LIMITS[1].most)
        )
    assert (await sign_in(served.visitor())).status == 201
    async with db.transaction() as session:
        await session.execute(
            sa.update(AccessAttempt)
            .where(AccessAttempt.succeeded)
            .values(address="192.0.2.7", kind="sign_in")
        )
    assert (await sign_in(served.visitor())).status == 429


async def test_whoever_guesses_behind_one_address_keeps_nobody_out_of_a_browser_they_know(
    served: BrowserSide, people: People, db: Database
) -> None:
    """A company behind one address: somebody there guesses at everybody, and at Vera above all."""
    await sign_up(served.visitor())
    home, elsewhere = served.visitor(), served.visitor()
    assert (await sign_in(home)).status == 201
    assert (await home.delete("/api/session")).status == 204
    async with db.transaction() as session:
        hers = next(one for one in await session.scalars(sa.select(AccessAttempt)) if one.account)
        guessed_at = [hers.account] * SIGN_IN_LIMITS[0].most
        guessed_at += [b"%d" % n for n in range(SIGN_IN_LIMITS[2].most)]
        session.add_all(
            AccessAttempt(
                kind="sign_in", account=one, address=hers.address, at=NOW, succeeded=False
            )
            for one in guessed_at
        )
    assert (await sign_in(elsewhere)).status == 429
    assert (await sign_in(elsewhere, "Kim")).status == 429
    assert (await sign_in(home)).status == 201
    assert (await sign_in(home, "Kim")).status == 429, "nobody but Vera has signed in by it"
    most = SIGN_IN_LIMITS[0].most
    told = [(await sign_in(home, password="wrong guess 12")).status for _ in range(most + 1)]
    assert told == [401] * most + [429], "who took the browser guesses no more often"


async def test_a_browser_is_known_by_a_token_that_signs_nobody_in(
    served: BrowserSide, people: People, db: Database
) -> None:
    await sign_up(served.visitor())
    vera = served.visitor()
    cookies = SimpleCookie()
    for one in (await sign_in(vera)).headers.getall("Set-Cookie"):
        cookies.load(one)
    browser = cookies["browser"]
    assert (browser["httponly"], browser["samesite"]) == (True, "lax")
    assert (await served.visitor(browser.value).get("/api/session")).status == 401
    async with db.transaction() as session:
        places = set(await session.scalars(sa.select(AccessAttempt.address)))
    assert len(places) == 2
    assert not any(browser.value in place for place in places)
    for planted in ("csb_short", "x" * 3000):
        again = await sign_in(served.visitor(), headers={"Cookie": f"browser={planted}"})
        assert f"browser={planted}" not in "".join(again.headers.getall("Set-Cookie"))


async def test_limits_hold_on_another_replica(
    served: BrowserSide, people: People, db: Database
) -> None:
    for _ in range(SIGN_IN_LIMITS[0].most):
        await sign_in(served.visitor(), "Kim")
    async with browser_side(db) as other:
        assert (await sign_in(other.visitor(), "Kim")).status == 429


async def test_nobody_waits_behind_more_passwords_than_can_be_looked_at(
    db: Database, people: People
) -> None:
    async with browser_side(db, passwords=Passwords(FEWEST_ROUNDS, most_at_once=0)) as served:
        refused = await sign_in(served.visitor(), "Kim")
        assert (refused.status, refused.headers["Retry-After"]) == (503, "5")
    async with db.transaction() as session:
        assert not await session.scalar(sa.select(sa.func.count()).select_from(AccessAttempt))


# -- what nobody else is told --------------------------------------------------------------


async def test_people_are_seen_with_a_role_and_only_finance_lists_them(
    served: BrowserSide, people: People
) -> None:
    made = await sign_up(served.visitor())
    vera, kim = await served.signed_in(await vera_of(served.services.db)), None
    own = f"/api/users/{made.json['id']}"
    assert (await vera.get(own)).json["name"] == "Vera Moss"
    for path in (f"/api/users/{people.kim.id}", "/api/users/999999", "/api/users"):
        assert (await vera.get(path)).status == 403
    kim = await served.signed_in(people.kim)
    assert (await kim.get(own)).json["email"] == "vera@example.com"
    assert (await kim.get("/api/users/999999")).status == 404
    assert (await kim.get("/api/users")).status == 403
    ana = await served.signed_in(people.ana)
    listed = (await ana.get("/api/users", params={"limit": "2"})).json
    assert [one["name"] for one in listed["users"]] == ["Ana", "Kim"]
    rest = (await ana.get("/api/users", params={"cursor": listed["next_cursor"]})).json
    assert [one["name"] for one in rest["users"]] == ["Lee", "Max", "Sam", "Vera Moss"]
    assert rest["next_cursor"] is None
    found = (await ana.get("/api/users", params={"q": "VERA@"})).json["users"]
    assert [one["name"] for one in found] == ["Vera Moss"]


async def test_only_hashes_are_kept(served: BrowserSide, people: People, db: Database) -> None:
    await sign_up(served.visitor())
    token = (await sign_in(served.visitor())).json["token"]
    vera = await vera_of(db)
    assert vera.password_digest is not None
    assert vera.password_digest.startswith("$2b$04$")
    async with db.transaction() as session:
        kept = (await session.scalars(sa.select(WebSession))).one()
        assert token.encode() not in kept.token_hash
    assert Passwords()._nobodys.startswith("$2b$12$")
    assert vera.role != Role.FINANCE
