"""Documents are drawn in processes of their own: typst lets nothing else happen meanwhile."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from bot.settings import Settings
from bot.worker.processes import Processes, ProcessLost
from handlers.documents.printer import TEMPLATES, InvoicePrinter
from handlers.documents.samples import samples
from handlers.documents.typesetting import Typeset, prepare_rules, typeset
from models.bills.documents import CannotBeDrawn, Draw, Drawn
from models.bills.invoice_data import InvoiceData


class CannotDraw(Exception):
    """No document can be drawn, or no e-invoice checked: says by which setting, and why."""


async def tried_drawing(settings: Settings, processes: Processes) -> Draw:
    """What draws documents as the settings want them, tried before a bill waits for it.

    Raises CannotDraw for a template that draws none, for names that no font has, and where
    e-invoices are wanted and could not be checked.
    """
    folder = settings.invoice_templates or TEMPLATES
    printer, tried = InvoicePrinter(folder), samples(settings.company)
    with _told("document", settings):
        for sample in tried:
            printer.draw(sample)
    if settings.e_invoice is None:
        return draw_in(processes, printer)
    try:
        await processes.call(prepare_rules)
    except (ImportError, OSError, ProcessLost) as error:
        raise CannotDraw(f"E_INVOICE: e-invoices cannot be checked here. {error}") from None
    draw = draw_in(processes, InvoicePrinter(folder, e_invoices=True))
    with _told("e-invoice", settings):
        await draw(tried[0])
    return draw


@contextmanager
def _told(what: str, settings: Settings) -> Iterator[None]:
    try:
        yield
    except CannotBeDrawn as error:
        setting = "INVOICE_TEMPLATES" if settings.invoice_templates else "COMPANY_NAME"
        raise CannotDraw(f"{setting}: no {what} can be drawn. {error}") from None


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
