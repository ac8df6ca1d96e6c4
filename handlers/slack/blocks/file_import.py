"""The dialog that takes a file: what the file would do, its faults, what became of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from handlers.slack.blocks.action_ids import ActionId, pack
from handlers.slack.blocks.block_kit import (
    Block,
    SlackMessage,
    View,
    bullets,
    header,
    message,
    modal,
    paragraph,
    rich,
)
from handlers.slack.blocks.changes import CHANGED, in_dialog, moved_bills_blocks
from handlers.slack.blocks.inputs import file_input
from handlers.wording.change_text import difference_of_text
from handlers.wording.formatting import counted, name, number, plain, slash
from handlers.wording.import_text import COLUMNS, nothing_to_do
from handlers.wording.rich_text import Part, Sentence, bold, code, fallback_text
from models.imports.books import Book
from models.imports.foreseen import Foreseen
from models.imports.rows import AlikeFlaws, BadRows

FILE = "file"
FILE_TYPES = ("csv", "tsv", "txt")
AGAIN = {Book.USAGE: "usage import", Book.CUSTOMERS: "customer import", Book.PEOPLE: "bill people"}
"""By which command each kind of file is chosen."""
FAULTS_SHOWN, DIFFERENCES_SHOWN = 30, 20
REASON_CHARS = 200


@dataclass(frozen=True)
class LookedAt:
    """A file that is kept until `expires_at`, and what it would do."""

    id: int
    book: Book
    name: str
    foreseen: Foreseen
    expires_at: datetime


def import_form(book: Book) -> View:
    """Asks for the file."""
    return _choosing(book, [_columns(book)])


def _title(book: Book) -> str:
    return f"Import {book}"


def _choosing(book: Book, blocks: Sequence[Block]) -> View:
    label, hint = "File", "CSV, with commas, semicolons or tabs. Nothing is written yet."
    return modal(
        _title(book),
        [*blocks, file_input(FILE, label, hint, FILE_TYPES)],
        callback_id=ActionId.IMPORT_BOOK,
        submit="Preview",
        metadata=pack(book=book),
        close="Cancel",
    )


def _columns(book: Book) -> Block:
    return paragraph(
        "The first line of the file names its columns: ",
        *COLUMNS[book],
        ". Before anything is written you see what it would change, and which bills would move.",
    )


def looking(book: Book) -> View:
    """While the file is brought and looked at."""
    return _waiting(
        book,
        "Looking at the file. What it would do is shown here in a moment. Nothing is written yet;"
        " if this stays for more than five minutes, type ",
        code(slash(AGAIN[book])),
        " once more.",
    )


def taking_in(book: Book) -> View:
    """While the file is taken in."""
    return _waiting(
        book,
        "Taking in the file, all of it or nothing. What came of it is shown here, or told in your"
        " messages with Countersign if you close this. If you hear nothing within ten minutes,"
        " type ",
        code(slash(AGAIN[book])),
        " once more: the same file again changes nothing.",
    )


def _waiting(book: Book, *told: Part) -> View:
    return modal(_title(book), [paragraph(*told)])


def import_preview(file: LookedAt, *, has_changed: bool = False) -> View:
    """What the file would do, and one button; none where there is nothing to do. `has_changed`: it
    does something else than was agreed.
    """
    foreseen = file.foreseen
    shown = [header(name(file.name)), *([paragraph(CHANGED)] if has_changed else [])]
    if not foreseen.written:
        told = f"{nothing_to_do(foreseen)} There is nothing to do."
        return modal(_title(file.book), [*shown, paragraph(told)])
    kept = ("Nothing is written yet. The file is kept until ", file.expires_at, ".")
    return modal(
        _title(file.book),
        [*shown, paragraph(bold(f"{_counts(foreseen)}.")), *_effects(foreseen), paragraph(*kept)],
        callback_id=ActionId.APPLY_BOOK,
        submit="Apply",
        metadata=pack(file=file.id, book=file.book, agreed=foreseen.digest),
        close="Cancel",
    )


def _counts(foreseen: Foreseen) -> str:
    return (
        f"{number(foreseen.added)} added, {number(foreseen.changed)} changed, "
        f"{number(foreseen.unchanged)} unchanged"
    )


def _effects(foreseen: Foreseen) -> list[Block]:
    """The bills that move, corrections of what has gone out among them, then the figures."""
    shown = foreseen.differences[:DIFFERENCES_SHOWN]
    told = [difference_of_text(one) for one in shown]
    left = foreseen.total_differences - len(shown)
    more: list[Sentence] = [[f"and {counted(left, 'more', 'more')}."]] if left else []
    return [*in_dialog(moved_bills_blocks(foreseen)), rich(bullets([*told, *more]))]


def import_refused(book: Book, file: str, refused: BadRows) -> View:
    """The faults of a file, those that are alike together, and the field for a better one."""
    shown = refused.alike[:FAULTS_SHOWN]
    told = list(map(_fault, shown))
    left = refused.total - sum(one.rows for one in shown)
    more: list[Sentence] = [[f"and {counted(left, 'more fault')}."]] if left else []
    faults = counted(refused.total, "fault")
    lead = f"Nothing was written: {faults}. Mend the file and choose it again."
    return _choosing(book, [header(name(file)), paragraph(lead), rich(bullets([*told, *more]))])


def _fault(fault: AlikeFlaws) -> Sentence:
    """As in "Line 3 and 4 more, customer: “Acmee” is no customer's name"."""
    alike = f" and {number(fault.rows - 1)} more" if fault.rows > 1 else ""
    column = f", {plain(fault.column, REASON_CHARS)}" if fault.column else ""
    place = f"Line {number(fault.line)}{alike}{column}: "
    return [bold(place), plain(fault.reason, REASON_CHARS)]


def imported(file: str, foreseen: Foreseen) -> SlackMessage:
    """What was taken in, and the bills that moved with it."""
    told: Sentence = [bold(name(file)), f" is in: {_counts(foreseen)}."]
    return message(
        fallback_text(*told), [paragraph(*told), *in_dialog(moved_bills_blocks(foreseen))]
    )
