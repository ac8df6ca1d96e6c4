"""What every request of the browser side needs of the running program."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit

from fastapi import Request

from handlers.wording.health_text import Check
from models.db.database import Database
from models.people.passwords import Passwords
from models.settings import BillingSettings

SlackMember = Callable[[str], Awaitable[object]]
"""Refuses an id of Slack's that is nobody's of this workspace, and where Slack does not answer."""

Checks = Callable[[], Awaitable[Sequence[Check]]]


async def _no_checks() -> Sequence[Check]:
    return ()


@dataclass(frozen=True, kw_only=True)
class HttpServices:
    """`public_url`: where people reach the pages, without a slash at its end; `slack_url`: where
    they reach the workspace, with one, empty where nobody knows. `settings` are told without
    secrets, and `checks` are what the program looks at beside the database. `mailbox`: the name of
    the one that replies to bills come to, `finance_slack_ids` who is meant to belong to Finance.
    `slack_member` None:
    there is no Slack to ask.
    """

    db: Database
    now: Callable[[], datetime]
    billing: BillingSettings
    public_url: str
    slack_url: str = ""
    slack_member: SlackMember | None = None
    passwords: Passwords = field(default_factory=Passwords)
    settings: Sequence[tuple[str, str]] = ()
    mailbox: str | None = None
    finance_slack_ids: Sequence[str] = ()
    checks: Checks = _no_checks

    @property
    def is_secure(self) -> bool:
        """Whether cookies may travel under https only."""
        return self.public_url.startswith("https:")

    @property
    def host(self) -> str:
        """Host and port as browsers write them into `Origin`."""
        return urlsplit(self.public_url).netloc


def services_of(request: Request) -> HttpServices:
    found: HttpServices = request.app.state.services
    return found
