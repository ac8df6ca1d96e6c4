"""Every route of the JSON API, put together."""

from fastapi import APIRouter, FastAPI

from handlers.api import bills, session

PREFIX = "/api"
ROUTERS: tuple[APIRouter, ...] = (session.router, bills.router)


def add_api(web: FastAPI) -> None:
    """Answer under `/api`."""
    for router in ROUTERS:
        web.include_router(router, prefix=PREFIX)
