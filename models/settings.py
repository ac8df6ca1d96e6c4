"""The company's own settings, as far as the rules of billing depend on them."""

from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

CHUNK_CUSTOMERS = 50_000
MOST_AT_ONCE = 1_000
MOST_LINK_DAYS = 3_650
UTC = ZoneInfo("UTC")
AWAY_STATUSES = "palm_tree,face_with_thermometer"
"""What Slack itself offers: "Vacationing" and "Out sick"."""


@dataclass(frozen=True)
class Company:
    """Whoever bills, as documents show it. `payment_days` and `locale` are for
    customers who have none of their own.
    """

    name: str
    address: str | None = None
    country: str | None = None
    tax_id: str | None = None
    payment_days: int = 30
    payment_note: str | None = None
    locale: str = "en"


@dataclass(frozen=True)
class MonthEnd:
    """When a month is billed: on that `day` of the next one, or its last where it has fewer, from
    `hour` on in the company's zone. `automatic`: without anybody's word.
    """

    day: int
    hour: int = 9
    automatic: bool = False


@dataclass(frozen=True)
class BillingSettings:
    """`jump_factor` None holds no jump; `zone` counts the company's days.

    `most_at_once`: what looks at more customers or bills than so many is not for a waiting person.
    `max_share_to_zero`: of the customers with recorded calls, what part a pull may leave with none.
    `pull_minutes`: for how long an engine may work on a query.
    `warehouse_files`: folders whose files an embedded engine may read; None: nobody has said.
    `lookback_months`: how many closed months are corrected when their usage comes late.
    `send_delay_minutes`: for how long a bill that is being sent can be called back.
    `mail_from`: in whose name letters are that are written from now on.
    `can_mail`: whether there is a mail server to send bills with, or a dry run that needs none.
    `own_template`: whether documents are drawn by a template of the company's own, of whose fonts
    nothing is known.
    `webhook_hosts`: hosts on the company's own networks that webhooks may go to.
    `month_end`: when months are billed by themselves; None: they are not.
    `pull_hour`: from when on in the company's day its sources of usage are asked.
    `days_off`: days on which nobody is reminded, or told of the week; None: Saturdays and Sundays.
    `away_statuses`: the emojis of statuses in Slack that say that somebody is away.
    `public_url`: where customers reach the pages, without a slash at its end; None: nowhere.
    `usage_link_days`: how long links of theirs are good; 0: there are none.
    `company`: as documents that are issued now show it.
    """

    approvals_channel: str | None = None
    jump_factor: float | None = None
    chunk_customers: int = CHUNK_CUSTOMERS
    most_at_once: int = MOST_AT_ONCE
    lookback_months: int = 2
    max_share_to_zero: float = 0.1
    pull_minutes: float = 60
    warehouse_files: tuple[str, ...] | None = None
    send_delay_minutes: float = 5
    zone: ZoneInfo = UTC
    can_mail: bool = True
    mail_from: str | None = None
    own_template: bool = False
    webhook_hosts: frozenset[str] = frozenset()
    month_end: MonthEnd | None = None
    pull_hour: int = 4
    days_off: frozenset[date] | None = None
    away_statuses: frozenset[str] = frozenset(AWAY_STATUSES.split(","))
    public_url: str | None = None
    usage_link_days: int = 90
    company: Company = Company("")
