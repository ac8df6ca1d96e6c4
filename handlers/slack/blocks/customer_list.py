"""Customers as a list, a page at a time."""

from handlers.slack.blocks.action_ids import ActionId, fits, pack
from handlers.slack.blocks.block_kit import (
    Block,
    SlackMessage,
    actions,
    button,
    context,
    header,
    message,
    paragraph,
    sentence_message,
    table,
)
from handlers.wording.customer_text import price_text
from handlers.wording.formatting import counted, name, number, period_name, slash
from handlers.wording.rich_text import code, fallback_text
from handlers.wording.usage_text import unrecorded
from models.queries.customer_list import MOST_COUNTED, CustomerLine, CustomerPage


def customer_list(page: CustomerPage, called: str) -> SlackMessage:
    """A page of customers with what they used in its month; `called`: a part of their names.

    The button carries `called` and where the next page begins.
    """
    if not page.lines:
        hint = (" For all of them type ", code(slash("customer list")), ".") if called else ()
        return sentence_message(f"{_title(called)}: none.", *hint)
    told = f"{_count(page)}, by name, with what they used in {period_name(page.period)}."
    return message(
        fallback_text(f"{_title(called)}: {told}"),
        [
            header(_title(called)),
            paragraph(told),
            _table(page),
            context(f"To see one with its open bills, type {slash('customer')} and its name."),
            *actions(*_next(page, called)),
        ],
    )


def _title(called: str) -> str:
    return f"Customers like “{name(called, 80)}”" if called else "Customers"


def _count(page: CustomerPage) -> str:
    assert page.count is not None
    if page.count > MOST_COUNTED:
        return f"More than {counted(MOST_COUNTED, 'customer')}"
    return counted(page.count, "customer")


def _table(page: CustomerPage) -> Block:
    head = ("Customer", "CSM", "Used", "Included", "Price of a call over", "Open bills")
    return table(head, list(map(_row, page.lines)), right=[2, 3, 4, 5])


def _row(one: CustomerLine) -> list[str]:
    also = f", also {name(one.listed_as)}" if one.listed_as != one.name else ""
    used = one.usage
    over = f" ({number(used.over_calls)} over)" if used.over_calls else ""
    return [
        f"{name(one.name)}{also}",
        name(one.csm.name) if one.csm else "nobody",
        unrecorded(used) if used.calls is None else f"{number(used.calls)}{over}",
        number(used.limit_calls),
        price_text(one.unit_cost, used.currency),
        number(one.open_bills) if one.open_bills else "",
    ]


def _next(page: CustomerPage, called: str) -> list[dict[str, object]]:
    following = {"after": page.after, "text": called}
    if page.after is None or not fits(**following):
        return []
    return [button(ActionId.CUSTOMERS_PAGE, "Next page", pack(**following))]
