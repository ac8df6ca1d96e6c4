"""Every page, put together."""

from fastapi import APIRouter, FastAPI

from handlers.web import (
    bills,
    bulk_approve,
    customers,
    dashboard,
    decisions,
    editing,
    imports,
    live,
    start,
    static_files,
    webhooks,
)

ROUTERS: tuple[APIRouter, ...] = (
    start.router,
    dashboard.router,
    bulk_approve.router,
    bills.router,
    decisions.router,
    editing.router,
    customers.router,
    imports.router,
    imports.uploads,
    live.router,
    webhooks.router,
    static_files.router,
)


def add_pages(web: FastAPI) -> None:
    for router in ROUTERS:
        web.include_router(router, include_in_schema=False)
