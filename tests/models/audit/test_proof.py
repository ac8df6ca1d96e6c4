"""The proof finds what was changed behind the record's back, and names it."""

from functools import partial

import psycopg
import pytest
import sqlalchemy as sa

from models.actions.approve import approve_bill
from models.actions.comment import add_comment
from models.actions.undo import undo_decision
from models.audit.bill_check import Discrepancy
from models.audit.verify import VerifyProgress, verify
from models.db.database import Database
from models.errors import Invalid, NotFound
from models.queries.scope import Scope, find_scope
from tests.harness.books import OCTOBER, act, make_bills, work_on
from tests.harness.cast import People
from tests.harness.database import TestDatabase
from tests.harness.tampering import actions_of, discrepancies, tamper


@pytest.fixture
async def bills(database: TestDatabase, people: People) -> list[int]:
    """Three bills; the second has four actions, the others one."""
    return await database.seeded("test_proof", partial(_bills, database.db, people))


async def _bills(db: Database, people: People) -> list[int]:
    made = await make_bills(db, people.ana, customers=3)
    await work_on(db, people, made[1])
    return made


async def test_an_honest_record_has_no_misfit(db: Database, bills: list[int]) -> None:
    assert await discrepancies(db) == []


async def test_approvals_that_do_not_move_a_bill_fit(db: Database, people: People) -> None:
    [bill] = await make_bills(db, people.ana)
    async with db.transaction() as session:
        await session.execute(
            sa.text(
                "update customers set require_csm_approval = true, require_sales_approval = true"
            )
        )
        first = await approve_bill(session, bill, 1, act(people.kim, 1))
        await add_comment(session, bill, act(people.ana, 2), "one of two")
        await undo_decision(session, bill, 1, act(people.kim, 3), "too early", first.id)
        await approve_bill(session, bill, 1, act(people.sam, 4))
        await approve_bill(session, bill, 1, act(people.kim, 5))
    assert await discrepancies(db) == []


async def test_progress_counts_actions(
    db: Database, bills: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models.audit.verify.BATCH_ACTIONS", 4)
    told: list[tuple[int, int]] = []

    def look(looked: VerifyProgress) -> None:
        told.append((looked.actions, looked.of_actions))

    async with db.reading() as session:
        assert [discrepancy async for discrepancy in verify(session, show=look)] == []
    assert told == [(4, 6), (6, 6), (6, 6)]


# What is done to the second bill, with its id as {bill} and its actions as {a[0]} to {a[3]}; and
# the action that is named, by its place, or None where no action is at fault but the bill.
REHASH = "update bill_actions a set hash = bill_action_hash(prev_hash, a) where id = {a[%d]}"
COPY = (
    "insert into bill_actions (bill_id, bill_version, stakeholder_id, action, comment, source,"
    " snapshot, prev_hash, hash, created_at, updated_at)"
    " select bill_id, bill_version, stakeholder_id, 'comment', 'forged', source, '{{}}', hash,"
    " hash, created_at, updated_at from bill_actions where id = {a[3]}"
)
TAMPERING = {
    "a comment is rewritten": (["update bill_actions set comment = 'x' where id = {a[1]}"], 1),
    "a comment is taken out": (["update bill_actions set comment = null where id = {a[2]}"], 2),
    "a time is moved by a microsecond": (
        ["update bill_actions set created_at = created_at + interval '1 us' where id = {a[0]}"],
        0,
    ),
    "somebody else is made the author": (
        ["update bill_actions set stakeholder_id = 1 where id = {a[3]}"],
        3,
    ),
    "a figure in a snapshot is changed": (
        [
            "update bill_actions set snapshot = jsonb_set(snapshot, '{{after,overage_amount}}',"
            " '\"1\"') where id = {a[0]}"
        ],
        0,
    ),
    "an action is moved to another bill": (
        ["update bill_actions set bill_id = {bill} + 1 where id = {a[3]}"],
        3,
    ),
    "a row is rewritten and its hash made anew": (
        ["update bill_actions set comment = 'x' where id = {a[1]}", REHASH % 1],
        2,
    ),
    "the last row is rewritten and its hash made anew": (
        ["update bill_actions set comment = 'x' where id = {a[3]}", REHASH % 3],
        3,
    ),
    "the first row is removed": (["delete from bill_actions where id = {a[0]}"], 1),
    "a row in the middle is removed": (["delete from bill_actions where id = {a[1]}"], 2),
    "two rows change places": (
        [
            "update bill_actions set id = -1 where id = {a[1]}",
            "update bill_actions set id = {a[1]} where id = {a[2]}",
            "update bill_actions set id = {a[2]} where id = -1",
        ],
        1,
    ),
    "the tail is cut": (["delete from bill_actions where id >= {a[2]} and bill_id = {bill}"], None),
    "the whole record is removed": (["delete from bill_actions where bill_id = {bill}"], None),
    "the chain's row is removed": (["delete from bill_chains where bill_id = {bill}"], None),
    "the bill's row is removed": (
        ["delete from approvals where bill_id = {bill}", "delete from bills where id = {bill}"],
        None,
    ),
    "the amount is changed": (["update bills set overage_amount = 1 where id = {bill}"], None),
    "the status is changed": (["update bills set status = 'pending' where id = {bill}"], None),
    "the version is changed": (["update bills set version = 9 where id = {bill}"], None),
    "an approval is invented": (
        ["update approvals set user_id = 1 where bill_id = {bill}"],
        None,
    ),
}


@pytest.mark.parametrize("what", TAMPERING)
async def test_tampering_is_found_and_named(
    db: Database, database_url: str, bills: list[int], what: str
) -> None:
    statements, place = TAMPERING[what]
    bill = bills[1]
    actions = actions_of(database_url, bill)
    tamper(database_url, *(sql.format(bill=bill, a=actions) for sql in statements))
    expected = ("bill", bill) if place is None else ("action", actions[place])
    assert expected in {
        ("bill", discrepancy.bill_id)
        if discrepancy.action_id is None
        else ("action", discrepancy.action_id)
        for discrepancy in await discrepancies(db)
    }


async def test_a_forged_row_at_the_end_is_named(
    db: Database, database_url: str, bills: list[int]
) -> None:
    actions = actions_of(database_url, bills[1])
    tamper(
        database_url,
        COPY.format(a=actions),
        "update bill_actions a set hash = bill_action_hash(prev_hash, a)"
        " where id = (select max(id) from bill_actions)",
    )
    [forged] = set(actions_of(database_url, bills[1])) - set(actions)
    assert [(m.action_id, m.what) for m in await discrepancies(db)] == [
        (forged, "it was added past the end of the record")
    ]


async def test_a_changed_amount_is_told_beside_what_was_recorded(
    db: Database, database_url: str, bills: list[int]
) -> None:
    tamper(database_url, f"update bills set overage_amount = 1 where id = {bills[0]}")
    assert [str(discrepancy) for discrepancy in await discrepancies(db)] == [
        f"bill {bills[0]}: overage_amount is 1, but its record says 100.00"
    ]


async def test_a_change_of_bill_with_the_triggers_asleep_is_found(
    db: Database, database_url: str, bills: list[int]
) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("set session_replication_role = replica")
        connection.execute(
            "update bills set status = 'approved', version = version + 1 where id = %s", [bills[0]]
        )
    assert {(m.bill_id, m.action_id) for m in await discrepancies(db)} == {(bills[0], None)}


async def test_batches_meet_without_a_seam(
    db: Database, people: People, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models.audit.verify.BATCH_BILLS", 2)
    made = await make_bills(db, people.ana, customers=7)
    assert await discrepancies(db) == []
    tamper(
        database_url,
        f"update bill_actions set comment = 'x' where bill_id in ({made[0]}, {made[6]})",
        f"delete from bills where id in ({made[2]}, {made[3]})",
    )
    assert [m.bill_id for m in await discrepancies(db)] == [made[0], made[2], made[3], made[6]]


# -- what cannot have happened ---------------------------------------------------------------

# What is done to the second bill and sealed anew from its second action on, as whoever owns the
# tables can; the place of the action that is named; and what is said of it.
IMPOSSIBLE = {
    "an approval of a bill that is rejected": (
        "update bill_actions set action = 'approve', snapshot = snapshot || '{{\"part\": \"any\"}}'"
        " where id = {a[2]}",
        2,
        "approve cannot happen to a bill that is rejected",
    ),
    "an undo of nothing": (
        "update bill_actions set reverses_id = null where id = {a[2]}",
        2,
        "the record tells no possible story from here on",
    ),
    "figures that come from nowhere": (
        "update bill_actions set snapshot = jsonb_set(snapshot, '{{before,overage_amount}}',"
        " '\"7\"') where id = {a[1]}",
        1,
        "it did not find the bill as the record before it leaves it",
    ),
    "a version without a change": (
        'update bill_actions set snapshot = \'{{"part": "any"}}\' where id = {a[3]}',
        3,
        "it says version 4, but what it does makes it 3",
    ),
    "a state that the verb does not lead to": (
        "update bill_actions set snapshot = jsonb_set(snapshot, '{{after,status}}', '\"sent\"')"
        " where id = {a[3]}",
        3,
        "it says sent, but what it does makes the bill approved",
    ),
    "a verb that is none": (
        "alter table bill_actions drop constraint bill_actions_action_check;"
        " update bill_actions set action = 'forget' where id = {a[1]}",
        1,
        "the record tells no possible story from here on",
    ),
}

SEAL = """
do $$ declare one bigint; begin
    for one in select id from bill_actions where bill_id = {bill} order by id loop
        update bill_actions a set prev_hash = (select hash from bill_actions p
            where p.bill_id = a.bill_id and p.id < a.id order by p.id desc limit 1) where id = one;
        update bill_actions a set hash = bill_action_hash(prev_hash, a) where id = one;
        update bill_chains set last_hash = (select hash from bill_actions where id = one)
            where bill_id = {bill};
    end loop;
end $$
"""


@pytest.mark.parametrize("what", IMPOSSIBLE)
async def test_the_action_is_named_at_which_a_record_breaks(
    db: Database, database_url: str, bills: list[int], what: str
) -> None:
    statement, place, said = IMPOSSIBLE[what]
    actions = actions_of(database_url, bills[1])
    tamper(database_url, statement.format(a=actions), SEAL.format(bill=bills[1]))
    assert await discrepancies(db) == [Discrepancy(bills[1], actions[place], said)]


# -- a month, a bill, and how much memory ----------------------------------------------------


async def test_a_bill_or_a_month_is_verified_alone(
    db: Database, database_url: str, bills: list[int]
) -> None:
    tamper(
        database_url,
        f"update bills set overage_amount = 1 where id in ({bills[0]}, {bills[2]})",
        f"update bills set month = 9 where id = {bills[2]}",
    )
    assert {m.bill_id for m in await discrepancies(db, Scope(OCTOBER))} == {bills[0]}
    assert {m.bill_id for m in await discrepancies(db, Scope(bill_id=bills[2]))} == {bills[2]}
    assert await discrepancies(db, Scope(bill_id=bills[1])) == []


async def test_a_bill_is_found_by_what_is_left_of_it(
    db: Database, database_url: str, bills: list[int]
) -> None:
    tamper(database_url, f"delete from bills where id = {bills[0]}")
    async with db.reading() as session:
        scope = await find_scope(session, f"#{bills[0]}")
    assert [m.what for m in await discrepancies(db, scope)] == ["it has been removed"]


@pytest.mark.parametrize(
    ("typed", "refusal"),
    [
        ("#9999", NotFound),
        ("999999999999999999", NotFound),
        ("9" * 30, Invalid),
        ("2026-13", Invalid),
        ("2026-10-01", Invalid),
        ("Customer 1", Invalid),
        ("Nobody 2026-10", NotFound),
        ("", Invalid),
        ("-1", Invalid),
    ],
)
async def test_what_means_no_bill_and_no_month_is_refused(
    db: Database, bills: list[int], typed: str, refusal: type[Exception]
) -> None:
    async with db.reading() as session:
        with pytest.raises(refusal):
            await find_scope(session, typed)


async def test_a_customer_and_month_mean_a_bill(db: Database, bills: list[int]) -> None:
    async with db.reading() as session:
        assert await find_scope(session, " customer 2 2026-10 ") == Scope(bill_id=bills[1])
        assert await find_scope(session, "2026-10") == Scope(OCTOBER)
