"""Drawing documents, as PDF and as e-invoices, beside typst alone that sets the same pages.

    python -m benchmarks.drawing [--documents 200] [--runs 5]

On one processor, in one process as those that draw are, one kind after the other within each run.
`floor` is typst alone with its pages at hand. An e-invoice is written, held against the schema and
against the rules, attached and declared. What a process makes once, it makes before.

Last figures, 5 runs of 200 documents, where others kept the machine busy (load 4):

    floor: typst alone          117/s   CPU 8.58 ms
    PDF                         103/s   CPU 9.72 ms, x1.13
    e-invoice, both checks       47/s   CPU 19.92 ms, x2.32
    memory 321 MB after the first run, 238 MB after the last
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from importlib import resources
from typing import TypeVar

import typst

from benchmarks.cost import memory_mb
from benchmarks.ground import Spent, report_spent
from handlers.documents.printer import TEMPLATES, InvoicePrinter
from handlers.documents.samples import samples
from handlers.documents.typesetting import FONT_PACKAGES, TEMPLATE
from handlers.wording.invoice_page import invoice_page
from models.bills.documents import Drawn
from models.bills.invoice_data import InvoiceData
from models.settings import Company

COMPANY = Company("Meridian API GmbH", "5 Weg, 10115 Berlin", "DE", "DE987654321", 30, "IBAN DE89")
ISSUED_AT = datetime(2026, 11, 3, tzinfo=UTC)
Thing = TypeVar("Thing")


def documents(count: int) -> list[InvoiceData]:
    """Invoices with a proration, a chart of twelve months and a tax, each of another customer."""
    untaxed = samples(COMPANY)[0]
    one = replace(untaxed, tax_rate_percent=Decimal(19), tax=Decimal("0.30"), tax_note=None)
    return [
        replace(one, customer=f"Customer {n} GmbH", number=f"2026-{n:06}") for n in range(count)
    ]


def typst_alone() -> Callable[[str], bytes]:
    compiler = typst.Compiler(
        str(TEMPLATES / TEMPLATE),
        root=str(TEMPLATES),
        font_paths=[str(resources.files(package)) for package in FONT_PACKAGES],
        ignore_system_fonts=True,
    )

    def set_page(page: str) -> bytes:
        content = compiler.compile(
            format="pdf",
            sys_inputs={"invoice": page},
            pdf_standards=["a-3b", "ua-1"],
            timestamp=ISSUED_AT,
        )
        assert isinstance(content, bytes)
        return content

    return set_page


def e_invoice(facts: InvoiceData, printer: InvoicePrinter) -> Drawn:
    drawn = printer.draw(facts)
    assert drawn.no_e_invoice is None
    return drawn


def spent(do: Callable[[Thing], object], things: Sequence[Thing]) -> Spent:
    wall, cpu = time.perf_counter(), time.process_time()
    for one in things:
        do(one)
    return Spent(time.perf_counter() - wall, time.process_time() - cpu)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=200)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    facts = documents(options.documents)
    pages = [json.dumps(invoice_page(one), ensure_ascii=False) for one in facts]
    floor, pdf, both = typst_alone(), InvoicePrinter(), InvoicePrinter(e_invoices=True)

    def run() -> tuple[Spent, Spent, Spent]:
        return (
            spent(floor, pages),
            spent(pdf.draw, facts),
            spent(lambda one: e_invoice(one, both), facts),
        )

    run()
    warm_mb = memory_mb()
    alone, as_pdf, as_e_invoices = zip(*(run() for _ in range(options.runs)), strict=True)
    lines = (
        report_spent("floor: typst alone", alone, unit=options.documents),
        report_spent("PDF", as_pdf, alone, options.documents),
        report_spent("e-invoice, both checks", as_e_invoices, alone, options.documents),
        f"memory {warm_mb:.0f} MB after the first run, {memory_mb():.0f} MB after the last",
    )
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
