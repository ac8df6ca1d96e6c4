"""The worker's jobs as the library keeps them, but for four things that it leaves out.

A job that waits for another's lock is begun as soon as that has ended. What came of a job is
written down also where the database was away meanwhile. And only by the worker that the job still
belongs to: one that was taken for dead has no say in what another does. And a crowd of jobs is
fetched in one statement, and what came of it is written down in one.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import structlog
from procrastinate.connector import BaseConnector
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job, Notification, Status
from procrastinate.manager import JobManager, NotificationCallback

from bot.worker.batcher import Batcher

log = structlog.get_logger()

AGAIN_S = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0)
"""After these it is left to whoever takes the worker for dead: its heart has stopped by then."""

# By the library's own function, once for each job, until there is none left to be begun.
_FETCH = """
with recursive fetched as (
    select 1 as place, job.* from procrastinate_fetch_job_v2(
        %(queues)s::varchar[], %(worker_id)s::bigint) job
    union all
    select before.place + 1, job.*
    from fetched before
    cross join lateral procrastinate_fetch_job_v2(
        %(queues)s::varchar[], %(worker_id)s::bigint + 0 * before.place) job
    where before.id is not null and before.place < %(most)s)
select * from fetched where id is not null order by place
"""

_OURS = """
(select from procrastinate_jobs
 where id = told.id and status = 'doing' and worker_id is not distinct from told.worker_id
 for update) ours
"""
_FINISH = f"""
select procrastinate_finish_job_v1(told.id, told.status::procrastinate_job_status, told.delete)
from unnest(%(ids)s::bigint[], %(worker_ids)s::bigint[], %(statuses)s::text[], %(deletes)s::bool[])
    told (id, worker_id, status, delete)
cross join lateral {_OURS}
"""
_RETRY = f"""
update procrastinate_jobs j
set status = 'todo', attempts = j.attempts + %(failed)s::int, scheduled_at = %(retry_at)s,
    priority = coalesce(%(priority)s, j.priority)
from (values (%(job_id)s::bigint, %(worker_id)s::bigint)) told (id, worker_id)
cross join lateral {_OURS}
where j.id = told.id
"""


class _Ended(NamedTuple):
    """What became of a job, which is its worker's to tell."""

    job_id: int | None
    worker_id: int | None
    status: str
    delete: bool


class PatientJobManager(JobManager):
    """Waits for a database that is away, and tells its worker of every job that ends.

    The library tells of new jobs alone; what waits for a lock would wait for a poll.
    """

    def __init__(self, connector: BaseConnector, at_once: int = 1) -> None:
        """`at_once`: how many jobs its worker works on, which are fetched together."""
        super().__init__(connector)
        self._at_once = at_once
        self._fetched = deque[Job]()
        self._at_work = set[int | None]()
        self._finishing = Batcher(self._finish)
        self._tell: NotificationCallback | None = None
        self._news = 0
        self._seen_all: int | None = None

    async def listen_for_jobs(
        self, *, on_notification: NotificationCallback, queues: Iterable[str] | None = None
    ) -> None:
        async def noted(*, channel: str, notification: Notification) -> None:
            self._news += 1
            await on_notification(channel=channel, notification=notification)

        self._tell = noted
        await super().listen_for_jobs(on_notification=noted, queues=queues)

    async def fetch_job(self, queues: Iterable[str] | None, worker_id: int) -> Job | None:
        """The worker asks until there is none left: it is believed without another look where the
        one before found fewer than there was room for, and nothing was told since.
        """
        if not self._fetched:
            seen, self._seen_all = self._seen_all, None
            if seen != self._news:
                await self._look(queues, worker_id)
        return self._fetched.popleft() if self._fetched else None

    async def _look(self, queues: Iterable[str] | None, worker_id: int) -> None:
        """Again where something was told meanwhile: the worker forgets what it is told then."""
        while not self._fetched:
            news = self._news
            room = max(1, self._at_once - len(self._at_work))
            await self._fetch(queues, worker_id, room)
            if 0 < len(self._fetched) < room:
                self._seen_all = news
            if not self._fetched and news == self._news:
                return

    async def _fetch(self, queues: Iterable[str] | None, worker_id: int, room: int) -> None:
        """As many as can be begun at once, so that none waits here that another could work on."""
        found = await self.connector.execute_query_all_async(
            _FETCH, queues=queues, worker_id=worker_id, most=room
        )
        jobs = [Job.from_row(row) for row in found]
        self._fetched += jobs
        self._at_work.update(job.id for job in jobs)

    async def unregister_worker(self, worker_id: int) -> None:
        """What was fetched and not begun any more is there for others."""
        while self._fetched:
            await self.retry_job(self._fetched.popleft())
        await super().unregister_worker(worker_id)

    async def finish_job(self, job: Job, status: Status, delete_job: bool) -> None:
        ended = _Ended(job.id, job.worker_id, status.value, delete_job)
        await self._write_down(job, lambda: self._finishing.ask(ended))

    async def _finish(self, ended: Sequence[_Ended]) -> Sequence[None]:
        ids, worker_ids, statuses, deletes = map(list, zip(*ended, strict=True))
        await self.connector.execute_query_async(
            _FINISH, ids=ids, worker_ids=worker_ids, statuses=statuses, deletes=deletes
        )
        return [None] * len(ended)

    async def retry_job(
        self,
        job: Job,
        retry_at: datetime | None = None,
        priority: int | None = None,
        queue: str | None = None,
        lock: str | None = None,
    ) -> None:
        """What is to go on at once was interrupted, which is no failed attempt."""
        values = {
            "job_id": job.id,
            "worker_id": job.worker_id,
            "failed": retry_at is not None and retry_at > datetime.now(UTC),
            "retry_at": retry_at,
            "priority": priority,
        }
        await self._write_down(job, lambda: self.connector.execute_query_async(_RETRY, **values))

    async def _write_down(self, job: Job, write: Callable[[], Awaitable[None]]) -> None:
        written = await self._is_written(job, write)
        self._at_work.discard(job.id)
        if not written:
            return
        if self._tell is None:
            self._news += 1
        elif job.id is not None:
            await self._tell(channel="", notification={"type": "job_inserted", "job_id": job.id})

    async def _is_written(self, job: Job, write: Callable[[], Awaitable[None]]) -> bool:
        """Never raises for a database that is away: nobody would hear it."""
        for wait_s in (*AGAIN_S, None):
            try:
                await write()
            except ConnectorException as error:
                if wait_s is None:
                    log.error("outcome of a job is not written down", job=job.id, cause=str(error))
                    break
                await asyncio.sleep(wait_s)
            else:
                return True
        return False
