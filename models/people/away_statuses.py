"""Statuses in Slack that say that somebody is away."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from models.dates import OPEN_END
from models.db.columns import Base
from models.people.users import User


class AwayStatus(Base):
    """The status of somebody that says that they are away, as Slack told it last.

    `is_followed`: it is why they are away here, and ends that; they have said nothing themselves.
    """

    __tablename__ = "away_statuses"

    user_id: Mapped[int] = mapped_column(sa.BigInteger, sa.ForeignKey(User.id), primary_key=True)
    emoji: Mapped[str]
    ends_at: Mapped[datetime | None]
    is_followed: Mapped[bool]

    @property
    def said(self) -> "StatusSaid":
        return StatusSaid(self.emoji, self.ends_at)


@dataclass(frozen=True)
class StatusSaid:
    """A status by its emoji, as in `palm_tree`; `ends_at` None: it stays until it is changed."""

    emoji: str
    ends_at: datetime | None

    def last_day(self, zone: ZoneInfo) -> date:
        """The last day away, where `zone` counts days; OPEN_END where none is known."""
        if self.ends_at is None:
            return OPEN_END
        return (self.ends_at - timedelta(seconds=1)).astimezone(zone).date()


MOST_S = datetime(9000, 1, 1, tzinfo=UTC).timestamp()


def read_away_status(
    profile: Mapping[str, Any], away: Collection[str], now: datetime
) -> StatusSaid | None:
    """The status of a profile as Slack writes it, if its emoji is one of `away` and it is not over;
    in any tone of skin.
    """
    emoji = str(profile.get("status_emoji") or "").strip(":").partition("::")[0]
    if emoji not in away:
        return None
    ends_s = profile.get("status_expiration")
    if not isinstance(ends_s, int) or not 0 < ends_s < MOST_S:
        return StatusSaid(emoji, None)
    ends_at = datetime.fromtimestamp(ends_s, UTC)
    return StatusSaid(emoji, ends_at) if ends_at > now else None
