"""What the database itself refuses, whoever types the SQL."""

from contextlib import closing
from functools import partial
from itertools import product

import psycopg
import pytest
from psycopg import errors

from models.audit.bill_check import REWRITTEN, UNLINKED
from models.audit.verify import verify
from models.db.database import Database
from tests.harness.books import make_bills, work_on
from tests.harness.cast import People
from tests.harness.database import TestDatabase

CHANGE = "update bills set overage_amount = 7, version = version + 1 where id = {bill}"
RECORD = (
    "insert into bill_actions (bill_id, bill_version, stakeholder_id, action, source,"
    " created_at, updated_at) values ({bill}, %s, 1, 'comment', 'cli', now(), now())"
)
NEW_BILL = (
    "insert into bills (customer_id, year, month, api_usage, monthly_api_limit, overage_units,"
    " overage_amount, currency, status, version, created_at, updated_at)"
    " select customer_id, year, 9, api_usage, monthly_api_limit, overage_units, overage_amount,"
    " currency, status, %s, now(), now() from bills where id = {bill}"
)
VALUES = "({bill}, %s, 1, 'comment', 'cli', now(), now())"
BEGIN = RECORD.replace("comment", "generate")
RECORD_NEW, VALUES_NEW, BEGIN_NEW = (
    text.replace("{bill}", "(select max(id) from bills)") for text in (RECORD, VALUES, BEGIN)
)
AS_REPLICA = "set session_replication_role = replica"

CHANGED_RECORD = errors.RestrictViolation
WRONG_VERSION = errors.CheckViolation
NO_ACTION = errors.ForeignKeyViolation

BY_A_TRIGGER_OF_ONES_OWN = [
    "create temp table lever (bill bigint)",
    "create function pg_temp.pull() returns trigger language plpgsql as $$ begin"
    " update bill_chains set bill_version = bill_version + 1 where bill_id = new.bill;"
    " return new; end $$",
    "create trigger pull before insert on lever for each row execute function pg_temp.pull()",
    "insert into lever values ({bill})",
    "update bills set overage_amount = 1, version = version + 1 where id = {bill}",
]

ATTEMPTS = {
    "move a chain by a trigger of one's own": (
        BY_A_TRIGGER_OF_ONES_OWN,
        psycopg.errors.ForeignKeyViolation,
    ),
    "change an action": (["update bill_actions set comment = 'x'"], CHANGED_RECORD),
    "change no action at all": (
        ["update bill_actions set comment = 'x' where false"],
        CHANGED_RECORD,
    ),
    "delete an action": (["delete from bill_actions where bill_id = {bill}"], CHANGED_RECORD),
    "empty the record": (["truncate bill_actions cascade"], CHANGED_RECORD),
    "empty the bills and what hangs on them": (["truncate bills cascade"], CHANGED_RECORD),
    "change an action on conflict": (
        [
            "insert into bill_actions select * from bill_actions where bill_id = {bill}"
            " on conflict (id) do update set comment = 'x'"
        ],
        CHANGED_RECORD,
    ),
    "change an action by merge": (
        [
            "merge into bill_actions a using bills b on a.bill_id = b.id"
            " when matched then update set comment = 'x'"
        ],
        CHANGED_RECORD,
    ),
    "change an action as a replica": (
        [AS_REPLICA, "update bill_actions set comment = 'x'"],
        CHANGED_RECORD,
    ),
    "delete an action as a replica": ([AS_REPLICA, "delete from bill_actions"], CHANGED_RECORD),
    "empty the record as a replica": (
        [AS_REPLICA, "truncate bill_actions cascade"],
        CHANGED_RECORD,
    ),
    "delete a bill": (["delete from bills where id = {bill}"], CHANGED_RECORD),
    "delete a bill as a replica": (
        [AS_REPLICA, "delete from bills where id = {bill}"],
        CHANGED_RECORD,
    ),
    "change a chain": (["update bill_chains set actions = 9"], CHANGED_RECORD),
    "change a chain as a replica": (
        [AS_REPLICA, "update bill_chains set actions = 9"],
        CHANGED_RECORD,
    ),
    "add a chain": (["insert into bill_chains values (99, 1, 1, '')"], CHANGED_RECORD),
    "delete a chain": (["delete from bill_chains"], CHANGED_RECORD),
    "empty the chains": (["truncate bill_chains cascade"], CHANGED_RECORD),
    "change a bill without an action": ([CHANGE], NO_ACTION),
    "raise a version and nothing else": (
        ["update bills set version = version + 1 where id = {bill}"],
        NO_ACTION,
    ),
    "change a bill and check at once": ([CHANGE, "set constraints all immediate"], NO_ACTION),
    "change a bill and keep its version": (
        ["update bills set overage_amount = 7 where id = {bill}", RECORD % 1],
        WRONG_VERSION,
    ),
    "change a bill's version as a replica": (
        [AS_REPLICA, "update bills set overage_amount = 7 where id = {bill}"],
        WRONG_VERSION,
    ),
    "jump over a version": (
        ["update bills set version = version + 2 where id = {bill}", RECORD % 3],
        WRONG_VERSION,
    ),
    "go back a version": (
        ["update bills set version = version - 1 where id = {bill}"],
        WRONG_VERSION,
    ),
    "change a bill twice with one action": ([CHANGE, CHANGE, RECORD % 3], WRONG_VERSION),
    "change a bill again after its action": ([CHANGE, RECORD % 2, CHANGE], NO_ACTION),
    "act on the version before": ([CHANGE, RECORD % 1], NO_ACTION),
    "act on a version to come": ([RECORD % 2], NO_ACTION),
    "act on the version after the next": ([RECORD % 3], WRONG_VERSION),
    "roll the action back to a savepoint": (
        [CHANGE, "savepoint s", RECORD % 2, "rollback to s"],
        NO_ACTION,
    ),
    "make a bill without an action": ([NEW_BILL % 1], NO_ACTION),
    "make a bill at its second version": ([NEW_BILL % 2, RECORD_NEW % 2], WRONG_VERSION),
    "make a bill with somebody else's action": ([NEW_BILL % 1, RECORD % 1], NO_ACTION),
    "begin a record anew": ([BEGIN % 1], errors.UniqueViolation),
    "begin a record anew at its next version": ([CHANGE, BEGIN % 2], WRONG_VERSION),
    "begin a record anew as of another bill": (
        [(BEGIN % 1).replace("generate", "reissue")],
        errors.UniqueViolation,
    ),
    "begin a record at version 0": ([NEW_BILL % 1, RECORD_NEW % 0], WRONG_VERSION),
    "begin a record twice in one statement": (
        [NEW_BILL % 1, f"{BEGIN_NEW % 1}, {VALUES_NEW % 1}"],
        errors.UniqueViolation,
    ),
    "link two actions of a bill to the same one": (
        [f"{RECORD % 1}, {VALUES % 1}"],
        WRONG_VERSION,
    ),
    "hide a misfit among what fits": (
        [CHANGE, NEW_BILL % 1, f"{RECORD % 2}, {VALUES_NEW % 3}"],
        WRONG_VERSION,
    ),
    "make a second bill of a month": (
        [(NEW_BILL % 1).replace(" 9,", " 10,"), RECORD_NEW % 1],
        errors.UniqueViolation,
    ),
}


@pytest.fixture
async def bill(database: TestDatabase, people: People) -> int:
    return await database.seeded("test_promises", partial(_bill, database.db, people))


async def _bill(db: Database, people: People) -> int:
    [made] = await make_bills(db, people.ana)
    return made


def state(url: str) -> list[str]:
    """Every row that the promises are about, as text."""
    with psycopg.connect(url) as connection:
        return [
            row[0]
            for table in ("bills", "bill_actions", "bill_chains")
            for row in connection.execute(f"select t::text from {table} t order by 1")
        ]


async def honest(db: Database, people: People, bill: int) -> bool:
    """Whether work goes on as ever, and fits the record."""
    await work_on(db, people, bill)
    async with db.long_transaction() as session:
        return [discrepancy async for discrepancy in verify(session)] == []


@pytest.mark.parametrize("what", ATTEMPTS)
async def test_the_database_refuses_to(
    db: Database, database_url: str, people: People, bill: int, what: str
) -> None:
    statements, refusal = ATTEMPTS[what]
    before = state(database_url)
    with closing(psycopg.connect(database_url)) as connection, pytest.raises(refusal):
        for statement in statements:
            connection.execute(statement.format(bill=bill))
        connection.commit()
    assert state(database_url) == before
    assert await honest(db, people, bill)


HONEST = {
    "a change with its action": [CHANGE, RECORD % 2],
    "two changes, each with its action": [CHANGE, RECORD % 2, CHANGE, RECORD % 3],
    "a change after its action": [RECORD % 2, CHANGE],
    "a comment alone": [RECORD % 1, RECORD % 1],
    "a change inside a savepoint": ["savepoint s", CHANGE, RECORD % 2, "release s"],
    "a change in one savepoint, its action in another": [
        *("savepoint s", CHANGE, "release s", "savepoint t", RECORD % 2, "release t")
    ],
    "a change after another was rolled back": [
        *("savepoint s", CHANGE, RECORD % 2, "rollback to s", CHANGE, RECORD % 2)
    ],
    "a new bill with its action": [NEW_BILL % 1, RECORD_NEW % 1],
    "a new bill's first action and one of another bill": [
        *(CHANGE, NEW_BILL % 1, f"{RECORD % 2}, {VALUES_NEW % 1}")
    ],
    "actions of several bills": [*(NEW_BILL % 1, BEGIN_NEW % 1, f"{RECORD % 1}, {VALUES_NEW % 1}")],
    "an update that changes nothing": ["update bills set status = status where id = {bill}"],
}


@pytest.mark.parametrize("what", HONEST)
async def test_the_database_accepts(
    db: Database, database_url: str, people: People, bill: int, what: str
) -> None:
    with psycopg.connect(database_url) as connection:
        for statement in HONEST[what]:
            connection.execute(statement.format(bill=bill))
    async with db.long_transaction() as session:
        found = {discrepancy.what async for discrepancy in verify(session)}
    assert found.isdisjoint({REWRITTEN, UNLINKED})


async def test_a_hash_of_ones_own_is_not_taken(database_url: str, bill: int) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "insert into bill_actions (bill_id, bill_version, stakeholder_id, action, source,"
            " prev_hash, hash, created_at, updated_at)"
            " values (%s, 1, 1, 'comment', 'cli', 'mine', 'mine', now(), now())",
            [bill],
        )
        kept = connection.execute(
            "select a.hash = bill_action_hash(p.hash, a) and a.prev_hash = p.hash"
            " from bill_actions a join bill_actions p on p.id < a.id and p.bill_id = a.bill_id"
        ).fetchall()
    assert kept == [(True,)]


SAID = (
    "plain",
    "",
    None,
    'a "quote", a \\ and a /',
    "two\nlines\t\u0001\u007f",
    "Zoë \u2028 \U0001f600 </b>",
)
SNAPSHOTS = ("{}", '{"a": [1, {"b": null}], "c": "x \\" y", "d": 1.50, "e": "\\u00e9\\n"}')
AS_JSON = """
select sha256(convert_to(jsonb_build_array(
    encode(prev_hash, 'hex'), id, bill_id, bill_version, stakeholder_id, action, comment, source,
    acted_for_id, reverses_id, snapshot, (extract(epoch from created_at) * 1000000)::bigint,
    (extract(epoch from updated_at) * 1000000)::bigint)::text, 'UTF8')) = hash
from bill_actions
"""


async def test_a_hash_is_that_of_the_json_of_what_an_action_says(
    database_url: str, bill: int
) -> None:
    acted_for: list[int | None] = [None, 1]
    with psycopg.connect(database_url) as connection:
        for comment, snapshot, other in product(SAID, SNAPSHOTS, acted_for):
            connection.execute(
                "insert into bill_actions (bill_id, bill_version, stakeholder_id, action, source,"
                " comment, snapshot, acted_for_id, reverses_id)"
                " values (%s, 1, 1, 'comment', 'cli', %s, %s, %s, %s)",
                [bill, comment, snapshot, other, other],
            )
        hashes = connection.execute(AS_JSON).fetchall()
    assert hashes == [(True,)] * (1 + len(SAID) * len(SNAPSHOTS) * len(acted_for))


async def test_a_hash_does_not_depend_on_the_sessions_settings(
    database_url: str, bill: int
) -> None:
    query = "select hash = bill_action_hash(prev_hash, a) from bill_actions a"
    settings = {
        "timezone": "Asia/Kathmandu",
        "datestyle": "German",
        "extra_float_digits": "-10",
        "bytea_output": "escape",
        "lc_numeric": "C",
        "intervalstyle": "iso_8601",
    }
    with psycopg.connect(database_url) as connection:
        for name, value in settings.items():
            connection.execute("select set_config(%s, %s, false)", [name, value])
        assert connection.execute(query).fetchall() == [(True,)]
