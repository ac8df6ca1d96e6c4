"""Every verb, in every state, by every role, whatever approvals the customer requires."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import groupby, product
from typing import Any, NamedTuple

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from handlers.wording.formatting import use_prefix
from handlers.wording.refusals import Medium, refusal_text
from models.actions.approve import approve_bill, reject_bill
from models.actions.comment import add_comment, delete_comment, edit_comment
from models.actions.hold import hold_bill, release_bill
from models.actions.incoming import record_mail
from models.actions.loaded_bill import load_for
from models.actions.mail_trouble import note_trouble
from models.actions.reassign import reassign_bill
from models.actions.recalculate import recalculate
from models.actions.revise import revise_bill
from models.actions.send import confirm_arrival, mark_send_failed, send_bill
from models.actions.undo import undo_decision
from models.actions.void import reissue_bill, void_bill
from models.bills.approvers import approvers_of
from models.bills.bill import Bill, bill_of_month
from models.bills.documents import issued_document
from models.bills.incoming import DeliveryReport, Failure
from models.bills.states import REMARKS, HoldReason, RejectReason, Verb
from models.context import Context
from models.customers.customers import Customer
from models.errors import NotAllowed, Refusal, WrongState
from models.people.permissions import Role
from models.people.users import User, add_user
from models.period import Period
from models.settings import BillingSettings
from models.usage.usage import Usage
from tests.harness.billing import drawn
from tests.harness.cast import People, add_people, find_people
from tests.harness.database import TestPostgres
from tests.harness.issuing import issue_bill, mark_delivered
from tests.harness.scene import (
    NOW,
    act,
    add_customer,
    contents,
    generate,
    in_slack,
    prove,
    record_usage,
)

pytestmark = pytest.mark.long

# What comes of it: a state that the bill is in afterwards; `same`, allowed but nothing to do;
# `kept`, recorded without a change of the bill; `late`, refused for what the bill has become;
# `no`, refused for who asks. `issued` is a bill that is being sent with its number, `unheard` one
# that may have arrived, `failed` one that came back, and is approved again. Whoever has no line of
# their own for a verb is refused with `no` in every state; a later line goes before an earlier one.
# `needs` are the approvals that the customer requires, `*` where that is nothing to the verb. Bills
# were approved by everybody whose approval they need, where none is required by the CSM; they were
# rejected by the first of these.
MATRIX = """
verb           needs who                   held     pending  approved rejected sending  issued   unheard  failed   sent     void
generate       *     finance system        same     same     same     same     same     same     same     same     same     same
reissue        *     finance               late     late     late     late     late     late     late     late     late     void
hold           *     system                late     held     held     late     late     late     late     late     late     late
release        *     finance               pending  late     late     late     late     late     late     late     late     late
approve        none  csm csm2 sales sales2 late     approved late     late     late     late     late     late     late     late
approve        csm   csm                   late     approved late     late     late     late     late     late     late     late
approve        csm   csm2 sales sales2     late     no       late     late     late     late     late     late     late     late
approve        sales sales                 late     approved late     late     late     late     late     late     late     late
approve        sales csm csm2 sales2       late     no       late     late     late     late     late     late     late     late
approve        both  csm sales             late     pending  late     late     late     late     late     late     late     late
approve        both  csm2 sales2           late     no       late     late     late     late     late     late     late     late
auto_approve   *     system                late     same     late     late     late     late     late     late     late     late
reject         none  csm csm2 sales sales2 late     rejected late     late     late     late     late     late     late     late
reject         csm   csm                   late     rejected late     late     late     late     late     late     late     late
reject         csm   csm2 sales sales2     late     no       late     late     late     late     late     late     late     late
reject         sales sales                 late     rejected late     late     late     late     late     late     late     late
reject         sales csm csm2 sales2       late     no       late     late     late     late     late     late     late     late
reject         both  csm sales             late     rejected late     late     late     late     late     late     late     late
reject         both  csm2 sales2           late     no       late     late     late     late     late     late     late     late
undo           none  finance               late     late     pending  pending  approved late     late     late     late     approved
undo           none  csm                   late     late     pending  pending  no       late     late     late     late     no
undo           none  csm2 sales sales2     late     late     no       no       no       late     late     late     late     no
undo           csm   finance               late     late     pending  pending  approved late     late     late     late     approved
undo           csm   csm                   late     late     pending  pending  no       late     late     late     late     no
undo           csm   csm2 sales sales2     late     late     no       no       no       late     late     late     late     no
undo           sales finance               late     late     pending  pending  approved late     late     late     late     approved
undo           sales sales                 late     late     pending  pending  no       late     late     late     late     no
undo           sales csm csm2 sales2       late     late     no       no       no       late     late     late     late     no
undo           both  finance               late     late     pending  pending  approved late     late     late     late     approved
undo           both  csm                   late     late     pending  pending  no       late     late     late     late     no
undo           both  sales                 late     late     pending  no       no       late     late     late     late     no
undo           both  csm2 sales2           late     late     no       no       no       late     late     late     late     no
revise         *     finance               pending  pending  late     pending  late     late     late     late     late     late
invalidate     *     system                pending  pending  pending  same     pending  sending  sending  approved sent     same
send           *     finance               late     late     sending  late     late     late     sending  sending  late     late
issue          *     anybody               same     same     same     same     sending  same     same     same     same     same
deliver        *     finance               late     late     late     late     late     late     sent     late     late     late
deliver        *     system                same     same     same     same     same     sent     sent     same     same     same
send_failed    *     anybody               same     same     same     same     same     no       no       same     same     same
send_failed    *     system                same     same     same     same     same     approved approved same     same     same
bounce         *     anybody               same     same     same     same     same     no       no       no       no       same
bounce         *     system                same     same     same     same     same     kept     kept     kept     kept     same
void           *     finance system        void     void     void     void     void     late     late     void     void     late
reassign       *     finance               kept     kept     late     late     late     late     late     late     late     late
remind         *     system                late     same     late     late     late     late     late     late     late     late
escalate       *     system                late     same     late     late     late     late     late     late     late     late
comment        *     finance csm csm2      kept     kept     kept     kept     kept     kept     kept     kept     kept     kept
comment        *     sales sales2          kept     kept     kept     kept     kept     kept     kept     kept     kept     kept
comment_edit   *     finance csm csm2      kept     kept     kept     kept     kept     kept     kept     kept     kept     kept
comment_edit   *     sales sales2          kept     kept     kept     kept     kept     kept     kept     kept     kept     kept
comment_delete *     anybody               kept     kept     kept     kept     kept     kept     kept     kept     kept     kept
"""  # noqa: E501

NEEDS = {
    "*": (False, False),
    "none": (False, False),
    "csm": (True, False),
    "sales": (False, True),
    "both": (True, True),
}
DECIDERS = {
    "*": ("csm",),
    "none": ("csm",),
    "csm": ("csm",),
    "sales": ("sales",),
    "both": ("csm", "sales"),
}
STATES = (
    *("held", "pending", "approved", "rejected", "sending", "issued", "unheard", "failed"),
    *("sent", "void"),
)
MONTH_OF = {state: Period(2026, month) for month, state in enumerate(STATES, start=1)}
LATER = NOW + timedelta(hours=1)

Cast = dict[str, User]


class Cell(NamedTuple):
    verb: Verb
    needs: str
    who: str
    state: str


class Exhibit(NamedTuple):
    """A bill brought into its state, and the comment that each person once left on it (`*`)."""

    bill: Bill
    comment_of: dict[str, int]


Exhibits = dict[tuple[str, str], Exhibit]


def expected(cast: Cast) -> dict[Cell, str]:
    """The table written out: one outcome for each verb, requirement, person and state."""
    head, *lines = MATRIX.strip().splitlines()
    assert head.split() == ["verb", "needs", "who", *STATES]
    assert {line.split()[0] for line in lines} == {*Verb}
    allowed = {cell: outcome for line in lines for cell, outcome in _cells(line, cast)}
    listed = dict.fromkeys((cell.verb, cell.needs) for cell in allowed)
    cells = (Cell(*row, who, state) for row in listed for who, state in product(cast, STATES))
    return dict.fromkeys(cells, "no") | allowed


def _cells(line: str, cast: Cast) -> Iterator[tuple[Cell, str]]:
    verb, needs, *words = line.split()
    who, outcomes = words[: -len(STATES)], words[-len(STATES) :]
    for person in cast if who == ["anybody"] else who:
        for state, outcome in zip(STATES, outcomes, strict=True):
            yield Cell(Verb(verb), needs, person, state), outcome


async def cast_of(session: AsyncSession, people: People) -> Cast:
    """The people of the table: `csm` and `sales` are named for every customer."""
    gone = {
        name: await add_user(session, name, role)
        for name, role in (
            ("gone_finance", Role.FINANCE),
            ("gone_csm", Role.CSM),
            ("gone_sales", Role.SALES),
        )
    }
    for user in gone.values():
        user.active = False
    return gone | {
        "finance": people.ana,
        "csm": people.kim,
        "csm2": people.lee,
        "sales": people.sam,
        "sales2": await add_user(session, "Sue", Role.SALES),
        "manager": people.max,
        "no_role": await add_user(session, "Nia", None),
        "system": people.system,
    }


async def exhibits(session: AsyncSession, cast: Cast) -> Exhibits:
    """A bill in each state for each requirement, all of them made by Finance."""
    customers = {needs: await _customer(session, needs, cast) for needs in NEEDS}
    made = {}
    for state, period in MONTH_OF.items():
        for customer in customers.values():
            await record_usage(session, customer, period, 150_000)
        await generate(session, act(cast["finance"]), period)
        for needs, customer in customers.items():
            bill = await bill_of_month(session, customer.id, period)
            await bring_to(session, bill, state, [cast[who] for who in DECIDERS[needs]], cast)
            authors = cast if needs == "*" else ()
            comment_of = {who: await _left(session, bill, cast[who]) for who in authors}
            made[needs, state] = Exhibit(bill, comment_of)
    return made


async def _customer(session: AsyncSession, needs: str, cast: Cast) -> Customer:
    by_csm, by_sales = NEEDS[needs]
    return await add_customer(
        session,
        f"Needs {needs}",
        used=None,
        billing_email="bills@example.com",
        csm_id=cast["csm"].id,
        sales_id=cast["sales"].id,
        require_csm_approval=by_csm,
        require_sales_approval=by_sales,
    )


WAYS = {
    "approved": (),
    "sending": ("send",),
    "issued": ("send", "issue"),
    "unheard": ("send", "issue"),
    "failed": ("send", "issue", "send_failed"),
    "sent": ("send", "issue", "deliver"),
    "void": ("void",),
}
"""What is done to a bill, once it is approved, to bring it where it is shown."""


async def bring_to(
    session: AsyncSession, bill: Bill, state: str, deciders: list[User], cast: Cast
) -> None:
    if state == "held":
        await hold_bill(session, bill.id, act(cast["system"]), HoldReason.JUMP)
    elif state == "rejected":
        code = RejectReason.OTHER
        await reject_bill(session, bill.id, 1, act(deciders[0]), code, "Not so")
    elif state != "pending":
        for user in deciders:
            await approve_bill(session, bill.id, 1, act(user))
        for way in WAYS[state]:
            who = "finance" if way in ("send", "void") else "system"
            await DO[Verb(way)](session, bill, act(cast[who], LATER), 0)
    if state == "unheard":
        await note_trouble(session, bill.id, "Connection lost", unheard=1)
    await session.refresh(bill)


async def _left(session: AsyncSession, bill: Bill, author: User) -> int:
    """A comment from a time when this person was allowed to leave one."""
    left = {"id": bill.id, "author": author.id}
    return int((await session.scalars(_COMMENT, left)).one())


_COMMENT = sa.text("""
insert into bill_actions
    (bill_id, bill_version, stakeholder_id, action, comment, source, created_at, updated_at)
select id, version, :author, 'comment', 'Hm', 'slack', updated_at, updated_at
from bills where id = :id
returning id
""")


async def _generate(session: AsyncSession, bill: Bill, by: Context, _: int) -> None:
    await generate(session, by, bill.period, customer_id=bill.customer_id)


async def _reject(session: AsyncSession, bill: Bill, by: Context, _: int) -> None:
    await reject_bill(session, bill.id, bill.version, by, RejectReason.OTHER, "Not so")


async def _send(session: AsyncSession, bill: Bill, by: Context, _: int) -> None:
    await send_bill(session, bill.id, bill.version, replace(by, now=NOW))


async def _invalidate(session: AsyncSession, bill: Bill, by: Context, _: int) -> None:
    """Countersign's own answer to usage that changed, of months however long ago."""
    if not by.user.is_system:
        await load_for(session, bill.id, Verb.INVALIDATE, by)
    usage = {"customer_id": bill.customer_id, "year": bill.year, "month": bill.month}
    await session.execute(sa.update(Usage).filter_by(**usage).values(api_usage=140_000))
    await recalculate(session, replace(by, settings=BillingSettings(lookback_months=12)))


async def _deliver(session: AsyncSession, bill: Bill, by: Context, _: int) -> None:
    """The mail server's answer, or the word of a person."""
    if by.user.is_system:
        await mark_delivered(session, bill.id, by, "250 OK")
    else:
        await confirm_arrival(session, bill.id, bill.version, by, "Acme, by telephone")


async def _bounce(session: AsyncSession, bill: Bill, by: Context, _: int) -> None:
    document = await issued_document(session, bill.id)
    name = document.mail_id if document is not None else "nothing"
    failures = (Failure("pay@acme.example", "550 No"),)
    await record_mail(session, DeliveryReport((f"{name}@us",), failures), "returned", by)


async def _reassign(session: AsyncSession, bill: Bill, by: Context, _: int) -> None:
    """To another salesperson where only Sales is needed, else to another CSM."""
    slots = (await approvers_of(session, [bill.id]))[bill.id].slots
    name = "Sue" if [one.slot for one in slots] == ["sales"] else "Lee"
    other = (await session.scalars(sa.select(User).where(User.name.startswith(name)))).one()
    await reassign_bill(session, bill.id, bill.version, by, other.id)


Doing = Callable[[AsyncSession, Bill, Context, int], Awaitable[Any]]
DO: dict[Verb, Doing] = {
    Verb.GENERATE: _generate,
    Verb.REISSUE: lambda s, bill, by, _: reissue_bill(s, bill.id, bill.version, by, "Once more"),
    Verb.HOLD: lambda s, bill, by, _: hold_bill(s, bill.id, by, HoldReason.NO_PRICE),
    Verb.RELEASE: lambda s, bill, by, _: release_bill(s, bill.id, bill.version, by, "Seen"),
    Verb.APPROVE: lambda s, bill, by, _: approve_bill(s, bill.id, bill.version, by),
    Verb.AUTO_APPROVE: lambda s, bill, by, _: load_for(s, bill.id, Verb.AUTO_APPROVE, by),
    Verb.REJECT: _reject,
    Verb.COMMENT: lambda s, bill, by, _: add_comment(s, bill.id, by, "Hm"),
    Verb.COMMENT_EDIT: lambda s, _, by, own: edit_comment(s, own, by, "Hm, hm"),
    Verb.COMMENT_DELETE: lambda s, _, by, own: delete_comment(s, own, by),
    Verb.UNDO: lambda s, bill, by, _: undo_decision(s, bill.id, bill.version, by, "By mistake"),
    Verb.REVISE: lambda s, bill, by, _: revise_bill(s, bill.id, bill.version, by, "Agreed", 1000),
    Verb.INVALIDATE: _invalidate,
    Verb.SEND: _send,
    Verb.ISSUE: lambda s, bill, by, _: issue_bill(s, bill.id, by, drawn),
    Verb.DELIVER: _deliver,
    Verb.SEND_FAILED: lambda s, bill, by, _: mark_send_failed(s, bill.id, by, "550 No"),
    Verb.BOUNCE: _bounce,
    Verb.VOID: lambda s, bill, by, _: void_bill(s, bill.id, bill.version, by, "Wrong"),
    Verb.REASSIGN: _reassign,
    Verb.REMIND: lambda s, bill, by, _: load_for(s, bill.id, Verb.REMIND, by),
    Verb.ESCALATE: lambda s, bill, by, _: load_for(s, bill.id, Verb.ESCALATE, by),
}
"""How each verb is done to a bill; the last is the person's own comment on it."""


OFFERED = {Verb.RELEASE, Verb.REVISE, Verb.SEND, Verb.UNDO, Verb.VOID, Verb.REISSUE}
OTHERS = {"procrastinate_jobs": "", "usages": ""}
"""What is there to be done may be promised once more, and usage is changed by the test itself."""


async def do(session: AsyncSession, cell: Cell, user: User, exhibit: Exhibit) -> None:
    own = exhibit.comment_of.get(cell.who, 0)
    await DO[cell.verb](session, exhibit.bill, act(user, LATER), own)


@dataclass
class Tried:
    """The whole table, tried in a transaction that is still open: what came out otherwise, and the
    refusals, with what they are about.
    """

    session: AsyncSession
    cast: Cast
    shown: Exhibits
    wrong: list[str] = field(default_factory=list)
    refusals: list[tuple[Cell, Refusal]] = field(default_factory=list)


@pytest.fixture(scope="module")
async def tried(postgres: TestPostgres) -> AsyncIterator[Tried]:
    lent = postgres.lend()
    async with lent.db.transaction() as session:
        await add_people(session)
        cast = await cast_of(session, await find_people(session))
        shown = await exhibits(session, cast)
    async with lent.db.long_transaction() as session:
        done = Tried(session, cast, shown)
        await try_all(done)
        yield done
    await postgres.take_back(lent)


async def try_all(tried: Tried) -> None:
    before = await contents(tried.session)
    for (verb, needs), cells in groupby(expected(tried.cast).items(), lambda item: item[0][:2]):
        for cell, wanted in cells:
            got = await outcome(tried, cell, before)
            if got != wanted:
                tried.wrong.append(f"{' '.join(cell)}: {got} instead of {wanted}")
        if await contents(tried.session) != before:
            tried.wrong.append(f"a refusal of {verb} {needs} wrote something")


async def outcome(tried: Tried, cell: Cell, before: dict[str, str | None]) -> str:
    """What comes of a verb, by the words of the table, where `before` is what the record held.

    A refusal is committed, so that whatever it wrote would be seen.
    """
    exhibit = tried.shown[cell.needs, cell.state]
    async with apart(tried.session) as session:
        try:
            await do(session, cell, tried.cast[cell.who], exhibit)
        except (NotAllowed, WrongState) as refusal:
            await session.commit()
            tried.refusals.append((cell, refusal))
            return "no" if isinstance(refusal, NotAllowed) else "late"
        after = await contents(session)
        if after["bill_actions"] == before["bill_actions"]:
            assert after | OTHERS == before | OTHERS
            return "same"
        assert after["procrastinate_jobs"] != before["procrastinate_jobs"], "nobody will redraw it"
        await session.execute(sa.text("set constraints all immediate"))
        if after["bills"] == before["bills"] and cell.verb in REMARKS:
            return "kept"
        return (await prove(session, exhibit.bill.id)).status


async def test_every_verb_in_every_state_by_every_role_comes_to_what_the_table_says(
    tried: Tried,
) -> None:
    assert not tried.wrong, "\n".join(tried.wrong)


COMMAND = re.compile(r"/(\S*?)(?:bill|usage|customer)\b")


@pytest.fixture
def prefix() -> Iterator[None]:
    """The commands of a workspace where others have the short names."""
    use_prefix("acme-")
    yield
    use_prefix("")


@pytest.mark.usefixtures("prefix")
async def test_every_refused_verb_names_what_can_be_done_instead(tried: Tried) -> None:
    """Of every verb, in every state, by everybody; what Finance is offered, Finance can do."""
    offered, done = set[str](), set[tuple[str, str, str]]()
    for cell, refused in tried.refusals:
        told = in_slack(refused)
        assert {found[1] for found in COMMAND.finditer(told)} <= {"acme-"}, told
        assert "/" not in refusal_text(refused, Medium.COMMAND_LINE)
        for step in refused.next_steps:
            offered.add(step.verb)
            key = (cell.needs, cell.state, step.verb)
            if step.verb in OFFERED and key not in done:
                done.add(key)
                assert f"/acme-bill {step.verb} #{step.bill_id}`" in told
                await finance_can(tried, cell._replace(verb=Verb(step.verb), who="finance"))
    assert offered >= OFFERED


async def finance_can(tried: Tried, cell: Cell) -> None:
    async with apart(tried.session) as attempt:
        await do(attempt, cell, tried.cast["finance"], tried.shown[cell.needs, cell.state])


@asynccontextmanager
async def apart(session: AsyncSession) -> AsyncIterator[AsyncSession]:
    """A session inside this one's transaction, whose doings are rolled back unless committed."""
    connection = await session.connection()
    async with AsyncSession(connection, join_transaction_mode="create_savepoint") as attempt:
        yield attempt
