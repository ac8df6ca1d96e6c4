"""Documents without the processes that the running bot draws them in."""

from handlers.documents.printer import InvoicePrinter
from models.bills.documents import Drawn
from models.bills.invoice_data import InvoiceData


async def draw_here(facts: InvoiceData) -> Drawn:
    return InvoicePrinter().draw(facts)
