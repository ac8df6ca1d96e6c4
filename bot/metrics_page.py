"""`/metrics`: how the work stands, for Prometheus."""

import asyncio
import secrets
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from fastapi import FastAPI, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from bot.metrics import REGISTRY
from models.db.database import Database
from models.queries.measures import Measures, load_measures

FRESH_S = 5.0
"""For so long what was read of the database is told again, however many ask."""
CLOSED = {"WWW-Authenticate": "Bearer"}


class MetricsPage:
    """What the database tells, which every process tells alike, and what this one has counted."""

    def __init__(self, db: Database, now: Callable[[], datetime]) -> None:
        self._db, self._now = db, now
        self._reading = asyncio.Lock()
        self._read_at = -FRESH_S
        self._told: CollectorRegistry | None = None

    async def text(self) -> bytes:
        """All metrics in Prometheus' text format."""
        async with self._reading:
            if time.monotonic() - self._read_at >= FRESH_S:
                self._told = CollectorRegistry()
                self._told.register(_OfDatabase(await self._read()))
                self._read_at = time.monotonic()
            assert self._told is not None
        return generate_latest(self._told) + generate_latest(REGISTRY)

    async def _read(self) -> tuple[Measures | None, float, datetime]:
        """With how far our clock is ahead of the database's; None where it does not answer."""
        try:
            async with self._db.transaction() as session:
                before = datetime.now(UTC)
                measures = await load_measures(session, self._now())
        except Exception:
            return None, 0.0, self._now()
        lag_s = (before - measures.clock).total_seconds()
        return measures, lag_s, self._now()


def add_metrics(web: FastAPI, page: MetricsPage, token: str) -> None:
    """Answer at `/metrics` whoever has the token, and nobody else."""

    @web.get("/metrics", include_in_schema=False)
    async def metrics(request: Request) -> Response:
        given = request.headers.get("authorization", "").partition(" ")[2].strip()
        if not secrets.compare_digest(given.encode(), token.encode()):
            return Response(status_code=401, headers=CLOSED)
        return Response(await page.text(), media_type=CONTENT_TYPE_LATEST)


class _OfDatabase(Collector):
    def __init__(self, read: tuple[Measures | None, float, datetime]) -> None:
        self._measures, self._lag_s, self._now = read

    def collect(self) -> Iterator[GaugeMetricFamily]:
        yield _gauge("database_up", "Whether the database answers.", self._measures is not None)
        if self._measures is not None:
            yield from _work(self._measures, self._now)
            yield from _bills(self._measures, self._now)
            told = "How far this machine's clock is ahead of the database's."
            yield _gauge("clock_lag_seconds", told, self._lag_s)


def _work(found: Measures, now: datetime) -> Iterator[GaugeMetricFamily]:
    yield _gauge("workers", "Workers that have given a sign of life.", found.workers)
    jobs = _family("jobs", "Jobs that are not done, by kind and status.", "task", "status")
    for (task, status), count in sorted(found.jobs.items()):
        jobs.add_metric([task, status], count)
    yield jobs
    told = "How long the oldest job has been due."
    yield _gauge("job_oldest_age_seconds", told, _age_s(found.job_since, found.clock))
    messages = _family("messages", "Messages to Slack that are not posted, by state.", "state")
    for state, count in found.messages.items():
        messages.add_metric([state], count)
    yield messages
    told = "How long ago the oldest message was promised that is not posted."
    yield _gauge("message_oldest_age_seconds", told, _age_s(found.message_since, now))


def _bills(found: Measures, now: datetime) -> Iterator[GaugeMetricFamily]:
    bills = _family(
        "bills",
        "Bills by state, and of those that wait for somebody by age: at least so many days.",
        "state",
        "age_days",
    )
    for (state, days), count in sorted(found.bills.items(), key=str):
        bills.add_metric([state, "" if days is None else str(days)], count)
    yield bills
    oldest = _family(
        "bill_oldest_age_seconds", "How long ago the oldest bill in a state was made.", "state"
    )
    for state, since in sorted(found.bills_since.items()):
        oldest.add_metric([state], _age_s(since, now))
    yield oldest


def _family(name: str, told: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"countersign_{name}", told, labels=labels)


def _gauge(name: str, told: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"countersign_{name}", told, value=value)


def _age_s(since: datetime | None, now: datetime) -> float:
    return max(0.0, (now - since).total_seconds()) if since else 0.0
