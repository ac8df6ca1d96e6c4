"""Every page, put together."""

from fastapi import APIRouter, FastAPI

from handlers.web import (
    access,
    account,
    bills,
    bulk_approve,
    customers,
    dashboard,
    decisions,
    live,
    month,
    people,
    start,
    static_files,
    welcome,
)

ROUTERS: tuple[APIRouter, ...] = (
    start.router,
    welcome.router,
    access.router,
    account.router,
    people.router,
    dashboard.router,
    bulk_approve.router,
    bills.router,
    decisions.router,
    customers.router,
    month.router,
    live.router,
    static_files.router,
)


def add_pages(web: FastAPI) -> None:
    for router in ROUTERS:
        web.include_router(router, include_in_schema=False)
