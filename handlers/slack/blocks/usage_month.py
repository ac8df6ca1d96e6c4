"""Of one month of usage: where its figure came from, and its days."""

from collections.abc import Sequence

from handlers.slack.blocks.block_kit import Block, SlackMessage, message, paragraph, table
from handlers.slack.blocks.charts import data_table
from handlers.wording.days_text import days_finding
from handlers.wording.formatting import day, number, period_name
from handlers.wording.origin_text import origin_text
from models.period import Period
from models.usage.days import CountedDay
from models.usage.origins import FigureOrigin

COLUMNS = ("Day", "Calls", "Over the limit")
FOOT = ("actions", "context")


def with_month(
    shown: SlackMessage,
    customer: str,
    period: Period,
    origin: FigureOrigin | None,
    days: Sequence[CountedDay],
) -> SlackMessage:
    """A report of usage with what is known of that month above its notes and buttons."""
    whence = [paragraph(f"{period_name(period)}: ", *origin_text(origin))] if origin else []
    finding = days_finding(customer, period, days) if days else ""
    told = [paragraph(finding)] if days else []
    rows: list[tuple[str, int, int]] = [(day(one.day), one.calls, one.over_calls) for one in days]
    new = [data_table(finding, COLUMNS, rows)] if days else []
    plain = [[what, number(calls), number(over)] for what, calls, over in rows]
    old = [table(COLUMNS, plain, right=[1, 2])] if days else []
    older = None if shown.older is None else _above_foot(shown.older, [*whence, *told, *old])
    return message(shown.text, _above_foot(shown.blocks, [*whence, *told, *new]), older)


def _above_foot(blocks: Sequence[Block], more: Sequence[Block]) -> list[Block]:
    end = len(blocks)
    while end and blocks[end - 1]["type"] in FOOT:
        end -= 1
    return [*blocks[:end], *more, *blocks[end:]]
