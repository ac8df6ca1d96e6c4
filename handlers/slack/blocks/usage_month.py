"""Of one month of usage: where its figure came from, and its days."""

from collections.abc import Sequence

from handlers.slack.blocks.block_kit import (
    Block,
    SlackMessage,
    as_lines,
    message,
    paragraph,
    table,
)
from handlers.slack.blocks.charts import data_table
from handlers.wording.days_text import days_finding
from handlers.wording.formatting import day, number, period_name
from handlers.wording.origin_text import origin_text
from models.period import Period
from models.usage.days import CountedDay
from models.usage.origins import FigureOrigin

COLUMNS = ("Day", "Calls", "Over the limit")
FOOT = ("actions", "context")
TABLES = ("data_table", "table")


def with_month(
    shown: SlackMessage,
    customer: str,
    period: Period,
    origin: FigureOrigin | None,
    days: Sequence[CountedDay],
) -> SlackMessage:
    """A report of usage with what is known of that month above its notes and buttons."""
    whence = [paragraph(f"{period_name(period)}: ", *origin_text(origin))] if origin else []
    if days:
        return _with_days(shown, whence, days_finding(customer, period, days), days)
    older = None if shown.older is None else _above_foot(shown.older, whence)
    return message(shown.text, _above_foot(shown.blocks, whence), older)


def _with_days(
    shown: SlackMessage, whence: Sequence[Block], finding: str, days: Sequence[CountedDay]
) -> SlackMessage:
    """Slack takes one table a message, and this one is of days."""
    rows: list[tuple[str, int, int]] = [(day(one.day), one.calls, one.over_calls) for one in days]
    plain = [[what, number(calls), number(over)] for what, calls, over in rows]
    told = [*whence, paragraph(finding)]
    others = [block for block in shown.blocks if block["type"] not in TABLES]
    older = [as_lines(one) if one["type"] == "table" else one for one in shown.older or others]
    return message(
        shown.text,
        _above_foot(others, [*told, data_table(finding, COLUMNS, rows)]),
        _above_foot(older, [*told, table(COLUMNS, plain, right=[1, 2])]),
    )


def _above_foot(blocks: Sequence[Block], more: Sequence[Block]) -> list[Block]:
    end = len(blocks)
    while end and blocks[end - 1]["type"] in FOOT:
        end -= 1
    return [*blocks[:end], *more, *blocks[end:]]
