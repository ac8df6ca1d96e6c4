"""What a refusal offers instead: in the workspace's own commands, and never refused in its turn."""

import re
import subprocess
import sys
from collections.abc import Iterator

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from handlers.wording.formatting import use_prefix
from handlers.wording.refusals import Medium, refusal_text
from models.bills.states import Verb
from models.db.database import Database
from models.errors import Refusal
from tests.harness.cast import People
from tests.harness.scene import in_slack
from tests.models.actions.test_matrix import (
    Cast,
    Cell,
    Exhibit,
    apart,
    cast_of,
    do,
    exhibits,
    expected,
)

COMMAND = re.compile(r"/(\S*?)(?:bill|usage|customer)\b")
OFFERED = {Verb.RELEASE, Verb.REVISE, Verb.SEND, Verb.UNDO, Verb.VOID, Verb.REISSUE}


@pytest.fixture
def prefix() -> Iterator[None]:
    """The commands of a workspace where others have the short names."""
    use_prefix("acme-")
    yield
    use_prefix("")


@pytest.mark.usefixtures("prefix")
async def test_every_refused_verb_names_what_can_be_done_instead(
    db: Database, people: People
) -> None:
    """Of every verb, in every state, by everybody; what Finance is offered, Finance can do."""
    async with db.transaction() as session:
        cast = await cast_of(session, people)
        shown = await exhibits(session, cast)
    offered, tried = set[str](), set[tuple[str, str, str]]()
    async with db.long_transaction() as session:
        for cell in (one for one, told in expected(cast).items() if told in ("no", "late")):
            exhibit = shown[cell.needs, cell.state]
            refused = await _refused(session, cell, cast, exhibit)
            told = in_slack(refused)
            assert {found[1] for found in COMMAND.finditer(told)} <= {"acme-"}, told
            assert "/" not in refusal_text(refused, Medium.COMMAND_LINE)
            for step in refused.next_steps:
                offered.add(step.verb)
                key = (cell.needs, cell.state, step.verb)
                if step.verb in OFFERED and key not in tried:
                    tried.add(key)
                    assert f"/acme-bill {step.verb} #{step.bill_id}`" in told
                    await _finance_can(session, Verb(step.verb), cell, cast, exhibit)
    assert offered >= OFFERED


async def _refused(session: AsyncSession, cell: Cell, cast: Cast, exhibit: Exhibit) -> Refusal:
    async with apart(session) as attempt:
        with pytest.raises(Refusal) as refused:
            await do(attempt, cell, cast[cell.who], exhibit)
    return refused.value


async def _finance_can(
    session: AsyncSession, verb: Verb, cell: Cell, cast: Cast, exhibit: Exhibit
) -> None:
    async with apart(session) as attempt:
        await do(attempt, cell._replace(verb=verb, who="finance"), cast["finance"], exhibit)


ADVISED = """
from models.actions.next_steps import CHECKS, check_of
print(*sorted(verb for verb in CHECKS if callable(check_of(verb))))
"""


def test_what_is_looked_at_before_a_verb_is_advised_is_there_whatever_was_imported() -> None:
    told = subprocess.run(
        [sys.executable, "-c", ADVISED], check=True, capture_output=True, text=True
    )
    assert {*map(Verb, told.stdout.split())} > OFFERED
