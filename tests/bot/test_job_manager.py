"""A job that waits for another's lock is begun when that has ended, and not at the next poll."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import procrastinate
import pytest
from procrastinate.jobs import Status
from procrastinate.worker import Worker

from bot.worker.job_manager import PatientJobManager
from models.db.database import Database
from tests.bot.helpers import rows

POLL_S = 600.0
PATIENCE_S = 10.0


@pytest.fixture
async def jobs(database_url: str) -> AsyncIterator[procrastinate.App]:
    app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=database_url))
    app.job_manager = PatientJobManager(app.connector)
    async with app.open_async():
        yield app


@pytest.mark.parametrize("breaks", [False, True])
async def test_whoever_waits_for_a_lock_is_next(jobs: procrastinate.App, breaks: bool) -> None:
    """Whether the one before succeeded, or gives way because it is given up."""
    began, done = list[str](), asyncio.Event()

    @jobs.task(name="first", queue="q")
    async def first() -> None:
        began.append("first")
        await asyncio.sleep(0.2)
        if breaks:
            raise ArithmeticError

    @jobs.task(name="second", queue="q")
    async def second() -> None:
        began.append("second")
        done.set()

    worker = Worker(
        jobs,
        queues=["q"],
        fetch_job_polling_interval=POLL_S,
        install_signal_handlers=False,
        concurrency=2,
    )
    running = asyncio.create_task(worker.run())
    try:
        await first.configure(lock="one").defer_async()
        await second.configure(lock="one").defer_async()
        async with asyncio.timeout(PATIENCE_S):
            await done.wait()
    finally:
        worker.stop()
        with suppress(asyncio.CancelledError):
            await running
    assert began == ["first", "second"]


async def test_a_job_that_ends_while_another_is_looked_for_is_not_missed(
    jobs: procrastinate.App, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker forgets what it is told while it looks."""

    @jobs.task(name="work", queue="q")
    async def work() -> None: ...

    manager = jobs.job_manager
    await work.configure(lock="one").defer_async()
    await work.configure(lock="one").defer_async()
    worker_id = await manager.register_worker()
    first = await manager.fetch_job(["q"], worker_id)
    assert first is not None
    look = jobs.connector.execute_query_all_async

    async def slow(query: str, **values: object) -> object:
        found = await look(query, **values)
        monkeypatch.undo()
        await manager.finish_job(first, procrastinate.jobs.Status.SUCCEEDED, True)
        return found

    monkeypatch.setattr(jobs.connector, "execute_query_all_async", slow)
    second = await manager.fetch_job(["q"], worker_id)
    assert second is not None and second.id != first.id


async def test_whoever_was_taken_for_dead_has_no_say_in_a_job_of_another(
    jobs: procrastinate.App, db: Database
) -> None:
    @jobs.task(name="long", queue="q")
    async def long() -> None: ...

    await long.defer_async()
    first, second = [await jobs.job_manager.register_worker() for _ in range(2)]
    job = await jobs.job_manager.fetch_job(["q"], first)
    assert job is not None
    await jobs.job_manager.retry_job(job)
    again = await jobs.job_manager.fetch_job(["q"], second)
    assert again is not None
    for late in (
        jobs.job_manager.finish_job(job, Status.SUCCEEDED, delete_job=True),
        jobs.job_manager.retry_job(job),
    ):
        await late
        (row,) = await rows(db, "select status, worker_id, attempts from procrastinate_jobs")
        assert tuple(row) == ("doing", second, 0), "and to be interrupted is no failed attempt"
    await jobs.job_manager.finish_job(again, Status.SUCCEEDED, delete_job=True)
    assert await rows(db, "select from procrastinate_jobs") == []


async def test_a_crowd_is_fetched_at_once_and_each_of_it_is_done_once(
    jobs: procrastinate.App, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many as there is room for, in their order, and of one lock no more than one; what was
    fetched and not begun when its worker ends is there for the next one.
    """

    @jobs.task(name="work", queue="q")
    async def work(place: int) -> None: ...

    for place, lock in enumerate("aabcde"):
        await work.configure(lock=lock).defer_async(place=place)
    asked = list[str]()
    for name in ("execute_query_async", "execute_query_all_async"):
        ask = getattr(jobs.connector, name)

        async def counted(query: str, ask: Any = ask, **values: object) -> object:
            asked.append(query)
            return await ask(query, **values)

        monkeypatch.setattr(jobs.connector, name, counted)
    manager = PatientJobManager(jobs.connector, at_once=4)
    one, other = [await manager.register_worker() for _ in range(2)]
    asked.clear()
    begun = [await manager.fetch_job(["q"], one) for _ in range(3)]
    assert [job and job.task_kwargs["place"] for job in begun] == [0, 2, 3] and len(asked) == 1
    asked.clear()
    ended = (manager.finish_job(job, Status.SUCCEEDED, True) for job in begun if job)
    await asyncio.gather(*ended)
    assert len(asked) == 1
    await manager.unregister_worker(one)
    left = [await manager.fetch_job(["q"], other) for _ in range(3)]
    assert [job and job.task_kwargs["place"] for job in left] == [1, 4, 5]
    assert await manager.fetch_job(["q"], other) is None
