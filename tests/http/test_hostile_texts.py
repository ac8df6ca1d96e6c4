"""What no browser of ours sends: it is answered, and never an accident."""

import inspect
import re
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.dependencies.utils import get_flat_params
from fastapi.params import ParamTypes
from fastapi.routing import APIRoute

from handlers.web.app import ROUTERS
from tests.harness.browser_side import Answer, BrowserSide, Visitor
from tests.harness.cast import People

VERA = {"name": "Vera\x00", "email": "vera@example.com", "password": "correct horse\x00 12"}
NAMES_NOTHING = "nothing"
READS_BY_ITSELF = "query_params"


def _pages() -> Iterator[APIRoute]:
    for route in (one for router in ROUTERS for one in router.routes):
        if isinstance(route, APIRoute) and "GET" in (route.methods or ()):
            yield route


def _is_in_query(asked: Any) -> bool:
    return getattr(asked.field_info, "in_", None) is ParamTypes.query


def _asked_of(page: APIRoute) -> list[str]:
    """What an address of this page may ask: as its function says, or as its module reads it."""
    declared = [one.alias for one in get_flat_params(page.dependant) if _is_in_query(one)]
    source = inspect.getsource(sys.modules[page.endpoint.__module__])
    read = re.findall(r"[\"'](\w+)[\"']", source) if READS_BY_ITSELF in source else []
    return [*dict.fromkeys([NAMES_NOTHING, *declared, *read])]


async def _asked_of_the_api(ana: Visitor) -> list[tuple[str, str]]:
    paths = (await ana.get("/api/openapi.json")).json["paths"]
    return [
        (path, parameter["name"])
        for path, methods in paths.items()
        for parameter in methods.get("get", {}).get("parameters", ())
        if parameter["in"] == "query"
    ]


@pytest.mark.parametrize("text", ["%00", "a%00b", "%ED%A0%80"])
async def test_no_sign_in_an_address_is_an_accident(
    served: BrowserSide, people: People, text: str
) -> None:
    ana = await served.signed_in(people.ana)
    asked = [
        f"{path}?{name}={text}".replace("_id}", f"_id}}{text}")
        for path, name in await _asked_of_the_api(ana)
    ]
    for page in _pages():
        asked += [page.path.replace("}", f"}}{text}")] if "{" in page.path else []
        asked += [f"{page.path}?{name}={text}" for name in _asked_of(page)]
    assert len(asked) > 50
    for address in asked:
        path = address.replace("{", "").replace("}", "")
        assert (await ana.get(path)).status < 500, address


async def test_nul_is_left_out_of_whatever_is_typed(served: BrowserSide, people: People) -> None:
    ana = await served.signed_in(people.ana)
    made = await served.visitor().post("/api/users", json=VERA)
    assert (made.status, made.json["name"]) == (201, "Vera")
    typed = {"name": "Ve\x00ra", "password": "correct horse 12\x00"}
    assert (await served.visitor().post("/api/session", json=typed)).status == 201
    assert (await served.visitor().post("/welcome/sign-in", data=typed)).status == 303
    found = await ana.get("/api/users?q=ve%00ra")
    assert [one["name"] for one in found.json["users"]] == ["Vera"]
    assert (await ana.get("/dashboard?customer=%00")).status == 200
    named = await ana.post("/api/customers", json={"name": "Acme\x00"})
    assert named.status == 422
    assert "name" not in {fault["field"] for fault in named.json["errors"]}


async def test_a_slash_too_many_leads_nowhere(served: BrowserSide, people: People) -> None:
    """A redirect to the same without it would go wherever the Host header says."""
    ana = await served.signed_in(people.ana)
    for path in ("/dashboard/", "/api/bills/", "/welcome/"):
        answer = await ana.get(path, headers={"Host": "evil.example"})
        assert (answer.status, answer.headers.get("Location")) == (404, None)


JSON_TYPE = {"Content-Type": "application/json"}
NEW = {"name": "Zed", "email": "zed@example.com", "password": "correct horse 12"}
TAKEN = {"email": "zed@example.com", "password": "correct horse 12"}


UNREADABLE = (
    ({"data": "{", "headers": JSON_TYPE}, "body", "The body is not JSON that can be read."),
    ({"data": "[" * 100_000, "headers": JSON_TYPE}, "body", "The body is not JSON that"),
    ({"json": []}, "body", "An object with fields is needed."),
    ({"json": TAKEN}, "name", "name: That is needed."),
    ({"json": NEW | {"name": ""}}, "name", "name: That is needed."),
    ({"json": NEW | {"name": " "}}, "name", "name: Something that can be read is needed."),
    ({"json": NEW | {"password": "short"}}, "password", "At least 12 characters are needed."),
    ({"json": NEW | {"name": "x" * 201}}, "name", "At most 200 characters fit."),
    ({"json": NEW | {"password": "half a sign \ud83d"}}, "password", "half of a sign"),
    ({"json": NEW | {"name": 3}}, "name", "A text is needed."),
    ({"json": NEW | {"boss": True}}, "boss", "Nothing is known by that name."),
)


async def test_what_cannot_be_read_is_told_in_a_sentence(
    served: BrowserSide, people: People, subtests: pytest.Subtests
) -> None:
    for given, field, detail in UNREADABLE:
        with subtests.test(str(given)[:60]):
            refused = await served.visitor().post("/api/users", **given)
            assert (refused.status, refused.json["field"]) == (422, field)
            assert detail in refused.json["detail"]


async def test_what_is_not_said_to_be_json_is_told_what_to_say(served: BrowserSide) -> None:
    for said, told in (
        ("text/plain", "application/json"),
        ("application/json; charset=x", "UTF-8"),
    ):
        refused = await served.visitor().post(
            "/api/users", data="{}", headers={"Content-Type": said}
        )
        assert (refused.status, told in refused.json["detail"]) == (415, True)


async def test_no_pattern_and_no_library_speaks_to_people(
    served: BrowserSide, people: People
) -> None:
    ana = await served.signed_in(people.ana)
    told = [
        await ana.patch(f"/api/users/{people.kim.id}", json={"slack_user_id": "@kim"}),
        await ana.patch(f"/api/users/{people.kim.id}", json={"role": "Boss", "active": 1}),
        await ana.get("/api/bills?cursor=%21&limit=0&month=October"),
        await ana.get("/api/customers?limit=x&csm_id=0"),
        await ana.post("/api/bills", json={"period": "13"}),
    ]
    for one in told:
        assert one.status == 422
        reasons = [fault["reason"] for fault in one.json["errors"]]
        assert reasons
        for reason in reasons:
            assert reason.endswith(".")
            assert not {"pattern", "Input", "String", "Value"} & set(re.findall(r"\w+", reason))


async def test_a_refusal_is_one_line(served: BrowserSide, people: People) -> None:
    ana = await served.signed_in(people.ana)
    again = {"Idempotency-Key": "k1"}
    made = [await ana.post("/api/tokens", json={"name": "x"}, headers=again) for _ in range(2)]
    assert [one.status for one in made] == [201, 409]
    assert "told only once. Take back what was made" in made[1].json["detail"]


LINE_END = "\r\nSet-Cookie: planted=1\r\n"


async def test_nothing_that_is_typed_becomes_a_header(served: BrowserSide, people: People) -> None:
    """What is told by the next page goes along in a cookie, and a file's name in a header."""
    ana = await served.signed_in(people.ana)
    named = {"name": f"Acme{LINE_END}", "monthly_api_limit": "5"}
    token = {"name": f"report{LINE_END}"}
    answers = [
        await ana.post("/customers/new", data=named),
        await ana.post("/api/customers", json=named | {"monthly_api_limit": 5}),
        await ana.post("/account/tokens", data=token),
        await ana.post("/api/tokens", json=token),
        await ana.get("/people", params={"q": LINE_END}),
        await ana.get("/customers", params={"name": LINE_END, "after": LINE_END}),
    ]
    assert {answer.status for answer in answers} <= {200, 201, 303, 422}
    for answer in answers:
        assert not any("planted" in f"{name}{value}" for name, value in _told(answer)), answer


def _told(answer: Answer) -> list[tuple[str, str]]:
    """The headers, but for a cookie's own value, in which it may stand as text."""
    return [
        (name, re.sub(r"^notice=[^;\r\n]*", "", value)) for name, value in answer.headers.items()
    ]
