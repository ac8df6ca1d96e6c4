"""Processes beside ours: what is done there holds nobody up, and whoever dies there is survived."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bot.settings import Settings
from bot.worker.drawing import CannotDraw, draw_in, tried_drawing
from bot.worker.processes import Processes, ProcessLost
from handlers.documents.printer import TEMPLATES, InvoicePrinter
from models.bills.documents import CannotBeDrawn
from tests.harness.waiting import until
from tests.views.test_invoice import ACME, issued

CALLS_EACH = 3


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def processes() -> AsyncIterator[Processes]:
    made = Processes(most=2, calls_each=CALLS_EACH)
    yield made
    await made.stop()


pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_document_drawn_there_is_the_one_drawn_here(processes: Processes) -> None:
    printer = InvoicePrinter()
    draw = draw_in(processes, printer)
    assert await draw(ACME) == printer.draw(ACME)
    with pytest.raises(CannotBeDrawn, match=r"\(U\+10900\), which stands in the customer's name"):
        await draw(issued(customer="A \U00010900"))


async def test_an_e_invoice_made_there_is_the_one_made_here(processes: Processes) -> None:
    printer = InvoicePrinter(e_invoices=True)
    assert await draw_in(processes, printer)(ACME) == printer.draw(ACME)


async def test_a_template_that_spoils_e_invoices_alone_is_refused_before_a_bill_waits_for_it(
    processes: Processes, tmp_path: Path
) -> None:
    """It attaches what the e-invoice is attached as, which is fine as long as there is none."""
    attaching = '#pdf.attach("factur-x.xml", bytes("x"), mime-type: "text/xml", description: "x")'
    ours = (TEMPLATES / "invoice.typ").read_text(encoding="utf-8")
    (tmp_path / "invoice.typ").write_text(f"{ours}\n{attaching}", encoding="utf-8")
    german: dict[str, Any] = {
        "company_name": "M",
        "company_country": "DE",
        "company_tax_id": "DE987654321",
    }
    plain = Settings(_env_file=None, invoice_templates=tmp_path, **german)  # type: ignore[call-arg]
    assert await (await tried_drawing(plain, processes))(ACME)
    wanted = plain.model_copy(update={"e_invoice": "factur-x"})
    with pytest.raises(CannotDraw, match=r"INVOICE_TEMPLATES: no e-invoice .* file factur-x.xml"):
        await tried_drawing(wanted, processes)


async def test_each_gives_way_to_a_new_one_after_so_many_calls(processes: Processes) -> None:
    seen = [await processes.call(os.getpid) for _ in range(2 * CALLS_EACH)]
    assert os.getpid() not in seen
    assert max(seen.count(one) for one in seen) <= CALLS_EACH


async def test_one_that_dies_takes_its_own_call_with_it_which_is_made_again(
    processes: Processes,
) -> None:
    while (doomed := await processes.call(os.getpid)) == await processes.call(os.getpid):
        pass
    sleeping = [asyncio.create_task(processes.call(time.sleep, 0.4)) for _ in range(2)]
    await asyncio.sleep(0.2)
    with suppress(ProcessLookupError):
        os.kill(doomed, signal.SIGKILL)
    assert await asyncio.gather(*sleeping) == [None, None]


async def test_one_that_dies_while_it_has_nothing_to_do_is_replaced(processes: Processes) -> None:
    with suppress(ProcessLookupError):
        os.kill(await processes.call(os.getpid), signal.SIGKILL)
    await asyncio.sleep(0.3)
    assert await processes.call(os.getppid) == os.getpid()


async def test_what_ends_its_process_each_time_is_told_and_harms_no_other(
    processes: Processes,
) -> None:
    others = [asyncio.create_task(processes.call(time.sleep, 0.2)) for _ in range(4)]
    with pytest.raises(ProcessLost, match="it ended its process"):
        await processes.call(os._exit, 3)
    assert await asyncio.gather(*others) == [None] * 4


async def test_what_comes_to_no_end_is_ended() -> None:
    impatient = Processes(most=1, timeout_s=0.3)
    with pytest.raises(ProcessLost, match=r"longer than 0\.3 s"):
        await impatient.call(time.sleep, 60)
    assert await impatient.call(os.getppid) == os.getpid()
    await impatient.stop()


ORPHANING = """
import asyncio, os, signal, time
from bot.worker.processes import Processes

async def main():
    processes = Processes(most=2)
    busy = asyncio.create_task(processes.call(time.sleep, 60))
    print(await processes.call(os.getpid), flush=True)
    await asyncio.sleep(60)

if __name__ == "__main__":
    asyncio.run(main())
"""


async def test_none_outlives_a_bot_that_is_killed(tmp_path: Path) -> None:
    program = tmp_path / "orphaning.py"
    program.write_text(ORPHANING, encoding="utf-8")
    bot = await asyncio.create_subprocess_exec(
        sys.executable,
        program,
        stdout=asyncio.subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": "."},
    )
    assert bot.stdout is not None
    await bot.stdout.readline()
    children = _children(bot.pid)
    assert len(children) >= 2
    bot.kill()
    await bot.wait()
    await until(lambda: not any(Path(f"/proc/{one}").exists() for one in children))


def _children(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
