"""Many bills at once: lists, digests, and a customer's usage."""

from collections.abc import Mapping, Sequence
from typing import Any

from handlers.views.chart import usage_bars
from handlers.views.clicks import Click, fits, pack
from handlers.views.kit import (
    Block,
    SlackMessage,
    actions,
    button,
    code,
    confirm,
    context,
    header,
    message,
    preformatted,
    rich,
    saying,
    says,
    spoken,
    table,
)
from handlers.views.phrases import amount, bills, month_of, state_of
from handlers.views.words import (
    calls,
    counted,
    listing,
    name,
    number,
    period_name,
    slash,
    totals,
)
from models.money import comparable
from models.period import Period
from models.queries.bill_list import BillLine, Page
from models.queries.totals import totals_of
from models.usage.usage import UsageMonth

HEAD = ("Bill", "Customer", "Month", "Amount", "State")
OPEN_SHOWN = 10
MONTHS_SHOWN, MONTHS_CHARTED = 60, 24
DIGEST_SHOWN = 5


def bill_table(shown: Sequence[BillLine]) -> Block:
    rows = [
        [f"#{one.id}", name(one.customer), month_of(one), amount(one), state_of(one)]
        for one in shown
    ]
    return table(HEAD, rows, right=[3], whole=[0])


def bill_list(page: Page, title: str, filters: Mapping[str, Any]) -> SlackMessage:
    """A page of bills, with the count and the totals of the whole list.

    The button carries `filters`, `title` and where the next page begins.
    """
    if not page.lines:
        hint = (" For all bills type ", code(slash("bill list")), ".") if filters else ()
        return saying(f"{title}: none.", *hint)
    told = f"{title}: {bills(page.count)}, {totals(page.totals)}."
    following = {"after": page.after, "title": title, "filters": dict(filters)}
    more = page.after is not None and fits(**following)
    return message(
        spoken(told),
        [
            header(title),
            says(told),
            bill_table(page.lines),
            context(f"To see one with its buttons, type {slash('bill show')} and its number."),
            *(actions(button(Click.LIST_PAGE, "Next page", pack(**following))) if more else []),
        ],
    )


def usage(
    customer: str,
    currency: str,
    months: Sequence[UsageMonth],
    open_bills: Sequence[BillLine],
    share: int | None,
) -> SlackMessage:
    """A customer's calls by month against the limit, and the bills that are not settled.

    `share` is the id that a button carries which shows them to everybody; None: no button.
    """
    told = _finding(customer, months)
    return message(
        spoken(told),
        [
            header(_span(customer, months)),
            says(told),
            *_chart(months),
            *_month_table(months),
            *_open(open_bills),
            context(f"│ marks the limit, ▓ what is over it. Bills are in {currency}."),
            *_share(share, months),
        ],
    )


def _span(customer: str, months: Sequence[UsageMonth]) -> str:
    if not months:
        return f"Usage: {name(customer, 130)}"
    first, last = period_name(months[0].period), period_name(months[-1].period)
    return f"Usage: {name(customer, 100)}, {first if first == last else f'{first} to {last}'}"


def _finding(customer: str, months: Sequence[UsageMonth]) -> str:
    known = [month for month in months if month.calls is not None]
    if not known:
        return f"No usage is recorded for {name(customer)} in these months."
    latest = known[-1]
    month = f"{name(customer)} made {calls(latest.calls or 0)} in {period_name(latest.period)}"
    over = [one for one in known if one.over_calls]
    times = f"over the limit in {number(len(over))} of {counted(len(known), 'recorded month')}"
    return f"{month}, with {number(latest.limit_calls)} included; {times}."


def _chart(months: Sequence[UsageMonth]) -> list[Block]:
    return [rich(preformatted(usage_bars(months[-MONTHS_CHARTED:])))] if months else []


def _month_table(months: Sequence[UsageMonth]) -> list[Block]:
    """Newest first, at most five years."""
    if not months:
        return []
    rows = [
        [
            period_name(month.period),
            "not recorded" if month.calls is None else number(month.calls),
            number(month.limit_calls),
            "unknown" if month.calls is None else number(month.over_calls),
        ]
        for month in reversed(months[-MONTHS_SHOWN:])
    ]
    drawn = table(("Month", "Calls", "Included", "Over the limit"), rows, right=[1, 2, 3])
    earlier = len(months) - len(rows)
    rest = f"and {counted(earlier, 'earlier month')}: ask for fewer to see them."
    return [drawn, says(rest)] if earlier else [drawn]


def _open(open_bills: Sequence[BillLine]) -> list[Block]:
    if not open_bills:
        return [says("No open bills.")]
    told = [f"#{one.id} {month_of(one)}, {amount(one)}, {state_of(one)}" for one in open_bills]
    return [says(f"Open bills: {listing(told, most=OPEN_SHOWN)}.")]


def _share(customer_id: int | None, months: Sequence[UsageMonth]) -> list[Block]:
    if customer_id is None or not months:
        return []
    first, last = str(months[0].period), str(months[-1].period)
    warning = "Everybody in this conversation will see these figures, now and later."
    return actions(
        button(
            Click.SHARE_USAGE,
            "Share here",
            pack(customer=customer_id, first=first, last=last),
            ask=confirm("Share these figures?", warning, "Share"),
        )
    )


def digest(waiting: Sequence[BillLine], period: Period | None, listed: int) -> SlackMessage:
    """One message instead of many cards, when one approver gets more than ten bills at once.

    `waiting` are those of the `listed` bills that still do; `period` is the month of all of
    them, None where there are several.
    """
    if not waiting:
        return saying(f"All {number(listed)} are decided: none of these bills waits for you now.")
    biggest = sorted(waiting, key=lambda one: comparable(one.amount, one.currency), reverse=True)[
        :DIGEST_SHOWN
    ]
    month = f" of {period_name(period)}" if period else ""
    verb = "waits" if len(waiting) == 1 else "wait"
    decided = f" Of {number(listed)}, the others are decided." if len(waiting) < listed else ""
    told = f"{bills(len(waiting))}{month} {verb} for you: {totals(totals_of(waiting))}.{decided}"
    return message(
        spoken(told),
        [
            header(f"{bills(len(waiting))} {verb} for you"),
            says(told, f" The biggest {number(len(biggest))}:" if len(biggest) > 1 else ""),
            bill_table(biggest),
            says(
                "On Countersign’s Home tab you find the first ones with their buttons. For all of"
                " them type ",
                code(slash("bill list mine")),
                ", for one of them ",
                code(slash(f"bill show #{biggest[0].id}")),
                ".",
            ),
        ],
    )
