"""The Home tabs that people look at: where each of them is, and whose shows something else now."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from models.db.columns import Base
from models.outbox.jobs import Task, defer_each
from models.people.users import User

LOOKED_AT_H = 12
"""So many hours after somebody opened or used their Home it is kept up to date."""

TOGETHER_S = 3
"""What changes within so many seconds is shown at once."""

A_MINUTE = 50
"""So many Homes are drawn in a minute where nobody clicked, however many are looked at."""


class Home(Base):
    """The Home tab of one person. `place`: what of it they look at."""

    __tablename__ = "homes"

    user_id: Mapped[int] = mapped_column(sa.BigInteger, sa.ForeignKey(User.id), primary_key=True)
    place: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    opened_at: Mapped[datetime] = mapped_column(server_default=sa.func.now())


@dataclass(frozen=True)
class HomePlace:
    """What somebody looks at on their Home: the bills `after` that place, which are a `page`, and
    the board of a `month`, None being the last that is over.

    `selected`: the bills that were ticked when they turned the page, each in the version that was
    shown. `ticking` goes up whenever we set the ticks and not they.
    """

    after: str | None = None
    page: int = 1
    month: str | None = None
    selected: Mapping[int, int] = field(default_factory=dict)
    ticking: int = 0


async def place_of(session: AsyncSession, user_id: int) -> HomePlace:
    """Where this person is on their Home; at its beginning, if they have not used it of late."""
    kept = await session.scalar(_PLACE, {"user_id": user_id, "hours": LOOKED_AT_H}) or {}
    selected = {int(bill_id): version for bill_id, version in kept.get("selected", {}).items()}
    return HomePlace(
        kept.get("after"), kept.get("page", 1), kept.get("month"), selected, kept.get("ticking", 0)
    )


_OF_LATE = "opened_at > now() - make_interval(hours => :hours)"
_PLACE = sa.text(f"select place from homes where user_id = :user_id and {_OF_LATE}")


async def look_at(session: AsyncSession, user_id: int, place: HomePlace) -> None:
    """From now on they look at this place of it, and see there what changes."""
    values = {"place": asdict(place), "opened_at": sa.func.now()}
    query = insert(Home).values(user_id=user_id, **values)
    await session.execute(query.on_conflict_do_update(index_elements=["user_id"], set_=values))


async def refresh_homes(session: AsyncSession, bill_ids: Sequence[int]) -> None:
    """Have those Homes drawn anew that show any of these bills, or what bills come to."""
    await _refresh(session, _SHOWING, {"bill_ids": list(bill_ids)})


async def refresh_all_homes(session: AsyncSession) -> None:
    """The same after so much has changed, or who does what, that it is everybody's."""
    await _refresh(session, _LOOKED_AT, {})


async def _refresh(session: AsyncSession, which: sa.TextClause, values: dict[str, Any]) -> None:
    """After a moment, so that what comes together is drawn together; of many one after another."""
    found = (await session.execute(which, {"hours": LOOKED_AT_H, **values})).all()
    gap_s = 60 / A_MINUTE
    for place, (user_id, last_s) in enumerate(found):
        first_s = 0.0 if last_s is None else float(last_s) + gap_s
        calls = {f"home:{user_id}": {"user_id": user_id}}
        wait_s = max(TOGETHER_S, math.floor(first_s + place * gap_s))
        await defer_each(session, Task.PUBLISH_HOME, calls, wait_s)


# But for those that are to be drawn anyway, behind the last of which the others come.
_HOMES = f"""
with looked_at as (
    select user_id, opened_at, (
        select max(coalesce(j.scheduled_at, now())) from procrastinate_jobs j
        where j.lock = 'home:' || user_id and j.status = 'todo') as promised_at
    from homes where {_OF_LATE})
select h.user_id, (
    select extract(epoch from max(promised_at) - now()) from looked_at) as last_s
from looked_at h join users u on u.id = h.user_id
where h.promised_at is null
"""

_LOOKED_AT = sa.text(f"{_HOMES} order by h.opened_at desc")

_SHOWING = sa.text(f"""
{_HOMES} and (
    u.role in ('Finance', 'Manager')
    or exists (select from approvers a where a.bill_id = any(:bill_ids)
               and (a.delegate_id = u.id or a.role = u.role and coalesce(a.user_id, u.id) = u.id))
    or exists (select from bill_actions a
               where a.bill_id = any(:bill_ids) and a.stakeholder_id = u.id))
order by h.opened_at desc
""")
