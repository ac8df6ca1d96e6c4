"""What stands on the record of a bill."""

from models.bills.bill import Bill, get_bill
from models.bills.history import BillAction
from models.bills.history import actions_of as recorded
from models.db.database import Database


async def bill_of(db: Database, bill_id: int) -> Bill:
    async with db.transaction() as session:
        return await get_bill(session, bill_id)


async def actions_of(db: Database, bill_id: int) -> list[BillAction]:
    async with db.transaction() as session:
        return list(await recorded(session, bill_id))


async def verbs_of(db: Database, bill_id: int) -> list[str]:
    return [action.action for action in await actions_of(db, bill_id)]
