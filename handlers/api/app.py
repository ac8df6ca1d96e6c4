"""Every route of the JSON API, put together."""

from functools import cache
from typing import Any

from fastapi import APIRouter, FastAPI

from handlers.api import (
    absence,
    bill_runs,
    bills,
    customers,
    description,
    imports,
    session,
    sources,
    tokens,
    usage,
    usage_links,
    users,
    webhooks,
)
from handlers.api.openapi import describe

PREFIX = "/api"
ROUTERS: tuple[APIRouter, ...] = (
    session.router,
    users.router,
    tokens.router,
    absence.router,
    bills.router,
    usage_links.router,
    bill_runs.router,
    customers.router,
    usage.router,
    imports.router,
    sources.router,
    webhooks.router,
    description.router,
)


def add_api(web: FastAPI) -> None:
    """Answer under `/api`."""
    for router in ROUTERS:
        web.include_router(router, prefix=PREFIX)
    web.openapi = _document  # type: ignore[method-assign]


@cache
def _document() -> dict[str, Any]:
    return describe(ROUTERS, PREFIX)
