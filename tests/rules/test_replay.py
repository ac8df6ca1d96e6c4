"""Whatever people do to a bill, in any order: its row is what its actions tell.

`COUNTERSIGN_LONG=1` tries far more, and longer, stories than fit into a test run.
"""

import itertools
import os
from collections.abc import Sequence
from datetime import date, timedelta
from random import Random
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncSession

from models import bills, comments, undoing, workflow
from models.base import Database
from models.bills import BillAction, HoldReason, RejectReason, Standing, State, Verb
from models.case import Act
from models.people import User
from models.refusals import Refusal
from tests.conftest import People
from tests.rules.scene import NOW, act, bill_for, contents, prove

LONG = os.environ.get("COUNTERSIGN_LONG") == "1"
PARTS, STORIES, STEPS = (50, 30, 50) if LONG else (1, 20, 14)
BOUNDS = settings(
    max_examples=STORIES, deadline=None, suppress_health_check=[*HealthCheck], print_blob=True
)

CAST = ("ana", "kim", "lee", "sam", "max", "system")
NUMBERS = itertools.count()


class Step(NamedTuple):
    """Somebody does something with a card that is `behind` by so many versions.

    `pick` chooses the decision that an undo names, or the comment that is changed; None: an undo
    that names none.
    """

    verb: Verb
    who: str
    behind: int = 0
    pick: int | None = None


class Terms(NamedTuple):
    """Which approvals the customer requires, who is named, and whether the bill starts held."""

    by_csm: bool
    by_sales: bool
    csm_named: bool
    sales_named: bool
    held: bool

    def able(self, part: str) -> set[str]:
        """Who of the cast can meet this requirement."""
        csm = {"kim"} if self.csm_named else {"kim", "lee"}
        return {"csm": csm, "sales": {"sam"}, "any": {"kim", "lee", "sam"}}[part]

    def met_by(self, given: set[str]) -> bool:
        required = {"csm": self.by_csm, "sales": self.by_sales}
        return given >= ({part for part, asked in required.items() if asked} or {"any"})


LIKELY = {
    state: [(Verb(verb), who) for verb, people in moves for who in people.split()]
    for state, moves in {
        State.PENDING: [
            ("approve", "kim sam kim sam kim sam lee"),
            ("reject", "kim sam"),
            ("undo", "kim sam ana"),
            ("comment", "kim"),
            ("comment_edit", "kim"),
            ("hold", "system"),
        ],
        State.APPROVED: [
            ("undo", "kim sam ana kim sam ana kim sam ana"),
            ("comment_delete", "kim"),
            ("hold", "system"),
        ],
        State.REJECTED: [("undo", "kim sam ana kim sam ana"), ("comment", "kim")],
        State.HELD: [("release", "ana ana"), ("undo", "ana"), ("comment_edit", "kim")],
    }.items()
}


def next_step(chance: Random, status: State) -> Step:
    """Mostly something that may well succeed, now and then anything by anybody on any card."""
    if chance.random() < 0.8:
        return Step(*chance.choice(LIKELY[status]), pick=chance.choice([None, None, 0, 1]))
    verbs = [verb for verb in Verb if verb is not Verb.GENERATE]
    behind = chance.choice([0, 0, 1, 2, -1])
    return Step(chance.choice(verbs), chance.choice(CAST), behind, chance.choice([None, 0, 3, 7]))


def draw_terms(chance: Random) -> Terms:
    return Terms(*(chance.random() < likely for likely in (0.7, 0.7, 0.7, 0.7, 0.2)))


# Hypothesis draws the seed alone. Lists of steps that it drew repeated themselves: of some 400
# steps 12 approvals and 16 undos succeeded, and of as many drawn at random 50 and 52.
@pytest.mark.parametrize("part", range(PARTS))
@given(st.integers(0, 2**62))
@BOUNDS
async def test_after_any_story_the_row_is_what_the_actions_tell(
    db: Database, people: People, part: int, seed: int
) -> None:
    chance = Random(seed)
    terms = draw_terms(chance)
    note(str(terms))
    cast: dict[str, User] = {name: getattr(people, name) for name in CAST}
    async with db.transaction() as session:
        bill = await bill_for(
            session,
            act(people.ana),
            f"Customer {next(NUMBERS)}",
            require_csm_approval=terms.by_csm,
            require_sales_approval=terms.by_sales,
            csm_id=people.kim.id if terms.csm_named else None,
            sales_id=people.sam.id if terms.sales_named else None,
            start_date=date(2026, 11, 1) if terms.held else None,
        )
    for _ in range(STEPS):
        async with db.transaction() as session:
            await take(session, bill.id, terms, chance, cast)


async def take(
    session: AsyncSession, bill_id: int, terms: Terms, chance: Random, cast: dict[str, User]
) -> None:
    """Take a step, and hold the record to its promises before and after."""
    before, row = await contents(session), await bills.get(session, bill_id)
    version, status = row.version, State(row.status)
    step = next_step(chance, status)
    note(f"{status} {version}: {step}")
    try:
        action = await do(session, bill_id, step, cast[step.who])
    except Refusal:
        action = None
    after, told = await contents(session), await prove(session, bill_id)
    if action is None:
        assert after == before, "what was refused, or was nothing new, wrote something"
        return
    assert action.bill_version == told.version
    moved = after["bills"] != before["bills"]
    assert told.version == version + moved
    assert step.behind == 0 or step.verb in FREE_OF_VERSIONS
    check_what_stands(told, terms, cast)
    if status == State.REJECTED and moved:
        await check_what_lifted_the_rejection(session, action)


FREE_OF_VERSIONS = {Verb.HOLD, Verb.COMMENT, Verb.COMMENT_EDIT, Verb.COMMENT_DELETE}


async def do(session: AsyncSession, bill_id: int, step: Step, user: User) -> BillAction | None:
    record = await bills.actions_of(session, bill_id)
    picked = picked_of(record, step)
    by = act(user, NOW + timedelta(minutes=len(record)))
    card = (session, bill_id, record[-1].bill_version - step.behind, by)
    match step.verb:
        case Verb.HOLD:
            done = workflow.hold(session, bill_id, by, HoldReason.JUMP)
        case Verb.RELEASE:
            done = workflow.release(*card, "Looked into")
        case Verb.APPROVE:
            done = workflow.approve(*card)
        case Verb.REJECT:
            done = workflow.reject(*card, RejectReason.OTHER, "Not so")
        case Verb.UNDO:
            done = undoing.undo(*card, "By mistake", picked)
        case Verb.COMMENT:
            done = comments.comment(session, bill_id, by, "Hm")
        case _:
            return await change_comment(session, step.verb, picked or 0, by)
    return await done


def picked_of(record: Sequence[BillAction], step: Step) -> int | None:
    """The action that a step is about, counted from the latest."""
    about_comments = step.verb.startswith("comment")
    fit = [a.id for a in record if (a.action == Verb.COMMENT) == about_comments]
    return fit[-1 - step.pick % len(fit)] if step.pick is not None and fit else None


async def change_comment(
    session: AsyncSession, verb: Verb, comment_id: int, by: Act
) -> BillAction | None:
    if verb is Verb.COMMENT_DELETE:
        return await comments.delete(session, comment_id, by)
    return await comments.edit(session, comment_id, by, "Hm, hm")


def check_what_stands(told: Standing, terms: Terms, cast: dict[str, User]) -> None:
    """Approved is what has every approval it needs, each from somebody who could give it."""
    names = {user.id: name for name, user in cast.items()}
    given = [approval.part for approval in told.approvals]
    assert len(given) == len(set(given)), "a requirement was met twice"
    for approval in told.approvals:
        assert names[approval.user_id] in terms.able(approval.part)
    if told.status in (State.PENDING, State.APPROVED):
        assert (told.status is State.APPROVED) == terms.met_by(set(given))
    if told.status is State.HELD:
        assert given == []


async def check_what_lifted_the_rejection(session: AsyncSession, action: BillAction) -> None:
    assert action.action == Verb.UNDO
    reversed_action = await session.get_one(BillAction, action.reverses_id)
    assert reversed_action.action in (Verb.REJECT, Verb.UNDO)
