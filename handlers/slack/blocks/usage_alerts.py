"""Alerts about the usage of a running month: to the CSM, or in the customer's channel."""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from handlers.slack.blocks.action_ids import ActionId, pack
from handlers.slack.blocks.block_kit import (
    Block,
    Element,
    SlackMessage,
    actions,
    button,
    context,
    message,
    opening,
    paragraph,
)
from handlers.wording.addresses import customer_address
from handlers.wording.formatting import counted, number, period_name, slash
from handlers.wording.outlook_text import alert_text, forecast_text, outlook_name
from handlers.wording.rich_text import Sentence, bold, fallback_text
from models.queries.month_outlook import MonthOutlook

ALERTED_AT_MOST = 10


def usage_alerts_message(
    outlooks: Sequence[MonthOutlook], count: int, zone: ZoneInfo
) -> SlackMessage:
    """What was found about these customers, of `count` that there are."""
    if count == 1:
        return _one(outlooks[0], zone)
    month = period_name(outlooks[0].period)
    told = f"Usage in {month}: {counted(count, 'customer')} to look at."
    blocks = [block for one in outlooks for block in _of_several(one, zone)]
    more = count - len(outlooks)
    rest = [context(f"and {number(more)} more")] if more else []
    hint = paragraph("Type ", slash("usage NAME"), " to see the months of one.")
    return message(fallback_text(told), [paragraph(told), *blocks, *rest, hint])


def _of_several(outlook: MonthOutlook, zone: ZoneInfo) -> list[Block]:
    ahead = forecast_text(outlook, zone)
    return [paragraph(*_told(outlook)), *([context(ahead)] if ahead else [])]


def _one(outlook: MonthOutlook, zone: ZoneInfo) -> SlackMessage:
    told = [*_told(outlook)]
    ahead = forecast_text(outlook, zone)
    return message(
        fallback_text(*told),
        [
            paragraph(*told),
            *([context(ahead)] if ahead else []),
            *actions(*_page(outlook.customer_id)),
        ],
    )


def _told(outlook: MonthOutlook) -> Sentence:
    return (bold(outlook_name(outlook)), f" {alert_text(outlook)}")


def _page(customer_id: int) -> list[Element]:
    address = customer_address(customer_id)
    return [opening(button(ActionId.OPEN_PAGE, "Web page", pack()), address)] if address else []
