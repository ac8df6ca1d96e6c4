"""What a verb would refuse, told before anything is decided: for dialogs, which open first."""

from collections.abc import Awaitable, Callable

from sqlalchemy.ext.asyncio import AsyncSession

from models.actions.approve import check_approver
from models.actions.hold import check_has_amount
from models.actions.loaded_bill import LoadedBill, load_for
from models.actions.revise import check_revise
from models.actions.send import check_send
from models.actions.undo import check_undo
from models.actions.void import check_reissue, check_void
from models.bills.states import Verb
from models.context import Context


async def _reject(loaded: LoadedBill, context: Context) -> None:
    check_approver(loaded, context, "reject")


async def _release(loaded: LoadedBill, _: Context) -> None:
    check_has_amount(loaded)


async def _undo(loaded: LoadedBill, context: Context) -> None:
    await check_undo(loaded, context)


async def _revise(loaded: LoadedBill, _: Context) -> None:
    await check_revise(loaded)


async def _void(loaded: LoadedBill, context: Context) -> None:
    await check_void(loaded, context)


async def _reissue(loaded: LoadedBill, _: Context) -> None:
    await check_reissue(loaded)


async def _send(loaded: LoadedBill, context: Context) -> None:
    check_send(loaded, context)


_CHECKS: dict[Verb, Callable[[LoadedBill, Context], Awaitable[None]]] = {
    Verb.REJECT: _reject,
    Verb.RELEASE: _release,
    Verb.UNDO: _undo,
    Verb.REVISE: _revise,
    Verb.VOID: _void,
    Verb.REISSUE: _reissue,
    Verb.SEND: _send,
}


async def check(
    session: AsyncSession, bill_id: int, verb: Verb, version: int | None, context: Context
) -> LoadedBill:
    """Refuse what `verb` would refuse this person now; the bill's lock is not waited for.

    Returns the case as it stands, for whoever draws the dialog.
    """
    loaded = await load_for(session, bill_id, verb, context, version, lock=False)
    await _CHECKS[verb](loaded, context)
    return loaded
