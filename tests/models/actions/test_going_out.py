"""Send, issue, deliver: numbers without gaps, and what can still be called back."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from models.actions.approve import approve_bill, reject_bill
from models.actions.incoming import record_mail
from models.actions.recalculate import recalculate
from models.actions.revise import revise_bill
from models.actions.send import mark_not_mailed, mark_send_failed, send_bill
from models.actions.undo import undo_decision
from models.actions.void import void_bill
from models.batches.send_preview import preview_send
from models.bills.bill import Bill, get_bill
from models.bills.documents import (
    CannotBeDrawn,
    Document,
    Drawn,
    OutgoingDocument,
    outgoing_document,
)
from models.bills.history import actions_of
from models.bills.incoming import DeliveryReport, Failure
from models.bills.invoice_data import InvoiceData
from models.bills.replay import replay, undoable
from models.bills.states import BillKind, RejectReason, State, Verb
from models.customers.customers import Customer
from models.db.database import Database
from models.errors import NextStep, NotAllowed, Stale, Step, WrongState
from models.outbox.notifications import Recalculation
from models.queries.allowed_verbs import possible_verbs
from models.queries.bill_loader import load_bill_details
from models.queries.totals import first_sent, totals_of_sent
from models.settings import BillingSettings
from tests.harness.billing import (
    DELAY,
    MAIL,
    NO_ADDRESSES,
    approved,
    bills_of,
    clock,
    correct_usage,
    drawn,
    go_out,
    issue,
    last_action,
    later,
)
from tests.harness.cast import People
from tests.harness.issuing import issue_bill, mark_delivered
from tests.harness.scene import NOW, OCTOBER, act, contents, prove


async def test_until_the_delay_ends_sending_can_be_undone_and_afterwards_not(
    session: AsyncSession, people: People
) -> None:
    bill = await approved(session, people)
    with pytest.raises(NotAllowed, match="only Finance may send"):
        await send_bill(session, bill.id, bill.version, act(people.kim))
    await send_bill(session, bill.id, bill.version, act(people.ana))
    assert not await issue_bill(session, bill.id, clock(people), drawn)
    await undo_decision(session, bill.id, bill.version, act(people.ana), "Too early")
    assert bill.status == State.APPROVED
    assert not await issue_bill(session, bill.id, clock(people, NOW + DELAY), drawn)
    second = later(act(people.ana), minutes=4)
    await send_bill(session, bill.id, bill.version, second)
    assert not await issue_bill(session, bill.id, clock(people, NOW + DELAY), drawn)
    assert await issue_bill(session, bill.id, clock(people, second.now + DELAY), drawn)
    assert (bill.status, bill.number) == (State.SENDING, "2026-000001")
    with pytest.raises(Stale, match="on its way out as 2026-000001"):
        await undo_decision(session, bill.id, bill.version, act(people.ana), "Stop")
    await prove(session, bill.id)


async def test_what_was_delivered_says_so_with_the_documents_hash(
    session: AsyncSession, people: People
) -> None:
    bill = await approved(session, people)
    await go_out(session, people, bill)
    told, document = await last_action(session, bill), await session.get_one(Document, bill.id)
    assert (bill.status, told.action) == (State.SENT, Verb.DELIVER)
    assert document.content == b"2026-000001: 5000.00 USD"
    assert (told.snapshot["answer"], told.snapshot["sha256"]) == ("250 OK", document.sha256)
    assert await mark_delivered(session, bill.id, clock(people), "250 OK") is None


async def come_back(session: AsyncSession, people: People, bill: Bill, mail: str, *at: str) -> None:
    """A mail server reports that this letter did not arrive there."""
    letter = await outgoing_document(session, bill.id, clock(people), State.SENT)
    assert letter is not None
    failures = tuple(Failure(one, "550 User unknown") for one in at or ("pay@acme.example",))
    report = DeliveryReport((f"{letter.mail_id}@meridian.example",), failures)
    assert await record_mail(session, report, mail, clock(people)) is not None


async def test_a_report_about_a_copy_says_nothing_of_the_bill(
    session: AsyncSession, people: People
) -> None:
    bill = await approved(session, people)
    customer = await session.get_one(Customer, bill.customer_id)
    customer.billing_email = "pay@acme.example, books@acme.example"
    customer.cc_emails = "Boss <boss@acme.example>, pay@acme.example"
    await go_out(session, people, bill)
    customer.cc_emails = None
    await come_back(session, people, bill, "copy", "BOSS@acme.example")
    (facts,) = await load_bill_details(session, [bill.id])
    assert (facts.bounces, [one.to for one in facts.lost_copies]) == ((), ["BOSS@acme.example"])
    assert Verb.SEND not in possible_verbs(facts)
    with pytest.raises(WrongState, match="only what was reported not to have arrived is sent"):
        await send_bill(session, bill.id, bill.version, act(people.ana))
    assert (await preview_send(session, act(people.ana), [bill.id])).bills == 0

    await come_back(session, people, bill, "both", "boss@acme.example", "pay@acme.example")
    await come_back(session, people, bill, "copy again", "boss@acme.example")
    (facts,) = await load_bill_details(session, [bill.id])
    assert (len(facts.bounces), len(facts.lost_copies)) == (1, 2)
    assert Verb.SEND in possible_verbs(facts)
    await mail_again(session, people, bill)


async def mail_again(session: AsyncSession, people: People, bill: Bill) -> OutgoingDocument:
    """Finance sends it; returns what is mailed."""
    await send_bill(session, bill.id, bill.version, act(people.ana, LATER))
    assert await issue_bill(session, bill.id, clock(people, LATER), drawn)
    letter = await outgoing_document(session, bill.id, clock(people, LATER))
    assert letter is not None
    return letter


LATER = NOW + timedelta(days=2)


async def test_what_came_back_is_sent_again_as_the_same_document_in_another_letter(
    session: AsyncSession, people: People
) -> None:
    bill = await approved(session, people)
    await go_out(session, people, bill)
    first = await outgoing_document(session, bill.id, clock(people), State.SENT)
    assert first is not None
    with pytest.raises(WrongState, match="only what was reported not to have arrived is sent"):
        await send_bill(session, bill.id, bill.version, act(people.ana))

    await come_back(session, people, bill, "report 1")
    with pytest.raises(NotAllowed, match="only Finance may send"):
        await send_bill(session, bill.id, bill.version, act(people.kim))
    (await session.get_one(Customer, bill.customer_id)).billing_email = "new@acme.example"
    shown = await preview_send(session, act(people.ana), [bill.id])
    assert [(one.line.id, one.to) for one in shown.biggest] == [(bill.id, "new@acme.example")]
    assert (await preview_send(session, act(people.ana), period=OCTOBER)).bills == 0

    seen = bill.version
    again = await mail_again(session, people, bill)
    with pytest.raises(Stale):
        await send_bill(session, bill.id, seen, act(people.ana, LATER))
    with pytest.raises(Stale, match="on its way out as 2026-000001"):
        await undo_decision(session, bill.id, bill.version, act(people.ana, LATER), "Stop")
    assert (again.content, again.facts) == (first.content, first.facts)
    assert (again.to, again.since) == ("new@acme.example", LATER)
    assert again.mail_id == f"{first.mail_id}.letter2"

    assert await mark_delivered(session, bill.id, clock(people, LATER), "250 OK", again.to)
    assert (bill.status, bill.number) == (State.SENT, "2026-000001")
    (facts,) = await load_bill_details(session, [bill.id])
    assert (facts.bounces, facts.sent_to) == ((), "new@acme.example")
    await come_back(session, people, bill, "report 2")
    assert (await mail_again(session, people, bill)).mail_id == f"{first.mail_id}.letter3"
    await prove(session, bill.id)


async def test_what_came_back_stays_sent_where_it_cannot_be_mailed_again_either(
    session: AsyncSession, people: People
) -> None:
    """So all that was billed by it is credited when it is made void, and the credit note that
    comes back is sent again likewise.
    """
    bill = await approved(session, people)
    await go_out(session, people, bill)
    await come_back(session, people, bill, "report 1")
    await mail_again(session, people, bill)
    assert await mark_send_failed(session, bill.id, clock(people, LATER), "550 No")
    assert bill.status == State.SENT
    await mail_again(session, people, bill)
    assert await mark_not_mailed(session, bill.id, clock(people, LATER), "pay@acme.example")
    assert bill.status == State.SENT

    made = await void_bill(session, bill.id, bill.version, act(people.ana, LATER), "Wrong firm")
    assert made.credit_id is not None
    credit = await get_bill(session, made.credit_id)
    await go_out(session, people, credit, LATER)
    await come_back(session, people, credit, "report 2")
    assert (await mail_again(session, people, credit)).mail_id.endswith(".letter2")
    await prove(session, credit.id)


async def test_the_first_that_went_out_are_found_behind_many_that_did_not(
    session: AsyncSession, people: People
) -> None:
    bill, waits = await approved(session, people), await approved(session, people, "Bolt Ltd")
    await go_out(session, people, bill)
    asked = [waits.id] * 25 + [bill.id]
    assert await first_sent(session, asked, 20) == [bill.id]
    assert [one.bills for one in await totals_of_sent(session, asked)] == [1]
    assert await outgoing_document(session, bill.id, clock(people)) is None
    await prove(session, bill.id)


async def test_a_failed_delivery_keeps_number_and_document_for_the_next_try(
    session: AsyncSession, people: People
) -> None:
    bill = await approved(session, people)
    assert await issue(session, people, bill)
    told = ("550 no such mailbox", MAIL["billing_email"])
    failed = await mark_send_failed(session, bill.id, clock(people), *told)
    assert failed
    assert (bill.status, failed.snapshot["failure"]) == (State.APPROVED, told[0])
    customer = await session.get_one(Customer, bill.customer_id)
    customer.billing_email = "mended@acme.example"
    (facts,) = await load_bill_details(session, [bill.id])
    assert (facts.failure, facts.sent_to) == told
    assert facts.goes_to == "mended@acme.example"
    with pytest.raises(Stale, match="could not be delivered"):
        await undo_decision(session, bill.id, bill.version, act(people.ana), "Back")
    for who in (people.ana, people.kim):
        assert undoable(replay(await actions_of(session, bill.id)), who) is None
    await send_bill(session, bill.id, bill.version, act(people.ana))
    assert await issue_bill(session, bill.id, clock(people), drawn)
    letter = await outgoing_document(session, bill.id, clock(people))
    assert letter and letter.content == b"2026-000001: 5000.00 USD"
    assert await mark_delivered(session, bill.id, clock(people), "250 OK")
    actions = [action.action for action in await actions_of(session, bill.id)]
    assert actions.count(Verb.ISSUE) == 1
    await prove(session, bill.id)


async def test_without_a_mail_server_or_an_address_nothing_is_sent(
    session: AsyncSession, people: People
) -> None:
    nowhere = await approved(session, people, "Nowhere", billing_email=" ")
    with pytest.raises(WrongState, match="Nowhere has no billing e-mail address"):
        await send_bill(session, nowhere.id, nowhere.version, act(people.ana))
    bill = await approved(session, people)
    offline = act(people.ana)
    offline = type(offline)(people.ana, NOW, offline.source, BillingSettings(can_mail=False))
    with pytest.raises(WrongState) as refused:
        await send_bill(session, bill.id, bill.version, offline)
    assert refused.value.next_steps == (NextStep(Step.SET_MAIL_SERVER),)


@pytest.mark.parametrize("column", ["billing_email", "cc_emails"])
@pytest.mark.parametrize("typed", NO_ADDRESSES)
async def test_what_is_no_address_is_neither_sent_to_nor_takes_a_number(
    column: str, typed: str, session: AsyncSession, people: People
) -> None:
    bill = await approved(session, people, "Acme")
    customer = await session.get_one(Customer, bill.customer_id)
    usual = getattr(customer, column)
    setattr(customer, column, typed)
    await session.flush()
    with pytest.raises(WrongState, match="Bills cannot be mailed to Acme: “") as refused:
        await send_bill(session, bill.id, bill.version, act(people.ana))
    [step] = refused.value.next_steps
    assert step.verb == Step.MEND_ADDRESSES
    setattr(customer, column, usual)
    await session.flush()
    await send_bill(session, bill.id, bill.version, act(people.ana))
    setattr(customer, column, typed)
    await session.flush()
    assert not await issue_bill(session, bill.id, clock(people, NOW + DELAY), drawn)
    assert (bill.status, bill.number) == (State.APPROVED, None)


async def test_an_address_that_is_taken_away_during_the_delay_takes_no_number(
    session: AsyncSession, people: People
) -> None:
    bill = await approved(session, people, "Acme")
    await send_bill(session, bill.id, bill.version, act(people.ana))
    (await session.get_one(Customer, bill.customer_id)).billing_email = None
    await session.flush()
    assert not await issue_bill(session, bill.id, clock(people, NOW + DELAY), drawn)
    assert (bill.status, bill.number) == (State.APPROVED, None)
    assert (
        "no billing e-mail address" in (await actions_of(session, bill.id))[-1].snapshot["failure"]
    )


async def test_each_series_counts_without_gaps_and_begins_anew_with_the_companys_year(
    session: AsyncSession, people: People
) -> None:
    """New Year comes an hour earlier in Zurich."""
    zurich = BillingSettings(zone=ZoneInfo("Europe/Zurich"), send_delay_minutes=0)
    eve = datetime(2026, 12, 31, 22, 59, tzinfo=UTC)
    numbers = []
    for minutes in range(3):
        bill = await approved(session, people, f"Customer {minutes}")
        now = eve + timedelta(minutes=minutes)
        by = type(act(people.ana))(people.ana, now, act(people.ana).source, zurich)
        await send_bill(session, bill.id, bill.version, by)
        assert await issue_bill(session, bill.id, by, drawn)
        numbers.append(bill.number)
    assert numbers == ["2026-000001", "2027-000001", "2027-000002"]


async def test_a_number_whose_issue_is_rolled_back_is_taken_by_the_next(
    db: Database, people: People
) -> None:
    async with db.transaction() as session:
        first = (await approved(session, people, "First")).id
        second = (await approved(session, people, "Second")).id

    def broken(_: object) -> str:
        raise ValueError("no ink")

    async with db.transaction() as session:
        for bill_id in (first, second):
            await send_bill(session, bill_id, 2, act(people.ana))
    with pytest.raises(ValueError, match="no ink"):
        async with db.transaction() as session:
            await issue_bill(session, first, clock(people, NOW + DELAY), broken)
    async with db.transaction() as session:
        assert await issue_bill(session, second, clock(people, NOW + DELAY), drawn)
        assert (await get_bill(session, second)).number == "2026-000001"


async def test_usage_corrected_within_the_delay_stops_the_bill(
    session: AsyncSession, people: People
) -> None:
    bill = await approved(session, people)
    await send_bill(session, bill.id, bill.version, act(people.ana))
    await correct_usage(session, act(people.ana), bill.customer_id, 130_000)
    await session.refresh(bill)
    assert bill.status == State.PENDING
    assert not await issue_bill(session, bill.id, clock(people, NOW + DELAY), drawn)
    await prove(session, bill.id)


async def test_late_usage_is_proposed_once_and_follows_further_changes(
    session: AsyncSession, people: People
) -> None:
    bill = await approved(session, people)
    await go_out(session, people, bill)
    customer, by = bill.customer_id, later(act(people.ana), days=1)
    (proposal,) = (await correct_usage(session, by, customer, 180_000)).proposed
    extra = await get_bill(session, proposal)
    assert (extra.kind, extra.adjusts_id, extra.overage_units, extra.overage_amount) == (
        BillKind.ADJUSTMENT,
        bill.id,
        30_000,
        Decimal("3000.00"),
    )
    assert await recalculate(session, by) == Recalculation()
    assert (await correct_usage(session, by, customer, 120_000)).invalidated == (proposal,)
    await session.refresh(extra)
    assert (extra.kind, extra.overage_amount) == (BillKind.CREDIT, Decimal("-3000.00"))
    await approve_bill(session, proposal, extra.version, act(people.kim))
    assert (await correct_usage(session, by, customer, 110_000)).invalidated == (proposal,)
    await session.refresh(extra)
    await approve_bill(session, proposal, extra.version, act(people.kim))
    await go_out(session, people, extra)
    assert extra.number == "CN-2026-000001"
    (again,) = (await correct_usage(session, by, customer, 150_000)).proposed
    assert (await get_bill(session, again)).overage_amount == Decimal("4000.00")
    assert (await correct_usage(session, by, customer, 110_000)).voided == (again,)
    assert len(await bills_of(session, customer)) == 3
    for one in await bills_of(session, customer):
        await prove(session, one.id)


async def test_months_too_long_ago_are_reported_and_left_alone(
    session: AsyncSession, people: People
) -> None:
    bill = await approved(session, people)
    await go_out(session, people, bill)
    for days, proposed, reported in ((60, (), (bill.id,)), (59, 1, ())):
        by = later(act(people.ana), days=days)
        done = await correct_usage(session, by, bill.customer_id, 180_000 + days)
        assert (len(done.proposed) if proposed else done.proposed, done.reported) == (
            proposed,
            reported,
        ), by.now
    assert await recalculate(session, later(act(people.ana), days=62)) == Recalculation()


async def test_a_rejected_proposal_waits_for_finance_and_none_is_made_beside_it(
    session: AsyncSession, people: People
) -> None:
    bill = await approved(session, people)
    await go_out(session, people, bill)
    by = later(act(people.ana), days=1)
    (proposal,) = (await correct_usage(session, by, bill.customer_id, 180_000)).proposed
    code = RejectReason.USAGE_WRONG
    await reject_bill(session, proposal, 1, act(people.kim), code, "Not what they say")
    before = await contents(session)
    done = await correct_usage(session, by, bill.customer_id, 170_000)
    assert done == Recalculation(rejected=(proposal,))
    assert (await contents(session))["bills"] == before["bills"]
    extra = await get_bill(session, proposal)
    await revise_bill(session, proposal, extra.version, by, "Their own count")
    assert extra.overage_amount == Decimal("2000.00")
    assert extra.period == OCTOBER


async def test_a_declined_correction_does_not_come_back_on_what_is_not_billed_any_more(
    session: AsyncSession, people: People
) -> None:
    """Its amount rests on what was billed so far, which is another sum by now."""
    bill = await approved(session, people)
    await go_out(session, people, bill)
    customer, by = bill.customer_id, later(act(people.ana), days=1)
    (first,) = (await correct_usage(session, by, customer, 160_000)).proposed
    declined = await get_bill(session, first)
    await void_bill(session, first, declined.version, by, "Not this one")
    (second,) = (await correct_usage(session, by, customer, 170_000)).proposed
    issued = await get_bill(session, second)
    await approve_bill(session, second, issued.version, act(people.kim))
    await go_out(session, people, issued)
    (third,) = (await correct_usage(session, by, customer, 160_000)).proposed
    credit = await get_bill(session, third)
    assert (credit.overage_amount, credit.billed_so_far) == (Decimal(-1000), Decimal(7000))
    await approve_bill(session, third, credit.version, act(people.kim))
    await go_out(session, people, credit)
    with pytest.raises(WrongState, match="not right any more"):
        await undo_decision(session, first, declined.version, by, "Bill it after all")


async def test_a_month_is_corrected_in_the_currency_it_was_billed_in(
    session: AsyncSession, people: People
) -> None:
    bill = await approved(session, people)
    await go_out(session, people, bill)
    by = later(act(people.ana), days=1)
    (proposal,) = (await correct_usage(session, by, bill.customer_id, 160_005)).proposed
    (await session.get_one(Customer, bill.customer_id)).currency = "JPY"
    await session.flush()
    assert await recalculate(session, by) == Recalculation()
    await correct_usage(session, by, bill.customer_id, 160_007)
    correction = await get_bill(session, proposal)
    assert (correction.currency, correction.overage_amount) == ("USD", Decimal("1000.70"))


async def test_what_could_not_be_drawn_goes_back_to_its_approver(
    session: AsyncSession, people: People
) -> None:
    """No number was taken, so nothing keeps it from being decided anew."""
    bill = await approved(session, people)
    await send_bill(session, bill.id, bill.version, act(people.ana))

    async def cannot(_: InvoiceData) -> Drawn:
        raise CannotBeDrawn("No font has “𓀀”, in the customer’s name.")

    assert not await issue_bill(session, bill.id, clock(people, NOW + DELAY), cannot)
    assert (bill.status, bill.number) == (State.APPROVED, None)
    await undo_decision(session, bill.id, bill.version, act(people.kim), "The limit is wrong")
    assert bill.status == State.PENDING
    await reject_bill(
        session, bill.id, bill.version, act(people.kim), RejectReason.LIMIT_WRONG, "It is 200,000"
    )
    await prove(session, bill.id)
