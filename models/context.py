"""Who does something, when, from where, and under which settings of the company."""

from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum

from sqlalchemy.ext.asyncio import AsyncSession

from models.people.users import User, system_user
from models.settings import BillingSettings


class Source(StrEnum):
    SLACK = "slack"
    WEB = "web"
    API = "api"
    CLI = "cli"
    CLOCK = "clock"


@dataclass(frozen=True)
class Context:
    """Who does something, when, from where, and under which rules of the company."""

    user: User
    now: datetime
    source: Source
    settings: BillingSettings = field(default_factory=BillingSettings)

    @property
    def today(self) -> date:
        return self.now.astimezone(self.settings.zone).date()

    @property
    def send_due(self) -> datetime:
        """When a bill that is sent now is issued; until then it can be called back."""
        return self.now + timedelta(minutes=self.settings.send_delay_minutes)


async def system_context(
    session: AsyncSession, now: datetime, source: Source, settings: BillingSettings | None = None
) -> Context:
    return Context(await system_user(session), now, source, settings or BillingSettings())


async def as_system(session: AsyncSession, context: Context) -> Context:
    """The same act as Countersign's own: `system` did it, when and from where it was caused."""
    return replace(context, user=await system_user(session))
