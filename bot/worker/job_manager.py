"""The worker's jobs as the library keeps them, but for three things that it leaves out.

A job that waits for another's lock is begun as soon as that has ended. What came of a job is
written down also where the database was away meanwhile. And only by the worker that the job still
belongs to: one that was taken for dead has no say in what another does.
"""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import structlog
from procrastinate.connector import BaseConnector
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job, Status
from procrastinate.manager import JobManager, NotificationCallback

log = structlog.get_logger()

AGAIN_S = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0)
"""After these it is left to whoever takes the worker for dead: its heart has stopped by then."""

_OURS = """
(select id from procrastinate_jobs
 where id = %(job_id)s and status = 'doing' and worker_id is not distinct from %(worker_id)s
 for update) ours
"""
_FINISH = f"select procrastinate_finish_job_v1(ours.id, %(status)s, %(delete)s) from {_OURS}"
_RETRY = f"""
update procrastinate_jobs j
set status = 'todo', attempts = j.attempts + %(failed)s::int, scheduled_at = %(retry_at)s,
    priority = coalesce(%(priority)s, j.priority)
from {_OURS} where j.id = ours.id
"""


class PatientJobManager(JobManager):
    """Waits for a database that is away, and tells its worker of every job that ends.

    The library tells of new jobs alone; what waits for a lock would wait for a poll.
    """

    def __init__(self, connector: BaseConnector) -> None:
        super().__init__(connector)
        self._tell: NotificationCallback | None = None
        self._ended = 0

    async def listen_for_jobs(
        self, *, on_notification: NotificationCallback, queues: Iterable[str] | None = None
    ) -> None:
        self._tell = on_notification
        await super().listen_for_jobs(on_notification=on_notification, queues=queues)

    async def fetch_job(self, queues: Iterable[str] | None, worker_id: int) -> Job | None:
        """Looks again where a job has ended meanwhile: the worker forgets what it is told then."""
        while True:
            ended = self._ended
            job = await super().fetch_job(queues, worker_id)
            if job is not None or ended == self._ended:
                return job

    async def finish_job(self, job: Job, status: Status, delete_job: bool) -> None:
        await self._write_down(job, _FINISH, status=status.value, delete=delete_job)

    async def retry_job(
        self,
        job: Job,
        retry_at: datetime | None = None,
        priority: int | None = None,
        queue: str | None = None,
        lock: str | None = None,
    ) -> None:
        """What is to go on at once was interrupted, which is no failed attempt."""
        failed = retry_at is not None and retry_at > datetime.now(UTC)
        values = {"failed": failed, "retry_at": retry_at, "priority": priority}
        await self._write_down(job, _RETRY, **values)

    async def _write_down(self, job: Job, query: str, **values: Any) -> None:
        """Never raises for a database that is away: nobody would hear it."""
        values |= {"job_id": job.id, "worker_id": job.worker_id}
        for wait_s in (*AGAIN_S, None):
            try:
                await self.connector.execute_query_async(query, **values)
            except ConnectorException as error:
                if wait_s is None:
                    log.error("outcome of a job is not written down", job=job.id, cause=str(error))
                    return
                await asyncio.sleep(wait_s)
            else:
                break
        self._ended += 1
        if self._tell is not None and job.id is not None:
            await self._tell(channel="", notification={"type": "job_inserted", "job_id": job.id})
