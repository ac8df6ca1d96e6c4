"""What was issued stays as it was issued, for the document and for all that follows from it."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from handlers.documents.bill_email import BillEmail
from models.actions.approve import approve_bill
from models.actions.send import mark_send_failed, send_bill
from models.actions.void import reissue_bill, void_bill
from models.batches.send_preview import preview_send
from models.bills.bill import Bill, get_bill
from models.bills.documents import Document, outgoing_document
from models.bills.invoice_data import InvoiceData, Proration
from models.bills.states import NotSent, State, Verb
from models.context import Context
from models.customers.customers import Customer
from models.db.database import do_put_off
from models.errors import NextStep, WrongState
from models.queries.bill_loader import load_bill_details
from models.settings import BillingSettings, Company
from models.usage.usage import record_usage
from tests.harness.billing import (
    DELAY,
    approved,
    clock,
    correct_usage,
    go_out,
    issue,
    last_action,
    later,
)
from tests.harness.cast import People
from tests.harness.drawing import draw_here
from tests.harness.issuing import issue_bill, mark_delivered
from tests.harness.pdf import pdf_text
from tests.harness.scene import NOW, OCTOBER, act, prove

THEN: dict[str, Any] = {
    "billing_address": "1 Example Street\n10115 Berlin",
    "country": "DE",
    "tax_id": "DE123456789",
    "tax_rate_percent": Decimal(19),
    "payment_days": 14,
    "locale": "de_DE",
}
NOW_ANOTHER: dict[str, Any] = {
    "billing_address": "9 Other Road\nParis",
    "country": "FR",
    "tax_id": "FR99",
    "tax_rate_percent": Decimal(20),
    "tax_note": "Not any more",
    "payment_days": 60,
    "locale": "fr_FR",
}
MERIDIAN = BillingSettings(
    company=Company("Meridian AG", "5 Bay Road", "CH", "CHE-1", 30, "IBAN 1")
)
RENAMED = BillingSettings(company=Company("Zenith Ltd", "8 Hill", "GB", "GB-2", 7, "IBAN 2"))


async def change(session: AsyncSession, bill: Bill, name: str | None = None, **to: Any) -> None:
    customer = await session.get_one(Customer, bill.customer_id)
    for column, value in (NOW_ANOTHER | to | ({"name": name} if name else {})).items():
        setattr(customer, column, value)
    await session.flush()


async def said(session: AsyncSession, bill: Bill | int) -> InvoiceData:
    """What the bill's document says."""
    kept = await session.get_one(Document, bill if isinstance(bill, int) else bill.id)
    assert kept.facts is not None
    return InvoiceData.from_json(kept.facts)


async def issue_under(
    session: AsyncSession, people: People, bill: Bill, settings: BillingSettings
) -> None:
    by = replace(clock(people), settings=settings)
    await send_bill(session, bill.id, bill.version, replace(act(people.ana), settings=settings))
    due = replace(by, now=NOW + DELAY)
    assert await issue_bill(session, bill.id, due, draw_here)


async def deliver(session: AsyncSession, people: People, bill: Bill) -> None:
    assert await mark_delivered(session, bill.id, clock(people, NOW + DELAY), "250 OK")


async def proposed(session: AsyncSession, people: People, bill: Bill, calls: int) -> Bill:
    """The correction that late usage makes, approved."""
    by = later(act(people.ana), days=1)
    (new,) = (await correct_usage(session, by, bill.customer_id, calls)).proposed
    correction = await get_bill(session, new)
    await approve_bill(session, new, correction.version, act(people.kim))
    return correction


async def credit_of(session: AsyncSession, people: People, bill: Bill) -> Bill:
    """Voided, and the credit for it gone out."""
    done = await void_bill(session, bill.id, bill.version, act(people.ana), "Billed in error")
    assert done.credit_id is not None
    credit = await get_bill(session, done.credit_id)
    await go_out(session, people, credit)
    return credit


async def test_a_credit_takes_back_the_tax_that_was_billed_not_todays(
    session: AsyncSession, people: People
) -> None:
    bill = await approved(session, people, used=450_000, **THEN)
    await go_out(session, people, bill)
    assert (await said(session, bill)).sums.gross == Decimal("41650.00")
    await change(session, bill)
    given = await said(session, await credit_of(session, people, bill))
    assert given.sums == (Decimal("-35000.00"), Decimal("-6650.00"), Decimal("-41650.00"))
    assert (given.tax_rate_percent, given.tax_note) == (Decimal(19), None)


async def test_names_addresses_terms_and_company_are_those_of_the_invoice_for_all_that_follows(
    session: AsyncSession, people: People
) -> None:
    bill = await approved(session, people, **THEN)
    await issue_under(session, people, bill, MERIDIAN)
    await deliver(session, people, bill)
    first = await said(session, bill)
    await change(session, bill, name="Acme Reborn")
    more = await proposed(session, people, bill, 180_000)
    await issue_under(session, people, more, RENAMED)
    await deliver(session, people, more)
    less = await proposed(session, people, bill, 170_000)
    await issue_under(session, people, less, RENAMED)
    for correction in (more, less):
        facts = await said(session, correction)
        assert facts.as_arguments() == first.as_arguments()
        page = pdf_text((await session.get_one(Document, correction.id)).content)
        assert {"Meridian AG", "Acme Corp"} <= {*page.splitlines()}
    assert first.due_on is not None
    assert (first.payment_days, first.company.payment_note) == (14, "IBAN 1")


async def test_the_letter_and_its_repeats_tell_what_the_document_tells_to_the_address_of_today(
    session: AsyncSession, people: People
) -> None:
    bill = await approved(session, people, **THEN)
    await issue_under(session, people, bill, MERIDIAN)
    under = replace(clock(people), settings=RENAMED)
    before = await outgoing_document(session, bill.id, under)
    await change(
        session, bill, "Acme Reborn", billing_email="new@acme.example", cc_emails="cfo@x.y"
    )
    assert await mark_send_failed(session, bill.id, clock(people), "550 no such mailbox")
    await send_bill(session, bill.id, bill.version, act(people.ana))
    assert await issue_bill(session, bill.id, replace(under, now=NOW + DELAY), draw_here)
    after = await outgoing_document(session, bill.id, under)
    assert before and after
    assert (after.to, after.cc) == ("new@acme.example", "cfo@x.y")
    assert replace(after, to=before.to, cc=before.cc, since=before.since) == before
    assert "from Meridian AG" in BillEmail.about(after.facts).subject
    assert "Dear Acme Corp," in BillEmail.about(after.facts).text
    assert "Total due: 5.950,00\xa0$, by 16 November 2026." in BillEmail.about(after.facts).text


async def test_what_takes_back_several_documents_takes_back_the_tax_of_each(
    session: AsyncSession, people: People
) -> None:
    """Each was rounded on its own: half a cent up, twice."""
    one_percent = {"tax_rate_percent": Decimal(1), "overage_unit_cost": Decimal("0.50")}
    bill = await approved(session, people, used=100_001, **one_percent)
    await go_out(session, people, bill)
    more = await proposed(session, people, bill, 100_002)
    await go_out(session, people, more)
    assert [(await said(session, one)).tax for one in (bill, more)] == [Decimal("0.01")] * 2
    credit = await said(session, await credit_of(session, people, bill))
    assert (credit.amount, credit.tax) == (Decimal("-1.00"), Decimal("-0.02"))
    assert credit.refers_to == ("2026-000001", "2026-000002")


async def test_a_credit_tells_usage_and_each_amount_as_they_were_billed(
    session: AsyncSession, people: People
) -> None:
    """Its table, its chart, and what the card says of it; usage that came later bills nobody."""
    bill = await approved(session, people, **THEN)
    await go_out(session, people, bill)
    more = await proposed(session, people, bill, 180_000)
    await go_out(session, people, more)
    adjusted = await said(session, more)
    assert [(one.number, one.units, one.amount) for one in adjusted.lines] == [
        (None, 80_000, Decimal("8000.00")),
        ("2026-000001", -50_000, Decimal("-5000.00")),
    ]
    await correct_usage(session, later(act(people.ana), days=2), bill.customer_id, 120_000)
    done = await void_bill(session, bill.id, bill.version, act(people.ana), "Billed in error")
    assert done.credit_id is not None
    (card,) = await load_bill_details(session, [done.credit_id])
    assert [one.number for one in card.corrected] == ["2026-000001", "2026-000002"]
    await go_out(session, people, await get_bill(session, done.credit_id))
    taken_back = await said(session, done.credit_id)
    assert [(one.number, one.units, one.amount) for one in taken_back.lines] == [
        ("2026-000001", -50_000, Decimal("-5000.00")),
        ("2026-000002", -30_000, Decimal("-3000.00")),
    ]
    assert (taken_back.api_usage, taken_back.months[-1].calls) == (180_000, 180_000)
    assert taken_back.months == adjusted.months


async def test_a_correction_tells_of_the_other_months_and_of_proration_what_its_invoice_did(
    session: AsyncSession, people: People
) -> None:
    joined = {"start_date": date(2026, 10, 11), "limit_proration": "daily"}
    bill = await approved(session, people, **THEN | joined)
    await go_out(session, people, bill)
    first = await said(session, bill)
    by = later(act(people.ana), days=1)
    await record_usage(session, bill.customer_id, OCTOBER.plus(-1), 77, by)
    await change(session, bill, limit_proration="full")
    more = await proposed(session, people, bill, 180_000)
    await go_out(session, people, more)
    for correction in (more, await credit_of(session, people, bill)):
        facts = await said(session, correction)
        assert facts.proration == first.proration == Proration(100_000, 21, 31)
        assert facts.months[:-1] == first.months[:-1]


async def test_late_usage_that_leaves_nothing_takes_back_the_tax_of_each_as_well(
    session: AsyncSession, people: People
) -> None:
    one_percent = {"tax_rate_percent": Decimal(1), "overage_unit_cost": Decimal("0.50")}
    bill = await approved(session, people, used=100_001, **one_percent)
    await go_out(session, people, bill)
    await go_out(session, people, await proposed(session, people, bill, 100_002))
    nothing = await proposed(session, people, bill, 90_000)
    assert await owed(session, nothing) == Decimal("-1.02")
    await go_out(session, people, nothing)
    credit = await said(session, nothing)
    assert (credit.amount, credit.tax) == (Decimal("-1.00"), Decimal("-0.02"))


async def owed(session: AsyncSession, bill: Bill) -> Decimal | None:
    """What a card tells that the customer owes."""
    (facts,) = await load_bill_details(session, [bill.id])
    return facts.with_tax


async def test_finance_reads_what_is_owed_by_the_rate_of_the_document(
    session: AsyncSession, people: People
) -> None:
    """Of the customer before there is one; a correction's is that of what it corrects."""
    bill = await approved(session, people, **THEN)
    assert (bill.overage_amount, await owed(session, bill)) == (Decimal(5000), Decimal(5950))
    preview = await preview_send(session, act(people.ana), [bill.id])
    assert preview.biggest[0].line.with_tax == Decimal(5950)
    await change(session, bill)
    assert await owed(session, bill) == Decimal(6000)
    await change(session, bill, tax_rate_percent=Decimal(19))
    await go_out(session, people, bill)
    await change(session, bill)
    assert await owed(session, bill) == Decimal(5950)
    more = await proposed(session, people, bill, 180_000)
    assert await owed(session, more) == Decimal(3570)
    (facts,) = await load_bill_details(session, [bill.id])
    assert [one.with_tax for one in facts.corrections] == [Decimal(3570)]


async def test_a_credit_for_the_rest_names_what_had_been_credited_before(
    session: AsyncSession, people: People
) -> None:
    bill = await approved(session, people, used=180_000, **THEN)
    await go_out(session, people, bill)
    await go_out(session, people, await proposed(session, people, bill, 150_000))
    credit = await said(session, await credit_of(session, people, bill))
    assert (credit.refers_to, credit.credited_before) == (("2026-000001",), ("CN-2026-000001",))
    assert credit.sums.gross == Decimal("-5950.00")


async def test_an_adjustment_that_was_credited_on_its_own_is_not_credited_again(
    session: AsyncSession, people: People
) -> None:
    bill = await approved(session, people, **THEN)
    await go_out(session, people, bill)
    more = await proposed(session, people, bill, 180_000)
    await go_out(session, people, more)
    await change(session, bill)
    of_adjustment = await said(session, await credit_of(session, people, more))
    assert (of_adjustment.refers_to, of_adjustment.tax) == (("2026-000002",), Decimal("-570.00"))
    of_bill = await said(session, await credit_of(session, people, bill))
    assert (of_bill.refers_to, of_bill.tax) == (("2026-000001",), Decimal("-950.00"))
    assert of_bill.credited_before == ()


async def test_a_reissued_invoice_names_the_one_it_stands_for_and_speaks_of_today(
    session: AsyncSession, people: People
) -> None:
    bill = await approved(session, people, **THEN)
    await go_out(session, people, bill)
    await credit_of(session, people, bill)
    await change(session, bill)
    by = act(people.ana)
    called_back = await get_bill(
        session, await reissue_bill(session, bill.id, bill.version, by, "To the right address")
    )
    await void_bill(session, called_back.id, called_back.version, by, "Not yet")
    again = await get_bill(
        session,
        await reissue_bill(session, called_back.id, called_back.version, by, "Now"),
    )
    await approve_bill(session, again.id, again.version, act(people.kim))
    await go_out(session, people, again)
    facts = await said(session, again)
    assert (facts.refers_to, facts.tax_rate_percent) == (("2026-000001",), Decimal(20))
    assert "which replaces 2026-000001" in BillEmail.about(facts).text


async def test_nobody_is_credited_for_an_invoice_that_never_reached_them(
    session: AsyncSession, people: People
) -> None:
    bill = await approved(session, people, **THEN)
    assert await issue(session, people, bill)
    assert await mark_send_failed(session, bill.id, clock(people), "550 no such mailbox")
    credit = await proposed(session, people, bill, 120_000)
    by = act(people.ana)
    with pytest.raises(WrongState, match="has not gone out yet") as refused:
        await send_bill(session, credit.id, credit.version, by)
    assert refused.value.next_steps == (NextStep(Verb.SEND, bill.id),)
    assert await kept_back(session, by, credit) == [NotSent.NOT_ITS_TURN]
    await go_out(session, people, bill)
    await go_out(session, people, credit)
    assert (bill.status, credit.status) == (State.SENT, State.SENT)
    await prove(session, credit.id)


async def test_nor_is_an_adjustment_taken_back_before_it_has_gone_out(
    session: AsyncSession, people: People
) -> None:
    bill = await approved(session, people, **THEN)
    await go_out(session, people, bill)
    more = await proposed(session, people, bill, 180_000)
    assert await issue(session, people, more)
    credit = await proposed(session, people, bill, 150_000)
    with pytest.raises(WrongState, match="corrects 2026-000002") as refused:
        await send_bill(session, credit.id, credit.version, act(people.ana))
    assert refused.value.next_steps == ()
    await deliver(session, people, more)
    await go_out(session, people, credit)


async def kept_back(session: AsyncSession, by: Context, bill: Bill) -> list[NotSent | None]:
    shown = await preview_send(session, by, [bill.id])
    return [one.kept for one in shown.stay]


async def test_a_document_of_before_its_facts_were_kept_speaks_of_today(
    session: AsyncSession, people: People
) -> None:
    """One that tells nothing that could be read."""
    bill = await approved(session, people, **THEN)
    await issue_under(session, people, bill, MERIDIAN)
    await session.execute(sa.text("alter table documents disable trigger append_only"))
    await session.execute(sa.text("update documents set facts = null"))
    session.expire(await session.get_one(Document, bill.id))
    await change(session, bill)
    letter = await outgoing_document(session, bill.id, replace(clock(people), settings=RENAMED))
    assert letter and (letter.facts.tax_rate_percent, letter.facts.company.name) == (
        Decimal(20),
        "Zenith Ltd",
    )


async def test_a_name_that_no_font_has_takes_no_number_and_is_told_to_finance(
    session: AsyncSession, people: People
) -> None:
    phoenician = "\U00010900"
    bill = await approved(session, people, **THEN)
    await send_bill(session, bill.id, bill.version, act(people.ana))
    await change(session, bill, f"Acme {phoenician}")
    due = clock(people, NOW + DELAY)
    assert not await issue_bill(session, bill.id, due, draw_here)
    assert (bill.status, bill.number) == (State.APPROVED, None)
    failed = await last_action(session, bill)
    assert failed.action == Verb.SEND_FAILED
    assert "(U+10900), which stands in the customer's name." in failed.snapshot["failure"]
    (facts,) = await load_bill_details(session, [bill.id])
    assert (facts.failure, facts.sent_to) == (failed.snapshot["failure"], None), "nobody was mailed"
    await do_put_off(session)
    told = sa.text("select recipient from messages where kind = 'not_sent' order by id")
    assert (await session.scalars(told)).all() == [f"user:{people.ana.id}"]
    await prove(session, bill.id)
    await change(session, bill, "Acme")
    await send_bill(session, bill.id, bill.version, later(act(people.ana), minutes=10))
    due = clock(people, NOW + DELAY * 3)
    assert await issue_bill(session, bill.id, due, draw_here)
    assert bill.number == "2026-000001"
    await prove(session, bill.id)


async def test_a_credit_takes_back_an_amount_of_any_length_to_the_last_digit(
    session: AsyncSession, people: People
) -> None:
    much = {"overage_unit_cost": Decimal("12345678901234567.0123456789"), "used": 9 * 10**18}
    bill = await approved(session, people, **(THEN | much))
    await go_out(session, people, bill)
    credit = await credit_of(session, people, bill)
    assert len(str(bill.overage_amount)) > 30
    assert credit.overage_amount == bill.overage_amount.copy_negate()
    taken, given = await said(session, bill), await said(session, credit)
    assert given.sums == tuple(one.copy_negate() for one in taken.sums)


async def test_a_bill_that_could_not_be_drawn_is_mended_or_void(
    session: AsyncSession, people: People
) -> None:
    """It has no number, so nothing of it has gone out."""
    bill = await approved(session, people, **THEN)
    await send_bill(session, bill.id, bill.version, act(people.ana))
    await change(session, bill, "Acme \U00010900")
    assert not await issue_bill(session, bill.id, clock(people, NOW + DELAY), draw_here)
    by = later(act(people.ana), minutes=10)
    done = await void_bill(session, bill.id, bill.version, by, "To another company")
    assert (bill.status, done.credit_id) == (State.VOID, None)
    await prove(session, bill.id)
