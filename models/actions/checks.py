"""What a verb would refuse, told before anything is decided: for dialogs, which open first."""

from sqlalchemy.ext.asyncio import AsyncSession

from models.actions.loaded_bill import LoadedBill, load_for
from models.actions.next_steps import check_of
from models.bills.states import Verb
from models.context import Context


async def check(
    session: AsyncSession, bill_id: int, verb: Verb, version: int | None, context: Context
) -> LoadedBill:
    """Refuse what `verb` would refuse this person now; the bill's lock is not waited for.

    Returns the bill as it stands, for whoever draws the dialog.
    """
    loaded = await load_for(session, bill_id, verb, context, version, lock=False)
    await check_of(verb)(loaded, context)
    return loaded
