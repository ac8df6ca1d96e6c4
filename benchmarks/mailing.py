"""A month's bills on their way out, from `issue` to the mail server's yes, beside typst alone.

    python -m benchmarks.mailing [--bills 1000] [--e-invoice]

Worker, the processes that draw, PostgreSQL, a mail server and a Slack that says yes to everything
are on this machine, the last two not counted. Bills are sent as by a click on a whole month, at the
tempo of a bot that serves. `floor` is typst alone on pages as those that are sent. CPU is counted
from the first tenth of the bills to the last. Memory is the highest of either half.

Last figures, 1,500 bills at 7/s, where others kept the machine busy (load 11):

    floor: typst alone                15.84 ms
    the processes that draw           20.58 ms   x1.30
    the worker                        21.12 ms   x1.33
    both                              41.70 ms   x2.63
    PostgreSQL                        15.91 ms   x1.00
    memory: worker 220 MB, then 220 MB, a process that draws 201 MB, then 204 MB

300 with `--e-invoice` at 6/s (load 12): the processes that draw x1.74, the worker x1.31. Where
fewer go out a second, each costs more: of 2,500 at 5/s (load 14) x1.42 and x1.65; memory of 226 MB,
then 226 MB, and 204 MB, then 202 MB.
"""

import argparse
import asyncio
import json
import multiprocessing
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path

import psutil
import psycopg
import uvloop
from aiosmtpd.smtp import SMTP

from benchmarks.cost import Meter
from benchmarks.drawing import COMPANY, documents, spent, typst_alone
from benchmarks.redrawing import agreeable_slack
from bot.app import WORKER_CONNECTIONS
from bot.mail.smtp import Mailer
from bot.mail.smtp_url import MailServer
from bot.slack.client import SlackClient
from bot.worker.drawing import draw_in
from bot.worker.processes import Processes
from bot.worker.worker import Worker
from handlers.documents.printer import InvoicePrinter
from handlers.wording.invoice_page import invoice_page
from models.db.database import Database
from models.db.embedded import EmbeddedPostgres
from models.db.migrate import migrate
from tests.soak.sending import BILLING, begin_sending

ALONE = 200
LOOK_S = 1.0
SENT = "select count(*) from bills where status = 'sent'"


class _Yes:
    async def handle_DATA(self, *_: object) -> str:  # noqa: N802 - the name aiosmtpd calls
        return "250 kept"


def _take_mail(ready: Connection) -> None:
    async def serve() -> None:
        server = await asyncio.get_running_loop().create_server(
            lambda: SMTP(_Yes(), enable_SMTPUTF8=True), "127.0.0.1", 0
        )
        ready.send(server.sockets[0].getsockname()[1])
        await asyncio.Event().wait()

    asyncio.run(serve())


@contextmanager
def agreeable_mail_server() -> Iterator[MailServer]:
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(
        target=_take_mail, args=(theirs,), daemon=True
    )
    process.start()
    yield MailServer("127.0.0.1", ours.recv())
    process.terminate()
    process.join()


@dataclass(frozen=True)
class Reading:
    """CPU so far, in seconds, and memory at the moment, in MB."""

    at: float
    sent: int
    bot_s: float
    drawing_s: float
    server_s: float
    bot_mb: float
    drawing_mb: float


class Watch:
    """Reads what all take that are at work; `others` are processes of ours that do not count."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._me = psutil.Process()
        self._others = {one.pid for one in self._me.children(recursive=True)}
        self._drawing: dict[int, float] = {}
        self._looking_s = 0.0

    def read(self, sent: int) -> Reading:
        """The looking itself, through all processes of the machine, is not the bot's."""
        bot_s = time.process_time() - self._looking_s
        reading = self._read(sent, bot_s)
        self._looking_s = time.process_time() - bot_s
        return reading

    def _read(self, sent: int, bot_s: float) -> Reading:
        drawing_mb = 0.0
        for one in self._me.children():
            with suppress(psutil.NoSuchProcess):
                if one.pid not in self._others:
                    times = one.cpu_times()
                    self._drawing[one.pid] = times.user + times.system
                    drawing_mb = max(drawing_mb, one.memory_info().rss / 2**20)
        return Reading(
            at=time.perf_counter(),
            sent=sent,
            bot_s=bot_s,
            drawing_s=sum(self._drawing.values()),
            server_s=self._meter.server_s(),
            bot_mb=self._me.memory_info().rss / 2**20,
            drawing_mb=drawing_mb,
        )


CUSTOMERS = """
update customers set country = 'DE', tax_rate_percent = 19, tax_id = 'DE123456789',
    billing_address = '1 Strasse, 10115 Berlin'"""
CARDS = """
insert into messages (kind, recipient, bill_id, state, channel, ts, drawn_actions)
select 'card', 'user:' || (select min(id) from users where slack_user_id is not null), id, 'posted',
       'DFINANCE', id::text, 2 from bills"""


@dataclass(frozen=True)
class Company:
    """A month's bills, sent by a click, of which nothing is issued yet."""

    bills: int
    e_invoices: bool

    async def furnish(self, url: str) -> None:
        db = Database(url)
        await begin_sending(db, self.bills)
        await db.close()
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
            await connection.execute(CUSTOMERS)
            await connection.execute(CARDS)
            await connection.execute("vacuum analyze")

    async def mail(
        self, url: str, slack: SlackClient, mailer: Mailer, watch: Watch
    ) -> list[Reading]:
        """A worker until the last letter is out."""
        db, processes = Database(url, WORKER_CONNECTIONS), Processes()
        worker = Worker(
            db,
            slack,
            now=lambda: datetime.now(UTC),
            billing=replace(BILLING, company=COMPANY),
            draw=draw_in(processes, InvoicePrinter(e_invoices=self.e_invoices)),
            mailer=mailer,
        )
        await worker.start()
        readings = [reading async for reading in self._watched(url, watch)]
        await worker.stop(deadline_s=5)
        await processes.stop()
        await db.close()
        return readings

    async def _watched(self, url: str, watch: Watch) -> AsyncIterator[Reading]:
        sent = 0
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as looking:
            while sent < self.bills:
                await asyncio.sleep(LOOK_S)
                (sent,) = await (await looking.execute(SENT)).fetchone() or (0,)
                yield watch.read(sent)


def report(readings: Sequence[Reading], alone_s: float) -> list[str]:
    bills = readings[-1].sent
    first = next(one for one in readings if one.sent >= bills / 10)
    last = readings[-1]
    count, seconds = last.sent - first.sent, last.at - first.at

    def line(name: str, cpu_s: float) -> str:
        return f"{name:<32} {1000 * cpu_s / count:6.2f} ms   x{cpu_s / count / alone_s:.2f}"

    drawing, bot, server = (
        getattr(last, name) - getattr(first, name) for name in ("drawing_s", "bot_s", "server_s")
    )
    return [
        f"{count} of {bills} bills in {seconds:.0f} s, {count / seconds:.0f}/s; CPU a bill:",
        f"{'floor: typst alone':<32} {1000 * alone_s:6.2f} ms",
        line("the processes that draw", drawing),
        line("the worker", bot),
        line("both", drawing + bot),
        line("PostgreSQL", server),
        f"memory: worker {_peak(readings, 'bot_mb')}, a process that draws "
        f"{_peak(readings, 'drawing_mb')}",
    ]


def _peak(readings: Sequence[Reading], name: str) -> str:
    """At most, in the first half and in the second."""
    half = readings[-1].sent / 2
    parts = [
        max(getattr(one, name) for one in readings if (one.sent <= half) is early)
        for early in (True, False)
    ]
    return f"{parts[0]:.0f} MB, then {parts[1]:.0f} MB"


async def _measured(company: Company, url: str, slack_url: str, meter: Meter) -> list[Reading]:
    with agreeable_mail_server() as server:
        await company.furnish(url)
        mailer = Mailer(server, "Billing <billing@meridian.example>")
        async with SlackClient.open("xoxb-bench", slack_url) as slack:
            return await company.mail(url, slack, mailer, Watch(meter))


@contextmanager
def database() -> Iterator[tuple[str, Meter]]:
    folder = Path(tempfile.mkdtemp(prefix="countersign-bench-"))
    server = EmbeddedPostgres(folder)
    try:
        migrate(server.url())
        yield server.url(), Meter(folder / "postgres")
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def floor_s() -> float:
    """CPU of typst alone for a page. What else keeps the machine busy makes it dearer: taken before
    and after, it is that of the whole time.
    """
    pages = [json.dumps(invoice_page(one), ensure_ascii=False) for one in documents(ALONE)]
    set_page = typst_alone()
    set_page(pages[0])
    return spent(set_page, pages).cpu / ALONE


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bills", type=int, default=1000)
    parser.add_argument("--e-invoice", action="store_true")
    options = parser.parse_args()
    company = Company(options.bills, options.e_invoice)
    with database() as (url, meter), agreeable_slack() as slack_url:
        before_s = floor_s()
        readings = uvloop.run(_measured(company, url, slack_url, meter))
        alone_s = (before_s + floor_s()) / 2
    sys.stdout.write("\n".join(report(readings, alone_s)) + "\n")


if __name__ == "__main__":
    main()
