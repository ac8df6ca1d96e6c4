"""Many bills sent at once: what is previewed, what of it goes out, and what is left out."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.actions.incoming import record_mail
from models.actions.mail_trouble import note_trouble
from models.actions.send import mark_not_mailed, mark_send_failed, send_bill
from models.actions.undo import undo_decision
from models.batches import bulk_send
from models.batches.bulk_send import (
    SendReport,
    send_report,
    send_step,
    sent_by_list,
    start_send,
)
from models.batches.bulk_send_outcome import Fate, outcome_of_list
from models.batches.send_again import retry_failed
from models.batches.send_preview import preview_send
from models.bills.bill import Bill
from models.bills.documents import outgoing_document
from models.bills.incoming import DeliveryReport, Failure
from models.bills.states import NotSent, State
from models.context import Context
from models.db.database import do_put_off
from models.errors import NotAllowed, NotFound, Step, WrongState
from models.outbox.jobs import Task
from models.outbox.messages import Message, MessageKind, MessageState, user_recipient
from models.outbox.private_answers import Told, keep_answer, untold_by_answers
from models.queries.health import load_health
from models.queries.noticed import most_pressing
from models.settings import BillingSettings
from models.usage.usage import record_usage
from tests.harness.billing import (
    DELAY,
    approved,
    clock,
    correct_usage,
    drawn,
    go_out,
    issue,
    void,
)
from tests.harness.cast import People
from tests.harness.issuing import issue_bill, mark_delivered
from tests.harness.scene import NOW, OCTOBER, act, bill_for, contents


async def listed(session: AsyncSession, people: People, *bills: Bill) -> int:
    shown = await preview_send(session, act(people.ana), [bill.id for bill in bills])
    assert shown.id is not None
    return shown.id


async def begun(session: AsyncSession, people: People, list_id: int) -> SendReport:
    assert await start_send(session, list_id, act(people.ana))
    return await send_report(session, list_id)


async def test_a_month_is_previewed_with_what_cannot_go_out_and_why(
    session: AsyncSession, people: People
) -> None:
    ready = await approved(session, people)
    nowhere = await approved(session, people, "Brook Ltd", billing_email="  ")
    yen = await approved(session, people, "Cove KK", currency="JPY", tax_rate_percent=Decimal(10))
    waits = await bill_for(session, act(people.ana), "Elm Inc")
    out = await approved(session, people, "Fjord AS")
    await go_out(session, people, out)

    shown = await preview_send(session, act(people.ana), period=OCTOBER)

    assert [(one.line.id, one.to) for one in shown.biggest] == [
        (yen.id, "billing@acme.example"),
        (ready.id, "billing@acme.example"),
    ]
    assert (shown.bills, shown.kept) == (2, {State.APPROVED: 1, State.PENDING: 1})
    assert [(one.line.id, one.kept) for one in shown.stay] == [
        (nowhere.id, NotSent.NO_ADDRESS),
        (waits.id, NotSent.STATE),
    ]
    sums = [(total.currency, total.bills, total.amount) for total in shown.totals]
    assert sums == [("JPY", 1, Decimal(5000)), ("USD", 1, Decimal("5000.00"))]
    assert [total.taxed for total in shown.totals] == [True, False]
    assert shown.delay_minutes == 5


async def test_a_name_that_no_font_has_is_known_before_it_is_sent_and_not_tried_unmended(
    session: AsyncSession, people: People
) -> None:
    bill = await approved(session, people, "Carthage 𐤀", tax_id="𐤁𐤀")
    for asked in ({"period": OCTOBER}, {"bill_ids": [bill.id]}):
        shown = await preview_send(session, act(people.ana), **asked)
        assert [one.kept for one in shown.stay] == [NotSent.NO_FONT]
    with pytest.raises(
        WrongState, match=r"“𐤀𐤁” \(U\+10900 U\+10901\), which stand in its name and its tax number"
    ) as refused:
        await send_bill(session, bill.id, bill.version, act(people.ana))
    assert [step.verb for step in refused.value.next_steps] == [Step.MEND_SIGNS]
    assert [one.signs for one in shown.stay] == [
        "“𐤀𐤁” (U+10900 U+10901), which stand in its customer’s name and its customer’s tax number"
    ]
    own = replace(act(people.ana), settings=BillingSettings(own_template=True))
    assert (await preview_send(session, own, period=OCTOBER)).bills == 1


async def test_of_many_that_stay_what_finance_can_mend_comes_first(
    session: AsyncSession, people: People
) -> None:
    out = await approved(session, people, "Fjord AS")
    await go_out(session, people, out)
    waiting = [await bill_for(session, act(people.ana), f"Elm {index}") for index in range(10)]
    held = await bill_for(session, act(people.ana), "Gale Ltd", overage_unit_cost=None)
    nowhere = await approved(session, people, "Brook Ltd", billing_email=None)
    unwritten = await approved(session, people, "Carthage 𐤀")
    asked = [out.id, *(bill.id for bill in waiting), held.id, nowhere.id, unwritten.id]

    shown = await preview_send(session, act(people.ana), asked)

    mended = [nowhere.id, unwritten.id, held.id]
    first_waiting = [bill.id for bill in waiting[:7]]
    assert [one.line.id for one in shown.stay] == [*mended, *first_waiting]


async def test_a_bill_whose_figures_have_changed_is_kept(
    session: AsyncSession, people: People
) -> None:
    late = await approved(session, people)
    await record_usage(session, late.customer_id, OCTOBER, 170_000, act(people.ana), "Late.")
    shown = await preview_send(session, act(people.ana), [late.id])
    assert [one.kept for one in shown.stay] == [NotSent.OUTDATED]


async def test_where_nothing_can_go_out_no_list_is_kept(
    session: AsyncSession, people: People
) -> None:
    waits = await bill_for(session, act(people.ana))
    shown = await preview_send(session, act(people.ana), [waits.id])
    assert shown.id is None
    assert [one.kept for one in shown.stay] == [NotSent.STATE]


async def test_a_list_goes_out_once_however_often_it_is_begun(
    session: AsyncSession, people: People
) -> None:
    bills = [await approved(session, people, name) for name in ("Acme Corp", "Brook Ltd")]
    list_id = await listed(session, people, *bills)
    facts = await begun(session, people, list_id)
    assert (facts.sent, facts.bills, facts.ended, facts.kept) == (2, 2, True, ())
    brief = await send_report(session, list_id, most=1)
    assert (brief.bills, brief.ended) == (2, False)
    before = await contents(session)
    assert not await start_send(session, list_id, act(people.ana))
    assert await contents(session) == before


async def test_what_changed_after_it_was_shown_is_left_out_and_named(
    session: AsyncSession, people: People
) -> None:
    stays = await approved(session, people)
    undone = await approved(session, people, "Brook Ltd")
    late = await approved(session, people, "Cove KK")
    list_id = await listed(session, people, stays, undone, late)
    await undo_decision(session, undone.id, undone.version, act(people.kim), "Wait.")
    await record_usage(session, late.customer_id, OCTOBER, 170_000, act(people.ana), "Late.")

    facts = await begun(session, people, list_id)

    assert facts.sent == 1
    left = [(one.line.id, one.kept, one.line.status) for one in facts.kept]
    assert left == [
        (undone.id, NotSent.CHANGED, State.PENDING),
        (late.id, NotSent.CHANGED, State.PENDING),
    ]


async def test_of_many_that_stay_all_are_counted_each_with_what_kept_it(
    session: AsyncSession, people: People
) -> None:
    """With a template of the company's own no font is to blame."""
    own = replace(act(people.ana), settings=BillingSettings(own_template=True))
    bills = [await approved(session, people, f"Carthage 𐤀 {one}") for one in range(12)]
    list_id = (await preview_send(session, own, [bill.id for bill in bills])).id
    assert list_id is not None
    await session.execute(sa.text("update customers set cc_emails = 'ap@acme' where id % 2 = 0"))
    await session.execute(sa.text("update customers set billing_email = ' ' where id % 2 = 1"))
    assert await start_send(session, list_id, own)

    facts = await send_report(session, list_id)

    assert facts.by_state == {State.APPROVED: 12}
    assert [one.kept for one in facts.kept].count(NotSent.BAD_ADDRESS) == 5
    assert [one.kept for one in facts.kept].count(NotSent.NO_ADDRESS) == 5


async def test_a_notice_names_first_what_can_be_sent_again_and_of_that_the_biggest(
    session: AsyncSession, people: People
) -> None:
    late = clock(people, NOW + DELAY)
    bills = [
        await approved(session, people, f"Acme {used}", used=used)
        for used in (900_000, 150_000, 190_000)
    ]
    failed = []
    for bill in bills:
        await issue(session, people, bill)
        action = await mark_send_failed(session, bill.id, late, "550 No")
        assert action is not None
        failed.append(action.id)
    settled, small, big = failed
    await void(session, bills[0], people.ana)
    assert await most_pressing(session, failed, 2) == [big, small]
    assert await most_pressing(session, failed, 9) == [big, small, settled]


async def test_a_bill_called_back_from_a_list_is_not_sent_by_it_again(
    session: AsyncSession, people: People
) -> None:
    bill = await approved(session, people)
    list_id = await listed(session, people, bill)
    await begun(session, people, list_id)
    await undo_decision(session, bill.id, bill.version, act(people.ana), "Not yet.")
    assert (await send_step(session, list_id, act(people.ana))).is_last
    await session.refresh(bill)
    assert bill.status == State.APPROVED
    assert (await send_report(session, list_id)).sent == 1


async def test_a_long_list_goes_on_by_itself_and_shows_its_progress(
    session: AsyncSession, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_send, "CHUNK", 2)
    bills = [await approved(session, people, f"Customer {n}") for n in range(5)]
    list_id = await listed(session, people, *bills)
    facts = await begun(session, people, list_id)
    assert (facts.sent, facts.ended) == (2, False)
    posting = await session.get_one(Message, list_id)
    assert (posting.kind, posting.state) == (MessageKind.SENDING, MessageState.WAITING)
    await do_put_off(session)
    jobs = sa.text("select count(*) from procrastinate_jobs where task_name = :task")
    assert await session.scalar(jobs, {"task": Task.BULK_SEND}) == 1

    after: int | None = 0
    steps = []
    while after is not None:
        after = (await send_step(session, list_id, act(people.ana), after)).after
        steps.append((await send_report(session, list_id)).sent)
    assert steps == [4, 5]


async def test_a_list_is_for_whoever_saw_it(session: AsyncSession, people: People) -> None:
    list_id = await listed(session, people, await approved(session, people))
    for user, refused in ((people.kim, NotAllowed), (people.system, NotAllowed)):
        with pytest.raises(refused):
            await start_send(session, list_id, act(user))
    await session.execute(
        sa.text("update messages set recipient = 'user:999' where id = :id"), {"id": list_id}
    )
    with pytest.raises(NotFound, match="somebody else's"):
        await start_send(session, list_id, act(people.ana))
    with pytest.raises(NotFound, match="not here any more"):
        await start_send(session, list_id + 1, act(people.ana))


async def test_without_a_mail_server_nothing_is_previewed_or_sent(
    session: AsyncSession, people: People
) -> None:
    list_id = await listed(session, people, await approved(session, people))
    without = BillingSettings(can_mail=False)
    mute: Context = replace(act(people.ana), settings=without)
    with pytest.raises(WrongState, match="no mail server"):
        await preview_send(session, mute, period=OCTOBER)
    with pytest.raises(WrongState, match="no mail server"):
        await start_send(session, list_id, mute)


async def test_a_failed_delivery_can_be_sent_again_with_the_figures_of_its_number(
    session: AsyncSession, people: People
) -> None:
    """Usage that changes later makes an adjustment; the issued document stays as it is."""
    bill = await approved(session, people)
    await issue(session, people, bill)
    await mark_send_failed(session, bill.id, clock(people), "no such mailbox")
    await correct_usage(session, act(people.ana), bill.customer_id, 170_000)
    shown = await preview_send(session, act(people.ana), [bill.id])
    assert [one.line.id for one in shown.biggest] == [bill.id]


async def test_what_failed_is_sent_again_while_another_is_on_its_way_and_each_failure_once(
    session: AsyncSession, people: People
) -> None:
    refused, slow = [await approved(session, people, name) for name in ("Acme", "Birch")]
    list_id = await listed(session, people, refused, slow)
    await begun(session, people, list_id)
    ana, late = act(people.ana, NOW + DELAY), clock(people, NOW + DELAY)
    for bill in (refused, slow):
        assert await issue_bill(session, bill.id, late, drawn)
    await mark_send_failed(session, refused.id, late, "550 No")
    assert (await outcome_of_list(session, list_id)).can_retry

    first, _ = await retry_failed(session, list_id, ana)
    assert await retry_failed(session, list_id, ana) == (first, False)
    await mark_send_failed(session, slow.id, late, "after a day")
    second, is_new = await retry_failed(session, list_id, ana)
    assert is_new and await sent_by_list(session, second) == [slow.id]

    await mark_send_failed(session, refused.id, late, "550 No")
    lists = [await outcome_of_list(session, one) for one in (list_id, first, second)]
    assert [one.can_retry for one in lists] == [False, True, False]


async def test_of_many_that_were_sent_the_one_that_matters_is_named_first(
    session: AsyncSession, people: People
) -> None:
    bills = [await approved(session, people, f"Acme {index}") for index in range(7)]
    await begun(session, people, list_id := await listed(session, people, *bills))
    late = clock(people, NOW + DELAY)
    *out, slow, unsure = bills
    for bill in bills:
        assert await issue_bill(session, bill.id, late, drawn)
    for bill in out:
        await mark_delivered(session, bill.id, late, "250 OK")
    await note_trouble(session, unsure.id, "Connection lost", unheard=1)

    told = await outcome_of_list(session, list_id)

    assert [one.id for one in told.named][:3] == [unsure.id, slow.id, out[0].id]


async def test_health_counts_what_failed_before_its_number_and_no_dry_run(
    session: AsyncSession, people: People
) -> None:
    nowhere, dry = [await approved(session, people, name) for name in ("Acme", "Birch")]
    await send_bill(session, nowhere.id, nowhere.version, act(people.ana))
    await session.execute(
        sa.text("update customers set billing_email = 'nonsense' where id = :id"),
        {"id": nowhere.customer_id},
    )
    late = clock(people, NOW + DELAY)
    await issue_bill(session, nowhere.id, late, drawn)
    await issue(session, people, dry)
    await mark_not_mailed(session, dry.id, late, "billing@acme.example")
    assert (nowhere.status, nowhere.number, dry.status) == (State.APPROVED, None, State.APPROVED)
    assert (await load_health(session, NOW, 5)).undelivered == 1


async def test_what_became_of_each_of_eight_that_were_sent_is_told_by_currency(
    session: AsyncSession, people: People
) -> None:
    """One was called back, two failed and one of these was made void, two arrived and one of these
    came back, one may have arrived, and two can still be called back, of which one is in yen.
    """
    names = ("Acme", "Birch", "Cove", "Dune", "Elm", "Fjord", "Heron")
    bills = [await approved(session, people, name) for name in names]
    yen = await approved(session, people, "Gull KK", currency="JPY")
    list_id = await listed(session, people, *bills, yen)
    await begun(session, people, list_id)
    await do_put_off(session)
    back, failed, arrived, returned, unsure, _, voided = bills
    await undo_decision(session, back.id, back.version, act(people.ana), "Not yet.")
    late = clock(people, NOW + DELAY)
    for bill in (failed, arrived, returned, unsure, voided):
        assert await issue_bill(session, bill.id, late, drawn)
    for bill in (failed, voided):
        await mark_send_failed(session, bill.id, late, "550 No")
    await void(session, voided, people.ana, NOW + DELAY)
    for bill in (arrived, returned):
        await mark_delivered(session, bill.id, late, "250 OK")
    assert (await outcome_of_list(session, list_id)).fates[Fate.ON_ITS_WAY] == 1
    await note_trouble(session, unsure.id, "Connection lost", unheard=1)
    letter = await outgoing_document(session, returned.id, late, State.SENT)
    assert letter is not None
    report = DeliveryReport((f"{letter.mail_id}@us",), (Failure(None, "550 No"),))
    assert await record_mail(session, report, "report", late)

    told = await outcome_of_list(session, list_id)

    assert told.fates == {
        Fate.IN_DELAY: 2, Fate.UNHEARD: 1, Fate.DELIVERED: 1, Fate.FAILED: 1,
        Fate.CAME_BACK: 1, Fate.VOID: 1, Fate.CALLED_BACK: 1,
    }  # fmt: skip
    assert [(one.bills, one.named[0].id) for one in told.failed] == [(1, failed.id)]
    assert [one.id for one in told.came_back] == [returned.id]
    assert (await load_health(session, NOW, 5)).undelivered == 1
    assert [(one.currency, one.bills) for one in told.totals] == [("JPY", 1), ("USD", 7)]
    assert told.due == NOW + DELAY
    assert [one.customer for one in told.named] == ["Elm", "Gull KK", "Fjord", "Acme", "Heron"]


async def test_what_an_answer_tells_is_not_told_once_more(
    session: AsyncSession, people: People
) -> None:
    bills = [await approved(session, people, name) for name in ("Acme Corp", "Brook Ltd")]
    ids = [bill.id for bill in bills]
    list_id = await listed(
        session, people, bills[0], slow := await approved(session, people, "Cove")
    )
    told = Told("1 is on its way", list_id=list_id)
    await keep_answer(session, people.ana, "https://slack.example/answer", told, FAR)
    mine, other = user_recipient(people.ana.id), user_recipient(people.kim.id)
    assert await untold_by_answers(session, mine, ids) == ids[1:]
    await send_bill(session, slow.id, slow.version, act(people.ana))
    assert await untold_by_answers(session, mine, ids) == ids, "it tells of all when all is out"
    await undo_decision(session, slow.id, slow.version, act(people.ana), "No")
    assert await untold_by_answers(session, other, ids) == ids
    await session.execute(sa.text("update private_answers set uses_left = 0"))
    assert await untold_by_answers(session, mine, ids) == ids


FAR = datetime(2100, 1, 1, tzinfo=UTC)
