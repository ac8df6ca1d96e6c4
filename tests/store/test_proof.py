"""The proof finds what was changed behind the record's back, and names it."""

import psycopg
import pytest

from models.base import Database
from models.proof import Misfit, verify
from tests.conftest import People
from tests.store.books import make_bills, work_on


@pytest.fixture
async def bills(db: Database, people: People) -> list[int]:
    """Three bills; the second has four actions, the others one."""
    made = await make_bills(db, people.ana, customers=3)
    await work_on(db, people, made[1])
    return made


async def misfits(db: Database) -> list[Misfit]:
    async with db.long_transaction() as session:
        return [misfit async for misfit in verify(session)]


def tamper(url: str, *statements: str) -> None:
    """As the owner of the tables can, with the triggers switched off."""
    with psycopg.connect(url) as connection:
        connection.execute("set session_replication_role = replica")
        for table in ("bills", "bill_actions", "bill_chains"):
            connection.execute(f"alter table {table} disable trigger all")
        for statement in statements:
            connection.execute(statement)
        for table in ("bills", "bill_actions", "bill_chains"):
            connection.execute(f"alter table {table} enable trigger all")


def actions_of(url: str, bill_id: int) -> list[int]:
    with psycopg.connect(url) as connection:
        query = "select id from bill_actions where bill_id = %s order by id"
        return [row[0] for row in connection.execute(query, [bill_id])]


async def test_an_honest_record_has_no_misfit(db: Database, bills: list[int]) -> None:
    assert await misfits(db) == []


async def test_progress_counts_bills(db: Database, bills: list[int]) -> None:
    told: list[tuple[int, int]] = []
    async with db.long_transaction() as session:
        async for misfit in verify(session, lambda done, total: told.append((done, total))):
            raise AssertionError(misfit)
    assert told == [(3, 3)]


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


@pytest.mark.parametrize("deed", TAMPERING)
async def test_tampering_is_found_and_named(
    db: Database, database_url: str, bills: list[int], deed: str
) -> None:
    statements, place = TAMPERING[deed]
    bill = bills[1]
    actions = actions_of(database_url, bill)
    tamper(database_url, *(sql.format(bill=bill, a=actions) for sql in statements))
    expected = ("bill", bill) if place is None else ("action", actions[place])
    assert expected in {
        ("bill", misfit.bill_id) if misfit.action_id is None else ("action", misfit.action_id)
        for misfit in await misfits(db)
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
    assert [(m.action_id, m.what) for m in await misfits(db)] == [
        (forged, "it was added past the end of the record")
    ]


async def test_a_changed_amount_is_told_beside_what_was_recorded(
    db: Database, database_url: str, bills: list[int]
) -> None:
    tamper(database_url, f"update bills set overage_amount = 1 where id = {bills[0]}")
    assert [str(misfit) for misfit in await misfits(db)] == [
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
    assert {(m.bill_id, m.action_id) for m in await misfits(db)} == {(bills[0], None)}


async def test_batches_meet_without_a_seam(
    db: Database, people: People, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models.proof.BATCH_BILLS", 2)
    made = await make_bills(db, people.ana, customers=7)
    assert await misfits(db) == []
    tamper(
        database_url,
        f"update bill_actions set comment = 'x' where bill_id in ({made[0]}, {made[6]})",
        f"delete from bills where id in ({made[2]}, {made[3]})",
    )
    assert [m.bill_id for m in await misfits(db)] == [made[0], made[2], made[3], made[6]]
