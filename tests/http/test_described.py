"""What the API says of itself is so, whatever it is asked."""

import re

import pytest

from handlers.api.app import ROUTERS
from handlers.http.bodies import LARGEST_BODY
from handlers.http.gate import Access, ApiRoute
from models.db.database import Database
from tests.fuzz.asking import add_company, ask
from tests.harness.browser_side import BrowserSide
from tests.harness.cast import People

pytestmark = pytest.mark.long

QUICK = ("--phases", "fuzzing", "--max-examples", "3", "--seed", "1")


async def test_whatever_is_asked_is_answered_as_described(
    served: BrowserSide, people: People, db: Database
) -> None:
    """In short; `python -m tests.fuzz` asks for as long as one likes."""
    await add_company(db, people)
    status, said = await ask(served, people, *QUICK)
    assert status == 0, said


JSON, TEXT = ({"Content-Type": kind} for kind in ("application/json", "text/plain"))
FROM_ELSEWHERE = {"headers": {"Origin": "https://elsewhere.example"}}
UNREADABLE = ({"data": b"{", "headers": JSON}, {"data": b"{}", "headers": TEXT})
TOO_LONG = {"data": b"x" * (LARGEST_BODY + 1), "headers": JSON}
NO_METHOD = "LOCK"


async def test_whatever_is_refused_is_described_where_it_can_happen(
    served: BrowserSide, people: People
) -> None:
    stranger = served.visitor()
    document = (await stranger.get("/api/openapi.json")).json
    ana = served.visitor(await served.token(people.ana))
    unlike = dict.fromkeys(("get", "post", "patch", "put", "delete"), TOO_LONG)
    seen = set[int]()
    for path, operations in document["paths"].items():
        address = re.sub("{.*?}", "404", path)
        none_such = await stranger.ask(NO_METHOD, address)
        for method, operation in operations.items():
            amiss = UNREADABLE if "requestBody" in operation else ()
            asked = unlike.pop(method, FROM_ELSEWHERE)
            answers = [
                none_such,
                await stranger.ask(method, address, **asked),
                *[await ana.ask(method, address, **one) for one in amiss],
            ]
            for answer in answers:
                told = operation["responses"].get(str(answer.status))
                assert told, (method, path, answer.status)
                assert {*told.get("headers", ())} <= {*answer.headers}, (path, answer.status)
                seen.add(answer.status)
    assert {401, 403, 404, 405, 413, 415, 422} <= seen


async def test_no_body_takes_more_than_it_names(served: BrowserSide) -> None:
    """So nobody gives a thing a field that is not theirs to give, however it is called."""
    document = (await served.visitor().get("/api/openapi.json")).json
    bodies = [
        schema["$ref"].rpartition("/")[2]
        for operations in document["paths"].values()
        for operation in operations.values()
        for one in operation.get("requestBody", {}).get("content", {}).values()
        if "$ref" in (schema := one["schema"])
    ]
    schemas = document["components"]["schemas"]
    assert len(bodies) > 15
    assert [name for name in bodies if schemas[name].get("additionalProperties") is not False] == []


async def test_a_name_that_is_not_known_in_an_address_is_refused_everywhere(
    served: BrowserSide, people: People
) -> None:
    """What is misspelt does not answer everything, and is not passed over by what writes."""
    ana, max_ = await served.signed_in(people.ana), await served.signed_in(people.max)
    for path, known in (
        ("/api/bills?stauts=sent", "status, customer_id, csm_id, year, month, cursor, limit"),
        ("/api/usage.csv?form=2026-10", "customer_id, from, to"),
        ("/api/webhooks?status=failed", "none here"),
        ("/customers?csmm=1", "name, csm, over, after"),
        ("/people?name=kim", "q, after"),
    ):
        refused = await ana.get(path)
        assert (refused.status, f"There are: {known}." in refused.text) == (422, True), path
    for path in ("/api/bills?status=held&status=sent", "/customers?name=a&name=b"):
        twice = await ana.get(path)
        assert (twice.status, "there more than once" in twice.text) == (422, True), path
    ahead = await ana.get("/api/usage?from=2201-01")
    assert (ahead.status, "2000-01 to 2200-12" in ahead.json["detail"]) == (422, True)
    assert (await ana.get("/api/usage?to=2200-12")).status == 200
    dry = await ana.post("/api/bills?dry_run=true", json={"year": 2026, "month": 10})
    assert (dry.status, dry.json["field"]) == (422, "dry_run")
    assert (await max_.post("/api/bills?dry_run=true", json={})).status == 403
    assert (await ana.get("/api/webhooks/404?status=failed")).status == 404
    body = await ana.post("/api/bills", json={"year": 2026, "month": 10, "costumer_id": 1})
    assert "There are: year, month, customer_id, dry_run, agreed." in body.json["detail"]
    named = await ana.get("/api/bills", params={"status": "zzz"})
    assert "pending" in named.json["detail"]
    assert (await ana.get("/settings?utm_source=mail")).status == 200


async def test_too_many_attempts_are_described(served: BrowserSide) -> None:
    document = (await served.visitor().get("/api/openapi.json")).json
    limited = {
        f"{method} {path}"
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if "429" in operation["responses"]
    }
    assert limited == {"post /api/session", "post /api/users", "put /api/password"}


def test_no_answer_with_a_secret_is_kept() -> None:
    """Whatever a POST answers under the name of a secret or a token is told once."""
    told = [
        route
        for router in ROUTERS
        for route in router.routes
        if isinstance(route, ApiRoute) and route.methods == {"POST"} and route.response_model
        if {"secret", "token"} & set(route.response_model.model_fields)
    ]
    assert {route.path for route in told} >= {"/tokens", "/webhooks"}
    assert all(route.holds_secret or route.rule is Access.ANYBODY for route in told)
