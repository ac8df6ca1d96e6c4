"""What a webhook is sent: drawn from the record of the action alone, which never changes.

So an event reads the same whenever it is sent, however far its bill is by then.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.money import round_amount
from models.period import Period
from models.webhooks.webhooks import WebhookDelivery

BILL = (
    *("customer_id", "year", "month", "kind", "api_usage", "monthly_api_limit", "overage_units"),
    *("overage_unit_cost", "currency", "status", "hold_reason", "number", "replaces_id"),
    "adjusts_id",
)
"""Of a bill's figures, as the JSON API calls them too; money is text."""

ACTION = ("id", "action", "stakeholder_id", "acted_for_id", "reverses_id", "source", "comment")


async def payloads_of(
    session: AsyncSession, deliveries: Sequence[WebhookDelivery]
) -> dict[int, str]:
    """The body of each of these deliveries, by its id."""
    action_ids = [one.action_id for one in deliveries if one.action_id is not None]
    found = await session.execute(_ACTIONS, {"ids": action_ids}) if action_ids else ()
    actions = {row.id: row._mapping for row in found}
    return {
        one.id: _event(one.event, actions[one.action_id])
        if one.action_id is not None
        else _body(one.event, one.created_at, {"webhook_id": one.webhook_id})
        for one in deliveries
    }


_ACTIONS = sa.text("""
select a.*, standing.figures
from bill_actions a
cross join lateral (
    select s.snapshot -> 'after' as figures from bill_actions s
    where s.bill_id = a.bill_id and s.bill_version <= a.bill_version and s.id <= a.id
      and s.snapshot ? 'after'
    order by s.bill_version desc, s.id desc limit 1) standing
where a.id = any(:ids)
""")


def _event(event: str, action: Mapping[Any, Any]) -> str:
    figures = action["figures"]
    bill = {"id": action["bill_id"], "version": action["bill_version"]}
    bill |= {name: figures.get(name) for name in BILL}
    bill["period"] = str(Period(figures["year"], figures["month"]))
    bill["overage_amount"] = _amount(figures["overage_amount"], figures["currency"])
    told = {name: action[name] for name in ACTION}
    for name in ("reason_code", "corrected_by", "mailed_by", "link_of"):
        told[name] = action["snapshot"].get(name)
    told["of_copy"] = action["snapshot"].get("of_copy", False)
    return _body(event, action["created_at"], {"bill": bill, "action": told})


def _amount(told: str | None, currency: str) -> str | None:
    return None if told is None else f"{round_amount(Decimal(told), currency):f}"


def _body(event: str, at: datetime, data: Mapping[str, Any]) -> str:
    moment = at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    told = {"type": event, "timestamp": moment, "data": data}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))
