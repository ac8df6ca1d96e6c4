"""A company where everybody acts at once: nobody waits for somebody who waits for them."""

import asyncio
import time
from random import Random

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from models.db.database import Database
from models.errors import Refusal
from tests.harness.lock_order import watched_locks
from tests.harness.timings import BRIEF_S
from tests.models.actions.crowd import ACTS, Act, Crowd, found

EVERYBODY = 12
LONG_S = 6.0
ROUNDS = 3


@pytest.fixture
async def crowd(db: Database) -> Crowd:
    return await found(db)


async def test_everything_that_is_done_takes_its_locks_in_the_one_order(
    db: Database, crowd: Crowd
) -> None:
    luck = Random(8)
    with watched_locks() as faults:
        for act in list(dict.fromkeys(ACTS)) * ROUNDS:
            await _alone(db, crowd, luck, act)
    assert faults == []


A_BILL, ONE_BEFORE_IT = (f"select id from bills where id = {n} for no key update" for n in (2, 1))
LOCKED = "select id from locked_bill(1)"
LOADED, LOOKED_AT = (
    f"select (f.bill).id from bill_to_act_on(1, locking => {locking}) f"
    for locking in ("true", "false")
)
USERS = "select id from users for no key update"


@pytest.mark.parametrize(
    ("first", "then", "faults"),
    [
        (A_BILL, A_BILL, 0),
        (USERS, A_BILL, 0),
        (A_BILL, USERS, 1),
        (A_BILL, "lock table customers in share mode", 1),
        (A_BILL, ONE_BEFORE_IT, 1),
        (A_BILL, LOCKED, 1),
        (A_BILL, LOADED, 1),
        (A_BILL, LOOKED_AT, 0),
        ("update messages set state = state", A_BILL, 1),
    ],
)
async def test_whoever_locks_in_another_order_is_seen(
    db: Database, crowd: Crowd, first: str, then: str, faults: int
) -> None:
    with watched_locks() as seen:
        async with db.transaction() as session:
            await session.execute(sa.text(first))
            await session.execute(sa.text(then))
    assert len(seen) == faults


async def test_whoever_acts_at_once_never_waits_in_a_circle(db: Database, crowd: Crowd) -> None:
    many = Database(db.url, EVERYBODY, statement_s=BRIEF_S, lock_s=BRIEF_S)
    until = time.monotonic() + LONG_S
    try:
        told = await asyncio.gather(
            *(_go_on(many, crowd, Random(n), until) for n in range(EVERYBODY))
        )
    finally:
        await many.close()
    assert [error for errors in told for error in errors] == []


async def _go_on(db: Database, crowd: Crowd, luck: Random, until: float) -> list[str]:
    """Act until then; returns what went wrong."""
    errors = []
    while time.monotonic() < until:
        act = luck.choice(ACTS)
        try:
            await _alone(db, crowd, luck, act)
        except DBAPIError as error:
            errors.append(f"{act.__name__}: {error.orig!r}")
    return errors


async def _alone(db: Database, crowd: Crowd, luck: Random, act: Act) -> None:
    """In a transaction of its own; what is refused is no trouble."""
    try:
        async with db.transaction() as session:
            await act(crowd, session, luck)
    except Refusal:
        return
