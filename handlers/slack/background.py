"""What is done for people who have been answered already, and work that may take as long."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import structlog

from handlers.request_log import current_reference
from handlers.slack.answers import Dialog, Later, Responder, as_dialog
from handlers.slack.blocks.errors import refusal_message, trouble_message
from handlers.slack.request import Request
from models.db.locks import busy_after_waiting
from models.errors import Refusal

log = structlog.get_logger()
Done = TypeVar("Done")
DRAIN_S = 0.5
RECEIVED_S = 1.0
"""So long after a receipt Slack has drawn what stood in it, and nothing it overtakes is lost."""


class BackgroundTasks:
    """What is still done for people who have been answered already."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def start(self, work: Coroutine[Any, Any, Done]) -> asyncio.Task[Done]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def drain(self, deadline_s: float = DRAIN_S) -> None:
        """Wait for them; whatever takes longer is called off."""
        tasks = set(self._tasks)
        if tasks:
            await asyncio.wait(tasks, timeout=deadline_s)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def begin(
    slack: Responder, background: BackgroundTasks, request: Request, later: Later, wait_s: float
) -> Dialog:
    """What the work leads to, if it is done within so many seconds; else what is shown meanwhile,
    and what it leads to takes its place. What is refused in time is raised.
    """
    doing = background.start(_work(later))
    in_time, _ = await asyncio.wait([doing], timeout=wait_s)
    if in_time:
        return doing.result()
    background.start(_shown_at_last(slack, request, doing))
    return Dialog(later.meanwhile)


async def _work(later: Later) -> Dialog:
    with busy_after_waiting():
        return await later.work()


async def _shown_at_last(slack: Responder, request: Request, doing: asyncio.Task[Dialog]) -> None:
    await asyncio.sleep(RECEIVED_S)
    try:
        shown = await doing
    except Refusal as refusal:
        told = refusal_message(refusal)
        shown = Dialog(as_dialog(told), told)
    except Exception:
        told = trouble_message(log_failure("Work that went on behind a dialog failed", request))
        shown = Dialog(as_dialog(told), told)
    try:
        await slack.update_view(request.view["id"], shown.view)
    except Exception:
        log_failure("What came of a dialog was not shown in it", request)
        await _tell(slack, request, shown)


async def _tell(slack: Responder, request: Request, shown: Dialog) -> None:
    """Whoever has closed the dialog is told the outcome all the same."""
    if shown.outcome is None:
        return
    try:
        await slack.tell(request.user_id, shown.outcome)
    except Exception:
        log_failure("Nor was it told", request)


def log_failure(event: str, request: Request) -> str:
    """Write the current exception to the log; returns the reference it is found by."""
    reference = current_reference()
    log.exception(event, reference=reference, request=type(request).__name__, user=request.user_id)
    return reference
