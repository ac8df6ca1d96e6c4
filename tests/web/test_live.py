"""An open page hears of what moves on it, and of nothing else."""

import re
from collections.abc import Awaitable, Callable
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from models.db.database import Database
from models.people.users import User
from models.webhooks.delivery import AttemptOutcome, record_outcomes
from models.webhooks.events import Event
from models.webhooks.keeping import add_webhook, change_webhook, send_test
from tests.harness.browser_side import BrowserSide, Visitor, browser_side
from tests.harness.cast import People
from tests.harness.scene import OCTOBER, act, add_customer, generate, record_usage
from tests.harness.slack_people import NOW

HERE = "https://8.8.8.8/bills"
Change = Callable[[AsyncSession], Awaitable[object]]


async def _asked(visitor: Visitor, path: str) -> tuple[str, dict[str, dict[str, str]]]:
    """Where the open page asks, and what it says there that it knows."""
    shown = (await visitor.get(path)).text
    [(address, version)] = re.findall(r'data-live="([^"]+)" data-version="([^"]+)"', shown)
    assert re.search(r'id="[\w-]+"[^>]* data-live-part', shown), path
    return address, {"headers": {"If-None-Match": f'"{version}"'}}


async def test_each_page_hears_of_its_own_matters(
    served: BrowserSide, people: People, db: Database
) -> None:
    async with db.transaction() as session:
        ana = act(people.ana)
        acme = await add_customer(session, "Acme Corp")
        other = await add_customer(session, "Other Ltd")
        webhook, _ = await add_webhook(session, ana, HERE, [Event.SENT])
        sent = await send_test(session, ana, webhook.id)

    def went_out(session: AsyncSession) -> Awaitable[object]:
        down = AttemptOutcome(sent.id, NOW, 12, 503, "Down")
        return record_outcomes(session, webhook.id, [down], NOW, 10)

    async def newcomer(session: AsyncSession) -> None:
        session.add(User(name="Newcomer"))

    customer = f"/customers/{acme.id}"
    others = f"/customers/{other.id}"
    one = f"/webhooks/{webhook.id}"
    changes: list[tuple[str, str, Change]] = [
        (customer, others, lambda session: record_usage(session, acme, OCTOBER.plus(-1), 175_000)),
        (customer, others, lambda session: generate(session, ana, customer_id=acme.id)),
        (f"{one}/deliveries/{sent.id}", "/people", went_out),
        (one, customer, lambda session: send_test(session, ana, webhook.id)),
        ("/webhooks", customer, lambda session: change_webhook(
            session, ana, webhook.id, paused=True)),
        ("/people", "/webhooks", newcomer),
    ]  # fmt: skip
    visitor = await served.signed_in(people.ana)
    for path, elsewhere, change in changes:
        address, known = await _asked(visitor, path)
        unmoved, still_known = await _asked(visitor, elsewhere)
        assert (await visitor.get(address, **known)).status == 304, path
        async with db.transaction() as session:
            await change(session)
        assert (await visitor.get(address, **known)).status == 204, path
        assert (await visitor.get(unmoved, **still_known)).status == 304, elsewhere


async def test_health_is_looked_at_anew_every_minute(people: People, db: Database) -> None:
    now = NOW
    async with browser_side(db, now=lambda: now) as served:
        ana = await served.signed_in(people.ana)
        address, known = await _asked(ana, "/settings")
        assert (await ana.get(address, **known)).status == 304
        now += timedelta(minutes=1)
        assert (await ana.get(address, **known)).status == 204
