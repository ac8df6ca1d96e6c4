"""Every verb, in every state, by every role, whatever approvals the customer requires."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import product
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models import bills, comments, undoing, workflow
from models.base import Database
from models.bills import Bill, HoldReason, RejectReason, State, Verb
from models.people import Role, User, add_person
from models.period import Period
from models.refusals import NotAllowed, WrongState
from tests.conftest import People
from tests.rules.scene import (
    act,
    add_customer,
    contents,
    generate,
    move_by_hand,
    prove,
    record_usage,
)

# What comes of it: a state that the bill is in afterwards; `same`, allowed but nothing to do;
# `kept`, recorded without a change of the bill; `late`, refused for what the bill has become;
# `no`, refused for who asks. Whoever has no line of their own for a verb is refused with `no` in
# every state. `needs` are the approvals that the customer requires, `*` where that is nothing to
# the verb. Bills were approved by everybody whose approval they need, where none is required by
# the CSM; they were rejected by the first of these.
MATRIX = """
verb           needs who                       held    pending  approved rejected sending sent void
generate       *     finance system            same    same     same     same     same    same same
hold           *     system                    late    held     held     late     late    late late
release        *     finance                   pending late     late     late     late    late late
approve        none  csm csm2 sales sales2     late    approved late     late     late    late late
approve        csm   csm                       late    approved late     late     late    late late
approve        csm   csm2 sales sales2         late    no       late     late     late    late late
approve        sales sales                     late    approved late     late     late    late late
approve        sales csm csm2 sales2           late    no       late     late     late    late late
approve        both  csm sales                 late    pending  late     late     late    late late
approve        both  csm2 sales2               late    no       late     late     late    late late
reject         none  csm csm2 sales sales2     late    rejected late     late     late    late late
reject         csm   csm                       late    rejected late     late     late    late late
reject         csm   csm2 sales sales2         late    no       late     late     late    late late
reject         sales sales                     late    rejected late     late     late    late late
reject         sales csm csm2 sales2           late    no       late     late     late    late late
reject         both  csm sales                 late    rejected late     late     late    late late
reject         both  csm2 sales2               late    no       late     late     late    late late
undo           none  finance csm               late    late     pending  pending  late    late late
undo           none  csm2 sales sales2         late    late     no       no       late    late late
undo           csm   finance csm               late    late     pending  pending  late    late late
undo           csm   csm2 sales sales2         late    late     no       no       late    late late
undo           sales finance sales             late    late     pending  pending  late    late late
undo           sales csm csm2 sales2           late    late     no       no       late    late late
undo           both  finance csm               late    late     pending  pending  late    late late
undo           both  sales                     late    late     pending  no       late    late late
undo           both  csm2 sales2               late    late     no       no       late    late late
comment        *     finance csm csm2          kept    kept     kept     kept     kept    kept kept
comment        *     sales sales2              kept    kept     kept     kept     kept    kept kept
comment_edit   *     finance csm csm2          kept    kept     kept     kept     kept    kept kept
comment_edit   *     sales sales2              kept    kept     kept     kept     kept    kept kept
comment_delete *     finance csm csm2          kept    kept     kept     kept     kept    kept kept
comment_delete *     sales sales2              kept    kept     kept     kept     kept    kept kept
comment_delete *     manager no_role system     kept    kept     kept     kept     kept    kept kept
comment_delete *     gone_finance gone_csm gone_sales  kept kept kept kept     kept    kept kept
"""

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
MONTH_OF = {state: Period(2026, month) for month, state in enumerate(State, start=1)}

Cast = dict[str, User]


class Cell(NamedTuple):
    verb: Verb
    needs: str
    who: str
    state: State


class Exhibit(NamedTuple):
    """A bill brought into its state, and the comment that each person once left on it (`*`)."""

    bill: Bill
    comment_of: dict[str, int]


Exhibits = dict[tuple[str, State], Exhibit]


def expected(cast: Cast) -> dict[Cell, str]:
    """The table written out: one outcome for each verb, requirement, person and state."""
    head, *lines = MATRIX.strip().splitlines()
    assert head.split() == ["verb", "needs", "who", *State]
    allowed = {cell: outcome for line in lines for cell, outcome in _cells(line)}
    listed = dict.fromkeys((cell.verb, cell.needs) for cell in allowed)
    cells = (Cell(*row, who, state) for row in listed for who, state in product(cast, State))
    return dict.fromkeys(cells, "no") | allowed


def _cells(line: str) -> Iterator[tuple[Cell, str]]:
    verb, needs, *words = line.split()
    who, outcomes = words[: -len(State)], words[-len(State) :]
    for person in who:
        for state, outcome in zip(State, outcomes, strict=True):
            yield Cell(Verb(verb), needs, person, state), outcome


async def cast_of(session: AsyncSession, people: People) -> Cast:
    """The people of the table: `csm` and `sales` are named for every customer."""
    gone = {
        name: await add_person(session, name, role)
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
        "sales2": await add_person(session, "Sue", Role.SALES),
        "manager": people.max,
        "no_role": await add_person(session, "Nia", None),
        "system": people.system,
    }


async def exhibits(session: AsyncSession, cast: Cast) -> Exhibits:
    """A bill in each state for each requirement, all of them made by Finance."""
    made = {}
    for needs, (by_csm, by_sales) in NEEDS.items():
        customer = await add_customer(
            session,
            f"Needs {needs}",
            used=None,
            csm_id=cast["csm"].id,
            sales_id=cast["sales"].id,
            require_csm_approval=by_csm,
            require_sales_approval=by_sales,
        )
        for state, period in MONTH_OF.items():
            await record_usage(session, customer, period, 150_000)
            await generate(session, act(cast["finance"]), period, customer_id=customer.id)
            bill = await bills.of_month(session, customer.id, period)
            await bring_to(session, bill, state, [cast[who] for who in DECIDERS[needs]], cast)
            authors = cast if needs == "*" else ()
            comment_of = {who: await _left(session, bill, cast[who]) for who in authors}
            made[needs, state] = Exhibit(bill, comment_of)
    return made


async def bring_to(
    session: AsyncSession, bill: Bill, state: State, deciders: list[User], cast: Cast
) -> None:
    if state is State.HELD:
        await workflow.hold(session, bill.id, act(cast["system"]), HoldReason.JUMP)
    elif state is State.REJECTED:
        code = RejectReason.OTHER
        await workflow.reject(session, bill.id, 1, act(deciders[0]), code, "Not so")
    elif state is not State.PENDING:
        for user in deciders:
            await workflow.approve(session, bill.id, 1, act(user))
    if state in (State.SENDING, State.SENT, State.VOID):
        await move_by_hand(session, bill, state, cast["system"])


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


async def do(session: AsyncSession, cell: Cell, user: User, exhibit: Exhibit) -> None:
    by, bill = act(user), exhibit.bill
    own = exhibit.comment_of.get(cell.who, 0)
    match cell.verb:
        case Verb.GENERATE:
            await generate(session, by, bill.period, customer_id=bill.customer_id)
        case Verb.HOLD:
            await workflow.hold(session, bill.id, by, HoldReason.NO_PRICE)
        case Verb.RELEASE:
            await workflow.release(session, bill.id, bill.version, by, "Looked into")
        case Verb.APPROVE:
            await workflow.approve(session, bill.id, bill.version, by)
        case Verb.REJECT:
            code = RejectReason.OTHER
            await workflow.reject(session, bill.id, bill.version, by, code, "Not so")
        case Verb.UNDO:
            await undoing.undo(session, bill.id, bill.version, by, "By mistake")
        case Verb.COMMENT:
            await comments.comment(session, bill.id, by, "Hm")
        case Verb.COMMENT_EDIT:
            await comments.edit(session, own, by, "Hm, hm")
        case Verb.COMMENT_DELETE:
            await comments.delete(session, own, by)


async def outcome(
    session: AsyncSession, cell: Cell, user: User, exhibit: Exhibit, before: dict[str, str | None]
) -> str:
    """What comes of a verb, by the words of the table, where `before` is what the record held."""
    try:
        await do(session, cell, user, exhibit)
    except (NotAllowed, WrongState) as refusal:
        assert await contents(session) == before, "a refusal wrote something"
        return "no" if isinstance(refusal, NotAllowed) else "late"
    after = await contents(session)
    if after["bill_actions"] == before["bill_actions"]:
        assert after | {"procrastinate_jobs": ""} == before | {"procrastinate_jobs": ""}
        return "same"
    assert after["procrastinate_jobs"] != before["procrastinate_jobs"], "nobody will redraw it"
    await session.execute(sa.text("set constraints all immediate"))
    if after["bills"] == before["bills"] and cell.verb.startswith("comment"):
        return "kept"
    return (await prove(session, exhibit.bill.id)).status


async def test_every_verb_in_every_state_by_every_role_comes_to_what_the_table_says(
    db: Database, people: People
) -> None:
    async with db.transaction() as session:
        cast = await cast_of(session, people)
        shown = await exhibits(session, cast)
    wrong = []
    async with db.long_transaction() as session:
        before = await contents(session)
        for cell, wanted in expected(cast).items():
            async with apart(session) as attempt:
                exhibit = shown[cell.needs, cell.state]
                got = await outcome(attempt, cell, cast[cell.who], exhibit, before)
            if got != wanted:
                wrong.append(f"{' '.join(cell)}: {got} instead of {wanted}")
        assert await contents(session) == before
    assert not wrong, "\n".join(wrong)


@asynccontextmanager
async def apart(session: AsyncSession) -> AsyncIterator[AsyncSession]:
    """A session inside this one's transaction, all of whose doings are rolled back."""
    connection = await session.connection()
    async with AsyncSession(connection, join_transaction_mode="create_savepoint") as attempt:
        yield attempt
