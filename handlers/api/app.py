"""Every route of the JSON API, put together."""

from fastapi import APIRouter, FastAPI

from handlers.api import bills, customers, session, tokens, usage, users, webhooks

PREFIX = "/api"
ROUTERS: tuple[APIRouter, ...] = (
    session.router,
    users.router,
    tokens.router,
    bills.router,
    customers.router,
    usage.router,
    usage.uploads,
    webhooks.router,
)


def add_api(web: FastAPI) -> None:
    """Answer under `/api`."""
    for router in ROUTERS:
        web.include_router(router, prefix=PREFIX)
