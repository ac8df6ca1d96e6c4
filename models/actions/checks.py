"""What a verb would refuse, told before anything is decided: for dialogs, which open first."""

from sqlalchemy.ext.asyncio import AsyncSession

from models.actions import approve, hold, revise, send, undo, void
from models.actions.approve import check_approver
from models.actions.loaded_bill import LoadedBill, load_for
from models.actions.next_steps import CHECKS, checks
from models.bills.states import Verb
from models.context import Context

KEPT_BY = (approve, hold, revise, send, undo, void)
"""The verbs whose modules say what they look at; imported, they have said it."""


@checks(Verb.REJECT)
async def _reject(loaded: LoadedBill, context: Context) -> None:
    check_approver(loaded, context, "reject")


async def check(
    session: AsyncSession, bill_id: int, verb: Verb, version: int | None, context: Context
) -> LoadedBill:
    """Refuse what `verb` would refuse this person now; the bill's lock is not waited for.

    Returns the bill as it stands, for whoever draws the dialog.
    """
    loaded = await load_for(session, bill_id, verb, context, version, lock=False)
    await CHECKS[verb](loaded, context)
    return loaded
