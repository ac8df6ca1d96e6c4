"""Looking at many things at once, none of which is waited for longer than a limit."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from typing import NamedTuple, TypeVar

import structlog

from handlers.wording.health_text import Check, Standing

log = structlog.get_logger()
T = TypeVar("T")
AGAIN = "Look whether it is up and can be reached from here, then try again."
FAULT = "This is a fault in Countersign; the log says more."


class Probe(NamedTuple):
    """Something to `look` at; `name` is what is shown where nobody could."""

    name: str
    look: Callable[[], Awaitable[Iterable[Check]]]


async def look_at(probes: Sequence[Probe], limit_s: float) -> list[Check]:
    """What came of all of them, in their order, each within `limit_s`."""
    found = await asyncio.gather(*(_bounded(probe, limit_s) for probe in probes))
    return [check for checks in found for check in checks]


async def _bounded(probe: Probe, limit_s: float) -> Sequence[Check]:
    try:
        async with asyncio.timeout(limit_s):
            return list(await probe.look())
    except TimeoutError:
        told = f"No answer within {limit_s:g} seconds."
        return [Check(probe.name, Standing.BAD, told, AGAIN)]
    except Exception as error:
        log.exception("check failed", check=probe.name)
        told = f"It cannot be looked at ({type(error).__name__})."
        return [Check(probe.name, Standing.BAD, told, FAULT)]


async def beside(work: Callable[[], T]) -> T:
    """What blocks, in a thread that nobody waits for, not even the program's end, once its caller
    is called off.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[T] = loop.create_future()

    def tell(done: Callable[[], None]) -> None:
        with suppress(RuntimeError):  # the loop may be closed by then
            loop.call_soon_threadsafe(lambda: None if answer.done() else done())

    def do() -> None:
        try:
            result = work()
        except Exception as error:
            raised = error
            tell(lambda: answer.set_exception(raised))
        else:
            tell(lambda: answer.set_result(result))

    threading.Thread(target=do, daemon=True).start()
    return await answer
