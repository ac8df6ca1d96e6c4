"""The description of the API (OpenAPI 3.1), made of the routes themselves."""

from collections.abc import Iterator, Sequence
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import models_json_schema

from handlers.api.bill_answers import ActionAnswer
from handlers.http.gate import Access, Rule
from handlers.http.once import HEADER, KEY
from handlers.http.same_site import SAFE
from models.people.permissions import ROLE_PERMISSIONS

VERSION = "1"
SCHEMAS = "#/components/schemas/"
FASTAPI_SCHEMAS = ("HTTPValidationError", "ValidationError")
ABOUT = """
What people do with bills in Slack and on the pages, for programs: the same verbs, the same guards,
one record. Amounts are strings, exact and in the currency beside them; months are `YYYY-MM`.

Sign in by `POST /api/session`, or make a token of your own at `/api/tokens`, and send it as
`Authorization: Bearer TOKEN`. What is refused is told as `application/problem+json`, in this order:
401 not signed in, 403 not allowed, 404 not there, 422 not readable, 409 not as it stands.
"""


class FaultAnswer(BaseModel):
    """What is wrong with one field. `field`: as in `rows.3.month`."""

    field: str
    reason: str


class PersonWhoCan(BaseModel):
    id: int
    name: str
    role: str | None


class WhoCanAnswer(BaseModel):
    """Up to three people who may do what was refused, and how many others may."""

    people: list[PersonWhoCan]
    others: int


class Problem(BaseModel):
    """What is refused (RFC 9457). `detail` is a sentence for a person; `field` names the input that
    is at fault, and `errors` all of them. After a decision that came too late, `version` is the
    bill's now, and `since` what was done to it meanwhile. `reference`: under which an accident is
    found in the log. `who_can`: of what others may, whom to ask.
    """

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    field: str | None = None
    errors: list[FaultAnswer] = Field(default_factory=list)
    version: int | None = None
    since: list[ActionAnswer] = Field(default_factory=list)
    reference: str | None = None
    who_can: WhoCanAnswer | None = None


PROBLEMS: dict[int, str] = {
    401: "Not signed in, or by a token that does not count any more.",
    403: "Not allowed, whatever it is about; or sent by another site's page.",
    404: "Not there.",
    405: "Another method than there is at this address; `Allow` names those.",
    408: "The rest of the request did not come in time.",
    409: "Not as it stands by now; nothing was done.",
    413: "More than is taken at once.",
    415: "Another kind of content than is taken there, or another charset than UTF-8.",
    422: "Not readable; the field is named.",
    429: "Too many attempts; `Retry-After` says when to try again.",
    500: "An accident, which is in the log under the reference.",
    503: "Somebody else is at the same things, or the database is slow; nothing was done.",
}
TOLD_BESIDE: dict[int, tuple[str, str]] = {
    401: ("WWW-Authenticate", "How to say who asks."),
    405: ("Allow", "The methods that there are."),
    429: ("Retry-After", "In so many seconds."),
    503: ("Retry-After", "In so many seconds."),
}
"""The header that goes with a refusal, and what it says."""
SECURITY = {
    "token": {
        "type": "http",
        "scheme": "bearer",
        "description": "Of a session, or one made at `/api/tokens`.",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "session",
        "description": "Set by `POST /api/session`; under https it is called `__Host-session`.",
    },
}


def describe(routers: Sequence[APIRouter], prefix: str) -> dict[str, Any]:
    """The document: what each route takes and answers, and what it may refuse."""
    shown = FastAPI(
        title="Countersign",
        version=VERSION,
        description=ABOUT.strip(),
        generate_unique_id_function=_operation_id,
    )
    for router in routers:
        shown.include_router(router, prefix=prefix)
    document = shown.openapi()
    for route in (one for router in routers for one in router.routes):
        if isinstance(route, APIRoute) and route.include_in_schema:
            for method in route.methods or ():
                operation = document["paths"][prefix + route.path][method.lower()]
                operation["tags"] = [route.path.split("/")[1]]
                _drop_nulls(operation)
                _add_refusals(operation, route, method)
    schemas = {
        name: schema
        for name, schema in document["components"]["schemas"].items()
        if name not in FASTAPI_SCHEMAS
    }
    document["components"] = {
        "schemas": schemas | _problem_schemas(),
        "securitySchemes": SECURITY,
    }
    return document


def _operation_id(route: APIRoute) -> str:
    """As in "bills.show_bill"."""
    return f"{route.endpoint.__module__.rpartition('.')[2]}.{route.name}"


def _drop_nulls(operation: dict[str, Any]) -> None:
    """What stands in an address or a header is left out where there is none, and never null."""
    for parameter in operation.get("parameters", ()):
        schema = parameter["schema"]
        given = [one for one in schema.pop("anyOf", ()) if one != {"type": "null"}]
        for one in given:
            schema |= one


ONCE = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "schema": {"type": "string", "pattern": KEY},
    "description": "For a day, the same request by the same key is answered as before, and not done"
    " again.",
}


def _add_refusals(operation: dict[str, Any], route: APIRoute, method: str) -> None:
    rule: Rule = route.endpoint.open_to  # type: ignore[attr-defined]
    if method == "POST" and rule is not Access.ANYBODY:
        operation.setdefault("parameters", []).append(ONCE)
    if rule is not Access.ANYBODY:
        operation["security"] = [{name: []} for name in SECURITY]
    if who := _may(rule):
        operation["description"] = f"{operation.get('description', '')}\n\n{who}".strip()
    told = operation["responses"]
    declared = (int(status) for status in told if int(status) >= 400)
    for status in sorted({*declared, *_refused(rule, route.path, method)}):
        described = told.get(str(status), {}).get("description")
        told[str(status)] = {
            "description": described if status != 422 and described else PROBLEMS[status],
            "content": {"application/problem+json": {"schema": {"$ref": f"{SCHEMAS}Problem"}}},
            **_told_beside(status),
        }


def _told_beside(status: int) -> dict[str, Any]:
    if status not in TOLD_BESIDE:
        return {}
    name, says = TOLD_BESIDE[status]
    return {"headers": {name: {"description": says, "schema": {"type": "string"}}}}


def _may(rule: Rule) -> str:
    if rule is Access.IN_PERSON:
        return "For whoever is signed in, no script."
    if isinstance(rule, Access):
        return ""
    able = [role.value for role, permissions in ROLE_PERMISSIONS.items() if rule in permissions]
    return f"For {', '.join(able)}."


def _refused(rule: Rule, path: str, method: str) -> Iterator[int]:
    changes = method not in SAFE
    if rule is not Access.ANYBODY:
        yield 401
    if rule is not Access.ANYBODY or changes:
        yield 403
    if "{" in path:
        yield 404
    if changes:
        yield from (409, 415)
    yield from (405, 408, 413, 422, 500, 503)


def _problem_schemas() -> dict[str, Any]:
    _, schemas = models_json_schema(
        [(Problem, "serialization")], ref_template=f"{SCHEMAS}{{model}}"
    )
    defined: dict[str, Any] = schemas["$defs"]
    return defined
