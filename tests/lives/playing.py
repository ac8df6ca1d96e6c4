"""A story played on the stage: each step is committed, and then held to every law."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from models.actions.recalculate import recalculate
from models.audit.verify import verify
from models.batches.bill_run import run_step, start_bill_run
from models.batches.bill_run_report import run_report
from models.errors import Refusal
from models.outbox.notifications import Recalculation
from tests.lives import moves, moves_around
from tests.lives.judge import Taken, judge
from tests.lives.laws import check_booked, check_dues, check_everything, check_flags
from tests.lives.ledger import Ledger, Row
from tests.lives.moves import Idle, Move, Turn
from tests.lives.scene import Lot, Scene, set_up
from tests.lives.stage import Stage
from tests.lives.stories import Story
from tests.lives.tally import Tally

SETTLING = (
    *("record", "change_terms", "sweep", "rewrite_contract"),
    *("import_customer", "count_together", "merge", "pull"),
)
TAXED = ("import_customer", "void_sent", "issue")
CUT = sa.text("select pg_terminate_backend(pg_backend_pid())")


@dataclass(frozen=True)
class Moment:
    """A bill as a decision found it."""

    bill: Row
    approvals: frozenset[Any]


def play(stage: Stage, story: Story, tally: Tally) -> None:
    """Play it to its end; raises where a law is broken, or anything but a refusal comes up."""
    tally.stories += 1
    scene = open_company(stage, story)
    with telling(scene):
        begin(stage, scene, story, tally)
        for step in story.steps:
            take(stage, scene, tally, step.move, step.lot)
        stage.run(generates_nothing_more(scene))
        check_flags(stage.look(), stage.look_for_jumps())
        check_dues(stage.look(), stage.look_for_dues())
        check_booked(stage.look(), stage.look_for_booked())
        assert stage.run(discrepancies(scene)) == []


@contextmanager
def telling(scene: Scene) -> Iterator[None]:
    """What breaks a story is told with the whole story."""
    try:
        yield
    except Exception as error:
        error.add_note("\n".join(scene.told))
        raise


def open_company(stage: Stage, story: Story) -> Scene:
    stage.clear()
    ids = stage.run(set_up(stage.db, story.policies))
    ledger = stage.look()
    return Scene(stage.db, story.settings, ids, tuple(ledger.customer), ledger)


def begin(stage: Stage, scene: Scene, story: Story, tally: Tally) -> None:
    """The first months' usage, and bills."""
    for number, calls in enumerate(story.used):
        take(stage, scene, tally, moves_around.record, Lot(number, "ana", True, calls=calls))
    for pick in range(2):
        take(stage, scene, tally, moves.generate, Lot(pick, "ana", calls=len(scene.customers)))


def take(stage: Stage, scene: Scene, tally: Tally, move: Move, lot: Lot) -> None:
    before = scene.ledger
    scene.pass_time(1)
    try:
        taken = stage.run(attempt(scene, move, lot))
    except Idle:
        tally.count(move.__name__, "idle")
        return
    after = scene.ledger = stage.look()
    tally.count(taken.name, taken.outcome)
    scene.told.append(told(scene, taken))
    remember(scene, before, after)
    judge(taken, scene, before, after)
    check_everything(scene, after)
    if taken.name in TAXED and taken.outcome == "done":
        check_dues(after, stage.look_for_dues())
    if taken.name in SETTLING and taken.outcome == "done" and not scene.unsettled:
        again = replace(scene, now=scene.now + timedelta(seconds=1))
        assert stage.run(settle(again)) == Recalculation(), "settled twice"
        assert scene.ledger.differences(stage.look()) == []


async def attempt(scene: Scene, move: Move, lot: Lot) -> Taken:
    """Take the step in a transaction that is committed even where the step is refused; but not
    where its connection is cut.
    """
    unsettled = set(scene.unsettled)
    try:
        async with scene.db.transaction() as session:
            turn = Turn(session, scene, lot)
            try:
                taken = Taken(move.__name__, turn, await move(turn))
            except Refusal as refusal:
                return Taken(move.__name__, turn, refusal=refusal)
            if lot.cut:
                await session.execute(CUT)
            return taken
    except OperationalError:
        if not lot.cut:
            raise
        scene.unsettled |= unsettled
        return replace(taken, cut=True)


async def settle(scene: Scene) -> Recalculation:
    async with scene.db.transaction() as session:
        return await recalculate(session, await scene.act(session, "system"))


async def generates_nothing_more(scene: Scene) -> None:
    """A month run twice adds nothing."""
    for period in (scene.month.plus(-1), scene.month.plus(-2)):
        added = [await _run(scene, period) for _ in range(2)]
        assert added[1] == 0


async def _run(scene: Scene, period: Any) -> int:
    async with scene.db.transaction() as session:
        act = await scene.act(session, "system")
        run_id = await start_bill_run(session, period, act, scene.settings.zone)
        await run_step(session, run_id, act.settings, act.now)
        return (await run_report(session, run_id)).added


async def discrepancies(scene: Scene) -> list[str]:
    async with scene.db.reading() as session:
        return [str(discrepancy) async for discrepancy in verify(session)]


def remember(scene: Scene, before: Ledger, after: Ledger) -> None:
    """How each new action found its bill, for whoever undoes it."""
    for action in after.bill_actions[len(before.bill_actions) :]:
        bill = before.bill.get(action.bill_id)
        if bill is not None:
            approvals = frozenset(before.approved_by[bill.id])
            scene.moments[action.id] = Moment(bill, approvals)
        elif action.bill_version > 1:
            scene.moments[action.id] = Moment(_as_made(after, action), frozenset())


def _as_made(after: Ledger, action: Row) -> Row:
    """A bill that was approved by rule in the step that made it: before that it was pending."""
    return after.bill[action.bill_id]._replace(status="pending", hold_reason=None, version=1)


def told(scene: Scene, taken: Taken) -> str:
    turn, bill = taken.turn, taken.turn.bill
    about = f" #{bill.id} ({bill.kind}, {bill.status}, v{bill.version})" if bill else ""
    lag = f" from v{bill.version - turn.lot.behind}" if bill and turn.lot.behind else ""
    why = f" ({taken.refusal})" if taken.refusal else ""
    result = f" {turn.told}" if turn.told else ""
    return (
        f"{scene.now:%m-%d %H:%M} {turn.who} {taken.name}{about}{lag}: "
        f"{taken.outcome}{why}{result}; calls {turn.lot.calls}"
    )
