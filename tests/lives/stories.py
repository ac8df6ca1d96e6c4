"""Stories as chance tells them: what company it is, and which steps are taken in which order.

Hypothesis draws one number for a whole story, and whether each step of it is taken. Left to draw
every choice by itself it repeats itself: of 400 steps so drawn 12 were approvals that counted, and
of as many drawn here 50. Steps that do not matter are dropped from a story that fails, one by one,
and what is left of it still means the same: choices are made among what fits at that moment.
"""

from datetime import date
from decimal import Decimal
from random import Random
from typing import Any, NamedTuple

from hypothesis import strategies as st

from models.settings import BillingSettings
from tests.lives import moves, moves_around, moves_books, moves_mail, moves_pulls
from tests.lives.moves import Move
from tests.lives.scene import CAST, CURRENCIES, Lot, Policy, rules_of

MINUTES = (1, 6, 60, 1440, 3 * 1440, 12 * 1440, 31 * 1440)

STEPS: dict[Move, int] = {
    moves.approve: 30,
    moves.reject: 2,
    moves.reassign: 4,
    moves.release: 10,
    moves.hold: 1,
    moves.undo: 10,
    moves.revise: 3,
    moves.adjust_units: 3,
    moves.send: 20,
    moves.issue: 20,
    moves.deliver: 15,
    moves.send_failed: 4,
    moves.mail_back: 3,
    moves.send_again: 3,
    moves_mail.not_taken_yet: 10,
    moves_mail.say_arrived: 5,
    moves_mail.mail_once_more: 5,
    moves_mail.deliver_to_some: 2,
    moves_mail.reach_a_copy: 1,
    moves_mail.stop_mail: 1,
    moves_mail.let_mail_go_on: 1,
    moves.void: 4,
    moves.void_sent: 4,
    moves.reissue: 3,
    moves.comment: 1,
    moves.edit_comment: 1,
    moves.delete_comment: 1,
    moves.generate: 3,
    moves.wait: 4,
    moves.sweep: 2,
    moves_around.record: 6,
    moves_around.change_terms: 3,
    moves_around.go_away: 3,
    moves_around.come_back: 1,
    moves_around.end_absences: 1,
    moves_around.remind: 2,
    moves_around.leave: 1,
    moves_around.give_role: 2,
    moves_around.change_role: 2,
    moves_around.assign: 1,
    moves_around.rewrite_contract: 1,
    moves_books.import_late: 4,
    moves_books.import_customer: 5,
    moves_books.rename: 2,
    moves_books.count_together: 1,
    moves_books.merge: 3,
    moves_books.look_up: 2,
    moves_pulls.pull: 5,
    moves_pulls.ask_by_link: 2,
}
"""How likely each step is next, were there something that it could be done to."""

CONTRACTS = (
    *((None, None), (None, None), (None, date(2027, 2, 15))),
    *((date(2026, 9, 16), None), (date(2026, 10, 10), date(2026, 10, 20))),
    (date(2026, 11, 20), date(2027, 2, 1)),
)
ZONES = ("UTC", "Pacific/Auckland", "America/Los_Angeles")


class Step(NamedTuple):
    move: Move
    lot: Lot

    def __repr__(self) -> str:
        return f"{self.move.__name__}{tuple(self.lot)}"


class Story(NamedTuple):
    """`used` is what customers used in turn in the months before the story begins."""

    policies: tuple[Policy, ...]
    settings: BillingSettings
    used: tuple[int, ...]
    steps: tuple[Step, ...]


@st.composite
def stories(draw: Any, length: int) -> Story:
    """Of at most so many steps, each of which shrinking may drop."""
    story = draw_story(Random(draw(st.integers(0, 2**62))), length)
    taken = [draw(_TAKEN) for _ in story.steps]
    kept = (step for step, number in zip(story.steps, taken, strict=True) if number)
    return story._replace(steps=tuple(kept))


_TAKEN = st.integers(0, 1023)
"""Zero, to which shrinking leads, drops the step."""


def draw_story(chance: Random, length: int) -> Story:
    policies = tuple(draw_policy(chance) for _ in range(chance.randint(1, len(CURRENCIES))))
    settings = rules_of(
        chance.choice((None, None, 2.0)), chance.choice((2, 2, 2, 0, 1)), chance.choice(ZONES)
    )
    used = tuple(draw_calls(chance) for _ in range(chance.randint(2, 6)))
    return Story(policies, settings, used, draw_steps(chance, length))


def draw_steps(chance: Random, length: int) -> tuple[Step, ...]:
    drawn = chance.choices(tuple(STEPS), weights=tuple(STEPS.values()), k=length)
    return tuple(Step(move, draw_lot(chance)) for move in drawn)


def draw_lot(chance: Random) -> Lot:
    return Lot(
        pick=chance.randrange(6),
        who=chance.choice(CAST) if chance.random() < 0.1 else None,
        stray=chance.random() < 0.1,
        behind=chance.choice((1, 2, -1)) if chance.random() < 0.1 else 0,
        calls=draw_calls(chance),
        wait=chance.choice(MINUTES),
        cut=chance.random() < 0.02,
    )


def draw_calls(chance: Random) -> int:
    """Mostly somewhat more than is included, now and then just at the limit, or enormous."""
    if chance.random() < 0.8:
        return chance.randrange(3000)
    return chance.choice((0, 1, 999, 1000, 1001, 1010, 2**53 + 1, 2**63 - 1))


def draw_policy(chance: Random) -> Policy:
    start, end = chance.choice(CONTRACTS)
    return Policy(
        csm=chance.choice(("kim", "kim", None)),
        sales=chance.choice(("sam", "sam", None)),
        needs_csm=chance.random() < 0.4,
        needs_sales=chance.random() < 0.4,
        auto_below=chance.choice((None, None, Decimal(50), Decimal(10**6))),
        second_above=chance.choice((None, None, Decimal(100))),
        limit=chance.choice((1000, 0, 999)),
        price=chance.choice([price for price in moves_around.PRICES if price]),
        proration=chance.choice(("full", "daily")),
        start=start,
        end=end,
    )
