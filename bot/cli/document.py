"""`countersign document`."""

from datetime import datetime
from pathlib import Path

from bot.cli.output import Exit, opened, run
from bot.cli.output_files import write_file
from bot.settings import BooksSettings, read
from models.bills.bill import get_bill
from models.bills.documents import issued_document
from models.errors import NotFound
from models.queries.references import find_bill


def write_document(reference: str, output: Path) -> None:
    run(_write(reference, output))


async def _write(reference: str, output: Path) -> Exit:
    settings = read(BooksSettings)
    today = datetime.now(settings.timezone).date()
    async with opened(settings.address()) as db, db.reading() as session:
        bill = await get_bill(session, await find_bill(session, reference, today))
        document = await issued_document(session, bill.id)
        if document is None:
            raise NotFound(f"Bill #{bill.id} has no document. It gets one when it is issued.")
        return write_file(output, document.content, f"{document.number}, {document.media_type}")
