"""Several people at once: two or three steps about the same bill, each on its own connection.

What each of them is told must be an answer or a refusal; afterwards every law holds. Timing is not
chosen, so what fails here does not fail every time: the steps are told with the failure.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from random import Random

import psycopg
from sqlalchemy.exc import DBAPIError

from tests.lives import moves
from tests.lives import moves_around as around
from tests.lives import moves_books as books
from tests.lives import moves_pulls as pulls
from tests.lives.laws import check_everything, check_nothing_is_forgotten
from tests.lives.ledger import Row
from tests.lives.moves import Idle, Move
from tests.lives.playing import attempt, begin, discrepancies, open_company, settle, take, telling
from tests.lives.scene import Scene
from tests.lives.stage import Stage
from tests.lives.stories import Step, Story, draw_lot, draw_story
from tests.lives.tally import Tally

PRELUDE = 25
"""So many steps are taken one after the other before the first clash, and between clashes a few."""
BETWEEN = 4
ANYWHERE = (
    *(around.record, around.change_terms, moves.sweep, moves.void),
    *(books.import_late, books.import_customer, books.rename, books.merge),
    pulls.pull,
)
LIKELY: dict[str, tuple[Move, ...]] = {
    "held": (moves.release, moves.revise, moves.undo),
    "pending": (
        *[moves.approve] * 3,
        moves.reject,
        moves.undo,
        moves.reassign,
        moves.adjust_units,
        around.assign,
    ),
    "approved": (moves.send, moves.send, moves.undo, moves.hold),
    "rejected": (moves.undo, moves.revise),
    "sending": (*[moves.issue] * 3, moves.undo, moves.deliver, moves.send_failed),
    "sent": (moves.void_sent, moves.void_sent, moves.send_again),
    "void": (moves.reissue, moves.reissue, moves.undo, moves.generate),
}


def play_clashes(stage: Stage, seed: int, rounds: int, tally: Tally) -> None:
    """A story whose steps come in bunches; raises where a law is broken or an error comes up."""
    chance = Random(seed)
    tally.stories += 1
    story = draw_story(chance, PRELUDE + rounds * BETWEEN)
    scene = open_company(stage, story)
    with telling(scene):
        begin(stage, scene, story, Tally())
        _go_on(stage, scene, story, 0, PRELUDE)
        for number in range(rounds):
            _go_on(stage, scene, story, PRELUDE + number * BETWEEN, BETWEEN)
            clash(stage, scene, tally, chance)
        assert stage.run(discrepancies(scene)) == []


def _go_on(stage: Stage, scene: Scene, story: Story, first: int, count: int) -> None:
    for step in story.steps[first : first + count]:
        take(stage, scene, Tally(), step.move, step.lot)


def _draw(scene: Scene, chance: Random) -> list[Step]:
    """What people may well do to the bills in focus, at the same moment."""
    likely = [move for bill in scene.seen for move in LIKELY[bill.status]]
    picked = chance.choices((*likely * 3, *ANYWHERE), k=chance.choice((2, 3)))
    return [Step(move, draw_lot(chance)._replace(stray=False)) for move in picked]


def clash(stage: Stage, scene: Scene, tally: Tally, chance: Random) -> None:
    before = scene.ledger
    if not before.bills:
        return
    scene.pass_time(chance.choice((1, 10)))
    live = [bill for bill in before.bills if bill.status != "void"]
    scene.focus = _family(scene, chance.choice(live * 5 + [*before.bills]))
    steps = _draw(scene, chance)
    answers = stage.run(_at_once(scene, steps))
    for step, answer in zip(steps, answers, strict=True):
        tally.count(step.move.__name__, answer)
    told = ", ".join(f"{step}: {answer}" for step, answer in zip(steps, answers, strict=True))
    scene.told.append(f"at once, about {sorted(scene.focus)}: {told}")
    scene.focus = frozenset()
    assert not [answer for answer in answers if answer.startswith("error")], told
    scene.pass_time(10)
    stage.run(settle(scene))
    scene.unsettled.clear()
    scene.ledger = stage.look()
    new = scene.ledger.bill_actions[len(before.bill_actions) :]
    scene.moments |= dict.fromkeys((action.id for action in new), None)
    check_nothing_is_forgotten(before, scene.ledger)
    check_everything(scene, scene.ledger)


def _family(scene: Scene, bill: Row) -> frozenset[int]:
    """A bill with what it corrects and what corrects it."""
    root = bill.adjusts_id or bill.id
    return frozenset({root, *(one.id for one in scene.ledger.corrections[root])})


async def _at_once(scene: Scene, steps: Sequence[Step]) -> list[str]:
    return await asyncio.gather(*(_alone(replace(scene), step) for step in steps))


async def _alone(scene: Scene, step: Step) -> str:
    """What came of it, in a word."""
    try:
        return (await attempt(scene, step.move, step.lot)).outcome
    except Idle:
        return "idle"
    except DBAPIError as error:
        if isinstance(error.orig, psycopg.errors.LockNotAvailable):
            return "lock timeout"
        return f"error: {error.orig!r}"
