"""The names by which a route takes what is asked."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.requests import Request


def names_known(request: Request) -> Mapping[str, Sequence[str]]:
    """Those of the query and of the body, of the route that answers; none where none does."""
    route = request.scope.get("route")
    if not isinstance(route, APIRoute):
        return {}
    taken = route.dependant
    return {"query": [*_named(taken.query_params)], "body": [*_named(taken.body_params)]}


def _named(parameters: Sequence[Any]) -> Iterator[str]:
    for one in parameters:
        told = one.field_info.annotation
        if isinstance(told, type) and issubclass(told, BaseModel):
            yield from (field.alias or name for name, field in told.model_fields.items())
        else:
            yield one.alias
