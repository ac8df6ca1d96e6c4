"""Who may ask for which route: one row a route, and a new route without a row fails.

Letters: F Finance, C Kim of Customer Success, S Sam of Sales, M the manager, N somebody without a
role, O somebody whose account is switched off, X nobody who is signed in. Kim and Sam decide on
"own"; on "other" Lee does. O and X are refused with 401 (a page sends them to /welcome), whoever
else is not named with 403, or with 404 where the route `hides` what is not theirs.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

EVERYBODY = "FCSMNOX"
SIGNED_IN = "FCSMN"
WITH_A_ROLE = "FCSM"
FINANCE = "F"


@dataclass(frozen=True)
class Row:
    """`may`: who is let in, a set of letters; or, by what the address is about, such a set each.

    `asked`: what goes along, as aiohttp takes it; it may be wrong, since whoever is let in is told
    so only then. `lacks`: there is nothing to answer with in these tests, so that whoever is let in
    is told 404.
    """

    route: str
    may: str | Mapping[str, str]
    asked: Mapping[str, Any] = field(default_factory=dict)
    hides: bool = False
    lacks: bool = False

    def of(self) -> Mapping[str, str]:
        return {"own": self.may} if isinstance(self.may, str) else self.may


_SEEN = {"json": {"version": 1}}
_WHY = {"json": {"version": 1, "reason": "So it is"}}
_REJECTED = {"json": {"version": 1, "reason": "So it is", "reason_code": "other"}}
_TOLD = {"address": "https://8.8.8.8/hook", "events": ["bill.sent"]}
_SINCE = {"since": "2026-11-01T00:00:00Z"}
_TO_NOBODY = {"json": {"version": 1, "user_id": 1}}
_SAYS = {"json": {"comment": "Hm"}}
_AS_CSV = {"data": "name\n", "headers": {"Content-Type": "text/csv"}}
_ASKED = {"own": "CS", "other": ""}
"""Those whose word a bill needs."""

_OWN_WORDS = {"own": "C", "other": "S", "second": "F"}
"""Whose comment that is."""

_MINE, _MINE_TOO = {"own": "C", "other": ""}, {"second": "C", "other": ""}

API = (
    Row("POST /api/session", EVERYBODY, {"json": {}}),
    Row("GET /api/session", SIGNED_IN),
    Row("GET /api/openapi.json", EVERYBODY),
    Row("DELETE /api/session", SIGNED_IN),
    Row("GET /api/sessions", SIGNED_IN),
    Row("GET /api/sessions.csv", SIGNED_IN),
    Row("DELETE /api/sessions/{device_id}", _MINE, hides=True),
    Row("PUT /api/password", SIGNED_IN, {"json": {}}),
    Row("GET /api/tokens", SIGNED_IN),
    Row("GET /api/tokens.csv", SIGNED_IN),
    Row("POST /api/tokens", SIGNED_IN, {"json": {}}),
    Row("DELETE /api/tokens/{token_id}", _MINE, hides=True),
    Row("POST /api/users", EVERYBODY, {"json": {}}),
    Row("GET /api/users", FINANCE),
    Row("GET /api/users.csv", FINANCE),
    Row("GET /api/users/{user_id}", WITH_A_ROLE),
    Row("PATCH /api/users/{user_id}", FINANCE, {"json": {}}),
    Row("GET /api/bills", WITH_A_ROLE),
    Row("POST /api/bills", FINANCE, {"json": {"year": 2026, "month": 10, "dry_run": True}}),
    Row("GET /api/bills.csv", WITH_A_ROLE),
    Row("GET /api/bills/{bill_id}", WITH_A_ROLE),
    Row("GET /api/bills/{bill_id}/invoice.pdf", WITH_A_ROLE, lacks=True),
    Row("GET /api/bills/{bill_id}/links", FINANCE),
    Row("GET /api/bills/{bill_id}/links.csv", FINANCE),
    Row("POST /api/bills/{bill_id}/links", FINANCE),
    Row("DELETE /api/bills/{bill_id}/links", FINANCE),
    Row("PATCH /api/bills/{bill_id}/approve", _ASKED, _SEEN),
    Row("PATCH /api/bills/{bill_id}/reject", _ASKED, _REJECTED),
    Row("PATCH /api/bills/{bill_id}/undo", "FCS", _WHY),
    Row("PATCH /api/bills/{bill_id}/revise", FINANCE, _WHY),
    Row("PATCH /api/bills/{bill_id}/send", FINANCE, _SEEN),
    Row("PATCH /api/bills/{bill_id}/deliver", FINANCE, _WHY),
    Row("PATCH /api/bills/{bill_id}/void", FINANCE, _WHY),
    Row("PATCH /api/bills/{bill_id}/release", FINANCE, _WHY),
    Row("PATCH /api/bills/{bill_id}/reissue", FINANCE, _WHY),
    Row("PATCH /api/bills/{bill_id}/reassign", FINANCE, _TO_NOBODY),
    Row("POST /api/bills/{bill_id}/comments", "FCS", _SAYS),
    Row("PATCH /api/bills/{bill_id}/comments/{comment_id}", _OWN_WORDS, _SAYS),
    Row("GET /api/customers", WITH_A_ROLE),
    Row("GET /api/customers.csv", WITH_A_ROLE),
    Row("GET /api/customers/{customer_id}", WITH_A_ROLE),
    Row("POST /api/customers", FINANCE, {"json": {"name": "Cone", "monthly_api_limit": 1}}),
    Row("PATCH /api/customers/{customer_id}", FINANCE, {"json": {"tax_id": "DE1"}}),
    Row("GET /api/usage", WITH_A_ROLE),
    Row("GET /api/usage.csv", WITH_A_ROLE),
    Row("PUT /api/usage", FINANCE, {"json": []}),
    Row("PUT /api/customers", FINANCE, _AS_CSV),
    Row("PUT /api/users", FINANCE, _AS_CSV),
    Row("PUT /api/absence", "CS", {"json": {}}),
    Row("DELETE /api/absence", "CS"),
    Row("GET /api/sources", FINANCE),
    Row("GET /api/sources.csv", FINANCE),
    Row("POST /api/sources", FINANCE, {"json": {"name": "Events", "url": "x", "query": "x"}}),
    Row("GET /api/sources/{source_id}", FINANCE),
    Row("PATCH /api/sources/{source_id}", FINANCE, {"json": {"switched_off": False}}),
    Row("POST /api/sources/{source_id}/check", FINANCE, {"json": {"month": "2026-10"}}),
    Row("POST /api/sources/{source_id}/pull", FINANCE, {"json": {"month": "2026-10"}}),
    Row("GET /api/sources/{source_id}/pulls", FINANCE),
    Row("GET /api/sources/{source_id}/pulls.csv", FINANCE),
    Row("GET /api/sources/{source_id}/pulls/{pull_id}", FINANCE),
    Row("DELETE /api/sources/{source_id}", FINANCE),
    Row("GET /api/webhooks", FINANCE),
    Row("GET /api/webhooks.csv", FINANCE),
    Row("POST /api/webhooks", FINANCE, {"json": _TOLD}),
    Row("GET /api/webhooks/{webhook_id}", FINANCE),
    Row("PATCH /api/webhooks/{webhook_id}", FINANCE, {"json": {"paused": False}}),
    Row("POST /api/webhooks/{webhook_id}/secret", FINANCE),
    Row("POST /api/webhooks/{webhook_id}/test", FINANCE),
    Row("POST /api/webhooks/{webhook_id}/send-again", FINANCE, {"json": _SINCE}),
    Row("GET /api/webhooks/{webhook_id}/deliveries", FINANCE),
    Row("GET /api/webhooks/{webhook_id}/deliveries.csv", FINANCE),
    Row("GET /api/webhooks/{webhook_id}/deliveries/{delivery_id}", FINANCE),
    Row("POST /api/webhooks/{webhook_id}/deliveries/{delivery_id}/send-again", FINANCE),
    Row("DELETE /api/webhooks/{webhook_id}", FINANCE),
)

_ON_PAGE = {"data": {"version": "1", "reason": "So it is", "reason_code": "other"}}
_PERMITTED = {
    "approve": "CS",
    "reject": "CS",
    "undo": "FCS",
    "revise": FINANCE,
    "send": FINANCE,
    "deliver": FINANCE,
    "void": FINANCE,
    "release": FINANCE,
    "reissue": FINANCE,
    "reassign": FINANCE,
}

PAGES = (
    Row("GET /", EVERYBODY),
    Row("POST /sign-out", EVERYBODY),
    Row("GET /api/docs", EVERYBODY),
    Row("GET /welcome", EVERYBODY),
    Row("POST /welcome/sign-in", EVERYBODY, {"data": {}}),
    Row("GET /u/{token}", EVERYBODY, lacks=True),
    Row("POST /u/{token}", EVERYBODY, lacks=True),
    Row("GET /sign-in/{token}", EVERYBODY),
    Row("POST /sign-in/{token}", EVERYBODY),
    Row("POST /welcome/sign-up", EVERYBODY, {"data": {}}),
    Row("GET /access", SIGNED_IN),
    Row("GET /access/live", SIGNED_IN),
    Row("POST /access", SIGNED_IN),
    Row("GET /account", SIGNED_IN),
    Row("POST /account/away", "CS", {"data": {"until": "x"}}),
    Row("POST /account/back", "CS"),
    Row("POST /account/password", SIGNED_IN, {"data": {}}),
    Row("POST /account/devices/{device_id}/sign-out", _MINE_TOO, hides=True),
    Row("POST /account/tokens", SIGNED_IN, {"data": {"name": "another"}}),
    Row("POST /account/tokens/{token_id}/revoke", _MINE_TOO, hides=True),
    Row("GET /people", FINANCE),
    Row("GET /people/{user_id}", FINANCE),
    Row("POST /people/{user_id}", FINANCE, {"data": {"role": "Boss"}}),
    Row("GET /people/{user_id}/role", FINANCE),
    Row("POST /people/{user_id}/link", FINANCE),
    Row("POST /people/{user_id}/role", FINANCE, {"data": {}}),
    Row("POST /people/{user_id}/decline", FINANCE),
    Row("GET /customers", WITH_A_ROLE),
    Row("GET /customers.csv", WITH_A_ROLE),
    Row("GET /customers/{customer_id}", WITH_A_ROLE),
    Row("GET /month", WITH_A_ROLE),
    Row("GET /settings", FINANCE),
    Row("GET /month/{month}", WITH_A_ROLE),
    Row("GET /month/{month}/live", WITH_A_ROLE),
    Row("GET /month/{month}/send/{list_id}/live", FINANCE),
    Row("GET /month/{month}/generate", FINANCE),
    Row("POST /month/{month}/generate", FINANCE),
    Row("GET /month/{month}/send", FINANCE),
    Row("POST /month/{month}/send", FINANCE),
    Row("GET /month/{month}/send/{list_id}", FINANCE),
    Row("POST /month/{month}/send/{list_id}", FINANCE),
    Row("POST /month/{month}/send/{list_id}/retry", FINANCE),
    Row("GET /customers/new", FINANCE),
    Row("POST /customers/new", FINANCE, {"data": {"name": "Dune", "monthly_api_limit": "1"}}),
    Row("GET /customers/{customer_id}/edit", FINANCE),
    Row("POST /customers/{customer_id}/edit", FINANCE, {"data": {"name": ""}}),
    Row("GET /customers/{customer_id}/usage/{period}", FINANCE),
    Row("POST /customers/{customer_id}/usage/{period}", FINANCE, {"data": {"api_usage": "x"}}),
    Row("GET /import", FINANCE),
    Row("POST /import", FINANCE, {"data": {"book": "usage"}}),
    Row("GET /import/{file_id}", FINANCE),
    Row("POST /import/{file_id}", FINANCE),
    Row("GET /sources", FINANCE),
    Row("GET /sources/new", FINANCE),
    Row("POST /sources/new", FINANCE),
    Row("GET /sources/{source_id}", FINANCE),
    Row("GET /sources/{source_id}/edit", FINANCE),
    Row("POST /sources/{source_id}/edit", FINANCE),
    Row("POST /sources/{source_id}/months/{month}/check", FINANCE),
    Row("POST /sources/{source_id}/months/{month}/pull", FINANCE),
    Row("GET /sources/{source_id}/pulls/{pull_id}", FINANCE),
    Row("GET /sources/{source_id}/off", FINANCE),
    Row("POST /sources/{source_id}/off", FINANCE),
    Row("POST /sources/{source_id}/on", FINANCE),
    Row("GET /webhooks", FINANCE),
    Row("GET /webhooks/new", FINANCE),
    Row("POST /webhooks/new", FINANCE),
    Row("GET /webhooks/{webhook_id}", {"other": FINANCE}),
    Row("GET /webhooks/{webhook_id}/edit", {"other": FINANCE}),
    Row("POST /webhooks/{webhook_id}/edit", {"other": FINANCE}),
    Row("POST /webhooks/{webhook_id}/pause", {"other": FINANCE}),
    Row("POST /webhooks/{webhook_id}/resume", {"other": FINANCE}),
    Row("POST /webhooks/{webhook_id}/test", {"other": FINANCE}),
    Row("POST /webhooks/{webhook_id}/secret", {"other": FINANCE}),
    Row("POST /webhooks/{webhook_id}/send-again", {"other": FINANCE}),
    Row("GET /webhooks/{webhook_id}/deliveries/{delivery_id}", {"other": FINANCE}),
    Row("POST /webhooks/{webhook_id}/deliveries/{delivery_id}/send-again", {"other": FINANCE}),
    Row("GET /webhooks/{webhook_id}/delete", {"other": FINANCE}),
    Row("POST /webhooks/{webhook_id}/delete", {"other": FINANCE}),
    Row("GET /static/{digest}/{name}", EVERYBODY),
    Row("GET /live", WITH_A_ROLE),
    Row("GET /live/customers/{customer_id}", WITH_A_ROLE),
    Row("GET /live/people", FINANCE),
    Row("GET /live/sources", FINANCE),
    Row("GET /live/webhooks", FINANCE),
    Row("GET /live/deliveries/{delivery_id}", FINANCE),
    Row("GET /live/health", FINANCE),
    Row("GET /dashboard", WITH_A_ROLE),
    Row("GET /dashboard/approve", "CS"),
    Row("POST /dashboard/approve", "CS", {"data": {"bill": "1-1"}}),
    Row("GET /dashboard/send", FINANCE),
    Row("POST /dashboard/send", FINANCE, {"data": {"bill": "1-1"}}),
    Row("GET /dashboard/send/{list_id}", FINANCE),
    Row("POST /dashboard/send/{list_id}", FINANCE),
    Row("POST /dashboard/send/{list_id}/retry", FINANCE),
    Row("GET /dashboard/send/{list_id}/live", FINANCE),
    Row("GET /bills/{bill_id}", WITH_A_ROLE),
    Row("POST /bills/{bill_id}/link", FINANCE),
    Row("GET /bills/{bill_id}/link/revoke", FINANCE),
    Row("POST /bills/{bill_id}/link/revoke", FINANCE),
    Row("POST /bills/{bill_id}/comments", "FCS", {"data": {"comment": "Hm"}}),
    Row("GET /bills/{bill_id}/comments/{comment_id}", _OWN_WORDS),
    Row("POST /bills/{bill_id}/comments/{comment_id}", _OWN_WORDS, {"data": {"comment": ""}}),
    Row("POST /bills/{bill_id}/comments/{comment_id}/delete", _OWN_WORDS),
    *(
        Row(f"{method} /bills/{{bill_id}}/{verb}", _ASKED if may == "CS" else may, asked)
        for verb, may in _PERMITTED.items()
        for method, asked in (("GET", {}), ("POST", _ON_PAGE))
    ),
)

LAST = (
    Row("DELETE /api/bills/{bill_id}/comments/{comment_id}", _OWN_WORDS, lacks=True),
    Row("DELETE /api/sessions", SIGNED_IN),
    Row("POST /account/devices/sign-out", SIGNED_IN),
)
"""Which are about what others take away before, or take that away."""

ROWS = (*API, *PAGES, *LAST)
