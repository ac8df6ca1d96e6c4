"""Who could decide in somebody's place, and who of them was meant by what a person typed."""

from collections.abc import Sequence
from datetime import date

import sqlalchemy as sa
from rapidfuzz import fuzz, process
from sqlalchemy.ext.asyncio import AsyncSession

from models.errors import Ambiguous
from models.people.permissions import APPROVER_ROLES
from models.people.users import User

CHOICES = 5
ALIKE = 65.0
"""From this likeness on, of 100, a name may be the one that was meant."""


async def stand_ins(session: AsyncSession, user: User, today: date) -> Sequence[User]:
    """Those who could decide in this person's place today, in alphabetical order."""
    able = (User.active, User.role.in_(APPROVER_ROLES), User.slack_user_id.is_not(None))
    here = sa.or_(User.away_until.is_(None), User.away_until < today)
    query = sa.select(User).where(*able, here, User.id != user.id).order_by(User.name_key)
    return (await session.scalars(query)).all()


def nobody_called(typed: str, known: Sequence[User]) -> Ambiguous:
    """The refusal of a name that nobody has, with those of `known` that are the nearest."""
    called = typed.removeprefix("@")
    found = process.extract(
        called,
        [one.name for one in known],
        scorer=fuzz.WRatio,
        processor=str.casefold,
        score_cutoff=ALIKE,
        limit=CHOICES,
    )
    near = [name for name, *_ in found]
    hint = "Did you mean one of these?" if near else "Mention somebody who may approve."
    return Ambiguous(f"Countersign does not know anybody called “{called}”. {hint}", near, typed)
