"""Any story of verbs, people, usage, terms and time keeps every promise of a bill's life.

The long form is `make soak`.
"""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings

from tests.harness.database import TestPostgres
from tests.lives.playing import play
from tests.lives.rivals import play_clashes
from tests.lives.stage import Stage
from tests.lives.stories import Story, stories
from tests.lives.tally import Tally

pytestmark = pytest.mark.long

ALWAYS_DONE = ("generate", "approve", "send", "issue", "deliver", "undo", "void", "record")
ALWAYS_DONE += ("pull", "ask_by_link")


@pytest.fixture
def stage(postgres: TestPostgres) -> Iterator[Stage]:
    one = Stage(postgres)
    yield one
    one.close()


def test_any_story_keeps_every_promise(stage: Stage) -> None:
    """The same stories every time, so that it can be said what is in them."""
    tally = Tally()

    @settings(max_examples=6, derandomize=True, deadline=None, suppress_health_check=[*HealthCheck])
    @given(stories(length=100))
    def is_played(story: Story) -> None:
        play(stage, story, tally)

    is_played()
    assert all(tally.done(name) for name in ALWAYS_DONE), tally.table()


def test_whatever_is_done_at_once_keeps_every_promise(stage: Stage) -> None:
    play_clashes(stage, seed=1, rounds=5, tally=Tally())
