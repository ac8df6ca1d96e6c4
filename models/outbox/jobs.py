"""Durable jobs, written in the transaction of the fact that they follow from."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa
from psycopg import AsyncConnection
from psycopg.types.json import Jsonb
from psycopg_pool import AsyncConnectionPool
from sqlalchemy.ext.asyncio import AsyncSession

from models.db.database import AtCommit, put_off
from models.db.liveness import check_alive
from models.db.rows import rows
from models.late import Late

if TYPE_CHECKING:
    import procrastinate
else:
    procrastinate = Late("procrastinate")

JOBS_AT_ONCE = 1000


def job_queue(url: str, most_connections: int) -> "procrastinate.App":
    """The jobs as the worker works on them.

    Each of its statements is a transaction by itself, so that nothing else is sent with it.
    """

    def pool(**options: Any) -> AsyncConnectionPool:
        return AsyncConnectionPool(**options | {"check": check_alive})

    async def configure(connection: AsyncConnection) -> None:
        await connection.set_autocommit(True)

    connector = procrastinate.PsycopgConnector(
        conninfo=url, min_size=1, max_size=most_connections, configure=configure, pool_factory=pool
    )
    return procrastinate.App(connector=connector)


class Queue(StrEnum):
    """Each is worked off by itself: what goes to customers never waits for what is drawn, and
    neither for whoever is told by webhooks, or for a warehouse that is counting.
    """

    TEAM = "countersign"
    CUSTOMERS = "customers"
    WEBHOOKS = "webhooks"
    WAREHOUSES = "warehouses"


class Task(StrEnum):
    """The worker's tasks, each deferred by the function of its name. Jobs are stored under its
    value, by which other releases know it too, so that stays.
    """

    POST = "post"
    REDRAW_CARDS = "redraw"
    REDRAW_CARD = "redraw_card"
    REDRAW_MESSAGE = "redraw_digest"
    REDRAW_ANSWER = "redraw_answer"
    GENERATE = "generate"
    REDRAW_RUN = "redraw_run"
    BULK_SEND = "send"
    BULK_APPROVE = "approve"
    PUBLISH_HOME = "publish_home"
    ISSUE = "issue"
    DELIVER = "deliver"
    SEND_COPIES = "send_copies"
    REROUTE = "reroute"
    SEND_WEBHOOK = "send_webhook"
    PULL_USAGE = "pull_usage"

    @property
    def queue(self) -> Queue:
        return _QUEUES.get(self, Queue.TEAM)

    @property
    def priority(self) -> int:
        return _PRIORITIES.get(self, 0)


_QUEUES = {
    Task.BULK_SEND: Queue.CUSTOMERS,
    Task.ISSUE: Queue.CUSTOMERS,
    Task.DELIVER: Queue.CUSTOMERS,
    Task.SEND_COPIES: Queue.CUSTOMERS,
    Task.SEND_WEBHOOK: Queue.WEBHOOKS,
    Task.PULL_USAGE: Queue.WAREHOUSES,
}


_PRIORITIES = {Task.DELIVER: 1, Task.BULK_SEND: 2}
"""What has its number goes out before the next bill takes one, so that others can still be called
back while they wait.
"""


async def defer(
    session: AsyncSession, task: Task, lock: str, call: dict[str, Any], delay_s: int = 0
) -> None:
    """Put a job into the caller's transaction; `lock` lets only one of its jobs run at a time."""
    await defer_each(session, task, {lock: call}, delay_s)


async def defer_each(
    session: AsyncSession, task: Task, calls: Mapping[str, dict[str, Any]], delay_s: int = 0
) -> None:
    """A job for each lock. All jobs of a transaction are written right before it commits, those
    that are the same only once.
    """
    jobs = [
        _Job(task, lock, json.dumps(call, sort_keys=True), delay_s) for lock, call in calls.items()
    ]
    await put_off(session, AtCommit.ADD_JOBS, _write, jobs)


class _Job(NamedTuple):
    """What makes two jobs the same."""

    task: Task
    lock: str
    args: str
    delay_s: int


async def _write(session: AsyncSession, jobs: Iterable[_Job]) -> None:
    told = [
        {
            "task": job.task,
            "queue": job.task.queue,
            "lock": job.lock,
            "priority": job.task.priority,
            "args": json.loads(job.args),
            "delay_s": job.delay_s or None,
        }
        for job in jobs
    ]
    for first in range(0, len(told), JOBS_AT_ONCE):
        await rows(session, _DEFER, (Jsonb(told[first : first + JOBS_AT_ONCE]),))


def deferring(*jobs: str) -> str:
    """The SQL that writes what the queries `jobs` find: task, queue, priority, lock, args and the
    delay_s of each, which is null where it is to be done at once.

    As the job library itself does it, but as a part of a statement whose plan is kept. Put off, a
    job has a lower priority, or what comes now would queue up behind it.
    """
    return f"""
select procrastinate_defer_jobs_v1(array(
    select row(queue, task, case when delay_s is null then priority else -1 end, lock, null, args,
               clock_timestamp() + make_interval(secs => delay_s)
           )::procrastinate_job_to_defer_v1
    from ({" union all ".join(jobs)}) job))
"""


_DEFER = deferring("""
select * from jsonb_to_recordset(%s)
    as job (task text, queue text, priority integer, lock text, args jsonb, delay_s integer)""")


def redraw_cards_jobs(bills: str, delay_s: int | None = None) -> str:
    """The jobs, as SQL, of a statement that changes bills: their cards are out of date. `bills`
    names a query with their `bill_id`.
    """
    return f"""
select {_columns(Task.REDRAW_CARDS)}, 'bill:' || bill_id as lock,
       jsonb_build_object('bill_id', bill_id) as args, {delay_s or "null"}::integer as delay_s
from {bills}"""


def post_jobs(messages: str) -> str:
    """The jobs, as SQL, of a statement that promises messages. `messages` names a query with their
    `recipient`, each once, and `delay_s`.
    """
    return f"""
select {_columns(Task.POST)}, 'recipient:' || recipient as lock,
       jsonb_build_object('recipient', recipient) as args, delay_s
from {messages}"""


def _columns(task: Task) -> str:
    return f"'{task}' as task, '{task.queue}' as queue, {task.priority} as priority"


async def defer_redraw_cards(session: AsyncSession, bill_id: int) -> None:
    """Every card of this bill is out of date."""
    await defer(session, Task.REDRAW_CARDS, f"bill:{bill_id}", {"bill_id": bill_id})


async def drop_answered_updates(session: AsyncSession, bill_ids: Sequence[int]) -> None:
    """Of the jobs to redraw these bills, all but those at work: whoever reads the bills after this
    sees everything that was promised to be drawn.
    """
    await rows(session, _DROP, (Task.REDRAW_CARDS, [f"bill:{bill_id}" for bill_id in bill_ids]))


async def drop_answered_calls(session: AsyncSession, webhook_id: int) -> None:
    """The same of the jobs to look what this webhook is promised."""
    await rows(session, _DROP, (Task.SEND_WEBHOOK, [f"webhook:{webhook_id}"]))


_DROP = """
delete from procrastinate_jobs where id in (
    select id from procrastinate_jobs
    where task_name = %s and lock = any(%s) and status = 'todo'
    order by id for update skip locked)
"""


async def defer_redraw_card(
    session: AsyncSession, bill_id: int, message_id: int, since_s: float, delay_s: int
) -> None:
    """One copy of a card could not be redrawn `since_s` (epoch): it is tried again by itself."""
    call = {"bill_id": bill_id, "message_id": message_id, "since_s": since_s}
    await defer(session, Task.REDRAW_CARD, f"card:{message_id}", call, delay_s)


async def defer_redraw_message(
    session: AsyncSession, message_id: int, delay_s: int = 0, *, has_place: bool = False
) -> None:
    """A digest, the progress of a list, or what stands there without its buttons, is out of date.

    Redrawn one at a time, the last drawing is the true one. `has_place`: it waits for none by then.
    """
    call: dict[str, Any] = {"message_id": message_id}
    if has_place:
        call["has_place"] = True
    await defer(session, Task.REDRAW_MESSAGE, f"card:{message_id}", call, delay_s)


async def defer_redraw_answer(session: AsyncSession, answer_id: int) -> None:
    """What one person was answered is out of date."""
    await defer(session, Task.REDRAW_ANSWER, f"answer:{answer_id}", {"answer_id": answer_id})


async def defer_generate(session: AsyncSession, run_id: int) -> None:
    """A run is to be gone on with."""
    await defer(session, Task.GENERATE, f"run:{run_id}", {"run_id": run_id})


async def defer_redraw_run(session: AsyncSession, run_id: int, delay_s: int = 0) -> None:
    """A run's message is out of date."""
    call = {"run_id": run_id}
    await defer(session, Task.REDRAW_RUN, f"run-card:{run_id}", call, delay_s)


async def defer_reroute(session: AsyncSession, source: str, user_ids: Sequence[int]) -> None:
    """Open bills may wait for others by now; what changed, changed from `source`."""
    call = {"source": source, "user_ids": list(user_ids)}
    await defer(session, Task.REROUTE, "reroute", call)


async def defer_bulk_send(session: AsyncSession, list_id: int) -> None:
    """A list of bills is to be gone on with."""
    await defer(session, Task.BULK_SEND, f"list:{list_id}", {"list_id": list_id})


async def defer_bulk_approve(session: AsyncSession, list_id: int) -> None:
    """The same of a list of bills that is approved."""
    await defer(session, Task.BULK_APPROVE, f"list:{list_id}", {"list_id": list_id})


async def defer_issue(session: AsyncSession, bill_id: int, now: datetime, due: datetime) -> None:
    """A bill being sent is to be issued when its delay is over."""
    delay_s = math.ceil(max(0.0, (due - now).total_seconds()))
    await defer(session, Task.ISSUE, f"send:{bill_id}", {"bill_id": bill_id}, delay_s)


async def defer_send_webhook(session: AsyncSession, webhook_id: int) -> None:
    """A webhook is to be sent what it is promised; actions see to that by themselves."""
    call = {"webhook_id": webhook_id}
    await defer(session, Task.SEND_WEBHOOK, f"webhook:{webhook_id}", call)


@dataclass(frozen=True)
class PullCall:
    """A source of usage is to be asked for a month; by whom, and in which medium that was said."""

    source_id: int
    month: str
    user_id: int
    asked_in: str
    anyway: bool = False
    is_check: bool = False


async def defer_pull(session: AsyncSession, call: PullCall) -> None:
    await defer(session, Task.PULL_USAGE, f"source:{call.source_id}", vars(call))


async def defer_deliver(session: AsyncSession, bill_id: int) -> None:
    """An issued bill is to be mailed."""
    await defer(session, Task.DELIVER, f"send:{bill_id}", {"bill_id": bill_id})


async def defer_send_copies(session: AsyncSession, bill_id: int, delay_s: int) -> None:
    """Those whom a bill's letter did not reach are to be tried again."""
    call = {"bill_id": bill_id}
    await defer(session, Task.SEND_COPIES, f"send:{bill_id}", call, delay_s)


async def hasten(session: AsyncSession, tasks: Iterable[Task], bill_id: int | None = None) -> None:
    """Jobs of these kinds that have failed and wait to be tried again are due now: all of them, or
    those of one bill on its way out.
    """
    lock = None if bill_id is None else f"send:{bill_id}"
    await session.execute(_HASTEN, {"tasks": list(tasks), "lock": lock})


_HASTEN = sa.text("""
with late as (
    select id from procrastinate_jobs
    where task_name = any(:tasks) and status = 'todo' and attempts > 0 and scheduled_at > now()
      and lock = coalesce(cast(:lock as text), lock)
    order by id for no key update skip locked)
update procrastinate_jobs j set scheduled_at = now() from late where j.id = late.id
""")


async def defer_post(session: AsyncSession, recipient: str, delay_s: int = 0) -> None:
    """Send for the worker to one recipient, with all its patience."""
    await defer_posts(session, [recipient], delay_s)


async def defer_posts(session: AsyncSession, recipients: Iterable[str], delay_s: int = 0) -> None:
    """The same to many recipients, each of them once."""
    calls = {
        f"recipient:{recipient}": {"recipient": recipient} for recipient in sorted(set(recipients))
    }
    await defer_each(session, Task.POST, calls, delay_s)
