"""Files of usage, customers and people: chosen in a dialog, looked at, taken in once agreed."""

from functools import partial

from handlers.slack.answers import Answer, Dialog, Later, NotBrought, as_dialog
from handlers.slack.blocks.action_ids import OUT_OF_DATE
from handlers.slack.blocks.file_import import (
    FILE,
    LookedAt,
    import_form,
    import_preview,
    import_refused,
    imported,
    looking,
    taking_in,
)
from handlers.slack.context import RequestContext
from models.actions.uploaded_files import (
    LARGEST_BYTES,
    STATEMENT_S,
    UploadedFile,
    look_at_file,
    take_in_file,
)
from models.errors import Invalid
from models.imports.books import Book
from models.imports.foreseen import Foreseen
from models.imports.rows import BadRows
from models.people.permissions import Permission
from models.people.who_can import require


async def choose(book: Book, context: RequestContext, _: str = "") -> Answer:
    """The dialog that takes a file."""
    await require(context.session, context.user, Permission.KEEP_BOOKS)
    return Dialog(import_form(book))


async def choose_clicked(context: RequestContext) -> Answer:
    return await choose(_book(context), context)


def _book(context: RequestContext) -> Book:
    try:
        return Book(context.ids("book")["book"])
    except ValueError:
        raise Invalid(OUT_OF_DATE) from None


async def look(context: RequestContext) -> Later:
    """What the file would do; nothing of it is written. Its faults are listed by line."""
    await require(context.session, context.user, Permission.KEEP_BOOKS)
    book, files = _book(context), context.files(FILE)
    if not files:
        raise Invalid("Choose a file first.", FILE)
    return Later(partial(_look, context, book, files[0]), looking(book))


async def _look(context: RequestContext, book: Book, file_id: str) -> Dialog:
    try:
        brought = await context.services.slack.bring_file(file_id, LARGEST_BYTES)
    except NotBrought as refused:
        raise Invalid(refused.sentence, FILE) from refused
    try:
        async with context.begun_anew(STATEMENT_S) as asked:
            file = await look_at_file(asked.session, book, brought.name, brought.content, asked)
    except BadRows as refused:
        return Dialog(import_refused(book, brought.name, refused))
    return Dialog(import_preview(_looked_at(file, file.would_do)))


async def take_in(context: RequestContext) -> Later:
    """Take in what was looked at, once; where it does something else by now, show that first."""
    ids = context.ids("file", "agreed")
    await require(context.session, context.user, Permission.KEEP_BOOKS)
    waiting = taking_in(_book(context))
    return Later(partial(_take_in, context, ids["file"], ids["agreed"]), waiting)


async def _take_in(context: RequestContext, file_id: int, agreed: str) -> Dialog:
    async with context.begun_anew(STATEMENT_S) as asked:
        file, foreseen, is_done = await take_in_file(asked.session, file_id, agreed, asked)
    if not is_done:
        return Dialog(import_preview(_looked_at(file, foreseen), has_changed=True))
    told = imported(file.name, foreseen)
    return Dialog(as_dialog(told, "Done"), told)


def _looked_at(file: UploadedFile, foreseen: Foreseen) -> LookedAt:
    return LookedAt(file.id, Book(file.book), file.name, foreseen, file.expires_at)
