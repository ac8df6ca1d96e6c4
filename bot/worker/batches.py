"""What takes many steps: months that are generated, and long lists of bills."""

import asyncio
import time
from abc import ABC, abstractmethod
from collections import Counter, defaultdict
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

import structlog

from bot.slack.client import SlackError
from bot.timings import Timings
from bot.worker.errors import GivenUp, Interrupted, PassedOver
from bot.worker.update_messages import MessageUpdater
from handlers.wording.approving_text import why_left_out
from handlers.wording.refusals import refusal_reason
from models.batches.bill_run import fail_run, run_step
from models.batches.bulk_approve import approve_step, end_approving
from models.batches.bulk_send import send_step
from models.batches.lists import ListStep, end_list, owner_of
from models.context import Context
from models.db.columns import Session
from models.db.database import Database
from models.errors import Refusal
from models.outbox.jobs import defer_redraw_message
from models.outbox.messages import MessageKind
from models.settings import BillingSettings

log = structlog.get_logger()


@dataclass(eq=False)
class LongWork(ABC):
    """Works something off step by step, each of them a transaction, and shows how far it is."""

    db: Database
    updater: MessageUpdater
    billing: BillingSettings
    now: Callable[[], datetime]
    timings: Timings
    stopping: asyncio.Event

    async def _work_off(self, work_id: int) -> None:
        """Do what is left; whoever is interrupted goes on there."""
        shown_at = time.monotonic()
        done: int | None = 0
        while done is not None:
            if self.stopping.is_set():
                raise Interrupted
            done = await self._step(work_id, done)
            if done is not None and time.monotonic() - shown_at >= self.timings.progress:
                await self._show(work_id)
                shown_at = time.monotonic()

    async def _show(self, work_id: int) -> None:
        """Progress is a courtesy: trouble with it does not stop the work."""
        if not await self.updater.may_show_progress():
            return
        try:
            await self._redraw(work_id)
        except SlackError as trouble:
            log.info("progress not shown", work=work_id, cause=trouble.code)

    @abstractmethod
    async def _step(self, work_id: int, done: int) -> int | None:
        """Do the next step from `done` on; returns how far that is, None after the last."""

    @abstractmethod
    async def _redraw(self, work_id: int) -> None:
        """Draw the message anew that shows how far it is."""


@dataclass(eq=False)
class BillRunWork(LongWork):
    """Generates months, each of which is a run. `failures`: how often each has failed so far."""

    failures: Counter[int] = field(default_factory=Counter)

    async def generate(self, run_id: int) -> None:
        """Do what is left of a run.

        After a refusal, or a few failures, the run is given up: that is written on it, and shown.
        To be interrupted is no failure.
        """
        try:
            await self._work_off(run_id)
        except Interrupted:
            raise
        except Exception as error:
            self.failures[run_id] += 1
            if isinstance(error, Refusal) or self.failures[run_id] >= self.timings.run_attempts:
                await self._fail(run_id, error)
                raise GivenUp from error
            raise
        self.failures.pop(run_id, None)

    async def _step(self, run_id: int, _done: int) -> int | None:
        async with self.db.long_transaction() as session:
            step = await run_step(session, run_id, self.billing, self.now())
        return None if step.ended else step.done

    async def _redraw(self, run_id: int) -> None:
        await self.updater.redraw_run(run_id)

    async def _fail(self, run_id: int, error: Exception) -> None:
        log.error("run given up", run=run_id, exc_info=error)
        cause = f"The cause: {type(error).__name__}."
        if isinstance(error, Refusal):
            cause = refusal_reason(error)
        async with self.db.transaction() as session:
            await fail_run(session, run_id, cause)


@dataclass(eq=False)
class ListWork(LongWork):
    """Works off lists of bills that were begun by a click. `busy`: those passed over, by list."""

    kind: ClassVar[MessageKind]
    busy: defaultdict[int, set[int]] = field(default_factory=lambda: defaultdict(set))

    async def dispatch(self, list_id: int, attempts: int) -> None:
        """Do what is left of a list.

        What somebody else is at is tried again a few times, and then named as not done.
        """
        self.busy.pop(list_id, None)
        await self._work_off(list_id)
        busy = self.busy.pop(list_id, ())
        if busy and attempts < self.timings.send_attempts:
            raise PassedOver
        async with self.db.transaction() as session:
            await self._end(session, list_id, busy)
            await defer_redraw_message(session, list_id)

    async def _step(self, list_id: int, after: int) -> int | None:
        async with self.db.transaction() as session:
            user, source = await owner_of(session, self.kind, list_id)
            context = Context(user, self.now(), source, self.billing)
            step = await self._do(session, list_id, context, after)
        self.busy[list_id].update(step.busy)
        return step.after

    async def _redraw(self, list_id: int) -> None:
        await self.updater.redraw_now(list_id)

    @abstractmethod
    async def _do(self, session: Session, list_id: int, context: Context, after: int) -> ListStep:
        """The next bills of the list, those with ids `after` that."""

    @abstractmethod
    async def _end(self, session: Session, list_id: int, busy: Collection[int]) -> None:
        """Nothing of the list is done any more."""


@dataclass(eq=False)
class BulkSendWork(ListWork):
    """Sends them."""

    kind = MessageKind.SENDING

    async def _do(self, session: Session, list_id: int, context: Context, after: int) -> ListStep:
        return await send_step(session, list_id, context, after)

    async def _end(self, session: Session, list_id: int, busy: Collection[int]) -> None:
        await end_list(session, list_id, busy)


@dataclass(eq=False)
class BulkApproveWork(ListWork):
    """Approves them."""

    kind = MessageKind.APPROVING

    async def _do(self, session: Session, list_id: int, context: Context, after: int) -> ListStep:
        return await approve_step(session, list_id, context, why_left_out, after)

    async def _end(self, session: Session, list_id: int, busy: Collection[int]) -> None:
        del busy
        await end_approving(session, list_id, why_left_out)
