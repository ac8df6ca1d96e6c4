"""Documents are drawn in processes of their own: typst lets nothing else happen meanwhile."""

from datetime import date
from pathlib import Path

from bot.worker.processes import Processes, ProcessLost
from handlers.documents.printer import InvoicePrinter
from handlers.documents.typesetting import Typeset, typeset
from models.bills.documents import CannotBeDrawn, Draw, Drawn
from models.bills.invoice_data import InvoiceData


def draw_in(processes: Processes, printer: InvoicePrinter) -> Draw:
    """As the printer draws them."""

    async def set_there(
        folder: Path, page: str, issued_on: date, e_invoice: bytes | None
    ) -> Typeset:
        return await processes.call(typeset, folder, page, issued_on, e_invoice)

    async def draw(facts: InvoiceData) -> Drawn:
        try:
            return await printer.draw_elsewhere(facts, set_there)
        except ProcessLost as lost:
            raise CannotBeDrawn(f"It cannot be drawn: {lost}.") from lost

    return draw
