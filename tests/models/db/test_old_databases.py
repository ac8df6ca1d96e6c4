"""A database of an earlier revision is migrated, proves itself, and life goes on in it.

Which databases these are, and how one more is made: `tests/old_databases`.
"""

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from bot.mail.smtp import Mailer
from bot.mail.smtp_url import MailServer
from models.actions.approve import approve_bill
from models.actions.comment import add_comment, edit_reply, is_reply_recorded
from models.actions.undo import undo_decision
from models.audit.bill_check import REWRITTEN, Discrepancy
from models.batches.bill_run import BillRun, run_step, start_bill_run
from models.batches.bill_run_report import run_report
from models.batches.bulk_send import CHUNK, send_report, send_step, start_send
from models.bills.bill import Bill, bill_of_month, get_bill
from models.bills.documents import Document
from models.bills.history import BillAction, actions_of, comment_text
from models.bills.invoice_data import InvoiceData
from models.bills.states import BillKind, State, Verb
from models.context import Context, Source, system_context
from models.customers.search import find_customer
from models.db.database import Database
from models.db.migrate import migrate
from models.db.revision import head_revision, is_migrated
from models.outbox.delivery import claim, mark_sent, next_due
from models.outbox.jobs import Task
from models.outbox.messages import Message, MessageKind, MessageState
from models.outbox.threads import bill_of_thread
from models.people.users import find_by_name
from models.period import Period
from models.settings import BillingSettings
from models.usage.usage import record_usage
from sandbox.fake_slack.app import serve
from sandbox.fake_slack.sandbox import Sandbox
from tests.bot.helpers import said_to
from tests.harness.billing import drawn
from tests.harness.database import EMPTY, TestDatabase, TestPostgres
from tests.harness.issuing import issue_bill, mark_delivered
from tests.harness.job_pools import close_pools
from tests.harness.running import slack_client, worker_only
from tests.harness.scene import prove
from tests.harness.tampering import discrepancies, tamper
from tests.harness.timings import bundle_after
from tests.harness.waiting import until
from tests.old_databases import OLD_DATABASES, OldDatabase, contents
from tests.old_databases.company import (
    ACCOUNTS,
    ANA,
    BIRCH,
    BO,
    CEDAR,
    DECEMBER,
    JANUARY,
    KIM,
    LEE,
    NEWCOMER,
    NOVEMBER,
    ROLES,
    SAM,
    WILLOWS,
    slack_id,
)
from tests.old_databases.history import happen
from tests.old_databases.printed import invoice_text

pytestmark = pytest.mark.long

NOW = datetime(2025, 1, 7, 12, tzinfo=UTC)
"""Two hours after the last thing that happened."""
FEBRUARY = datetime(2025, 2, 4, 9, tzinfo=UTC)
RULES = BillingSettings(approvals_channel="CAPPROVALS", chunk_customers=15)
LONG_S = 120.0
"""Some hundred jobs, on a machine with other things to do."""

# What is looked for by its table. All else is asked of the models.
BILLS = sa.select(Bill.id).order_by(Bill.id)
SENDING = BILLS.where(Bill.status == State.SENDING)
JOBS_LEFT = sa.text("""
select id from procrastinate_jobs
where status = 'doing'
   or status = 'todo' and (coalesce(scheduled_at, now()) <= now() or attempts > 0)
""")
TASKS = sa.text("select distinct task_name from procrastinate_jobs")
FAILED_JOBS = sa.text("select task_name from procrastinate_jobs where status = 'failed'")
KINDS_AND_STATES = sa.select(Bill.kind, Bill.status).distinct()
FIRST_COMMENT = (
    sa.select(BillAction).where(BillAction.action == Verb.COMMENT).order_by(BillAction.id).limit(1)
)
UNFINISHED_RUN = sa.select(BillRun.id).where(
    BillRun.finished_at.is_(None), BillRun.failure.is_(None)
)
MESSAGE_STATES = sa.select(Message.state).distinct()
WAITING = Message.state.in_([MessageState.WAITING, MessageState.SENDING])
WAITING_PLACES = sa.select(Message.recipient).where(WAITING).distinct().order_by(Message.recipient)
CARDS = sa.select(Message).where(Message.kind == MessageKind.CARD, Message.ts.is_not(None))
LISTS = sa.select(Message.id).where(Message.kind == MessageKind.SENDING).order_by(Message.id)


@dataclass(frozen=True)
class Migrated:
    """An old database, restored and migrated."""

    old: OldDatabase
    name: str
    applied: Sequence[str]


@pytest.fixture(scope="module", params=OLD_DATABASES, ids=lambda old: old.revision)
def migrated(request: pytest.FixtureRequest, postgres: TestPostgres) -> Iterator[Migrated]:
    old: OldDatabase = request.param
    name = postgres.create(EMPTY)
    old.restore(postgres.url(name))
    yield Migrated(old, name, migrate(postgres.url(name)))
    postgres.drop(name)


@pytest.fixture(scope="module")
async def copied(postgres: TestPostgres, migrated: Migrated) -> AsyncIterator[TestDatabase]:
    """What one test after the other works in, with connections that know its tables."""
    name = postgres.create(migrated.name)
    copy = TestDatabase(name, postgres.url(name))
    yield copy
    await copy.db.close()
    await close_pools(copy.url)
    copy.close()
    postgres.drop(name)


@pytest.fixture
def db(copied: TestDatabase) -> Database:
    """It holds what it held when it had been migrated."""
    copied.clear()
    return copied.db


@pytest.fixture
def database_url(db: Database) -> str:
    return db.url


async def by(session: AsyncSession, name: str, now: datetime = NOW) -> Context:
    user = await find_by_name(session, name)
    assert user is not None
    return Context(user, now, Source.SLACK, RULES)


async def bill_of(session: AsyncSession, name: str, period: Period) -> Bill:
    return await bill_of_month(session, (await find_customer(session, name)).id, period)


def over_the_limit(period: Period) -> int:
    """How many bills a month has."""
    return sum((account.thousands(period) or 0) > 100 for account in ACCOUNTS)


# -- nothing is lost -------------------------------------------------------------------------


async def test_it_comes_to_the_newest_revision(
    db: Database, database_url: str, migrated: Migrated
) -> None:
    assert [migrated.old.revision, *migrated.applied][-1] == head_revision()
    assert migrate(database_url) == []
    async with db.reading() as session:
        assert await is_migrated(session)


async def test_it_holds_what_it_held(db: Database, migrated: Migrated) -> None:
    async with db.reading() as session:
        assert await contents(session) == migrated.old.contents


async def test_its_record_still_tells_where_every_bill_stands(db: Database) -> None:
    assert await discrepancies(db) == []
    async with db.reading() as session:
        for bill_id in await session.scalars(BILLS):
            await prove(session, bill_id)


async def test_one_letter_changed_in_its_record_is_found(db: Database, database_url: str) -> None:
    async with db.reading() as session:
        comment = (await session.scalars(FIRST_COMMENT)).one()
    tamper(
        database_url,
        "update bill_actions set comment = overlay(comment placing 't' from 1)"
        f" where id = {comment.id}",
    )
    assert await discrepancies(db) == [Discrepancy(comment.bill_id, comment.id, REWRITTEN)]


OTHER_CURRENCY = """
update customers set currency = 'KWD'
where id in (select customer_id from bills
             where kind = 'overage' and number is not null and status <> 'void')"""
CURRENCIES = sa.text("""
select b.currency, t.currency as terms, after.currency as later
from bills b
cross join lateral month_terms(b.customer_id, b.year, b.month) t
cross join lateral terms_in_force(b.customer_id, '2026-01-01') after
where b.kind = 'overage' and b.number is not null and b.status <> 'void'""")
LATE = sa.text("select id from late_bills order by id")


async def test_what_went_out_in_another_currency_stays_in_it(
    postgres: TestPostgres, migrated: Migrated, db: Database
) -> None:
    """The customers' currency was changed before currencies had months."""
    name = postgres.create(EMPTY)
    migrated.old.restore(postgres.url(name))
    tamper(postgres.url(name), OTHER_CURRENCY)
    migrate(postgres.url(name))
    changed = Database(postgres.url(name))
    async with changed.reading() as session, db.reading() as untouched:
        rows = (await session.execute(CURRENCIES)).all()
        late = [(await one.scalars(LATE)).all() for one in (session, untouched)]
    await changed.close()
    postgres.drop(name)
    assert {"USD", "JPY"} <= {row.currency for row in rows}
    assert all((row.terms, row.later) == (row.currency, "KWD") for row in rows)
    assert late[0] == late[1]


async def test_todays_program_makes_such_a_database(database: TestDatabase) -> None:
    """With bills and messages in every state, and every job: the next one can be made any time."""
    db = database.db
    await happen(db)
    assert await discrepancies(db) == []
    async with db.reading() as session:
        found = {tuple(row) for row in await session.execute(KINDS_AND_STATES)}
        assert {kind for kind, _ in found} == {*BillKind}
        assert {state for _, state in found} == {*State}
        assert {*await session.scalars(MESSAGE_STATES)} == {*MessageState}
        assert {*await session.scalars(TASKS)} == {*Task}


async def test_what_its_documents_say_is_known_from_their_text(db: Database) -> None:
    """So that what follows from them speaks as they do: drawn again, they are the same."""
    async with db.reading() as session:
        documents = (await session.scalars(sa.select(Document))).all()
    assert documents
    for document in documents:
        assert document.facts is not None
        assert invoice_text(InvoiceData.from_json(document.facts)) == document.text


# -- life goes on ----------------------------------------------------------------------------


async def test_bills_are_decided_on_and_talked_about(db: Database) -> None:
    async with db.transaction() as session:
        willow = await bill_of(session, WILLOWS[-1], NOVEMBER)
        await approve_bill(session, willow.id, willow.version, await by(session, SAM))
        await add_comment(session, willow.id, await by(session, ANA), "At last")
    async with db.transaction() as session:
        rejected = await bill_of(session, BIRCH, DECEMBER)
        await undo_decision(session, rejected.id, rejected.version, await by(session, ANA), "No")
        half_approved = await bill_of(session, CEDAR, NOVEMBER)
        withdrawn = await undo_decision(
            session, half_approved.id, half_approved.version, await by(session, LEE), "Too early"
        )
    assert (willow.status, rejected.status) == (State.APPROVED, State.PENDING)
    async with db.reading() as session:
        reversed_one = await session.get_one(BillAction, withdrawn.reverses_id)
        kim = (await by(session, KIM)).user
    assert (reversed_one.action, reversed_one.acted_for_id) == (Verb.APPROVE, kim.id)
    assert await discrepancies(db) == []


async def test_old_threads_are_still_heard(db: Database) -> None:
    async with db.transaction() as session:
        card = (await session.scalars(CARDS)).first()
        assert card is not None
        assert await bill_of_thread(session, card.channel, card.ts) == card.bill_id
        comment = (await session.scalars(FIRST_COMMENT)).one()
        where = comment.snapshot["message"]
        assert await is_reply_recorded(session, **where)
        kim = await by(session, KIM)
        await edit_reply(session, kim, "Three times", **where, edited_ts="2000000000.1")
        told = await actions_of(session, comment.bill_id)
        assert comment_text(told, comment.id) == "Three times"
    assert await discrepancies(db) == []


async def test_the_next_month_is_generated_once(db: Database) -> None:
    async with db.transaction() as session:
        ana = await by(session, ANA, FEBRUARY)
        for account in ACCOUNTS:
            if calls := account.thousands(JANUARY):
                customer = await find_customer(session, account.name)
                await record_usage(session, customer.id, JANUARY, calls * 1000, ana)
    added = []
    for _ in range(2):
        async with db.transaction() as session:
            run_id = await start_bill_run(session, JANUARY, ana, RULES.zone)
        added.append(await work_off(db, run_id, FEBRUARY))
    assert added == [over_the_limit(JANUARY), 0]
    async with db.reading() as session:
        cedar = await bill_of(session, CEDAR, JANUARY)
        assert cedar.overage_amount == (155_000 - 110_000) * Decimal("0.08")
    assert await discrepancies(db) == []


async def work_off(db: Database, run_id: int, now: datetime) -> int:
    """Returns how many bills the run has added by its end."""
    finished = False
    while not finished:
        async with db.transaction() as session:
            finished = (await run_step(session, run_id, RULES, now)).ended
    async with db.reading() as session:
        return (await run_report(session, run_id)).added


async def test_an_unfinished_run_goes_on_where_it_stopped(db: Database) -> None:
    async with db.reading() as session:
        run_id = (await session.scalars(UNFINISHED_RUN)).one()
        assert 0 < (await run_report(session, run_id)).added < over_the_limit(DECEMBER)
    assert await work_off(db, run_id, NOW) == over_the_limit(DECEMBER)
    assert await discrepancies(db) == []


async def test_what_waits_to_be_posted_is_posted(db: Database) -> None:
    posted: list[Message] = []
    async with db.transaction() as session:
        for place in (await session.scalars(WAITING_PLACES)).all():
            while (posting := await next_due(session, place)) is not None:
                assert await claim(session, posting)
                ts = f"1740000000.{len(posted):06}"
                await mark_sent(session, posting, f"D:{place}", ts, 0)
                posted.append(posting)
        assert not (await session.scalars(WAITING_PLACES)).all()
    kinds = {posting.kind for posting in posted}
    assert kinds >= {
        MessageKind.CARD,
        MessageKind.RUN,
        MessageKind.REJECTION,
        MessageKind.ACCESS_REQUEST,
        MessageKind.SENDING,
    }
    (approvals,) = (one for one in posted if one.kind == MessageKind.APPROVAL)
    assert len(approvals.facts["bills"]) == len(WILLOWS) - 2


async def test_lists_of_bills_to_send_go_on(db: Database) -> None:
    async with db.transaction() as session:
        done, begun, shown = (await session.scalars(LISTS)).all()
        assert (await send_report(session, done)).ended
        before = await send_report(session, begun)
        assert (before.bills, before.sent, before.ended) == (26, CHUNK, False)
        assert not await start_send(session, begun, await by(session, ANA))
        assert (await send_step(session, begun, await by(session, ANA))).is_last
        after = await send_report(session, begun)
        assert after.sent == before.bills
        assert await start_send(session, shown, await by(session, BO))
        assert (await send_report(session, shown)).sent == 1
    assert await discrepancies(db) == []


async def test_what_is_on_its_way_gets_the_next_numbers_and_arrives(db: Database) -> None:
    """Without a gap after the last number given then, which the proof looks after."""
    async with db.transaction() as session:
        clock = await system_context(session, NOW, Source.CLOCK, RULES)
        on_their_way = [await get_bill(session, one) for one in await session.scalars(SENDING)]
        assert {bill.number is None for bill in on_their_way} == {True, False}
        for bill in on_their_way:
            assert await issue_bill(session, bill.id, clock, drawn)
            assert await mark_delivered(session, bill.id, clock, "250 OK")
    assert {bill.status for bill in on_their_way} == {State.SENT}
    assert all(bill.number for bill in on_their_way)
    assert await discrepancies(db) == []


async def test_todays_bot_does_the_jobs_that_waited(
    db: Database, migrated: Migrated, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That of a worker that died, too. The one that had been given up stays so, and what is put
    off for the first time may wait.
    """
    bundle_after(monkeypatch, 2)
    users = [{"id": one, "name": one.lower()} for one in map(slack_id, [*ROLES, NEWCOMER])]
    workspace = {"users": users, "channels": [{"id": "CAPPROVALS", "name": "approvals"}]}
    async with (
        serve(Sandbox(workspace=workspace, rate_limits=False)) as slack,
        slack_client(slack) as gateway,
    ):
        mailer = Mailer(MailServer.parse(slack.smtp_url), "Billing <billing@meadow.example>")
        at_once = replace(RULES, send_delay_minutes=0)
        async with worker_only(db, gateway, at_once, now=lambda: NOW, mailer=mailer):
            await until(lambda: _nothing_is_left(db), LONG_S)
        mailed = {mail["message_id"] for mail in slack.mail()}
        told = said_to(slack, slack_id(BO))
    assert any("Otto Plain" in text for text in told)
    assert any("24 bills" in text for text in told)
    async with db.reading() as session:
        assert (await session.scalars(FAILED_JOBS)).all() == [Task.GENERATE]
        _, begun, _ = (await session.scalars(LISTS)).all()
        assert (await send_report(session, begun)).ended
        delivered = (await contents(session))["actions"][Verb.DELIVER]
    assert len(mailed) == delivered - migrated.old.contents["actions"][Verb.DELIVER]
    assert await discrepancies(db) == []


async def _nothing_is_left(db: Database) -> bool:
    async with db.transaction() as session:
        left = (WAITING_PLACES, UNFINISHED_RUN, SENDING, JOBS_LEFT)
        return not any([(await session.scalars(query)).first() for query in left])
