"""`/api/docs`: what the JSON API takes, and trying it as whoever is signed in."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Response

from handlers.http.gate import Access, PageRoute, Visiting, open_to
from handlers.web.rendering import page

router = APIRouter(route_class=PageRoute)
Json = Mapping[str, Any]


@dataclass(frozen=True)
class Operation:
    """One thing that can be asked. `body`: an example of what goes along, if anything does."""

    name: str
    group: str
    method: str
    path: str
    told: str
    parameters: tuple[Json, ...]
    body: str | None


@router.get("/api/docs")
@open_to(Access.ANYBODY)
async def api_docs(visit: Visiting) -> Response:
    document = visit.request.app.openapi()
    operations = list(_operations(document))
    groups: dict[str, list[Operation]] = {}
    for operation in operations:
        groups.setdefault(operation.group, []).append(operation)
    about = document["info"]["description"].split("\n\n")
    return page(visit.request, "api_docs.html.jinja", about=about, groups=groups)


def _operations(document: Json) -> Iterator[Operation]:
    for path, methods in document["paths"].items():
        for method, one in methods.items():
            yield Operation(
                name=one["operationId"],
                group=one["tags"][0].removesuffix(".csv"),
                method=method.upper(),
                path=path,
                told=one["description"],
                parameters=tuple(one.get("parameters", ())),
                body=_body(document, one),
            )


def _body(document: Json, operation: Json) -> str | None:
    taken = operation.get("requestBody", {}).get("content", {}).get("application/json")
    return json.dumps(_example(document, taken["schema"]), indent=2) if taken else None


def _example(document: Json, schema: Json) -> Any:
    """Something of this shape: of an object what it has to have, else what it may have."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return _example(document, document["components"]["schemas"][name])
    if "properties" in schema:
        shown = schema.get("required") or schema["properties"]
        return {name: _example(document, schema["properties"][name]) for name in shown}
    if schema.get("type") == "array":
        return [_example(document, schema["items"])]
    given = [schema.get("default"), *schema.get("examples", ()), *schema.get("enum", ())]
    found = [one for one in given if one is not None]
    if found:
        return found[0]
    if "anyOf" in schema:
        return _example(document, schema["anyOf"][0])
    return _OF_TYPE.get(schema.get("type", ""))


_OF_TYPE: dict[str, Any] = {"string": "", "integer": 1, "boolean": False}
