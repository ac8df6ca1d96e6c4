"""Files of customers, usage and people: chosen, looked at, taken in."""

from functools import partial

from fastapi import APIRouter, Request, Response
from starlette.datastructures import UploadFile

from handlers.http.gate import AnsweredLater, Asking, HttpContext, PageRoute, open_to
from handlers.http.ids import PathId
from handlers.http.uploads import PageUpload
from handlers.web.confirming import AGREED, drawing
from handlers.web.forms import Form, Typed, shown_again
from handlers.web.notices import see
from handlers.web.rendering import page
from handlers.wording.formatting import name, number
from handlers.wording.import_text import COLUMNS, nothing_to_do
from models.actions.uploaded_files import look_at_file, take_in_file, uploaded_file
from models.errors import Invalid
from models.imports.books import Book
from models.imports.rows import SHOWN_FLAWS, BadRows
from models.people.permissions import Permission

router = APIRouter(route_class=PageRoute)
uploads = APIRouter(route_class=PageUpload)
BOOKS = [(Book.USAGE, "Usage"), (Book.CUSTOMERS, "Customers"), (Book.PEOPLE, "People")]


@router.get("/import")
@open_to(Permission.KEEP_BOOKS)
async def choose(context: Asking) -> Response:
    return await _choose_page(context, Form())


@uploads.post("/import")
@open_to(Permission.KEEP_BOOKS)
async def look(context: Asking, request: Request, typed: Typed) -> Response:
    """Look at what a file would do; nothing of it is written."""
    chosen = (await request.form()).get("file")
    typed = {"book": typed.get("book", ""), "file": ""}
    async with shown_again(context, typed, _choose_page):
        book = _book(typed["book"])
        if not isinstance(chosen, UploadFile) or not chosen.filename:
            raise Invalid("Choose a file first.", "file")
        called, content = chosen.filename, await chosen.read()
        try:
            file = await look_at_file(context.session, book, called, content, context)
        except BadRows as refused:
            draw = partial(_refused_page, refused, called)
            raise AnsweredLater(_nothing, draw) from refused
    return see(context.request, f"/import/{file.id}")


@router.get("/import/{file_id}")
@open_to(Permission.KEEP_BOOKS)
async def looked_at(context: Asking, file_id: PathId) -> Response:
    file = await uploaded_file(context.session, file_id, context)
    return page(
        context.request,
        "import_file.html.jinja",
        file=file,
        foreseen=file.would_do,
        why_nothing=nothing_to_do(file.would_do),
        agreed=AGREED,
        **drawing(),
    )


@uploads.post("/import/{file_id}")
@open_to(Permission.KEEP_BOOKS)
async def take_in(context: Asking, file_id: PathId, typed: Typed) -> Response:
    """Take in what was looked at; where it does something else by now, show that first."""
    seen = typed.get(AGREED, "")
    file, done, is_done = await take_in_file(context.session, file_id, seen, context)
    if not is_done:
        return see(context.request, f"/import/{file_id}", CHANGED, "problem")
    told = (
        f"{name(file.name)} is in: {number(done.added)} added, {number(done.changed)} changed, "
        f"{number(done.unchanged)} unchanged."
    )
    return see(context.request, "/import", told)


CHANGED = (
    "The books have changed since you looked at this file. Nothing was written: below is what it "
    "would do now."
)


async def _nothing() -> None:
    return None


def _book(typed: str) -> Book:
    try:
        return Book(typed)
    except ValueError:
        raise Invalid("Say what the file is about.", "book") from None


async def _choose_page(context: HttpContext, form: Form) -> Response:
    return page(context.request, "import.html.jinja", form=form, books=BOOKS, columns=COLUMNS)


async def _refused_page(refused: BadRows, called: str, context: HttpContext) -> Response:
    shown = refused.alike[:SHOWN_FLAWS]
    return page(
        context.request,
        "import_refused.html.jinja",
        422,
        name=name(called),
        faults=refused.total,
        shown=shown,
        others=refused.total - sum(alike.rows for alike in shown),
    )
