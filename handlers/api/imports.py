"""Customers, usage and people, many at once, from files of any length."""

from typing import Any

from fastapi import APIRouter, HTTPException, Request
from pydantic import BaseModel

from handlers.http.csv_files import CSV
from handlers.http.gate import Asking, HttpContext, open_to
from handlers.http.uploads import ApiUpload, Uploaded
from models.actions.keep_books import import_book
from models.imports.books import Book
from models.imports.csv_reader import CsvReader
from models.imports.rows import Rows
from models.imports.usage_rows import usage_of_json
from models.people.permissions import Permission

router = APIRouter(route_class=ApiUpload)
MOST_FLAWS = 100_000
JSON, JSON_LINES = "application/json", "application/x-ndjson"


class ImportAnswer(BaseModel):
    """Rows by what became of them, and bills by what followed. All zero but `unchanged`: nothing
    was to do. `stranded`: so many bills are held now, since nobody could approve them. `unwritten`:
    for so many of these customers no document can be drawn, since no font has a sign of theirs.
    """

    added: int
    changed: int
    unchanged: int
    bills: dict[str, int]
    stranded: int
    unwritten: int = 0


_ROW = {
    "type": "object",
    "required": ["api_usage", "month"],
    "properties": {
        "customer_id": {"type": "integer", "minimum": 1},
        "customer": {"type": "string", "description": "A name it has or had, instead of the id"},
        "year": {"type": "integer"},
        "month": {"description": "1 to 12 beside `year`, or `2026-10` without"},
        "api_usage": {"type": "integer", "minimum": 0},
    },
}
_AS_CSV = {CSV: {"schema": {"type": "string"}}}
_AS_JSON = {
    JSON: {"schema": {"type": "array", "items": _ROW}},
    JSON_LINES: {"schema": {"type": "string"}},
}


def _takes(content: dict[str, Any]) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": content}}


@router.put("/usage", openapi_extra=_takes(_AS_JSON | _AS_CSV))
@open_to(Permission.KEEP_BOOKS)
async def put_usage(context: Asking, request: Request, file: Uploaded) -> ImportAnswer:
    """Record many months: all of them, or none and every row at fault named by its number.

    Figures that are there already stay as they are, and every other change is on record.
    """
    if _kind(request) in (JSON, JSON_LINES, "application/jsonl"):
        return await _take_in(context, Book.USAGE, usage_of_json(file, MOST_FLAWS))
    return await _take_in(context, Book.USAGE, _csv(request, file, JSON, JSON_LINES))


@router.put("/customers", openapi_extra=_takes(_AS_CSV))
@open_to(Permission.KEEP_BOOKS)
async def put_customers(context: Asking, request: Request, file: Uploaded) -> ImportAnswer:
    """Add and change many customers as a file of CSV has them, found by name.

    All of them, or none and every row at fault named by its line. Columns and customers that are
    left out stay as they are, and bills follow in the same transaction.
    """
    return await _take_in(context, Book.CUSTOMERS, _csv(request, file))


@router.put("/users", openapi_extra=_takes(_AS_CSV))
@open_to(Permission.GIVE_ROLES)
async def put_people(context: Asking, request: Request, file: Uploaded) -> ImportAnswer:
    """Add and change many people as a file of CSV has them, found by Slack id, then by name.

    All of them, or none and every row at fault named by its line. Whoever is left out stays.
    """
    return await _take_in(context, Book.PEOPLE, _csv(request, file))


async def _take_in(context: HttpContext, book: Book, rows: Rows) -> ImportAnswer:
    change = await import_book(context.session, book, rows, context)
    done, outcomes = change.imported, change.recalculated.outcomes
    return ImportAnswer(
        added=done.added,
        changed=done.changed,
        unchanged=done.unchanged,
        bills={kind: len(those) for kind, those in outcomes.items()},
        stranded=len(change.stranded),
        unwritten=done.unwritten.customers if done.unwritten else 0,
    )


def _csv(request: Request, file: Uploaded, *others: str) -> Rows:
    """The rows of a body that is said to be CSV; `others`: what else is taken there."""
    if _kind(request) != CSV:
        *before, last = (*others, CSV)
        kinds = f"{', '.join(before)} or {last}" if before else last
        raise HTTPException(415, f"Send {kinds}.")
    return CsvReader(file, MOST_FLAWS)


def _kind(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()
