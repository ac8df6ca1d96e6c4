"""Who is let in, who is not, and what every answer says to browsers."""

import asyncio
import socket
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from handlers.http import bodies
from handlers.http.bodies import LARGEST_BODY
from handlers.http.gate import ApiRoute
from models.db.database import Database
from models.people.sessions import LIFETIME
from tests.harness.browser_side import BrowserSide, browser_side
from tests.harness.cast import People
from tests.harness.slack_people import NOW
from tests.harness.waiting import until


async def test_whoever_is_not_signed_in_is_asked_to(served: BrowserSide) -> None:
    stranger = served.visitor()
    start = await stranger.get("/")
    assert (start.status, start.headers["Location"]) == (303, "/welcome")
    refused = await stranger.delete("/api/session")
    assert (refused.status, refused.json["detail"]) == (401, "You are not signed in.")
    assert refused.headers["Content-Type"] == "application/problem+json"


async def test_signing_out_ends_that_device_alone(served: BrowserSide, people: People) -> None:
    phone, laptop = await served.signed_in(people.kim), await served.signed_in(people.kim)
    assert (await phone.delete("/api/session")).status == 204
    assert (await phone.get("/")).headers["Location"] == "/welcome"
    assert (await laptop.get("/")).headers["Location"] == "/dashboard"


async def test_a_script_says_who_it_is_by_a_bearer_token(
    served: BrowserSide, people: People
) -> None:
    script = served.visitor(await served.token(people.kim))
    assert (await script.delete("/api/session")).status == 204
    assert (await script.delete("/api/session")).status == 401


async def test_a_session_ends_by_itself(db: Database, people: People) -> None:
    moment = NOW
    async with browser_side(db, now=lambda: moment) as served:
        kim = await served.signed_in(people.kim)
        moment = NOW + LIFETIME - timedelta(seconds=1)
        assert (await kim.get("/")).headers["Location"] == "/dashboard"
        moment = NOW + LIFETIME
        assert (await kim.get("/")).headers["Location"] == "/welcome"


async def test_whoever_is_switched_off_is_signed_out(
    served: BrowserSide, people: People, db: Database
) -> None:
    kim = await served.signed_in(people.kim)
    async with db.transaction() as session:
        (await session.merge(people.kim)).active = False
    assert (await kim.get("/")).headers["Location"] == "/welcome"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 204),
        ({"Origin": "{base}"}, 204),
        ({"Sec-Fetch-Site": "same-origin"}, 204),
        ({"Origin": "https://elsewhere.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "{base}"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
    ],
)
async def test_no_other_site_does_anything_for_whoever_is_signed_in(
    served: BrowserSide, people: People, headers: dict[str, str], status: int
) -> None:
    kim = await served.signed_in(people.kim)
    given = {name: value.format(base=served.base) for name, value in headers.items()}
    assert (await kim.delete("/api/session", headers=given)).status == status


async def test_a_bearer_needs_no_proof_of_where_it_comes_from(
    served: BrowserSide, people: People
) -> None:
    script = served.visitor(await served.token(people.kim))
    elsewhere = {"Origin": "https://elsewhere.example"}
    assert (await script.delete("/api/session", headers=elsewhere)).status == 204


async def test_every_answer_tells_browsers_to_be_careful(served: BrowserSide) -> None:
    for path in ("/", "/nowhere", "/api/nowhere", "/health"):
        headers = (await served.visitor().get(path)).headers
        assert "script-src 'self'" in headers["Content-Security-Policy"]
        assert "unsafe-inline" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "no-store"
        assert "Strict-Transport-Security" not in headers


async def test_under_https_cookies_are_for_https_alone(db: Database, people: People) -> None:
    async with browser_side(db, public_url="https://bills.example") as served:
        script = served.visitor(await served.token(people.kim))
        gone = await script.delete("/api/session")
        assert gone.headers["Set-Cookie"].startswith("__Host-session=")
        assert "Secure" in gone.headers["Set-Cookie"]
        assert "Strict-Transport-Security" in gone.headers


async def test_what_is_not_there_is_said_in_the_words_of_the_medium(served: BrowserSide) -> None:
    visitor = served.visitor()
    page, api = await visitor.get("/nowhere"), await visitor.get("/api/nowhere")
    assert (page.status, api.status) == (404, 404)
    assert "There is no such page." in page.text
    assert api.json["title"] == "Not Found"


async def test_a_database_that_takes_too_long_is_no_accident(
    served: BrowserSide, people: People, db: Database
) -> None:
    slow = Database(db.url, statement_s=0.2, lock_s=20)
    async with browser_side(slow) as overloaded, db.transaction() as session:
        ana = overloaded.visitor(await served.token(people.ana))
        await session.execute(sa.text("lock table customers in access exclusive mode"))
        refused = await ana.get("/api/customers")
    await slow.close()
    assert (refused.status, refused.json["title"]) == (503, "Service Unavailable")
    assert "took too long" in refused.json["detail"]


async def test_whoever_goes_away_while_asking_is_no_accident(served: BrowserSide) -> None:
    port = urlsplit(served.base).port
    with capture_logs() as logs:
        for path in ("/api/session", "/welcome/sign-in"):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(
                f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n{{".encode()
            )
            await writer.drain()
            writer.close()
        await until(lambda: len(logs) == 2)
    assert {one["log_level"] for one in logs} == {"info"}


async def test_head_is_answered_wherever_get_is(served: BrowserSide, people: People) -> None:
    ana = await served.signed_in(people.ana)
    for path in ("/dashboard", "/api/users", "/health", "/api/openapi.json"):
        got, head = await ana.get(path), await ana.ask("HEAD", path)
        assert (head.status, head.text) == (200, "")
        assert head.headers["Content-Type"] == got.headers["Content-Type"]
    assert (await ana.ask("HEAD", "/nowhere")).status == 404
    assert (await ana.ask("HEAD", "/api/bills/1/approve")).status == 405


async def test_no_request_is_longer_than_it_may_be(served: BrowserSide) -> None:
    refused = await served.visitor().delete("/api/session", data=b"x" * (LARGEST_BODY + 1))
    assert refused.status == 413


async def test_whoever_never_writes_the_rest_is_not_waited_for(
    served: BrowserSide, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "WITHIN_S", 0.1)
    reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(served.base).port)
    writer.write(b"POST /api/session HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n{")
    async with asyncio.timeout(5):
        answer = await reader.read()
    writer.close()
    assert answer.startswith(b"HTTP/1.1 408 ") and b"waited for too long" in answer


def test_a_route_that_does_not_say_whom_it_is_open_to_cannot_be_added() -> None:
    async def careless() -> None: ...

    with pytest.raises(TypeError, match="careless does not say whom it is open to"):
        ApiRoute("/careless", careless)


async def test_an_answer_does_not_wait_until_its_head_is_acknowledged(
    served: BrowserSide, monkeypatch: pytest.MonkeyPatch
) -> None:
    met = []
    made = HttpToolsProtocol.connection_made

    def seen(self: HttpToolsProtocol, transport: asyncio.Transport) -> None:
        met.append(transport.get_extra_info("socket"))
        made(self, transport)

    monkeypatch.setattr(HttpToolsProtocol, "connection_made", seen)
    await served.visitor().get("/")
    assert [one.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) for one in met] == [1]
