"""What a source of usage answered is taken in, with what follows for bills; or nothing of it is."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.actions.keep_books import bills_of_few
from models.actions.recalculate import recalculate
from models.context import Context
from models.db.statistics import analyze
from models.errors import Refusal, WrongState
from models.imports.files import FEW
from models.imports.pulled import (
    Foretold,
    Pulled,
    customers_of,
    foretell,
    stage_pull,
    whole_of,
)
from models.imports.pulled_rows import PulledRows
from models.imports.rows import BadRows, Flaw
from models.imports.staging import Progress
from models.outbox.notifications import Recalculation
from models.people.permissions import Permission
from models.people.who_can import require
from models.period import Period
from models.usage.alerts import raise_alerts
from models.usage.pull_notices import notify_pull
from models.usage.pulls import Answer, Asking, PullEnd, PullOutcome, UsagePull, record_pull
from models.usage.sources import is_as_it_was
from models.usage.usage import Merged, UsageOrigin, merge_usage

KEPT_FLAWS = 20
Elapsed = Callable[[], timedelta]


class BadAnswer(BadRows):
    """The source's answer has faults, so nothing of it was taken in."""

    def __init__(self, bad: BadRows, customers: dict[int, str]) -> None:
        self.flaws = [
            PulledFlaw(**vars(one), customer=customers.get(one.line)) for one in bad.flaws
        ]
        self.total, self.alike = bad.total, bad.alike
        faults = "one fault" if self.total == 1 else f"{self.total:,} faults"
        super(BadRows, self).__init__(f"Nothing was taken in: the answer has {faults}.")

    @property
    def found(self) -> dict[str, list[dict[str, Any]]]:
        """What is kept of it: the first faults."""
        return {"refused": [vars(flaw) for flaw in self.flaws[:KEPT_FLAWS]]}


class SourceChanged(WrongState):
    """The source was changed or switched off while it was being asked."""


@dataclass(frozen=True, order=True)
class PulledFlaw(Flaw):
    """Why a row of an answer cannot be usage, and of which `customer` it is."""

    customer: str | None = None

    def __str__(self) -> str:
        if not self.line:
            return f"{self.column}: {self.reason}" if self.column else self.reason
        whose = f", “{self.customer}”" if self.customer else ""
        return f"row {self.line}{whose}, {self.column}: {self.reason}"


@dataclass(frozen=True)
class PullDone:
    """The pull as it is recorded, what its answer says, and what became of bills."""

    pull: UsagePull
    foretold: Foretold
    recalculated: Recalculation = field(default_factory=Recalculation)


@dataclass(frozen=True)
class Checked:
    """What a pull would change, as of the rows that can be usage; `bad`: the others, because of
    which it changes nothing. `held`: why it would wait for somebody's word.
    """

    answer: Answer
    foretold: Foretold
    bad: BadAnswer | None = None
    held: str | None = None


async def check_answer(
    session: AsyncSession,
    asking: Asking,
    rows: PulledRows,
    elapsed: Elapsed,
    progress: Progress | None = None,
) -> Checked:
    """What taking it in would change. Whoever calls rolls the transaction back."""
    await require(session, asking.context.user, Permission.KEEP_BOOKS)
    bad = None
    pulled = Pulled.of(rows, asking.period)
    try:
        await stage_pull(session, rows, asking.period, asking.context.today, progress)
    except BadRows as refused:
        bad = await named_faults(session, refused)
        if not all(flaw.line for flaw in bad.flaws):
            raise bad from None
    answer = await _answer(session, pulled, rows, elapsed)
    foretold = await foretell(session, pulled, asking.source.id)
    held = None if bad else _held_because(answer, foretold, asking.context)
    return Checked(answer, foretold, bad, held)


async def take_in(
    session: AsyncSession,
    asking: Asking,
    rows: PulledRows,
    elapsed: Elapsed,
    *,
    anyway: bool = False,
    progress: Progress | None = None,
) -> PullDone:
    """Take in all the rows of an answer, and record the pull; bills follow in this transaction.

    Whose figure is the source's, and of whom it has nothing now, has used nothing. An answer
    without a row, or one that would take more than the set share of customers to zero, changes
    nothing and is recorded as held, unless it is taken in `anyway`. Raises BadAnswer, and
    SourceChanged where it is no more what was asked: nothing was written.
    """
    await require(session, asking.context.user, Permission.KEEP_BOOKS)
    try:
        pulled = await stage_pull(session, rows, asking.period, asking.context.today, progress)
    except BadRows as refused:
        raise await named_faults(session, refused) from None
    if not await is_as_it_was(session, asking.source):
        raise SourceChanged
    answer = await _answer(session, pulled, rows, elapsed)
    foretold = await foretell(session, pulled, asking.source.id)
    why = None if anyway else _held_because(answer, foretold, asking.context)
    outcome = PullOutcome.UNCHANGED if foretold.changes_nothing else PullOutcome.APPLIED
    outcome = PullOutcome.HELD if why else outcome
    end = PullEnd(outcome, why, foretold.counts, foretold.found)
    pull = await _record(session, asking, answer, end)
    if outcome != PullOutcome.APPLIED:
        return PullDone(pull, foretold)
    merged = await _merge(session, pulled, pull, asking.context)
    return PullDone(pull, foretold, await _followed(session, pull, merged, asking.context))


async def _record(session: AsyncSession, asking: Asking, answer: Answer, end: PullEnd) -> UsagePull:
    """With whoever is to know of it."""
    pull = await record_pull(session, asking, answer, end)
    await notify_pull(session, pull, asking.context)
    return pull


async def named_faults(session: AsyncSession, refused: BadRows) -> BadAnswer:
    """The faults of an answer that is still staged, each with whose row it is."""
    rows = [flaw for flaw in refused.flaws if flaw.line]
    return BadAnswer(refused, await customers_of(session, rows) if rows else {})


async def _answer(
    session: AsyncSession, pulled: Pulled, rows: PulledRows, elapsed: Elapsed
) -> Answer:
    took = elapsed()
    whole = await whole_of(session, pulled)
    return Answer(rows.engine_version, took, whole.rows, whole.total, whole.checksum)


def _held_because(answer: Answer, foretold: Foretold, context: Context) -> str | None:
    if not answer.rows:
        return "The source has no rows of this month."
    if not (foretold.added or foretold.changed or foretold.unchanged):
        return "The source has rows of this month, but none of a customer that is known here."
    most = context.settings.max_share_to_zero
    if foretold.to_zero > most * foretold.recorded:
        return (
            f"{foretold.to_zero:,} of {foretold.recorded:,} customers with recorded calls would"
            f" have none; more than {most:.0%} is not taken in without a word."
        )
    return None


async def _merge(
    session: AsyncSession, pulled: Pulled, pull: UsagePull, context: Context
) -> Merged:
    origin = UsageOrigin(context.user.id, context.now, context.source, pull_id=pull.id)
    merged = await merge_usage(session, pulled.changed, origin, days=pulled.days)
    await analyze(session, merged.added + merged.changed, ("usages",))
    return merged


async def _followed(
    session: AsyncSession, pull: UsagePull, merged: Merged, context: Context
) -> Recalculation:
    written = merged.added + merged.changed
    few = None
    if written <= FEW:
        few = (await session.scalars(_WHOSE, {"pull_id": pull.id} | vars(pull.period))).all()
    bills = await bills_of_few(session, few)
    done = await recalculate(session, context, bills, reports=True, corrected_by=context.user)
    if few is not None and pull.period == Period.of(context.today):
        await raise_alerts(session, context, few)
    return done


_WHOSE = sa.text("""
select customer_id from usages
where year = :year and month = :month and pull_id = :pull_id order by 1""")


async def record_check(session: AsyncSession, asking: Asking, checked: Checked) -> UsagePull:
    """Record what pulling would have changed."""
    told, bad = checked.foretold, checked.bad
    counts = told.counts | ({"refused": bad.total} if bad else {})
    found = told.found | (bad.found if bad else {})
    end = PullEnd(PullOutcome.CHECKED, checked.held, counts, found)
    return await _record(session, asking, checked.answer, end)


async def record_failure(
    session: AsyncSession, asking: Asking, refused: Refusal, took: timedelta
) -> UsagePull:
    """Record a pull that changed nothing: the source could not be asked, or its answer is bad."""
    if isinstance(refused, BadAnswer):
        counts = {"refused": refused.total}
        end = PullEnd(PullOutcome.REFUSED, refused.sentence, counts, refused.found)
    else:
        end = PullEnd(PullOutcome.FAILED, refused.sentence)
    return await _record(session, asking, Answer(took=took), end)
