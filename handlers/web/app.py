"""Every page, put together."""

from fastapi import APIRouter, FastAPI

from handlers.web import customers, start, static_files

ROUTERS: tuple[APIRouter, ...] = (start.router, customers.router, static_files.router)


def add_pages(web: FastAPI) -> None:
    for router in ROUTERS:
        web.include_router(router, include_in_schema=False)
