"""Who works in the company of the old databases, whom it bills, and what was used."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from models.people.permissions import Role
from models.period import Period

SEPTEMBER, OCTOBER, NOVEMBER, DECEMBER = (Period(2024, month) for month in (9, 10, 11, 12))
JANUARY = Period(2025, 1)

ROLES = {
    "Ana Reyes": Role.FINANCE,
    "Bo Winter": Role.FINANCE,
    "Kim Lund": Role.CSM,
    "Lee Marsh": Role.CSM,
    "Ole Brandt": Role.SALES,
    "Sam Field": Role.SALES,
    "Max Stone": Role.MANAGER,
}
ANA, BO, KIM, LEE, OLE, SAM, MAX = ROLES
NEWCOMER = "Nora Vale"
"""Asks for access, and gets a role in the end."""


def slack_id(name: str) -> str:
    """As in UANA."""
    return f"U{name.split(maxsplit=1)[0].upper()}"


PRICE = Decimal("0.10")


@dataclass(frozen=True)
class Account:
    """A customer with 100,000 calls included at `PRICE` each more, but for what `columns` say.

    `used`: thousands of calls in September, October, November, December and January; None where
    nothing is recorded.
    """

    name: str
    used: tuple[int | None, ...]
    csm: str | None = None
    sales: str | None = None
    columns: dict[str, Any] = field(default_factory=dict)

    def thousands(self, period: Period) -> int | None:
        months = (period.year - SEPTEMBER.year) * 12 + period.month - SEPTEMBER.month
        return self.used[months]


ALDER = "Alder Freight"
BIRCH = "Birch Analytics"
CEDAR = "Cedar Clinics"
DOGWOOD = "Dogwood Maps"
ELM = "Elm Räder GmbH"
FIR = "Fir & Sons"
GUM = "Gum Tree Labs"
HAZEL = "Hazel Tidal"
IVY = "Ivy Street Foods"
JUNIPER = "Juniper Games"
KELP = "Kelp “Cloud” O'Brien"
LARCH = "Larch Telecom"
MAPLE = "Maple Press"
MOSS = "Moss <Radio>"
WILLOWS = tuple(f"Willow {number:02}" for number in range(1, 27))
"""Small customers of one CSM: so many cards for her become a digest, so many bills a long list."""

BOTH = {"require_csm_approval": True, "require_sales_approval": True}
NAMED = (
    Account(
        ALDER, (80, 150, 160, 170, 180), KIM,
        columns={"require_csm_approval": True, "slack_channel_id": "CALDER",
                 "cc_emails": "books@alder.example", "country": "US",
                 "billing_address": "12 Harbor Lane\nPortland ME 04101"},
    ),
    Account(BIRCH, (90, 120, 130, 140, 150)),
    Account(CEDAR, (100, 140, 145, 150, 155), KIM, SAM, columns=BOTH),
    Account(
        DOGWOOD, (99, 130, 135, 140, 145), LEE,
        columns={"currency": "JPY", "overage_unit_cost": Decimal("0.35"), "locale": "ja"},
    ),
    Account(
        ELM, (50, 90, 95, 98, 99), KIM,
        columns={"currency": "EUR", "limit_proration": "daily", "start_date": date(2024, 10, 11),
                 "country": "DE", "tax_id": "DE123456789", "tax_rate_percent": Decimal(19),
                 "payment_days": 14},
    ),
    Account(FIR, (110, 115, 118, 119, 120), KIM, columns={"overage_unit_cost": None}),
    Account(GUM, (101, 103, 104, None, None), KIM, columns={"end_date": date(2024, 9, 30)}),
    Account(
        HAZEL, (100, 102, 107, 109, 111), sales=OLE,
        columns={"currency": "KWD", "overage_unit_cost": Decimal("0.0045"),
                 "require_sales_approval": True},
    ),
    Account(
        IVY, (100, 101, 102, 101, 102), LEE,
        columns={"overage_unit_cost": Decimal("0.0123456789"),
                 "auto_approve_below": Decimal(50)},
    ),
    Account(
        JUNIPER, (100, 125, 128, 131, 135), LEE, SAM,
        columns={"second_approval_above": Decimal(1000), "slack_channel_id": "CCLOSED"},
    ),
    Account(KELP, (100, 111, 112, 175, 180)),
    Account(LARCH, (100, 102, 150, 155, 160), LEE),
    Account(MAPLE, (100, 106, None, 107, 108), sales=SAM),
    Account(MOSS, (None, 100, 105, 106, 107), LEE,
            columns={"overage_unit_cost": None}),
)  # fmt: skip
ACCOUNTS = NAMED + tuple(Account(name, (None, 100, 101, 102, 103), LEE) for name in WILLOWS)
