"""The jobs of one queue, worked off by themselves."""

import asyncio
from contextlib import suppress

from procrastinate.worker import Worker as JobWorker

from bot.timings import Timings
from bot.worker.interruption import log_interrupted
from bot.worker.job_manager import PatientJobManager
from models.outbox.jobs import Queue, job_queue


class Lane:
    """Works off so many jobs of a queue at once, whatever else there is to do.

    `jobs` is what the tasks are registered with.
    """

    def __init__(
        self, url: str, queue: Queue, timings: Timings, *, concurrency: int, connections: int
    ) -> None:
        self.jobs = job_queue(url, connections)
        self.jobs.job_manager = PatientJobManager(self.jobs.connector, concurrency)
        self._queue = queue
        self._timings = timings
        self._concurrency = concurrency
        self._stopping = asyncio.Event()
        self._worker: JobWorker | None = None

    @property
    def worker_id(self) -> int | None:
        """What the jobs at work here carry; None while none are taken."""
        return self._worker.worker_id if self._worker is not None else None

    async def work(self) -> None:
        """Until it is stopped. A worker ends when the database goes away; the next one waits for
        it to come back.
        """
        while not self._stopping.is_set():
            self._worker = self._new_worker()
            try:
                await self._worker.run()  # type: ignore[no-untyped-call]
            except Exception as error:
                log_interrupted("worker interrupted", error, queue=self._queue)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), self._timings.again)

    def stop(self, deadline_s: float) -> None:
        """Take no more jobs; those at work have so long to end, and are put back then."""
        self._stopping.set()
        if self._worker is not None:
            self._worker.shutdown_graceful_timeout = deadline_s
            self._worker.stop()  # type: ignore[no-untyped-call]

    def _new_worker(self) -> JobWorker:
        return JobWorker(
            self.jobs,
            queues=[self._queue],
            name=self._queue,
            concurrency=self._concurrency,
            fetch_job_polling_interval=self._timings.poll,
            listen_notify=True,
            delete_jobs="successful",
            install_signal_handlers=False,
            update_heartbeat_interval=self._timings.heartbeat,
            stalled_worker_timeout=self._timings.stalled,
        )
