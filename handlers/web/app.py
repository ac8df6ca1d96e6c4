"""Every page, put together."""

from fastapi import APIRouter, FastAPI

from handlers.web import (
    access,
    account,
    api_docs,
    bills,
    bulk_approve,
    bulk_send,
    comments,
    customer_page,
    customers,
    dashboard,
    decisions,
    editing,
    imports,
    live,
    month,
    people,
    settings,
    sources,
    start,
    static_files,
    usage_links,
    webhooks,
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
    bulk_send.router,
    bills.router,
    comments.router,
    usage_links.router,
    customer_page.router,
    decisions.router,
    editing.router,
    customers.router,
    month.router,
    imports.router,
    imports.uploads,
    settings.router,
    sources.router,
    live.router,
    webhooks.router,
    api_docs.router,
    static_files.router,
)


def add_pages(web: FastAPI) -> None:
    for router in ROUTERS:
        web.include_router(router, include_in_schema=False)
