"""A customer's usage: chart, table, open bills."""

from collections.abc import Sequence
from itertools import pairwise

from handlers.slack.blocks.action_ids import ActionId, pack
from handlers.slack.blocks.bill_list import MONTHS_CHARTED, MONTHS_SHOWN
from handlers.slack.blocks.block_kit import (
    Block,
    Element,
    SlackMessage,
    actions,
    button,
    context,
    header,
    message,
    opening,
    paragraph,
    preformatted,
    rich,
    table,
)
from handlers.slack.blocks.charts import POINTS, data_table, line_chart
from handlers.slack.blocks.sharing import share_button
from handlers.wording.bill_text import amount, month_of, state_of
from handlers.wording.formatting import counted, listing, name, number, period_name
from handlers.wording.rich_text import fallback_text
from handlers.wording.text_chart import month_label, usage_bars
from handlers.wording.usage_text import times_over, unrecorded, usage_finding
from models.period import Period
from models.queries.bill_list import BillLine
from models.usage.usage import UsageMonth

OPEN_SHOWN = 10
COLUMNS = ("Month", "Calls", "Included", "Over the limit")


def usage_report(
    customer: str,
    months: Sequence[UsageMonth],
    open_bills: Sequence[BillLine],
    share: int | None,
    running: Period | None = None,
    page: str | None = None,
    ahead: str | None = None,
) -> SlackMessage:
    """A customer's calls by month against the limit, and the bills that are not settled.

    `share` is the id that a button carries which shows them to everybody; None: no button.
    `running`: the month that is not over yet; `page`: the customer's address on the web; `ahead`:
    where the running month is heading.
    """
    told = usage_finding(customer, months, running)
    outlook = [paragraph(ahead)] if ahead else []
    lead = [header(_span(customer, months)), paragraph(told), *outlook]
    rest = [*_open(open_bills), *actions(*_share(share, months), *_page(page))]
    bars = _bars(months)
    chart = _line(months, running) or bars
    return message(
        fallback_text(" ".join(filter(None, (told, ahead)))),
        [*lead, *chart, *_sortable_months(months), *_note(months), *rest],
        [*lead, *bars, *_month_table(months), *_note(months), *rest],
    )


def _span(customer: str, months: Sequence[UsageMonth]) -> str:
    if not months:
        return f"Usage: {name(customer, 130)}"
    first, last = period_name(months[0].period), period_name(months[-1].period)
    return f"Usage: {name(customer, 100)}, {first if first == last else f'{first} to {last}'}"


def _line(months: Sequence[UsageMonth], running: Period | None) -> list[Block]:
    """The months in contract that are over, against the limit; nothing where one of them has no
    figure, as Slack's charts have no gaps.
    """
    closed = [month for month in months if month.period != running]
    over = _within_contract(closed)[-POINTS:]
    calls = [month.calls for month in over if month.calls is not None]
    if len(over) < 2 or len(calls) < len(over):
        return []
    labels = [month_label(month.period) for month in over]
    series = {"Calls": calls, "Included": [month.limit_calls for month in over]}
    return [line_chart("Calls a month, and how many are included", labels, series, "Calls")]


def _within_contract(months: Sequence[UsageMonth]) -> Sequence[UsageMonth]:
    """Without those before the first and after the last that are in contract or have calls."""
    at = [index for index, month in enumerate(months) if not month.is_outside]
    return months[at[0] : at[-1] + 1] if at else []


def _bars(months: Sequence[UsageMonth]) -> list[Block]:
    if not months:
        return []
    drawn = rich(preformatted(usage_bars(months[-MONTHS_CHARTED:])))
    return [drawn, context("│ marks the limit, ▓ what is over it.")]


def _sortable_months(months: Sequence[UsageMonth]) -> list[Block]:
    rows = _rows(months)
    return (
        [data_table(times_over(months).capitalize(), COLUMNS, rows), *_earlier(months)]
        if rows
        else []
    )


def _month_table(months: Sequence[UsageMonth]) -> list[Block]:
    rows = [
        [cell if isinstance(cell, str) else number(cell) for cell in row] for row in _rows(months)
    ]
    return [table(COLUMNS, rows, right=[1, 2, 3]), *_earlier(months)] if rows else []


def _rows(months: Sequence[UsageMonth]) -> list[list[str | int]]:
    """Newest first, at most five years."""
    return [
        [
            period_name(month.period),
            unrecorded(month) if month.calls is None else month.calls,
            month.limit_calls,
            "unknown" if month.calls is None else month.over_calls,
        ]
        for month in reversed(months[-MONTHS_SHOWN:])
    ]


def _earlier(months: Sequence[UsageMonth]) -> list[Block]:
    earlier = len(months) - MONTHS_SHOWN
    if earlier <= 0:
        return []
    return [paragraph(f"and {counted(earlier, 'earlier month')}: ask for fewer to see them.")]


def _open(open_bills: Sequence[BillLine]) -> list[Block]:
    if not open_bills:
        return [paragraph("No open bills.")]
    told = [f"#{one.id} {month_of(one)}, {amount(one)}, {state_of(one)}" for one in open_bills]
    return [paragraph(f"Open bills: {listing(told, most=OPEN_SHOWN)}.")]


def _note(months: Sequence[UsageMonth]) -> list[Block]:
    """As in "Bills are in USD, from November 2026 in JPY."."""
    if not months:
        return []
    changed = [
        f", from {period_name(month.period)} in {month.currency}"
        for before, month in pairwise(months)
        if month.currency != before.currency
    ]
    return [context(f"Bills are in {months[0].currency}{''.join(changed)}.")]


def _page(address: str | None) -> list[Element]:
    return [opening(button(ActionId.OPEN_PAGE, "Web page", pack()), address)] if address else []


def _share(customer_id: int | None, months: Sequence[UsageMonth]) -> list[Element]:
    if customer_id is None or not months:
        return []
    first, last = str(months[0].period), str(months[-1].period)
    shown = pack(customer=customer_id, first=first, last=last)
    return [share_button(ActionId.SHARE_USAGE, shown)]
