"""Bills that go out as e-invoices, and one that cannot."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from handlers.documents.e_invoice import written_e_invoice
from handlers.documents.printer import InvoicePrinter
from handlers.wording.health_text import work_checks
from handlers.wording.history_text import history_sentence
from handlers.wording.refusals import Medium
from handlers.wording.rich_text import Quote, fallback_text
from handlers.wording.standing_text import standing_text
from models.actions.send import send_bill
from models.bills.bill import Bill
from models.bills.documents import Document, Drawn
from models.bills.invoice_data import InvoiceData
from models.queries.bill_loader import load_bill_details
from models.queries.health import load_health
from models.queries.history import load_history
from models.settings import BillingSettings, Company
from tests.harness.billing import DELAY, approved, clock
from tests.harness.cast import People
from tests.harness.issuing import issue_bill
from tests.harness.pdf import attachments
from tests.harness.scene import NOW, act, prove

BERLIN = BillingSettings(company=Company("Meridian GmbH", "5 Weg", "DE", "DE987654321"))
HERE: dict[str, Any] = {"country": "DE", "tax_rate_percent": Decimal(19)}


async def e_invoiced(facts: InvoiceData) -> Drawn:
    return InvoicePrinter(e_invoices=True).draw(facts)


async def issued(session: AsyncSession, people: People, bill: Bill) -> Document:
    await send_bill(session, bill.id, bill.version, act(people.ana))
    by = replace(clock(people, NOW + DELAY), settings=BERLIN)
    assert await issue_bill(session, bill.id, by, e_invoiced)
    await prove(session, bill.id)
    return await session.get_one(Document, bill.id)


async def card(session: AsyncSession, bill: Bill) -> str:
    """Where the bill stands, as card and page tell it."""
    (facts,) = await load_bill_details(session, [bill.id])
    told = standing_text(facts, Medium.WEB)
    return "\n".join(fallback_text(*one) for one in told if not isinstance(one, Quote))


async def story(session: AsyncSession, bill: Bill) -> str:
    last = (await load_history(session, bill.id))[-1]
    return fallback_text(*history_sentence(last, bill.currency))


async def health(session: AsyncSession, now: datetime) -> list[str]:
    checks = work_checks(await load_health(session, now, 5), now)
    return [check.told for check in checks if check.name == "Without an e-invoice"]


async def test_one_bill_is_an_e_invoice_and_of_another_finance_sees_why_it_is_none(
    session: AsyncSession, people: People
) -> None:
    acme = await approved(session, people, **HERE)
    document = await issued(session, people, acme)
    assert document.facts is not None
    facts = InvoiceData.from_json(document.facts)
    assert attachments(document.content) == {"factur-x.xml": written_e_invoice(facts)}
    oasis = await approved(
        session, people, "Oasis", **HERE, currency="KWD", overage_unit_cost="0.10001"
    )
    assert attachments((await issued(session, people, oasis)).content) == {}
    why = "950.095 KWD has more than two digits after the point, which no e-invoice can have."
    assert f"A PDF without an e-invoice: {why}" in await card(session, oasis)
    assert "e-invoice" not in await card(session, acme)
    assert f"; as a PDF without an e-invoice: {why}" in await story(session, oasis)
    other = await approved(
        session, people, "Dune", **HERE, currency="KWD", overage_unit_cost="0.20001"
    )
    await issued(session, people, other)
    (told,) = await health(session, NOW + timedelta(days=2))
    in_common = why.replace("950.095 KWD", "An amount in KWD")
    assert told == f"2 documents of the last month went out as a PDF alone. {in_common} (2)"
    assert await health(session, NOW + timedelta(days=40)) == []
