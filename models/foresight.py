"""What a verb would refuse, told before anything is decided: for dialogs, which open first."""

from collections.abc import Awaitable, Callable

from sqlalchemy.ext.asyncio import AsyncSession

from models import amend, sending, undoing, workflow
from models.bills import Verb
from models.case import Act, Case, open_case


async def _reject(case: Case, act: Act) -> None:
    await workflow.refuse_outsider(case, act, "reject")


async def _release(case: Case, _: Act) -> None:
    workflow.refuse_without_amount(case)


async def _undo(case: Case, act: Act) -> None:
    await undoing.refuse_undo(case, act)


async def _revise(case: Case, _: Act) -> None:
    await amend.refuse_revise(case)


async def _void(case: Case, _: Act) -> None:
    await amend.refuse_void(case)


async def _reissue(case: Case, _: Act) -> None:
    await amend.refuse_reissue(case)


async def _send(case: Case, act: Act) -> None:
    sending.refuse_send(case, act)


_REFUSE: dict[Verb, Callable[[Case, Act], Awaitable[None]]] = {
    Verb.REJECT: _reject,
    Verb.RELEASE: _release,
    Verb.UNDO: _undo,
    Verb.REVISE: _revise,
    Verb.VOID: _void,
    Verb.REISSUE: _reissue,
    Verb.SEND: _send,
}


async def foresee(
    session: AsyncSession, bill_id: int, verb: Verb, version: int | None, act: Act
) -> Case:
    """Refuse what `verb` would refuse this person now; the bill's lock is not waited for.

    Returns the case as it stands, for whoever draws the dialog.
    """
    case = await open_case(session, bill_id, verb, act, version, lock=False)
    await _REFUSE[verb](case, act)
    return case
