"""The worker: does what was promised, as durable jobs, on as many machines as are wanted."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

import procrastinate
import structlog
from structlog.contextvars import bound_contextvars

from bot.mail.errors import MailError
from bot.mail.smtp import Mailer
from bot.slack.client import SlackClient, SlackError
from bot.slack.responder import SlackResponder
from bot.timings import Timings
from bot.worker.batches import BillRunWork, BulkApproveWork, BulkSendWork
from bot.worker.deliver_bills import BillDelivery
from bot.worker.interruption import log_interrupted
from bot.worker.lane import Lane
from bot.worker.publish_homes import HomePublisher
from bot.worker.pulls import UsagePulls
from bot.worker.retry import RetryPolicy
from bot.worker.scheduler import Scheduler
from bot.worker.send_messages import MessageSender
from bot.worker.send_webhooks import WebhookSender
from bot.worker.update_answers import AnswerUpdater
from bot.worker.update_messages import MessageUpdater
from models.actions.reroute import reroute_open_bills
from models.bills.documents import Draw
from models.bills.month_totals import fold_month_totals
from models.context import Source, system_context
from models.db.database import Database
from models.outbox.cards import redraw_cards_waiting_for
from models.outbox.homes import refresh_all_homes
from models.outbox.jobs import PullCall, Queue, Task
from models.outbox.messages import defer_all_posts
from models.outbox.recovery import (
    defer_due_issues,
    defer_lost_redraws,
    defer_lost_runs,
    has_lost_messages,
    try_recovery_lock,
)
from models.settings import BillingSettings
from models.webhooks.delivery import defer_due_webhooks
from models.webhooks.keeping import MOST_WEBHOOKS

log = structlog.get_logger()
AT_ONCE = {
    Queue.TEAM: 50,
    Queue.CUSTOMERS: 20,
    Queue.WEBHOOKS: MOST_WEBHOOKS,
    Queue.WAREHOUSES: 2,
}
CONNECTIONS = {Queue.TEAM: 5, Queue.CUSTOMERS: 2, Queue.WEBHOOKS: 2, Queue.WAREHOUSES: 2}
CLOSING_S = 1.0

_NEEDS_SOMEBODY: dict[type[Exception], str] = {
    SlackError: "Slack needs somebody to let this through",
    MailError: "the mail server needs somebody to let this through",
}


class Worker:
    """Works the promised jobs off until it is stopped, and picks up what others left behind."""

    def __init__(
        self,
        db: Database,
        slack: SlackClient,
        *,
        now: Callable[[], datetime],
        billing: BillingSettings,
        draw: Draw,
        timings: Timings | None = None,
        mailer: Mailer | None = None,
    ) -> None:
        """`draw` makes the documents. Without a `mailer` issued bills wait for one."""
        self._db = db
        self._now = now
        self._billing = billing
        self._timings = timings or Timings()
        self._stopping = asyncio.Event()
        self._messages = MessageSender(
            db, slack, self._timings, self._stopping, billing.approvals_channel
        )
        self._updater = MessageUpdater(db, slack, self._timings)
        self._answers = AnswerUpdater(db, SlackResponder(slack), now)
        self._homes = HomePublisher(db, SlackResponder(slack), now, billing.zone)
        self._bill_runs = BillRunWork(
            db, self._updater, billing, now, self._timings, self._stopping
        )
        self._bulk_sends = BulkSendWork(
            db, self._updater, billing, now, self._timings, self._stopping
        )
        self._bulk_approvals = BulkApproveWork(
            db, self._updater, billing, now, self._timings, self._stopping
        )
        self._delivery = BillDelivery(db, billing, now, self._timings, mailer, draw, self._stopping)
        self._webhooks = WebhookSender(db, billing, now, self._timings, self._stopping)
        self._pulls = UsagePulls(db, billing, now)
        self._lanes = [self._lane(queue) for queue in Queue]
        self._scheduler = Scheduler(db, billing, now, self._timings)
        self._healed_upto = self._sends_upto = 0
        self._loops: list[asyncio.Task[None]] = []
        self._register()

    def _lane(self, queue: Queue) -> Lane:
        at_once, connections = AT_ONCE[queue], CONNECTIONS[queue]
        return Lane(
            self._db.url, queue, self._timings, concurrency=at_once, connections=connections
        )

    def _register(self) -> None:
        self._task(Task.POST, self._post)
        self._task(Task.REDRAW_CARDS, lambda _, bill_id: self._updater.redraw_cards(bill_id))
        self._task(Task.REDRAW_CARD, lambda _, **card: self._updater.redraw_card(**card))
        self._task(
            Task.REDRAW_MESSAGE, lambda _, **message: self._updater.redraw_message(**message)
        )
        self._task(Task.REDRAW_ANSWER, lambda _, answer_id: self._answers.redraw(answer_id))
        self._task(Task.PUBLISH_HOME, lambda before, user_id: self._homes.publish(user_id, before))
        self._task(Task.REDRAW_RUN, lambda _, run_id: self._updater.redraw_run(run_id))
        self._task(Task.GENERATE, lambda _, run_id: self._bill_runs.generate(run_id))
        self._task(
            Task.BULK_SEND, lambda before, list_id: self._bulk_sends.dispatch(list_id, before)
        )
        self._task(
            Task.BULK_APPROVE,
            lambda before, list_id: self._bulk_approvals.dispatch(list_id, before),
        )
        self._task(Task.ISSUE, lambda _, bill_id: self._delivery.issue(bill_id))
        self._task(Task.REROUTE, self._reroute)
        self._task(Task.SEND_WEBHOOK, lambda _, webhook_id: self._webhooks.send(webhook_id))
        self._task(Task.DELIVER, lambda _, bill_id: self._delivery.deliver(bill_id))
        self._task(Task.PULL_USAGE, lambda _, **asked: self._pulls.ask(PullCall(**asked)))
        self._task(Task.SEND_COPIES, lambda _, bill_id: self._delivery.send_copies(bill_id))

    async def _reroute(self, _: int, source: str, user_ids: Sequence[int]) -> None:
        async with self._db.long_transaction() as session:
            context = await system_context(session, self._now(), Source(source), self._billing)
            await reroute_open_bills(session, context)
            await redraw_cards_waiting_for(session, user_ids)
            await refresh_all_homes(session)

    def _post(self, attempts: int, recipient: str) -> Awaitable[None]:
        return self._messages.post(recipient, tired=attempts >= self._timings.attempts)

    def _task(self, name: Task, work: Callable[..., Awaitable[None]]) -> None:
        """`work` is told how many attempts there were before."""

        async def do(context: procrastinate.JobContext, /, **arguments: Any) -> None:
            before = context.job.attempts
            try:
                with bound_contextvars(task=name, job=context.job.id):
                    await work(before, **arguments)
            except (SlackError, MailError) as trouble:
                told = {"task": name, "attempt": before + 1, "cause": trouble.code, **arguments}
                if isinstance(trouble, MailError) and trouble.retry_after_s is not None:
                    log.info("job waits", **told)
                elif trouble.needs_somebody and not before:
                    log.error(_NEEDS_SOMEBODY[type(trouble)], **told)
                else:
                    log.warning("job broke off", **told)
                raise

        # Jobs of earlier versions may stand in any queue.
        for lane in self._lanes:
            lane.jobs.task(name=name, pass_context=True, retry=RetryPolicy(self._timings))(do)

    @property
    def is_working(self) -> bool:
        """Whether it takes jobs right now."""
        return all(lane.worker_id is not None for lane in self._lanes)

    async def start(self) -> None:
        """Returns with the connections open, and begins to look for jobs and for what was left."""
        for lane in self._lanes:
            await lane.jobs.open_async()
        await self._delivery.start()
        self._loops = [
            *(asyncio.create_task(lane.work(), name="worker") for lane in self._lanes),
            asyncio.create_task(self._sweep(), name="worker's sweep"),
        ]
        self._scheduler.start()

    async def stop(self, deadline_s: float) -> None:
        """Take no more jobs, let those at work end, and put back those that do not in time."""
        self._stopping.set()
        for lane in self._lanes:
            lane.stop(deadline_s)
        ticking = asyncio.create_task(self._scheduler.stop(deadline_s), name="scheduler")
        if self._loops:
            _, late = await asyncio.wait(self._loops, timeout=deadline_s + CLOSING_S)
            for loop in late:
                log.warning("ended by force", loop=loop.get_name())
                loop.cancel()
        await ticking
        for lane in self._lanes:
            await lane.jobs.close_async()

    async def _sweep(self) -> None:
        while not self._stopping.is_set():
            try:
                await self._rescue()
                await self._send_for_neglected()
                await self._heal()
            except Exception as error:
                log_interrupted("sweep interrupted", error)
            await self._pause(self._timings.sweep)

    async def _pause(self, for_s: float) -> None:
        """Sleep, but not through the end: a cancellation may get lost in a broken connection."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), for_s)

    async def _rescue(self) -> None:
        """Put back the jobs of workers that died; one worker at a time, or a job that another
        has put back and begun would be put back once more.
        """
        manager = self._lanes[0].jobs.job_manager
        alive = {lane.worker_id for lane in self._lanes} - {None}
        async with self._db.transaction() as session:
            if not await try_recovery_lock(session):
                return
            stalled = await manager.get_stalled_jobs(seconds_since_heartbeat=self._timings.stalled)
            for job in stalled:
                if job.worker_id in alive:
                    continue  # it was not dead, it slept: so did the jobs, which go on now
                log.warning("job rescued", job=job.id, task=job.task_name, lock=job.lock)
                await manager.retry_job(job)

    async def _send_for_neglected(self) -> None:
        async with self._db.transaction() as session:
            if await has_lost_messages(session):
                recipients = await defer_all_posts(session)
                log.warning("messages without a job", recipients=recipients)

    async def _heal(self) -> None:
        """Promise anew what was promised and has no job any more; and put together what is kept
        in parts.
        """
        async with self._db.transaction() as session:
            if not await try_recovery_lock(session):
                return
            self._healed_upto, bills = await defer_lost_redraws(
                session, self._healed_upto, self._timings.heal
            )
            runs = await defer_lost_runs(session)
            self._sends_upto = await defer_due_issues(
                session, self._now(), self._sends_upto, self._timings.heal
            )
            await defer_due_webhooks(session, self._now())
            await fold_month_totals(session)
        if bills or runs:
            log.warning("promised anew", bills=bills, runs=runs)
