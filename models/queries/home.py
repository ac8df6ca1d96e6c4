"""What somebody's Home tab shows, by their role."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from models.outbox.homes import HomePlace
from models.people.permissions import Permission, Role
from models.people.users import User
from models.period import Period
from models.queries.ageing import AllWaiting, all_waiting
from models.queries.bill_details import BillDetails
from models.queries.bill_list import Page, bills_waiting_for
from models.queries.bill_loader import load_bill_details
from models.queries.month_board import MonthBoard, load_month
from models.queries.months_billed import MonthsBilled, months_billed
from models.queries.recent_decisions import RecentDecision, recent_decisions

PAGE_BILLS = 15


@dataclass(frozen=True)
class HomeFacts:
    """`waiting` is the page they look at, `bills` the same with all there is to know, where this
    person may decide. `recent`: what they decided of late. `board` of a month for whoever keeps or
    watches the books, `newest_month` being the last that is over, and how long `all_waiting` does,
    of any month; `billed`: the months up to that of the board, for managers.
    """

    user: User
    now: datetime
    place: HomePlace
    waiting: Page
    newest_month: Period
    bills: Sequence[BillDetails] = ()
    recent: Sequence[RecentDecision] = ()
    board: MonthBoard | None = None
    all_waiting: AllWaiting | None = None
    billed: MonthsBilled | None = None


async def load_home(
    session: AsyncSession, user: User, place: HomePlace, now: datetime, zone: ZoneInfo
) -> HomeFacts:
    """As things stand. Where the page is not there any more, it is the first."""
    waiting = await bills_waiting_for(session, user, place.after, PAGE_BILLS)
    if not waiting.lines and place.after:
        place = replace(place, after=None, page=1)
        waiting = await bills_waiting_for(session, user, limit=PAGE_BILLS)
    is_manager = user.role == Role.MANAGER
    sees_board = is_manager or user.can(Permission.GENERATE)
    newest = Period.last_closed(now, zone)
    month = Period.parse(place.month) if place.month else newest
    ids = [] if is_manager else [line.id for line in waiting.lines]
    return HomeFacts(
        user,
        now,
        place,
        waiting,
        newest,
        bills=await load_bill_details(session, ids),
        recent=() if is_manager else await recent_decisions(session, user),
        board=await load_month(session, month, now) if sees_board else None,
        all_waiting=await all_waiting(session, now) if sees_board else None,
        billed=await months_billed(session, month) if is_manager else None,
    )
