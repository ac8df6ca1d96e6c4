"""Jobs that waited for another's lock are begun as soon as it has ended."""

from collections.abc import Iterable
from datetime import datetime

from procrastinate.connector import BaseConnector
from procrastinate.jobs import Job, Status
from procrastinate.manager import JobManager, NotificationCallback


class EagerJobManager(JobManager):
    """Tells its worker of every job that ends, as it is told of every new one: another may have
    waited for the lock. The library tells of new jobs alone; what waits would wait for a poll.
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
        await super().finish_job(job, status, delete_job)
        await self._has_ended(job)

    async def retry_job(
        self,
        job: Job,
        retry_at: datetime | None = None,
        priority: int | None = None,
        queue: str | None = None,
        lock: str | None = None,
    ) -> None:
        await super().retry_job(job, retry_at, priority, queue, lock)
        await self._has_ended(job)

    async def _has_ended(self, job: Job) -> None:
        self._ended += 1
        if self._tell is not None and job.id is not None:
            await self._tell(channel="", notification={"type": "job_inserted", "job_id": job.id})
