"""What Finance does with webhooks, asked by page and API: all that is wrong is told at once."""

from collections.abc import Collection

from handlers.http.gate import HttpContext
from handlers.http.lookup import refuse_private_name
from models.errors import Faults
from models.webhooks import keeping
from models.webhooks.reading import find_webhook
from models.webhooks.webhooks import Webhook


async def add_webhook(
    context: HttpContext, address: str, events: Collection[str]
) -> tuple[Webhook, str]:
    """The webhook, and its secret, which is told once."""
    faults = Faults()
    with faults.noted():
        await refuse_private_name(address, context.settings.webhook_hosts)
    with faults.noted():
        added = await keeping.add_webhook(context.session, context, address, events)
    faults.refuse()
    return added


async def change_webhook(
    context: HttpContext,
    webhook_id: int,
    *,
    address: str | None = None,
    events: Collection[str] | None = None,
    paused: bool | None = None,
) -> Webhook:
    """Change what is given."""
    await find_webhook(context.session, webhook_id)
    faults, hosts = Faults(), context.settings.webhook_hosts
    with faults.noted():
        if address is not None:
            await refuse_private_name(address, hosts)
    with faults.noted():
        changed = await keeping.change_webhook(
            context.session, context, webhook_id, address=address, events=events, paused=paused
        )
    faults.refuse()
    return changed
