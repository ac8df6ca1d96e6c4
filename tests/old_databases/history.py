"""What has happened in the old databases: three months of a company, up to the middle of a day.

Every state of a bill is reached, in every kind, and every way that a message can be.
"""

from datetime import date

from procrastinate.jobs import Status

from models.actions.absence import mark_away
from models.actions.access import deactivate, grant_role, welcome
from models.actions.comment import add_comment, add_reply, delete_reply, edit_reply
from models.actions.reroute import promise_reroute, reroute_open_bills
from models.batches.bill_run import fail_run
from models.batches.lists import CHUNK
from models.bills.history import actions_of
from models.customers.customers import Customer
from models.db.database import Database
from models.outbox.delivery import claim, mark_failed, next_due, stale_cards
from models.outbox.digests import digests_of
from models.outbox.homes import HomePlace, look_at, refresh_all_homes
from models.outbox.jobs import (
    Task,
    defer_redraw_answer,
    defer_redraw_card,
    defer_redraw_message,
    defer_redraw_run,
)
from models.outbox.notifications import BUNDLING_S
from models.outbox.people_notices import notify_access_requested
from models.outbox.private_answers import Told, answers_about, keep_answer
from models.people.permissions import Role
from models.people.users import add_user
from models.period import Period
from models.usage.pull_requests import ask_source
from models.usage.sources import add_source
from tests.harness.sources import QUERY
from tests.old_databases import verbs
from tests.old_databases.company import (
    ACCOUNTS,
    ALDER,
    ANA,
    BIRCH,
    BO,
    CEDAR,
    DECEMBER,
    DOGWOOD,
    ELM,
    FIR,
    GUM,
    IVY,
    JANUARY,
    JUNIPER,
    KELP,
    KIM,
    LARCH,
    LEE,
    MAPLE,
    NEWCOMER,
    NOVEMBER,
    OCTOBER,
    OLE,
    PRICE,
    ROLES,
    SAM,
    SEPTEMBER,
    WILLOWS,
    slack_id,
)
from tests.old_databases.timeline import Timeline, dm


async def happen(db: Database) -> None:
    """Fill a migrated database."""
    time = Timeline(db)
    await _begin(time)
    await _october(time)
    await _november(time)
    await _december(time)
    await _january(time)


async def _begin(time: Timeline) -> None:
    async with time.step() as session:
        people = {
            name: await add_user(
                session, name, role, slack_id(name), f"{name.split()[0].lower()}@meadow.example"
            )
            for name, role in ROLES.items()
        }
        for account in ACCOUNTS:
            columns = {"monthly_api_limit": 100_000, "overage_unit_cost": PRICE}
            customer = Customer(
                name=account.name,
                csm_id=people[account.csm].id if account.csm else None,
                sales_id=people[account.sales].id if account.sales else None,
                billing_email="pay@example.com",
                **(columns | account.columns),
            )
            session.add(customer)
            await session.flush()


async def _use(time: Timeline, *periods: Period) -> None:
    """Everybody's usage of these months is recorded."""
    figures = [
        (account.name, period, account.thousands(period) * 1000)
        for account in ACCOUNTS
        for period in periods
        if account.thousands(period)
    ]
    await verbs.record_all(time, ANA, figures)


# -- October's bills -------------------------------------------------------------------------


async def _october(time: Timeline) -> None:
    time.go_to("2024-11-04")
    await _use(time, SEPTEMBER, OCTOBER)
    await verbs.generate(time, await verbs.start(time, ANA, OCTOBER))
    await _ole_leaves(time)
    await time.catch_up()
    await _talk(time)
    await verbs.approve(time, KIM, ALDER, OCTOBER)
    await _change_minds(time)
    await time.catch_up()
    time.go_to("2024-11-06")
    await _go_out(time)
    await _correct(time)
    await time.catch_up()


async def _ole_leaves(time: Timeline) -> None:
    """With a card on its way to him, of a bill that nobody else may approve."""
    async with time.step() as session:
        await deactivate(session, slack_id(OLE))
        await reroute_open_bills(session, await time.clock(session))


async def _talk(time: Timeline) -> None:
    """Comments in the thread of a card: edited, deleted, and one that was deleted unheard."""
    async with time.step() as session:
        bill_id = (await time.bill(session, ALDER, OCTOBER)).id
        ana, kim = await time.act(session, ANA), await time.act(session, KIM)
        ts = [time.message() for _ in range(3)]
        await add_reply(session, bill_id, kim, "Their job ran twce.", dm(KIM), ts[0])
        await add_reply(session, bill_id, kim, "Wrong thread", dm(KIM), ts[1])
        await add_comment(session, bill_id, ana, "Did they say why? 🤔 “quoted”, 'single'")
    async with time.step() as session:
        kim, edited = await time.act(session, KIM), time.message()
        await edit_reply(session, kim, "Their job ran twice.", dm(KIM), ts[0], edited)
        await delete_reply(session, bill_id, kim, "Wrong thread", dm(KIM), ts[1])
        await delete_reply(session, bill_id, kim, "Never heard", dm(KIM), ts[2])


async def _change_minds(time: Timeline) -> None:
    """Undone, given back, and undone by Finance; voided, taken back, and voided again."""
    given = await verbs.approve(time, KIM, CEDAR, OCTOBER)
    taken_back = await verbs.undo(time, KIM, CEDAR, OCTOBER, given)
    await verbs.undo(time, KIM, CEDAR, OCTOBER, taken_back)
    await verbs.approve(time, SAM, CEDAR, OCTOBER)
    await verbs.undo(time, ANA, CEDAR, OCTOBER)
    await verbs.reject(time, LEE, DOGWOOD, OCTOBER)
    await verbs.revise(time, ANA, DOGWOOD, OCTOBER, 25_000)
    await verbs.approve(time, LEE, DOGWOOD, OCTOBER)
    await verbs.release(time, ANA, GUM, OCTOBER)
    await verbs.reject(time, KIM, GUM, OCTOBER)
    await verbs.void(time, ANA, MAPLE, OCTOBER)
    await verbs.undo(time, ANA, MAPLE, OCTOBER)
    await verbs.void(time, BO, MAPLE, OCTOBER)
    for name in (BIRCH, KELP):
        await verbs.approve(time, SAM, name, OCTOBER)
    await verbs.approve(time, KIM, ELM, OCTOBER)
    await verbs.approve(time, LEE, LARCH, OCTOBER)
    await verbs.approve(time, LEE, JUNIPER, OCTOBER)
    await verbs.approve(time, SAM, JUNIPER, OCTOBER)


async def _bill_id(time: Timeline, name: str, period: Period) -> int:
    async with time.db.transaction() as session:
        return (await time.bill(session, name, period)).id


async def _go_out(time: Timeline) -> None:
    """Sent, called back, refused by the mail server, and tried again."""
    for name in (ALDER, BIRCH, IVY, LARCH):
        await verbs.send_out(time, ANA, await _bill_id(time, name, OCTOBER))
    elm = await _bill_id(time, ELM, OCTOBER)
    await verbs.send(time, ANA, elm)
    await verbs.undo(time, BO, ELM, OCTOBER)
    await verbs.send_out(time, ANA, elm)
    dogwood = await _bill_id(time, DOGWOOD, OCTOBER)
    await verbs.send(time, BO, dogwood)
    await verbs.issue(time, dogwood)
    await verbs.fail_to_deliver(time, dogwood)
    await time.catch_up()
    await verbs.send_out(time, BO, dogwood)


async def _correct(time: Timeline) -> None:
    """Usage and terms change before anything is sent; and a card is gone from its channel."""
    await verbs.record(time, ANA, JUNIPER, OCTOBER, 126_000, "Counted again")
    await verbs.approve(time, LEE, JUNIPER, OCTOBER)
    await verbs.record(time, ANA, KELP, OCTOBER, 99_000, "Calls of a test key")
    await verbs.record(time, ANA, GUM, OCTOBER, 102_500)
    await verbs.change_terms(time, FIR, 100_000, "0.05", OCTOBER)
    await verbs.approve(time, KIM, FIR, OCTOBER)
    async with time.step() as session:
        kelp = await time.bill(session, KELP, OCTOBER)
        behind = (await stale_cards(session, [kelp.id]))[kelp.id]
        await mark_failed(session, behind.cards[0][0], "message_not_found")


# -- November's bills ------------------------------------------------------------------------


async def _november(time: Timeline) -> None:
    time.go_to("2024-12-03")
    await _use(time, NOVEMBER)
    await verbs.change_terms(time, BIRCH, 120_000, "0.09")
    await verbs.change_terms(time, CEDAR, 110_000, "0.08", JANUARY)
    await verbs.generate(time, await verbs.start(time, BO, NOVEMBER))
    await time.catch_up()
    time.go_to("2024-12-05")
    await _correct_what_is_out(time)
    await verbs.release(time, ANA, LARCH, NOVEMBER)
    await verbs.approve(time, KIM, ALDER, NOVEMBER)
    alder = await _bill_id(time, ALDER, NOVEMBER)
    await verbs.send(time, ANA, alder)
    await verbs.issue(time, alder)
    await verbs.fail_to_deliver(time, alder)
    await time.catch_up()


async def _correct_what_is_out(time: Timeline) -> None:
    """Late usage: one correction goes out as an adjustment, one as a credit, one waits. And two
    bills that had gone out are void: the credit for one is mailed, the other one's month is billed
    again.
    """
    for name, who, thousands in ((ALDER, KIM, 165), (BIRCH, SAM, 112)):
        (correction,) = await verbs.record(time, ANA, name, OCTOBER, thousands * 1000, "Late log")
        await verbs.approve_bill(time, who, correction)
        await verbs.send_out(time, ANA, correction)
    await verbs.record(time, ANA, LARCH, OCTOBER, 103_000, "Late log")
    credit = await verbs.void(time, ANA, DOGWOOD, OCTOBER)
    assert credit
    await verbs.send_out(time, ANA, credit)
    credit = await verbs.void(time, ANA, ELM, OCTOBER)
    assert credit
    await verbs.send(time, BO, credit)
    await verbs.issue(time, credit)
    await verbs.reissue(time, ANA, ELM, OCTOBER)


# -- December: few bills, other things -------------------------------------------------------


async def _december(time: Timeline) -> None:
    time.go_to("2024-12-20")
    async with time.step() as session:
        lee = await time.user(session, LEE)
        await mark_away(session, await time.act(session, KIM), date(2025, 1, 20), lee)
    await verbs.approve(time, LEE, CEDAR, NOVEMBER)
    async with time.step() as session:
        nora = await welcome(session, slack_id(NEWCOMER), "T1", NEWCOMER, None)
        await notify_access_requested(session, nora, time.now)
    async with time.step() as session:
        nora = await time.user(session, NEWCOMER)
        await grant_role(session, nora.id, Role.SALES, await time.act(session, ANA))
    await time.catch_up()
    await _a_run_fails(time)
    await time.catch_up()


async def _a_run_fails(time: Timeline) -> None:
    """The worker gives it up; its job stays as failed."""
    run_id = await verbs.start(time, BO, NOVEMBER)
    async with time.worker() as worker:
        while (job := await worker.next_job()) is not None:
            failed = job.task_name == Task.GENERATE
            await worker.finish(job, Status.FAILED if failed else Status.SUCCEEDED)
    async with time.step() as session:
        await fail_run(session, run_id, "The cause: ConnectionError.")


# -- the last day ----------------------------------------------------------------------------


async def _january(time: Timeline) -> None:
    time.go_to("2025-01-03")
    await _use(time, DECEMBER)
    await verbs.record(time, BO, MAPLE, NOVEMBER, 104_000)
    await verbs.generate_by_command(time, NOVEMBER, MAPLE)
    await verbs.approve(time, SAM, BIRCH, NOVEMBER)
    await verbs.approve(time, LEE, DOGWOOD, NOVEMBER)
    await time.catch_up()
    time.go_to("2025-01-07")
    await _the_bot_dies(time)
    await verbs.tell(time, ANA, "https://books.meadow.example/bills")
    await verbs.generate(time, await verbs.start(time, ANA, DECEMBER), most_steps=1)
    await _send_lists(time)
    await verbs.send(time, ANA, await _bill_id(time, FIR, OCTOBER))
    await verbs.void(time, ANA, IVY, OCTOBER)
    await verbs.reject(time, SAM, BIRCH, DECEMBER)
    await _a_source_is_asked(time)
    await _redrawing_waits(time)
    await _somebody_looks_at_home(time)


async def _somebody_looks_at_home(time: Timeline) -> None:
    async with time.step() as session:
        await look_at(session, (await time.user(session, LEE)).id, HomePlace())
        await refresh_all_homes(session)


async def _the_bot_dies(time: Timeline) -> None:
    """In the middle of posting: nobody knows whether that message is there. No bot comes back."""
    async with time.step() as session:
        otto = await welcome(session, "UOTTO", "T1", "Otto Plain", "otto@meadow.example")
        await notify_access_requested(session, otto, time.now)
    async with time.worker() as worker:
        job = await worker.next_job()
        assert job is not None
        place = job.task_kwargs["recipient"]
    async with time.step() as session:
        posting = await next_due(session, str(place))
        assert posting is not None
        assert await claim(session, posting)


async def _send_lists(time: Timeline) -> None:
    """One list is sent, one begun with more than goes out at once, and one only looked at; another
    is begun to be approved, with what is left of it done one by one.
    """
    two = [await _bill_id(time, name, NOVEMBER) for name in (BIRCH, DOGWOOD)]
    await verbs.begin_sending(time, BO, await verbs.preview_sending(time, BO, tuple(two)))
    await _an_answer_is_out_of_date(time, two[0])
    await verbs.issue(time, two[0])
    await verbs.deliver(time, two[0])
    await verbs.begin_approving(time, LEE, WILLOWS[:-2], NOVEMBER)
    for name in WILLOWS[CHUNK:-2]:
        await verbs.approve(time, LEE, name, NOVEMBER)
    await verbs.reject(time, LEE, WILLOWS[-2], NOVEMBER)
    month = await verbs.preview_sending(time, ANA, period=NOVEMBER)
    await verbs.begin_sending(time, ANA, month)
    await verbs.issue(time, two[1])
    await verbs.fail_to_deliver(time, two[1])
    ivy = await _bill_id(time, IVY, DECEMBER)
    await verbs.preview_sending(time, BO, (ivy,))


async def _an_answer_is_out_of_date(time: Timeline, bill_id: int) -> None:
    async with time.step() as session:
        answer = Told("It goes out.", bill_id=bill_id)
        bo = await time.user(session, BO)
        await keep_answer(session, bo, "https://slack.example/actions/1", answer, time.now)
        (answer_id,) = await answers_about(session, [bill_id])
        await defer_redraw_answer(session, answer_id)


async def _redrawing_waits(time: Timeline) -> None:
    """Of a card that was in trouble, of a digest, and of what a run's message tells; and whoever
    is asked now is still to be found.
    """
    async with time.step() as session:
        fir = await time.bill(session, FIR, OCTOBER)
        card, _ = (await stale_cards(session, [fir.id]))[fir.id].cards[0]
        await defer_redraw_card(session, fir.id, card.id, time.now.timestamp(), 10)
        willow = await time.bill(session, WILLOWS[0], NOVEMBER)
        (digest_id,) = await digests_of(session, [willow.id])
        await defer_redraw_message(session, digest_id)
        (generated, *_) = await actions_of(session, willow.id)
        await defer_redraw_run(session, generated.snapshot["run"], BUNDLING_S)
        await promise_reroute(session, await time.clock(session))


async def _a_source_is_asked(time: Timeline) -> None:
    async with time.step() as session:
        bo = await time.act(session, BO)
        source = await add_source(session, "Events", "duckdb://", QUERY, bo)
        await ask_source(session, source.id, DECEMBER, bo)
